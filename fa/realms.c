/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/realms.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto/secret.h"
#include "common/crypto/tls.h"

#define SECRET_MAX 4096

err realms_secret(const char *path, uint8_t **out, struct span *text, char why[RT_FILE_WHY_MAX])
{
    size_t n = 0;
    err e = rt_file_read_secret(path, SECRET_MAX, out, &n, why);
    if (e != ERR_OK)
        return e;
    while (n && isspace((*out)[n - 1])) /* the line's end that an editor leaves behind */
        n--;
    if (n == 0) {
        snprintf(why, RT_FILE_WHY_MAX, "%s: expected a shared secret, the file is empty", path);
        return ERR_CONFIG;
    }
    *text = span_of(*out, n);
    return ERR_OK;
}

static err load_udp(const struct fa_realm_servers *v, uint8_t **secret, struct as_radius_realm *to, char *why)
{
    struct span text;
    err e = realms_secret(v->secret_file, secret, &text, why);
    if (e != ERR_OK)
        return e;
    for (; to->n_server < v->n; to->n_server++)
        to->server[to->n_server] =
            (struct as_server_conf){ .address = v->server[to->n_server], .secret = text };
    return ERR_OK;
}

/* As the workers will, so that what is wrong is told before anything begins. */
static err try_tls(const struct fa_radsec *r, const struct as_server_conf *c, char *why)
{
    struct tls_ctx *t = NULL;
    char text[TLS_WHY_MAX];
    err e = tls_ctx_new(&(struct tls_conf){ .ca_pem = c->ca_pem,
                                            .cert_pem = c->cert_pem,
                                            .key_pem = c->key_pem,
                                            .least = TLS_1_2,
                                            .most = TLS_1_3 },
                        &t, text);
    tls_ctx_free(t);
    if (e != ERR_OK)
        snprintf(why, RT_FILE_WHY_MAX, "radsec with the certificate %.100s: %.200s", r->certificate_file,
                 text);
    return e;
}

static err load_radsec(const struct fa_radsec *r, struct realms *to, size_t realm, char *why)
{
    struct as_radius_realm *m = &to->v[realm];
    uint8_t i = m->n_server;
    struct as_server_conf *c = &m->server[i];
    size_t ca = 0, certificate = 0, key = 0;
    err e = rt_file_read(r->ca_file, TLS_PEM_MAX, &to->pem[realm][i].ca, &ca, why);
    if (e == ERR_OK)
        e = rt_file_read(r->certificate_file, TLS_PEM_MAX, &to->pem[realm][i].certificate, &certificate, why);
    if (e == ERR_OK)
        e = rt_file_read_secret(r->key_file, TLS_PEM_MAX, &to->pem[realm][i].key, &key, why);
    if (e != ERR_OK)
        return e;
    *c = (struct as_server_conf){ .address = r->address,
                                  .tls = true,
                                  .name = r->name,
                                  .ca_pem = span_of(to->pem[realm][i].ca, ca),
                                  .cert_pem = span_of(to->pem[realm][i].certificate, certificate),
                                  .key_pem = span_of(to->pem[realm][i].key, key) };
    m->n_server++;
    return try_tls(r, c, why);
}

err realms_load(const struct fa_settings *s, struct realms *out, char why[RT_FILE_WHY_MAX])
{
    _Static_assert(FA_REALM_SERVERS_MAX == AS_RADIUS_SERVERS_MAX, "one to one");
    err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < s->n_realms; i++) {
        const struct fa_realm_servers *v = &s->realm_servers[i];
        if (v->n)
            e = load_udp(v, &out->secret[i], &out->v[i], why);
        for (uint8_t k = 0; e == ERR_OK && k < v->n_radsec; k++)
            e = load_radsec(&v->radsec[k], out, i, why);
    }
    return e;
}

void realms_done(struct realms *r)
{
    for (size_t i = 0; i < FA_REALMS_MAX; i++) {
        sec_free(r->secret[i]);
        for (size_t k = 0; k < FA_REALM_SERVERS_MAX; k++) {
            free(r->pem[i][k].ca);
            free(r->pem[i][k].certificate);
            sec_free(r->pem[i][k].key);
        }
    }
    *r = (struct realms){ 0 };
}
