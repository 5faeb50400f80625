/* SPDX-License-Identifier: Apache-2.0
 *
 * ESP and BEET: first octet: suite and which half of the number space; the rest is a packet from the wire. It is opened under known keys (the
 * corpus holds packets that open), read as an IPv6 and as an IPv4 packet from the TUN and as a pseudo-header, and sealed and opened again as a payload.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/esp/beet.h"
#include "hip/esp/beet4.h"
#include "hip/esp/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By the low two bits and bits 4 and 5 of the first octet. */
static const uint16_t ids[16] = { ESP_NULL_SHA256,  ESP_AES128_CBC_SHA256, ESP_AES256_CBC_SHA256,
                                  ESP_AES128_GCM16, ESP_AES128_CCM8,       ESP_AES128_CCM16,
                                  ESP_AES128_GCM8,  ESP_AES128_CMAC96,     ESP_AES128_GMAC };

static void fill(void *ctx, void *out, size_t n)
{
    memset(out, 0x77, n);
}

static struct esp_sa *sa_new(uint16_t suite, bool outbound, uint64_t seq)
{
    uint8_t enc[32], auth[32];
    const struct esp_suite *s = esp_suite_get(suite);
    struct esp_sa *sa;
    memset(enc, 0x11, sizeof enc);
    memset(auth, 0x22, sizeof auth);
    struct esp_sa_params p = { .spi = 0x1001,
                               .suite = suite,
                               .enc = span_of(enc, s->enc_len),
                               .auth = span_of(auth, s->auth_len),
                               .outbound = outbound,
                               .seq = seq };
    if (esp_sa_new(&p, &sa))
        abort();
    return sa;
}

static void wire(struct esp_sa *in, const uint8_t *p, size_t n)
{
    struct esp_opened o;
    uint32_t spi;
    uint8_t *copy = malloc(n ? n : 1);

    if (!copy)
        abort();
    if (n)
        memcpy(copy, p, n);
    if (esp_spi(span_of(p, n), &spi) != (n >= ESP_HEAD))
        abort();
    if (!esp_open(in, copy, n, &o)) {
        if (o.payload < copy || o.payload + o.len > copy + n)
            abort();
        if (n)
            memcpy(copy, p, n);
        if (esp_open(in, copy, n, &o) != ERR_REPLAY)
            abort();
    }
    free(copy);
}

static void round_trip(struct esp_sa *out, struct esp_sa *in, const uint8_t *p, size_t n)
{
    static const struct env env = { .random = fill };
    size_t cap = esp_sealed_len(out, n), len = 0;
    uint8_t *buf = malloc(cap);
    struct esp_opened o;

    if (!buf || esp_seal(out, &env, 17, span_of(p, n), buf, cap, &len) || len != cap)
        abort();
    if (esp_open(in, buf, len, &o) || o.len != n || (n && memcmp(o.payload, p, n) != 0))
        abort();
    free(buf);
}

static void beet(const uint8_t *p, size_t n)
{
    struct beet_packet b;
    uint8_t head[BEET_HEAD];

    if (beet_parse(span_of(p, n), &b))
        return;
    if (b.payload.p != p + BEET_HEAD || b.payload.n > n - BEET_HEAD)
        abort();
    if (!beet_header(&b.src, &b.dst, b.next_header, b.tclass, b.hop_limit, b.payload.n, head))
        if (memcmp(head + 4, p + 4, BEET_HEAD - 4) != 0)
            abort();
}

/* A header that was read is written the same again, all but the reserved flag. */
static void beet4(const uint8_t *p, size_t n)
{
    struct beet4_packet b;
    uint8_t head[BEET4_HEAD + BEET4_OPTIONS_MAX];
    size_t len;

    if (beet4_parse(span_of(p, n), &b))
        return;
    if (b.payload.p + b.payload.n > p + n || b.options.n > BEET4_OPTIONS_MAX)
        abort();
    if (!beet4_header(&b, b.payload.n, head, &len))
        if (len != (size_t)(b.payload.p - p) || (!(p[6] & 0x80) && memcmp(head, p, 10) != 0) ||
            memcmp(head + 12, p + 12, len - 12) != 0)
            abort();
}

static void pseudo(const uint8_t *p, size_t n)
{
    struct beet4_pseudo b, again;
    uint8_t head[BEET4_PSEUDO_MAX];

    if (beet4_pseudo_read(span_of(p, n), &b))
        return;
    if (b.rest.p + b.rest.n != p + n || b.options.n % 4 || b.options.n > BEET4_OPTIONS_MAX)
        abort();
    if (beet4_pseudo_read(span_of(head, beet4_pseudo_write(b.protocol, b.options, head)), &again) ||
        again.protocol != b.protocol || !span_eq(again.options, b.options) || again.rest.n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    uint64_t seq;
    uint16_t suite;
    struct esp_sa *out, *in;

    if (!ready && crypto_init())
        abort();
    ready = true;
    if (size == 0 || size > ESP_PAYLOAD_MAX)
        return 0;
    suite = ids[(data[0] & 3) | (data[0] >> 2 & 0xc)];
    if (suite == 0)
        suite = ESP_NULL_SHA256;
    seq = data[0] & 4 ? UINT64_C(0xfffffffe) : 0;
    out = sa_new(suite, true, seq);
    in = sa_new(suite, false, seq);
    wire(in, data + 1, size - 1);
    esp_sa_free(in);
    in = sa_new(suite, false, seq);
    round_trip(out, in, data + 1, size - 1);
    beet(data + 1, size - 1);
    beet4(data + 1, size - 1);
    pseudo(data + 1, size - 1);
    esp_sa_free(out);
    esp_sa_free(in);
    return 0;
}
