/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/cipher.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "common/crypto/fetched.h"
#include "common/crypto/secret.h"

_Static_assert(BOX_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "libsodium's key length");
_Static_assert(BOX_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "libsodium's nonce length");
_Static_assert(BOX_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "libsodium's tag length");

struct cipher {
    EVP_CIPHER_CTX *ctx;
    enum cipher_alg alg;
    bool encrypt;
};

size_t cipher_key_len(enum cipher_alg a)
{
    return a == CIPHER_AES256_CBC || a == CIPHER_AES256_GCM ? 32 : 16;
}

/* Of CCM; 0: not CCM. */
static int ccm_tag_len(enum cipher_alg a)
{
    return a == CIPHER_AES128_CCM8 ? 8 : a == CIPHER_AES128_CCM16 ? 16 : 0;
}

static bool is_aead(const struct cipher *c)
{
    return c->alg == CIPHER_AES128_GCM || c->alg == CIPHER_AES256_GCM || ccm_tag_len(c->alg);
}

/* CCM's lengths have to be there when the key comes. */
static bool key_it(struct cipher *c, const uint8_t *key)
{
    int tag = ccm_tag_len(c->alg);
    return EVP_CipherInit_ex2(c->ctx, crypto_fetched.cipher[c->alg], NULL, NULL, c->encrypt, NULL) == 1 &&
           (!tag || (EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_IVLEN, CIPHER_CCM_IV, NULL) == 1 &&
                     EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, tag, NULL) == 1)) &&
           EVP_CipherInit_ex2(c->ctx, NULL, key, NULL, c->encrypt, NULL) == 1 &&
           EVP_CIPHER_CTX_set_padding(c->ctx, 0) == 1;
}

struct cipher *cipher_new(enum cipher_alg a, bool encrypt, struct span key)
{
    if ((unsigned)a >= CIPHER__COUNT || key.n != cipher_key_len(a) || !crypto_fetched.cipher[a])
        return NULL;
    struct cipher *c = OPENSSL_zalloc(sizeof *c);
    if (!c)
        return NULL;
    c->alg = a;
    c->encrypt = encrypt;
    c->ctx = EVP_CIPHER_CTX_new();
    if (!c->ctx || !key_it(c, key.p)) {
        cipher_free(c);
        ERR_clear_error();
        return NULL;
    }
    return c;
}

void cipher_free(struct cipher *c)
{
    if (!c)
        return;
    EVP_CIPHER_CTX_free(c->ctx); /* wipes the key schedule */
    OPENSSL_free(c);
}

err cipher_blocks(struct cipher *c, const uint8_t *iv, struct span in, uint8_t *out)
{
    int n = 0, tail = 0;
    if (is_aead(c) || (c->alg != CIPHER_AES128_CTR && in.n % AES_BLOCK) || in.n > INT_MAX)
        return ERR_RANGE;
    if (in.n == 0)
        return ERR_OK;
    if (c->alg == CIPHER_AES128_ECB)
        iv = NULL;
    if (EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv, c->encrypt, NULL) != 1 ||
        EVP_CipherUpdate(c->ctx, out, &n, in.p, (int)in.n) != 1 ||
        EVP_CipherFinal_ex(c->ctx, out + n, &tail) != 1 || (size_t)n + (size_t)tail != in.n) {
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

static bool tag_len_ok(const struct cipher *c, size_t n)
{
    int ccm = ccm_tag_len(c->alg);
    return ccm ? n == (size_t)ccm : n == 8 || n == 12 || n == 16;
}

/* IV, associated data and text through the context; the tag is the caller's. */
static bool aead_run(struct cipher *c, const uint8_t *iv, struct span aad, struct span in, uint8_t *out)
{
    static const uint8_t none;
    uint8_t nowhere;
    int n = 0;
    if (ccm_tag_len(
            c->alg)) /* the text's length first; the text even if there is none, in one piece; a wrong tag shows here */
        return EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv, c->encrypt, NULL) == 1 &&
               EVP_CipherUpdate(c->ctx, NULL, &n, NULL, (int)in.n) == 1 &&
               (aad.n == 0 || EVP_CipherUpdate(c->ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
               EVP_CipherUpdate(c->ctx, in.n ? out : &nowhere, &n, in.n ? in.p : &none, (int)in.n) == 1;
    return EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv, c->encrypt, NULL) == 1 &&
           (aad.n == 0 || EVP_CipherUpdate(c->ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
           (in.n == 0 || EVP_CipherUpdate(c->ctx, out, &n, in.p, (int)in.n) == 1);
}

err cipher_seal(struct cipher *c, const uint8_t *iv, struct span aad, struct span in, uint8_t *out,
                uint8_t *tag, size_t tag_len)
{
    uint8_t none[AES_BLOCK];
    int n = 0;
    if (!is_aead(c) || !c->encrypt)
        return ERR_STATE;
    if (!tag_len_ok(c, tag_len) || in.n > INT_MAX || aad.n > INT_MAX)
        return ERR_RANGE;
    if (!aead_run(c, iv, aad, in, out) || EVP_CipherFinal_ex(c->ctx, none, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, (int)tag_len, tag) != 1) {
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

err cipher_open(struct cipher *c, const uint8_t *iv, struct span aad, struct span in, uint8_t *out,
                const uint8_t *tag, size_t tag_len)
{
    uint8_t want[16], none[AES_BLOCK];
    int n = 0;
    if (!is_aead(c) || c->encrypt)
        return ERR_STATE;
    if (!tag_len_ok(c, tag_len) || in.n > INT_MAX || aad.n > INT_MAX)
        return ERR_RANGE;
    memcpy(want, tag, tag_len);
    if (EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, want) != 1 ||
        !aead_run(c, iv, aad, in, out) || EVP_CipherFinal_ex(c->ctx, none, &n) != 1) {
        if (in.n)
            sec_wipe(out, in.n);
        ERR_clear_error();
        return ERR_AUTH;
    }
    return ERR_OK;
}

err cipher_gmac(struct cipher *c, const uint8_t *iv, const struct span *in, size_t n, uint8_t *tag)
{
    uint8_t none[AES_BLOCK];
    int len = 0;
    bool good;

    if (c->alg != CIPHER_AES128_GCM || !c->encrypt)
        return ERR_STATE;
    good = EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv, 1, NULL) == 1;
    for (size_t i = 0; good && i < n; i++)
        good = in[i].n <= INT_MAX &&
               (in[i].n == 0 || EVP_CipherUpdate(c->ctx, NULL, &len, in[i].p, (int)in[i].n) == 1);
    if (!good || EVP_CipherFinal_ex(c->ctx, none, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, AES_BLOCK, tag) != 1) {
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

err box_seal(const uint8_t key[BOX_KEY], const uint8_t nonce[BOX_NONCE], struct span aad, struct span in,
             uint8_t *out)
{
    unsigned long long n = 0;
    if (crypto_aead_xchacha20poly1305_ietf_encrypt(out, &n, in.p, in.n, aad.p, aad.n, NULL, nonce, key) !=
            0 ||
        n != in.n + BOX_TAG)
        return ERR_CRYPTO;
    return ERR_OK;
}

err box_open(const uint8_t key[BOX_KEY], const uint8_t nonce[BOX_NONCE], struct span aad, struct span in,
             uint8_t *out)
{
    unsigned long long n = 0;
    if (in.n < BOX_TAG)
        return ERR_AUTH;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &n, NULL, in.p, in.n, aad.p, aad.n, nonce, key) != 0)
        return ERR_AUTH;
    return n == in.n - BOX_TAG ? ERR_OK : ERR_CRYPTO;
}
