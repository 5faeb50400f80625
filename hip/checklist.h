/* SPDX-License-Identifier: Apache-2.0
 *
 * The checklist of ICE-HIP-UDP: which candidate pairs there are, which of them is checked when, and what came of it (RFC 8445 s6.1 as
 * RFC 9028 s4.6.2 restricts it: one component, no foundations, nothing frozen, no lite, at most 100 pairs). It knows
 * no packets: whoever owns it builds, sends and verifies the checks, and says what happened. Times in microseconds, passed in.
 *
 * A pair is where we send from (the candidate's base, or the data relay server for a relayed one) and where to. It stays at its place in
 * `pair` as long as the list is not formed anew; what lies in check.pkt is the list's to free.
 */
#pragma once

#include "hip/engine.h"

#define HIP_CHECK_TRIES      5 /* sendings of one check */
#define HIP_CHECK_RTO_MIN_US UINT64_C(1000000)
#define HIP_CHECK_NONCE      16
#define HIP_REMOTES_MAX      16

/* A candidate of the peer's. */
struct hip_remote {
    enum hip_locator_kind kind;
    struct addr addr;
    uint32_t priority;
};

/* The check that is under way on a pair. Retransmissions are the same octets, SEQ and nonce included (RFC 9028 s4.6.2). */
struct hip_check {
    bool on;
    bool nominate;
    uint32_t id; /* Update ID */
    uint8_t nonce[HIP_CHECK_NONCE];
    uint8_t *pkt; /* owned; NULL: not stored */
    size_t pkt_n;
    uint64_t sent_us, due_us;
};

struct hip_pair {
    struct hip_candidate local;
    struct hip_remote remote;
    uint64_t priority;
    enum hip_pair_state state;
    bool triggered; /* waits in the queue */
    bool brief;     /* two tries, not five: it was checked before */
    uint8_t tries;
    uint32_t rtt_us;
    uint64_t at_us;    /* when the state was entered; 0: not begun */
    uint64_t alive_us; /* last answer, 0: none */
    struct hip_check check;
};

struct hip_checklist {
    bool controlling;
    bool concluded; /* nominated: only triggered checks are begun (s4.6.2) */
    uint64_t ta_us;
    uint64_t next_us;  /* no check begins before */
    uint64_t first_us; /* when the first pair was found to work; 0: none yet */
    size_t n;
    struct hip_pair pair[HIP_PAIRS_MAX];
    size_t n_queue;
    uint8_t queue[HIP_PAIRS_MAX]; /* of triggered checks, oldest first: places in pair */
};

/* 2^24 type + 2^8 local + 256 - 1 (s4.2): what we tell the peer; and what the same would have as a peer-reflexive one. */
uint32_t hip_candidate_priority(const struct hip_candidate *c);
uint32_t hip_candidate_prflx_priority(const struct hip_candidate *c);
/* RFC 8445 s6.1.2.3 */
uint64_t hip_pair_priority(bool controlling, uint32_t local, uint32_t remote);
/* May this be a candidate at all? No loopback, multicast, link-local or unspecified address, no HIT, no LSI, no port zero (s4.2). */
bool hip_candidate_usable(const struct addr *a);

static inline bool hip_pair_relayed(const struct hip_pair *p)
{
    return p->local.kind == HIP_LOC_RELAYED || p->remote.kind == HIP_LOC_RELAYED;
}
/* From the base to the remote address, or to the data relay server that passes it on. */
struct hip_path hip_pair_path(const struct hip_pair *p);

/* Forgets all pairs. */
void hip_checklist_clear(struct hip_checklist *l);
/* Forms the list of these candidates: pairs of one family, a server-reflexive candidate replaced by its base, the lesser of two equal
 * ones left out, the 100 with the greatest priority kept, in that order (RFC 8445 s6.1.2). Unusable candidates are left out. */
void hip_checklist_form(struct hip_checklist *l, const struct hip_candidate *local, size_t n_local,
                        const struct hip_remote *remote, size_t n_remote, uint64_t now);

/* RTO = MAX(1000 ms, Ta * (waiting + in progress)) (s4.6.2) */
uint64_t hip_checklist_rto(const struct hip_checklist *l);
/* The pair whose check is to begin now, triggered ones first; NULL: none, or not yet (Ta). */
struct hip_pair *hip_checklist_next(struct hip_checklist *l, uint64_t now);
/* It has begun: p->check is filled in but for its times. */
void hip_checklist_begun(struct hip_checklist *l, struct hip_pair *p, uint64_t now);
/* A pair whose check is to be sent again, or has failed by now (state FAILED: told once); NULL: none. */
struct hip_pair *hip_checklist_again(struct hip_checklist *l, uint64_t now);
/* When hip_checklist_next() or hip_checklist_again() will have something; HEAP_NEVER. */
uint64_t hip_checklist_due(const struct hip_checklist *l);

/* The pair of this path; NULL. */
struct hip_pair *hip_checklist_find(struct hip_checklist *l, const struct hip_path *path);
/* The pair whose check under way has this Update ID; NULL. */
struct hip_pair *hip_checklist_by_id(struct hip_checklist *l, uint32_t id);
/* A check came in over a path that is no pair yet: a peer-reflexive candidate (RFC 8445 s7.3.1.3). When the list is full the pair of
 * least priority that failed goes. NULL: no local candidate sends from there, or no room. */
struct hip_pair *hip_checklist_learn(struct hip_checklist *l, const struct hip_candidate *local,
                                     size_t n_local, const struct hip_path *path, uint32_t priority);
/* Check it next: because a check of the peer's came over it (RFC 8445 s7.3.1.4), or again because it is wanted. */
void hip_checklist_trigger(struct hip_checklist *l, struct hip_pair *p, bool brief, uint64_t now);
void hip_checklist_succeeded(struct hip_checklist *l, struct hip_pair *p, uint64_t now);
void hip_checklist_failed(struct hip_checklist *l, struct hip_pair *p, uint64_t now);
/* The check under way is no longer wanted: as if it had not begun. */
void hip_checklist_drop(struct hip_checklist *l, struct hip_pair *p);
/* No more checks but triggered ones; those under way end, `keep`'s excepted. */
void hip_checklist_conclude(struct hip_checklist *l, const struct hip_pair *keep);

/* The pair to nominate: of those that work the one with the greatest priority, at once if nothing better can come, else after a short
 * wait so that direct beats relayed (s4.6.3). NULL: none, or *when tells when to ask again (HEAP_NEVER: on news). */
struct hip_pair *hip_checklist_best(const struct hip_checklist *l, uint64_t now, uint64_t *when);
/* Nothing works, and nothing is under way or waiting that could. */
bool hip_checklist_hopeless(const struct hip_checklist *l);
