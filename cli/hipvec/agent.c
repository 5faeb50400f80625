/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/agent.h"

#include <stdlib.h>
#include <string.h>

#include "hip/esp/seal.h"

#define ASSOCIATIONS 8

struct agent {
    struct fa *fa;
    struct hit client;
    struct fa_actions out;
};

struct agent *agent_new(const struct agent_conf *c)
{
    struct agent *a = calloc(1, sizeof *a);
    const struct fa_allow allow = { .hit = c->client, .n = 1, .type = { FA_REG_RELAY_ESP } };
    struct fa_config f = { .env = c->hip.env, .hip = c->hip, .allow = &allow, .n_allow = 1 };
    if (!a)
        abort();
    memcpy(f.name, "fa.example.org", sizeof "fa.example.org");
    f.registrations_max = ASSOCIATIONS;
    f.relay = (struct fa_relay_config){
        .data = true,
        .port_first = c->port,
        .port_last = c->port,
        .table = { .flows = c->limits.permissions ? c->limits.permissions : FA_CLIENT_FLOWS_MAX,
                   .clients = ASSOCIATIONS,
                   .client_bit_s = c->limits.client_bit_s,
                   .total_bit_s = c->limits.total_bit_s,
                   .client_packet_s = c->limits.client_packet_s },
        .n_local = 1,
        .flows_per_client = c->limits.per_client,
    };
    f.relay.local[0] = c->addr;
    a->client = c->client;
    a->fa = fa_new(&f);
    if (a->fa)
        return a;
    free(a);
    return NULL;
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    fa_free(a->fa);
    free(a);
}

err agent_identity(struct agent *a, const struct hip_hi *hi, uint64_t r1_counter, uint64_t now)
{
    return fa_identity_add(a->fa, hi, r1_counter, now);
}

struct hip_engine *agent_hip(struct agent *a)
{
    return fa_hip(a->fa);
}

uint64_t agent_deadline(const struct agent *a)
{
    return fa_deadline(a->fa);
}

static void pass_on(const struct fa_action *v, struct hip_actions *out)
{
    if (out->n == HIP_ACTIONS_MAX || v->send.octets.n > sizeof out->buf - out->used)
        abort(); /* nothing that a world does fills a list */
    uint8_t *p = out->buf + out->used;
    memcpy(p, v->send.octets.p, v->send.octets.n);
    out->used += v->send.octets.n;
    out->v[out->n++] =
        (struct hip_action){ .type = HIP_ACT_SEND,
                             .send = { .path = v->send.path, .octets = span_of(p, v->send.octets.n) } };
}

/* There are no subscribers and no records: what the store is asked for it does not find. */
static void answer(struct agent *a, struct fa_job_ref ref, uint64_t now)
{
    const struct fa_result nothing = { .ref = ref, .type = FA_JOB_FIND };
    fa_complete(a->fa, &nothing, now, &a->out);
}

/* What an answer adds stands behind. */
static void carry_out(struct agent *a, uint64_t now, struct hip_actions *out)
{
    for (size_t i = 0; i < a->out.n; i++) {
        const struct fa_action v = a->out.v[i];
        if (v.type == FA_ACT_SEND)
            pass_on(&v, out);
        else if (v.type == FA_ACT_JOB && v.job->type == FA_JOB_FIND)
            answer(a, v.job->ref, now);
    }
    fa_actions_reset(&a->out);
}

void agent_timeout(struct agent *a, uint64_t now, struct hip_actions *out)
{
    fa_timeout(a->fa, now, &a->out);
    carry_out(a, now, out);
}

static int relay(struct agent *a, const struct hip_path *path, struct span octets, uint64_t now,
                 struct hip_path *on)
{
    struct fa_relay_in in = { .local = path->local, .from = path->peer, .len = (uint32_t)octets.n };
    struct fa_relay_out o;
    if (!esp_spi(octets, &in.spi))
        return HIP_DROP_TRUNCATED;
    int drop = fa_relay_esp(fa_flow_table(a->fa), &in, now, &o);
    if (drop == HIP_TAKEN)
        *on = (struct hip_path){ .local = o.local, .peer = o.to };
    return drop;
}

/* The reason of which there is one more now. */
static int refused_since(const struct fa_stats *was, const struct fa_stats *is)
{
    int drop = HIP_TAKEN;
    while (++drop < HIP_DROP__COUNT)
        if (is->not_relayed[drop] != was->not_relayed[drop])
            return drop;
    return HIP_TAKEN;
}

int agent_input(struct agent *a, const struct hip_path *path, bool esp, struct span octets, uint64_t now,
                struct hip_actions *out, struct hip_path *on)
{
    struct fa_stats was, is;
    *on = (struct hip_path){ 0 };
    if (esp)
        return relay(a, path, octets, now, on);
    bool relayed = path->local.port && path->local.port != fa_flows_hip_port(fa_flow_table(a->fa));
    fa_stats_get(a->fa, &was);
    int drop = relayed ? fa_relayed_input(a->fa, path, octets, now, &a->out)
                       : fa_input(a->fa, path, octets, now, &a->out);
    carry_out(a, now, out);
    fa_stats_get(a->fa, &is);
    return drop == HIP_TAKEN ? refused_since(&was, &is) : drop;
}

void agent_look(const struct agent *a, struct agent_holds *out)
{
    struct fa_client c;
    *out = (struct agent_holds){ 0 };
    for (size_t pos = 0; fa_client_next(a->fa, &pos, &c);)
        if (hit_eq(&c.hit, &a->client)) {
            out->n_port = c.n_port;
            memcpy(out->port, c.port, sizeof out->port);
        }
    while (out->n_flow < FA_CLIENT_FLOWS_MAX &&
           fa_client_flow(a->fa, &a->client, out->n_flow, &out->flow[out->n_flow]))
        out->n_flow++;
}

bool agent_holds_eq(const struct agent_holds *a, const struct agent_holds *b)
{
    if (a->n_port != b->n_port || a->n_flow != b->n_flow)
        return false;
    for (uint8_t i = 0; i < a->n_port; i++)
        if (!addr_eq(&a->port[i], &b->port[i]))
            return false;
    return memcmp(a->flow, b->flow, a->n_flow * sizeof *a->flow) == 0; /* without padding (fa/core/flow.h) */
}
