/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/encr.h"

#include "common/crypto/cipher.h"

struct aka_wr aka_encr_begin(void *buf, size_t cap, uint8_t method)
{
    return (struct aka_wr){ .c = wcur_of(buf, cap), .method = method };
}

/* Attributes are multiples of four octets; AT_PADDING makes a multiple of the block: 4, 8 or 12 octets, zeros in it. */
static void pad(struct aka_wr *inner)
{
    static const uint8_t zeros[AES_BLOCK];
    size_t over = wcur_len(&inner->c) % AES_BLOCK;
    if (over)
        aka_wr_attr(inner, AKA_AT_PADDING, span_of(zeros, AES_BLOCK - over - 2));
}

/* RFC 4187 s10.12 MUST: the IV is our caller's, fresh each time. */
void aka_wr_encr(struct aka_wr *w, struct aka_wr *inner, const struct aka_keys *k,
                 const uint8_t iv[AKA_IV_LEN])
{
    pad(inner);
    struct span s = wcur_done(&inner->c);
    struct cipher *c = cipher_new(CIPHER_AES128_CBC, true, span_of(k->k_encr, sizeof k->k_encr));
    if (!c || !wcur_ok(&inner->c) || s.n == 0 || cipher_blocks(c, iv, s, inner->c.base) != ERR_OK) {
        w->c.failed = true;
        cipher_free(c);
        return;
    }
    cipher_free(c);
    aka_wr_attr(w, AKA_AT_IV, span_of(iv, AKA_IV_LEN));
    aka_wr_attr(w, AKA_AT_ENCR_DATA, s);
}

enum aka_reason aka_encr_open(const struct aka_msg *m, const struct aka_keys *k, uint8_t plain[EAP_MAX],
                              struct aka_msg *out)
{
    struct span s = m->value[AKA_AT_ENCR_DATA];
    if (!m->has[AKA_AT_ENCR_DATA])
        return AKA_R_MISSING_ATTR;
    if (s.n == 0 || s.n % AES_BLOCK || s.n > EAP_MAX)
        return AKA_R_MALFORMED;
    struct cipher *c = cipher_new(CIPHER_AES128_CBC, false, span_of(k->k_encr, sizeof k->k_encr));
    err e = c ? cipher_blocks(c, m->value[AKA_AT_IV].p, s, plain) : ERR_MEMORY;
    cipher_free(c);
    return e == ERR_OK ? aka_encr_parse(span_of(plain, s.n), m->method, out) : AKA_R_INTERNAL;
}
