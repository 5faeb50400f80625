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
 * (rendezvous), RFC 8046 and 8047 (mobility, multihoming), RFC 9028 (NAT traversal, relays).
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/env.h"
#include "common/base/err.h"
#include "hip/hi.h"  /* struct hip_hi: a host identity and its HIT */
#include "hip/hit.h" /* struct hit: 16 octets */
#include "hip/param_core.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/param_reg.h"

struct hip_engine;

/* Names an association without pointing at it. A stale ref (generation passed) is answered ERR_NOT_FOUND, never mistaken for a newer one. */
struct hip_ref {
    uint32_t slot;
    uint32_t gen; /* 0 = none */
};

/* Where a packet came from or goes to. Ports 0: IP protocol 139; else UDP encapsulation (RFC 9028 s5.1).
 * to: the host at `peer` is a relay of ours that got this packet from `to` (RELAY_FROM, verified), or passes it on to there (RELAY_TO is
 * appended when it is sent); family ADDR_NONE: no relay of ours between. ESP goes to `peer` in any case. */
struct hip_path {
    struct addr local;
    struct addr peer;
    struct addr to;
};
bool hip_path_eq(const struct hip_path *a, const struct hip_path *b);

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

#define HIP_UDP_PORT       10500
#define HIP_CANDIDATES_MAX 10  /* of one host */
#define HIP_PAIRS_MAX      100 /* RFC 9028 s4.6.2 */

/* ---- NAT traversal (RFC 9028) ---- */

/* A transport address by which we may be reached (s4.2). */
struct hip_candidate {
    enum hip_locator_kind kind;
    struct addr addr;    /* what the peer sends to */
    struct addr base;    /* where we send from: address and port of our own */
    struct addr relay;   /* kind relayed: the data relay server's signalling address; else ADDR_NONE */
    uint16_t local_pref; /* 65535 if there is only one */
};

enum hip_pair_state {
    HIP_PAIR_WAITING,
    HIP_PAIR_IN_PROGRESS,
    HIP_PAIR_SUCCEEDED,
    HIP_PAIR_FAILED, /* no answer, or from elsewhere than it was sent to */
    HIP_PAIR_STATE__COUNT
};
const char *hip_pair_state_name(enum hip_pair_state s);

/* For showing: one candidate pair and what its check said. */
struct hip_pair_view {
    struct hip_candidate local;
    struct addr remote;
    enum hip_locator_kind remote_kind;
    enum hip_pair_state state;
    bool nominated, triggered;
    uint8_t tries;
    uint32_t rtt_us; /* of the last check that was answered; 0: none */
    uint64_t at_us;  /* when the state was entered; 0: not begun */
};

enum hip_checks {
    HIP_CHECKS_NONE, /* no connectivity checks on this association */
    HIP_CHECKS_RUNNING,
    HIP_CHECKS_DIRECT,  /* nominated, no relay on the path */
    HIP_CHECKS_RELAYED, /* nominated, through a data relay server */
    HIP_CHECKS_FAILED,  /* NOTIFY 61; no ESP (s4.6.3) */
    HIP_CHECKS__COUNT
};
const char *hip_checks_name(enum hip_checks c);

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
    struct addr reg_from; /* REG_FROM: where the registrar sees the requester; ADDR_NONE: not there */
    struct addr relayed;  /* RELAYED_ADDRESS: port that the data relay server opened, or is to close */
    bool has_permission;  /* PEER_PERMISSION (RFC 9028 s4.12) */
    struct hip_peer_permission permission;
    /* I2, and at the Initiator R1: the one in HOST_ID (RFC 7401 s5.2.9), what the peer says of itself; from a packet NONE when it has no right form. */
    struct hip_domain_id di;
    struct span inner;
    struct span
        certs; /* CERT parameters (RFC 8002), whole TLVs as `inner`; hip/param_cert.h reads and makes them. Never in R1 or R2 */
};

/* ---- configuration ---- */

struct hip_reg_offer {
    uint8_t min, max; /* lifetime codings */
    uint8_t n;
    uint8_t type[HIP_REG_TYPES_MAX];
    bool sim_binding; /* offer type 201 as well, where docs/sim-binding.md section 1 lets an I1 have it */
};

/* The unused association lifetime of this peer's (RFC 7402 s3.3.7). */
struct hip_idle {
    struct hit peer;
    uint64_t us;
};

