/* SPDX-License-Identifier: Apache-2.0
 *
 * hipakad running: loop, RADIUS sockets, the AuC on a work thread, the control socket.
 */
#pragma once

#include "as/auc_sqlite.h"
#include "as/schema.h"

/* Runs until SIGTERM or SIGINT. Exit status. */
int as_run(const struct as_conf *conf, struct auc *auc, struct env *env);
