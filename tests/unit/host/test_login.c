/* SPDX-License-Identifier: Apache-2.0
 *
 * The EAP-TLS peer against a TLS server in the same program, in pieces as small as one likes, with servers that do not keep to the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aka/eap_tls.h"
#include "common/crypto/secret.h"
#include "host/core/login.h"
#include "tests/unit/crypto/made_cert.h"

#define NAME   "aaa.operator.example"
#define WHO    "laptop@staff.operator.example"
#define ROUNDS 40

enum { ROOT, SERVER, CLIENT, STRANGER, N_CERTS };
static struct made_cert *cert[N_CERTS];

static int make_certs(void **state)
{
    const uint64_t from = 1000000000, to = 4000000000; /* 2001 to 2096 */
    cert[ROOT] =
        made_cert(&(struct made_cert_wish){ .name = "root", .ca = true, .from_s = from, .to_s = to });
    cert[SERVER] = made_cert(&(struct made_cert_wish){
        .name = NAME, .by = cert[ROOT], .from_s = from, .to_s = to, .names = "DNS:" NAME });
    cert[CLIENT] =
        made_cert(&(struct made_cert_wish){ .name = "laptop", .by = cert[ROOT], .from_s = from, .to_s = to });
    cert[STRANGER] = made_cert(&(struct made_cert_wish){ .name = "stranger", .from_s = from, .to_s = to });
    return 0;
}

static int free_certs(void **state)
{
    for (int i = 0; i < N_CERTS; i++)
        made_cert_free(cert[i]);
    return 0;
}

static struct tls_ctx *ctx(bool server, int own, enum tls_version most)
{
    char why[TLS_WHY_MAX];
    struct tls_ctx *c = NULL;
    const struct tls_conf f = { .server = server,
                                .ca_pem = made_cert_pem(cert[ROOT]),
                                .cert_pem = made_cert_pem(cert[own]),
                                .key_pem = made_cert_key(cert[own]),
                                .least = TLS_1_2,
                                .most = most };
    if (tls_ctx_new(&f, &c, why) != ERR_OK)
        fail_msg("%s", why);
    return c;
}

/* An EAP-TLS server that sends pieces of `piece` octets. */
struct server {
    struct tls *t;
    size_t piece;
    bool sending, committed, tls13, silent; /* silent: no commitment message */
    uint8_t id;
};

static size_t next(struct server *s, uint8_t out[EAP_MAX])
{
    struct span all = tls_wire_out(s->t);
    struct eap_tls f = { .piece = span_of(all.p, all.n < s->piece ? all.n : s->piece) };
    f.more = f.piece.n < all.n;
    f.has_total = f.more && !s->sending;
    f.total = f.has_total ? (uint32_t)all.n : 0;
    s->sending = f.more;
    size_t n = eap_tls_write(out, EAP_MAX, EAP_REQUEST, ++s->id, &f);
    tls_wire_sent(s->t, f.piece.n);
    return n;
}

struct outcome {
    struct aka_peer_action last;
    unsigned rounds, pieces; /* pieces: of the peer's, with M */
    bool proof, server_open;
    uint8_t peer_msk[64], server_msk[64];
};

static void run(struct host_login_peer *p, struct server *s, struct outcome *o)
{
    uint8_t out[EAP_MAX];
    size_t n = eap_tls_write(out, sizeof out, EAP_REQUEST, ++s->id, &(struct eap_tls){ .start = true });
    while (o->rounds++ < ROUNDS) {
        struct eap_pkt r;
        struct eap_tls f;
        host_login_input(p, span_of(out, n), &o->last);
        if (o->last.type != AKA_PEER_SEND)
            break;
        assert_int_equal(eap_parse(o->last.octets, &r), ERR_OK);
        assert_true(r.code == EAP_RESPONSE && r.id == s->id && r.type == EAP_TYPE_TLS);
        assert_int_equal(eap_tls_parse(r.data, &f), ERR_OK);
        o->pieces += f.more;
        o->proof |= o->last.proof;
        if (f.piece.n)
            assert_int_equal(tls_wire_in(s->t, f.piece), ERR_OK);
        if (o->last.proof || o->last.over)
            break;
        if (tls_state(s->t) == TLS_OPEN && s->tls13 && !s->committed && !s->silent && !tls_wire_out(s->t).n) {
            assert_int_equal(tls_write(s->t, span_of("\0", 1)), ERR_OK);
            s->committed = true;
        }
        if (tls_state(s->t) == TLS_FAILED && !tls_wire_out(s->t).n)
            break;
        n = next(s, out);
    }
    o->server_open = tls_state(s->t) == TLS_OPEN;
    if (o->proof) {
        const uint8_t type = EAP_TYPE_TLS;
        assert_non_null(host_login_msk(p));
        memcpy(o->peer_msk, host_login_msk(p), 64);
        assert_int_equal(
            s->tls13
                ? tls_export(s->t, "EXPORTER_EAP_TLS_Key_Material", span_of(&type, 1), 128, o->server_msk, 64)
                : tls_export(s->t, "client EAP encryption", span_of(NULL, 0), 128, o->server_msk, 64),
            ERR_OK);
    }
}

/* One run with these certificates, versions and pieces. */
static struct outcome between(int server, int client, enum tls_version most, size_t piece, bool silent,
                              const char *name)
{
    struct tls_ctx *a = ctx(true, server, most), *b = ctx(false, client, TLS_1_3);
    struct host_login c = { .identity = WHO, .server_name = name, .tls = b };
    struct host_login_peer *p = host_login_new(&c);
    struct server s = { .piece = piece, .tls13 = most == TLS_1_3, .silent = silent };
    struct outcome o = { .rounds = 0 };
    assert_int_equal(tls_new(a, NULL, &s.t), ERR_OK);
    run(p, &s, &o);
    if (o.proof) {
        host_login_msk_wipe(p);
        assert_null(host_login_msk(p));
    }
    tls_free(s.t);
    host_login_free(p);
    tls_ctx_free(a);
    tls_ctx_free(b);
    return o;
}

