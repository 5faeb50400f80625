/* SPDX-License-Identifier: Apache-2.0
 * TLS over buffers: both ends show a certificate, names count, nothing weak is agreed on, and what is broken ends the connection with a reason.
 * The CAs' clock is the machine's, so the certificates here are made around the time it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/crypto/tls.h"
#include "tests/unit/crypto/made_cert.h"

enum { ROOT, STRANGER, SERVER, CLIENT, STRANGE_CLIENT, OLD_CLIENT, N_CERTS };

static struct made_cert *cert[N_CERTS];

static int make_certs(void **state)
{
    (void)state;
    uint64_t now = (uint64_t)time(NULL), from = now - 86400, to = now + 86400;
    cert[ROOT] =
        made_cert(&(struct made_cert_wish){ .name = "root", .ca = true, .from_s = from, .to_s = to });
    cert[STRANGER] =
        made_cert(&(struct made_cert_wish){ .name = "stranger", .ca = true, .from_s = from, .to_s = to });
    cert[SERVER] = made_cert(&(struct made_cert_wish){
        .name = "as", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:as.example,IP:192.0.2.1" });
    cert[CLIENT] = made_cert(&(struct made_cert_wish){
        .name = "fa", .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:fa.example" });
    cert[STRANGE_CLIENT] = made_cert(&(struct made_cert_wish){
        .name = "fa", .by = cert[STRANGER], .from_s = from, .to_s = to, .names = "DNS:fa.example" });
    cert[OLD_CLIENT] = made_cert(&(struct made_cert_wish){
        .name = "fa", .by = cert[ROOT], .from_s = from, .to_s = now - 3600, .names = "DNS:fa.example" });
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CERTS; i++)
        made_cert_free(cert[i]);
    return 0;
}

struct ends {
    struct tls_ctx *cc, *sc;
    struct tls *c, *s;
};

static struct tls_ctx *context(bool server, int own, int ca, enum tls_version least, enum tls_version most)
{
    struct tls_conf f = { .server = server,
                          .ca_pem = made_cert_pem(cert[ca]),
                          .cert_pem = made_cert_pem(cert[own]),
                          .key_pem = made_cert_key(cert[own]),
                          .least = least,
                          .most = most };
    struct tls_ctx *ctx = NULL;
    char why[TLS_WHY_MAX];
    assert_int_equal(tls_ctx_new(&f, &ctx, why), ERR_OK);
    return ctx;
}

static struct ends ends(int client, const char *name, enum tls_version client_most,
                        enum tls_version server_least)
{
    struct ends e = { .cc = context(false, client, ROOT, TLS_1_2, client_most),
                      .sc = context(true, SERVER, ROOT, server_least, TLS_1_3) };
    assert_int_equal(tls_new(e.cc, name, &e.c), ERR_OK);
    assert_int_equal(tls_new(e.sc, NULL, &e.s), ERR_OK);
    return e;
}

static void ends_free(struct ends *e)
{
    tls_free(e->c);
    tls_free(e->s);
    tls_ctx_free(e->cc);
    tls_ctx_free(e->sc);
}

/* All that waits at a, to b, in pieces of `piece` octets. */
static bool carry(struct tls *a, struct tls *b, size_t piece)
{
    struct span out = tls_wire_out(a);
    size_t n = out.n < piece ? out.n : piece;
    uint8_t buf[4096];
    if (n == 0)
        return false;
    memcpy(buf, out.p, n);
    tls_wire_sent(a, n);
    assert_int_equal(tls_wire_in(b, span_of(buf, n)), ERR_OK);
    return true;
}

static void settle(struct ends *e, size_t piece)
{
    uint8_t none[16];
    while (carry(e->c, e->s, piece) || carry(e->s, e->c, piece))
        ;
    /* Alerts are seen by who reads. */
    assert_int_equal(tls_read(e->c, none, sizeof none), 0);
    assert_int_equal(tls_read(e->s, none, sizeof none), 0);
    while (carry(e->c, e->s, piece) || carry(e->s, e->c, piece))
        ;
    assert_int_equal(tls_read(e->c, none, sizeof none), 0);
    assert_int_equal(tls_read(e->s, none, sizeof none), 0);
}

static void say(struct tls *from, struct tls *to, const char *text)
{
    char got[64] = "";
    assert_int_equal(tls_write(from, span_str(text)), ERR_OK);
    while (carry(from, to, 7))
        ;
    assert_int_equal(tls_read(to, got, sizeof got - 1), strlen(text));
    assert_string_equal(got, text);
}

static void test_both_versions(void **state)
{
    (void)state;
    static const char *const name[] = { "TLSv1.2", "TLSv1.3" };
    for (enum tls_version v = TLS_1_2; v <= TLS_1_3; v++) {
        struct ends e = ends(CLIENT, "as.example", v, TLS_1_2);
        char subject[TLS_NAME_MAX];
        assert_int_equal(tls_write(e.c, span_str("early")), ERR_STATE);
        settle(&e, 5);
        assert_int_equal(tls_state(e.c), TLS_OPEN);
        assert_int_equal(tls_state(e.s), TLS_OPEN);
        assert_string_equal(tls_version_name(e.c), name[v]);
        say(e.c, e.s, "request");
        say(e.s, e.c, "answer");
        assert_true(tls_peer_has(e.s, "fa.example"));
        assert_false(tls_peer_has(e.s, "as.example"));
        assert_true(tls_peer_has(e.c, "192.0.2.1"));
        assert_false(tls_peer_has(e.c, "192.0.2.2"));
        tls_peer_subject(e.s, subject);
        assert_string_equal(subject, "CN=fa");
        ends_free(&e);
    }
}

