/* SPDX-License-Identifier: Apache-2.0
 *
 * A session, as it is accounted for: the time for which a bound host is registered here, with what the data relay carried for it meanwhile. It outlives
 * the host's associations: one that replaces another goes on with its session. Values only; nothing here is HIP's or RADIUS's.
 */
#pragma once

#include "common/base/addr.h"
#include "fa/core/job.h"

/* Why a session ended. */
#define FA_ENDED_LIST(X) \
    X(ASKED, "asked for by the host") \
    X(LOST, "the host is gone") \
    X(EXPIRED, "the binding's lifetime is over") \
    X(ORDERED, "ended by the operator") \
    X(STOPPED, "the daemon stops") \
    X(MOVED, "the name is another host identity's now") \
    X(REAUTH, "not authenticated again in time") \
    X(WITHDRAWN, "no longer bound") \
    X(CRASHED, "the daemon ended without a word")

enum fa_ended {
#define X(name, text) FA_ENDED_##name,
    FA_ENDED_LIST(X)
#undef X
        FA_ENDED__COUNT
};
const char *fa_ended_name(enum fa_ended e);

/* Sums since the session began. */
struct fa_usage {
    uint64_t packets_out, octets_out; /* the host sent */
    uint64_t packets_in, octets_in;   /* it got */
};

enum fa_session_what { FA_SESSION_BEGAN, FA_SESSION_GOES_ON, FA_SESSION_ENDED };

struct fa_session {
    enum fa_session_what what;
    enum fa_ended end; /* ENDED */
    uint8_t hit[16];
    uint64_t binding; /* its row in the store; 0: a partner bound it */
    char subscriber[FA_ID_MAX];
    char name[FA_NAME_MAX];
    struct addr peer; /* where the host is */
    uint32_t seconds; /* since it began */
    struct fa_usage usage;
};
