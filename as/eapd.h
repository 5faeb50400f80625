/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversations of EAP-AKA' by RADIUS State, bounded in number and time. No I/O: it is told the time, and asks for vectors by an action.
 *
 * A conversation belongs to the client that began it; another client's State is unknown. The State is drawn anew for every challenge, so a
 * State answers one request once.
 */
#pragma once

#include "aka/server.h"
#include "common/base/env.h"
#include "common/base/heap.h"

#define EAPD_STATE_LEN 16

struct eapd;

struct eapd_config {
    const struct env *env;
    uint32_t max; /* conversations */
    uint64_t life_us;
    bool ask_identity;
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
    const uint8_t *state; /* CHALLENGE: EAPD_STATE_LEN octets, borrowed */
    const uint8_t *msk;   /* ACCEPT: 64 octets, borrowed */
    const char *imsi;     /* ACCEPT, VECTOR, and REJECT when it is known; else "" */
    struct span identity; /* what the peer showed; may be empty */
    bool separated;       /* VECTOR: with the AMF separation bit (AKA'), else without it (AKA) */
    bool resync;
    const uint8_t *rand, *auts;
};

struct eapd_request {
    uint32_t client;      /* who asks */
    struct span state;    /* empty: a new conversation */
    struct span eap;      /* empty: EAP-Start */
    const char *net_name; /* of a new conversation */
};

struct eapd *eapd_new(const struct eapd_config *c);
void eapd_free(struct eapd *d);
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