struct hip_config {
    const struct env *env;
    uint32_t assoc_max;   /* associations held at most */
    uint8_t dh_groups[8]; /* preference order, 0 ends: 7, 8, 9, 4, 11, 3, 10 */
    uint16_t ciphers[6];  /* HIP_CIPHER preference, 0 ends: 2, 4 */
    bool
        refuse_anonymous; /* I2s of anonymous HIs, and their R1s where our I1 had no HIT (RFC 7401 s6.8 step 9, s6.9) */
    bool
        host_id_in_clear; /* our I2s' HOST_ID: not in ENCRYPTED (RFC 7401 s5.3.3 MAY); an observer sees who asks */
    bool null_encrypt; /* HIP_CIPHER 1 in that list counts: for testing, nothing is secret then */
    uint8_t hit_suites
        [8]; /* HIT_SUITE_LIST, 0 ends, and whom we speak to: 1, 2, 3, 5; empty: 1, 2, 5. Those of our identities are added. */
    uint16_t esp_suites[6]; /* ESP_TRANSFORM preference, 0 ends: 7 to 15 */
    /* Peers with whom suites that only authenticate (7, 14, 15) may be used, a NULL HIT: with any (RFC 7402 s3.3.5). Empty: they are not even
     * offered. Stays where it is for as long as the engine lives. */
    const struct hit *auth_only;
    size_t n_auth_only;
    struct hip_domain_id di; /* in HOST_ID of our R1s; copied; one of no right form: no engine */
    uint16_t rsa_bits_min;   /* of a peer's key (RFC 7401 s5.2.9 SHOULD: 112 bits of strength); 0: 2048 */
    bool refuse_dsa;         /* the same of DSA identities, whose keys have 1024 bits at most (RFC 2536) */
    uint8_t puzzle_k;        /* #K when idle; sim_binding makes it at least 10 */
    uint8_t puzzle_k_max;    /* largest #K that we solve */
    uint8_t puzzle_more;     /* bits added to #K under load: the engine's own */
    bool
        tell; /* NOTIFYs and ICMP about packets that were dropped, to those who may hear of it (RFC 7401 s5.2.19) */
    struct hip_reg_offer offer;
    uint32_t rtx_first_us; /* first retransmission of I1, I2, UPDATE, CLOSE (doubling); 0: one second */
    uint8_t rtx_tries;     /* 0: five */
    uint64_t ual_us;       /* unused association lifetime; 0: fifteen minutes */
    const struct hip_idle
        *idle; /* peers that have another; stays where it is for as long as the engine lives */
    size_t n_idle;
    uint64_t ack_delay_us; /* 0: 100 ms */
    uint64_t r1_life_us;   /* a generation of R1s; 0: two minutes */
    struct addr r1_locators
        [4]; /* LOCATOR_SET of R1s, preferred first (RFC 8047 s4.2.8): puzzles are bound to no address then; ADDR_NONE ends */
    uint32_t r1_per_source_milli; /* R1s a second and source, in thousandths; 0: no limit */
    uint16_t nat_modes
        [4]; /* NAT_TRAVERSAL_MODE of R1s, preference order, 0 ends; what we choose from as Initiator: 3, 1 */
    bool relay_server;     /* R1s offer UDP-ENCAPSULATION alone; RELAY_FROM is never taken (RFC 9028 s4.3) */
    uint32_t pacing_ms;    /* Ta; 0: 50, below 5 is not taken */
    uint64_t keepalive_us; /* NAT_KEEPALIVE on an idle UDP path; 0: 15 s, never shorter */
    uint64_t
        udp_after_us; /* first I1 in UDP so long after the one without, where both are tried; 0: 100 ms */
    /* An R1 does not list the HIT suite of the identity that asked: another identity of ours, of a suite that it lists, asks anew under the same
     * ref (RFC 7401 s6.8 step 6 MAY). Not where it matters to the owner who of us speaks: the daemons have no key for it, since a Forwarding
     * Agent begins no exchange and a host speaks as its SIM's identity or its own, never as either. */
    bool any_identity;
    bool
        drawn_signatures; /* salts and nonces of signatures are env's draws too, not constant in time: for vectors and the simulator alone */
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

/* Under load of its owner's: `more` bits (at most 8) on top of #K in R1s from the next generation on; 0 takes them off again. The engine adds bits by
 * itself when it holds many associations, or many exchanges whose owner is asked; the greater of both counts. */
void hip_puzzle_grow(struct hip_engine *e, uint8_t more);

/* ---- actions ---- */

enum hip_act_type {
    HIP_ACT_SEND, /* send: path, octets (checksum done unless ports are set) */
    HIP_ACT_ICMP, /* send: an ICMP message for path.peer (IPv4: protocol 1, IPv6: 58), its checksum done, from path.local */
    HIP_ACT_SA_UP, /* sa: both SAs are usable (but see out_ready); after a rekey the old inbound one stays until the new one carries data */
    HIP_ACT_SA_PATH,     /* sa_path: outbound packets go elsewhere from now on */
    HIP_ACT_SA_DOWN,     /* ref: both SAs are gone */
    HIP_ACT_ASK_I2,      /* ask: an R1 was verified (initiator); hip_answer() gives what goes into I2 */
    HIP_ACT_ASK_R2,      /* ask: an I2 was verified (responder); hip_answer() gives what goes into R2 */
    HIP_ACT_ESTABLISHED, /* up: R2 verified (initiator), or first sign of life in R2-SENT (responder) */
    HIP_ACT_UPDATE,      /* update: an UPDATE with contents for the owner */
    HIP_ACT_ACKED,       /* acked: our UPDATE was acknowledged */
    HIP_ACT_MOVED,       /* moved: the peer's new preferred locator was verified */
    HIP_ACT_NOTIFY,      /* notify: a verified NOTIFY came */
    HIP_ACT_CHECKS, /* checks: connectivity checks began, ended or begin again; SA_PATH says where ESP goes */
    HIP_ACT_PERMIT, /* permit: a relayed candidate of ours is used with this peer: have the data relay server let it through */
    HIP_ACT_PROBED, /* probed: hip_probe() was answered, or was not */
    HIP_ACT_GONE,   /* gone: the association ended; its ref is stale now */
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
            bool
                out_ready; /* false: `in` is usable, beside an old one, `out` is not there yet: of a rekey that is not complete, or of an I2
                            * that is about to leave; of another I2 it takes the place of the one before, with the same SPI */
        } sa;
        struct {
            struct hip_path path;
            bool unverified; /* within a credit only (RFC 8046 s5.6); peer ADDR_NONE: nowhere */
            uint64_t credit; /* octets, on top of what is left of an earlier one */
        } sa_path;
        struct { /* ASK_I2: contents.info is what R1 offered. ASK_R2: contents as I2 carried them. */
            struct hip_path path;
            struct hip_contents contents;
            bool relayed;       /* ASK_R2: the I1 or I2 came through a rendezvous server */
            bool opportunistic; /* ASK_I2: our I1 had a NULL HIT */
            bool anonymous;     /* the peer's HI is: not to be stored */
            uint16_t
                nat_mode; /* chosen: 0 none, else enum hip_nat_mode; ICE-HIP-UDP: the answer carries candidates */
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
            enum hip_checks what;
            struct hip_path path; /* nominated: for ESP */
        } checks;
        struct {
            struct addr relay;   /* the data relay server's signalling address */
            struct addr relayed; /* our relayed candidate */
            struct addr peer;    /* as the server sees or will see it */
            uint32_t spi_out, spi_in;
        } permit;
        struct {
            uint32_t id;
            bool answered;
            uint32_t rtt_us;
            struct hip_path path;
        } probed;
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
    size_t n_cand; /* our candidates, where the mode is ICE-HIP-UDP */
    struct hip_candidate cand[HIP_CANDIDATES_MAX];
    size_t
        n_locators; /* our addresses for LOCATOR_SET in I2 or R2 (RFC 8047 s4.2.8), the first one preferred: that of the packet; 0: none */
    struct addr locator[HIP_LOCATORS_MAX];
};
MUST_USE err hip_answer(struct hip_engine *e, struct hip_ref ref, const struct hip_answer *a, uint64_t now,
                        struct hip_actions *out);

