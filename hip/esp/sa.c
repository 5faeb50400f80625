/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/esp/sa.h"

#include <string.h>

#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"
#include "hip/esp/sa_priv.h"

/* RFC 7402 s5.1.2; alignment of RFC 4303 s2.4: four octets, or the cipher's block. */
static const struct esp_suite suites[] = {
    { .id = ESP_NULL_SHA256, .enc_len = 0, .auth_len = 32, .iv_len = 0, .align = 4, .icv_len = 16 },
    { .id = ESP_AES128_CBC_SHA256, .enc_len = 16, .auth_len = 32, .iv_len = 16, .align = 16, .icv_len = 16 },
    { .id = ESP_AES256_CBC_SHA256, .enc_len = 32, .auth_len = 32, .iv_len = 16, .align = 16, .icv_len = 16 },
    { .id = ESP_AES128_GCM16, .enc_len = 20, .auth_len = 0, .iv_len = 8, .align = 4, .icv_len = 16 },
};

const struct esp_suite *esp_suite_get(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

static err take_keys(struct esp_sa *sa, const struct esp_sa_params *p)
{
    switch (sa->suite->id) {
    case ESP_AES128_CBC_SHA256:
        sa->cipher = cipher_new(CIPHER_AES128_CBC, p->outbound, p->enc);
        break;
    case ESP_AES256_CBC_SHA256:
        sa->cipher = cipher_new(CIPHER_AES256_CBC, p->outbound, p->enc);
        break;
    case ESP_AES128_GCM16: /* RFC 4106 s8.1: the salt is the end of the keying material */
        sa->cipher = cipher_new(CIPHER_AES128_GCM, p->outbound, span_of(p->enc.p, 16));
        memcpy(sa->salt, p->enc.p + 16, sizeof sa->salt);
        break;
    default:
        break;
    }
    if (sa->suite->auth_len)
        sa->mac = mac_new(HASH_SHA256, p->auth);
    if ((sa->suite->enc_len && !sa->cipher) || (sa->suite->auth_len && !sa->mac))
        return ERR_MEMORY;
    return ERR_OK;
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

const struct esp_counters *esp_sa_counters(const struct esp_sa *sa)
{
    return &sa->count;
}
