/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS on a TCP stream (common/crypto/tls.h on common/rt/stream.h): both ends, one object. Plain octets that come are cut into frames by the owner's function;
 * what they mean is the owner's business. Bounded: a frame, what waits to be sent (TLS_HELD_MAX), and the time that the handshake may take. Plain
 * octets wait in secret memory.
 *
 * Every call may be made from within any callback, rt_tls_free() too: no callback comes after it.
 */
#pragma once

#include "common/crypto/tls.h"
#include "common/rt/stream.h"

struct rt_tls;

struct rt_tls_ops {
    void (*up)(void *ctx);                       /* the handshake is done; rt_tls_send() works from here on */
    size_t (*frame)(void *ctx, struct span in);  /* as in struct rt_stream_ops; never NULL */
    void (*input)(void *ctx, struct span frame); /* borrowed */
    /* The connection is gone, or did not come about: AUTH: TLS ended it (a certificate, an alert); else as in struct rt_stream_ops. text: why, one line for
     * people, never NULL. A client goes on to connect after its back-off; an accepted one is to be freed by its owner, here or later. */
    void (*down)(void *ctx, err why, const char *text);
};

struct rt_tls_conf {
    struct tls_ctx *tls;   /* borrowed: outlives it; a client's or a server's, as the end */
    const char *name;      /* that the peer's certificate must carry; copied; NULL as for tls_new() */
    size_t frame_max;      /* longest frame */
    uint64_t handshake_us; /* may take that long, from the connection's beginning on */
    /* Clients: as in struct rt_stream_conf. */
    struct addr peer;
    uint64_t connect_us, retry_us, retry_max_us;
};

/* A client; it begins to connect in the loop's next round. NULL: out of memory. ops is borrowed. */
struct rt_tls *rt_tls_new(struct rt_loop *l, const struct rt_tls_conf *c, const struct rt_tls_ops *ops,
                          void *ctx);
/* Inside rt_accept_fn, once, as rt_stream_accept(). NULL: out of memory, and the connection is refused. */
struct rt_tls *rt_tls_accept(struct rt_loop *l, struct rt_accepted *a, const struct rt_tls_conf *c,
                             const struct rt_tls_ops *ops, void *ctx);
void rt_tls_free(struct rt_tls *t); /* says close_notify if it can, closes at once; NULL is fine */

/* All of it, or none. ERR_STATE: not up. ERR_FULL: the peer does not read. */
MUST_USE err rt_tls_send(struct rt_tls *t, struct span plain);
void rt_tls_settled(struct rt_tls *t); /* as rt_stream_settled() */
/* Ends this connection without a call of down(); a client goes on to connect after its back-off. */
void rt_tls_reset(struct rt_tls *t);
bool rt_tls_is_up(const struct rt_tls *t);
uint64_t rt_tls_retry_at(const struct rt_tls *t); /* as rt_stream_retry_at() */
/* The connection's TLS once it is up: version, peer. */
const struct tls *rt_tls_session(const struct rt_tls *t);