/* What both ends come to, and the client's reason. */
static void refused(int client, const char *name, enum tls_version client_most, enum tls_version server_least,
                    const char *client_why, const char *server_why)
{
    struct ends e = ends(client, name, client_most, server_least);
    settle(&e, 4096);
    assert_int_equal(tls_state(e.c), TLS_FAILED);
    assert_int_equal(tls_state(e.s), TLS_FAILED);
    assert_non_null(strstr(tls_why(e.c), client_why));
    assert_non_null(strstr(tls_why(e.s), server_why));
    assert_int_equal(tls_write(e.c, span_str("x")), ERR_STATE);
    ends_free(&e);
}

static void test_refused(void **state)
{
    (void)state;
    refused(CLIENT, "other.example", TLS_1_3, TLS_1_2, "hostname mismatch", "alert");
    refused(CLIENT, "192.0.2.9", TLS_1_3, TLS_1_2, "IP address mismatch", "alert");
    refused(STRANGE_CLIENT, "as.example", TLS_1_3, TLS_1_2, "alert", "unable to get local issuer");
    refused(STRANGE_CLIENT, "as.example", TLS_1_2, TLS_1_2, "alert", "unable to get local issuer");
    refused(OLD_CLIENT, "as.example", TLS_1_3, TLS_1_2, "alert", "expired");
    refused(CLIENT, "as.example", TLS_1_2, TLS_1_3, "alert", "unsupported protocol");
}

static void test_closed(void **state)
{
    (void)state;
    struct ends e = ends(CLIENT, "as.example", TLS_1_3, TLS_1_2);
    char got[8] = "";
    settle(&e, 4096);
    assert_int_equal(tls_write(e.c, span_str("last")), ERR_OK);
    tls_close(e.c);
    assert_int_equal(tls_write(e.c, span_str("x")), ERR_STATE);
    while (carry(e.c, e.s, 4096))
        ;
    assert_int_equal(tls_read(e.s, got, sizeof got), 4);
    assert_int_equal(tls_state(e.s), TLS_OPEN);
    assert_int_equal(tls_read(e.s, got, sizeof got), 0);
    assert_int_equal(tls_state(e.s), TLS_ENDED);
    ends_free(&e);
}

/* Any octet that is changed on the way ends it at the reader, and nothing of it is read. */
static void test_damaged(void **state)
{
    (void)state;
    for (size_t at = 5; at < 29; at += 8) {
        struct ends e = ends(CLIENT, "as.example", TLS_1_3, TLS_1_2);
        uint8_t buf[256], got[16];
        settle(&e, 4096);
        assert_int_equal(tls_write(e.c, span_str("request")), ERR_OK);
        struct span out = tls_wire_out(e.c);
        assert_true(out.n > at && out.n <= sizeof buf);
        memcpy(buf, out.p, out.n);
        buf[at] ^= 1;
        assert_int_equal(tls_wire_in(e.s, span_of(buf, out.n)), ERR_OK);
        assert_int_equal(tls_read(e.s, got, sizeof got), 0);
        assert_int_equal(tls_state(e.s), TLS_FAILED);
        ends_free(&e);
    }
}

static void test_no_tls(void **state)
{
    (void)state;
    struct ends e = ends(CLIENT, "as.example", TLS_1_3, TLS_1_2);
    assert_int_equal(tls_wire_in(e.s, span_str("GET / HTTP/1.1\r\n\r\n")), ERR_OK);
    assert_int_equal(tls_state(e.s), TLS_FAILED);
    assert_true(tls_why(e.s)[0] != '\0');
    ends_free(&e);
}

/* Who sends and never lets us read is stopped; so is who never takes what we send. */
static void test_bounded(void **state)
{
    (void)state;
    struct ends e = ends(CLIENT, "as.example", TLS_1_3, TLS_1_2);
    static uint8_t much[16384];
    size_t n = 0;
    err r = ERR_OK;
    settle(&e, 4096);
    while (r == ERR_OK && n++ < 64)
        r = tls_write(e.c, span_of(much, sizeof much));
    assert_int_equal(r, ERR_FULL);
    r = ERR_OK;
    for (n = 0; r == ERR_OK && n < 64; n++)
        r = tls_wire_in(e.s, span_of(much, sizeof much));
    assert_int_equal(r, ERR_FULL);
    ends_free(&e);
}

static void bad_conf(struct span ca, struct span own, struct span key, err want, const char *text)
{
    struct tls_conf f = { .server = true, .ca_pem = ca, .cert_pem = own, .key_pem = key, .most = TLS_1_3 };
    struct tls_ctx *ctx = NULL;
    char why[TLS_WHY_MAX];
    assert_int_equal(tls_ctx_new(&f, &ctx, why), want);
    assert_null(ctx);
    assert_non_null(strstr(why, text));
}

static void test_configuration(void **state)
{
    (void)state;
    struct span ca = made_cert_pem(cert[ROOT]), own = made_cert_pem(cert[SERVER]),
                key = made_cert_key(cert[SERVER]);
    bad_conf(span_str(""), own, key, ERR_MALFORMED, "CA certificates");
    bad_conf(span_str("no PEM"), own, key, ERR_MALFORMED, "CA certificates");
    bad_conf(ca, key, key, ERR_MALFORMED, "own certificate");
    bad_conf(ca, own, own, ERR_MALFORMED, "own key");
    bad_conf(ca, own, made_cert_key(cert[CLIENT]), ERR_AUTH, "not the certificate's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_versions), cmocka_unit_test(test_refused), cmocka_unit_test(test_closed),
        cmocka_unit_test(test_damaged),       cmocka_unit_test(test_no_tls),  cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_configuration),
    };
    return cmocka_run_group_tests(tests, make_certs, free_certs);
}
