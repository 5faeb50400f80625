/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/assoc_auth.h"
#include "hip/ice.h"
#include "hip/param_echo.h"
#include "hip/probe.h"
#include "hip/responder.h"

/* Checks that are answered: each costs a signature. */
static const struct bucket_rate answer_rate = { .per_second_milli = 100000, .burst = 200 };

#define RENAME_US      UINT64_C(1000000) /* between two nominations of the same pair that nobody asked for */
#define FIRST_ROUND_US UINT64_C(15000000)
#define ID_BEHIND      128 /* checks older than the newest one by so many are not looked at: replayed ones */

bool hip_ice_is_check(const struct hip_pkt *k)
{
    return hip_pkt_has(k, HIP_PAR_CANDIDATE_PRIORITY) || hip_pkt_has(k, HIP_PAR_MAPPED_ADDRESS) ||
           hip_pkt_has(k, HIP_PAR_NOMINATE);
}

/* ---- ours ---- */

/* The parameters of RFC 9028 s4.6.1, in type order; what is NULL or false is left out. */
struct parts {
    const struct hip_check *seq; /* SEQ, ECHO_REQUEST_SIGNED */
    const uint32_t *ack;
    struct span echo; /* ECHO_RESPONSE_SIGNED */
    const struct addr *mapped;
    bool has_priority, nominate;
    uint32_t priority;
};

static err build(const struct hip_assoc *a, const struct parts *v, const struct hip_path *path, uint8_t *buf,
                 struct span *out)
{
    struct hip_build b;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_UPDATE, hip_assoc_local(a), &a->peer,
                   hip_hi_controls(&a->id->hi));
    if (v->seq)
        hip_put_seq(&b, v->seq->id);
    if (v->ack)
        hip_put_ack(&b, &(struct hip_acks){ .n = 1, .id = { *v->ack } });
    if (v->seq)
        hip_build_param(&b, HIP_PAR_ECHO_REQUEST_SIGNED, span_of(v->seq->nonce, sizeof v->seq->nonce));
    if (v->ack)
        hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED, v->echo);
    if (v->mapped)
        hip_put_transport_addr(&b, HIP_PAR_MAPPED_ADDRESS,
                               &(struct hip_transport_addr){ .protocol = 17, .addr = *v->mapped });
    if (v->has_priority)
        hip_put_u32(&b, HIP_PAR_CANDIDATE_PRIORITY, v->priority);
    if (v->nominate)
        hip_put_u32(&b, HIP_PAR_NOMINATE, v->priority);
    hip_auth_add(&b, a);
    return hip_build_finish(&b, &path->local, &path->peer, out);
}

/* s4.12: what ESP goes by is let through by the data relay server, one peer for one pair of SPIs. Checks need no permission (s4.12.2), so only a pair that
 * is nominated or in use asks for one. */
void hip_ice_permit(struct hip_engine *e, struct hip_assoc *a, const struct hip_pair *p, uint32_t spi_out,
                    uint32_t spi_in, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    if (p->local.kind != HIP_LOC_RELAYED ||
        (addr_eq(&i->permit.relayed, &p->local.addr) && addr_eq(&i->permit.peer, &p->remote.addr) &&
         i->permit.spi_out == spi_out && i->permit.spi_in == spi_in))
        return;
    struct hip_action *v = hip_act(e, out, HIP_ACT_PERMIT, a);
    if (!v)
        return;
    v->permit.relay = p->local.relay;
    v->permit.relayed = i->permit.relayed = p->local.addr;
    v->permit.peer = i->permit.peer = p->remote.addr;
    v->permit.spi_out = i->permit.spi_out = spi_out;
    v->permit.spi_in = i->permit.spi_in = spi_in;
}

/* answered: what of a nomination this check answers; nothing where it answers none. SEQ, nonce and priority are put beside it. */
static void send_check(struct hip_engine *e, struct hip_assoc *a, struct hip_pair *p,
                       const struct parts *answered, uint64_t now, struct hip_actions *out)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_path path = hip_pair_path(p);
    struct hip_check c = { .id = a->next_id, .nominate = answered->nominate };
    env_draw(hip_env(e), "nonce", c.nonce, sizeof c.nonce);
    struct parts v = *answered;
    v.seq = &c;
    v.has_priority = true;
    v.priority = hip_candidate_prflx_priority(&p->local); /* s4.6.2: what a peer-reflexive one would have */
    if (answered->nominate)
        hip_ice_permit(e, a, p, a->spi_out, a->spi_in, out);
    err r = build(a, &v, &path, buf, &pkt);
    if (r == ERR_OK && !(c.pkt = malloc(pkt.n)))
        r = ERR_MEMORY;
    if (r != ERR_OK) {
        e->counters[HIP_DROP_INTERNAL]++;
        hip_checklist_failed(&a->ice->list, p, now);
        return;
    }
    memcpy(c.pkt, pkt.p, pkt.n);
    c.pkt_n = pkt.n;
    a->next_id++;
    free(p->check.pkt);
    p->check = c;
    hip_checklist_begun(&a->ice->list, p, now);
    hip_assoc_touch(e, a, now);
    hip_act_send(e, out, a, &path, pkt);
}

