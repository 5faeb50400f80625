/* SPDX-License-Identifier: Apache-2.0
 * Names of jobs and events. */
#include "fa/core/job.h"

#include "fa/core/fa.h"

const char *fa_job_name(enum fa_job_type t)
{
    static const char *const names[] = {
#define X(name, text) text,
        FA_JOB_LIST(X)
#undef X
    };
    return (unsigned)t < FA_JOB__COUNT ? names[t] : "unknown job";
}

const char *fa_event_name(enum fa_event_type t)
{
    static const char *const names[] = {
#define X(name, text) text,
        FA_EVENT_LIST(X)
#undef X
    };
    return (unsigned)t < FA_EVENT__COUNT ? names[t] : "unknown event";
}
