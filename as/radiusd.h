/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS server in front of the EAP server: clients by address or, over TLS (as/radsec.h), by certificate, Message-Authenticator demanded, repeated requests answered from memory, one
 * EAP packet a request. No I/O of its own: packets, time and vectors come from outside (as/daemon.c), answers go out through actions.
 *
 * The Forwarding Agent's HIT is put into AT_KDF_INPUT (docs/sim-binding.md s4) when NAS-Identifier is "HIP:" and a HIT that the client's entry
 * lists; any other NAS-Identifier gets the configured network name.
 */
#pragma once

#include "as/eapd.h"
#include "as/schema.h"

#define RADIUSD_COUNTER_LIST(X) \
    X(requests, "packets received") \
    X(unknown_client, "dropped: no client has this address") \
    X(malformed, "dropped: not a RADIUS packet") \
    X(bad_code, "dropped: not an Access-Request or Status-Server") \
    X(no_authenticator, "dropped: Message-Authenticator missing") \
    X(bad_authenticator, "dropped: Message-Authenticator wrong") \
    X(status_server, "Status-Server, answered with Access-Accept") \
    X(repeated_answered, "repeated requests, answered as before") \
    X(repeated_pending, "dropped: repeated while the first is worked on") \
    X(forgotten, "answers not kept for repeated requests as long as configured: new ones need the room") \
    X(full, "dropped: too many requests in hand, or conversations open") \
    X(no_eap, "rejected: no EAP-Message, or not one EAP packet") \
    X(discarded, "dropped: EAP packet discarded") \
    X(unlisted_hit, "NAS-Identifier names a HIT that is not the client's") \
    X(unlisted_nas, "rejected: NAS-Identifier is not the client's") \
    X(challenges, "Access-Challenge sent") \
    X(accepts, "Access-Accept sent") \
    X(rejects, "Access-Reject sent") \
    X(send_failed, "answers that could not be made or sent") \
    X(reauths, "accepts by fast re-authentication") \
    X(forward_secret, "accepts whose keys have forward secrecy") \
    X(vectors, "vectors asked for") \
    X(resyncs, "resynchronisations asked for")

enum radiusd_counter {
#define X(name, doc) RADIUSD_##name,
    RADIUSD_COUNTER_LIST(X)
#undef X
        RADIUSD__COUNT
};

struct radiusd;

/* What the owner does for it. Called from within the calls below. */
struct radiusd_ops {
    void (*send)(void *ctx, const struct addr *local, const struct addr *peer, struct span octets);
    /* The answer to what came on a connection; it may be gone. */
    void (*send_on)(void *ctx, uint32_t conn, struct span octets);
    /* Ask the AuC; answer with radiusd_vector(). False: no room, the request is dropped. rand and auts are borrowed; NULL without resync. */
    bool (*vector)(void *ctx, struct eapd_ref ref, const char *imsi, unsigned ind, enum aka_want want,
                   const uint8_t *rand, const uint8_t *auts);
    /* Identity as it may stand in a log line: hashed or clear. Returns out. */
    const char *(*log_name)(void *ctx, struct span identity, char out[NAI_TEXT_MAX]);
};

struct radiusd *radiusd_new(const struct as_conf *conf, const struct env *env, const struct radiusd_ops *ops,
                            void *ctx);
void radiusd_free(struct radiusd *r);
/* as/eapd.h */
MUST_USE err radiusd_pseudonym_key(struct radiusd *r, const uint8_t master[PSEUDONYM_MASTER_LEN]);
void radiusd_wall(struct radiusd *r, uint64_t unix_s);
void radiusd_input(struct radiusd *r, const struct addr *local, const struct addr *peer, struct span octets,
                   uint64_t now);
/* The same over TLS, from this client on connection conn (never 0). False: the connection is to be closed (RFC 6613 s2.6.4). */
MUST_USE bool radiusd_input_on(struct radiusd *r, uint32_t client, uint32_t conn, const struct addr *peer,
                               struct span octets, uint64_t now);
void radiusd_vector(struct radiusd *r, struct eapd_ref ref, enum aka_server_auc what,
                    const struct aka_vector *v, uint64_t now);
void radiusd_timeout(struct radiusd *r, uint64_t now);
uint64_t radiusd_deadline(const struct radiusd *r);

uint64_t radiusd_counter(const struct radiusd *r, enum radiusd_counter c);
const char *radiusd_counter_name(enum radiusd_counter c);
uint64_t radiusd_refused(const struct radiusd *r, enum aka_reason why); /* rejects by reason */
size_t radiusd_conversations(const struct radiusd *r);
uint64_t radiusd_expired(const struct radiusd *r);
size_t radiusd_reauths(const struct radiusd *r); /* identities for fast re-authentication that are out */
/* Requests and accepts of one client. */
void radiusd_client(const struct radiusd *r, size_t i, uint64_t *requests, uint64_t *accepts);
