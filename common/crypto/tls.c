/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/ossl_tls.h"

#define SUITES_12  "ECDHE+AESGCM:ECDHE+CHACHA20"
#define HOST_FLAGS (X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

struct tls_ctx {
    SSL_CTX *ssl;
    bool server;
};

struct tls {
    SSL *ssl;
    BIO *in, *out; /* the wire's sides; ssl owns them */
    enum tls_state state;
    bool closing; /* our close_notify is out */
    char why[TLS_WHY_MAX];
};

/* ---- configuration ---- */

static int no_password(char *buf, int cap, int writing, void *ctx)
{
    (void)buf, (void)cap, (void)writing, (void)ctx;
    return -1;
}

static BIO *pem_bio(struct span pem)
{
    return pem.n && pem.n <= TLS_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

/* OpenSSL's reason for the last error, without its file names. */
static const char *reason(void)
{
    unsigned long e = ERR_peek_last_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;
    return text ? text : "no reason given";
}

/* Each certificate of the file to `take`. */
static err each_cert(struct span pem, bool (*take)(SSL_CTX *c, X509 *x, size_t i), SSL_CTX *c)
{
    BIO *b = pem_bio(pem);
    size_t n = 0;
    err e = b ? ERR_OK : ERR_MALFORMED;
    for (X509 *x; e == ERR_OK && (x = PEM_read_bio_X509(b, NULL, no_password, NULL)); n++) {
        if (!take(c, x, n))
            e = ERR_MALFORMED;
        X509_free(x);
    }
    BIO_free(b);
    return e == ERR_OK && n == 0 ? ERR_MALFORMED : e;
}

static bool take_ca(SSL_CTX *c, X509 *x, size_t i)
{
    (void)i;
    /* As a server we also name it in CertificateRequest. */
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(c), x) == 1 && SSL_CTX_add_client_CA(c, x) == 1;
}

static bool take_own(SSL_CTX *c, X509 *x, size_t i)
{
    return i == 0 ? SSL_CTX_use_certificate(c, x) == 1 : SSL_CTX_add1_chain_cert(c, x) == 1;
}

static err take_key(SSL_CTX *c, struct span pem)
{
    BIO *b = pem_bio(pem);
    EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, no_password, NULL) : NULL;
    err e = !k ? ERR_MALFORMED : ERR_OK;
    if (k && (SSL_CTX_use_PrivateKey(c, k) != 1 || SSL_CTX_check_private_key(c) != 1))
        e = ERR_AUTH;
    EVP_PKEY_free(k);
    BIO_free(b);
    return e;
}

