/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands ping and explain: a name is resolved, its first HIT probed through HIP, and what is known of each step told.
 */
#include "host/ctl_ping.h"

#include <stdlib.h>
#include <string.h>

#define ASKED_MAX 16

struct asked {
    uint64_t ticket; /* 0: free */
    struct rt_ctl_req *req;
    bool explain, named, probing;
    struct dnsu_name name;
    struct hit hit;
};

struct host_ctl_ping {
    struct host_worker *worker;
    struct rt_timer *timer;
    struct asked asked[ASKED_MAX];
    uint64_t last_ticket;
};

static void set(json_t *to, const char *key, json_t *v)
{
    if (v == NULL || json_object_set_new(to, key, v) != 0)
        abort(); /* out of memory */
}

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

static json_t *ms_json(uint64_t us)
{
    return json_real((double)us / 1000.0);
}

static bool peer_of(const struct host *h, const struct hit *hit, struct host_peer_view *out)
{
    size_t pos = 0;

    while (host_peer_next(h, &pos, out))
        if (hit_eq(&out->hit, hit))
            return true;
    memset(out, 0, sizeof(*out));
    return false;
}

/* ---- the answer to ping ---- */

static const char *probe_text(err e)
{
    switch (e) {
    case ERR_OK:
        return "answered";
    case ERR_UNREACHABLE:
        return "no association with it";
    case ERR_TIMEOUT:
        return "no answer";
    default:
        return err_text(e);
    }
}

static const char *way(const struct host_peer_view *p)
{
    return p->kind == HOST_PATH_RAW || p->kind == HOST_PATH_UDP ? "direct" : host_path_kind_name(p->kind);
}

static json_t *probe_json(const struct host *h, const struct hit *hit, const struct host_action *a)
{
    struct host_peer_view p;
    json_t *o = json_object();

    set(o, "answered", json_boolean(a->probed.e == ERR_OK));
    set(o, "result", json_string(probe_text(a->probed.e)));
    set(o, "rtt_ms", a->probed.e == ERR_OK ? ms_json(a->probed.rtt_us) : json_null());
    if (peer_of(h, hit, &p) && p.state == HOST_PEER_UP) {
        const struct hip_path *path = a->probed.e == ERR_OK ? &a->probed.path : &p.esp;
        set(o, "path", json_string(way(&p)));
        set(o, "why", json_string(p.why));
        set(o, "from", addr_json(&path->local));
        set(o, "to", addr_json(&path->peer));
        set(o, "via", p.kind == HOST_PATH_RELAYED ? addr_json(&path->peer) : json_null());
    }
    return o;
}

/* ---- the answer to explain ---- */

struct report {
    json_t *steps;
    const char *stopped; /* the first step that was not well */
};

static void step(struct report *r, const char *what, bool ok, json_t *text)
{
    json_t *s = json_object();

    if (text == NULL)
        abort();
    set(s, "step", json_string(what));
    set(s, "ok", json_boolean(ok));
    set(s, "what", text);
    (void)json_array_append_new(r->steps, s);
    if (!ok && r->stopped == NULL)
        r->stopped = what;
}

static const char *name_fault(const struct host_explained *x)
{
    switch (x->name_e) {
    case ERR_OK:
        return "it has no HIP record: it is no HIP host's, or was never bound";
    case ERR_NOT_FOUND:
        return "there is no such name: never bound, or its binding ended";
    case ERR_AUTH:
        return x->security == DNSU_BOGUS
                   ? "DNSSEC says bogus: somebody changed it, or the zone's keys do not fit the anchor"
               : x->security == DNSU_INSECURE
                   ? "not signed, though resolver.require_dnssec wants it; or the HIT is not its key's hash"
                   : "the HIT in the record is not its key's hash: refused";
    default:
        return "the DNS does not answer: no resolver configured, or none reachable";
    }
}

static void dns_step(struct report *r, const struct asked *q, const struct host_explained *x)
{
    if (!q->named)
        return;
    if (!x->asked || x->name_e || x->n_record == 0) {
        step(r, "DNS", false, json_string(x->asked ? name_fault(x) : "it was not looked up"));
        return;
    }
    step(r, "DNS", true, json_sprintf("HIP record found, DNSSEC: %s", dnsu_security_name(x->security)));
    step(r, "HIT", true, json_string("it is the hash of the key in the record"));
}

