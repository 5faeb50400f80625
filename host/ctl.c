/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "host/core/transfer.h"
#include "host/ctl_ping.h"
#include "host/ctl_sim.h"
#include "host/esp_conf.h"

#define LOOKUPS_MAX  16
#define EVENTS_SHOWN 50 /* unless asked otherwise */

struct host_ctl {
    struct host_worker *worker;
    const struct host_stub *stub;
    struct rt_ctl *ctl;
    struct host_ctl_ping *ping;
    struct host_ctl_sim sim;
    struct {
        uint64_t ticket; /* 0: free */
        struct rt_ctl_req *req;
    } lookup[LOOKUPS_MAX];
    uint64_t last_ticket;
};

static json_t *hit_json(const struct hit *h)
{
    char text[HIT_TEXT_MAX];
    return hit_is_null(h) ? json_null() : json_string(hit_format(h, text));
}

static json_t *addr_json(const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    return a->family == ADDR_NONE ? json_null() : json_string(addr_format(a, text));
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static void set(json_t *to, const char *key, json_t *v)
{
    if (v == NULL || json_object_set_new(to, key, v) != 0)
        abort(); /* out of memory */
}

/* The LSI that a peer has; null: none, or there are none here. */
static json_t *lsi_json(const struct host_ctl *c, const struct hit *h)
{
    const struct host_lsis *t = host_worker_lsis(c->worker);
    struct addr a;

    return t && host_lsi_find(t, h, &a) ? addr_json(&a) : json_null();
}

static json_t *own_lsi_json(const struct host_ctl *c)
{
    const struct host_lsis *t = host_worker_lsis(c->worker);
    struct addr a = t ? host_lsi_own(t) : (struct addr){ 0 };

    return addr_json(&a);
}

/* ---- status ---- */

/* One word for what the user wants to know: are we bound, and if not, why not. */
static const char *binding_word(const struct host_status *s)
{
    if (s->bind == HOST_BIND_BOUND || s->bind == HOST_BIND_PENDING || s->bind == HOST_BIND_LOST ||
        s->bind == HOST_BIND_RUNNING)
        return host_bind_state_name(s->bind);
    return s->fa == HOST_FA_BACKOFF ? "backoff" : host_bind_state_name(s->bind);
}

static json_t *binding_json(const struct host_status *s)
{
    json_t *b = json_object();
    uint64_t now = rt_wall_s();

    set(b, "state", json_string(binding_word(s)));
    set(b, "fqdn", text_or_null(s->fqdn));
    set(b, "seconds", json_integer(s->bound_until_s > now ? (json_int_t)(s->bound_until_s - now) : 0));
    set(b, "runs", json_integer(s->runs));
    set(b, "runs_failed", json_integer(s->runs_failed));
    set(b, "retry_ms", json_integer((json_int_t)(s->retry_us / 1000)));
    set(b, "alarms", json_integer(s->alarms));
    return b;
}

static json_t *registration_json(const struct host_status *s)
{
    json_t *r = json_object();

    set(r, "state", json_string(host_fa_state_name(s->fa)));
    set(r, "hit", hit_json(&s->fa_hit));
    set(r, "name", text_or_null(s->fa_name));
    set(r, "address", addr_json(&s->fa_path.peer));
    set(r, "from", addr_json(&s->fa_path.local));
    set(r, "seen_at", addr_json(&s->fa_sees));
    set(r, "relayed", addr_json(&s->relayed));
    set(r, "seconds", json_integer((json_int_t)(s->reg_left_us / 1000000)));
    return r;
}

static json_t *addresses_json(const struct host_ctl *c, const struct host_status *s)
{
    json_t *v = json_array();

    for (size_t i = 0; i < s->n_addr; i++) {
        json_t *a = json_object();
        set(a, "address", addr_json(&s->addr[i].addr));
        set(a, "interface", json_string(host_ifaces_name(host_worker_ifaces(c->worker), s->addr[i].link)));
        set(a, "rank", json_integer(s->addr[i].rank));
        (void)json_array_append_new(v, a);
    }
    return v;
}

static json_t *counters_json(const struct host_ctl *c)
{
    const struct host_data_count *d = host_data_count(host_worker_data(c->worker));
    struct host_worker_count w = host_worker_count(c->worker);
    struct host_stub_count s = c->stub ? host_stub_count(c->stub) : (struct host_stub_count){ 0 };
    struct host_v4_count v4 = { 0 };

    if (host_worker_v4(c->worker))
        v4 = *host_v4_count(host_worker_v4(c->worker));
    const struct {
        const char *key;
        uint64_t v;
    } rows[] = {
        { "hip_in", w.hip_in },
        { "hip_out", w.hip_out },
        { "hip_dropped", w.hip_dropped },
        { "send_failed", w.send_failed },
        { "esp_sent", d->sent },
        { "esp_received", d->received },
        { "esp_no_spi", d->no_spi },
        { "esp_bad", d->bad },
        { "waited", d->waited },
        { "wait_dropped", d->wait_dropped },
        { "no_credit", d->no_credit },
        { "rekeys_asked", d->due },
        { "too_big", d->too_big },
        { "unreachable", d->unreachable },
        { "not_hit", d->not_hit },
        { "lsi_out", v4.out },
        { "lsi_in", v4.in },
        { "lsi_malformed", v4.malformed },
        { "lsi_spoofed", v4.spoofed },
        { "lsi_unknown", v4.unknown },
        { "lsi_no_identity", v4.no_identity },
        { "lsi_untranslated", v4.untranslated },
        { "lsi_clash", v4.clash },
        { "lsi_full", v4.full + s.lsi_full },
        { "queries", s.queries },
        { "queries_hit", s.hits },
        { "queries_forwarded", s.forwarded },
        { "queries_failed", s.failed },
        { "queries_dropped", s.dropped },
    };
    json_t *o = json_object();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        set(o, rows[i].key, json_integer((json_int_t)rows[i].v));
    return o;
}

/* Algorithm and Host Identity in hexadecimal: what the HIT is the hash of. */
static json_t *hi_json(const struct host_ctl *c)
{
    const struct hip_hi *hi = host_identity(host_worker_core(c->worker));
    char text[2 * HIP_HI_MAX + 1];

    return hi == NULL ? json_null() : json_string(hex_encode(span_of(hi->wire, hi->wire_len), text));
}

static void cmd_status(struct host_ctl *c, struct rt_ctl_req *req)
{
    struct host_status s;
    json_t *o = json_object();

    host_status(host_worker_core(c->worker), rt_now_us(), &s);
    set(o, "daemon", json_string("hiphostd"));
    set(o, "hit", s.has_hit ? hit_json(&s.hit) : json_null());
    set(o, "lsi", own_lsi_json(c));
    set(o, "hi", hi_json(c));
    set(o, "fqdn", text_or_null(s.fqdn));
    set(o, "sim", json_string(host_sim_state_name(s.sim)));
    set(o, "seal", json_string(host_seal_level_name(s.seal)));
    set(o, "fa", s.fa_name[0] ? json_string(s.fa_name) : hit_json(&s.fa_hit));
    set(o, "binding", binding_json(&s));
    set(o, "binding_seconds", json_incref(json_object_get(json_object_get(o, "binding"), "seconds")));
    set(o, "registration", registration_json(&s));
    set(o, "moves", json_integer(s.moves));
    set(o, "addresses", addresses_json(c, &s));
    set(o, "counters", counters_json(c));
    rt_ctl_reply(req, o);
}

/* ---- peers ---- */

/* Milliseconds with what is below them; null: not measured. */
static json_t *ms_json(uint32_t us)
{
    return us ? json_real((double)us / 1000) : json_null();
}

static json_t *pair_json(const struct hip_pair_view *p, uint64_t now)
{
    json_t *o = json_object();

    set(o, "local", addr_json(&p->local.base));
    set(o, "local_kind", json_string(hip_locator_kind_name(p->local.kind)));
    set(o, "as", addr_json(&p->local.addr));
    set(o, "remote", addr_json(&p->remote));
    set(o, "remote_kind", json_string(hip_locator_kind_name(p->remote_kind)));
    set(o, "state", json_string(hip_pair_state_name(p->state)));
    set(o, "used", json_boolean(p->nominated));
    set(o, "triggered", json_boolean(p->triggered));
    set(o, "tries", json_integer(p->tries));
    set(o, "rtt_ms", ms_json(p->rtt_us));
    set(o, "seconds",
        p->at_us ? json_integer(now > p->at_us ? (json_int_t)((now - p->at_us) / 1000000) : 0) : json_null());
    return o;
}

static json_t *pairs_json(const struct host_ctl *c, struct hip_ref ref, uint64_t now)
{
    const struct hip_engine *e = host_engine(host_worker_core(c->worker));
    json_t *v = json_array();
    struct hip_pair_view p;
    size_t pos = 0;

    while (ref.gen && hip_pair_next(e, ref, &pos, &p))
        (void)json_array_append_new(v, pair_json(&p, now));
    return v;
}

/* direct, relayed, or neither yet: what the user asks first. */
static const char *path_word(enum host_path_kind k)
{
    return k == HOST_PATH_RAW || k == HOST_PATH_UDP ? "direct" : host_path_kind_name(k);
}

static json_t *peer_json(const struct host_ctl *c, const struct host_status *s,
                         const struct host_peer_view *p, uint64_t now)
{
    struct esp_counters in = { 0 }, out = { 0 };
    json_t *o = json_object();

    set(o, "hit", hit_json(&p->hit));
    set(o, "lsi", lsi_json(c, &p->hit));
    set(o, "state", json_string(host_peer_state_name(p->state)));
    set(o, "name", text_or_null(p->name));
    set(o, "dnssec", p->name[0] ? json_string(dnsu_security_name(p->security)) : json_null());
    set(o, "path", p->kind == HOST_PATH_NONE ? json_null() : json_string(path_word(p->kind)));
    set(o, "why", text_or_null(p->why));
    set(o, "rtt_ms", ms_json(p->rtt_us));
    set(o, "kind", p->kind == HOST_PATH_NONE ? json_null() : json_string(host_path_kind_name(p->kind)));
    set(o, "address", addr_json(&p->path.peer));
    set(o, "from", addr_json(&p->path.local));
    set(o, "data_to", addr_json(&p->esp.peer));
    set(o, "pairs", pairs_json(c, p->ref, now));
    set(o, "fa", json_boolean(p->fa));
    set(o, "configured", json_boolean(p->configured));
    set(o, "seconds", json_integer(now > p->since_us ? (json_int_t)((now - p->since_us) / 1000000) : 0));
    set(o, "esp", p->state == HOST_PEER_UP ? json_string(host_esp_suite_name(p->esp_suite)) : json_null());
    set(o, "spi_in", json_sprintf("0x%08x", p->spi_in));
    set(o, "spi_out", json_sprintf("0x%08x", p->spi_out));
    (void)host_data_pair(host_worker_data(c->worker), &s->hit, &p->hit, &in, &out);
    set(o, "received", json_integer((json_int_t)in.packets));
    set(o, "sent", json_integer((json_int_t)out.packets));
    set(o, "replayed", json_integer((json_int_t)in.replayed));
    set(o, "bad", json_integer((json_int_t)in.bad_icv + (json_int_t)in.malformed));
    return o;
}

static void cmd_peers(struct host_ctl *c, struct rt_ctl_req *req)
{
    struct host_peer_view p;
    struct host_status s;
    size_t pos = 0;
    uint64_t now = rt_now_us();
    json_t *o = json_object(), *v = json_array();

    host_status(host_worker_core(c->worker), now, &s);
    while (host_peer_next(host_worker_core(c->worker), &pos, &p))
        (void)json_array_append_new(v, peer_json(c, &s, &p, now));
    set(o, "peers", v);
    rt_ctl_reply(req, o);
}

/* ---- resolve ---- */

static void cmd_resolve(struct host_ctl *c, struct rt_ctl_req *req, const json_t *args)
{
    const char *text = json_string_value(json_object_get(args, "name"));
    struct dnsu_name name;
    size_t i = 0;

    if (text == NULL || dnsu_name_from_text(text, &name)) {
        rt_ctl_error(req, "expected \"name\": a domain name");
        return;
    }
    while (i < LOOKUPS_MAX && c->lookup[i].ticket != 0)
        i++;
    if (i == LOOKUPS_MAX) {
        rt_ctl_error(req, "too many look-ups at once");
        return;
    }
    c->lookup[i].req = req;
    c->lookup[i].ticket = ++c->last_ticket | HOST_TICKET_CTL;
    host_worker_resolve(c->worker, &name, c->lookup[i].ticket);
}

static void answer_resolved(const struct host_ctl *c, struct rt_ctl_req *req, const struct host_action *a)
{
    json_t *o, *v, *lsis;
    struct addr lsi;

    if (a->resolved.e != ERR_OK) {
        rt_ctl_error(req, "%s",
                     a->resolved.e == ERR_NOT_FOUND     ? "there is no such name"
                     : a->resolved.e == ERR_AUTH        ? "refused: bogus, or the key is not the HIT's"
                     : a->resolved.e == ERR_UNREACHABLE ? "the DNS does not answer"
                                                        : err_text(a->resolved.e));
        return;
    }
    o = json_object();
    v = json_array();
    lsis = json_array();
    for (size_t i = 0; i < a->resolved.n; i++) {
        bool has = host_worker_lsi(c->worker, &a->resolved.hit[i], &lsi);
        (void)json_array_append_new(v, hit_json(&a->resolved.hit[i]));
        (void)json_array_append_new(lsis, has ? addr_json(&lsi) : json_null());
    }
    set(o, "hits", v);
    set(o, "lsis", lsis);
    set(o, "ttl", json_integer(a->resolved.ttl));
    rt_ctl_reply(req, o);
}

void host_ctl_resolved(void *ctx, const struct host_action *a)
{
    struct host_ctl *c = ctx;

    if (host_ctl_ping_told(c->ping, a))
        return;
    for (size_t i = 0; i < LOOKUPS_MAX; i++) {
        if (c->lookup[i].ticket != 0 && c->lookup[i].ticket == a->resolved.ticket) {
            c->lookup[i].ticket = 0;
            answer_resolved(c, c->lookup[i].req, a);
            return;
        }
    }
}

/* ---- the rest ---- */

static void cmd_events(struct host_ctl *c, struct rt_ctl_req *req, const json_t *args)
{
    json_int_t most = json_integer_value(json_object_get(args, "count"));

    rt_ctl_reply(req,
                 host_events_json(host_worker_events(c->worker), most > 0 ? (size_t)most : EVENTS_SHOWN));
}

static void cmd_move(struct host_ctl *c, struct rt_ctl_req *req, const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "interface"));

    if (host_ifaces_prefer(host_worker_ifaces(c->worker), name))
        rt_ctl_error(req, "no interface \"%s\"", name);
    else
        rt_ctl_reply(req, NULL);
}

