/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_cert.h"

err hip_get_cert(struct span v, struct hip_cert *out)
{
    struct rcur c = rcur_of(v);
    struct hip_cert k = { .group = rcur_u8(&c) };
    k.count = rcur_u8(&c);
    k.id = rcur_u8(&c);
    k.type = rcur_u8(&c);
    k.cert = rcur_rest(&c);
    if (!rcur_ok(&c) || k.id == 0 || k.id > k.count)
        return ERR_MALFORMED;
    switch (k.type) {
    case HIP_CERT_X509:
    case HIP_CERT_HASH_URL:
    case HIP_CERT_LDAP_URL:
    case HIP_CERT_DN:
        *out = k;
        return ERR_OK;
    default:
        return ERR_UNSUPPORTED;
    }
}

void hip_put_cert(struct hip_build *b, const struct hip_cert *k)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_CERT);
    wcur_u8(w, k->group);
    wcur_u8(w, k->count);
    wcur_u8(w, k->id);
    wcur_u8(w, k->type);
    wcur_span(w, k->cert);
    hip_build_close(b);
}
