/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 v3 certificates of hosts, judged against CAs that somebody trusts. No clock, no network, no revocation lists: a certificate counts until it
 * expires. Source: RFC 5280 s6; RFC 8002 s3 for the host's address in it, or its key.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/crypto/sig.h"

#define CERT_CHAIN_MAX 4     /* certificates of one chain, the CA that is trusted left out */
#define CERT_DER_MAX   2048  /* octets of one */
#define CERT_PEM_MAX   65536 /* octets of a file */

enum cert_verdict {
    CERT_GOOD,
    CERT_BAD,        /* not X.509, or a signature in the chain is wrong */
    CERT_EXPIRED,    /* or not valid yet: it or one that it hangs on */
    CERT_UNKNOWN_CA, /* hangs on none that is trusted */
    CERT_NOT_YOURS,  /* right, but somebody else's */
    CERT_OTHER, /* anything else: no CA's where a CA's must be, a weak algorithm, an unknown critical extension */
};

struct cert_cas;

/* The CAs in a PEM file; other things in it are passed over. Threads may judge by the same ones. ERR_NOT_FOUND: no certificate in it; ERR_MALFORMED,
 * ERR_MEMORY. */
MUST_USE err cert_cas_new(struct cert_cas **out);
MUST_USE err cert_cas_add(struct cert_cas *c, struct span pem);
void cert_cas_free(struct cert_cas *c); /* NULL is fine */

/* Whose a certificate is to be: with this address (16 octets: its HIT) among its subjectAltNames, or, where there is no HIT in them since its CA knows
 * none, with this public key. */
struct cert_holder {
    const uint8_t *address;
    const struct sig_key *key;
};

/* der[0] is this host's; der[1..n-1] may lead from it to a CA. *until_s: only for
 * CERT_GOOD: when the first in the chain expires. *at: for all others: the one in der that it is about. */
MUST_USE enum cert_verdict cert_judge(const struct cert_cas *c, const struct span *der, size_t n,
                                      const struct cert_holder *who, uint64_t unix_s, uint64_t *until_s,
                                      size_t *at);

/* The certificates of a PEM file in its order, DER one behind the other in buf. ERR_NOT_FOUND: none; ERR_FULL: more than CERT_CHAIN_MAX; ERR_SPACE,
 * ERR_MALFORMED, ERR_MEMORY. */
MUST_USE err cert_from_pem(struct span pem, uint8_t *buf, size_t cap, struct span der[CERT_CHAIN_MAX],
                           size_t *n);
