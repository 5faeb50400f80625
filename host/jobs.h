/* SPDX-License-Identifier: Apache-2.0
 *
 * What host/core asks for and may block: the card and the files of the store, on a thread, one after another; look-ups, through
 * common/rt/resolve. Each job is completed once, later, on the loop, never inside host_jobs_start().
 */
#pragma once

#include "aka/usim.h"
#include "common/rt/lane.h"
#include "common/rt/resolve.h"
#include "host/core/host.h"

struct host_jobs;

/* r is borrowed for the call. */
typedef void (*host_jobs_fn)(void *ctx, const struct host_result *r);

/* folder: of the store. card NULL: none. lane: where the card is asked, instead of where files are; NULL: there as well. resolve NULL: no DNS. All are
 * borrowed. NULL: out of memory. */
struct host_jobs *host_jobs_new(struct rt_loop *l, const char *folder, const struct usim *card,
                                struct rt_lane *lane, struct rt_resolver *resolve, host_jobs_fn done,
                                void *ctx);
/* The lane has ended before. Runs the loop until what is on the thread is done (common/rt/work.h). Jobs not begun are not completed. */
void host_jobs_free(struct host_jobs *j);
void host_jobs_start(struct host_jobs *j, const struct host_job *job);
