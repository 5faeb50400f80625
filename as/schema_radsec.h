/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of hipakad's configuration about RADIUS in TLS, and by which ways a client may come.
 */
#pragma once

#include "as/schema.h"

extern const struct rt_conf_row as_radsec_rows[];

/* o->file is set. ERR_CONFIG with why. */
MUST_USE err as_radsec_load(struct as_conf *o, const struct rt_conf_node *map, char *why);
/* Client i: over UDP from an address, under a secret; over TLS with a certificate; or both. The secret is not read. */
MUST_USE err as_client_ways(struct as_conf *o, size_t i, const struct rt_conf_node *n, char *why);