void hip_ice_check(struct hip_engine *e, struct hip_assoc *a, struct hip_pair *p, bool nominate, uint64_t now,
                   struct hip_actions *out)
{
    if (nominate && !a->ice->silent_us)
        p->brief = false;
    send_check(e, a, p, &(struct parts){ .nominate = nominate }, now, out);
}

/* ---- answers ---- */

/* From and to where the check came (s4.6.2); what we saw as its source, or what our relay did. */
static void answer(struct hip_rx *rx, uint32_t id, struct span echo, bool nominate)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    const struct addr *seen = rx->path->to.family != ADDR_NONE ? &rx->path->to : &rx->path->peer;
    struct parts v = { .ack = &id, .echo = echo, .mapped = seen, .nominate = nominate };
    if (build(rx->a, &v, rx->path, buf, &pkt) == ERR_OK)
        hip_act_send(rx->e, rx->out, rx->a, rx->path, pkt);
    else
        rx->e->counters[HIP_DROP_INTERNAL]++;
}

/* What an UPDATE of ours or of the peer's is made of. */
struct in {
    bool has_seq, has_mapped, nominate, has_priority;
    uint32_t id, priority;
    struct hip_acks acks;
    struct span request, response;
};

static int read(const struct hip_rx *rx, struct in *v)
{
    const struct hip_pkt *k = &rx->pkt;
    struct hip_transport_addr mapped;
    v->has_seq = hip_pkt_has(k, HIP_PAR_SEQ);
    v->has_mapped = hip_pkt_has(k, HIP_PAR_MAPPED_ADDRESS);
    v->nominate = hip_pkt_has(k, HIP_PAR_NOMINATE);
    v->has_priority = hip_pkt_has(k, HIP_PAR_CANDIDATE_PRIORITY);
    v->request = hip_pkt_span(k, HIP_PAR_ECHO_REQUEST_SIGNED);
    v->response = hip_pkt_span(k, HIP_PAR_ECHO_RESPONSE_SIGNED);
    if ((v->has_seq && hip_get_seq(hip_pkt_span(k, HIP_PAR_SEQ), &v->id) != ERR_OK) ||
        (hip_pkt_has(k, HIP_PAR_ACK) && hip_get_ack(hip_pkt_span(k, HIP_PAR_ACK), &v->acks) != ERR_OK) ||
        (v->has_mapped &&
         hip_get_transport_addr(hip_pkt_span(k, HIP_PAR_MAPPED_ADDRESS), &mapped) != ERR_OK) ||
        (v->nominate && hip_get_u32(hip_pkt_span(k, HIP_PAR_NOMINATE), &v->priority) != ERR_OK) ||
        (v->has_priority && hip_get_u32(hip_pkt_span(k, HIP_PAR_CANDIDATE_PRIORITY), &v->priority) != ERR_OK))
        return HIP_DROP_PARAM_MALFORMED;
    if (v->has_seq && (!v->request.p || !(v->has_priority || v->nominate)))
        return HIP_DROP_PARAM_MISSING; /* s4.6.2 */
    return HIP_TAKEN;
}

/* A check of ours that was answered. */
struct worked {
    struct hip_pair *p; /* NULL: none was */
    bool was;           /* it nominated */
    bool nominate;      /* so does the answer */
};

static void succeeded(struct hip_rx *rx, struct hip_pair *p, bool nominate, struct worked *out)
{
    *out = (struct worked){ .p = p, .was = p->check.nominate, .nominate = nominate };
    hip_checklist_succeeded(&rx->a->ice->list, p, rx->now);
}

/* Where ESP goes may follow from it: after the answer that is still owed, so that the peer has its SAs before the first packet comes. */
static void follow(struct hip_rx *rx, const struct worked *w)
{
    struct hip_ice *i = rx->a->ice;
    struct hip_pair *p = w->p;
    bool was = w->was, nominate = w->nominate;
    if (!p)
        return;
    if (was && i->list.controlling && nominate)
        hip_ice_select(rx->e, rx->a, p, rx->now, rx->out);
    else if (was && !i->list.controlling && p == i->pending)
        hip_ice_select(rx->e, rx->a, p, rx->now, rx->out);
    if (p == i->sel)
        i->silent_us = 0;
    hip_ice_evaluate(rx->e, rx->a, rx->now, rx->out);
}