/* ---- what an owner starts ---- */

/* Begin a base exchange. to[0..n), at most six: I1 goes to each in the first try, then to one after the other. peer NULL HIT: opportunistic.
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
/* The same from and to this path instead of the association's: CANDIDATE_DISCOVERY by interface (RFC 9028 s4.2), and the answer to it,
 * which goes back where the request came from (update.path). Never acknowledged: dropped, the association stays. ERR_RANGE: a
 * path in UDP for an association without, or the other way round. */
MUST_USE err hip_update_on(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                           const struct hip_contents *c, uint64_t now, struct hip_actions *out);
/* No answer will follow an UPDATE action: acknowledge now instead of after ack_delay_us. */
MUST_USE err hip_update_done(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);
MUST_USE err hip_notify(struct hip_engine *e, struct hip_ref ref, uint16_t code, struct span data,
                        uint64_t now, struct hip_actions *out);

/* Our locators changed: send from path->local to path->peer a LOCATOR_SET with these addresses, set[0] preferred (RFC 8046 s3.2.1); all that are
 * in use must be in it. Link-local ones are told to who is on the link only (RFC 8047 s5.1). Outbound ESP uses the new path at once, within a credit when
 * path->peer was never checked; path->peer ADDR_NONE: the best locator of the peer's that path->local reaches. The peer verifies our side. During I1-SENT and I2-SENT the exchange goes on from path->local. */
