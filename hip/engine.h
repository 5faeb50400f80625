/* SPDX-License-Identifier: Apache-2.0
 *
 * HIPv2 without I/O: a table of associations that takes packets and time and answers with actions.
 *
 * The engine never sleeps, never calls back and reads no clock. Every call that can cause something takes `now` and an
 * action list; the caller carries the actions out in order and then asks hip_deadline() when to call
 * hip_timeout(). What an exchange needs from its owner (may this host register? what goes beside the
 * exchange's own parameters?) is an ASK action; the owner answers at once or later with hip_answer().
 *
 * Sources: RFC 7401 (base exchange, UPDATE, CLOSE), RFC 7402 (ESP), RFC 8003 (registration), RFC 8004
 * (rendezvous), RFC 8046 (mobility).
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/env.h"
#include "common/base/err.h"
#include "hip/hi.h"  /* struct hip_hi: a host identity and its HIT */
#include "hip/hit.h" /* struct hit: 16 octets */
#include "hip/param_reg.h"

struct hip_engine;

/* Names an association without pointing at it. A stale ref (generation passed) is answered ERR_NOT_FOUND, never mistaken for a newer one. */
struct hip_ref {
    uint32_t slot;
    uint32_t gen; /* 0 = none */
};

/* Where a packet came from or goes to. Ports 0: IP protocol 139; else UDP encapsulation. */
struct hip_path {
    struct addr local;
    struct addr peer;
};

#define HIP_LOCATORS_MAX 8
#define HIP_INNER_MAX    1792 /* octets of owner's parameters inside ENCRYPTED */

enum hip_state {
    HIP_UNASSOCIATED,
    HIP_I1_SENT,
    HIP_I2_SENT,
    HIP_R2_SENT,
    HIP_ESTABLISHED,
    HIP_CLOSING,
    HIP_CLOSED,
    HIP_E_FAILED,
    HIP_STATE__COUNT
};
const char *hip_state_name(enum hip_state s);

/* ---- registration, as data: hip/param_reg.h (RFC 8003) ---- */

/* What travels beside the exchange's own parameters, in either direction.
 * inner: whole TLVs in type order, padded to 8, as they stand in ENCRYPTED behind HOST_ID; from a packet: without HOST_ID and with any
 * zero padding that followed. Borrowed: from an action it is valid until the next call into the engine. */
struct hip_contents {
    struct hip_reg_info info;
    struct hip_reg_list request;
    struct hip_reg_list response;
    struct hip_reg_fail failed[4];
    uint8_t n_failed;
    struct span inner;
};

/* ---- configuration ---- */

struct hip_reg_offer {
    uint8_t min, max; /* lifetime codings */
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
    bool sim_binding; /* offer type 201 as well, where docs/sim-binding.md section 1 lets an I1 have it */
};

struct hip_config {
    const struct env *env;
    uint32_t assoc_max;     /* associations held at most */
    uint8_t dh_groups[8];   /* preference order, 0 ends: 7, 8 */
    uint16_t ciphers[6];    /* HIP_CIPHER preference, 0 ends: 2, 4 */
    uint16_t esp_suites[6]; /* ESP_TRANSFORM preference, 0 ends: 8, 13 */
    uint8_t puzzle_k;       /* #K when idle; sim_binding makes it at least 10 */
    uint8_t puzzle_k_max;   /* largest #K that we solve */
    uint8_t puzzle_more;    /* bits added to #K: hip_puzzle_grow() */
    struct hip_reg_offer offer;
    uint32_t rtx_first_us; /* first retransmission of I1, I2, UPDATE, CLOSE (doubling); 0: one second */
    uint8_t rtx_tries;     /* 0: five */
    uint64_t ual_us;       /* unused association lifetime; 0: fifteen minutes */
    uint64_t ack_delay_us; /* 0: 100 ms */
    uint64_t r1_life_us;   /* a generation of R1s; 0: two minutes */
    uint32_t r1_per_source_milli; /* R1s a second and source, in thousandths; 0: no limit */
};

struct hip_engine *hip_engine_new(
    const struct hip_config *c); /* copies *c; NULL: out of memory or no suite usable */
void hip_engine_free(struct hip_engine *e);
/* The engine keeps its own copy of hi (private key included). r1_counter: where the generation counter goes on. ERR_EXISTS, ERR_FULL. */
MUST_USE err hip_identity_add(struct hip_engine *e, const struct hip_hi *hi, uint64_t r1_counter,
                              uint64_t now);
MUST_USE err hip_identity_remove(struct hip_engine *e,
                                 const struct hit *hit); /* its associations are dropped without a packet */
uint64_t hip_identity_r1_counter(const struct hip_engine *e, const struct hit *hit);

