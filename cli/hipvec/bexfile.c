/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/bexfile.h"

#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "hip/param_core.h"
#include "hip/suite.h"

static const char *const members[] = { "initiator", "responder", "rvs" };

const json_t *bex_get(const struct vec_case *c, const char *name)
{
    const json_t *v = json_object_get(c->test, name);
    return v ? v : json_object_get(c->group, name);
}

struct span bex_hex(struct vec_case *c, const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    const char *text = json_string_value(v);
    size_t n = 0, len = text ? strlen(text) : 0;
    uint8_t *p = vec_alloc(c, len / 2);
    if (v && (!text || hex_decode(text, len, p, len / 2, &n) != ERR_OK))
        vec_malformed(c, "%s is not hexadecimal", name);
    return span_of(p, n);
}

static json_int_t number(struct vec_case *c, const json_t *o, const char *name, json_int_t max)
{
    const json_t *v = json_object_get(o, name);
    json_int_t n = json_integer_value(v);
    if (v && (!json_is_integer(v) || n < 0 || n > max)) {
        vec_malformed(c, "%s is no number, or out of range", name);
        return 0;
    }
    return n;
}

static void address(struct vec_case *c, const json_t *o, const char *name, struct addr *out)
{
    const json_t *v = json_object_get(o, name);
    if (v && (!json_is_string(v) || addr_parse(json_string_value(v), out) != ERR_OK))
        vec_malformed(c, "%s is no address", name);
}

/* ---- a party ---- */

void bex_put_di(json_t *o, struct hip_domain_id d)
{
    if (d.type != HIP_DI_NONE)
        put_hex(o, d.type == HIP_DI_FQDN ? "fqdn" : "nai", d.v);
}

static size_t list(struct vec_case *c, const json_t *o, const char *name, uint16_t *out, size_t max)
{
    const json_t *a = json_object_get(o, name);
    size_t i;
    json_t *v;
    if (a && (!json_is_array(a) || json_array_size(a) > max))
        vec_malformed(c, "%s is no list of at most %zu numbers", name, max);
    else
        json_array_foreach ((json_t *)a, i, v)
            out[i] = (uint16_t)json_integer_value(v);
    return vec_going(c) ? json_array_size(a) : 0;
}

static size_t list8(struct vec_case *c, const json_t *o, const char *name, uint8_t *out, size_t max)
{
    uint16_t wide[16] = { 0 };
    size_t n = list(c, o, name, wide, max);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)wide[i];
    return n;
}

static void read_conf(struct vec_case *c, const json_t *o, struct party_conf *p)
{
    const json_t *offer = json_object_get(o, "offer"), *request = json_object_get(o, "request");
    list8(c, o, "dh_groups", p->dh_groups, 8);
    list(c, o, "ciphers", p->ciphers, 6);
    list(c, o, "esp_suites", p->esp_suites, 6);
    list(c, o, "nat_modes", p->nat_modes, 4);
    p->puzzle_k = (uint8_t)number(c, o, "puzzle_k", 255);
    p->tell = json_is_true(json_object_get(o, "tell"));
    p->r1_counter = (uint64_t)number(c, o, "r1_counter", INT64_MAX);
    struct span fqdn = bex_hex(c, o, "fqdn"), nai = bex_hex(c, o, "nai");
    if (fqdn.n && nai.n)
        vec_malformed(c, "fqdn and nai: a HOST_ID has one domain identifier");
    else if ((fqdn.n && !conf_set_di(p, HIP_DI_FQDN, fqdn)) || (nai.n && !conf_set_di(p, HIP_DI_NAI, nai)))
        vec_malformed(c, fqdn.n ? "fqdn is no name in wire form" : "nai is no NAI");
    p->relayed_port = (uint16_t)number(c, o, "relayed_port", 65535);
    if (offer) {
        p->offer.present = true;
        p->offer.min = (uint8_t)number(c, offer, "min", 255);
        p->offer.max = (uint8_t)number(c, offer, "max", 255);
        p->offer.n = (uint8_t)list8(c, offer, "types", p->offer.type, HIP_REG_TYPES_MAX);
    }
    if (request) {
        p->request.present = true;
        p->request.lifetime = (uint8_t)number(c, request, "lifetime", 255);
        p->request.n = (uint8_t)list8(c, request, "types", p->request.type, HIP_REG_TYPES_MAX);
    }
}