/* The code is shown to whoever may use this socket, on his demand; it goes into no log. */
static void cmd_transfer(struct host_ctl *c, struct rt_ctl_req *req)
{
    uint8_t secret[HOST_SECRET_LEN];
    char code[HOST_CODE_MAX];
    err e = host_secret(host_worker_core(c->worker), secret);

    if (e) {
        rt_ctl_error(req, e == ERR_STATE ? "no SIM" : "the Forwarding Agent has no secret of this host");
        return;
    }
    host_code_write(secret, code);
    rt_ctl_reply(req, json_pack("{s:s}", "code", code));
    sec_wipe(secret, sizeof secret);
    sec_wipe(code, sizeof code);
}

static void cmd_takeover(struct host_ctl *c, struct rt_ctl_req *req, const json_t *args)
{
    const char *code = json_string_value(json_object_get(args, "code"));
    uint8_t secret[HOST_SECRET_LEN];
    err e = code ? host_code_read(code, secret) : ERR_OK;

    if (e) {
        rt_ctl_error(req, e == ERR_AUTH ? "the code was copied wrongly"
                                        : "expected the code that `hipctl transfer` shows");
        return;
    }
    e = host_worker_take_over(c->worker, code ? secret : NULL);
    sec_wipe(secret, sizeof secret);
    if (e)
        rt_ctl_error(req, e == ERR_STATE ? "no SIM" : "this host has a name");
    else
        rt_ctl_reply(req, NULL);
}

