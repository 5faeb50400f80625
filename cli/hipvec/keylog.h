/* SPDX-License-Identifier: Apache-2.0
 *
 * Key logs: text, a line a secret, for captures whose MACs, ENCRYPTED and ESP are to be looked at. hipfad and hiphostd write
 * them where `testing: key_log` names a file, `hipvec to-pcap` from vectors. Fields are separated by one blank; '#' begins a comment.
 *
 *   HIP HIT-I HIT-R CIPHER hip_gl_enc HEX     what the greater HIT's host encrypts with ("-": NULL cipher)
 *   HIP HIT-I HIT-R CIPHER hip_gl_mac HEX     what it makes HIP_MACs with
 *   HIP HIT-I HIT-R CIPHER hip_lg_enc HEX     and the lesser one
 *   HIP HIT-I HIT-R CIPHER hip_lg_mac HEX
 *   ESP SPI HIT-from HIT-to SUITE esp_gl_enc HEX     SPI: eight hexadecimal digits; gl: HIT-from is the greater
 *   ESP SPI HIT-from HIT-to SUITE esp_gl_auth HEX
 *   HI HIT HEX     Algorithm and Host Identity (no secret): for captures that begin after the base exchange
 *
 * CIPHER: HIP_CIPHER id; SUITE: ESP transform id; HIT-I: of the exchange's Initiator (RHASH follows from HIT-R).
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"
#include "hip/hi.h"

#define KEYLOG_KEY_MAX 64

struct log_key {
    uint8_t n;
    bool known;
    uint8_t b[KEYLOG_KEY_MAX];
};

/* The four of one base exchange. */
struct log_assoc {
    struct hit i, r;
    uint16_t cipher;
    struct log_key enc[2], mac[2]; /* [0]: of the greater HIT's host (gl), [1]: of the lesser one's (lg) */
};

struct log_sa {
    uint32_t spi;
    uint16_t suite;
    struct hit from, to;
    struct log_key enc, auth;
};

struct log_hi {
    struct hit hit;
    uint16_t n;
    uint8_t wire[HIP_HI_MAX];
};

struct keylog {
    struct log_assoc *assoc;
    struct log_sa *sa;
    struct log_hi *hi;
    size_t assocs, sas, his;
};

/* More lines from a file. ERR_IO, ERR_MEMORY, ERR_MALFORMED: why says which line. May be called for several files. */
MUST_USE err keylog_load(struct keylog *k, const char *path, char why[160]);
MUST_USE err keylog_parse(struct keylog *k, struct span text, char why[160]);
void keylog_done(struct keylog *k); /* wipes */

/* 0: the sender's keys are gl, 1: lg. */
int keylog_side(const struct hit *sender, const struct hit *receiver);
static inline struct span log_key_span(const struct log_key *k)
{
    return span_of(k->b, k->n);
}
