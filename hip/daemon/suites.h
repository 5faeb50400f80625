/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a daemon's configuration that says what base exchanges may agree on.
 */
#pragma once

#include "common/rt/conf.h"
#include "hip/engine.h"

extern const struct rt_conf_row hipd_suite_rows[];

#define HIPD_IDENTITY_TYPES "rsa-2048|rsa-3072|dsa|ecdsa-p256|ecdsa-p384|ecdsa-low|ed25519|ed448"

/* dh_groups, ciphers, hit_suites, rsa_bits_min, refuse_dsa and null_encrypt of *out, from the map `suites`. ERR_CONFIG: something is listed twice. */
MUST_USE err hipd_suites_read(const struct rt_conf *c, const struct rt_conf_node *map, struct hip_config *out,
                              char why[RT_CONF_WHY_MAX]);
