/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/ice.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/mobility.h"
#include "hip/notify.h"
#include "hip/update.h"

const char *hip_pair_state_name(enum hip_pair_state s)
{
    static const char *const text[] = { "waiting", "in progress", "succeeded", "failed" };
    return (size_t)s < HIP_PAIR_STATE__COUNT ? text[s] : "unknown";
}

const char *hip_checks_name(enum hip_checks c)
{
    static const char *const text[] = { "none", "running", "direct", "relayed", "failed" };
    return (size_t)c < HIP_CHECKS__COUNT ? text[c] : "unknown";
}

/* ---- candidates told and heard ---- */

static struct hip_ice *make(struct hip_assoc *a)
{
    if (!a->ice && (a->ice = calloc(1, sizeof *a->ice)))
        a->ice->retry_us = a->ice->choose_us = HEAP_NEVER;
    return a->ice;
}

err hip_ice_set(struct hip_assoc *a, const struct hip_candidate *cand, size_t n, uint64_t now)
{
    if (n > HIP_CANDIDATES_MAX)
        return ERR_RANGE;
    struct hip_ice *i = make(a);
    if (!i)
        return ERR_MEMORY;
    memcpy(i->local, cand, n * sizeof *cand);
    i->n_local = n;
    return ERR_OK;
}

err hip_ice_offered(struct hip_assoc *a, const struct hip_ice_offer *o, uint64_t now)
{
    struct hip_ice *i = make(a);
    if (!i)
        return ERR_MEMORY;
    i->offer = *o;
    return ERR_OK;
}

void hip_ice_free(struct hip_assoc *a)
{
    if (!a->ice)
        return;
    hip_checklist_clear(&a->ice->list);
    free(a->ice);
    a->ice = NULL;
}

/* Our control relay, if signalling goes by one of ours: listed, never checked (s4.5, item 66 of RFC 5770's rules). */
void hip_ice_put(struct hip_build *b, const struct hip_assoc *a, const struct hip_candidate *cand, size_t n)
{
    struct hip_locator_set s = { 0 };
    const struct addr *relay = a->path.to.family != ADDR_NONE ? &a->path.peer : NULL;
    for (size_t i = 0; i < n; i++) {
        s.v[s.n++] = (struct hip_locator){ .type = HIP_LOC_UDP,
                                           .preferred = i == 0,
                                           .lifetime_s = UINT32_MAX,
                                           .spi = a->spi_in,
                                           .protocol = 17,
                                           .kind = (uint8_t)cand[i].kind,
                                           .priority = hip_candidate_priority(&cand[i]),
                                           .addr = cand[i].addr };
        if (!relay && cand[i].kind == HIP_LOC_RELAYED)
            relay = &cand[i].relay;
    }
    if (relay)
        s.v[s.n++] = (struct hip_locator){ .traffic = HIP_LOC_SIGNALLING,
                                           .type = HIP_LOC_UDP,
                                           .lifetime_s = UINT32_MAX,
                                           .spi = a->spi_in,
                                           .protocol = 17,
                                           .addr = *relay };
    hip_put_locator_set(b, &s);
}

int hip_ice_read(struct span *inner, struct hip_ice_offer *out)
{
    struct hip_params p;
    struct hip_locator_set s;
    struct hip_ice_offer o = { .present = true };
    if (span_empty(*inner))
        return HIP_TAKEN;
    if (hip_inner_parse(*inner, &p, NULL) != HIP_TAKEN)
        return HIP_DROP_BAD_ENCRYPTED;
    const struct hip_par *par = hip_par_get(&p, HIP_PAR_LOCATOR_SET);
    if (!par)
        return HIP_TAKEN;
    if (par->off != 0 || hip_get_locator_set(par->v, &s) != ERR_OK)
        return HIP_DROP_BAD_LOCATOR;
    for (size_t i = 0; i < s.n; i++) {
        const struct hip_locator *l = &s.v[i];
        if (l->type != HIP_LOC_UDP || l->protocol != 17 || !hip_candidate_usable(&l->addr))
            continue;
        if (l->traffic == HIP_LOC_SIGNALLING)
            o.relay = l->addr;
        else if (l->kind <= HIP_LOC_RELAYED)
            o.remote[o.n++] = (struct hip_remote){ .kind = (enum hip_locator_kind)l->kind,
                                                   .addr = l->addr,
                                                   .priority = l->priority };
    }
    size_t n = hip_par_tlv(&p, par).n;
    *inner = n < inner->n ? span_of(inner->p + n, inner->n - n) : span_of(NULL, 0);
    *out = o;
    return HIP_TAKEN;
}

