/* SPDX-License-Identifier: Apache-2.0
 *
 * CERT (RFC 8002 s2): carried, not judged. common/crypto/cert.h judges X.509.
 */
#pragma once

#include "hip/build.h"

enum hip_cert_type { HIP_CERT_X509 = 1, HIP_CERT_HASH_URL = 3, HIP_CERT_LDAP_URL = 5, HIP_CERT_DN = 7 };

struct hip_cert {
    uint8_t group, count, id; /* id 1..count */
    uint8_t type;             /* enum hip_cert_type; another one is ERR_UNSUPPORTED */
    struct span cert;
};
MUST_USE err hip_get_cert(struct span v, struct hip_cert *out);
/* The most of one group; longer ones are refused. */
#define HIP_CERTS_MAX 4
/* The group that the first of these CERTs (struct hip_contents.certs) belongs to, in the order of their ids: 1 is the certificate of the host, the
 * others lead to a CA. ERR_NOT_FOUND: there are none; ERR_UNSUPPORTED: one of a type that nobody knows; ERR_FULL: too many;
 * ERR_MALFORMED: also a group that is not whole (one spread over several packets is not put together). */
MUST_USE err hip_certs_group(struct span tlvs, struct hip_cert out[HIP_CERTS_MAX], uint8_t *n);
void hip_put_cert(struct hip_build *b, const struct hip_cert *c);
