/* SPDX-License-Identifier: Apache-2.0
 * ESP packets of the HIP suites, and the published ones of other makers. */
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/vec.h"
#include "common/base/addr.h"
#include "common/crypto/cipher.h"
#include "hip/esp/beet4.h"
#include "hip/esp/seal.h"

static uint64_t number(struct span s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

static uint64_t seq_of(struct vec_case *c)
{
    return number(vec_hex_or_none(c, "seq_hi")) << 32 | (uint32_t)number(vec_hex_n(c, "seq", 4));
}

/* A key as it is drawn, with its salt behind it: of the encryption key, or of GMAC's authentication key. */
static struct span key_of(struct vec_case *c, const char *name, bool salted)
{
    return vec_join(c, (struct span[]){ vec_hex_or_none(c, name), vec_hex_or_none(c, "salt") },
                    salted ? 2 : 1);
}

static struct esp_sa *sa_of(struct vec_case *c, uint16_t suite, bool outbound)
{
    struct esp_sa *sa = NULL;
    bool gmac = suite == ESP_AES128_GMAC;
    struct esp_sa_params p = {
        .spi = (uint32_t)number(vec_hex_n(c, "spi", 4)),
        .suite = suite,
        .enc = key_of(c, "encr_key", !gmac),
        .auth = key_of(c, "auth_key", gmac),
        .outbound = outbound,
        .short_seq = !vec_true(c, "esn"),
        .seq = seq_of(c) - 1,
    };
    if (vec_going(c))
        (void)vec_step(c, "keys", esp_sa_new(&p, &sa));
    return sa;
}

/* Takes IPv4 options off, whose pseudo-header must be the one that RFC 7402 B.1.7 asks for. */
static void without_options(struct vec_case *c, struct span *plain, uint8_t *nh)
{
    uint8_t again[BEET4_PSEUDO_MAX];
    struct beet4_pseudo p;

    if (vec_step(c, "pseudo-header", beet4_pseudo_read(*plain, &p))) {
        size_t n = beet4_pseudo_write(p.protocol, p.options, again);
        vec_agree(c, "pseudo-header", span_of(again, n), span_sub(*plain, 0, plain->n - p.rest.n));
        *plain = p.rest;
        *nh = p.protocol;
    }
}

/* Checksums inside are over the HITs (RFC 7401 s4.5.1). */
static void inner_checksum(struct vec_case *c, struct span plain, uint8_t nh)
{
    if (nh == BEET4_NH_PSEUDO)
        without_options(c, &plain, &nh);
    size_t at = nh == 17 ? 6 : nh == 6 ? 16 : nh == 58 ? 2 : 0;
    if (at == 0 || !vec_has(c, "hit_src") || plain.n < at + 2)
        return;
    uint64_t sum = plain.n + nh;
    struct span in[3] = { vec_hex_n(c, "hit_src", 16), vec_hex_n(c, "hit_dst", 16), plain };
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < in[i].n; j++)
            sum += (uint64_t)in[i].p[j] << (j & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    uint8_t got[2] = { (uint8_t)(sum >> 8), (uint8_t)sum }, want[2] = { 0xff, 0xff };
    vec_agree(c, "checksum inside, over hit_src and hit_dst", span_of(want, 2), span_of(got, 2));
}

static bool standard_pad(struct span pad)
{
    for (size_t i = 0; i < pad.n; i++)
        if (pad.p[i] != i + 1)
            return false;
    return true;
}

/* packet: the opened one, decrypted in place. */
static void opened(struct vec_case *c, const struct esp_suite *s, const struct esp_opened *o,
                   struct span packet)
{
    struct span esp = vec_hex(c, "esp"), pad = vec_hex_or_none(c, "pad");
    uint8_t trailer[2] = { (uint8_t)pad.n, (uint8_t)vec_int(c, "next_header") };
    size_t end = (size_t)(o->payload + o->len - packet.p);
    vec_same(c, "plaintext", span_of(o->payload, o->len));
    vec_same_int(c, "next_header", o->next_header);
    vec_agree(c, "seq", vec_hex_n(c, "seq", 4), span_sub(esp, 4, 4));
    (void)vec_step(c, "seq and seq_hi", o->seq == seq_of(c) ? ERR_OK : ERR_RANGE);
    vec_agree(c, "iv", vec_hex_or_none(c, "iv"), span_sub(esp, ESP_HEAD, s->iv_len));
    vec_same(c, "icv", span_sub(esp, esp.n - s->icv_len, s->icv_len));
    vec_agree(c, "pad", pad, span_sub(packet, end, pad.n));
    vec_agree(c, "pad length and next header", span_of(trailer, 2), span_sub(packet, end + pad.n, 2));
    inner_checksum(c, span_of(o->payload, o->len), o->next_header);
}

static void again(struct vec_case *c, const struct esp_suite *s, struct span esp)
{
    struct span plain = vec_hex(c, "plaintext"), iv = vec_hex_n(c, "iv", s->iv_len);
    size_t n = 0;
    uint8_t *out = vec_alloc(c, plain.n + ESP_OVERHEAD);
    struct esp_sa *sa = sa_of(c, s->id, true);
    if (sa && vec_step(c, "esp",
                       esp_seal_iv(sa, iv.p, (uint8_t)vec_int(c, "next_header"), plain, out,
                                   plain.n + ESP_OVERHEAD, &n)))
        vec_agree(c, "esp", esp, span_of(out, n));
    esp_sa_free(sa);
}

static void run_suite(struct vec_case *c, uint16_t suite)
{
    const struct esp_suite *s = esp_suite_get(suite);
    struct span esp = vec_hex(c, "esp");
    struct esp_opened o;
    if (!s) {
        vec_skip(c, "ESP suite %u", suite);
        return;
    }
    struct esp_sa *sa = vec_going(c) ? sa_of(c, suite, false) : NULL;
    if (!sa)
        return;
    uint8_t *copy = vec_alloc(c, esp.n);
    memcpy(copy, esp.p, esp.n);
    err e = esp_open(sa, copy, esp.n, &o);
    vec_verdict(c, e == ERR_OK);
    if (e == ERR_OK && vec_going(c)) {
        opened(c, s, &o, span_of(copy, esp.n));
        if (vec_going(c) && standard_pad(vec_hex_or_none(c, "pad")))
            again(c, s, esp);
    }
    esp_sa_free(sa);
}

static void esp(struct vec_case *c)
{
    int64_t suite = vec_int(c, "suite");
    if (vec_has(c, "hip_esp_suite"))
        vec_same_int(c, "hip_esp_suite", suite);
    if (vec_going(c))
        run_suite(c, (uint16_t)suite);
}

/* Keys of 256 bits are no HIP suite: the AEAD alone, nonce = salt | IV, AAD = SPI | sequence number (RFC 4106 s4, s5). */
static void gcm_256(struct vec_case *c)
{
    struct span esp = vec_hex(c, "esp"), iv = vec_hex_n(c, "iv", 8), pad = vec_hex_or_none(c, "pad");
    struct span nonce = vec_join(c, (struct span[]){ vec_hex_n(c, "salt", 4), iv }, 2);
    struct span spi = vec_hex_n(c, "spi", 4), seq = vec_hex_n(c, "seq", 4);
    struct span hi = vec_true(c, "esn") ? vec_hex_n(c, "seq_hi", 4) : span_of(NULL, 0);
    struct span aad = vec_join(c, (struct span[]){ spi, hi, seq }, 3);
    uint8_t trailer[2] = { (uint8_t)pad.n, (uint8_t)vec_int(c, "next_header") }, tag[16];
    struct span in = vec_join(c, (struct span[]){ vec_hex(c, "plaintext"), pad, span_of(trailer, 2) }, 3);
    struct cipher *k = cipher_new(CIPHER_AES256_GCM, true, vec_hex_n(c, "encr_key", 32));
    uint8_t *out = vec_alloc(c, in.n);
    if (vec_step(c, "esp", k ? cipher_seal(k, nonce.p, aad, in, out, tag, 16) : ERR_MEMORY)) {
        struct span made =
            vec_join(c, (struct span[]){ spi, seq, iv, span_of(out, in.n), span_of(tag, 16) }, 5);
        vec_same(c, "icv", span_of(tag, 16));
        if (c->valid)
            vec_agree(c, "esp", esp, made);
        else
            vec_verdict(c, span_eq(esp, made));
    }
    cipher_free(k);
}

static void esp_gcm(struct vec_case *c)
{
    int64_t bits = vec_has(c, "aes_bits") ? vec_int(c, "aes_bits") : 128;
    if (bits == 128)
        run_suite(c, ESP_AES128_GCM16);
    else if (bits == 256)
        gcm_256(c);
    else
        vec_skip(c, "AES-%lld-GCM", (long long)bits);
}

static void esp_cbc(struct vec_case *c)
{
    struct span pad = vec_hex_or_none(c, "pad"), iv = vec_hex_n(c, "iv", 16), key = vec_hex(c, "encr_key");
    uint8_t trailer[2] = { (uint8_t)pad.n, (uint8_t)vec_int(c, "next_header") };
    struct span in = vec_join(c, (struct span[]){ vec_hex(c, "plaintext"), pad, span_of(trailer, 2) }, 3);
    if (vec_going(c) && key.n != 16 && key.n != 32)
        vec_skip(c, "AES-%zu-CBC", key.n * 8);
    if (!vec_going(c))
        return;
    struct cipher *k = cipher_new(key.n == 16 ? CIPHER_AES128_CBC : CIPHER_AES256_CBC, true, key);
    uint8_t *out = vec_alloc(c, in.n);
    if (vec_step(c, "esp", k ? cipher_blocks(k, iv.p, in, out) : ERR_MEMORY))
        vec_same(c, "esp",
                 vec_join(c,
                          (struct span[]){ vec_hex_n(c, "spi", 4), vec_hex_n(c, "seq", 4), iv,
                                           span_of(out, in.n) },
                          4));
    cipher_free(k);
}

const struct vec_family family_esp[] = {
    { "EspTest", esp, "RFC 7402 s3, s5.1.2; RFC 4303 s2, s3", NULL, true },
    { "EspGcmTest", esp_gcm, "RFC 4106 s3-s5", NULL, true },
    { "EspCbcTest", esp_cbc, "RFC 3602 s4", NULL },
    { 0 },
};
