/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/genplan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dnsupd/name.h"
#include "hip/param_nat.h"
#include "hip/suite.h"

#define GEN_THIRD (GEN_RENDEZVOUS | GEN_RELAY) /* there is a server between them */
#define PUZZLE_K  6                            /* solved in a moment, and still a puzzle */
/* Of a Forwarding Agent and the permission that its client asks for. */
#define RELAYED_PORT 40000
#define PERMIT_OUT   0x10293847
#define PERMIT_IN    0x56473829

static const struct gen_key keys[] = {
    { "RSA-2048", 1, SIG_RSA, 2048 },  { "RSA-3072", 1, SIG_RSA, 3072 },
    { "P-256", 2, SIG_ECDSA_P256, 0 }, { "P-384", 2, SIG_ECDSA_P384, 0 },
    { "DSA", 1, SIG_DSA, 0 },          { "SECP160R1", 3, SIG_ECDSA_SECP160R1, 0 },
    { "Ed25519", 5, SIG_ED25519, 0 },  { "Ed448", 5, SIG_ED448, 0 },
};

static const struct {
    const char *name;
    unsigned bit;
} kinds[] = {
    { "opportunistic", GEN_OPPORTUNISTIC },
    { "registration", GEN_REGISTRATION },
    { "rendezvous", GEN_RENDEZVOUS },
    { "relay", GEN_RELAY },
    { "data-relay", GEN_DATA_RELAY },
    { "simultaneous", GEN_SIMULTANEOUS },
    { "update", GEN_UPDATE },
    { "move", GEN_MOVE },
    { "rekey", GEN_REKEY },
    { "rekey-dh", GEN_REKEY_DH },
    { "notify", GEN_NOTIFY },
    { "close", GEN_CLOSE },
};

#define N(a) (sizeof(a) / sizeof *(a))

static bool key_there(const struct gen_key *k)
{
    const struct hip_hit_suite *s = hip_hit_suite(k->hit_suite);
    return s && s->supported;
}

const struct gen_key *gen_key(const char *name)
{
    char *end;
    unsigned long id = strtoul(name, &end, 10);
    for (size_t i = 0; i < N(keys); i++)
        if ((strcasecmp(keys[i].name, name) == 0 || (!*end && id == keys[i].hit_suite)) &&
            key_there(&keys[i]))
            return &keys[i];
    return NULL;
}

bool gen_kinds(const char *text, unsigned *out)
{
    *out = 0;
    for (size_t n; *text; text += n + (text[n] == ',')) {
        bool found = false;
        n = strcspn(text, ",");
        for (size_t i = 0; i < N(kinds); i++)
            if (strlen(kinds[i].name) == n && strncmp(kinds[i].name, text, n) == 0) {
                *out |= kinds[i].bit;
                found = true;
            }
        if (!found && !(n == 3 && strncmp(text, "bex", 3) == 0))
            return false;
    }
    return true;
}

static bool is(const char *text, unsigned id, const char *name)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    return strcasecmp(text, name) == 0 || (*text && !*end && v == id);
}

const char *gen_suite(const char *text, struct gen_plan *out)
{
    char part[4][64] = { "", "", "", "" };
    for (int i = 0; i < 4; i++) {
        size_t n = i < 3 ? strcspn(text, "/") : strlen(text); /* names of ESP suites have a / of their own */
        if (n == 0 || n >= sizeof part[i])
            return "a suite is DH/CIPHER/HIT/ESP";
        memcpy(part[i], text, n);
        text += n + (text[n] == '/');
    }
    const struct hip_dh_suite *d;
    const struct hip_cipher_suite *c;
    const struct hip_esp_suite *e;
    for (size_t i = 0; (d = hip_dh_suite_at(i)); i++)
        if (d->supported && is(part[0], d->id, d->name))
            out->dh_group = d->id;
    for (size_t i = 0; (c = hip_cipher_suite_at(i)); i++)
        if (c->supported && is(part[1], c->id, c->name))
            out->cipher = c->id;
    for (size_t i = 0; (e = hip_esp_suite_at(i)); i++)
        if (e->supported && is(part[3], e->id, e->name))
            out->esp_suite = e->id;
    out->responder = gen_key(part[2]);
    return !out->dh_group    ? "this Diffie-Hellman group is not supported"
           : !out->cipher    ? "this HIP cipher is not supported"
           : !out->responder ? "this host identity or HIT suite is not supported"
           : !out->esp_suite ? "this ESP suite is not supported"
                             : NULL;
}

