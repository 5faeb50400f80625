/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/pseudonym.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/base/hex.h"
#include "common/crypto/cipher.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define LABEL    "hipfa pseudonym"
#define BCD_LEN  ((size_t)8)
#define FILLER   0x0f
#define BOX_LEN  (BOX_NONCE + BCD_LEN + BOX_TAG)
#define BODY_LEN (1 + BOX_LEN)

static err key_of(const struct pseudonym_keys *k, uint64_t period, uint8_t key[BOX_KEY])
{
    uint8_t info[sizeof LABEL - 1 + 8];
    struct wcur w = wcur_of(info, sizeof info);
    wcur_put(&w, LABEL, sizeof LABEL - 1);
    wcur_u64(&w, period);
    return hkdf_expand(HASH_SHA256, span_of(k->master, sizeof k->master), wcur_done(&w), key, BOX_KEY);
}

/* The first character is bound too: a pseudonym of AKA' is not one of AKA. */
static struct span aad_of(const uint8_t *lead)
{
    return span_of(lead, 1);
}

static void bcd_write(const char *imsi, uint8_t out[BCD_LEN])
{
    size_t n = strlen(imsi);
    for (size_t i = 0; i < 2 * BCD_LEN; i++) {
        uint8_t d = i < n ? (uint8_t)(imsi[i] - '0') : FILLER;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | d : d << 4);
    }
}

static err bcd_read(const uint8_t in[BCD_LEN], char imsi[IMSI_MAX + 1])
{
    char text[2 * BCD_LEN + 1];
    size_t n = 0;
    for (size_t i = 0; i < 2 * BCD_LEN; i++) {
        uint8_t d = i % 2 ? in[i / 2] & 0x0f : in[i / 2] >> 4;
        if (d != FILLER)
            text[n++] = (char)('0' + d);
    }
    text[n] = '\0';
    if (!imsi_valid(text))
        return ERR_MALFORMED;
    memcpy(imsi, text, n + 1);
    return ERR_OK;
}

err pseudonym_make(const struct pseudonym_keys *k, const struct env *env, uint8_t lead, const char *imsi,
                   uint64_t wall_s, char out[PSEUDONYM_LEN + 1])
{
    uint64_t period = wall_s / k->period_s;
    uint8_t body[BODY_LEN], bcd[BCD_LEN], key[BOX_KEY];
    if (!imsi_valid(imsi))
        return ERR_RANGE;
    err e = key_of(k, period, key);
    bcd_write(imsi, bcd);
    body[0] = (uint8_t)period;
    env_draw(env, "pseudonym", body + 1, BOX_NONCE);
    if (e == ERR_OK)
        e = box_seal(key, body + 1, aad_of(&lead), span_of(bcd, sizeof bcd), body + 1 + BOX_NONCE);
    if (e == ERR_OK) {
        out[0] = (char)lead;
        hex_encode(span_of(body, sizeof body), out + 1);
    }
    sec_wipe(key, sizeof key);
    sec_wipe(bcd, sizeof bcd);
    return e;
}

/* The period of an indicator: the latest one that is not in the future. */
static err period_of(const struct pseudonym_keys *k, uint8_t indicator, uint64_t wall_s, uint64_t *out)
{
    uint64_t now = wall_s / k->period_s;
    uint8_t age = (uint8_t)((uint8_t)now - indicator);
    if (age > k->periods || age > now)
        return ERR_AUTH;
    *out = now - age;
    return ERR_OK;
}

err pseudonym_open(const struct pseudonym_keys *k, struct span user, uint64_t wall_s, char imsi[IMSI_MAX + 1])
{
    uint8_t body[BODY_LEN], bcd[BCD_LEN], key[BOX_KEY];
    size_t n = 0;
    uint64_t period;
    if (user.n != PSEUDONYM_LEN ||
        hex_decode((const char *)user.p + 1, user.n - 1, body, sizeof body, &n) != ERR_OK || n != sizeof body)
        return ERR_MALFORMED;
    err e = period_of(k, body[0], wall_s, &period);
    if (e == ERR_OK)
        e = key_of(k, period, key);
    if (e == ERR_OK)
        e = box_open(key, body + 1, aad_of(user.p), span_of(body + 1 + BOX_NONCE, BCD_LEN + BOX_TAG), bcd);
    if (e == ERR_OK)
        e = bcd_read(bcd, imsi);
    sec_wipe(key, sizeof key);
    sec_wipe(bcd, sizeof bcd);
    return e;
}
