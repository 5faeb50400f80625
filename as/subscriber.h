/* SPDX-License-Identifier: Apache-2.0
 *
 * `hipakad --config FILE subscriber ...` and `rotate-key`: the AuC edited from the shell; the daemon may be running. Keys go in and never
 * come out.
 */
#pragma once

#include "as/auc_sqlite.h"
#include "as/schema.h"

/* argv[0] is the word behind "subscriber". Exit status: 0 done, 1 failed, 2 wrong usage. Key arguments are wiped from argv. */
int as_subscriber(const struct as_conf *conf, const struct env *env, int argc, char **argv);
/* argv[0] is the word itself. */
int as_rotate_key(const struct as_conf *conf, const struct env *env, int argc);
/* Open the store of a configuration; its folders are made (one level). why gets a line. */
MUST_USE err as_open_auc(const struct as_conf *conf, const struct env *env, struct auc **out,
                         char why[AUC_WHY_MAX]);
