/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "fa/ctl_operator.h"
#include "hip/drop.h"
#include "hip/proto.h"

static json_t *text_of_addr(const struct addr *a)
{
    char out[ADDR_TEXT_MAX];
    struct addr plain = *a;
    plain.port = 0;
    return json_string(addr_format(&plain, out));
}

static json_t *text_of_end(const struct addr *a)
{
    char out[ADDR_TEXT_MAX];
    return json_string(addr_format(a, out));
}

json_t *ctl_hit(const uint8_t b[16])
{
    char out[HIT_TEXT_MAX];
    struct hit h;
    memcpy(h.b, b, sizeof h.b);
    return json_string(hit_format(&h, out));
}

/* What a host chose, made harmless: no control characters for a terminal, and something even if it is not UTF-8. */
json_t *ctl_shown(const char *text)
{
    char out[FA_TEXT_MAX];
    size_t n = strnlen(text, sizeof out - 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    out[n] = 0;
    json_t *j = json_string(out);
    return j ? j : json_string("?");
}

json_t *ctl_number(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* ---- status ---- */

static json_t *drops(struct hip_engine *e)
{
    json_t *o = json_object();
    for (int i = 1; i < HIP_DROP__COUNT; i++) {
        uint64_t n = hip_counter(e, i);
        if (n)
            json_object_set_new(o, hip_drop_name(i), ctl_number(n));
    }
    return o;
}

static json_t *core_counts(const struct fa_stats *f)
{
    return json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:I}",
        "associations", (int)f->associations, "registrations", (int)f->registrations, "runs_open",
        (int)f->runs_open, "transactions_open", (int)f->transactions_open, "jobs_open", (int)f->jobs_open,
        "runs", (json_int_t)f->runs, "bound", (json_int_t)f->bound, "pending", (json_int_t)f->pending,
        "refused", (json_int_t)f->refused, "failed", (json_int_t)f->failed, "alarms", (json_int_t)f->alarms,
        "relayed", (json_int_t)f->relayed, "jobs", (json_int_t)f->jobs, "jobs_late", (json_int_t)f->jobs_late,
        "dropped_dispatch", (json_int_t)f->dropped_dispatch, "relay_clients", (int)f->clients,
        "relayed_ports", (int)f->ports_open, "flows", (int)f->flows, "relayed_hip",
        (json_int_t)f->relayed_hip);
}

static json_t *socket_counts(uint64_t in, uint64_t out, uint64_t cut, uint64_t failed)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "in", ctl_number(in), "out", ctl_number(out), "cut",
                     ctl_number(cut), "out_failed", ctl_number(failed));
}

static json_t *udp_counts(const struct carrier_stats *s)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "v4",
                     socket_counts(s->v4.in, s->v4.out, s->v4.cut, s->v4.out_failed), "v6",
                     socket_counts(s->v6.in, s->v6.out, s->v6.cut, s->v6.out_failed), "keepalives",
                     ctl_number(s->keepalives), "esp_in", ctl_number(s->esp_in), "esp_out",
                     ctl_number(s->esp_out), "esp_unknown", ctl_number(s->esp_unknown));
}

