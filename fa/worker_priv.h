/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by fa/worker.c (loop, packets, actions) and fa/worker_jobs.c (jobs of the core given to who does them).
 */
#pragma once

#include "common/rt/work.h"
#include "fa/carrier_udp.h"
#include "fa/event.h"
#include "fa/worker.h"

#define WORKER_FAILED_MAX 256

/* A job that found no place; its answer is given in the next round of the loop. */
struct failed {
    struct fa_job_ref ref;
    enum fa_job_type type;
    err err;
};

struct worker {
    struct worker_config c;
    struct fa *fa;
    struct fa_actions *acts;
    struct carrier raw, udp;   /* udp: ops NULL where the configuration wants none */
    struct carrier_udp *ports; /* the same, for relayed ports */
    struct addr port_failed[FA_ACTIONS_MAX];
    size_t n_port_failed;
    struct rt_timer *timer, *failed_timer, *wall;
    struct rt_work *store_work, *subs_work;
    struct as as;
    struct subs_hlr *hlrs; /* NULL: none */
    struct fa_dns *dns;
    struct event_log events;
    struct failed failed[WORKER_FAILED_MAX];
    size_t n_failed;
    uint64_t jobs_refused, since_us, handed_over, handed_lost;
    bool r1_asked, closing;
};

/* What the last call into the engine left in w->acts, and then the next deadline. */
void worker_carry_out(struct worker *w);
/* The result of a job goes to the engine. */
void worker_complete(struct worker *w, const struct fa_result *r);

/* The threads for jobs that block, and the timer for those that found no place. ERR_MEMORY: some may be open, worker_jobs_close() closes them. */
MUST_USE err worker_jobs_open(struct worker *w);
void worker_jobs_close(struct worker *w); /* waits for what runs */
void worker_job_start(struct worker *w, const struct fa_job *job);
