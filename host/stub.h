/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolver for applications on this machine: AAAA of a name with a HIP RR is answered with its HITs, A of such a name with
 * its LSIs, PTR of a HIT or LSI we know with its name; everything else goes to the servers of its zone or to the upstream resolvers, as it is.
 */
#pragma once

#include "host/worker.h"

struct host_stub;

#define HOST_STUB_WHY_MAX 128

/* Listens on s->listen. ERR_EXISTS: somebody else has the port; ERR_REFUSED: below 1024 without CAP_NET_BIND_SERVICE. */
MUST_USE err host_stub_open(struct rt_loop *l, const struct env *env, const struct host_settings *s,
                            struct host_worker *w, struct host_stub **out, char why[HOST_STUB_WHY_MAX]);
void host_stub_close(struct host_stub *s); /* NULL is fine */
void host_stub_resolved(void *ctx, const struct host_action *a);

struct host_stub_count {
    uint64_t queries, hits, forwarded, failed, dropped;
    uint64_t lsi_full; /* hosts left out of an answer: no LSI for them (host/lsi.h) */
};
struct host_stub_count host_stub_count(const struct host_stub *s);
