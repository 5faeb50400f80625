/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/esp/seal.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/secret.h"
#include "hip/esp/sa_priv.h"

static void put32(uint8_t *p, uint32_t v)
{
    struct wcur w = wcur_of(p, 4);
    wcur_u32(&w, v);
}

static uint32_t get32(const uint8_t *p)
{
    struct rcur r = rcur_of(span_of(p, 4));
    return rcur_u32(&r);
}

size_t esp_head_len(const struct esp_sa *sa)
{
    return (size_t)ESP_HEAD + sa->suite->iv_len;
}

static size_t padded_len(const struct esp_sa *sa, size_t payload_len)
{
    size_t a = sa->suite->align;
    return (payload_len + ESP_TRAILER + a - 1) / a * a;
}

size_t esp_sealed_len(const struct esp_sa *sa, size_t payload_len)
{
    return esp_head_len(sa) + padded_len(sa, payload_len) + sa->suite->icv_len;
}

size_t esp_payload_max(const struct esp_sa *sa, size_t packet_len)
{
    size_t around = esp_head_len(sa) + sa->suite->icv_len, body;

    if (packet_len < around)
        return 0;
    body = (packet_len - around) / sa->suite->align * sa->suite->align;
    return body < ESP_TRAILER ? 0 : body - ESP_TRAILER;
}

bool esp_spi(struct span packet, uint32_t *spi)
{
    if (packet.n < ESP_HEAD)
        return false;
    *spi = get32(packet.p);
    return true;
}

/* Salt and IV (RFC 4106 s4, RFC 4309 s4, RFC 4543 s3.2). */
static void nonce_of(const struct esp_sa *sa, const uint8_t *iv, uint8_t nonce[12])
{
    memcpy(nonce, sa->salt, sa->suite->salt_len);
    memcpy(nonce + sa->suite->salt_len, iv, sa->suite->iv_len);
}

/* SPI and whole sequence number (RFC 4106 s5, RFC 4309 s5, RFC 4543 s3.3). */
static struct span aad_of(const struct esp_sa *sa, uint64_t seq, uint8_t aad[12])
{
    struct wcur w = wcur_of(aad, 12);

    wcur_u32(&w, sa->spi);
    if (sa->short_seq)
        wcur_u32(&w, (uint32_t)seq);
    else
        wcur_u64(&w, seq);
    return wcur_done(&w);
}

/* The ICV where there is no AEAD, of the n octets before it. A MAC: all of them, then the high half (RFC 4303 s2.8, s3.3.2.1). GMAC: the high half
 * between SPI and low half, and all from the IV on: RFC 4543 s3.3 does not say whether the IV is in; draft-mcgrew-gcm-test-01 s3 does. */
static err icv_of(struct esp_sa *sa, const uint8_t *packet, size_t n, uint64_t seq, uint8_t icv[HASH_LEN_MAX])
{
    uint8_t head[12], nonce[12];
    struct span in[2];

    if (sa->suite->mode == ESP_MODE_GMAC) {
        nonce_of(sa, packet + ESP_HEAD, nonce);
        in[0] = aad_of(sa, seq, head);
        in[1] = span_of(packet + ESP_HEAD, n - ESP_HEAD);
        return cipher_gmac(sa->cipher, nonce, in, 2, icv);
    }
    put32(head, (uint32_t)(seq >> 32));
    in[0] = span_of(packet, n);
    in[1] = span_of(head, 4);
    return mac_spans(sa->mac, in, sa->short_seq ? 1 : 2, icv);
}

static bool encrypts_blocks(const struct esp_sa *sa)
{
    return sa->suite->mode == ESP_MODE_MAC && sa->cipher;
}

static err protect(struct esp_sa *sa, uint64_t seq, uint8_t *out, size_t body)
{
    uint8_t *iv = out + ESP_HEAD, *p = iv + sa->suite->iv_len, icv[HASH_LEN_MAX], nonce[12], aad[12];
    err e = ERR_OK;

    if (sa->suite->mode == ESP_MODE_AEAD) {
        nonce_of(sa, iv, nonce);
        return cipher_seal(sa->cipher, nonce, aad_of(sa, seq, aad), span_of(p, body), p, p + body,
                           sa->suite->icv_len);
    }
    if (encrypts_blocks(sa))
        e = cipher_blocks(sa->cipher, iv, span_of(p, body), p);
    if (!e)
        e = icv_of(sa, out, (size_t)(p - out) + body, seq, icv);
    if (!e)
        memcpy(p + body, icv, sa->suite->icv_len);
    return e;
}