static void server_step(struct report *r, const struct host_explained *x)
{
    char name[DNSU_NAME_TEXT_MAX], addr[ADDR_TEXT_MAX];
    size_t n = x->n_addr;

    for (size_t i = 0; i < x->n_rvs; i++)
        n += x->rvs[i].n;
    for (size_t i = 0; i < x->n_rvs; i++) {
        (void)dnsu_name_text(&x->rvs[i].name, name);
        if (x->rvs[i].n)
            step(r, "rendezvous server", true,
                 json_sprintf("%s at %s%s", name, addr_format(&x->rvs[i].addr[0], addr),
                              x->rvs[i].n > 1 ? " and more" : ""));
        else /* another one, if there is one, will do */
            step(r, "rendezvous server", n > 0,
                 json_sprintf("%s: %s", name,
                              x->rvs[i].known ? "it has no address in the DNS"
                                              : "its address was not looked up, or the DNS does not answer"));
    }
    if (x->n_rvs == 0 && x->n_addr)
        step(r, "addresses", true, json_sprintf("configured: %s", addr_format(&x->addr[0], addr)));
    if (x->n_rvs == 0 && x->n_addr == 0)
        step(r, "addresses", false, json_string("no record and no configuration says how to reach it"));
}

static void exchange_steps(struct report *r, const struct host_explained *x, bool up)
{
    const struct host_trace *t = &x->trace;
    char addr[ADDR_TEXT_MAX];

    if (!t->ours) {
        if (up)
            step(r, "base exchange", true, json_string("it connected to us"));
        return;
    }
    if (t->i1_us == 0) {
        step(r, "I1", false, json_sprintf("not sent: %s", t->why[0] ? t->why : "nothing to send it to yet"));
        return;
    }
    step(r, "I1", true,
         json_sprintf("to %zu address%s, first %s", t->n_to, t->n_to == 1 ? "" : "es",
                      t->n_to ? addr_format(&t->to[0], addr) : "-"));
    if (t->r1_us)
        step(r, "R1", true, json_sprintf("after %.1f ms", (double)(t->r1_us - t->i1_us) / 1000));
    else
        step(r, "R1", up,
             json_string("did not come: the rendezvous server is away or does not know the host (not "
                         "registered), the host "
                         "did not get the I1, or IP protocol 139 and UDP are filtered on the way"));
    if (t->r1_us && t->up_us)
        step(r, "I2, R2", true, json_sprintf("after %.1f ms more", (double)(t->up_us - t->r1_us) / 1000));
    else if (t->r1_us)
        step(r, "I2, R2", up,
             json_string("no R2: the host's policy refuses us, or the direct way between us is filtered"));
}

static void path_step(struct report *r, const struct host *h, const struct host_peer_view *p)
{
    struct hip_pair_view v;
    unsigned pairs = 0, good = 0;
    size_t pos = 0;

    while (hip_pair_next(host_engine(h), p->ref, &pos, &v)) {
        pairs++;
        good += v.state == HIP_PAIR_SUCCEEDED;
    }
    if (pairs)
        step(r, "NAT checks", p->kind != HOST_PATH_FAILED,
             json_sprintf("%u pairs of candidates, %u answered", pairs, good));
    step(r, "path", p->kind != HOST_PATH_FAILED && p->kind != HOST_PATH_CHECKING,
         json_sprintf("%s: %s", way(p), p->why));
}

static void explain(struct host_ctl_ping *c, const struct asked *q, const struct host_action *a)
{
    const struct host *h = host_worker_core(c->worker);
    struct report r = { .steps = json_array() };
    struct host_explained x;
    struct host_peer_view p;
    bool up = peer_of(h, &q->hit, &p) && p.state == HOST_PEER_UP, reached = a && a->probed.e == ERR_OK;
    json_t *o = json_object();

    host_explain(h, q->named ? &q->name : NULL, &q->hit, &x);
    dns_step(&r, q, &x);
    if (!hit_is_null(&q->hit)) {
        server_step(&r, &x);
        if (r.stopped == NULL || up)
            exchange_steps(&r, &x, up);
        if (up)
            path_step(&r, h, &p);
        if (a && (up || reached))
            step(&r, "probe", reached,
                 reached ? json_sprintf("answered in %.1f ms", (double)a->probed.rtt_us / 1000)
                         : json_sprintf("%s", probe_text(a->probed.e)));
    }
    set(o, "hit", hit_json(&q->hit));
    set(o, "reachable", json_boolean(reached));
    set(o, "stopped", !reached ? json_string(r.stopped ? r.stopped : "base exchange") : json_null());
    set(o, "steps", r.steps);
    if (a)
        set(o, "probe", probe_json(h, &q->hit, a));
    rt_ctl_reply(q->req, o);
}