void gen_list(void)
{
    const struct hip_dh_suite *d;
    const struct hip_cipher_suite *c;
    const struct hip_esp_suite *e;
    for (size_t i = 0; (d = hip_dh_suite_at(i)); i++)
        if (d->supported)
            printf("dh     %-3u %s\n", d->id, d->name);
    for (size_t i = 0; (c = hip_cipher_suite_at(i)); i++)
        if (c->supported)
            printf("cipher %-3u %s\n", c->id, c->name);
    for (size_t i = 0; i < N(keys); i++)
        if (key_there(&keys[i]))
            printf("hit    %-3u %s\n", keys[i].hit_suite, keys[i].name);
    for (size_t i = 0; (e = hip_esp_suite_at(i)); i++)
        if (e->supported)
            printf("esp    %-3u %s\n", e->id, e->name);
}

/* ---- the world ---- */

static struct addr address(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a) != ERR_OK)
        abort();
    return a;
}

static const char *const addresses[2][WHO_PARTIES + 1] = {
    { "192.0.2.1", "198.51.100.2", "203.0.113.3", "192.0.2.77" },
    { "2001:db8:1::1", "2001:db8:2::2", "2001:db8:3::3", "2001:db8:1::77" },
};

/* Behind those of the plan; not what only authenticates, nor NULL-ENCRYPT. */
static void widen(struct party_conf *c)
{
    static const uint8_t groups[] = { 8, 7, 9, 4, 11, 3, 10 };
    static const uint16_t ciphers[] = { 4, 2 }, esp[] = { 13, 12, 9, 8 };
    size_t n = 1;
    for (size_t i = 0; i < N(groups); i++)
        if (groups[i] != c->dh_groups[0] && hip_dh_suite(groups[i])->supported)
            c->dh_groups[n++] = groups[i];
    n = 1;
    for (size_t i = 0; i < N(ciphers); i++)
        if (ciphers[i] != c->ciphers[0])
            c->ciphers[n++] = ciphers[i];
    n = 1;
    for (size_t i = 0; i < N(esp); i++)
        if (esp[i] != c->esp_suites[0] && hip_esp_suite(esp[i])->supported)
            c->esp_suites[n++] = esp[i];
}

bool gen_name(const char *text, struct gen_plan *out)
{
    struct dnsu_name name;
    bool nai = strchr(text, '@') != NULL;
    if (!nai && dnsu_name_from_text(text, &name) != ERR_OK)
        return false;
    const struct hip_domain_id d = { nai ? HIP_DI_NAI : HIP_DI_FQDN,
                                     nai ? span_str(text) : dnsu_name_span(&name) };
    if (!hip_domain_id_ok(&d))
        return false;
    out->di_type = d.type;
    out->di_len = (uint8_t)d.v.n;
    memcpy(out->di, d.v.p, d.v.n);
    return true;
}

static void conf(const struct gen_plan *p, enum who who, struct party_conf *c)
{
    static const char fqdn[] = "\2mn\7example\3org";
    bool third = p->kinds & GEN_THIRD, server = who == (third ? WHO_RVS : WHO_R);
    uint8_t type = p->kinds & GEN_RELAY        ? HIP_REGT_RELAY_UDP_HIP
                   : p->kinds & GEN_DATA_RELAY ? HIP_REGT_RELAY_UDP_ESP
                                               : HIP_REGT_RENDEZVOUS;
    c->dh_groups[0] = p->dh_group;
    c->ciphers[0] = p->cipher;
    c->esp_suites[0] = p->esp_suite;
    c->nat_modes[0] = p->udp ? HIP_NAT_UDP_ENCAPSULATION : 0;
    if (third && p->udp && who != WHO_RVS) { /* by a relay there is no other mode (RFC 9028 s4.3) */
        c->nat_modes[0] = HIP_NAT_ICE_HIP_UDP;
        c->nat_modes[1] = HIP_NAT_UDP_ENCAPSULATION;
    }
    c->puzzle_k = PUZZLE_K;
    c->tell = p->tell;
    if (p->wide)
        widen(c);
    if (who == WHO_I && p->di_type != HIP_DI_NONE)
        (void)!conf_set_di(c, p->di_type, span_of(p->di, p->di_len)); /* gen_name() has looked at it */
    if (!(p->kinds & (GEN_REGISTRATION | GEN_THIRD | GEN_DATA_RELAY)))
        return;
    if (server && type == HIP_REGT_RELAY_UDP_ESP) { /* what a Forwarding Agent offers (fa/core/fa.c) */
        c->relayed_port = RELAYED_PORT;
        c->offer = (struct hip_reg_info){
            .present = true, .min = 91, .max = 158, .n = 2, .type = { HIP_REGT_RENDEZVOUS, type }
        };
    } else if (server) {
        c->offer = (struct hip_reg_info){ .present = true, .min = 80, .max = 150, .n = 1, .type = { type } };
    } else {
        c->request = (struct hip_reg_list){ .present = true, .lifetime = 140, .n = 1, .type = { type } };
        if (c->di_type == HIP_DI_NONE) /* the empty label at its end is the string's */
            (void)!conf_set_di(c, HIP_DI_FQDN, span_of(fqdn, sizeof fqdn));
    }
}

