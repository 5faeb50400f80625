/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of a parameter as named fields, by the decoders of hip/param_*.h: for reading (hipvec show) and for what their
 * contents break (hipvec verify).
 */
#pragma once

#include <jansson.h>

#include "cli/hipvec/view.h"
#include "common/crypto/hash.h"

/* An object with the fields in wire order; what does not parse has "octets" alone and adds a FAULT_CONTENTS to w. rhash: of the
 * Responder's HIT suite (HASH_NONE: unknown). Never NULL but when memory is out. */
json_t *decode_param(struct view *w, const struct view_par *p, enum hash_alg rhash);
/* RHASH of the Responder of this packet, as far as its type says who that is; HASH_NONE. */
enum hash_alg decode_rhash(const struct view *w);

json_t *decode_hex(struct span s); /* a JSON string */
/* Names of ids; "unknown" for others. */
const char *decode_nat_mode(unsigned mode);