static void on_request(void *ctx, struct rt_ctl_req *req, const char *cmd, const json_t *args)
{
    struct host_ctl *c = ctx;

    if (strcmp(cmd, "status") == 0) {
        cmd_status(c, req);
    } else if (strcmp(cmd, "peers") == 0) {
        cmd_peers(c, req);
    } else if (strcmp(cmd, "resolve") == 0) {
        cmd_resolve(c, req, args);
    } else if (strcmp(cmd, "move") == 0) {
        cmd_move(c, req, args);
    } else if (strcmp(cmd, "events") == 0) {
        cmd_events(c, req, args);
    } else if (strcmp(cmd, "retry") == 0) {
        host_worker_retry(c->worker);
        rt_ctl_reply(req, NULL);
    } else if (strcmp(cmd, "transfer") == 0) {
        cmd_transfer(c, req);
    } else if (strcmp(cmd, "takeover") == 0) {
        cmd_takeover(c, req, args);
    } else if (!host_ctl_ping_command(c->ping, req, cmd, args) &&
               !host_ctl_sim_command(&c->sim, req, cmd, args)) {
        rt_ctl_error(req, "hiphostd has no command \"%s\"", cmd);
    }
}

err host_ctl_open(struct rt_loop *l, const struct env *env, struct host_worker *w,
                  const struct host_stub *stub, struct usim_pcsc *readers, const char *path,
                  struct host_ctl **out)
{
    struct host_ctl *c = calloc(1, sizeof(*c));
    err e = ERR_MEMORY;

    if (c == NULL)
        return e;
    c->worker = w;
    c->stub = stub;
    host_ctl_sim_init(&c->sim, w, env, readers);
    c->ping = host_ctl_ping_new(l, w);
    if (c->ping != NULL)
        e = rt_ctl_open(l, path, on_request, c, &c->ctl);
    if (e) {
        host_ctl_ping_free(c->ping);
        free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void host_ctl_close(struct host_ctl *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < LOOKUPS_MAX; i++)
        if (c->lookup[i].ticket != 0)
            rt_ctl_error(c->lookup[i].req, "the daemon ends");
    host_ctl_ping_free(c->ping);
    rt_ctl_close(c->ctl);
    free(c);
}