/* ---- where things go ---- */

bool hip_ice_waits(const struct hip_assoc *a)
{
    return a->ice && !a->ice->selected;
}

const struct hip_path *hip_ice_esp(const struct hip_assoc *a)
{
    if (!a->ice)
        return &a->esp;
    return a->ice->selected ? &a->ice->esp : &a->path;
}

struct hip_path hip_ice_signal(const struct hip_assoc *a, const struct hip_path *first, unsigned tries)
{
    const struct hip_ice *i = a->ice;
    if (!i || !i->formed || tries == 0)
        return *first;
    if (tries % 2)
        return i->home;
    if (i->offer.relay.family == i->home.local.family && i->home.to.family != ADDR_NONE)
        return (struct hip_path){ .local = i->home.local, .peer = i->offer.relay };
    return *first;
}

static void tell(struct hip_engine *e, struct hip_assoc *a, enum hip_checks what, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    if (i->what == what && what != HIP_CHECKS_DIRECT && what != HIP_CHECKS_RELAYED)
        return;
    i->what = what;
    struct hip_action *v = hip_act(e, out, HIP_ACT_CHECKS, a);
    if (!v)
        return;
    v->checks.what = what;
    v->checks.path = i->selected ? i->esp : (struct hip_path){ 0 };
}

void hip_ice_schedule(struct hip_engine *e, struct hip_assoc *a)
{
    struct hip_ice *i = a->ice;
    uint64_t at = hip_checklist_due(&i->list);
    if (i->restart)
        at = 0;
    if (i->choose_us < at)
        at = i->choose_us;
    if (i->retry_us < at)
        at = i->retry_us;
    if (i->silent_us) {
        uint64_t silent = i->silent_us + (i->silent_again ? HIP_ICE_SILENT_US : HIP_ICE_AGAIN_US);
        at = silent < at ? silent : at;
    }
    hip_assoc_timer(e, a, HIP_TIMER_CHECK, at);
}

static void better_later(struct hip_ice *i, uint64_t now)
{
    uint64_t us = hip_backoff(HIP_ICE_RETRY_US, i->rounds);
    i->retry_us = now + (us < HIP_ICE_RETRY_MAX ? us : HIP_ICE_RETRY_MAX);
}

/* SA_UP only once for a set of keys: a second one would begin their sequence numbers anew. */
static void carry_esp(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    if (a->sas_up)
        hip_act_sa_path(e, out, a, now);
    else
        hip_act_sas(e, out, a);
}

/* A relayed pair in case the one in use breaks: it is known to work by then. */
static void have_a_spare(struct hip_ice *i, uint64_t now)
{
    struct hip_pair *spare = NULL;
    for (size_t k = 0; k < i->list.n; k++) {
        struct hip_pair *p = &i->list.pair[k];
        if (hip_pair_relayed(p) && p->state == HIP_PAIR_SUCCEEDED)
            return;
        if (hip_pair_relayed(p) && (!spare || p->priority > spare->priority))
            spare = p;
    }
    if (spare)
        hip_checklist_trigger(&i->list, spare, true, now);
}

void hip_ice_select(struct hip_engine *e, struct hip_assoc *a, struct hip_pair *p, uint64_t now,
                    struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    struct hip_path path = hip_pair_path(p);
    bool relayed = hip_pair_relayed(p), same = i->selected && hip_path_eq(&i->esp, &path);
    i->sel = p;
    i->pending = NULL;
    i->silent_us = 0;
    if (same && i->what == (relayed ? HIP_CHECKS_RELAYED : HIP_CHECKS_DIRECT))
        return;
    i->selected = true;
    i->esp = path;
    i->rounds = 0;
    /* Signalling goes the direct way as well, and by the relay otherwise (s4.8). */
    a->path = relayed ? i->home : path;
    hip_ice_permit(e, a, p, a->spi_out, a->spi_in, out);
    if (!same || !a->sas_up)
        carry_esp(e, a, now, out);
    tell(e, a, relayed ? HIP_CHECKS_RELAYED : HIP_CHECKS_DIRECT, out);
    i->retry_us = HEAP_NEVER;
    if (relayed || (i->named && i->named != p))
        better_later(i, now);
    if (!relayed) {
        hip_checklist_conclude(&i->list, p);
        have_a_spare(i, now);
    }
}

/* ---- the course of the checks ---- */

