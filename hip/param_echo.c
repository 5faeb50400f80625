/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_echo.h"

uint16_t hip_echo_response_type(uint16_t request)
{
    switch (request) {
    case HIP_PAR_ECHO_REQUEST_SIGNED:
        return HIP_PAR_ECHO_RESPONSE_SIGNED;
    case HIP_PAR_ECHO_REQUEST_UNSIGNED:
        return HIP_PAR_ECHO_RESPONSE_UNSIGNED;
    default:
        return 0;
    }
}

/* RFC 7401 s5.2.20, s5.2.21 MUST: octet by octet, each of its kind. Unsigned requests may be anybody's: their size is bounded, their number by HIP_PARAMS_MAX and the packet. */
void hip_put_echo_responses(struct hip_build *b, const struct hip_params *p, uint16_t request)
{
    const struct hip_par *r = hip_par_get(p, request);
    size_t n = hip_par_count(p, request);
    for (size_t i = 0; i < n; i++)
        if (request == HIP_PAR_ECHO_REQUEST_SIGNED || r[i].v.n <= HIP_ECHO_MAX)
            hip_build_param(b, hip_echo_response_type(request), r[i].v);
}

err hip_get_notification(struct span v, struct hip_notification *out)
{
    struct rcur c = rcur_of(v);
    rcur_skip(&c, 2);
    struct hip_notification n = { .code = rcur_u16(&c) };
    n.data = rcur_rest(&c);
    if (!rcur_ok(&c))
        return ERR_MALFORMED;
    *out = n;
    return ERR_OK;
}

void hip_put_notification(struct hip_build *b, const struct hip_notification *n)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_NOTIFICATION);
    wcur_u16(w, 0);
    wcur_u16(w, n->code);
    wcur_span(w, n->data);
    hip_build_close(b);
}
