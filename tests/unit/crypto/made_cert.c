/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/crypto/made_cert.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/ossl.h"
#include "common/crypto/secret.h"

struct made_cert {
    X509 *x;
    EVP_PKEY *key;
    uint8_t der[2048];
    size_t der_n;
    BIO *pem, *key_pem;
};

static void must(bool held)
{
    if (!held)
        abort();
}

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    must(e && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

static void extend_address(X509 *x, const uint8_t address[16])
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    GENERAL_NAME *n = GENERAL_NAME_new();
    ASN1_OCTET_STRING *o = ASN1_OCTET_STRING_new();
    must(all && n && o && ASN1_OCTET_STRING_set(o, address, 16));
    GENERAL_NAME_set0_value(n, GEN_IPADD, o);
    must(sk_GENERAL_NAME_push(all, n) && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0));
    GENERAL_NAMES_free(all);
}

static void extend_critical(X509 *x)
{
    ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1); /* of documentation, RFC 5612 */
    ASN1_OCTET_STRING *o = ASN1_OCTET_STRING_new();
    must(id && o && ASN1_OCTET_STRING_set(o, (const uint8_t *)"\5\0", 2));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, id, 1, o);
    must(e && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(o);
    ASN1_OBJECT_free(id);
}

static EVP_PKEY *pkey_of(const struct sig_key *k)
{
    uint8_t *der = NULL;
    size_t n = 0;
    must(sig_to_private(k, &der, &n) == ERR_OK);
    const uint8_t *p = der;
    EVP_PKEY *out = d2i_AutoPrivateKey(NULL, &p, (long)n);
    sec_free(der);
    return out;
}

struct made_cert *made_cert(const struct made_cert_wish *w)
{
    struct made_cert *c = calloc(1, sizeof *c);
    must(c != NULL);
    c->x = X509_new();
    c->key = w->key ? pkey_of(w->key) : EVP_EC_gen("P-256");
    must(c->x && c->key);
    X509_NAME *name = X509_get_subject_name(c->x);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)w->name, -1, -1, 0));
    must(X509_set_version(c->x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(c->x), 1));
    must(X509_set_issuer_name(c->x, w->by ? X509_get_subject_name(w->by->x) : name));
    must(ASN1_TIME_set(X509_getm_notBefore(c->x), (time_t)(w->from_s ? w->from_s : MADE_CERT_FROM)) &&
         ASN1_TIME_set(X509_getm_notAfter(c->x), (time_t)(w->to_s ? w->to_s : MADE_CERT_TO)));
    must(X509_set_pubkey(c->x, c->key));
    if (w->ca)
        extend(c->x, NID_basic_constraints, "critical,CA:TRUE");
    if (w->address)
        extend_address(c->x, w->address);
    if (w->names)
        extend(c->x, NID_subject_alt_name, w->names);
    if (w->critical)
        extend_critical(c->x);
    must(X509_sign(c->x, w->by ? w->by->key : c->key, EVP_sha256()) > 0);
    uint8_t *p = c->der;
    int n = i2d_X509(c->x, NULL);
    must(n > 0 && (size_t)n <= sizeof c->der && i2d_X509(c->x, &p) == n);
    c->der_n = (size_t)n;
    c->pem = BIO_new(BIO_s_mem());
    must(c->pem && PEM_write_bio_X509(c->pem, c->x));
    c->key_pem = BIO_new(BIO_s_mem());
    must(c->key_pem && PEM_write_bio_PKCS8PrivateKey(c->key_pem, c->key, NULL, NULL, 0, NULL, NULL));
    return c;
}

struct span made_cert_der(const struct made_cert *c)
{
    return span_of(c->der, c->der_n);
}

static struct span held(BIO *b)
{
    const char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    return span_of(p, (size_t)n);
}

struct span made_cert_pem(const struct made_cert *c)
{
    return held(c->pem);
}

struct span made_cert_key(const struct made_cert *c)
{
    return held(c->key_pem);
}

void made_cert_free(struct made_cert *c)
{
    if (!c)
        return;
    BIO_free(c->pem);
    BIO_free(c->key_pem);
    EVP_PKEY_free(c->key);
    X509_free(c->x);
    free(c);
}