static bool set_rules(SSL_CTX *s, const struct tls_conf *c)
{
    static const int version[] = { [TLS_1_2] = TLS1_2_VERSION, [TLS_1_3] = TLS1_3_VERSION };
    SSL_CTX_set_options(s, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
    /* Octets left over from a partial write wait in our buffers, never in the library's. */
    SSL_CTX_set_mode(s, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(s, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return SSL_CTX_set_num_tickets(s, 0) == 1 && SSL_CTX_set_min_proto_version(s, version[c->least]) == 1 &&
           SSL_CTX_set_max_proto_version(s, version[c->most]) == 1 &&
           SSL_CTX_set_cipher_list(s, SUITES_12) == 1 &&
           X509_VERIFY_PARAM_set_purpose(SSL_CTX_get0_param(s),
                                         c->server ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER) == 1;
}

static err fill(SSL_CTX *s, const struct tls_conf *c, char *why)
{
    if (!set_rules(s, c)) {
        snprintf(why, TLS_WHY_MAX, "TLS: %s", reason());
        return ERR_CRYPTO;
    }
    err e = each_cert(c->ca_pem, take_ca, s);
    if (e != ERR_OK) {
        snprintf(why, TLS_WHY_MAX, "CA certificates: expected PEM (%s)", reason());
        return e;
    }
    e = each_cert(c->cert_pem, take_own, s);
    if (e != ERR_OK) {
        snprintf(why, TLS_WHY_MAX, "own certificate: expected PEM (%s)", reason());
        return e;
    }
    e = take_key(s, c->key_pem);
    if (e != ERR_OK)
        snprintf(why, TLS_WHY_MAX,
                 e == ERR_AUTH ? "own key: not the certificate's (%s)"
                               : "own key: expected PEM without a password (%s)",
                 reason());
    return e;
}

err tls_ctx_new(const struct tls_conf *c, struct tls_ctx **out, char why[TLS_WHY_MAX])
{
    snprintf(why, TLS_WHY_MAX, "out of memory");
    struct tls_ctx *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_MEMORY;
    ERR_clear_error();
    t->server = c->server;
    t->ssl = SSL_CTX_new(c->server ? TLS_server_method() : TLS_client_method());
    err e = t->ssl ? fill(t->ssl, c, why) : ERR_MEMORY;
    ERR_clear_error();
    if (e != ERR_OK) {
        tls_ctx_free(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void tls_ctx_free(struct tls_ctx *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ssl);
    free(c);
}

/* ---- a connection ---- */

/* First cause counts. */
static void failed(struct tls *t)
{
    long v = SSL_get_verify_result(t->ssl);
    if (t->state == TLS_FAILED)
        return;
    t->state = TLS_FAILED;
    snprintf(t->why, sizeof t->why, "%s", v != X509_V_OK ? X509_verify_cert_error_string(v) : reason());
}

/* Whatever an SSL_ call said: goes on, or is over. */
static void judge(struct tls *t, int result)
{
    int e = SSL_get_error(t->ssl, result);
    if (e == SSL_ERROR_ZERO_RETURN) {
        if (t->state != TLS_FAILED)
            t->state = TLS_ENDED;
    } else if (e != SSL_ERROR_NONE && e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
        failed(t);
    }
    ERR_clear_error();
}

static void shake(struct tls *t)
{
    if (t->state != TLS_SHAKING)
        return;
    ERR_clear_error();
    int r = SSL_do_handshake(t->ssl);
    if (r == 1)
        t->state = TLS_OPEN;
    else
        judge(t, r);
}

static bool is_address(const char *name)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
    ASN1_OCTET_STRING_free(ip);
    ERR_clear_error();
    return ip != NULL;
}

static bool demand(SSL *s, const char *name)
{
    X509_VERIFY_PARAM *p = SSL_get0_param(s);
    if (!name)
        return true;
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1;
    X509_VERIFY_PARAM_set_hostflags(p, HOST_FLAGS);
    /* The name is sent as well (SNI), which addresses must not be (RFC 6066 s3). */
    return X509_VERIFY_PARAM_set1_host(p, name, 0) == 1 && SSL_set_tlsext_host_name(s, name) == 1;
}

err tls_new(struct tls_ctx *c, const char *name, struct tls **out)
{
    if (name && (name[0] == '\0' || strlen(name) >= TLS_NAME_MAX))
        return ERR_RANGE;
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_MEMORY;
    t->ssl = SSL_new(c->ssl);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out || !demand(t->ssl, name)) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        ERR_clear_error();
        return ERR_MEMORY;
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    if (c->server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    shake(t);
    *out = t;
    return ERR_OK;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

err tls_wire_in(struct tls *t, struct span octets)
{
    if (octets.n > TLS_HELD_MAX || BIO_ctrl_pending(t->in) > TLS_HELD_MAX - octets.n)
        return ERR_FULL;
    if (octets.n && BIO_write(t->in, octets.p, (int)octets.n) != (int)octets.n)
        return ERR_MEMORY;
    shake(t);
    return ERR_OK;
}

struct span tls_wire_out(const struct tls *t)
{
    char *p = NULL;
    long n = BIO_get_mem_data(t->out, &p);
    return span_of(p, n > 0 ? (size_t)n : 0);
}

void tls_wire_sent(struct tls *t, size_t n)
{
    uint8_t sink[4096];
    while (n) {
        int got = BIO_read(t->out, sink, n < sizeof sink ? (int)n : (int)sizeof sink);
        if (got <= 0)
            return;
        n -= (size_t)got;
    }
}

err tls_write(struct tls *t, struct span plain)
{
    if (t->state != TLS_OPEN || t->closing)
        return ERR_STATE;
    if (plain.n == 0)
        return ERR_OK;
    if (plain.n > TLS_HELD_MAX || BIO_ctrl_pending(t->out) > TLS_HELD_MAX - plain.n)
        return ERR_FULL;
    ERR_clear_error();
    int r = SSL_write(t->ssl, plain.p, (int)plain.n); /* a memory BIO takes all of it */
    if (r == (int)plain.n)
        return ERR_OK;
    judge(t, r);
    return ERR_STATE;
}

size_t tls_read(struct tls *t, void *buf, size_t cap)
{
    if (t->state != TLS_OPEN || cap == 0)
        return 0;
    ERR_clear_error();
    int r = SSL_read(t->ssl, buf, cap < (size_t)1 << 20 ? (int)cap : 1 << 20);
    if (r > 0)
        return (size_t)r;
    judge(t, r);
    return 0;
}

void tls_close(struct tls *t)
{
    if (t->closing || (t->state != TLS_OPEN && t->state != TLS_ENDED))
        return;
    t->closing = true;
    ERR_clear_error();
    int r = SSL_shutdown(t->ssl);
    if (r < 0)
        judge(t, r);
    ERR_clear_error();
}

err tls_export(struct tls *t, const char *label, struct span context, size_t all, uint8_t *out, size_t n)
{
    uint8_t keys[128];
    if (t->state != TLS_OPEN)
        return ERR_STATE;
    if (all > sizeof keys || n > all)
        return ERR_RANGE;
    ERR_clear_error();
    int r = SSL_export_keying_material(t->ssl, keys, all, label, strlen(label), context.p, context.n,
                                       context.n != 0);
    if (r == 1)
        memcpy(out, keys, n);
    OPENSSL_cleanse(keys, sizeof keys);
    ERR_clear_error();
    return r == 1 ? ERR_OK : ERR_CRYPTO;
}

enum tls_state tls_state(const struct tls *t)
{
    return t->state;
}

const char *tls_why(const struct tls *t)
{
    return t->why;
}

const char *tls_version_name(const struct tls *t)
{
    return SSL_get_version(t->ssl);
}

bool tls_peer_has(const struct tls *t, const char *name)
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    if (!x)
        return false;
    bool has = is_address(name) ? X509_check_ip_asc(x, name, 0) == 1
                                : X509_check_host(x, name, 0, HOST_FLAGS, NULL) == 1;
    ERR_clear_error();
    return has;
}

void tls_peer_subject(const struct tls *t, char out[TLS_NAME_MAX])
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    out[0] = '\0';
    if (!x)
        return;
    BIO *b = BIO_new(BIO_s_mem());
    if (b && X509_NAME_print_ex(b, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(b, out, TLS_NAME_MAX - 1); /* RFC 2253 escapes what is not plain text */
        out[n > 0 ? n : 0] = '\0';
    }
    BIO_free(b);
    ERR_clear_error();
}