/* Under load: `more` bits (at most 8) on top of #K in R1s from the next generation on; 0 takes them off again. */
void hip_puzzle_grow(struct hip_engine *e, uint8_t more);

/* ---- actions ---- */

enum hip_act_type {
    HIP_ACT_SEND,        /* send: path, octets (checksum done unless ports are set) */
    HIP_ACT_SA_UP,       /* sa: both SAs are usable (inbound may be up earlier: see struct hip_sa) */
    HIP_ACT_SA_PATH,     /* sa_path: outbound packets go elsewhere from now on */
    HIP_ACT_SA_DOWN,     /* ref: both SAs are gone */
    HIP_ACT_ASK_I2,      /* ask: an R1 was verified (initiator); hip_answer() gives what goes into I2 */
    HIP_ACT_ASK_R2,      /* ask: an I2 was verified (responder); hip_answer() gives what goes into R2 */
    HIP_ACT_ESTABLISHED, /* up: R2 verified (initiator), or first sign of life in R2-SENT (responder) */
    HIP_ACT_UPDATE,      /* update: an UPDATE with contents for the owner */
    HIP_ACT_ACKED,       /* acked: our UPDATE was acknowledged */
    HIP_ACT_MOVED,       /* moved: the peer's new preferred locator was verified */
    HIP_ACT_NOTIFY,      /* notify: a verified NOTIFY came */
    HIP_ACT_GONE,        /* gone: the association ended; its ref is stale now */
};

enum hip_gone {
    HIP_GONE_CLOSED,   /* CLOSE exchange, either side */
    HIP_GONE_FAILED,   /* retransmissions used up (E-FAILED) */
    HIP_GONE_REPLACED, /* a new base exchange with the same peer took its place */
    HIP_GONE_REFUSED, /* our owner refused; a NOTIFY of the peer's is only a hint (HIP_ACT_NOTIFY) and ends nothing */
    HIP_GONE_REMOVED, /* hip_drop() or hip_identity_remove() */
};

struct hip_sa_keys { /* borrowed from locked memory; copy into a SA of hip/esp and forget */
    uint32_t spi;
    uint16_t suite; /* ESP transform id */
    struct span enc;
    struct span auth;
};

struct hip_action {
    enum hip_act_type type;
    struct hip_ref ref;
    struct hit local, peer;
    union {
        struct {
            struct hip_path path;
            struct span octets;
        } send;
        struct {
            struct hip_sa_keys in, out;
            struct hip_path path; /* addresses for outbound ESP */
            bool out_ready;       /* false: R2-SENT's outbound waits; always true for now at both ends */
        } sa;
        struct {
            struct hip_path path;
        } sa_path;
        struct { /* ASK_I2: contents.info is what R1 offered. ASK_R2: contents as I2 carried them. */
            struct hip_path path;
            struct hip_contents contents;
            bool relayed;       /* ASK_R2: the I1 or I2 came through a rendezvous server */
            bool opportunistic; /* ASK_I2: our I1 had a NULL HIT */
            uint8_t dh_group;
            uint16_t cipher;
            uint8_t puzzle_k;
        } ask;
        struct {
            bool initiator;
            struct hip_path path;
            struct hip_contents contents; /* of R2, at the initiator */
        } up;
        struct {
            uint32_t id;    /* its Update ID */
            bool acks_ours; /* it acknowledged one of our UPDATEs too */
            struct hip_path path;
            struct hip_contents contents;
        } update;
        struct {
            uint32_t id;
        } acked;
        struct {
            struct hip_path path;
        } moved;
        struct {
            uint16_t code;
            struct span data;
        } notify;
        struct {
            enum hip_gone why;
            enum hip_state was;
        } gone;
    };
};

#define HIP_ACTIONS_MAX 64

/* Filled by the engine from the front; `buf` holds the octets that spans point to. Reset by the caller (n = used = 0) between calls. When
 * full the engine drops what it would send and counts it (HIP_DROP_ACTIONS_FULL). */
struct hip_actions {
    size_t n;
    struct hip_action v[HIP_ACTIONS_MAX];
    size_t used;
    uint8_t buf[16 * HIP_PACKET_MAX];
};
static inline void hip_actions_reset(struct hip_actions *a)
{
    a->n = a->used = 0;
}

/* ---- the four calls ---- */

/* One datagram: the HIP packet without IP header, without the UDP marker. Returns the drop reason (0 = taken, hip/drop.h), counted already. */
int hip_input(struct hip_engine *e, const struct hip_path *path, struct span octets, uint64_t now,
              struct hip_actions *out);
void hip_timeout(struct hip_engine *e, uint64_t now, struct hip_actions *out);
uint64_t hip_deadline(const struct hip_engine *e); /* HEAP_NEVER: none */

