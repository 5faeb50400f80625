/* SPDX-License-Identifier: Apache-2.0
 *
 * A subscriber as people and SIM vendors write it: each value a text, NULL or "" when it is not given. One reading for `subscriber add` and for
 * the lines of `subscriber import`.
 */
#pragma once

#include "as/auc_sqlite.h"

#define SUB_FIELD_LIST(X) \
    X(imsi, "6 to 15 digits") \
    X(algorithm, "milenage or tuak; milenage when there is none") \
    X(k, "32 hexadecimal digits; of TUAK 32 or 64") \
    X(opc, "32 hexadecimal digits") \
    X(op, "32 hexadecimal digits, in the place of opc") \
    X(topc, "64 hexadecimal digits") \
    X(top, "64 hexadecimal digits, in the place of topc") \
    X(res_length, "octets of TUAK's RES: 4, 8 or 16; 8 when there is none") \
    X(iterations, "of TUAK's Keccak: 1 to 255; 1 when there is none") \
    X(amf, "4 hexadecimal digits; 8000 when there are none; its highest bit is set or not by who asks") \
    X(sqn, "12 hexadecimal digits, the last number used; 0 when there are none")

enum sub_field {
#define X(name, form) SUB_##name,
    SUB_FIELD_LIST(X)
#undef X
        SUB__FIELDS
};

struct sub_text {
    const char *field[SUB__FIELDS]; /* keys among them: in the caller's secret memory */
};

const char *sub_field_name(enum sub_field f);
const char *sub_field_form(enum sub_field f);

#define SUB_WHY_MAX 160

/* s gets all but barred, added_s and used_s. ERR_MALFORMED: why says which field and what was expected, never a value. ERR_CRYPTO, ERR_MEMORY. */
MUST_USE err sub_text_read(const struct sub_text *t, struct auc_sub *s, struct aka_cred *c,
                           char why[SUB_WHY_MAX]);
