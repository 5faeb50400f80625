/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates made for tests, each with a new P-256 key. Whatever fails ends the program.
 */
#pragma once

#include "common/base/span.h"
#include "common/crypto/sig.h"

struct made_cert;

struct made_cert_wish {
    const char *name;
    const struct made_cert *by; /* issuer; NULL: itself */
    bool ca;
    uint64_t from_s, to_s;     /* 0, 0: 2026-01-01 to 2027-01-01 */
    const uint8_t *address;    /* 16 octets for subjectAltName; NULL: none */
    const char *names;         /* subjectAltName as OpenSSL reads it ("DNS:a,IP:192.0.2.1"); NULL: none */
    const struct sig_key *key; /* its own; NULL: a new one of P-256 */
    bool critical;             /* a critical extension that nobody knows */
};

#define MADE_CERT_FROM 1767225600u /* 2026-01-01 */
#define MADE_CERT_TO   1798761600u /* 2027-01-01 */

struct made_cert *made_cert(const struct made_cert_wish *w);
struct span made_cert_der(const struct made_cert *c); /* lives as long as c */
struct span made_cert_pem(const struct made_cert *c);
struct span made_cert_key(const struct made_cert *c); /* PEM */
void made_cert_free(struct made_cert *c);