static void read_draws(struct vec_case *c, const json_t *o, struct draws *d)
{
    const json_t *a = json_object_get(o, "draws");
    size_t i;
    json_t *v;
    d->given = true;
    json_array_foreach ((json_t *)a, i, v) {
        const char *name = json_string_value(json_object_get(v, "name"));
        if (!name || strlen(name) >= DRAW_NAME_MAX)
            vec_malformed(c, "a draw without a name");
        else
            draws_add(d, name, bex_hex(c, v, "value"));
    }
}

static void read_hi(struct vec_case *c, const json_t *o, const char *member, struct hip_hi *hi)
{
    struct span der = bex_hex(c, o, "hi_private"), id = bex_hex(c, o, "host_id");
    struct hip_host_id h;
    err e;
    if (!vec_going(c))
        return;
    if (der.n)
        e = hip_hi_from_private(der, hi);
    else if (hip_get_host_id(id, &h) == ERR_OK)
        e = hip_hi_from_wire(h.hi, hi);
    else
        e = ERR_MALFORMED;
    if (e == ERR_UNSUPPORTED)
        vec_skip(c, "host identity %s", json_string_value(json_object_get(o, "hi_alg")));
    else if (e != ERR_OK)
        vec_malformed(c, "%s has neither a usable hi_private nor host_id", member);
}

struct world *bex_read_world(struct vec_case *c)
{
    const json_t *packets = bex_get(c, "packets");
    struct world *w = world_new(json_object_get(json_array_get(packets, 0), "udp") != NULL);
    for (enum who i = WHO_I; i < WHO_PARTIES && vec_going(c); i++) {
        const json_t *o = bex_get(c, members[i]);
        struct party *p = &w->party[i];
        if (!o && i == WHO_RVS)
            continue;
        if (!json_is_object(o)) {
            vec_malformed(c, "no %s", members[i]);
            break;
        }
        p->present = true;
        read_hi(c, o, members[i], &p->hi);
        address(c, o, "addr", &p->addr);
        read_conf(c, json_object_get(o, "config"), &p->conf);
        read_draws(c, o, &p->draws);
    }
    if (vec_going(c))
        return w;
    world_free(w);
    return NULL;
}

bool bex_can_replay(const struct vec_case *c, const struct world *w)
{
    if (!json_is_array(bex_get(c, "script")))
        return false;
    for (enum who i = WHO_I; i < WHO_PARTIES; i++) {
        const struct party *p = &w->party[i];
        const json_t *o = bex_get(c, members[i]);
        if (p->present && (!sig_has_private(p->hi.key) || p->addr.family == ADDR_NONE ||
                           !json_object_get(o, "draws") || !json_object_get(o, "config")))
            return false;
    }
    return true;
}

bool bex_begin(struct world *w)
{
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        if (w->party[i].present && !world_begin(w, i))
            return false;
    return true;
}

/* ---- script and packets ---- */

void bex_read_script(struct vec_case *c, struct script *out)
{
    size_t i;
    json_t *o;
    out->n = 0;
    json_array_foreach ((json_t *)bex_get(c, "script"), i, o) {
        if (out->n == SCRIPT_MAX) {
            vec_malformed(c, "script of more than %d steps", SCRIPT_MAX);
            return;
        }
        struct step *s = &out->step[out->n++];
        *s = (struct step){ .what = step_of(json_string_value(json_object_get(o, "do"))),
                            .at = who_of(json_string_value(json_object_get(o, "at"))),
                            .to = who_of(json_string_value(json_object_get(o, "to"))),
                            .by = who_of(json_string_value(json_object_get(o, "by"))) };
        address(c, o, "addr", &s->addr);
        s->spi_out = (uint32_t)number(c, o, "spi_out", UINT32_MAX);
        s->spi_in = (uint32_t)number(c, o, "spi_in", UINT32_MAX);
        if (s->what == DO__COUNT || s->at >= WHO_PARTIES || s->to == WHO_X || s->by == WHO_X ||
            ((s->what == DO_MOVE || s->what == DO_PERMIT) && s->addr.family == ADDR_NONE))
            vec_malformed(c, "step %zu of the script is not one that we know", i + 1);
    }
}

