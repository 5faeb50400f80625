/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA' peer (RFC 9048, RFC 4187), of EAP-AKA too where its owner allows it, without I/O: one run. Each call answers with one action. What the peer cannot decide itself it asks
 * for: the identity to show, and at a challenge the card and whether the network's name is acceptable (docs/sim-binding.md s4, s5).
 *
 * A run: aka_peer_start() (or an EAP Request/Identity into aka_peer_input()) -> SEND Response/Identity; input -> CHALLENGE; the owner
 * judges net_name, asks the card, aka_peer_card() -> SEND with proof = true (AT_MAC of the challenge was right; RES goes out with this):
 * aka_peer_msk() has the MSK from here on. input(EAP Success) -> SUCCESS.
 *
 * The peer sends no AT_RESULT_IND and does no fast re-authentication: it takes a pseudonym and leaves AT_NEXT_REAUTH_ID. AKA' is preferred: an
 * AKA challenge that says the server could have done AKA' (AT_BIDDING, RFC 9048 s4) is refused.
 */
#pragma once

#include "aka/attr.h"
#include "aka/fs.h"
#include "aka/usim.h"
#include "common/base/env.h"

#define AKA_PEER_ROUNDS     8 /* EAP requests answered in a run */
#define AKA_PEER_IDENTITIES 3 /* identity requests answered (sim-binding s8) */
#define AKA_PEER_RESYNCS    1
#define AKA_PEER_NOTES      1

enum aka_id_req { AKA_ID_EAP, AKA_ID_ANY, AKA_ID_FULLAUTH, AKA_ID_PERMANENT };

enum aka_peer_act {
    AKA_PEER_NONE,     /* packet discarded; reason says why. State unchanged. */
    AKA_PEER_SEND,     /* send octets */
    AKA_PEER_IDENTITY, /* which identity was asked for: answer with aka_peer_identity() */
    AKA_PEER_CHALLENGE, /* method, rand, autn, net_name: answer with aka_peer_card() or aka_peer_refuse_name() */
    AKA_PEER_SUCCESS, /* EAP Success after our proof */
    AKA_PEER_FAILED,  /* EAP Failure: the run is over */
};

struct aka_peer_action {
    enum aka_peer_act type;
    enum aka_reason
        reason; /* of NONE and FAILED; of a SEND that refuses (Client-Error, Authentication-Reject, Synchronization-Failure, Nak) */
    struct span octets;     /* SEND: borrowed until the next call */
    bool proof;             /* SEND: this is the Challenge-Response with RES */
    bool over;              /* SEND: the run cannot succeed any more (Client-Error, Authentication-Reject) */
    enum aka_id_req id_req; /* IDENTITY */
    const uint8_t *rand, *autn; /* CHALLENGE: 16 octets each, borrowed until the next call */
    uint8_t method;             /* CHALLENGE: EAP type */
    struct span net_name;       /* CHALLENGE: AT_KDF_INPUT's name, as received, not empty; empty in AKA */
};

struct aka_peer;

struct aka_peer *aka_peer_new(void); /* in secret memory; NULL: out of memory */
void aka_peer_free(struct aka_peer *p);
/* EAP-AKA (23) may be used as well. Before the run begins. */
void aka_peer_allow_aka(struct aka_peer *p);
/* Take part in forward secrecy (RFC 9678) where the server offers it; env draws the keys and outlives the peer. required: a challenge of AKA' that
 * does not offer it is refused like a bad AUTN. Before the run begins; without this call what is offered is ignored. */
void aka_peer_forward_secrecy(struct aka_peer *p, const struct env *env, bool required);

/* Begin unasked with Response/Identity, EAP identifier 0 (sim-binding s1). ERR_STATE: has begun. ERR_RANGE: identity length. */
MUST_USE err aka_peer_start(struct aka_peer *p, struct span identity, struct aka_peer_action *out);
/* One EAP packet from the server. */
void aka_peer_input(struct aka_peer *p, struct span eap, struct aka_peer_action *out);
/* The identity to show, octets as they go out (no decoration); an empty span refuses: Client-Error 0 (EAP identity: the run is over). */
void aka_peer_identity(struct aka_peer *p, struct span identity, struct aka_peer_action *out);
/* What the card said to the challenge. Verifies AT_MAC before RES is put into the answer. */
void aka_peer_card(struct aka_peer *p, const struct usim_auth *a, struct aka_peer_action *out);
/* The network name is not acceptable: Authentication-Reject (sim-binding s5). */
void aka_peer_refuse_name(struct aka_peer *p, struct aka_peer_action *out);

/* 64 octets once the proof was sent and while the run has not failed; else NULL. */
const uint8_t *aka_peer_msk(const struct aka_peer *p);
/* What hangs on it exists (docs/sim-binding.md s3): wipe MSK and EMSK; the run goes on. */
void aka_peer_msk_wipe(struct aka_peer *p);
/* The network name of the verified challenge; empty before the proof, and in AKA. */
struct span aka_peer_net_name(const struct aka_peer *p);
uint8_t aka_peer_method(const struct aka_peer *p); /* EAP type in use; 0: none yet */
bool aka_peer_fs(const struct aka_peer *p);        /* the keys of the proof have forward secrecy */
/* AT_NEXT_PSEUDONYM of the verified challenge, a user name without realm; empty: none. Its owner decides when it counts. */
struct span aka_peer_pseudonym(const struct aka_peer *p);