static void form(struct hip_assoc *a, uint64_t now)
{
    struct hip_ice *i = a->ice;
    hip_checklist_form(&i->list, i->local, i->n_local, i->offer.remote, i->offer.n, now);
    i->formed = true;
    /* The controlling end nominates anew even if it comes to the same pair: the other one has forgotten. */
    i->sel = i->selected && !i->list.controlling ? hip_checklist_find(&i->list, &i->esp) : NULL;
    i->pending = i->named = NULL;
    i->started_us = now;
    i->silent_us = 0;
    i->rounds = 0;
    /* Without a candidate only a check of the peer's can help. A controlled end that hears of no nomination asks by checking again. */
    i->retry_us = now + (i->list.n == 0 ? 10 * HIP_CHECK_RTO_MIN_US : 2 * HIP_ICE_RETRY_US);
    for (size_t k = 0; k < i->n_early; k++) {
        struct hip_pair *p = hip_checklist_find(&i->list, &i->early[k].path);
        if (!p)
            p = hip_checklist_learn(&i->list, i->local, i->n_local, &i->early[k].path, i->early[k].priority);
        if (p)
            hip_checklist_trigger(&i->list, p, false, now);
    }
    i->n_early = 0;
}

void hip_ice_start(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    if (!i)
        return;
    i->home = a->path;
    i->list.controlling = a->initiator;            /* and stays so (s4.6) */
    i->list.ta_us = (uint64_t)a->pacing_ms * 1000; /* as negotiated, 50 ms when nobody said anything (s4.4) */
    form(a, now);
    tell(e, a, HIP_CHECKS_RUNNING, out);
    hip_ice_schedule(e, a);
}

/* The list is formed of what both have now; ESP stays where it is until something new was nominated (s4.9). */
static void restart(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    i->restart = false;
    form(a, now);
    tell(e, a, HIP_CHECKS_RUNNING, out);
}

static bool nominating(const struct hip_ice *i)
{
    for (size_t k = 0; k < i->list.n; k++)
        if (i->list.pair[k].check.on && i->list.pair[k].check.nominate)
            return true;
    return false;
}

static void give_up(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    a->path = i->home;
    i->sel = NULL;
    better_later(i, now);
    if (i->what == HIP_CHECKS_FAILED)
        return;
    tell(e, a, HIP_CHECKS_FAILED, out);
    if (hip_notify_send(e, a, HIP_NTF_CONNECTIVITY_CHECKS_FAILED, span_of(NULL, 0), out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
}

void hip_ice_evaluate(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    i->choose_us = HEAP_NEVER;
    if (i->list.n > 0 && hip_checklist_hopeless(&i->list)) {
        give_up(e, a, now, out);
    } else if (i->list.controlling && !i->silent_us && !nominating(i)) {
        struct hip_pair *p = hip_checklist_best(&i->list, now, &i->choose_us);
        bool better = p && p != i->sel &&
                      (!i->sel || i->what == HIP_CHECKS_FAILED || p->priority > i->sel->priority ||
                       i->sel->state == HIP_PAIR_FAILED);
        if (better)
            hip_ice_check(e, a, p, true, now, out);
    } else if (!i->list.controlling && !i->silent_us && i->named && i->named != i->sel &&
               i->named->state == HIP_PAIR_SUCCEEDED) {
        hip_ice_select(e, a, i->named, now, out); /* we had left it alone: the peer is still there */
    }
    hip_ice_schedule(e, a);
}

/* ---- a pair that may be broken ---- */

void hip_ice_doubt(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    if (!i->selected || i->silent_us || !i->formed)
        return;
    if (i->sel && i->sel->alive_us && now - i->sel->alive_us < HIP_ICE_SILENT_US)
        return; /* it has just answered */
    i->silent_us = now;
    i->silent_again = false;
    /* Nominated once more on the way: if only our own address is another one to the peer by now, it follows us with that. */
    if (i->sel) {
        i->sel->brief = true;
        hip_ice_check(e, a, i->sel, i->list.controlling, now, out);
    }
    size_t n = 0;
    for (size_t k = 0; k < i->list.n && n < 4; k++) {
        struct hip_pair *p = &i->list.pair[k];
        if (p == i->sel || !(hip_pair_relayed(p) || p->state == HIP_PAIR_SUCCEEDED))
            continue;
        hip_checklist_trigger(&i->list, p, true, now);
        n++;
    }
}

void hip_path_silent(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED) || !hip_act_room(out))
        return;
    if (!a->ice) {
        hip_mobility_silent(e, a, now, out);
        return;
    }
    hip_ice_doubt(e, a, now, out);
    hip_ice_schedule(e, a);
}

