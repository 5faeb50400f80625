/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/acct_way.h"

#include <stdlib.h>
#include <string.h>

static void tell(const struct acct_way *w, struct acct_event *e)
{
    if (e && !w->post) {
        acct_take(e);
    } else if (!e || !w->post(w->ctx, e)) {
        log_at(w->log, LOG_LV_ERROR, "acct", "no place for what happened to a session");
        free(e);
    }
}

void acct_way_session(const struct acct_way *w, const struct fa_session *s)
{
    struct acct_event *e = acct_event_new(w->acct, ACCT_SESSION);
    if (e)
        e->session = *s;
    tell(w, e);
}

void acct_way_charge(const struct acct_way *w, const struct fa_job *job)
{
    struct acct_event *e = acct_event_new(w->acct, ACCT_CHARGE);
    if (e) {
        memcpy(e->charge.hit, job->charge.hit, sizeof e->charge.hit);
        e->charge.who = job->charge.who;
    }
    tell(w, e);
}
