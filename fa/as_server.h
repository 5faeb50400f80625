/* SPDX-License-Identifier: Apache-2.0
 *
 * One RADIUS server of a realm: the way to it (UDP, or TLS on TCP as RFC 6614), its 256 identifiers, and whether it is there.
 *
 * Over UDP a server that let a request go unanswered, and from which nothing else came meanwhile, is left for a while: 30 s, doubled each time, five
 * minutes at most. As long as it is left, Status-Server (RFC 5997) asks whether it is back; whatever it answers ends that. A server that does not know
 * Status-Server is tried with a request when the time is over.
 *
 * Over TLS a connection is kept; it counts once something authentic came on it, for which Status-Server asks when it is open and whenever it
 * was silent for a while (RFC 3539 s3.4). No answer in 5 s: the connection is given up and made anew. What does not verify ends it too (RFC 6613 s2.6.4).
 */
#pragma once

#include "aka/radius.h"
#include "common/base/addr.h"
#include "common/base/env.h"
#include "common/rt/loop.h"

#define AS_SERVER_IDS      256
#define AS_SERVER_TEXT_MAX 256

struct as_server;

struct as_server_conf {
    struct addr address;
    struct span secret; /* UDP; locked memory of the caller's, as long as the server lives */
    bool tls;
    const char *name;                      /* that its certificate must carry; NULL: its address */
    struct span ca_pem, cert_pem, key_pem; /* borrowed for as_server_new() */
};

struct as_server_times {
    uint64_t leave_us, leave_max_us; /* UDP: first and longest time that a silent server is left for */
    uint64_t probe_us, probe_max_us; /* UDP: first and longest pause between two probes */
    uint64_t watch_us;               /* TLS: silence after which Status-Server asks */
    uint64_t answer_us;              /* TLS: Status-Server is answered within, and the handshake done */
    uint64_t retry_us, retry_max_us; /* TLS: first and longest pause before it is connected to again */
};
extern const struct as_server_times as_server_default_times;

struct as_server_ops {
    /* An authentic reply to this request, whose identifier is still its own. */
    void (*answer)(void *ctx, void *request, const struct radius_pkt *p);
    /* TLS: a connection is open: what waits can be sent. */
    void (*open)(void *ctx, struct as_server *s);
    /* TLS: it is gone: what was sent on it gets no answer there. */
    void (*lost)(void *ctx, struct as_server *s);
    /* It is there again, or is not: why. Not told of the first time that it is there. */
    void (*told)(void *ctx, struct as_server *s, bool there, const char *why);
};

/* ERR_MEMORY, ERR_IO; of the certificates ERR_MALFORMED, ERR_AUTH with why. */
MUST_USE err as_server_new(struct rt_loop *l, const struct env *env, const struct as_server_conf *c,
                           const struct as_server_times *times, const struct as_server_ops *ops, void *ctx,
                           struct as_server **out, char why[AS_SERVER_TEXT_MAX]);
void as_server_free(struct as_server *s); /* NULL is fine; forgets the requests that have identifiers */

/* An identifier that no request has, the one longest unused, and a fresh Request Authenticator. False: none. */
bool as_server_take(struct as_server *s, void *request, uint8_t *id, uint8_t auth[RADIUS_AUTH_LEN]);
void as_server_give(struct as_server *s, uint8_t id);
void *as_server_request(const struct as_server *s, unsigned id); /* NULL: nobody's */
struct span as_server_secret(const struct as_server *s);
/* ERR_STATE: TLS without a connection; ops->open() will come. Other errors: as good as lost on the way. */
MUST_USE err as_server_send(struct as_server *s, struct span packet);
/* A request that was first sent then got no answer. */
void as_server_silent(struct as_server *s, uint64_t since_us);

bool as_server_reliable(const struct as_server *s); /* TLS: nothing is sent twice on one connection */
/* A request sent now may well be answered, and there is an identifier for it. */
bool as_server_usable(const struct as_server *s);
/* When one that is not usable may be tried; the least of several is the best. */
uint64_t as_server_again_us(const struct as_server *s);

struct as_server_view {
    struct addr address;
    bool tls;
    const char *state;   /* "not asked", "up", "left", "connecting" */
    const char *version; /* of TLS; "" without a connection */
    const char *why;     /* it is not up; "" when it is. Borrowed */
    uint32_t open;
    uint64_t sent, answered, forged, probes, probes_answered, silent;
    uint64_t again_s; /* "left": seconds until it is tried again */
};
void as_server_look(const struct as_server *s, struct as_server_view *out);
