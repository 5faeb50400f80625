/* SPDX-License-Identifier: Apache-2.0
 *
 * TCP on the loop: a client that connects, and connects again after a back-off with jitter, and the accepted side of a listening socket, behind
 * one object. What comes in is cut into frames by the owner's function; what goes out waits in a queue. Both are bounded, and so is the time that
 * connecting may take. What the octets mean is the owner's business, TLS included.
 *
 * Every call may be made from within any callback, rt_stream_free() too: no callback comes after it.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/err.h"
#include "common/base/span.h"
#include "common/rt/loop.h"

struct rt_stream;

#define RT_STREAM_BAD SIZE_MAX

struct rt_stream_ops {
    /* Connected; rt_stream_send() works from here on. NULL is fine. */
    void (*up)(void *ctx);
    /* Octets of the first frame in `in` (not empty), which may be more than are there; 0: that cannot be said yet; RT_STREAM_BAD: not this protocol,
     * the connection ends with ERR_MALFORMED. It looks and does nothing else. NULL: whatever came is a frame. */
    size_t (*frame)(void *ctx, struct span in);
    void (*input)(void *ctx, struct span frame); /* borrowed */
    /* The connection is gone, or did not come about. OK: closed by the other side between two frames; TRUNCATED: within one; MALFORMED; FULL: a frame
     * longer than in_max; TIMEOUT, UNREACHABLE: not connected; IO. A client goes on to connect after its back-off; an accepted stream is to be freed
     * by its owner, here or later. */
    void (*down)(void *ctx, err why);
};

struct rt_stream_conf {
    struct addr peer;
    struct addr local;   /* source address; family ADDR_NONE: the kernel's choice */
    size_t in_max;       /* longest frame */
    size_t out_max;      /* octets that may wait to be sent */
    bool secret;         /* both buffers in secret memory, wiped as they empty */
    uint64_t connect_us; /* connecting may take that long */
    /* First pause, doubled with each try that did not come to rt_stream_settled(); half of it up to all of it, at random. */
    uint64_t retry_us;
    uint64_t retry_max_us; /* longest pause */
};

/* A client; it begins to connect in the loop's next round. NULL: out of memory. ops is borrowed. */
struct rt_stream *rt_stream_new(struct rt_loop *l, const struct rt_stream_conf *c,
                                const struct rt_stream_ops *ops, void *ctx);
void rt_stream_free(struct rt_stream *s); /* closes at once, what waits to be sent is lost; NULL is fine */

/* All of it goes out, or none. ERR_STATE: not connected. ERR_FULL: more than out_max would wait. A connection that breaks here is told by down(), never
 * inside this call. */
MUST_USE err rt_stream_send(struct rt_stream *s, struct span octets);
/* The owner has seen the other side speak its protocol: the back-off begins anew. */
void rt_stream_settled(struct rt_stream *s);
/* Ends this connection without a call of down(); a client goes on to connect after its back-off. */
void rt_stream_reset(struct rt_stream *s);
bool rt_stream_is_up(const struct rt_stream *s);
size_t rt_stream_waiting(const struct rt_stream *s); /* octets in the queue */
struct addr rt_stream_peer(const struct rt_stream *s);
uint64_t rt_stream_retry_at(
    const struct rt_stream *s); /* when a client tries again; HEAP_NEVER: it does not wait for that */

/* ---- the listening side ---- */

struct rt_listen;

/* A connection came; rt_stream_accept() makes it a stream. Not calling that refuses it. */
struct rt_accepted;
typedef void (*rt_accept_fn)(void *ctx, struct rt_accepted *a, const struct addr *peer);

/* max: streams that may be open at a time; beyond it connections are closed as they come. ERR_IO, ERR_MEMORY. */
MUST_USE err rt_listen_open(struct rt_loop *l, const struct addr *at, size_t max, rt_accept_fn fn, void *ctx,
                            struct rt_listen **out);
void rt_listen_close(struct rt_listen *n); /* its streams live on; NULL is fine */
struct addr rt_listen_local(const struct rt_listen *n);
uint64_t rt_listen_refused(const struct rt_listen *n); /* connections closed because there were too many */
/* Inside rt_accept_fn only, once. It is up already: up() is not called. NULL: out of memory, and the connection is refused. */
struct rt_stream *rt_stream_accept(struct rt_accepted *a, size_t in_max, size_t out_max,
                                   const struct rt_stream_ops *ops, void *ctx);