/* From a list of its own, so that a party's draws begin with the exchange. */
static bool identity(const struct gen_plan *p, enum who who, const struct gen_key *k, struct hip_hi *out)
{
    struct draws d = { .party = who_name(who), .seed = p->seed };
    struct env env = draws_env(&d);
    struct sig_key *key = sig_generate_drawn(k->type, k->bits, &env);
    draws_done(&d);
    return key && hip_hi_from_key(key, out) == ERR_OK;
}

struct world *gen_world(const struct gen_plan *p)
{
    struct world *w = world_new(p->udp);
    for (enum who i = WHO_I; i < WHO_PARTIES; i++) {
        struct party *q = &w->party[i];
        if (i == WHO_RVS && !(p->kinds & GEN_THIRD))
            continue;
        q->addr = address(addresses[p->v6][i]);
        q->draws.seed = p->seed;
        conf(p, i, &q->conf);
        if (!identity(p, i, i == WHO_I ? p->initiator : p->responder, &q->hi)) {
            world_free(w);
            return NULL;
        }
    }
    /* Of two who begin at once, the greater HIT answers (RFC 7401 s4.4.4): I is who goes on as Initiator. */
    if ((p->kinds & GEN_SIMULTANEOUS) && hit_cmp(&w->party[WHO_I].hi.hit, &w->party[WHO_R].hi.hit) > 0) {
        struct hip_hi t = w->party[WHO_I].hi;
        w->party[WHO_I].hi = w->party[WHO_R].hi;
        w->party[WHO_R].hi = t;
    }
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        if (w->party[i].hi.key && !world_begin(w, i))
            break;
    return w;
}

static void add(struct script *s, enum step_do what, enum who at)
{
    s->step[s->n++] = (struct step){ .what = what, .at = at, .to = WHO_NONE, .by = WHO_NONE };
}

/* A peer of the client's, which may send to its relayed address. */
static void permission(const struct gen_plan *p, struct script *s)
{
    add(s, DO_PERMIT, WHO_I);
    struct step *t = &s->step[s->n - 1];
    t->addr = address(addresses[p->v6][WHO_RVS]);
    t->addr.port = HIP_UDP_PORT;
    t->spi_out = PERMIT_OUT;
    t->spi_in = PERMIT_IN;
}

static void data(struct script *s)
{
    add(s, DO_ESP, WHO_I);
    add(s, DO_ESP, WHO_R);
}

void gen_script(const struct gen_plan *p, struct script *out)
{
    unsigned k = p->kinds;
    bool both = k & GEN_SIMULTANEOUS;
    *out = (struct script){ 0 };
    if (k & GEN_THIRD) {
        add(out, DO_CONNECT, WHO_R);
        out->step[0].to = WHO_RVS;
    }
    add(out, both ? DO_CONNECT_BOTH : k & GEN_OPPORTUNISTIC ? DO_CONNECT_OPPORTUNISTIC : DO_CONNECT, WHO_I);
    if (k & GEN_THIRD)
        out->step[out->n - 1].by = WHO_RVS;
    if (k & GEN_DATA_RELAY) {
        permission(p, out);
        return;
    }
    data(out);
    if (k & GEN_UPDATE) {
        add(out, both ? DO_UPDATE_BOTH : DO_UPDATE, WHO_I);
        add(out, DO_UPDATE, WHO_R);
    }
    if (k & GEN_MOVE) {
        add(out, DO_MOVE, WHO_I);
        out->step[out->n - 1].addr = address(addresses[p->v6][WHO_PARTIES]);
        data(out);
    }
    if (k & GEN_REKEY) {
        add(out, both ? DO_REKEY_BOTH : DO_REKEY, WHO_I);
        data(out);
        if (!both)
            add(out, DO_REKEY, WHO_R);
    }
    if (k & GEN_REKEY_DH) {
        add(out, both ? DO_REKEY_DH_BOTH : DO_REKEY_DH, WHO_R);
        data(out);
    }
    if (k & GEN_NOTIFY)
        add(out, DO_NOTIFY, WHO_R);
    if (k & GEN_CLOSE)
        add(out, both ? DO_CLOSE_BOTH : DO_CLOSE, WHO_I);
}

json_t *gen_flags(const struct gen_plan *p)
{
    json_t *a = json_array();
    json_array_append_new(a, json_string("bex"));
    if (!(p->kinds & GEN_DATA_RELAY))
        json_array_append_new(a, json_string("esp"));
    for (size_t i = 0; i < N(kinds); i++)
        if (p->kinds & kinds[i].bit)
            json_array_append_new(a, json_string(kinds[i].bit == GEN_REKEY_DH ? "rekey_dh" : kinds[i].name));
    if (p->udp)
        json_array_append_new(a, json_string("udp"));
    return a;
}
