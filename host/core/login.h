/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-TLS (RFC 5216, RFC 9190), the peer's side, for a host whose operator gave it a certificate instead of a SIM: one run. It answers with the actions of
 * aka/peer.h, so that a run need not know which of the two it has. The proof is the last Response: in TLS 1.2 the acknowledgement of the server's Finished, in
 * TLS 1.3 that of its commitment message, behind which nothing more of the handshake can come (RFC 9190 s2.5).
 */
#pragma once

#include "aka/peer.h"
#include "common/crypto/tls.h"

#define HOST_LOGIN_ROUNDS 24

struct host_login {
    const char *identity;    /* Response/Identity, with the realm; NULL: there is no login */
    const char *server_name; /* that the authentication server's certificate must carry */
    struct tls_ctx *tls;     /* of a client, with CA, certificate and key; outlives the host */
};

struct host_login_peer;

struct host_login_peer *host_login_new(const struct host_login *c); /* borrows; NULL: out of memory */
void host_login_free(struct host_login_peer *p);                    /* NULL is fine */
void host_login_start(struct host_login_peer *p, struct aka_peer_action *out);
void host_login_input(struct host_login_peer *p, struct span eap, struct aka_peer_action *out);
/* 64 octets once the proof was sent; else NULL. */
const uint8_t *host_login_msk(const struct host_login_peer *p);
void host_login_msk_wipe(struct host_login_peer *p);
/* What TLS did not like; "" when it is not that. */
const char *host_login_why(const struct host_login_peer *p);