/* One worker's part of the answer: numbers, and what only the first one knows. */
static json_t *status_part(struct worker *w, unsigned index)
{
    struct worker_stats s;
    worker_stats(w, &s);
    json_t *v4 = socket_counts(s.raw.v4.in, s.raw.v4.out, s.raw.v4.cut, s.raw.v4.out_failed);
    json_t *v6 = socket_counts(s.raw.v6.in, s.raw.v6.out, s.raw.v6.cut, s.raw.v6.out_failed);
    json_t *as = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:o}", "asked", (json_int_t)s.as.asked,
                           "answered", (json_int_t)s.as.answered, "sent", (json_int_t)s.as.sent, "forged",
                           (json_int_t)s.as.forged, "timeouts", (json_int_t)s.as.timeouts, "moved",
                           (json_int_t)s.as.moved, "open", (int)s.as.open, "servers", worker_as_status(w));
    json_t *dns = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "done", (json_int_t)s.dns.done, "in_use",
        (json_int_t)s.dns.in_use, "changed", (json_int_t)s.dns.changed, "refused", (json_int_t)s.dns.refused,
        "unreachable", (json_int_t)s.dns.unreachable, "proved", (json_int_t)s.dns.proved, "tries",
        (json_int_t)s.dns.tries, "ignored", (json_int_t)s.dns.ignored, "pending", (int)s.dns.pending);
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:i, s:I, s:I}", "fa", core_counts(&s.fa),
                          "as", as, "dns", dns, "v4", v4, "v6", v6, "udp", udp_counts(&s.udp), "drops",
                          drops(fa_hip(worker_fa(w))), "jobs_refused", (json_int_t)s.jobs_refused,
                          "work_pending", (int)s.work_pending, "handed_over", (json_int_t)s.handed_over,
                          "handed_lost", (json_int_t)s.handed_lost);
    json_object_set_new(o, "hlrs", worker_hlr_status(w));
    if (index == 0) {
        json_object_set_new(o, "up_s", json_integer((json_int_t)(s.up_us / 1000000)));
        json_object_set_new(o, "settled", json_boolean(s.fa.settled));
    }
    return o;
}

/* A question that all workers answer. */
struct asked {
    struct ctl *c;
    struct rt_ctl_req *req;
};

static json_t *accounting(const struct acct *acct)
{
    struct acct_stats s;
    char server[ADDR_TEXT_MAX];
    acct_stats(acct, &s);
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "server",
                     addr_format(&s.server, server), "answers", (int)s.up, "queued", ctl_number(s.queued),
                     "oldest_s", ctl_number(s.oldest_s), "sessions", ctl_number(s.sessions), "open",
                     (int)s.open, "unwritten", (int)s.unwritten, "sent", ctl_number(s.sent), "answered",
                     ctl_number(s.answered), "forged", ctl_number(s.forged), "timeouts",
                     ctl_number(s.timeouts), "moved", ctl_number(s.moved), "dropped", ctl_number(s.dropped),
                     "lost", ctl_number(s.lost));
}

static void status_sum(void *ctx, json_t *sum)
{
    struct asked *a = ctx;
    const struct ctl *c = a->c;
    char hi[2 * HIP_HI_MAX + 1];
    json_t *addresses = json_array();
    hex_encode(span_of(c->identity->wire, c->identity->wire_len), hi);
    for (uint8_t i = 0; i < c->settings->n_addr; i++)
        json_array_append_new(addresses, text_of_addr(&c->settings->addr[i]));
    json_t *head =
        json_pack("{s:s, s:s, s:o, s:s, s:s, s:o, s:i}", "daemon", "hipfad", "name", c->settings->name, "hit",
                  ctl_hit(c->identity->hit.b), "hi", hi, "domain", c->settings->domain, "addresses",
                  addresses, "workers", (int)group_count(c->group));
    json_object_update(head, sum);
    json_decref(sum);
    if (c->acct)
        json_object_set_new(head, "accounting", accounting(c->acct));
    rt_ctl_reply(a->req, head);
    free(a);
}

static void plain_sum(void *ctx, json_t *sum)
{
    struct asked *a = ctx;
    rt_ctl_reply(a->req, sum);
    free(a);
}

static void ask(struct ctl *c, struct rt_ctl_req *req, group_part_fn part, group_sum_fn sum)
{
    struct asked *a = malloc(sizeof *a);
    err e = ERR_MEMORY;
    if (a) {
        *a = (struct asked){ .c = c, .req = req };
        e = group_ask(c->group, part, sum, a);
    }
    if (e != ERR_OK) {
        rt_ctl_error(req, "%s", err_text(e));
        free(a);
    }
}

/* ---- registrations ---- */

