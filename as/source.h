/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a subscriber's vectors come from: the AuC here (as/auc_work.h) or an HLR (as/hlr.h), by the longest prefix of the IMSI in the configuration.
 * Whoever asks names itself by a reference, not a pointer, and may be gone when the answer comes.
 */
#pragma once

#include <jansson.h>

#include "aka/server.h"
#include "as/auc_sqlite.h"
#include "as/schema.h"
#include "common/rt/loop.h"

/* Who asks, and for what of its own: `who` tells the askers apart, slot and gen are theirs. */
struct source_ref {
    uint32_t who, slot, gen;
};

struct source_req {
    struct source_ref ref;
    const char *imsi;
    unsigned ind; /* for the AuC: who asks (TS 33.102 C.3.4); an HLR goes by the connection */
    enum aka_want want;
    const uint8_t *rand, *auts; /* resynchronisation: both, borrowed; else NULL */
};

/* v is borrowed: as aka_server_vector() takes it. Never called from within source_ask(). */
typedef void (*source_answer_fn)(void *ctx, const struct source_ref *ref, enum aka_server_auc what,
                                 const struct aka_vector *v);

struct source;

/* conf, auc and env are borrowed. NULL: out of memory. */
struct source *source_new(struct rt_loop *l, const struct as_conf *conf, struct auc *auc,
                          const struct env *env, source_answer_fn answer, void *ctx);
/* Only where rt_loop_run() has returned: a job on the work thread is waited for, and answered. NULL is fine. */
void source_free(struct source *s);
/* False: no room. */
bool source_ask(struct source *s, const struct source_req *r);
/* For hipctl: jobs of the AuC under way, and the HLRs as a new array. */
size_t source_jobs(const struct source *s);
json_t *source_status(const struct source *s);

/* Which of the ranges has the longest prefix of this IMSI; -1: none. */
int source_range(const struct as_range *ranges, size_t n, const char *imsi);
