/* SPDX-License-Identifier: Apache-2.0
 *
 * The `esp` part of hiphostd's configuration: suites, whom suites that only authenticate are for, how long keys live, what becomes of packets that are
 * too long for the path.
 */
#pragma once

#include "host/schema.h"

extern const struct rt_conf_row host_esp_rows[];

/* ERR_CONFIG with FILE:LINE in why. out->core.hip points into *out afterwards. */
MUST_USE err host_esp_conf_read(const struct rt_conf *c, struct host_settings *out,
                                char why[RT_CONF_WHY_MAX]);
/* As the configuration spells it; "": none of ours. */
const char *host_esp_suite_name(uint16_t id);
