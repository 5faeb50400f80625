/* SPDX-License-Identifier: Apache-2.0
 *
 * Client of one HLR over GSUP: vectors by SendAuthInfo, and nothing else; the HLR is never told where a subscriber is. No I/O of its own: octets,
 * time and the connection's ups and downs come from outside (as/source.c).
 *
 * One request for a subscriber is under way at a time, so that vectors stay in the order in which the HLR made them. What an answer holds beyond the
 * one that was asked for is kept, bounded in number and age, and given out in that order; a resynchronisation, or a request for vectors of the other
 * kind (AMF separation bit), drops it. Requests wait for a connection, but no longer than their time; one that was sent over a connection that broke
 * is sent again.
 */
#pragma once

#include "as/source.h"

#define HLR_COUNTER_LIST(X) \
    X(connects, "connections on which the HLR took our name") \
    X(losses, "connections that ended") \
    X(silent, "connections given up: no answer to PING, or nobody asked for our name") \
    X(requests, "SendAuthInfo sent") \
    X(resyncs, "of them, with AUTS") \
    X(results, "answers with vectors") \
    X(cached, "vectors given out of an earlier answer") \
    X(dropped, "vectors dropped: too old, resynchronised, of the other kind, no room") \
    X(unknown, "refused: subscriber unknown to the HLR") \
    X(barred, "refused: subscriber not allowed") \
    X(bad_auts, "refused: AUTS not believed") \
    X(failed, "refused for another reason") \
    X(timeouts, "requests without an answer in time") \
    X(full, "requests refused: too many under way") \
    X(malformed, "answers that are no GSUP, or no IPA") \
    X(foreign, "answers for another subscriber than asked for") \
    X(unsolicited, "answers to nothing that was asked") \
    X(no_vectors, "answers without a vector for AKA") \
    X(wrong_kind, "answers with vectors of the other kind than asked for")

enum hlr_counter {
#define X(name, doc) HLR_##name,
    HLR_COUNTER_LIST(X)
#undef X
        HLR__COUNT
};

struct hlr;

/* What the owner does for it. Called from within the calls below. */
struct hlr_ops {
    err (*send)(void *ctx, struct span octets);
    void (*settled)(void *ctx); /* the other end speaks our protocol */
    void (*reset)(void *ctx);   /* end the connection; hlr_down() need not be called for it */
    source_answer_fn answer;    /* never from within hlr_ask() */
};

/* conf and env are borrowed. NULL: out of memory. */
struct hlr *hlr_new(const struct as_hlr *conf, const struct env *env, const struct hlr_ops *ops, void *ctx);
void hlr_free(struct hlr *h); /* NULL is fine; what waits is not answered */

void hlr_up(struct hlr *h, uint64_t now);
void hlr_down(struct hlr *h, err why, uint64_t now);
void hlr_input(struct hlr *h, struct span frame, uint64_t now); /* one IPA frame */
/* False: too many wait already. */
bool hlr_ask(struct hlr *h, const struct source_req *r, uint64_t now);
void hlr_timeout(struct hlr *h, uint64_t now);
uint64_t hlr_deadline(const struct hlr *h); /* HEAP_NEVER: none */

bool hlr_ready(const struct hlr *h); /* connected, and it knows our name */
size_t hlr_waiting(const struct hlr *h);
size_t hlr_cached(const struct hlr *h); /* vectors kept */
uint64_t hlr_counter(const struct hlr *h, enum hlr_counter c);
const char *hlr_counter_name(enum hlr_counter c);