/* The best of those that have answered since the doubt arose. */
static struct hip_pair *spare(const struct hip_ice *i)
{
    const struct hip_pair *best = NULL;
    for (size_t k = 0; k < i->list.n; k++) {
        const struct hip_pair *p = &i->list.pair[k];
        if (p != i->sel && p->alive_us >= i->silent_us && p->state == HIP_PAIR_SUCCEEDED &&
            (!best || p->priority > best->priority))
            best = p;
    }
    return (struct hip_pair *)best;
}

/* Checked twice and no answer: the next pair at once, by both ends for themselves; the controlling one makes it known (s4.6.3). */
static void silent_end(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    struct hip_pair *p = spare(i), *was = i->sel;
    i->silent_us = 0;
    if (was)
        hip_checklist_failed(&i->list, was, now);
    if (p) {
        hip_ice_select(e, a, p, now, out);
        if (i->list.controlling)
            hip_ice_check(e, a, p, true, now, out);
        return;
    }
    /* Nothing else works as it stands: from the beginning, by the relay. */
    i->sel = NULL;
    a->path = i->home;
    tell(e, a, HIP_CHECKS_RUNNING, out);
    if (hip_candidates(e, hip_assoc_ref(a), &i->home, i->local, i->n_local, now, out) != ERR_OK)
        i->restart = true;
}

static void silent_on(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    if (i->silent_again) {
        if (now >= i->silent_us + HIP_ICE_SILENT_US)
            silent_end(e, a, now, out);
    } else if (now >= i->silent_us + HIP_ICE_AGAIN_US) {
        i->silent_again = true;
        if (i->sel) /* a check of its own, not a retransmission: those wait for the RTO */
            hip_ice_check(e, a, i->sel, i->list.controlling, now, out);
    }
}

/* Relayed, or nothing at all: whatever would be better once more. */
static void recheck(struct hip_ice *i, uint64_t now)
{
    size_t n = 0;
    i->rounds++;
    better_later(i, now);
    for (size_t k = 0; k < i->list.n && n < HIP_ICE_RECHECK_MAX; k++) {
        struct hip_pair *p = &i->list.pair[k];
        bool better = !i->sel || p == i->named || (p->priority > i->sel->priority && !hip_pair_relayed(p));
        bool wanted = i->what == HIP_CHECKS_RUNNING || (p != i->sel && better);
        if (!wanted || p->check.on || p->triggered)
            continue;
        hip_checklist_trigger(&i->list, p, true, now);
        n++;
    }
}

/* ---- time ---- */

/* One check begun, or sent again, in one call: the next is due at once or after Ta. */
static void step(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    struct hip_pair *p = hip_checklist_again(&i->list, now);
    if (p && p->state == HIP_PAIR_IN_PROGRESS) {
        struct hip_path path = hip_pair_path(p);
        hip_act_send(e, out, a, &path, span_of(p->check.pkt, p->check.pkt_n));
    } else if (!p && (p = hip_checklist_next(&i->list, now))) {
        hip_ice_check(e, a, p, false, now, out);
    }
}

void hip_ice_timeout(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    struct hip_ice *i = a->ice;
    if (!i || !i->formed || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED))
        return;
    if (i->restart)
        restart(e, a, now, out);
    if (i->retry_us <= now) {
        if (i->list.n == 0)
            give_up(e, a, now, out);
        recheck(i, now);
    }
    if (i->silent_us)
        silent_on(e, a, now, out);
    step(e, a, now, out);
    hip_ice_evaluate(e, a, now, out);
}

/* ---- moves (s4.9) ---- */

/* What asks the peer for the echo of its own move goes on from where we are now. */
static void from_here(struct hip_assoc *a, struct hip_path *p)
{
    const struct hip_path *home = &a->ice->home;
    if (p->local.family != home->local.family)
        return;
    p->local = home->local;
    if (p->to.family != ADDR_NONE && home->to.family != ADDR_NONE)
        p->peer = home->peer; /* our relay */
}

static void ask_from_here(struct hip_assoc *a)
{
    from_here(a, &a->ice->moved_path);
    for (size_t i = 0; i < HIP_UPDATES_MAX; i++)
        if (a->sent[i].pkt.p && a->sent[i].kind == HIP_UPD_CANDIDATES_ECHO)
            from_here(a, &a->sent[i].path);
}

