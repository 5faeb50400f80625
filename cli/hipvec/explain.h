/* SPDX-License-Identifier: Apache-2.0
 *
 * Every intermediate value of an exchange, recomputed from its packets and the parties' private keys and draws with the project's libraries, as
 * JSON in the form of test-vectors/schema/hipv2_bex_schema_v2.json. No engine takes part in it.
 */
#pragma once

#include <jansson.h>

#include "cli/hipvec/vec.h"
#include "cli/hipvec/world.h"

/* Something in a packet that is not what it should be: a checksum, a MAC, a signature. */
struct remark {
    char path[96];        /* packets[2].mac.value */
    char *expected, *got; /* of the case's memory */
};

#define REMARKS_MAX 16

/* Borrowed; `given` NULL or the test of a file: Diffie-Hellman values and secrets that no draw brings are taken from there. */
struct explain_in {
    const struct world *w; /* parties; engines are not touched */
    const struct event *event;
    size_t n;
    const json_t *given, *given_group;
};

struct explained {
    json_t *party[WHO_PARTIES];
    json_t *puzzle, *rvs_puzzle; /* NULL: there was none */
    json_t *keymats, *packets;
    struct remark remark[REMARKS_MAX];
    size_t n_remarks;
};

void explain(struct vec_case *c, const struct explain_in *in, struct explained *out);
void explained_done(struct explained *x);

/* Where a value comes from, and the section that says how; by the last two names of its path ("mac.value"). */
struct origin {
    const char *name, *from, *section;
};
const struct origin *origin_of(const char *path);

/* ---- JSON ---- */
void put_hex(json_t *o, const char *name, struct span v);
void put_text(json_t *o, const char *name, const char *text);
void put_int(json_t *o, const char *name, json_int_t v);
