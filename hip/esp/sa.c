/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/esp/sa.h"

#include <string.h>

#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"
#include "hip/esp/sa_priv.h"

#define MANY (UINT64_C(1) << 32)
#define FEW  (UINT64_C(1) << 26) /* SP 800-38D appendix C: GCM tags of 64 bits, packets up to 2^15 octets */

/* RFC 7402 s5.1.2; alignment of RFC 4303 s2.4: four octets, or the cipher's block. */
static const struct esp_suite suites[] = {
    /* id, mode, enc, auth, salt, iv, align, icv, packets */
    { ESP_NULL_SHA256, ESP_MODE_MAC, 0, 32, 0, 0, 4, 16, MANY },
    { ESP_AES128_CBC_SHA256, ESP_MODE_MAC, 16, 32, 0, 16, 16, 16, MANY },
    { ESP_AES256_CBC_SHA256, ESP_MODE_MAC, 32, 32, 0, 16, 16, 16, MANY },
    { ESP_AES128_CCM8, ESP_MODE_AEAD, 16 + 3, 0, 3, 8, 4, 8, MANY },
    { ESP_AES128_CCM16, ESP_MODE_AEAD, 16 + 3, 0, 3, 8, 4, 16, MANY },
    { ESP_AES128_GCM8, ESP_MODE_AEAD, 16 + 4, 0, 4, 8, 4, 8, FEW },
    { ESP_AES128_GCM16, ESP_MODE_AEAD, 16 + 4, 0, 4, 8, 4, 16, MANY },
    { ESP_AES128_CMAC96, ESP_MODE_MAC, 0, 16, 0, 0, 4, 12, MANY },
    { ESP_AES128_GMAC, ESP_MODE_GMAC, 0, 16 + 4, 4, 8, 4, 16, MANY },
};

const struct esp_suite *esp_suite_get(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

static enum cipher_alg cipher_of(uint16_t suite)
{
    switch (suite) {
    case ESP_AES128_CBC_SHA256:
        return CIPHER_AES128_CBC;
    case ESP_AES256_CBC_SHA256:
        return CIPHER_AES256_CBC;
    case ESP_AES128_CCM8:
        return CIPHER_AES128_CCM8;
    case ESP_AES128_CCM16:
        return CIPHER_AES128_CCM16;
    default: /* GCM and GMAC */
        return CIPHER_AES128_GCM;
    }
}

static err take_keys(struct esp_sa *sa, const struct esp_sa_params *p)
{
    const struct esp_suite *s = sa->suite;
    struct span enc = s->mode == ESP_MODE_GMAC ? p->auth : p->enc; /* what goes to the cipher */
    bool cipher = enc.n > 0, mac = s->mode == ESP_MODE_MAC;

    if (cipher) {
        enc.n -= s->salt_len;
        sa->cipher = cipher_new(cipher_of(s->id), p->outbound || s->mode == ESP_MODE_GMAC, enc);
        memcpy(sa->salt, enc.p + enc.n, s->salt_len);
    }
    if (mac)
        sa->mac = s->id == ESP_AES128_CMAC96 ? mac_cmac_new(p->auth) : mac_new(HASH_SHA256, p->auth);
    return (cipher && !sa->cipher) || (mac && !sa->mac) ? ERR_MEMORY : ERR_OK;
}

err esp_sa_new(const struct esp_sa_params *p, struct esp_sa **out)
{
    const struct esp_suite *suite = esp_suite_get(p->suite);
    struct esp_sa *sa;
    err e;

    if (!suite)
        return ERR_UNSUPPORTED;
    if (p->enc.n != suite->enc_len || p->auth.n != suite->auth_len)
        return ERR_RANGE;
    sa = sec_alloc(sizeof *sa);
    if (!sa)
        return ERR_MEMORY;
    sa->suite = suite;
    sa->spi = p->spi;
    sa->outbound = p->outbound;
    sa->short_seq = p->short_seq;
    sa->sent = p->seq;
    esp_replay_init(&sa->window, p->seq);
    e = take_keys(sa, p);
    if (e) {
        esp_sa_free(sa);
        return e;
    }
    *out = sa;
    return ERR_OK;
}

void esp_sa_free(struct esp_sa *sa)
{
    if (!sa)
        return;
    cipher_free(sa->cipher);
    mac_free(sa->mac);
    sec_free(sa);
}

uint32_t esp_sa_spi(const struct esp_sa *sa)
{
    return sa->spi;
}

const struct esp_suite *esp_sa_suite(const struct esp_sa *sa)
{
    return sa->suite;
}

uint64_t esp_sa_seq(const struct esp_sa *sa)
{
    return sa->outbound ? sa->sent : sa->window.top;
}

bool esp_sa_used_up(const struct esp_sa *sa)
{
    const struct esp_counters *c = &sa->count;

    return c->packets + c->bad_icv >= sa->suite->packets_max || c->octets >= ESP_OCTETS_MAX;
}

const struct esp_counters *esp_sa_counters(const struct esp_sa *sa)
{
    return &sa->count;
}
