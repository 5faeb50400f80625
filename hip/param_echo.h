/* SPDX-License-Identifier: Apache-2.0
 *
 * ECHO_REQUEST and ECHO_RESPONSE, signed and not (RFC 7401 s5.2.20-5.2.23), and NOTIFICATION (s5.2.19).
 */
#pragma once

#include "hip/build.h"

#define HIP_ECHO_MAX 256 /* unsigned requests longer than this are not answered */

/* Answer every request of `request` type found in p with the matching response: contents octet for octet. */
void hip_put_echo_responses(struct hip_build *b, const struct hip_params *p, uint16_t request);
/* The type that answers a request type; 0 for another one. */
uint16_t hip_echo_response_type(uint16_t request);

struct hip_notification {
    uint16_t code; /* enum hip_notify_code */
    struct span data;
};
MUST_USE err hip_get_notification(struct span v, struct hip_notification *out);
void hip_put_notification(struct hip_build *b, const struct hip_notification *n);
static inline bool hip_notify_is_error(uint16_t code)
{
    return code < 16384;
}