MUST_USE err hip_move(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                      const struct addr *set, size_t n, uint64_t now, struct hip_actions *out);

/* New keys and SPIs for ESP (RFC 7402 s6.8): from the rest of KEYMAT, or from a new Diffie-Hellman of the same group: with_dh, and in any
 * case when KEYMAT is used up. ERR_EXISTS: one is under way. */
MUST_USE err hip_rekey(struct hip_engine *e, struct hip_ref ref, bool with_dh, uint64_t now,
                       struct hip_actions *out);
/* ESP came in by this SPI, that of an SA_UP without out_ready: as good as the ACK of our half (RFC 7402 s6.10 step 4). Nothing when it is not. */
void hip_sa_rekeyed(struct hip_engine *e, struct hip_ref ref, uint32_t spi, uint64_t now,
                    struct hip_actions *out);

/* ---- connectivity checks (RFC 9028 s4.6, s4.9) ---- */

/* Our candidates are these now: told to the peer through the relay, ENCRYPTED, and the checks begin again. */
MUST_USE err hip_candidates(struct hip_engine *e, struct hip_ref ref, const struct hip_path *path,
                            const struct hip_candidate *cand, size_t n, uint64_t now,
                            struct hip_actions *out);
/* ESP goes out and nothing comes in: the nominated path, or the locator in use, is checked, and left for another one that works when it does not answer. */
void hip_path_silent(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);
/* Pairs and their checks, *pos starts at 0; false at the end. */
bool hip_pair_next(const struct hip_engine *e, struct hip_ref ref, size_t *pos, struct hip_pair_view *out);
/* Ask the peer for an echo on the path that ESP takes (UPDATE with ECHO_REQUEST_SIGNED); PROBED follows. */
MUST_USE err hip_probe(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out,
                       uint32_t *id);

/* Data went through a SA of this association: keeps it alive, and ends R2-SENT at the responder. */
void hip_sa_used(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out);

/* ESP went out on this association, last at `at`: the NAT's mapping is fresh, no keepalive is due (RFC 9028 s4.10). Cheap, causes no action. */
void hip_sa_sent(struct hip_engine *e, struct hip_ref ref, uint64_t at);

/* Credit-based authorisation (RFC 8046 s5.6): ESP octets that came from this peer since the last call. The engine keeps the credit and ages it,
 * so that packets to a verified locator cost nothing. SA_PATH with `unverified` hands all of it over: from then on the owner takes the octets
 * of what it sends off it, adds those of what comes, drops what it does not cover, and takes 7/8 of it every HIP_CREDIT_AGING_US;
 * after the next SA_PATH without `unverified` it gives back by this call what is left. */
void hip_cba_received(struct hip_engine *e, struct hip_ref ref, uint64_t octets, uint64_t now);
#define HIP_CREDIT_AGING_US UINT64_C(5000000)
#define HIP_CREDIT_MAX      UINT64_C(16777216) /* octets that an engine keeps for one peer */
static inline uint64_t hip_credit_aged(uint64_t credit, uint64_t intervals)
{
    for (; intervals && credit; intervals--)
        credit -= (credit + 7) / 8;
    return credit;
}

/* ---- rendezvous (RFC 8004) ---- */

