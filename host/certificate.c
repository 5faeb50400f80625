/* SPDX-License-Identifier: Apache-2.0 */
#include "host/certificate.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/crypto/cert.h"
#include "hip/param_cert.h"

static err say(err e, char *why, const char *path, const char *what)
{
    (void)snprintf(why, RT_FILE_WHY_MAX, "%s: %s: %s", path, what, err_text(e));
    return e;
}

static err read_chain(const char *path, uint8_t *buf, size_t cap, struct span der[CERT_CHAIN_MAX], size_t *n,
                      char *why)
{
    uint8_t *pem = NULL;
    size_t len = 0;
    err e = rt_file_read(path, CERT_PEM_MAX, &pem, &len, why);

    if (e)
        return e;
    e = cert_from_pem(span_of(pem, len), buf, cap, der, n);
    free(pem);
    return e ? say(e, why, path, "expected certificates in PEM") : ERR_OK;
}

err host_certificate_open(const char *path, uint8_t tlvs[HOST_CERTS_MAX], struct span *out,
                          char why[RT_FILE_WHY_MAX])
{
    uint8_t octets[HOST_CERTS_MAX];
    struct span der[CERT_CHAIN_MAX];
    struct hip_build b;
    size_t n = 0;
    err e = read_chain(path, octets, sizeof(octets), der, &n, why);

    if (e)
        return e;
    hip_build_inner(&b, tlvs, HOST_CERTS_MAX);
    for (size_t i = 0; i < n; i++)
        hip_put_cert(&b, &(struct hip_cert){ .group = 1,
                                             .count = (uint8_t)n,
                                             .id = (uint8_t)(i + 1),
                                             .type = HIP_CERT_X509,
                                             .cert = der[i] });
    e = hip_build_inner_finish(&b, out);
    return e ? say(e, why, path, "certificates for a HIP packet") : ERR_OK;
}
