/* SPDX-License-Identifier: Apache-2.0
 *
 * LOCATOR_SET (RFC 8046 s4; type 2: RFC 5770 s5.7, RFC 9028 s5.7).
 */
#pragma once

#include "hip/build.h"

#define HIP_LOCATOR_SET_MAX 16 /* more in one parameter: ERR_FULL */

enum hip_locator_type { HIP_LOC_ADDR = 0, HIP_LOC_SPI = 1, HIP_LOC_UDP = 2 };
enum hip_locator_traffic { HIP_LOC_ALL = 0, HIP_LOC_SIGNALLING = 1, HIP_LOC_DATA = 2 };

/* Kind of a type 2 locator (RFC 5770 s5.7). */
enum hip_locator_kind { HIP_LOC_HOST = 0, HIP_LOC_SRFLX = 1, HIP_LOC_PRFLX = 2, HIP_LOC_RELAYED = 3 };
const char *hip_locator_kind_name(enum hip_locator_kind k); /* "host", "server reflexive", ... */

struct hip_locator {
    uint8_t traffic; /* enum hip_locator_traffic */
    uint8_t type;    /* enum hip_locator_type; another one: only `raw` is set */
    bool preferred;
    uint32_t lifetime_s; /* UINT32_MAX: unbounded; 0 is ERR_MALFORMED (s4.1) */
    uint32_t spi;        /* types 1 and 2 */
    uint8_t protocol;    /* type 2: 17 */
    uint8_t kind;        /* type 2: enum hip_locator_kind */
    uint32_t priority;   /* type 2 */
    struct addr addr;    /* IPv4-mapped ones as IPv4; port in type 2 only */
    struct span raw;     /* the Locator field; not used by the encoder unless type is above 2 */
};

struct hip_locator_set {
    size_t n;
    struct hip_locator v[HIP_LOCATOR_SET_MAX];
};
MUST_USE err hip_get_locator_set(struct span v, struct hip_locator_set *out);
void hip_put_locator_set(struct hip_build *b, const struct hip_locator_set *s);