static void both_have_the_key(void **state)
{
    static const uint8_t zero[64];
    static const enum tls_version most[] = { TLS_1_2, TLS_1_3 };
    static const size_t piece[] = { 200, 500, 1000 };
    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < 3; i++) {
            struct outcome o = between(SERVER, CLIENT, most[v], piece[i], false, NAME);
            assert_true(o.proof && o.server_open && o.rounds <= HOST_LOGIN_ROUNDS);
            assert_memory_equal(o.peer_msk, o.server_msk, 64);
            assert_memory_not_equal(o.peer_msk, zero, 64);
        }
}

/* RFC 9190 s2.1.1: without the commitment message more could come; no proof, no key. */
static void no_commitment(void **state)
{
    struct outcome o = between(SERVER, CLIENT, TLS_1_3, 1000, true, NAME);
    assert_false(o.proof);
    assert_true(o.server_open);
}

static void server_refused(void **state)
{
    struct outcome o = between(STRANGER, CLIENT, TLS_1_3, 1000, false, NAME);
    assert_true(!o.proof && o.last.over && !o.server_open);
    o = between(SERVER, CLIENT, TLS_1_2, 1000, false, "elsewhere.operator.example");
    assert_true(!o.proof && o.last.over && !o.server_open);
}

static void client_refused(void **state)
{
    struct outcome o = between(SERVER, STRANGER, TLS_1_2, 1000, false, NAME);
    assert_true(!o.proof && !o.server_open);
    o = between(SERVER, STRANGER, TLS_1_3, 1000, false, NAME);
    assert_true(!o.proof && !o.server_open);
}

/* ---- EAP ---- */

static void input(struct host_login_peer *p, uint8_t id, uint8_t type, const char *octets, size_t n,
                  struct aka_peer_action *a)
{
    uint8_t out[EAP_MAX];
    size_t len = eap_write(out, sizeof out, EAP_REQUEST, id, type, span_of(octets, n));
    host_login_input(p, span_of(out, len), a);
}

static void around_it(void **state)
{
    struct tls_ctx *b = ctx(false, CLIENT, TLS_1_3);
    struct host_login c = { .identity = WHO, .server_name = NAME, .tls = b };
    struct host_login_peer *p = host_login_new(&c);
    struct aka_peer_action a;
    host_login_start(p, &a);
    assert_int_equal(a.octets.p[4], EAP_TYPE_IDENTITY);
    assert_memory_equal(a.octets.p + 5, WHO, sizeof WHO - 1);
    assert_int_equal(a.octets.n, 5 + sizeof WHO - 1);
    input(p, 1, 4, "\x10 0123456789abcdef", 17, &a); /* MD5: we want TLS */
    assert_true(a.type == AKA_PEER_SEND && a.reason == AKA_R_METHOD && !a.proof);
    assert_memory_equal(a.octets.p, "\x02\x01\x00\x06\x03\x0d", 6);
    input(p, 1, 4, "\x10 0123456789abcdef", 17, &a);
    assert_int_equal(a.reason, AKA_R_DUPLICATE);
    input(p, 2, EAP_TYPE_NOTIFICATION, "hello", 5, &a);
    assert_memory_equal(a.octets.p, "\x02\x02\x00\x05\x02", 5);
    input(p, 3, EAP_TYPE_IDENTITY, "", 0, &a);
    assert_int_equal(a.octets.n, 5 + sizeof WHO - 1);
    input(p, 4, EAP_TYPE_TLS, "\x20", 1, &a);
    assert_true(a.type == AKA_PEER_SEND && a.octets.n > 100); /* ClientHello */
    input(p, 5, 25, "\x20", 1, &a);                           /* and nothing else any more */
    assert_true(a.type == AKA_PEER_NONE && a.reason == AKA_R_METHOD);
    host_login_input(p, span_of("\x04\x05\x00\x04", 4), &a);
    assert_true(a.type == AKA_PEER_FAILED && a.reason == AKA_R_FAILURE);
    assert_null(host_login_msk(p));
    host_login_free(p);
    tls_ctx_free(b);
}

static void against_the_rules(void **state)
{
    static const struct {
        const char *what, *octets;
        size_t n;
        bool started;
    } rows[] = {
        { "no Start", "\x00", 1, false },   { "Start with something in it", "\x20x", 2, false },
        { "Start twice", "\x20", 1, true }, { "malformed", "\x80\x00", 2, true },
        { "no flags at all", "", 0, true }, { "longer than it said", "\x80\x00\x00\x00\x01xx", 7, true },
    };
    struct tls_ctx *b = ctx(false, CLIENT, TLS_1_3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host_login c = { .identity = WHO, .server_name = NAME, .tls = b };
        struct host_login_peer *p = host_login_new(&c);
        struct aka_peer_action a;
        if (rows[i].started)
            input(p, 1, EAP_TYPE_TLS, "\x20", 1, &a);
        input(p, 2, EAP_TYPE_TLS, rows[i].octets, rows[i].n, &a);
        if (a.type != AKA_PEER_FAILED || a.reason != AKA_R_MALFORMED || host_login_msk(p))
            fail_msg("%s", rows[i].what);
        host_login_free(p);
    }
    tls_ctx_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_have_the_key), cmocka_unit_test(no_commitment),
        cmocka_unit_test(server_refused),    cmocka_unit_test(client_refused),
        cmocka_unit_test(around_it),         cmocka_unit_test(against_the_rules)
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, make_certs, free_certs);
}
