/* SPDX-License-Identifier: Apache-2.0
 *
 * One packet as data for a reader: header, parameters with what protects each, coverage, faults. cmd_show.c prints it.
 */
#pragma once

#include <jansson.h>

#include "cli/hipvec/items.h"
#include "cli/hipvec/judge.h"
#include "cli/hipvec/view.h"

json_t *show_item(const struct item *x);
/* With keys: "inside" (the parameters of ENCRYPTED), or "next_header" and "payload" (ESP), where the i-th item opens. Offsets count in what was opened. */
void show_inside(json_t *o, struct judge *j, size_t item);
/* Octet ranges that no MAC or signature covers: [{from, to (behind the last), what, checksum}]. checksum: at least that one covers it. */
json_t *show_uncovered(const struct item *x, const struct view *w);
/* Does a checksum cover the packet? Without addresses nobody can tell; SUM_WRONG counts as well: it is there. */
enum dgram_sum show_checksum(const struct item *x, const struct view *w, char why[96]);
