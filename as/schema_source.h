/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of hipakad's configuration that says where vectors come from and who besides RADIUS clients may ask for them.
 */
#pragma once

#include "as/schema.h"

extern const struct rt_conf_row as_hlr_rows[];
extern const struct rt_conf_row as_auc_socket_rows[];
/* o->file is loaded. ERR_CONFIG with why; ERR_MEMORY. */
MUST_USE err as_source_load(struct as_conf *o, char *why);
