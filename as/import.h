/* SPDX-License-Identifier: Apache-2.0
 *
 * `hipakad --config FILE subscriber import FILE.csv`: many subscribers out of a SIM vendor's list. In bounded memory, some thousand lines in a
 * transaction; what was read before it was cut off is there already and passed over the next time. A subscriber that is there with other keys or
 * another AMF is a conflict: listed, not touched. SQN of one that is there is not touched either.
 */
#pragma once

#include "as/auc_sqlite.h"

struct import_wish {
    const char *path; /* "-": standard input */
    const char *skip; /* names of columns to pass over, separated by commas; may be NULL */
    bool dry, json;
};

/* Exit status: 0 all lines are in the store (or would be), 1 some are not, 2 the header is wrong. */
int as_import(struct auc *auc, const struct import_wish *w);