err esp_seal_iv(struct esp_sa *sa, const uint8_t *iv, uint8_t next_header, struct span payload, uint8_t *out,
                size_t cap, size_t *out_len)
{
    size_t head = esp_head_len(sa), body = padded_len(sa, payload.n);
    size_t pad = body - ESP_TRAILER - payload.n;
    uint64_t seq = sa->sent + 1;
    uint8_t *p = out + head;
    err e;

    if (!sa->outbound || sa->sent >= (sa->short_seq ? UINT32_MAX : UINT64_MAX))
        return ERR_STATE; /* RFC 7402 s3.3.6 MUST: numbers never come again under one key */
    if (esp_sa_used_up(sa))
        return ERR_FULL;
    if (payload.n > ESP_PAYLOAD_MAX)
        return ERR_RANGE;
    if (cap < esp_sealed_len(sa, payload.n))
        return ERR_SPACE;
    if (payload.n)
        memmove(p, payload.p, payload.n);
    put32(out, sa->spi);
    put32(out + 4, (uint32_t)seq);
    if (sa->suite->iv_len)
        memcpy(out + ESP_HEAD, iv, sa->suite->iv_len);
    for (size_t i = 0; i < pad; i++)
        p[payload.n + i] = (uint8_t)(i + 1); /* RFC 4303 s2.4: 1, 2, 3 ... */
    p[body - 2] = (uint8_t)pad;
    p[body - 1] = next_header;
    /* A number once used with an IV is spent, whatever follows. */
    sa->sent = seq;
    e = protect(sa, seq, out, body);
    if (e)
        return e;
    sa->count.packets++;
    sa->count.octets += payload.n;
    *out_len = head + body + sa->suite->icv_len;
    return ERR_OK;
}

err esp_seal(struct esp_sa *sa, const struct env *env, uint8_t next_header, struct span payload, uint8_t *out,
             size_t cap, size_t *out_len)
{
    uint8_t iv[ESP_IV_MAX];

    if (sa->suite->mode !=
        ESP_MODE_MAC) { /* unique under its key is enough: RFC 4106 s3.1, RFC 4309 s3.1, RFC 4543 s3.1 */
        struct wcur w = wcur_of(iv, 8);
        wcur_u64(&w, sa->sent + 1);
    } else if (sa->suite->iv_len) {
        env_draw(env, "esp_iv", iv, sa->suite->iv_len); /* unpredictable, RFC 3602 s3 */
    }
    return esp_seal_iv(sa, iv, next_header, payload, out, cap, out_len);
}

/* Authenticates and decrypts body octets at p. */
static err unprotect(struct esp_sa *sa, uint64_t seq, uint8_t *packet, size_t body)
{
    uint8_t *iv = packet + ESP_HEAD, *p = iv + sa->suite->iv_len, icv[HASH_LEN_MAX], nonce[12], aad[12];
    err e;

    if (sa->suite->mode == ESP_MODE_AEAD) {
        nonce_of(sa, iv, nonce);
        return cipher_open(sa->cipher, nonce, aad_of(sa, seq, aad), span_of(p, body), p, p + body,
                           sa->suite->icv_len);
    }
    e = icv_of(sa, packet, (size_t)(p - packet) + body, seq, icv);
    if (e)
        return e;
    if (!sec_equal(icv, p + body, sa->suite->icv_len))
        return ERR_AUTH;
    return encrypts_blocks(sa) ? cipher_blocks(sa->cipher, iv, span_of(p, body), p) : ERR_OK;
}

/* Padding and trailer of an authentic packet (RFC 4303 s2.4, s3.4.4.1: the padding's contents are checked as well). */
static err strip(uint8_t *p, size_t body, struct esp_opened *o)
{
    size_t pad = p[body - 2];

    if (pad > body - ESP_TRAILER)
        return ERR_MALFORMED;
    o->payload = p;
    o->len = body - ESP_TRAILER - pad;
    o->next_header = p[body - 1];
    for (size_t i = 0; i < pad; i++)
        if (p[o->len + i] != (uint8_t)(i + 1))
            return ERR_MALFORMED;
    return ERR_OK;
}

static err open_checked(struct esp_sa *sa, uint8_t *packet, size_t len, struct esp_opened *o)
{
    size_t head = esp_head_len(sa), body;
    err e;

    if (len < head + ESP_TRAILER + sa->suite->icv_len)
        return ERR_TRUNCATED;
    body = len - head - sa->suite->icv_len;
    if (body % sa->suite->align)
        return ERR_MALFORMED;
    if (get32(packet) != sa->spi)
        return ERR_NOT_FOUND;
    e = esp_replay_infer(&sa->window, get32(packet + 4), &o->seq);
    if (e)
        return e;
    if (sa->short_seq)
        o->seq = (uint32_t)o->seq;
    e = esp_replay_check(&sa->window, o->seq);
    if (e)
        return e;
    e = unprotect(sa, o->seq, packet, body);
    if (e)
        return e;
    esp_replay_mark(&sa->window, o->seq);
    return strip(packet + head, body, o);
}

err esp_open(struct esp_sa *sa, uint8_t *packet, size_t len, struct esp_opened *out)
{
    struct esp_opened o = { 0 };
    err e;

    if (sa->outbound)
        return ERR_STATE;
    e = open_checked(sa, packet, len, &o);
    if (e == ERR_REPLAY)
        sa->count.replayed++;
    else if (e == ERR_AUTH)
        sa->count.bad_icv++;
    else if (e)
        sa->count.malformed++;
    if (e)
        return e;
    sa->count.packets++;
    sa->count.octets += o.len;
    *out = o;
    return ERR_OK;
}