/* ---- asking ---- */

static void over(struct host_ctl_ping *c, struct asked *q, const struct host_action *a)
{
    struct asked mine = *q;
    json_t *o;

    q->ticket = 0;
    if (mine.explain) {
        explain(c, &mine, a);
        return;
    }
    o = probe_json(host_worker_core(c->worker), &mine.hit, a);
    set(o, "hit", hit_json(&mine.hit));
    rt_ctl_reply(mine.req, o);
}

static void unresolved(struct host_ctl_ping *c, struct asked *q)
{
    struct asked mine = *q;
    struct host_explained x;

    q->ticket = 0;
    if (mine.explain) {
        explain(c, &mine, NULL);
        return;
    }
    host_explain(host_worker_core(c->worker), &mine.name, &mine.hit, &x);
    rt_ctl_error(mine.req, "%s", name_fault(&x));
}

/* A HIT, or the LSI of one. */
static bool read_hit(const struct host_ctl_ping *c, const char *text, struct hit *out)
{
    struct host_lsis *t = host_worker_lsis(c->worker);
    struct addr a;

    if (t && addr_parse(text, &a) == ERR_OK && a.family == ADDR_V4 && a.port == 0)
        return host_lsi_hit(t, &a, rt_now_us(), out);
    return hit_parse(text, out) == ERR_OK;
}

bool host_ctl_ping_command(struct host_ctl_ping *c, struct rt_ctl_req *req, const char *cmd,
                           const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "name"));
    const char *hit = json_string_value(json_object_get(args, "hit"));
    bool ping = strcmp(cmd, "ping") == 0;
    struct asked *q = NULL;

    if (!ping && strcmp(cmd, "explain") != 0)
        return false;
    for (size_t i = 0; i < ASKED_MAX && !q; i++)
        if (c->asked[i].ticket == 0)
            q = &c->asked[i];
    if (!q) {
        rt_ctl_error(req, "too many probes at once");
        return true;
    }
    *q = (struct asked){ .req = req, .explain = !ping };
    if (name ? dnsu_name_from_text(name, &q->name) != ERR_OK : !hit || !read_hit(c, hit, &q->hit)) {
        rt_ctl_error(req,
                     "expected \"name\": a domain name, or \"hit\": a host identity tag, or the LSI of one");
        return true;
    }
    q->named = name != NULL;
    if (q->named)
        dnsu_name_lower(&q->name);
    q->ticket = ++c->last_ticket | HOST_TICKET_CTL | HOST_TICKET_PING;
    if (q->named) {
        host_worker_resolve(c->worker, &q->name, q->ticket);
    } else {
        q->probing = true;
        host_worker_ping(c->worker, &q->hit, q->ticket);
    }
    return true;
}

/* What follows a look-up is begun by the loop, not from within the call that told its end. */
static void go_on(void *ctx)
{
    struct host_ctl_ping *c = ctx;

    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *q = &c->asked[i];
        if (q->ticket == 0 || q->probing || hit_is_null(&q->hit))
            continue;
        q->probing = true;
        host_worker_ping(c->worker, &q->hit, q->ticket);
    }
}

bool host_ctl_ping_told(struct host_ctl_ping *c, const struct host_action *a)
{
    uint64_t ticket = a->type == HOST_ACT_PROBED ? a->probed.ticket : a->resolved.ticket;

    if (!(ticket & HOST_TICKET_PING))
        return false;
    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *q = &c->asked[i];
        if (q->ticket != ticket)
            continue;
        if (a->type == HOST_ACT_PROBED) {
            over(c, q, a);
        } else if (a->resolved.e || a->resolved.n == 0) {
            unresolved(c, q);
        } else {
            q->hit = a->resolved.hit[0];
            rt_timer_at(c->timer, rt_now_us());
        }
    }
    return true;
}

struct host_ctl_ping *host_ctl_ping_new(struct rt_loop *l, struct host_worker *w)
{
    struct host_ctl_ping *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->worker = w;
    c->timer = rt_timer_new(l, go_on, c);
    if (c->timer == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void host_ctl_ping_free(struct host_ctl_ping *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < ASKED_MAX; i++)
        if (c->asked[i].ticket != 0)
            rt_ctl_error(c->asked[i].req, "the daemon ends");
    rt_timer_free(c->timer);
    free(c);
}
