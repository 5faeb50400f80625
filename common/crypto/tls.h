/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS 1.2 and 1.3 without sockets: octets of the wire go in and out through buffers, whoever owns the connection moves them. Both ends show a certificate
 * and are judged against the CAs in the configuration (RFC 5280 s6; names by RFC 6125: subjectAltName, the common name only where there is none, no wildcards).
 * Suites with forward secrecy and an AEAD only (RFC 9325 s4.2); no renegotiation, no resumption, no compression.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define TLS_WHY_MAX  256
#define TLS_NAME_MAX 256
#define TLS_PEM_MAX  65536
#define TLS_HELD_MAX ((size_t)1 << 18) /* octets that wait in one connection, each way, at most */

enum tls_version { TLS_1_2, TLS_1_3 };

struct tls_conf {
    bool server;
    struct span ca_pem;     /* whom to trust */
    struct span cert_pem;   /* ours first, then those that lead to a CA */
    struct span key_pem;    /* unencrypted; borrowed for the call */
    enum tls_version least; /* TLS_1_2: either */
    enum tls_version most;
};

struct tls_ctx; /* of many connections; one thread at a time */

/* ERR_MALFORMED: which of the three and why stands in `why`; ERR_AUTH: the key is not the certificate's. ERR_MEMORY, ERR_CRYPTO. */
MUST_USE err tls_ctx_new(const struct tls_conf *c, struct tls_ctx **out, char why[TLS_WHY_MAX]);
void tls_ctx_free(struct tls_ctx *c); /* NULL is fine; connections keep what they need */

enum tls_state {
    TLS_SHAKING, /* nothing may be written yet */
    TLS_OPEN,
    TLS_ENDED,  /* the peer said so (close_notify), and all that it sent before was read */
    TLS_FAILED, /* tls_why() says why; an alert may wait to be sent */
};

struct tls;

/* name: the host name or address that the peer's certificate must carry; NULL: any that the CAs stand for (a server asks tls_peer_has() afterwards).
 * A client's first flight waits to be sent at once. ERR_MEMORY, ERR_RANGE (name). */
MUST_USE err tls_new(struct tls_ctx *c, const char *name, struct tls **out);
void tls_free(struct tls *t); /* NULL is fine */

/* Octets from the wire, all of them or none; moves the handshake on. ERR_FULL: more than TLS_HELD_MAX wait to be read. */
MUST_USE err tls_wire_in(struct tls *t, struct span octets);
/* What is to go onto the wire, and how much of it went. */
struct span tls_wire_out(const struct tls *t);
void tls_wire_sent(struct tls *t, size_t n);

/* Plain octets for the peer, all of them or none. ERR_STATE: not open; ERR_FULL. */
MUST_USE err tls_write(struct tls *t, struct span plain);
/* Plain octets from the peer; 0: none now. */
size_t tls_read(struct tls *t, void *buf, size_t cap);
/* close_notify waits to be sent; nothing is written after it. */
void tls_close(struct tls *t);

/* The first n of `all` octets of keying material under this label (RFC 5705, RFC 8446 s7.5); context empty: none, which is not the same in TLS 1.2 as one of no
 * length. ERR_STATE: not open; ERR_RANGE: more than 128 octets. */
MUST_USE err tls_export(struct tls *t, const char *label, struct span context, size_t all, uint8_t *out,
                        size_t n);

enum tls_state tls_state(const struct tls *t);
/* After TLS_FAILED: one line for people. Never NULL. */
const char *tls_why(const struct tls *t);
/* "TLSv1.2" or "TLSv1.3" once open. */
const char *tls_version_name(const struct tls *t);
/* Does the peer's certificate carry this host name or address? */
bool tls_peer_has(const struct tls *t, const char *name);
/* Its subject for a log line, cut to size; "" without one. */
void tls_peer_subject(const struct tls *t, char out[TLS_NAME_MAX]);
