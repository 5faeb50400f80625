/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys as lines of text for env.keys, in a test set-up that asked for it; without a sink nothing is made. The form is described in
 * docs/man/hipvec.1 and read by cli/hipvec/keylog.c. This is the one place in the library that puts a secret into text.
 */
#pragma once

#include "hip/core.h"

/* The four keys of a base exchange and both host identities. */
void hip_keylog_assoc(const struct hip_engine *e, const struct hip_assoc *a);
/* One security association, from one host to the other. */
void hip_keylog_sa(const struct hip_engine *e, const struct hip_sa_keys *k, const struct hit *from,
                   const struct hit *to);
