/* SPDX-License-Identifier: Apache-2.0
 *
 * What one accounting record says, as RADIUS attributes (RFC 2866, 2869). A record is made once, kept in the queue as it is, and sent with Acct-Delay-Time
 * behind it; docs/sim-binding.md section 19 says what each attribute means.
 */
#pragma once

#include "aka/radius_acct.h"
#include "fa/core/session.h"

#define ACCT_SID_MAX   40   /* Acct-Session-Id, text with NUL */
#define ACCT_ATTRS_MAX 2560 /* of a record: the longest identity, 1 KiB of Class, a name */

struct acct_record {
    enum radius_acct_status status;
    const char *nas_id; /* NAS-Identifier */
    char sid[ACCT_SID_MAX];
    uint64_t at_s;                    /* Event-Timestamp */
    const struct fa_session *session; /* Start, Interim-Update, Stop; NULL: On, Off */
    const struct fa_charge *charge;   /* NULL: the AS named nobody */
};

/* ERR_SPACE. */
MUST_USE err acct_record_write(const struct acct_record *r, uint8_t out[ACCT_ATTRS_MAX], size_t *len);
