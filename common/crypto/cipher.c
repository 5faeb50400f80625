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

static bool is_gcm(const struct cipher *c)
{
    return c->alg == CIPHER_AES128_GCM || c->alg == CIPHER_AES256_GCM;
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
    if (!c->ctx || EVP_CipherInit_ex2(c->ctx, crypto_fetched.cipher[a], key.p, NULL, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(c->ctx, 0) != 1) {
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
    if (is_gcm(c) || in.n % AES_BLOCK || in.n > INT_MAX)
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

static bool tag_len_ok(size_t n)
{
    return n == 8 || n == 12 || n == 16;
}

/* IV, associated data and text through the context; the tag is the caller's. */
static bool gcm_run(struct cipher *c, const uint8_t iv[12], struct span aad, struct span in, uint8_t *out)
{
    int n = 0;
    return EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv, c->encrypt, NULL) == 1 &&
           (aad.n == 0 || EVP_CipherUpdate(c->ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
           (in.n == 0 || EVP_CipherUpdate(c->ctx, out, &n, in.p, (int)in.n) == 1);
}

err cipher_seal(struct cipher *c, const uint8_t iv[12], struct span aad, struct span in, uint8_t *out,
                uint8_t *tag, size_t tag_len)
{
    uint8_t none[AES_BLOCK];
    int n = 0;
    if (!is_gcm(c) || !c->encrypt)
        return ERR_STATE;
    if (!tag_len_ok(tag_len) || in.n > INT_MAX || aad.n > INT_MAX)
        return ERR_RANGE;
    if (!gcm_run(c, iv, aad, in, out) || EVP_CipherFinal_ex(c->ctx, none, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, (int)tag_len, tag) != 1) {
        ERR_clear_error();
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

err cipher_open(struct cipher *c, const uint8_t iv[12], struct span aad, struct span in, uint8_t *out,
                const uint8_t *tag, size_t tag_len)
{
    uint8_t want[16], none[AES_BLOCK];
    int n = 0;
    if (!is_gcm(c) || c->encrypt)
        return ERR_STATE;
    if (!tag_len_ok(tag_len) || in.n > INT_MAX || aad.n > INT_MAX)
        return ERR_RANGE;
    memcpy(want, tag, tag_len);
    if (!gcm_run(c, iv, aad, in, out) ||
        EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_len, want) != 1 ||
        EVP_CipherFinal_ex(c->ctx, none, &n) != 1) {
        if (in.n)
            sec_wipe(out, in.n);
        ERR_clear_error();
        return ERR_AUTH;
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