/* SEQ and nonce say which check it was; it must come by the way that was checked, ports included (s4.6.2). */
static int acked(struct hip_rx *rx, uint32_t id, struct span echo, struct hip_pair **out)
{
    struct hip_pair *p = rx->a->ice->formed ? hip_checklist_by_id(&rx->a->ice->list, id) : NULL;
    if (!p)
        return HIP_DROP_BAD_ACK;
    if (echo.n != sizeof p->check.nonce || !sec_equal(echo.p, p->check.nonce, echo.n))
        return HIP_DROP_BAD_ECHO;
    if (hip_checklist_find(&rx->a->ice->list, rx->path) != p)
        return HIP_DROP_CHECK_ASYMMETRIC;
    *out = p;
    return HIP_TAKEN;
}

int hip_ice_acked(struct hip_rx *rx, uint32_t id, struct span echo)
{
    struct hip_pair *p;
    int drop = rx->a->ice ? acked(rx, id, echo, &p) : HIP_DROP_BAD_ACK;
    if (drop != HIP_TAKEN)
        return drop;
    if (!p->check.nominate || rx->a->ice->list.controlling)
        return HIP_DROP_PARAM_MISSING; /* only the end of a nomination comes without MAPPED_ADDRESS (s4.6.1 step 9) */
    struct worked w;
    succeeded(rx, p, false, &w);
    follow(rx, &w);
    return HIP_TAKEN;
}

/* Which of the Update IDs acknowledged is a check of ours. */
static int response(struct hip_rx *rx, const struct in *v, struct worked *w)
{
    struct hip_pair *p = NULL;
    int drop = HIP_DROP_BAD_ACK;
    for (size_t i = 0; i < v->acks.n && drop == HIP_DROP_BAD_ACK; i++)
        drop = acked(rx, v->acks.id[i], v->response, &p);
    if (drop == HIP_DROP_BAD_ACK && hip_probe_acked(rx, &v->acks, v->response))
        return HIP_TAKEN;
    if (drop != HIP_TAKEN)
        return drop;
    bool ends = p->check.nominate && !rx->a->ice->list.controlling;
    if (!v->has_mapped && !ends && !v->nominate)
        return HIP_DROP_PARAM_MISSING;
    succeeded(rx, p, v->nominate, w);
    return HIP_TAKEN;
}

/* ---- the peer's checks ---- */

static bool too_old(struct hip_ice *i, uint32_t id)
{
    int32_t ahead = (int32_t)(id - i->newest_in);
    if (i->any_in && ahead <= -ID_BEHIND)
        return true;
    if (!i->any_in || ahead > 0)
        i->newest_in = id;
    i->any_in = true;
    return false;
}

/* RFC 8445 s7.3.1.4: what the peer checks, we check too. */
static void trigger(struct hip_rx *rx, struct hip_pair *p, bool probe)
{
    struct hip_ice *i = rx->a->ice;
    /* The controlled end checks the pair that is nominated: it may have lost that, in a restart or a doubt of its own. Once more. */
    if (i->list.controlling && p == i->sel && !p->check.on && !probe && rx->now - p->alive_us >= RENAME_US) {
        hip_ice_check(rx->e, rx->a, p, true, rx->now, rx->out);
        return;
    }
    if (p->state != HIP_PAIR_SUCCEEDED)
        hip_checklist_trigger(&i->list, p, i->list.concluded, rx->now);
    if (probe || (!i->list.concluded && rx->now - i->started_us < FIRST_ROUND_US))
        return; /* the first checks look at all of them */
    /* The peer looks at a pair that is no better than the one in use: for it that one may be broken. */
    if (i->selected && p != i->sel && (!i->sel || p->priority < i->sel->priority))
        hip_ice_doubt(rx->e, rx->a, rx->now, rx->out);
}

/* s4.6.3: the answer asks for an echo itself; the pair is in use when that comes, or at once if we have checked it before. */
static void nominated(struct hip_rx *rx, struct hip_pair *p, const struct in *v)
{
    struct hip_ice *i = rx->a->ice;
    const struct addr *seen = rx->path->to.family != ADDR_NONE ? &rx->path->to : &rx->path->peer;
    if (i->any_nominated && v->id == i->nominated_id && p->check.on && p->check.nominate) {
        hip_act_send(rx->e, rx->out, rx->a, rx->path, span_of(p->check.pkt, p->check.pkt_n));
        return;
    }
    bool repeated = i->any_nominated && (int32_t)(v->id - i->nominated_id) <= 0;
    if (repeated) {
        answer(rx, v->id, v->request, v->id == i->nominated_id);
        return;
    }
    bool works = p->state == HIP_PAIR_SUCCEEDED;
    i->any_nominated = true;
    i->nominated_id = v->id;
    i->pending = i->named = p;
    p->brief = false;
    struct parts parts = { .ack = &v->id, .echo = v->request, .mapped = seen, .nominate = true };
    send_check(rx->e, rx->a, p, &parts, rx->now, rx->out);
    if (works)
        hip_ice_select(rx->e, rx->a, p, rx->now, rx->out);
}

