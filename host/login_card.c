/* SPDX-License-Identifier: Apache-2.0 */
#include "host/login_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

struct login_card {
    struct tls_ctx *tls;
    struct usim_identity id;
};

static err say_who(void *ctx, struct usim_identity *out, char why[USIM_WHY_MAX])
{
    (void)why;
    *out = ((const struct login_card *)ctx)->id;
    return ERR_OK;
}

static void refuse(void *ctx, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                   struct usim_auth *out)
{
    (void)ctx, (void)rand, (void)autn;
    *out = (struct usim_auth){ .verdict = USIM_UNUSABLE };
}

static const struct usim_ops ops = { .identity = say_who, .authenticate = refuse };

static err number(const char *identity, struct usim_identity *id)
{
    const struct span in[] = { span_str("hipfa login"), span_str(identity) };
    uint8_t h[32];
    err e = hash_spans(HASH_SHA256, in, 2, h);

    memcpy(id->imsi, "99999", 5);
    for (size_t i = 0; e == ERR_OK && i < 10; i++)
        id->imsi[5 + i] = (char)('0' + h[i] % 10);
    id->mnc_len = 2;
    return e;
}

static err make_tls(const struct login_conf *c, struct tls_ctx **out, char *why)
{
    uint8_t *ca = NULL, *cert = NULL, *key = NULL;
    size_t ca_n = 0, cert_n = 0, key_n = 0;
    char text[TLS_WHY_MAX];
    err e = rt_file_read(c->ca, TLS_PEM_MAX, &ca, &ca_n, why);

    if (e == ERR_OK)
        e = rt_file_read(c->certificate, TLS_PEM_MAX, &cert, &cert_n, why);
    if (e == ERR_OK)
        e = rt_file_read_secret(c->key, TLS_PEM_MAX, &key, &key_n, why);
    if (e == ERR_OK) {
        e = tls_ctx_new(&(struct tls_conf){ .ca_pem = span_of(ca, ca_n),
                                            .cert_pem = span_of(cert, cert_n),
                                            .key_pem = span_of(key, key_n),
                                            .least = TLS_1_2,
                                            .most = TLS_1_3 },
                        out, text);
        if (e)
            (void)snprintf(why, RT_FILE_WHY_MAX, "certificate_login with the certificate %.100s: %.200s",
                           c->certificate, text);
    }
    free(ca);
    free(cert);
    sec_free(key);
    return e;
}

err login_card_open(const struct login_conf *c, struct login_card **out, struct usim *card,
                    struct host_login *login, char why[RT_FILE_WHY_MAX])
{
    struct login_card *l = calloc(1, sizeof *l);
    err e;

    (void)snprintf(why, RT_FILE_WHY_MAX, "out of memory");
    if (!l)
        return ERR_MEMORY;
    e = number(c->identity, &l->id);
    if (e == ERR_OK)
        e = make_tls(c, &l->tls, why);
    if (e) {
        login_card_close(l);
        return e;
    }
    *out = l;
    *card = (struct usim){ .ops = &ops, .ctx = l };
    *login = (struct host_login){ .identity = c->identity, .server_name = c->server_name, .tls = l->tls };
    return ERR_OK;
}

void login_card_close(struct login_card *l)
{
    if (!l)
        return;
    tls_ctx_free(l->tls);
    free(l);
}