err hip_candidates(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                   const struct hip_candidate *cand, size_t n, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_contents c = { 0 };
    struct hip_build b;
    if (!a)
        return ERR_NOT_FOUND;
    if (!a->ice || !a->ice->formed || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED))
        return ERR_STATE;
    if (n > HIP_CANDIDATES_MAX || (path && path->local.family != path->peer.family))
        return ERR_RANGE;
    if (!hip_act_room(out))
        return ERR_SPACE;
    struct hip_ice *i = a->ice;
    struct hip_path was = i->home;
    if (path)
        i->home = *path;
    hip_build_inner(&b, buf, sizeof buf);
    hip_ice_put(&b, a, cand, n);
    err r = hip_build_inner_finish(&b, &c.inner);
    /* An older set on its way would be the wrong one by now. */
    hip_update_cancel(e, a, HIP_UPD_CANDIDATES);
    struct hip_esp_info gratuitous = { .old_spi = a->spi_in, .new_spi = a->spi_in };
    struct hip_update_parts u = {
        .kind = HIP_UPD_CANDIDATES, .esp = &gratuitous, .contents = &c, .path = &i->home
    };
    if (r == ERR_OK)
        r = hip_update_send(e, a, &u, now, out, NULL);
    if (r != ERR_OK) {
        i->home = was;
        return r;
    }
    memmove(i->next, cand, n * sizeof *cand);
    i->n_next = n;
    i->has_next = true;
    ask_from_here(a);
    return ERR_OK;
}

/* Step 4: the peer has them. The echo it asks for goes back with the ACK, then ours begin. */
void hip_ice_next_acked(struct hip_rx *rx)
{
    struct hip_ice *i = rx->a->ice;
    if (!i || !i->has_next)
        return;
    memcpy(i->local, i->next, i->n_next * sizeof *i->next);
    i->n_local = i->n_next;
    i->has_next = false;
    i->restart = true;
    if (!i->selected || i->what != HIP_CHECKS_DIRECT)
        rx->a->path = i->home;
    hip_ice_schedule(rx->e, rx->a);
}

/* Step 3. The UPDATE could be a replayed one: nothing begins before the echo is back. */
void hip_ice_moved(struct hip_rx *rx, const struct hip_ice_offer *o, uint32_t id)
{
    struct hip_assoc *a = rx->a;
    struct hip_ice *i = a->ice;
    if (!i || !i->formed || (i->any_moved && (int32_t)(id - i->moved_id) < 0))
        return; /* overtaken by a newer set */
    i->any_moved = true;
    i->moved_id = id;
    hip_update_cancel(rx->e, a, HIP_UPD_CANDIDATES_ECHO);
    i->moved = *o;
    i->moved_path = *rx->path;
    env_draw(hip_env(rx->e), "nonce", i->moved_nonce, sizeof i->moved_nonce);
    struct hip_esp_info gratuitous = { .old_spi = a->spi_in, .new_spi = a->spi_in };
    struct hip_update_parts u = { .kind = HIP_UPD_CANDIDATES_ECHO,
                                  .esp = &gratuitous,
                                  .echo_request = span_of(i->moved_nonce, sizeof i->moved_nonce),
                                  .path = rx->path };
    if (hip_update_send(rx->e, a, &u, rx->now, rx->out, NULL) != ERR_OK)
        i->moved.present = false;
}

bool hip_ice_echo_ok(const struct hip_assoc *a, struct span echo)
{
    return a->ice && a->ice->moved.present && echo.n == HIP_ECHO_LEN &&
           sec_equal(echo.p, a->ice->moved_nonce, HIP_ECHO_LEN);
}

/* Step 6. */
void hip_ice_moved_verified(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    struct hip_ice *i = a->ice;
    if (!i || !i->moved.present)
        return;
    i->offer = i->moved;
    i->moved.present = false;
    i->restart = true;
    /* By a relay, ours or the peer's: signalling goes there from now on. A direct way is only one of the pairs. */
    if (i->moved_path.to.family != ADDR_NONE || addr_eq(&i->moved_path.peer, &i->home.peer))
        i->home = i->moved_path;
    a->path = i->what == HIP_CHECKS_DIRECT && hip_path_eq(&a->path, &i->esp) ? a->path : i->home;
    hip_ice_schedule(rx->e, a);
}

/* ---- for showing ---- */

bool hip_pair_next(const struct hip_engine *e, struct hip_ref ref, size_t *pos, struct hip_pair_view *out)
{
    const struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a || !a->ice || !a->ice->formed || *pos >= a->ice->list.n)
        return false;
    const struct hip_pair *p = &a->ice->list.pair[(*pos)++];
    *out = (struct hip_pair_view){
        .local = p->local,
        .remote = p->remote.addr,
        .remote_kind = p->remote.kind,
        .state = p->state,
        .nominated = p == a->ice->sel,
        .triggered = p->triggered,
        .tries = p->tries,
        .rtt_us = p->rtt_us,
        .at_us = p->at_us,
    };
    return true;
}
