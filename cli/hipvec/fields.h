/* SPDX-License-Identifier: Apache-2.0
 *
 * A vector file against the schemas of its types: the whole file where it names one (`schema`), else what all files have in common and each
 * group by its type.
 */
#pragma once

#include "cli/hipvec/schema.h"

/* True: nothing to report. *skipped: groups of types that have no schema. */
bool fields_check(const json_t *file, schema_report *report, void *ctx, unsigned *skipped);