void bex_read_packet(struct vec_case *c, const json_t *o, struct event *out)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    const json_t *udp = json_object_get(o, "udp");
    *out = (struct event){ .from = who_of(json_string_value(json_object_get(o, "from"))),
                           .to = who_of(json_string_value(json_object_get(o, "to"))) };
    out->esp = type && strcmp(type, "ESP") == 0;
    address(c, o, "src", &out->path.peer);
    address(c, o, "dst", &out->path.local);
    if (udp) {
        out->path.peer.port = (uint16_t)number(c, udp, "sport", 65535);
        out->path.local.port = (uint16_t)number(c, udp, "dport", 65535);
    }
    out->wire = bex_hex(c, o, "wire");
    if (!json_object_get(o, "wire") || out->to >= WHO_PARTIES || out->from == WHO_NONE ||
        out->path.peer.family != out->path.local.family)
        vec_malformed(c, "a packet without wire, from, to, or with addresses of two families");
}

/* ---- where a packet is put in that must do no harm ---- */

void bex_read_limits(struct vec_case *c, struct party_limits *out)
{
    const json_t *o = json_object_get(c->test, "limits");
    const json_t *actions = json_object_get(o, "actions");
    struct agent_limits *r = &out->relay;
    out->associations = (uint32_t)number(c, o, "associations", 1024);
    out->r1_per_s = (uint32_t)number(c, o, "r1_per_s", 1000);
    out->full = actions && number(c, o, "actions", 0) == 0;
    r->permissions = (uint32_t)number(c, o, "permissions", 1024);
    r->per_client = (uint8_t)number(c, o, "permissions_per_client", FA_CLIENT_FLOWS_MAX);
    r->client_packet_s = (uint32_t)number(c, o, "client_packet_s", UINT32_MAX);
    r->client_bit_s = (uint64_t)number(c, o, "client_bit_s", INT64_MAX);
    r->total_bit_s = (uint64_t)number(c, o, "total_bit_s", INT64_MAX);
}

static void read_bursts(struct vec_case *c, struct inject *out)
{
    size_t i;
    json_t *o;
    json_array_foreach (json_object_get(c->test, "before"), i, o) {
        if (out->n_before == BURSTS_MAX) {
            vec_malformed(c, "more than %d packets before the bad one", BURSTS_MAX);
            return;
        }
        struct burst *b = &out->before[out->n_before++];
        b->times = (unsigned)number(c, o, "times", 1000);
        bex_read_packet(c, json_object_get(o, "packet"), &b->packet);
        if (b->packet.to != out->to)
            vec_malformed(c, "what comes before the bad packet goes to somebody else");
    }
}

void bex_read_inject(struct vec_case *c, struct inject *out)
{
    const json_t *bad = json_object_get(c->test, "bad"), *expect = json_object_get(c->test, "expect");
    struct event e;
    *out = (struct inject){ 0 };
    if (!json_is_object(bad) || !json_is_object(expect)) {
        vec_malformed(c, "a bad packet needs bad and expect");
        return;
    }
    bex_read_packet(c, bad, &e);
    out->to = e.to;
    out->path = e.path;
    out->wire = e.wire;
    out->esp = e.esp;
    out->after = (size_t)json_integer_value(json_object_get(expect, "after"));
    out->instead = json_is_true(json_object_get(expect, "instead"));
    if (who_of(json_string_value(json_object_get(expect, "at"))) != e.to)
        vec_malformed(c, "bad.to and expect.at are not the same");
    read_bursts(c, out);
}

/* ---- writing ---- */

static json_t *numbers(const uint16_t *v, size_t max)
{
    json_t *a = json_array();
    for (size_t i = 0; i < max && v[i]; i++)
        json_array_append_new(a, json_integer(v[i]));
    return a;
}

static json_t *numbers8(const uint8_t *v, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_integer(v[i]));
    return a;
}

