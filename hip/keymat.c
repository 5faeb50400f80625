/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/keymat.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/suite.h"

struct hip_keymat {
    enum hash_alg rhash;
    bool exports;
    size_t index;     /* next unused octet of mat */
    size_t made;      /* octets of mat that were expanded */
    uint8_t pair[32]; /* smaller HIT | larger HIT */
    uint8_t prk[HIP_RHASH_MAX];
    struct hkdf_state t;
    uint8_t mat[HIP_KEYMAT_LEN + HIP_RHASH_MAX]; /* whole blocks */
};

err hip_keymat_new(enum hash_alg rhash, struct span kij, struct span i, struct span j, const struct hit *a,
                   const struct hit *b, struct hip_keymat **out)
{
    uint8_t salt[2 * HIP_RHASH_MAX];
    size_t n = hash_len(rhash);
    if (n == 0 || n > HIP_RHASH_MAX || i.n != n || j.n != n || kij.n == 0)
        return ERR_RANGE;
    struct hip_keymat *k = sec_alloc(sizeof(*k));
    if (!k)
        return ERR_MEMORY;
    bool a_less = hit_cmp(a, b) < 0; /* RFC 7401 s6.5 MUST: as numbers, smaller first; salt #I | #J */
    k->rhash = rhash;
    memcpy(k->pair, a_less ? a->b : b->b, 16);
    memcpy(k->pair + 16, a_less ? b->b : a->b, 16);
    memcpy(salt, i.p, n);
    memcpy(salt + n, j.p, n);
    err e = hkdf_extract(rhash, span_of(salt, 2 * n), kij, k->prk);
    if (e != ERR_OK) {
        sec_free(k);
        return e;
    }
    k->exports = true;
    *out = k;
    return ERR_OK;
}

void hip_keymat_free(struct hip_keymat *k)
{
    sec_free(k);
}

/* A base exchange takes a quarter of KEYMAT or less: the rest is expanded when a rekey wants it. */
static err expand_to(struct hip_keymat *k, size_t end)
{
    size_t len = hash_len(k->rhash), blocks = end > k->made ? (end - k->made + len - 1) / len : 0;
    err e = blocks ? hkdf_more(k->rhash, span_of(k->prk, len), span_of(k->pair, sizeof(k->pair)), &k->t,
                               k->mat + k->made, blocks)
                   : ERR_OK;
    if (e == ERR_OK)
        k->made += blocks * len;
    return e;
}

err hip_keymat_expect(struct hip_keymat *k, size_t n)
{
    return n > HIP_KEYMAT_LEN - k->index ? ERR_SPACE : expand_to(k, k->index + n);
}

err hip_keymat_draw(struct hip_keymat *k, uint8_t *out, size_t n)
{
    err e = hip_keymat_expect(k, n);
    if (e != ERR_OK)
        return e;
    memcpy(out, k->mat + k->index, n);
    k->index += n;
    sec_wipe(k->mat, k->index); /* drawn or passed over: not kept twice */
    return ERR_OK;
}

size_t hip_keymat_index(const struct hip_keymat *k)
{
    return k->index;
}

err hip_keymat_seek(struct hip_keymat *k, size_t index)
{
    if (index < k->index || index > HIP_KEYMAT_LEN)
        return ERR_RANGE;
    k->index = index;
    return ERR_OK;
}

err hip_keymat_export(const struct hip_keymat *k, const char *label, uint8_t *out, size_t out_len)
{
    uint8_t info[128];
    size_t n = strlen(label);
    /* With these lengths an input to HKDF could equal one of KEYMAT's own (docs/sim-binding.md section 3). */
    if (n == 0 || n == 20 || n == 32 || n == 48 || n + sizeof(k->pair) > sizeof(info))
        return ERR_RANGE;
    if (!k->exports)
        return ERR_STATE;
    memcpy(info, label, n);
    memcpy(info + n, k->pair, sizeof(k->pair));
    return hkdf_expand(k->rhash, span_of(k->prk, hash_len(k->rhash)), span_of(info, n + sizeof(k->pair)), out,
                       out_len);
}

void hip_keymat_close(struct hip_keymat *k)
{
    k->exports = false;
}

/* RFC 7401 s6.5 MUST: gl, what the host with the greater HIT sends, is drawn first; encryption before integrity. */
static err draw_pairs(struct hip_keymat *k, size_t enc, size_t mac, const struct hit *own,
                      const struct hit *peer, struct hip_keys *out)
{
    bool greater = hit_cmp(own, peer) > 0;
    struct hip_key_pair *order[2] = { greater ? &out->out : &out->in, greater ? &out->in : &out->out };

    if (enc > sizeof(out->out.enc) || mac > sizeof(out->out.mac))
        return ERR_RANGE;
    if (2 * (enc + mac) > HIP_KEYMAT_LEN - k->index)
        return ERR_SPACE;
    for (int d = 0; d < 2; d++) {
        order[d]->enc_len = (uint8_t)enc;
        order[d]->mac_len = (uint8_t)mac;
        err e = hip_keymat_draw(k, order[d]->enc, enc);
        if (e == ERR_OK)
            e = hip_keymat_draw(k, order[d]->mac, mac);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

err hip_keymat_hip_keys(struct hip_keymat *k, uint16_t cipher, const struct hit *own, const struct hit *peer,
                        struct hip_keys *out)
{
    const struct hip_cipher_suite *s = hip_cipher_suite(cipher);
    if (!s || !s->supported)
        return ERR_UNSUPPORTED;
    return draw_pairs(k, s->key_len, hash_len(k->rhash), own, peer, out);
}

err hip_keymat_esp_keys(struct hip_keymat *k, uint16_t esp_suite, const struct hit *own,
                        const struct hit *peer, struct hip_keys *out)
{
    const struct hip_esp_suite *s = hip_esp_suite(esp_suite);
    if (!s || !s->supported)
        return ERR_UNSUPPORTED;
    return draw_pairs(k, s->enc_len, s->auth_len, own, peer, out);
}
