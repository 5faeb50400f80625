/* SPDX-License-Identifier: Apache-2.0
 *
 * A security association of one direction: SPI, suite, keys, sequence number, and for an inbound one the anti-replay
 * window. RFC 7402 s3, s5.1.2; extended sequence numbers always (s3.3.6).
 *
 * A SA lies in locked memory and holds the salt; the keys themselves live in the contexts of common/crypto. Nothing is
 * allocated for a packet. One thread at a time.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"
#include "hip/esp/replay.h"

/* ESP transform ids (RFC 7402 s5.1.2). CCM, GCM, CMAC and GMAC have keys of 128 bits: the registry names no length, and GCM has been 128 here from
 * the beginning. 7, 14 and 15 only authenticate: hip/esp takes them, negotiation only where local policy does (s3.3.5). */
enum esp_suite_id {
    ESP_NULL_SHA256 = 7,
    ESP_AES128_CBC_SHA256 = 8,
    ESP_AES256_CBC_SHA256 = 9,
    ESP_AES128_CCM8 = 10,
    ESP_AES128_CCM16 = 11,
    ESP_AES128_GCM8 = 12,
    ESP_AES128_GCM16 = 13,
    ESP_AES128_CMAC96 = 14,
    ESP_AES128_GMAC = 15,
};

enum esp_mode {
    ESP_MODE_MAC,  /* a MAC over everything, over ciphertext where there is a cipher (RFC 4303 s3.3.2) */
    ESP_MODE_AEAD, /* RFC 4106, RFC 4309 */
    ESP_MODE_GMAC, /* RFC 4543: all of it is associated data, the IV too */
};

#define ESP_HEAD        8 /* SPI and low half of the sequence number */
#define ESP_IV_MAX      16
#define ESP_ICV_MAX     16
#define ESP_PAD_MAX     15
#define ESP_TRAILER     2 /* Pad Length, Next Header */
#define ESP_OVERHEAD    (ESP_HEAD + ESP_IV_MAX + ESP_PAD_MAX + ESP_TRAILER + ESP_ICV_MAX) /* at most */
#define ESP_PAYLOAD_MAX 65535
#define ESP_OCTETS_MAX  (UINT64_C(1) << 38) /* of payload under one key */

struct esp_suite {
    uint16_t id;
    uint8_t mode;     /* enum esp_mode */
    uint8_t enc_len;  /* octets drawn as encryption key, salt at its end (RFC 4106 s8.1, RFC 4309 s7.1) */
    uint8_t auth_len; /* octets drawn as authentication key; GMAC: salt at its end (RFC 4543 s5) */
    uint8_t salt_len;
    uint8_t iv_len; /* on the wire */
    uint8_t align;  /* payload, padding and trailer are a multiple of it */
    uint8_t icv_len;
    uint64_t packets_max; /* under one key, made or looked at; see esp_sa_used_up() */
};

/* NULL: not implemented. */
const struct esp_suite *esp_suite_get(uint16_t id);

struct esp_sa_params {
    uint32_t spi;
    uint16_t suite;
    struct span enc, auth; /* copied */
    bool outbound;
    bool short_seq; /* 32-bit sequence numbers: never in HIP, for vectors of other makers */
    uint64_t seq;   /* outbound: number last sent; inbound: highest number received. 0 in a new SA */
};

struct esp_counters {
    uint64_t packets, octets; /* good ones, octets of payload */
    uint64_t replayed, bad_icv, malformed;
};

struct esp_sa;

/* ERR_UNSUPPORTED: suite; ERR_RANGE: key lengths; ERR_MEMORY. */
MUST_USE err esp_sa_new(const struct esp_sa_params *p, struct esp_sa **out);
void esp_sa_free(struct esp_sa *sa); /* wipes; NULL is fine */
uint32_t esp_sa_spi(const struct esp_sa *sa);
const struct esp_suite *esp_sa_suite(const struct esp_sa *sa);
uint64_t esp_sa_seq(const struct esp_sa *sa);
/* What one key may do has been done. The octets: 2^34 blocks, with which an AES in any of these modes is told from a random function with probability
 * 2^-60 at most. The packets: 2^32, and 2^26 with GCM's short tag, forged ones counted; so numbers end long before 2^64, where they would have to. An
 * outbound SA seals no more then (a rekey is due long before: host/data.h); an inbound one still opens: whether its peer stops is the peer's policy. */
bool esp_sa_used_up(const struct esp_sa *sa);
const struct esp_counters *esp_sa_counters(const struct esp_sa *sa);