static json_t *registrations_part(struct worker *w, unsigned index)
{
    json_t *all = json_array();
    struct fa_registration r;
    uint64_t now = rt_now_us();
    for (size_t pos = 0; fa_registration_next(worker_fa(w), &pos, &r);) {
        json_t *types = json_array();
        for (uint8_t i = 0; i < r.n; i++)
            json_array_append_new(types, json_string(hip_reg_type_name(r.type[i])));
        json_array_append_new(
            all,
            json_pack("{s:o, s:s, s:o, s:o, s:o, s:I, s:I, s:s, s:I, s:i}", "hit", ctl_hit(r.hit.b), "fqdn",
                      r.name, "address", text_of_end(&r.path.peer), "local", text_of_end(&r.path.local),
                      "types", types, "lifetime_s", (json_int_t)r.lifetime_s, "seconds",
                      (json_int_t)(r.expires_us > now ? (r.expires_us - now) / 1000000 : 0), "state",
                      r.bound ? "bound" : "allowed", "relayed", (json_int_t)r.relayed, "worker", (int)index));
    }
    return json_pack("{s:o}", "registrations", all);
}

/* ---- relay ---- */

static json_t *refusals(const struct fa_traffic *t)
{
    json_t *o = json_object();
    for (int i = 0; i < FA_REFUSED__COUNT; i++)
        json_object_set_new(o, fa_refusal_name(i), ctl_number(t->refused[i]));
    return o;
}

static json_t *permissions(const struct fa *f, const struct fa_client *c, uint64_t now)
{
    json_t *all = json_array();
    struct fa_flow p;
    for (size_t i = 0; fa_client_flow(f, &c->hit, i, &p); i++) {
        struct addr relayed = fa_end_addr(&p.relayed), peer = fa_end_addr(&p.peer);
        json_array_append_new(
            all,
            json_pack("{s:o, s:o, s:I, s:I, s:I}", "relayed", text_of_end(&relayed), "peer",
                      text_of_end(&peer), "spi_out", (json_int_t)p.spi_out, "spi_in", (json_int_t)p.spi_in,
                      "seconds", (json_int_t)(p.expires_us > now ? (p.expires_us - now) / 1000000 : 0)));
    }
    return all;
}

static json_t *client(const struct fa *f, const struct fa_client *c, uint64_t now)
{
    json_t *ports = json_array();
    uint64_t refused = 0;
    for (uint8_t i = 0; i < c->n_port; i++)
        json_array_append_new(ports, ctl_number(c->port[i].port));
    for (int i = 0; i < FA_REFUSED__COUNT; i++)
        refused += c->traffic.refused[i];
    json_t *o =
        json_pack("{s:o, s:s, s:o, s:b, s:b, s:o, s:i, s:o}", "hit", ctl_hit(c->hit.b), "fqdn", c->name,
                  "address", text_of_end(&c->path.peer), "control", c->control, "data", c->data, "ports",
                  ports, "flows", (int)c->n_flow, "permissions", permissions(f, c, now));
    json_object_set_new(o, "hip_in", ctl_number(c->control_in));
    json_object_set_new(o, "hip_out", ctl_number(c->control_out));
    json_object_set_new(o, "packets_in", ctl_number(c->traffic.packets_in));
    json_object_set_new(o, "packets_out", ctl_number(c->traffic.packets_out));
    json_object_set_new(o, "octets_in", ctl_number(c->traffic.octets_in));
    json_object_set_new(o, "octets_out", ctl_number(c->traffic.octets_out));
    json_object_set_new(o, "refused", ctl_number(refused));
    json_object_set_new(o, "refusals", refusals(&c->traffic));
    return o;
}

/* What was not relayed, by drop reason: HIP packets and ESP. The table is one for all workers and counts both, the engines count HIP: worker 0
 * brings the table's counts, each one takes its own HIP packets from them, and the sum is right. */
static json_t *not_relayed(struct fa *f, const struct fa_stats *s, unsigned index)
{
    json_t *o = json_object();
    for (int i = 1; i < HIP_DROP__COUNT; i++) {
        uint64_t hip = s->not_relayed[i], all = index == 0 ? fa_flows_refused(fa_flow_table(f), i) : 0;
        if (all || hip)
            json_object_set_new(
                o, hip_drop_name(i),
                json_pack("{s:o, s:I}", "hip", ctl_number(hip), "esp", (json_int_t)(all - hip)));
    }
    return o;
}

