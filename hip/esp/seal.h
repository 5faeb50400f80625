/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and opening ESP packets (RFC 4303; RFC 3602, 4106, 4309, 4494, 4543 and 4868 as RFC 7402 uses them), from the SPI to the ICV, in place or with
 * one copy.
 */
#pragma once

#include "common/base/env.h"
#include "common/base/err.h"
#include "hip/esp/sa.h"

#define ESP_NH_DUMMY 59 /* no next header: dummy packet, dropped after the check (RFC 4303 s2.6) */

/* Octets before the payload, and of the whole packet. */
size_t esp_head_len(const struct esp_sa *sa);
size_t esp_sealed_len(const struct esp_sa *sa, size_t payload_len);
/* The longest payload whose packet is no longer than this; 0: not even an empty one's. */
size_t esp_payload_max(const struct esp_sa *sa, size_t packet_len);

/* Seals under the next sequence number. The payload may lie at out + esp_head_len(sa) (then nothing is copied) or outside of
 * out. The IV is drawn from env (CBC) or is the sequence number (GCM, CCM, GMAC: unique under its key, RFC 4106 s3.1).
 * ERR_SPACE, ERR_RANGE (payload too long), ERR_STATE (inbound SA, or numbers used up), ERR_FULL (esp_sa_used_up()), ERR_CRYPTO. */
MUST_USE err esp_seal(struct esp_sa *sa, const struct env *env, uint8_t next_header, struct span payload,
                      uint8_t *out, size_t cap, size_t *out_len);
/* The same with an IV of the caller, for vectors. Two packets with one IV break GCM, CCM and GMAC. */
MUST_USE err esp_seal_iv(struct esp_sa *sa, const uint8_t *iv, uint8_t next_header, struct span payload,
                         uint8_t *out, size_t cap, size_t *out_len);

struct esp_opened {
    uint8_t *payload; /* inside the packet */
    size_t len;
    uint8_t next_header;
    uint64_t seq;
};

/* Opens in place; after an error the packet's octets mean nothing. The window moves only for a packet whose ICV is right.
 * ERR_TRUNCATED, ERR_MALFORMED, ERR_REPLAY, ERR_AUTH, ERR_NOT_FOUND (another SPI), ERR_STATE (outbound SA). */
MUST_USE err esp_open(struct esp_sa *sa, uint8_t *packet, size_t len, struct esp_opened *out);

/* The SPI of a packet; false when it is too short to have one. */
bool esp_spi(struct span packet, uint32_t *spi);
