/* SPDX-License-Identifier: Apache-2.0
 *
 * The home network's keys for concealed identities: `suci_keys:` of the configuration, and `hipakad suci-key`, which makes one. A private key is a file of
 * 64 hexadecimal digits, its owner's alone.
 */
#pragma once

#include "aka/suci.h"
#include "common/rt/conf.h"

#define AS_SUCI_MAX 16

extern const struct rt_conf_row as_suci_rows[];

/* One entry. why gets a line. */
MUST_USE err as_suci_load(const struct rt_conf *f, const struct rt_conf_node *n, struct suci_key *out,
                          char *why);
/* argv[0] is "suci-key". Exit status. */
int as_suci_make(const struct env *env, int argc, char **argv);
