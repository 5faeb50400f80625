/* SPDX-License-Identifier: Apache-2.0
 *
 * CERT (RFC 8002 s2): carried, not judged.
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
void hip_put_cert(struct hip_build *b, const struct hip_cert *c);
