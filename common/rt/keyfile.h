/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that keys are appended to in a test set-up (struct key_sink of common/base/env.h). It is opened before privileges are given up and
 * lives as long as the process. Several threads may write: each write is whole lines, at the end of the file.
 */
#pragma once

#include "common/base/env.h"
#include "common/rt/file.h"

/* Sets env->keys and says so in the log, as a warning. A file that is there must be regular, ours, and closed to group and
 * others. ERR_IO, ERR_REFUSED. */
MUST_USE err rt_keyfile_open(const char *path, struct env *env, char why[RT_FILE_WHY_MAX]);
