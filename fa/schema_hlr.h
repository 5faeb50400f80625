/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of hipfad's configuration that names the HLRs with subscribers' data.
 */
#pragma once

#include "fa/schema.h"

extern const struct rt_conf_row fa_hlr_rows[];
/* subscribers: that map of the configuration. ERR_CONFIG with why. */
MUST_USE err fa_hlrs_read(struct fa_settings *s, const struct rt_conf_node *subscribers, char *why);
