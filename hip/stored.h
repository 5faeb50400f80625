/* SPDX-License-Identifier: Apache-2.0
 *
 * Octets that are kept: a packet as it was sent, a parameter of the peer's. Owned by who holds it.
 */
#pragma once

#include <stdint.h>

#include "common/base/err.h"
#include "common/base/span.h"

struct hip_stored {
    uint8_t *p; /* owned; NULL: nothing */
    size_t n;
};

/* Copies octets, which may be none; what was there is given back. ERR_MEMORY. */
MUST_USE err hip_stored_set(struct hip_stored *s, struct span octets);
void hip_stored_clear(struct hip_stored *s);
static inline struct span hip_stored_span(const struct hip_stored *s)
{
    return span_of(s->p, s->n);
}
