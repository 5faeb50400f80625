/* SPDX-License-Identifier: Apache-2.0 */
#include "as/sub_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/sqn.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"

static const char *const names[SUB__FIELDS] = {
#define X(name, form) [SUB_##name] = #name,
    SUB_FIELD_LIST(X)
#undef X
};
static const char *const forms[SUB__FIELDS] = {
#define X(name, form) [SUB_##name] = form,
    SUB_FIELD_LIST(X)
#undef X
};

const char *sub_field_name(enum sub_field f)
{
    return names[f];
}

const char *sub_field_form(enum sub_field f)
{
    return forms[f];
}

static const char *given(const struct sub_text *t, enum sub_field f)
{
    return t->field[f] && t->field[f][0] ? t->field[f] : NULL;
}

static err expected(enum sub_field f, char *why)
{
    snprintf(why, SUB_WHY_MAX, "%s: expected %s", names[f], forms[f]);
    return ERR_MALFORMED;
}

static err hex_field(const struct sub_text *t, enum sub_field f, size_t want, uint8_t *out, char *why)
{
    size_t n = 0;
    const char *v = given(t, f);
    return v && hex_decode(v, strlen(v), out, want, &n) == ERR_OK && n == want ? ERR_OK : expected(f, why);
}

static err milenage(const struct sub_text *t, struct aka_cred *c, char *why)
{
    uint8_t op[AKA_OPC_LEN];
    if (given(t, SUB_topc) || given(t, SUB_top) || given(t, SUB_res_length) || given(t, SUB_iterations)) {
        snprintf(why, SUB_WHY_MAX, "topc, top, res_length and iterations are for algorithm tuak");
        return ERR_MALFORMED;
    }
    if (!given(t, SUB_opc) == !given(t, SUB_op)) {
        snprintf(why, SUB_WHY_MAX, "expected one of opc and op");
        return ERR_MALFORMED;
    }
    err e = hex_field(t, SUB_k, AKA_K_LEN, c->k, why);
    if (e != ERR_OK)
        return e;
    if (given(t, SUB_opc))
        return hex_field(t, SUB_opc, AKA_OPC_LEN, c->opc, why);
    e = hex_field(t, SUB_op, AKA_OPC_LEN, op, why);
    if (e == ERR_OK)
        e = milenage_opc(c->k, op, c->opc);
    sec_wipe(op, sizeof op);
    return e;
}

static err tuak_shape_of(const struct sub_text *t, struct tuak_shape *s, char *why)
{
    const char *k = given(t, SUB_k), *res = given(t, SUB_res_length), *n = given(t, SUB_iterations);
    *s = TUAK_SHAPE_DEFAULT;
    s->k_len = k && strlen(k) == 64 ? 32 : 16;
    if (res && strcmp(res, "4") != 0 && strcmp(res, "8") != 0 && strcmp(res, "16") != 0)
        return expected(SUB_res_length, why);
    if (res)
        s->res_len = (uint8_t)strtoul(res, NULL, 10);
    if (n && (strlen(n) > 3 || strspn(n, "0123456789") != strlen(n) || strtoul(n, NULL, 10) < 1 ||
              strtoul(n, NULL, 10) > TUAK_ITERATIONS_MAX))
        return expected(SUB_iterations, why);
    if (n)
        s->iterations = (unsigned)strtoul(n, NULL, 10);
    return ERR_OK;
}

static err tuak(const struct sub_text *t, struct aka_cred *c, char *why)
{
    uint8_t top[TUAK_TOP_LEN];
    if (given(t, SUB_opc) || given(t, SUB_op)) {
        snprintf(why, SUB_WHY_MAX, "opc and op are for algorithm milenage");
        return ERR_MALFORMED;
    }
    if (!given(t, SUB_topc) == !given(t, SUB_top)) {
        snprintf(why, SUB_WHY_MAX, "expected one of topc and top");
        return ERR_MALFORMED;
    }
    err e = tuak_shape_of(t, &c->tuak, why);
    if (e == ERR_OK)
        e = hex_field(t, SUB_k, c->tuak.k_len, c->k, why);
    if (e != ERR_OK)
        return e;
    if (given(t, SUB_topc))
        return hex_field(t, SUB_topc, TUAK_TOP_LEN, c->topc, why);
    e = hex_field(t, SUB_top, TUAK_TOP_LEN, top, why);
    if (e == ERR_OK)
        e = tuak_topc(&c->tuak, c->k, top, c->topc);
    sec_wipe(top, sizeof top);
    return e;
}

err sub_text_read(const struct sub_text *t, struct auc_sub *s, struct aka_cred *c, char why[SUB_WHY_MAX])
{
    uint8_t sqn[AKA_SQN_LEN] = { 0 };
    const char *imsi = given(t, SUB_imsi), *alg = given(t, SUB_algorithm);
    *s = (struct auc_sub){ .amf = { AKA_AMF_SEP, 0 } };
    *c = (struct aka_cred){ .alg = AKA_ALG_MILENAGE };
    if (!imsi || !imsi_valid(imsi))
        return expected(SUB_imsi, why);
    snprintf(s->imsi, sizeof s->imsi, "%s", imsi);
    if (alg && aka_alg_parse(alg, &c->alg) != ERR_OK)
        return expected(SUB_algorithm, why);
    s->alg = c->alg;
    if (given(t, SUB_amf) && hex_field(t, SUB_amf, AKA_AMF_LEN, s->amf, why) != ERR_OK)
        return ERR_MALFORMED;
    if (given(t, SUB_sqn) && hex_field(t, SUB_sqn, sizeof sqn, sqn, why) != ERR_OK)
        return ERR_MALFORMED;
    s->sqn = sqn_get(sqn);
    err e = c->alg == AKA_ALG_TUAK ? tuak(t, c, why) : milenage(t, c, why);
    if (e != ERR_OK && e != ERR_MALFORMED)
        snprintf(why, SUB_WHY_MAX, "%s", err_text(e));
    return e;
}
