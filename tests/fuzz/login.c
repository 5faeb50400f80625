/* SPDX-License-Identifier: Apache-2.0
 *
 * What an authentication server sends to the EAP-TLS peer: pieces of length (2) and octets, each an EAP packet; identifiers are set so that each is a new one. No
 * server that the CA does not stand for gets a proof.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/secret.h"
#include "host/core/login.h"
#include "tests/unit/crypto/made_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_ctx *client(void)
{
    static struct tls_ctx *c;
    char why[TLS_WHY_MAX];
    if (c)
        return c;
    struct made_cert *ca = made_cert(&(struct made_cert_wish){ .name = "root", .ca = true });
    struct made_cert *own = made_cert(&(struct made_cert_wish){ .name = "laptop", .by = ca });
    const struct tls_conf f = { .ca_pem = made_cert_pem(ca),
                                .cert_pem = made_cert_pem(own),
                                .key_pem = made_cert_key(own),
                                .least = TLS_1_2,
                                .most = TLS_1_3 };
    if (crypto_init() != ERR_OK || tls_ctx_new(&f, &c, why) != ERR_OK)
        abort();
    made_cert_free(own);
    made_cert_free(ca);
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rcur c = rcur_of(span_of(data, size));
    const struct host_login l = { .identity = "a@b", .server_name = "aaa.example", .tls = client() };
    struct host_login_peer *p = host_login_new(&l);
    struct aka_peer_action a;
    uint8_t eap[4096], id = 0;
    if (!p)
        return 0;
    host_login_start(p, &a);
    for (int i = 0; i < 40 && rcur_left(&c) > 2; i++) {
        size_t n = rcur_u16(&c) & (sizeof eap - 1);
        struct span o = rcur_take(&c, n < rcur_left(&c) ? n : rcur_left(&c));
        memcpy(eap, o.p, o.n);
        if (o.n > 1)
            eap[1] = ++id;
        host_login_input(p, span_of(eap, o.n), &a);
        if (a.type == AKA_PEER_SEND && (a.octets.n < 5 || a.octets.n > EAP_MAX))
            abort();
        if (a.proof || host_login_msk(p))
            abort();
    }
    host_login_free(p);
    return 0;
}
