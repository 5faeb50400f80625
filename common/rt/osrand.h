/* SPDX-License-Identifier: Apache-2.0
 *
 * The one real source of randomness: getrandom(2). When it fails the process aborts: nothing of ours works without.
 */
#pragma once

#include "common/base/env.h"

void rt_random(void *out, size_t n);
/* An env with this randomness and the given log. */
struct env rt_env(struct log log);
