/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoders of the SIM binding's parameters (docs/sim-binding.md section 2). The first octet chooses which. What parses is written again and must
 * parse to the same; spans must lie inside the input.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hip/bind_param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span whole, struct span part)
{
    if (part.n && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

static void request(struct span s)
{
    struct hip_bind_request a, b;
    uint8_t buf[HIP_BIND_REQUEST_MAX];
    struct wcur w = wcur_of(buf, sizeof buf);
    if (hip_bind_request_parse(s, &a) != ERR_OK)
        return;
    inside(s, a.hi);
    inside(s, a.device);
    inside(s, a.old_proof);
    for (size_t i = 0; i < a.n_wanted; i++)
        inside(s, a.wanted[i]);
    hip_bind_request_write(&w, &a);
    if (!wcur_ok(&w) || hip_bind_request_parse(wcur_done(&w), &b) != ERR_OK || a.flags != b.flags ||
        a.attempt != b.attempt || a.n_wanted != b.n_wanted || !span_eq(a.hi, b.hi) ||
        !span_eq(a.device, b.device) || !span_eq(a.old_proof, b.old_proof) ||
        !span_eq(a.old_secret, b.old_secret))
        abort();
}

static void response(struct span s)
{
    struct hip_bind_response a, b;
    uint8_t buf[4096];
    struct wcur w = wcur_of(buf, sizeof buf);
    if (hip_bind_response_parse(s, &a) != ERR_OK)
        return;
    inside(s, a.fqdn);
    inside(s, a.fa_hi);
    inside(s, a.reason);
    hip_bind_response_write(&w, &a);
    if (!wcur_ok(&w)) { /* longer than we would send */
        if (s.n <= 1792)
            abort();
        return;
    }
    if (hip_bind_response_parse(wcur_done(&w), &b) != ERR_OK || a.status != b.status || a.n_fa != b.n_fa ||
        a.n_addr != b.n_addr || !span_eq(a.fqdn, b.fqdn) || !span_eq(a.fa_hi, b.fa_hi) ||
        !span_eq(a.reason, b.reason))
        abort();
}

static void inner(struct span s)
{
    struct hip_bind_inner in;
    if (hip_bind_inner_parse(s, &in) != ERR_OK)
        return;
    inside(s, in.eap);
    inside(s, in.request);
    inside(s, in.response);
    inside(s, in.mac);
    if (in.mac.p &&
        (in.p.p != s.p || in.p.p + in.p.n + 4 != in.mac.p)) /* P ends where BIND_MAC's type begins */
        abort();
    if (in.request.p && !in.mac.p)
        abort();
    request(in.request);
    response(in.response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span s = span_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        request(s);
        break;
    case 1:
        response(s);
        break;
    default:
        inner(s);
        break;
    }
    return 0;
}
