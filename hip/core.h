/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine's files share: struct hip_engine, a received packet on its way, and the actions. Not for owners: they
 * include hip/engine.h.
 */
#pragma once

#include "common/base/heap.h"
#include "common/base/htab.h"
#include "common/base/limiter.h"
#include "hip/assoc.h"
#include "hip/build.h"
#include "hip/param_core.h"
#include "hip/pkt.h"
#include "hip/r1pool.h"

#define HIP_IDENTITIES_MAX  16 /* RFC 7401 s7 MUST: two at least */
#define HIP_HOST_ID_TLV_MAX (HIP_HI_MAX + HIP_DI_MAX + 16)
#define HIP_RVS_MAX         8 /* rendezvous servers, and as many control relays, that we are a client of */
#define HIP_ROOM_ACTIONS    8 /* a single event takes less than this */
#define HIP_ROOM_PACKETS    4
#define HIP_SLICE           2048 /* puzzle hashes in one hip_timeout() */
#define HIP_OPEN_MIN \
    32 /* exchanges whose owner is asked, of which half makes puzzles harder; or an eighth of the table */
#define HIP_PUZZLE_MORE_MAX 8

struct hip_identity {
    struct hip_hi hi;
    struct hip_r1pool *pool;
    uint16_t tlv_len;
    uint8_t tlv[HIP_HOST_ID_TLV_MAX]; /* HOST_ID as it stands in our R1: HIP_MAC_2 covers it */
};

struct hip_slot {
    uint32_t gen;
    struct hip_assoc *a;
};

struct hip_engine {
    struct hip_config cfg;  /* defaults filled in */
    uint8_t di[HIP_DI_MAX]; /* cfg.di is here */
    uint8_t n_groups, n_ciphers, n_esp, n_suites;
    struct hip_identity *id[HIP_IDENTITIES_MAX];
    size_t n_id;
    struct hip_slot *slots;
    uint32_t *free_slots;
    size_t n_free;
    struct htab *pairs, *embryos; /* local HIT, peer HIT */
    struct htab *spis;            /* inbound SPI */
    struct heap heap;
    struct limiter *r1_limit; /* NULL: no limit */
    struct hip_assoc *rvs[HIP_RVS_MAX];
    struct hip_assoc *relay[HIP_RVS_MAX]; /* control relays that we are a client of */
    struct bucket complaints;             /* NOTIFYs to Initiators: hip/complain.h */
    struct bucket icmp;                   /* hip/icmp.h */
    struct bucket told;                   /* NOTIFYs to senders of what is not relayed */
    size_t n_gone;                        /* associations that linger: the first to make room */
    uint8_t grown;                        /* hip_puzzle_grow() */
    uint64_t counters[HIP_DROP__COUNT];
};

/* Is this ESP suite one of ours, and may it be used with this peer (RFC 7402 s3.3.5)? */
bool hip_esp_allowed(const struct hip_engine *e, uint16_t suite, const struct hit *peer);

/* A packet that parsed, whose checksum is right and that is for one of our HITs. */
struct hip_rx {
    struct hip_engine *e;
    const struct hip_path *path; /* `to` set: a control relay of ours passed it on, verified */
    struct hip_path relayed;     /* what path points to then */
    struct hip_pkt pkt;
    struct hip_identity *id;
    struct hip_assoc *a; /* the association of the pair, embryos left out; NULL: none */
    bool proven;         /* MAC and signature were right; of an I2: its solution; of an R1: its signature */
    uint64_t now;
    struct hip_actions *out;
};

/* Returns HIP_TAKEN or the drop reason. */
typedef int hip_handler(struct hip_rx *rx);

/* Its suite is one of those that we speak. */
bool hip_hit_allowed(const struct hip_engine *e, const struct hit *h);
struct hip_identity *hip_identity_find(const struct hip_engine *e, const struct hit *hit);
static inline const struct env *hip_env(const struct hip_engine *e)
{
    return e->cfg.env;
}

/* RFC 7401 s4.1.2: #K follows the load. Called before an R1 leaves. */
void hip_engine_weigh(struct hip_engine *e);

/* ---- actions: hip/act.c ---- */

/* Room for one more event's worth of actions and packets. */
bool hip_act_room(const struct hip_actions *out);
/* The next action, type and names filled in; NULL (counted) when full. */
struct hip_action *hip_act(struct hip_engine *e, struct hip_actions *out, enum hip_act_type type,
                           const struct hip_assoc *a);
/* Octets that live as long as the actions; empty when there is no room. */
struct span hip_act_copy(struct hip_engine *e, struct hip_actions *out, struct span s);
/* Copy, RELAY_TO when the path goes through a relay of ours (RFC 9028 s4.5), the checksum for this path, SEND. a may be NULL: the packet
 * says who. */
void hip_act_send(struct hip_engine *e, struct hip_actions *out, const struct hip_assoc *a,
                  const struct hip_path *path, struct span packet);
void hip_act_sas(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a);
/* Before I2: SA_UP without an outbound one; nothing while connectivity checks are to come. */
void hip_act_sa_first(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a);
/* SA_DOWN, if there are any. */
void hip_act_sa_down(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a);
/* The inbound SA of a rekey: SA_UP without an outbound one. */
void hip_act_sa_in(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a);
/* With the credit, when the path is not verified; nothing while the SAs are not up. */
void hip_act_sa_path(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a, uint64_t now);

/* A peer's HI as HOST_ID has it, strong enough for us. ERR_MALFORMED, ERR_UNSUPPORTED, ERR_RANGE. */
MUST_USE err hip_peer_hi(const struct hip_engine *e, struct span wire, struct hip_hi *out);

/* ---- the table's helpers ---- */
static inline void hip_assoc_timer(struct hip_engine *e, struct hip_assoc *a, enum hip_timer which,
                                   uint64_t at_us)
{
    hip_timer_set(&e->heap, &a->timers, which, at_us);
}
/* Traffic of the association: UAL starts again. */
/* Without traffic for so long an association with this peer is closed. */
uint64_t hip_ual(const struct hip_engine *e, const struct hit *peer);
void hip_assoc_touch(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
/* RETRY: start with the packet in a->last, or go on after an expiry; false: tries used up. */
void hip_retry_start(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
/* What all the tries of an exchange take: EC, and how long a peer may go on. */
uint64_t hip_retry_total(const struct hip_engine *e);
bool hip_retry_again(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
