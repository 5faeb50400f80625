/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/milenage.h"

#include <string.h>

#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"

/* What one call works with; in secret memory, since TEMP and the rotated blocks are as good as the outputs. */
struct work {
    uint8_t temp[AES_BLOCK];
    uint8_t in[AES_BLOCK];
    uint8_t out[5][AES_BLOCK]; /* OUT1 to OUT5 */
    struct milenage_out all;
};

static err ecb(struct cipher *c, const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK])
{
    return cipher_blocks(c, NULL, span_of(in, AES_BLOCK), out);
}

static void xor16(uint8_t *d, const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 0; i < AES_BLOCK; i++)
        d[i] = a[i] ^ b[i];
}

/* OUT1 (TS 35.206 s4.1): rotated by r1 = 64 bits, c1 = 0. IN1 = SQN | AMF | SQN | AMF. */
static err out1(struct cipher *c, struct work *w, const uint8_t *opc, const uint8_t *sqn, const uint8_t *amf)
{
    uint8_t in1[AES_BLOCK];
    for (size_t half = 0; half < 2; half++) {
        memcpy(in1 + 8 * half, sqn, AKA_SQN_LEN);
        memcpy(in1 + 8 * half + 6, amf, AKA_AMF_LEN);
    }
    for (unsigned i = 0; i < AES_BLOCK; i++)
        w->in[(i + 8) % AES_BLOCK] = in1[i] ^ opc[i];
    xor16(w->in, w->in, w->temp);
    err e = ecb(c, w->in, w->out[0]);
    xor16(w->out[0], w->out[0], opc);
    return e;
}

/* OUT2 to OUT5: rotations of 0, 4, 8, 12 octets; the constants' only non-zero octet is the last: 1, 2, 4, 8. */
static err out_n(struct cipher *c, struct work *w, const uint8_t *opc, unsigned n)
{
    unsigned rot = 4 * (n - 1);
    for (unsigned i = 0; i < AES_BLOCK; i++)
        w->in[(i + AES_BLOCK - rot) % AES_BLOCK] = w->temp[i] ^ opc[i];
    w->in[15] ^= (uint8_t)(1u << (n - 1));
    err e = ecb(c, w->in, w->out[n]);
    xor16(w->out[n], w->out[n], opc);
    return e;
}

static err run(const uint8_t *k, const uint8_t *opc, const uint8_t *rand, const uint8_t *sqn,
               const uint8_t *amf, struct work *w)
{
    struct cipher *c = cipher_new(CIPHER_AES128_ECB, true, span_of(k, AKA_K_LEN));
    if (!c)
        return ERR_CRYPTO;
    xor16(w->in, rand, opc);
    err e = ecb(c, w->in, w->temp);
    if (e == ERR_OK)
        e = out1(c, w, opc, sqn, amf);
    for (unsigned n = 1; e == ERR_OK && n <= 4; n++)
        e = out_n(c, w, opc, n);
    cipher_free(c);
    if (e != ERR_OK)
        return e;
    memcpy(w->all.mac_a, w->out[0], AKA_MAC_LEN);
    memcpy(w->all.mac_s, w->out[0] + 8, AKA_MAC_LEN);
    memcpy(w->all.ak, w->out[1], AKA_AK_LEN);
    memcpy(w->all.res, w->out[1] + 8, MILENAGE_RES_LEN);
    memcpy(w->all.ck, w->out[2], AKA_CK_LEN);
    memcpy(w->all.ik, w->out[3], AKA_IK_LEN);
    memcpy(w->all.ak_star, w->out[4], AKA_AK_LEN);
    return ERR_OK;
}

err milenage_opc(const uint8_t k[AKA_K_LEN], const uint8_t op[AKA_OPC_LEN], uint8_t opc[AKA_OPC_LEN])
{
    uint8_t x[AES_BLOCK];
    struct cipher *c = cipher_new(CIPHER_AES128_ECB, true, span_of(k, AKA_K_LEN));
    if (!c)
        return ERR_CRYPTO;
    err e = ecb(c, op, x);
    cipher_free(c);
    if (e == ERR_OK)
        xor16(opc, x, op);
    sec_wipe(x, sizeof x);
    return e;
}

err milenage_run(const uint8_t k[AKA_K_LEN], const uint8_t opc[AKA_OPC_LEN], const uint8_t rand[AKA_RAND_LEN],
                 const uint8_t sqn[AKA_SQN_LEN], const uint8_t amf[AKA_AMF_LEN], struct milenage_out *out)
{
    struct work *w = sec_alloc(sizeof *w);
    if (!w)
        return ERR_MEMORY;
    err e = run(k, opc, rand, sqn, amf, w);
    if (e == ERR_OK)
        *out = w->all;
    sec_free(w);
    return e;
}
