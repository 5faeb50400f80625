/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_cert.h"

#include <string.h>

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

/* RFC 8002 s2 MUST: ids are 1 to count, each once. */
static err place(const struct hip_cert *k, uint8_t count, struct hip_cert *out)
{
    if (k->count != count || out[k->id - 1].count)
        return ERR_MALFORMED;
    out[k->id - 1] = *k;
    return ERR_OK;
}

err hip_certs_group(struct span tlvs, struct hip_cert out[HIP_CERTS_MAX], uint8_t *n)
{
    struct hip_cert v[HIP_CERTS_MAX] = { 0 }, first, k;
    struct hip_params p;
    if (tlvs.n == 0)
        return ERR_NOT_FOUND;
    if (hip_inner_parse(tlvs, &p, NULL) != HIP_TAKEN || p.n == 0)
        return ERR_MALFORMED;
    err r = hip_get_cert(p.par[0].v, &first);
    if (r == ERR_OK && first.count > HIP_CERTS_MAX)
        r = ERR_FULL;
    uint8_t found = 0;
    for (size_t i = 0; r == ERR_OK && i < p.n; i++) {
        r = hip_get_cert(p.par[i].v, &k);
        if (r == ERR_OK && k.group == first.group) {
            r = place(&k, first.count, v);
            found++;
        }
    }
    if (r != ERR_OK)
        return r;
    if (found != first.count)
        return ERR_MALFORMED;
    memcpy(out, v, sizeof v);
    *n = found;
    return ERR_OK;
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