/* An UPDATE of ours that is not acknowledged goes to this rendezvous server of the peer's as well (RFC 8046 s3.2.3): its address; ADDR_NONE: forget it. An
 * Initiator knows the one its I1 went through. */
MUST_USE err hip_rvs_of(struct hip_engine *e, struct hip_ref ref, const struct addr *rvs);
/* Server: pass an I1, or an UPDATE of a peer that lost its way to the client (RFC 8046 s3.2.3), that came over `in` on to the registered
 * client behind `client`, with FROM and RVS_HMAC. The packet's checksum is verified first. UDP on either side: BAD_NAT_MODE, FROM
 * has no port. Returns a drop reason. */
int hip_relay_i1(struct hip_engine *e, struct hip_ref client, const struct hip_path *in, struct span i1,
                 uint64_t now, struct hip_actions *out);
/* Client: accept (or no longer accept) packets with FROM from the server behind this association. */
MUST_USE err hip_rvs_trust(struct hip_engine *e, struct hip_ref ref, bool on);

/* ---- control and data relay (RFC 9028 s4.5, s4.12.2) ---- */

/* Server: a packet that came over `in` goes on to the registered client behind `client`, with RELAY_FROM and RELAY_HMAC, leaving over
 * `out_path` (NULL: the client's path as registered). Returns a drop reason. */
int hip_relay_to_client(struct hip_engine *e, struct hip_ref client, const struct hip_path *in,
                        const struct hip_path *out_path, struct span packet, uint64_t now,
                        struct hip_actions *out);
/* Server: where a client's packet wants to go (RELAY_TO), and whether it belongs to a connectivity check (CANDIDATE_PRIORITY,
 * MAPPED_ADDRESS or NOMINATE): such a one leaves from the relayed address. Looks at the packet only. A drop reason. */
int hip_relay_wants(struct span packet, struct addr *to, bool *check);
/* Server: pass it on over this path. */
int hip_relay_from_client(struct hip_engine *e, const struct hip_path *path, struct span packet, uint64_t now,
                          struct hip_actions *out);
/* Client: accept packets with RELAY_FROM from the server behind this association. Excludes hip_rvs_trust(): RVS_HMAC from it is answered with NOTIFY
 * 64 (s7.8). */
MUST_USE err hip_relay_trust(struct hip_engine *e, struct hip_ref ref, bool on);

/* ---- looking at it ---- */

struct hip_assoc_view {
    struct hip_ref ref;
    enum hip_state state;
    bool gone; /* GONE was told: it lingers in CLOSING, CLOSED or E-FAILED, and its ref is stale */
    struct hit local, peer;
    struct hip_path path;
    bool initiator;
    bool anonymous;    /* the peer's HI */
    uint64_t since_us; /* when the state was entered */
    uint8_t dh_group;
    uint16_t cipher, esp_suite;
    uint32_t spi_in, spi_out;
    uint16_t nat_mode; /* 0 none, else enum hip_nat_mode */
    enum hip_checks checks;
    bool controlling;     /* of the connectivity checks; stays through moves (RFC 9028 s4.6) */
    struct hip_path esp;  /* where ESP goes */
    struct hip_path home; /* signalling by the relay, where there are connectivity checks; else as path */
    struct span peer_hi;  /* Algorithm(2) Host Identity, as sim-binding wants it; borrowed */
};
MUST_USE err hip_assoc_get(const struct hip_engine *e, struct hip_ref ref, struct hip_assoc_view *out);
MUST_USE err hip_assoc_find(const struct hip_engine *e, const struct hit *local, const struct hit *peer,
                            struct hip_ref *out);
/* *pos starts at 0; false at the end. */
bool hip_assoc_next(const struct hip_engine *e, size_t *pos, struct hip_assoc_view *out);
/* The 32 octets drawn from KEYMAT's PRK under "HIP-EXPORT sim-binding" (docs/sim-binding.md section 3); valid while the association is.
 * ERR_STATE: wiped, or we are the Responder and offer no SIM binding. */
MUST_USE err hip_assoc_export(const struct hip_engine *e, struct hip_ref ref, const uint8_t **out);
/* The exporter key is no longer needed: wipe it. */
void hip_assoc_export_wipe(struct hip_engine *e, struct hip_ref ref);
uint64_t hip_counter(const struct hip_engine *e, int counter); /* hip/drop.h */