static json_t *conf_json(const struct party_conf *p)
{
    json_t *o = json_object();
    size_t n = 0;
    while (n < 8 && p->dh_groups[n])
        n++;
    json_object_set_new(o, "dh_groups", numbers8(p->dh_groups, n));
    json_object_set_new(o, "ciphers", numbers(p->ciphers, 6));
    json_object_set_new(o, "esp_suites", numbers(p->esp_suites, 6));
    if (p->nat_modes[0])
        json_object_set_new(o, "nat_modes", numbers(p->nat_modes, 4));
    put_int(o, "puzzle_k", p->puzzle_k);
    if (p->tell)
        json_object_set_new(o, "tell", json_true());
    put_int(o, "r1_counter", (json_int_t)p->r1_counter);
    bex_put_di(o, conf_di(p));
    if (p->relayed_port)
        put_int(o, "relayed_port", p->relayed_port);
    if (p->offer.present)
        json_object_set_new(o, "offer",
                            json_pack("{s:i, s:i, s:o}", "min", p->offer.min, "max", p->offer.max, "types",
                                      numbers8(p->offer.type, p->offer.n)));
    if (p->request.present)
        json_object_set_new(o, "request",
                            json_pack("{s:i, s:o}", "lifetime", p->request.lifetime, "types",
                                      numbers8(p->request.type, p->request.n)));
    return o;
}

json_t *bex_party_json(const struct party *p, json_t *x)
{
    json_t *o = json_object(), *draws = json_array(), *v;
    const char *name;
    char text[ADDR_TEXT_MAX];
    uint8_t *der = NULL;
    size_t n = 0;
    json_object_set(o, "hi_alg", json_object_get(x, "hi_alg"));
    if (sig_to_private(p->hi.key, &der, &n) == ERR_OK)
        put_hex(o, "hi_private", span_of(der, n));
    sec_free(der);
    json_object_foreach (x, name, v)
        if (!json_object_get(o, name))
            json_object_set(o, name, v);
    put_text(o, "addr", addr_format(&p->addr, text));
    for (size_t i = 0; i < p->draws.n; i++) {
        json_t *d = json_object();
        put_text(d, "name", p->draws.v[i].name);
        put_hex(d, "value", p->draws.v[i].v);
        json_array_append_new(draws, d);
    }
    json_object_set_new(o, "draws", draws);
    json_object_set_new(o, "config", conf_json(&p->conf));
    return o;
}

json_t *bex_script_json(const struct script *s)
{
    json_t *a = json_array();
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < s->n; i++) {
        const struct step *t = &s->step[i];
        json_t *o = json_object();
        put_text(o, "do", step_name(t->what));
        put_text(o, "at", who_name(t->at));
        if (t->to != WHO_NONE)
            put_text(o, "to", who_name(t->to));
        if (t->by != WHO_NONE)
            put_text(o, "by", who_name(t->by));
        if (t->addr.family != ADDR_NONE)
            put_text(o, "addr", addr_format(&t->addr, text));
        if (t->what == DO_PERMIT) {
            put_int(o, "spi_out", t->spi_out);
            put_int(o, "spi_in", t->spi_in);
        }
        json_array_append_new(a, o);
    }
    return a;
}

json_t *bex_suite_json(const struct world *w, enum who responder)
{
    const struct party *p = &w->party[responder];
    json_t *o = json_object();
    put_int(o, "dh_group", p->conf.dh_groups[0]);
    put_int(o, "hip_cipher", p->conf.ciphers[0]);
    put_int(o, "hit_suite", p->hi.suite);
    put_text(o, "rhash", hash_name(p->hi.rhash));
    put_int(o, "esp_suite", p->conf.esp_suites[0]);
    put_int(o, "transport_format", HIP_PAR_ESP_TRANSFORM);
    return o;
}

void bex_put_test(json_t *test, const struct world *w, const struct script *s, struct explained *x)
{
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        if (w->party[i].present)
            json_object_set_new(test, members[i], bex_party_json(&w->party[i], x->party[i]));
    json_object_set_new(test, "script", bex_script_json(s));
    if (x->puzzle)
        json_object_set(test, "puzzle", x->puzzle);
    if (x->rvs_puzzle)
        json_object_set(test, "rvs_puzzle", x->rvs_puzzle);
    json_object_set(test, "keymats", x->keymats);
    json_object_set(test, "packets", x->packets);
}
