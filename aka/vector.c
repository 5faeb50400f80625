/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/vector.h"

#include <string.h>

#include "aka/sqn.h"
#include "common/crypto/secret.h"

static const uint8_t amf_resync[AKA_AMF_LEN]; /* TS 33.102 s6.3.3: AMF* is all zeros in MAC-S */

static const char *const alg_names[AKA_ALG__COUNT] = {
#define X(name, text) [AKA_ALG_##name] = text,
    AKA_ALG_LIST(X)
#undef X
};

const char *aka_alg_name(enum aka_alg a)
{
    return (unsigned)a < AKA_ALG__COUNT ? alg_names[a] : "unknown";
}

err aka_alg_parse(const char *name, enum aka_alg *out)
{
    for (unsigned i = 0; i < AKA_ALG__COUNT; i++)
        if (strcmp(name, alg_names[i]) == 0) {
            *out = (enum aka_alg)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

/* The seven functions' values, of whichever algorithm. In secret memory. */
struct values {
    uint8_t mac_a[AKA_MAC_LEN], mac_s[AKA_MAC_LEN];
    uint8_t res[AKA_RES_MAX]; /* zeros behind res_len */
    uint8_t res_len;
    uint8_t ck[AKA_CK_LEN], ik[AKA_IK_LEN];
    uint8_t ak[AKA_AK_LEN], ak_star[AKA_AK_LEN];
    union {
        struct milenage_out milenage;
        struct tuak_out tuak;
    };
};

err aka_cred_check(const struct aka_cred *c)
{
    const struct tuak_shape *t = &c->tuak;
    switch (c->alg) {
    case AKA_ALG_MILENAGE:
        return ERR_OK;
    case AKA_ALG_TUAK:
        return (t->k_len == 16 || t->k_len == 32) && t->mac_len == AKA_MAC_LEN &&
                       (t->res_len == 4 || t->res_len == 8 || t->res_len == 16) && t->ck_len == AKA_CK_LEN &&
                       t->ik_len == AKA_IK_LEN && t->iterations >= 1 && t->iterations <= TUAK_ITERATIONS_MAX
                   ? ERR_OK
                   : ERR_RANGE;
    case AKA_ALG__COUNT:
    default:
        return ERR_RANGE;
    }
}

#define TAKE(from) \
    do { \
        memcpy(v->mac_a, (from)->mac_a, AKA_MAC_LEN); \
        memcpy(v->mac_s, (from)->mac_s, AKA_MAC_LEN); \
        memcpy(v->res, (from)->res, v->res_len); \
        memcpy(v->ck, (from)->ck, AKA_CK_LEN); \
        memcpy(v->ik, (from)->ik, AKA_IK_LEN); \
        memcpy(v->ak, (from)->ak, AKA_AK_LEN); \
        memcpy(v->ak_star, (from)->ak_star, AKA_AK_LEN); \
    } while (0)

static err run(const struct aka_cred *c, const uint8_t *rand, const uint8_t *sqn, const uint8_t *amf,
               struct values *v)
{
    err e = aka_cred_check(c);
    if (e != ERR_OK)
        return e;
    memset(v->res, 0, sizeof v->res);
    if (c->alg == AKA_ALG_TUAK) {
        v->res_len = c->tuak.res_len;
        e = tuak_run(&c->tuak, c->k, c->topc, rand, sqn, amf, &v->tuak);
        if (e == ERR_OK)
            TAKE(&v->tuak);
    } else {
        v->res_len = MILENAGE_RES_LEN;
        e = milenage_run(c->k, c->opc, rand, sqn, amf, &v->milenage);
        if (e == ERR_OK)
            TAKE(&v->milenage);
    }
    return e;
}

static void xor6(uint8_t *d, const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 0; i < 6; i++)
        d[i] = a[i] ^ b[i];
}

static void take(struct aka_vector *v, const uint8_t *rand, const uint8_t *autn, const struct values *m)
{
    memcpy(v->rand, rand, AKA_RAND_LEN);
    memcpy(v->autn, autn, AKA_AUTN_LEN);
    memcpy(v->res, m->res, sizeof v->res);
    v->res_len = m->res_len;
    memcpy(v->ck, m->ck, AKA_CK_LEN);
    memcpy(v->ik, m->ik, AKA_IK_LEN);
}

err aka_vector_make(const struct aka_cred *c, uint64_t sqn, const uint8_t amf[AKA_AMF_LEN],
                    const uint8_t rand[AKA_RAND_LEN], struct aka_vector *out)
{
    uint8_t sqn6[AKA_SQN_LEN], autn[AKA_AUTN_LEN];
    struct values *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    sqn_put(sqn, sqn6);
    err e = run(c, rand, sqn6, amf, m);
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
    struct values *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    err e = run(c, rand, sqn6, amf_resync, m); /* for AK*, which hides SQN_MS */
    if (e != ERR_OK)
        goto out;
    xor6(sqn6, auts, m->ak_star);
    e = run(c, rand, sqn6, amf_resync, m);
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
    struct values *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    err e = run(c, rand, sqn6, autn + 6, m); /* for AK */
    if (e != ERR_OK)
        goto out;
    xor6(sqn6, autn, m->ak);
    e = run(c, rand, sqn6, autn + 6, m);
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
    struct values *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    sqn_put(sqn_ms, sqn6);
    err e = run(c, rand, sqn6, amf_resync, m);
    if (e == ERR_OK) {
        xor6(auts, sqn6, m->ak_star);
        memcpy(auts + AKA_SQN_LEN, m->mac_s, AKA_MAC_LEN);
    }
    sec_free(m);
    return e;
}

err aka_gsm(const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
            uint8_t kc[AKA_KC_LEN])
{
    static const uint8_t zero[AKA_SQN_LEN];
    struct values *m = sec_alloc(sizeof *m);
    if (!m)
        return ERR_MEMORY;
    err e = run(c, rand, zero, zero, m);
    /* c2: RES padded to 128 bits with zeros, its four words xored; c3: both halves of CK and of IK. */
    for (unsigned i = 0; e == ERR_OK && i < AKA_SRES_LEN; i++)
        sres[i] = m->res[i] ^ m->res[i + 4] ^ m->res[i + 8] ^ m->res[i + 12];
    for (unsigned i = 0; e == ERR_OK && i < AKA_KC_LEN; i++)
        kc[i] = m->ck[i] ^ m->ck[i + 8] ^ m->ik[i] ^ m->ik[i + 8];
    sec_free(m);
    return e;
}