/* Another pair stood in this place. */
static void forget(struct hip_ice *i, const struct hip_pair *p)
{
    if (!p)
        return;
    if (i->sel == p)
        i->sel = NULL;
    if (i->pending == p)
        i->pending = NULL;
    if (i->named == p)
        i->named = NULL;
}

/* A check that reached our relayed address shows where the peer's NAT lets it out. A host that no registrar tells that has no other way to say
 * so; where the NAT uses one port for all destinations, a check from here gets through it. RFC 8445 s7.3.1.3 pairs such an address
 * with the candidate that it came to alone; one pair more does nobody harm. */
static struct hip_pair *learn(struct hip_ice *i, const struct hip_path *path, uint32_t priority)
{
    struct hip_pair *p = hip_checklist_learn(&i->list, i->local, i->n_local, path, priority);
    forget(i, p);
    if (p && p->local.kind == HIP_LOC_RELAYED) {
        const struct hip_path direct = { .local = p->local.base, .peer = p->remote.addr };
        if (direct.local.family == direct.peer.family && !hip_checklist_find(&i->list, &direct))
            forget(i, hip_checklist_learn(&i->list, i->local, i->n_local, &direct, priority));
    }
    return p;
}

static int request(struct hip_rx *rx, const struct in *v)
{
    struct hip_ice *i = rx->a->ice;
    if (too_old(i, v->id))
        return HIP_DROP_OUT_OF_WINDOW;
    if (!bucket_take(&i->answers, &answer_rate, 1, rx->now))
        return HIP_DROP_RATE_LIMITED;
    struct hip_pair *p = hip_checklist_find(&i->list, rx->path);
    if (!p)
        p = learn(i, rx->path, v->priority);
    bool final =
        v->acks.n > 0; /* the controlled end's answer to our nomination: it is acknowledged, no more */
    if (p && v->nominate && !i->list.controlling) {
        nominated(rx, p, v);
    } else {
        answer(rx, v->id, v->request, false);
        if (p && !final)
            trigger(rx, p, v->has_priority && v->priority == 0);
    }
    hip_ice_schedule(rx->e, rx->a);
    return HIP_TAKEN;
}

int hip_ice_receive(struct hip_rx *rx)
{
    struct in v = { 0 };
    struct hip_assoc *a = rx->a;
    if (!a->ice || !a->ice->formed)
        return HIP_DROP_WRONG_STATE; /* no checks in this mode (s4.7.1) */
    int drop = hip_auth_check(rx);
    if (drop == HIP_TAKEN)
        drop = read(rx, &v);
    if (drop == HIP_TAKEN && rx->path->local.port == 0)
        drop = HIP_DROP_WRONG_STATE;
    if (drop != HIP_TAKEN)
        return drop;
    hip_responder_alive(rx->e, a, rx->now, rx->out);
    hip_assoc_touch(rx->e, a, rx->now);
    struct worked w = { .p = NULL };
    int taken = v.acks.n ? response(rx, &v, &w) : HIP_TAKEN;
    /* An answer that came too late still asks for its own. */
    if (v.has_seq && (taken == HIP_TAKEN || taken == HIP_DROP_BAD_ACK))
        taken = request(rx, &v);
    follow(rx, &w);
    return taken;
}

/* s4.6.2: queued until the candidates are there. */
int hip_ice_early(struct hip_rx *rx)
{
    struct hip_ice *i = rx->a->ice;
    struct in v = { 0 };
    if (!i || !hip_ice_is_check(&rx->pkt))
        return HIP_DROP_WRONG_STATE;
    int drop = hip_auth_check(rx);
    if (drop == HIP_TAKEN)
        drop = read(rx, &v);
    if (drop == HIP_TAKEN && (!v.has_seq || i->n_early == HIP_ICE_EARLY_MAX))
        drop = HIP_DROP_WRONG_STATE;
    if (drop != HIP_TAKEN)
        return drop;
    i->early[i->n_early].path = *rx->path;
    i->early[i->n_early++].priority = v.priority;
    return HIP_TAKEN;
}