static json_t *relay_part(struct worker *w, unsigned index)
{
    struct fa *f = worker_fa(w);
    json_t *all = json_array();
    struct fa_stats s;
    struct fa_client k;
    uint64_t now = rt_now_us();
    fa_stats_get(f, &s);
    for (size_t pos = 0; fa_client_next(f, &pos, &k);)
        json_array_append_new(all, client(f, &k, now));
    return json_pack("{s:o, s:i, s:i, s:i, s:o, s:o}", "clients", all, "ports_open", (int)s.ports_open,
                     "flows", (int)s.flows, "registered", (int)s.clients, "relayed_hip",
                     ctl_number(s.relayed_hip), "not_relayed", not_relayed(f, &s, index));
}

/* ---- bindings ---- */

static const char *state_name(enum fa_binding_state s)
{
    switch (s) {
    case FA_BINDING_INTENT:
        return "pending";
    case FA_BINDING_BOUND:
        return "bound";
    case FA_BINDING_UNBINDING:
        return "unbinding";
    case FA_BINDING_REVOKED:
        return "revoked";
    }
    return "unknown";
}

static void bindings_listed(void *ctx, err e, const struct store_counts *counts,
                            const struct fa_binding *rows, size_t n)
{
    struct rt_ctl_req *req = ctx;
    json_t *all = json_array();
    if (e != ERR_OK) {
        json_decref(all);
        rt_ctl_error(req, "%s", err_text(e));
        return;
    }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all,
                              json_pack("{s:I, s:s, s:s, s:o, s:s, s:o, s:I, s:I, s:b, s:b}", "id",
                                        (json_int_t)rows[i].id, "fqdn", rows[i].name, "state",
                                        state_name(rows[i].state), "hit", ctl_hit(rows[i].hit), "subscriber",
                                        rows[i].subscriber, "label", ctl_shown(rows[i].device), "lifetime_s",
                                        (json_int_t)rows[i].lifetime_s, "seconds", (json_int_t)rows[i].left_s,
                                        "own_name", rows[i].own_name, "in_zone", rows[i].last_len > 0));
    rt_ctl_reply(req,
                 json_pack("{s:o, s:I, s:I, s:I}", "bindings", all, "reserved", (json_int_t)counts->reserved,
                           "bookings", (json_int_t)counts->bookings, "audit", (json_int_t)counts->audit));
}

static void bindings(struct ctl *c, struct rt_ctl_req *req)
{
    err e = group_list(c->group, bindings_listed, req);
    if (e != ERR_OK)
        rt_ctl_error(req, "%s", err_text(e));
}

/* ---- revoke ---- */

static void taken_back(void *ctx, err e)
{
    if (e != ERR_OK)
        rt_ctl_error(ctx, "%s", err_text(e));
    else
        rt_ctl_reply(ctx, NULL);
}

static void take_back(struct ctl *c, struct rt_ctl_req *req, const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "name"));
    const char *text = json_string_value(json_object_get(args, "hit"));
    struct hit hit;
    if (!name == !text) {
        rt_ctl_error(req, "revoke needs a name or a hit");
        return;
    }
    if (text && hit_parse(text, &hit) != ERR_OK) {
        rt_ctl_error(req, "\"%.46s\" is no HIT", text);
        return;
    }
    err e = group_revoke(c->group, name, text ? &hit : NULL, taken_back, req);
    if (e != ERR_OK)
        rt_ctl_error(req, "%s", err_text(e));
}

void ctl_request(void *ctx, struct rt_ctl_req *req, const char *cmd, const json_t *args)
{
    struct ctl *c = ctx;
    if (strcmp(cmd, "status") == 0)
        ask(c, req, status_part, status_sum);
    else if (strcmp(cmd, "registrations") == 0)
        ask(c, req, registrations_part, plain_sum);
    else if (strcmp(cmd, "relay") == 0)
        ask(c, req, relay_part, plain_sum);
    else if (strcmp(cmd, "bindings") == 0)
        bindings(c, req);
    else if (strcmp(cmd, "revoke") == 0)
        take_back(c, req, args);
    else if (!ctl_operator(c->group, req, cmd, args))
        rt_ctl_error(req, "hipfad knows status, registrations, relay, bindings, revoke, suspend, resume, "
                          "rekey, holds, allow, refuse, "
                          "subscribers, events");
}