/* Answer to ASK_I2 or ASK_R2. accept false: ASK_I2: give up; ASK_R2: refuse with NOTIFY `notify` (0: silently) and no association.
 * ERR_NOT_FOUND, ERR_STATE, ERR_SPACE. */
struct hip_answer {
    bool accept;
    uint16_t notify;
    struct hip_contents contents;
};
MUST_USE err hip_answer(struct hip_engine *e, struct hip_ref ref, const struct hip_answer *a, uint64_t now,
                        struct hip_actions *out);

/* ---- what an owner starts ---- */

/* Begin a base exchange. to[0..n), at most three: I1 goes to each in the first try, then to one after the other. peer NULL HIT: opportunistic.
 * An association with this pair that lives already: ERR_EXISTS and its ref. */
MUST_USE err hip_connect(struct hip_engine *e, const struct hit *local, const struct hit *peer,
                         const struct hip_path *to, size_t n, uint64_t now, struct hip_actions *out,
                         struct hip_ref *ref);
MUST_USE err hip_close(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);
/* No idle CLOSE (UAL) before this moment, whatever the traffic: a registration or binding lives on this association. */
MUST_USE err hip_keep(struct hip_engine *e, struct hip_ref ref, uint64_t until_us, uint64_t now);
/* Forget without a packet (the peer is known to be gone). */
MUST_USE err hip_drop(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);

/* The Update ID that the next hip_update() of this association will carry (docs/sim-binding.md section 3: it is MACed inside). */
MUST_USE err hip_update_id(const struct hip_engine *e, struct hip_ref ref, uint32_t *id);
/* UPDATE with SEQ and contents; acknowledges whatever is owed. Retransmitted until ACKed; several may be outstanding. */
MUST_USE err hip_update(struct hip_engine *e, struct hip_ref ref, const struct hip_contents *c, uint64_t now,
                        struct hip_actions *out);
/* No answer will follow an UPDATE action: acknowledge now instead of after ack_delay_us. */
MUST_USE err hip_update_done(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);
MUST_USE err hip_notify(struct hip_engine *e, struct hip_ref ref, uint16_t code, struct span data,
                        uint64_t now, struct hip_actions *out);

/* Our locators changed: send from path->local to path->peer a LOCATOR_SET with these addresses, set[0] preferred (RFC 8046 s3.2.1).
 * Outbound ESP uses the new path at once; the peer verifies it. */
MUST_USE err hip_move(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                      const struct addr *set, size_t n, uint64_t now, struct hip_actions *out);

/* Data went through a SA of this association: keeps it alive, and ends R2-SENT at the responder. */
void hip_sa_used(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);

/* ---- rendezvous (RFC 8004) ---- */

/* Server: pass an I1 that came over `in` on to the registered client behind `client`, with FROM and RVS_HMAC. The packet's checksum is
 * verified first. Returns a drop reason. */
int hip_relay_i1(struct hip_engine *e, struct hip_ref client, const struct hip_path *in, struct span i1,
                 uint64_t now, struct hip_actions *out);
/* Client: accept (or no longer accept) packets with FROM from the server behind this association. */
MUST_USE err hip_rvs_trust(struct hip_engine *e, struct hip_ref ref, bool on);

/* ---- looking at it ---- */

struct hip_assoc_view {
    struct hip_ref ref;
    enum hip_state state;
    struct hit local, peer;
    struct hip_path path;
    bool initiator;
    uint64_t since_us; /* when the state was entered */
    uint8_t dh_group;
    uint16_t cipher, esp_suite;
    uint32_t spi_in, spi_out;
    struct span peer_hi; /* Algorithm(2) Host Identity, as sim-binding wants it; borrowed */
};
MUST_USE err hip_assoc_get(const struct hip_engine *e, struct hip_ref ref, struct hip_assoc_view *out);
MUST_USE err hip_assoc_find(const struct hip_engine *e, const struct hit *local, const struct hit *peer,
                            struct hip_ref *out);
/* *pos starts at 0; false at the end. */
bool hip_assoc_next(const struct hip_engine *e, size_t *pos, struct hip_assoc_view *out);
/* The 32 octets drawn from KEYMAT's PRK under "HIP-EXPORT sim-binding" (docs/sim-binding.md section 3); valid while the association is. */
MUST_USE err hip_assoc_export(const struct hip_engine *e, struct hip_ref ref, const uint8_t **out);
/* The exporter key is no longer needed: wipe it. */
void hip_assoc_export_wipe(struct hip_engine *e, struct hip_ref ref);
uint64_t hip_counter(const struct hip_engine *e, int counter); /* hip/drop.h */
