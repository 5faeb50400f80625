/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/encrypted.h"

#include <string.h>

#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"
#include "hip/suite.h"

#define RESERVED 4

static err crypt(const struct hip_cipher_suite *s, bool encrypt, struct span key, const uint8_t *iv,
                 struct span in, uint8_t *out)
{
    if (key.n != s->key_len)
        return ERR_RANGE;
    if (key.n == 0) { /* NULL-ENCRYPT */
        if (in.n && out != in.p)
            memcpy(out, in.p, in.n);
        return ERR_OK;
    }
    struct cipher *c = cipher_new(s->alg, encrypt, key);
    if (!c)
        return ERR_MEMORY;
    err e = cipher_blocks(c, iv, in, out);
    cipher_free(c);
    return e;
}

void hip_encrypted_add(struct hip_build *b, uint16_t cipher, struct span key, const struct env *env,
                       struct span inner)
{
    const struct hip_cipher_suite *s = hip_cipher_suite(cipher);
    if (b->failed != ERR_OK)
        return;
    if (!s || !s->supported || inner.n > HIP_LEN_ANY) {
        b->failed = s && s->supported ? ERR_SPACE : ERR_UNSUPPORTED;
        return;
    }
    /* PKCS#5: 1..16 octets of that value; NULL has no blocks to fill (RFC 7401 s5.2.18) */
    size_t pad = s->key_len ? AES_BLOCK - inner.n % AES_BLOCK : 0;
    size_t n = inner.n + pad;
    struct wcur *w = hip_build_open(b, HIP_PAR_ENCRYPTED);
    wcur_zero(w, RESERVED); /* RFC 7401 s5.2.18 MUST: zero, an IV at random, padding of the cipher */
    uint8_t *iv = wcur_reserve(w, s->iv_len);
    uint8_t *body = wcur_reserve(w, n);
    if (iv && body) {
        if (s->iv_len)
            env_draw(env, "enc_iv", iv, s->iv_len);
        if (inner.n)
            memcpy(body, inner.p, inner.n);
        memset(body + inner.n, (int)pad, pad);
        err e = crypt(s, true, key, iv, span_of(body, n), body);
        if (e != ERR_OK) {
            sec_wipe(body, n);
            b->failed = e;
        }
    }
    hip_build_close(b);
}

/* Octets without the PKCS#5 padding; all of them when what stands there is not such padding: another implementation may leave
 * it out when the TLVs end on a block. What is left must parse as TLVs, and HIP_MAC covers it all, so
 * nothing is told to somebody who alters it. */
static size_t unpadded(const uint8_t *p, size_t n)
{
    uint8_t pad = p[n - 1];
    if (pad == 0 || pad > AES_BLOCK)
        return n;
    for (size_t i = n - pad; i < n; i++)
        if (p[i] != pad)
            return n;
    return n - pad;
}

err hip_encrypted_open(struct span v, uint16_t cipher, struct span key, uint8_t *out, size_t cap,
                       struct span *inner)
{
    const struct hip_cipher_suite *s = hip_cipher_suite(cipher);
    if (!s || !s->supported)
        return ERR_UNSUPPORTED;
    size_t block = s->key_len ? AES_BLOCK : 1;
    if (v.n < RESERVED + (size_t)s->iv_len + block)
        return ERR_MALFORMED;
    struct span ct = span_sub(v, RESERVED + s->iv_len, v.n - RESERVED - s->iv_len);
    if (ct.n % block)
        return ERR_MALFORMED;
    if (ct.n > cap)
        return ERR_SPACE;
    err e = crypt(s, false, key, v.p + RESERVED, ct, out);
    if (e != ERR_OK)
        return e;
    *inner = span_of(out, s->key_len ? unpadded(out, ct.n) : ct.n);
    return ERR_OK;
}
