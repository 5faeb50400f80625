/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversations of EAP-AKA and AKA' by RADIUS State, bounded in number and time. No I/O: it is told the time, and asks for vectors by an action.
 * It opens SUCIs, one in a conversation (aka/suci.h). It gives out pseudonyms (aka/pseudonym.h) and identities for fast re-authentication (as/reauth.h), and knows whose they are when they come back.
 *
 * A conversation belongs to the client that began it; another client's State is unknown. The State is drawn anew for every challenge, so a
 * State answers one request once.
 */
#pragma once

#include "aka/pseudonym.h"
#include "aka/server.h"
#include "aka/suci.h"
#include "as/reauth.h"
#include "common/base/env.h"
#include "common/base/heap.h"

#define EAPD_STATE_LEN 16

struct eapd;

struct eapd_config {
    const struct env *env;
    uint32_t max; /* conversations */
    uint64_t life_us;
    bool ask_identity, result_ind; /* aka/server.h */
    uint16_t kdf[AKA_SERVER_KDFS]; /* the same */
    bool fs, fs_required;          /* forward secrecy: offered; demanded (RFC 9678) */
    uint64_t pseudonym_s;          /* one key serves that long; 0: no pseudonyms */
    uint32_t pseudonym_periods;    /* aka/pseudonym.h */
    uint32_t reauth_max;           /* contexts; 0: no fast re-authentication */
    uint64_t reauth_us;            /* of one context */
    uint16_t reauth_times;         /* in a row */
    const struct suci_key *suci;   /* keys for concealed identities; borrowed */
    size_t n_suci;
    uint8_t seed[16];
};

/* Names a conversation without pointing at it. */
struct eapd_ref {
    uint32_t slot, gen;
};

enum eapd_act { EAPD_DROP, EAPD_CHALLENGE, EAPD_ACCEPT, EAPD_REJECT, EAPD_VECTOR };

struct eapd_action {
    enum eapd_act type;
    enum aka_reason reason; /* of DROP and REJECT */
    struct eapd_ref ref;
    struct span eap; /* CHALLENGE, ACCEPT, REJECT: borrowed until the next call; may be empty with REJECT */
    const uint8_t *state;            /* CHALLENGE: EAPD_STATE_LEN octets, borrowed */
    const uint8_t *msk;              /* ACCEPT: 64 octets, borrowed */
    const struct aka_method *method; /* in use; NULL when there is no conversation */
    bool reauth;                     /* ACCEPT: by fast re-authentication */
    bool fs;                         /* ACCEPT: the keys have forward secrecy */
    const char *imsi;                /* ACCEPT, VECTOR, and REJECT when it is known; else "" */
    struct span identity;            /* what the peer showed; may be empty */
    enum aka_want want;              /* VECTOR */
    bool resync;
    const uint8_t *rand, *auts;
};

struct eapd_request {
    uint32_t client;   /* who asks */
    struct span state; /* empty: a new conversation */
    struct span eap;   /* empty: EAP-Start */
    /* of a new conversation: */
    const char *net_name;
    uint8_t methods[AKA_METHODS_MAX]; /* EAP types, best first; 0 ends; none: AKA' */
    bool binding; /* of a Forwarding Agent (docs/sim-binding.md s4): no fast re-authentication */
};

struct eapd *eapd_new(const struct eapd_config *c);
void eapd_free(struct eapd *d);
/* The key under which pseudonyms are made; without it there are none. Copied. */
MUST_USE err eapd_pseudonym_key(struct eapd *d, const uint8_t master[PSEUDONYM_MASTER_LEN]);
void eapd_wall(struct eapd *d, uint64_t unix_s); /* what time it is, now and then */
/* A request that is not for a conversation: REJECT, with EAP Failure for what it carries. */
void eapd_stray(struct eapd *d, struct span eap, enum aka_reason why, struct eapd_action *out);
void eapd_request(struct eapd *d, const struct eapd_request *r, uint64_t now, struct eapd_action *out);
/* The AuC's answer. A conversation that has ended meanwhile: DROP with AKA_R_STATE. */
void eapd_vector(struct eapd *d, struct eapd_ref ref, enum aka_server_auc what, const struct aka_vector *v,
                 uint64_t now, struct eapd_action *out);
/* After an ACCEPT or REJECT was carried out: its conversation is forgotten, msk and eap with it. */
void eapd_end(struct eapd *d, struct eapd_ref ref);
void eapd_timeout(struct eapd *d, uint64_t now);
uint64_t eapd_deadline(const struct eapd *d); /* HEAP_NEVER: none */
size_t eapd_count(const struct eapd *d);
uint64_t eapd_expired(const struct eapd *d); /* conversations that ended by time */
size_t eapd_reauths(const struct eapd *d);   /* contexts of fast re-authentication */
