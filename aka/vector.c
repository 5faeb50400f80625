/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/vector.h"

#include <string.h>

#include "aka/sqn.h"
#include "common/crypto/secret.h"

static const uint8_t amf_resync[AKA_AMF_LEN]; /* TS 33.102 s6.3.3: AMF* is all zeros in MAC-S */

static void xor6(uint8_t *d, const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 0; i < 6; i++)
        d[i] = a[i] ^ b[i];
}

static void take(struct aka_vector *v, const uint8_t *rand, const uint8_t *autn, const struct milenage_out *m)
{
    memcpy(v->rand, rand, AKA_RAND_LEN);
    memcpy(v->autn, autn, AKA_AUTN_LEN);
    memset(v->res, 0, sizeof v->res);
    memcpy(v->res, m->res, MILENAGE_RES_LEN);
    v->res_len = MILENAGE_RES_LEN;
    memcpy(v->ck, m->ck, AKA_CK_LEN);
    memcpy(v->ik, m->ik, AKA_IK_LEN);
}

err aka_vector_make(const struct aka_cred *c, uint64_t sqn, const uint8_t amf[AKA_AMF_LEN],
                    const uint8_t rand[AKA_RAND_LEN], struct aka_vector *out)
{
    uint8_t sqn6[AKA_SQN_LEN], autn[AKA_AUTN_LEN];
    struct milenage_out *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    sqn_put(sqn, sqn6);
    err e = milenage_run(c->k, c->opc, rand, sqn6, amf, m);
    if (e != ERR_OK)
        goto out;
    xor6(autn, sqn6, m->ak);
    memcpy(autn + 6, amf, AKA_AMF_LEN);
    memcpy(autn + 8, m->mac_a, AKA_MAC_LEN);
    take(out, rand, autn, m);
out:
    sec_free(m);
    return e;
}

err aka_auts_open(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
                  const uint8_t auts[AKA_AUTS_LEN], uint64_t *sqn_ms)
{
    uint8_t sqn6[AKA_SQN_LEN] = { 0 };
    struct milenage_out *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    err e = milenage_run(c->k, c->opc, rand, sqn6, amf_resync, m); /* for AK*, which hides SQN_MS */
    if (e != ERR_OK)
        goto out;
    xor6(sqn6, auts, m->ak_star);
    e = milenage_run(c->k, c->opc, rand, sqn6, amf_resync, m);
    if (e != ERR_OK)
        goto out;
    if (!sec_equal(m->mac_s, auts + AKA_SQN_LEN, AKA_MAC_LEN))
        e = ERR_AUTH;
    else
        *sqn_ms = sqn_get(sqn6);
out:
    sec_free(m);
    return e;
}

err aka_autn_open(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
                  const uint8_t autn[AKA_AUTN_LEN], uint64_t *sqn, struct aka_vector *v)
{
    uint8_t sqn6[AKA_SQN_LEN] = { 0 };
    struct milenage_out *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    err e = milenage_run(c->k, c->opc, rand, sqn6, autn + 6, m); /* for AK */
    if (e != ERR_OK)
        goto out;
    xor6(sqn6, autn, m->ak);
    e = milenage_run(c->k, c->opc, rand, sqn6, autn + 6, m);
    if (e != ERR_OK)
        goto out;
    if (!sec_equal(m->mac_a, autn + 8, AKA_MAC_LEN)) {
        e = ERR_AUTH;
        goto out;
    }
    *sqn = sqn_get(sqn6);
    take(v, rand, autn, m);
out:
    sec_free(m);
    return e;
}

err aka_auts_make(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN], uint64_t sqn_ms,
                  uint8_t auts[AKA_AUTS_LEN])
{
    uint8_t sqn6[AKA_SQN_LEN];
    struct milenage_out *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    sqn_put(sqn_ms, sqn6);
    err e = milenage_run(c->k, c->opc, rand, sqn6, amf_resync, m);
    if (e == ERR_OK) {
        xor6(auts, sqn6, m->ak_star);
        memcpy(auts + AKA_SQN_LEN, m->mac_s, AKA_MAC_LEN);
    }
    sec_free(m);
    return e;
}
