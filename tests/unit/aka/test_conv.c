/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA' peer and server against each other, and the peer against recorded conversations.
 */
#include "tests/unit/aka/conv.h"

static void expect_success(struct conv *c)
{
    assert_int_equal(c->s.type, AKA_SERVER_ACCEPT);
    assert_int_equal(c->p.type, AKA_PEER_SUCCESS);
    assert_non_null(aka_server_msk(c->server));
    assert_non_null(aka_peer_msk(c->peer));
    assert_memory_equal(aka_server_msk(c->server), aka_peer_msk(c->peer), 64);
    assert_string_equal(aka_server_imsi(c->server), CONV_IMSI);
    assert_true(span_eq(aka_peer_net_name(c->peer), span_str(CONV_NAME)));
}

static void expect_failure(struct conv *c, enum aka_reason server, enum aka_reason peer)
{
    assert_int_equal(c->s.type, AKA_SERVER_REJECT);
    if (c->s.reason != server)
        fail_msg("server: %s, not %s", aka_reason_name(c->s.reason), aka_reason_name(server));
    assert_int_equal(c->p.type, AKA_PEER_FAILED);
    if (c->p.reason != peer)
        fail_msg("peer: %s, not %s", aka_reason_name(c->p.reason), aka_reason_name(peer));
    assert_null(aka_server_msk(c->server));
    assert_null(aka_peer_msk(c->peer));
}

static void test_short(void **state)
{
    struct conv c;
    conv_open(&c, false);
    conv_start(&c);
    conv_to_server(&c);
    assert_int_equal(c.s.type, AKA_SERVER_SEND);
    assert_null(aka_peer_msk(c.peer));
    conv_to_peer(&c);
    assert_int_equal(c.p.type, AKA_PEER_SEND);
    assert_true(c.p.proof);
    assert_non_null(aka_peer_msk(c.peer)); /* needed for what goes with the proof */
    assert_null(aka_server_msk(c.server));
    conv_to_server(&c);
    conv_to_peer(&c);
    expect_success(&c);
    assert_int_equal(c.requests, 1);
    assert_int_equal(c.vectors, 1);
    conv_close(&c);
}

static void test_identity_round(void **state)
{
    struct conv c;
    conv_open(&c, true);
    conv_start(&c);
    conv_run(&c);
    expect_success(&c);
    assert_int_equal(c.requests, 2);
    conv_close(&c);
    /* an identity the server has no use for in EAP-Response/Identity, the permanent one when asked */
    conv_open(&c, false);
    c.identity = "pseudonym@wlan";
    conv_start(&c);
    c.identity = CONV_NAI;
    conv_run(&c);
    expect_success(&c);
    assert_true(span_eq(aka_server_identity(c.server), span_str(CONV_NAI)));
    conv_close(&c);
}

/* The server opens with Request/Identity. */
static void test_server_starts(void **state)
{
    struct conv c;
    conv_open(&c, false);
    aka_server_start(c.server, &c.s);
    conv_server_settle(&c);
    assert_int_equal(c.s.type, AKA_SERVER_SEND);
    conv_to_peer(&c);
    conv_run(&c);
    expect_success(&c);
    conv_close(&c);
}

static void test_wrong_k(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.card.cred.k[0] ^= 1;
    conv_start(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_REJECTED, AKA_R_AUTN);
    conv_close(&c);
}

static void test_unknown(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.unknown = true;
    conv_start(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_SUBSCRIBER, AKA_R_NOTIFIED);
    conv_close(&c);
}

static void test_no_identity(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.identity = "somebody";
    conv_start(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_IDENTITY, AKA_R_NOTIFIED);
    assert_int_equal(c.vectors, 0);
    conv_close(&c);
    conv_open(&c, true);
    conv_start(&c);
    conv_to_server(&c);
    c.identity = ""; /* the owner of the peer will not show one */
    conv_to_peer(&c);
    assert_true(c.p.over);
    conv_run(&c);
    expect_failure(&c, AKA_R_CLIENT_ERROR, AKA_R_IDENTITY);
    conv_close(&c);
}

static void test_resync(void **state)
{
    struct conv c;
    conv_open(&c, true);
    sqn_usim_accept(&c.card.sqn, sqn_make(5000, 0)); /* the AuC lost its place */
    conv_start(&c);
    conv_run(&c);
    expect_success(&c);
    assert_int_equal(c.resyncs, 1);
    assert_int_equal(sqn_seq(c.auc_sqn), 5001);
    conv_close(&c);
}

static void test_resync_twice(void **state)
{
    struct conv c;
    conv_open(&c, false);
    sqn_usim_accept(&c.card.sqn, sqn_make(5000, 0));
    conv_start(&c);
    conv_to_server(&c);
    conv_to_peer(&c); /* AUTS */
    conv_to_server(&c);
    assert_int_equal(c.resyncs, 1);
    sqn_usim_accept(&c.card.sqn, sqn_make(9000, 0));
    conv_to_peer(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_CLIENT_ERROR, AKA_R_TOO_MANY);
    conv_close(&c);
}

/* AUTS that the card made for another run's challenge. */
static void test_foreign_auts(void **state)
{
    struct conv a, b;
    conv_open(&a, false);
    conv_open(&b, false);
    sqn_usim_accept(&a.card.sqn, sqn_make(5000, 0));
    b.card = a.card;
    conv_start(&a);
    conv_to_server(&a);
    conv_to_peer(&a);
    assert_int_equal(a.peer_why, AKA_R_SQN);
    conv_start(&b);
    conv_to_server(&b);
    uint8_t id = b.to_peer[1];
    uint64_t before = b.auc_sqn;
    memcpy(b.to_server, a.to_server, a.to_server_n);
    b.to_server_n = a.to_server_n;
    b.to_server[1] = id;
    conv_to_server(&b);
    assert_int_equal(b.s.type, AKA_SERVER_SEND); /* the notification */
    assert_int_equal(aka_server_reason(b.server), AKA_R_AUTS);
    assert_int_equal(b.auc_sqn, before);
    conv_to_peer(&b);
    conv_run(&b);
    expect_failure(&b, AKA_R_AUTS, AKA_R_NOTIFIED);
    conv_close(&a);
    conv_close(&b);
}

/* A challenge recorded earlier, sent again in a run of its own: the card answers with AUTS, no RES leaves. */
static void test_replayed_challenge(void **state)
{
    struct conv c;
    uint8_t challenge[1020];
    conv_open(&c, false);
    conv_start(&c);
    conv_to_server(&c);
    size_t n = c.to_peer_n;
    memcpy(challenge, c.to_peer, n);
    conv_to_peer(&c);
    conv_run(&c);
    expect_success(&c);
    aka_peer_free(c.peer);
    c.peer = aka_peer_new();
    conv_start(&c);
    memcpy(c.to_peer, challenge, n);
    c.to_peer_n = n;
    conv_to_peer(&c);
    assert_int_equal(c.p.type, AKA_PEER_SEND);
    assert_false(c.p.proof);
    assert_int_equal(c.p.reason, AKA_R_SQN);
    assert_int_equal(c.to_server[5], AKA_SUB_SYNC);
    assert_null(aka_peer_msk(c.peer));
    conv_close(&c);
}

static void test_name_refused(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.want_name = "HIP:20010021000000000000000000000002";
    conv_start(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_REJECTED, AKA_R_NET_NAME);
    assert_int_equal(c.card.sqn.seq[0], 0); /* the card was not asked */
    conv_close(&c);
}

/* A vector without the separation bit is not used for AKA', and a challenge with one is refused before the card is asked. */
static void test_separation(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.amf[0] = 0;
    conv_start(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_SEPARATION, AKA_R_NOTIFIED);
    conv_close(&c);
    conv_open(&c, false);
    conv_start(&c);
    conv_to_server(&c);
    c.to_peer[8 + 20 + 4 + 6] &= 0x7f; /* AUTN's AMF: behind the header, AT_RAND, AT_AUTN's head */
    conv_to_peer(&c);
    assert_int_equal(c.p.reason, AKA_R_SEPARATION);
    assert_int_equal(c.to_server[5], AKA_SUB_REJECT);
    assert_int_equal(c.card.sqn.seq[0], 0);
    conv_close(&c);
}

/* Each octet of the challenge changed in turn: RES never leaves. */
static void test_changed_challenge(void **state)
{
    struct conv c;
    conv_open(&c, true);
    conv_start(&c);
    conv_to_server(&c);
    conv_to_peer(&c);
    conv_to_server(&c);
    size_t n = c.to_peer_n;
    uint8_t good[1020];
    memcpy(good, c.to_peer, n);
    conv_close(&c);
    for (size_t i = 0; i < n; i++) {
        conv_open(&c, true);
        c.want_name = CONV_NAME;
        conv_start(&c);
        conv_to_server(&c);
        conv_to_peer(&c);
        memcpy(c.to_peer, good, n);
        c.to_peer_n = n;
        c.to_peer[i] ^= 0x04;
        conv_to_peer(&c);
        if (c.p.type == AKA_PEER_SEND && c.p.proof)
            fail_msg("RES was sent with octet %zu changed", i);
        assert_null(aka_peer_msk(c.peer));
        conv_close(&c);
    }
}

/* Each octet of the proof changed in turn: no success. */
static void test_changed_proof(void **state)
{
    struct conv c;
    size_t n = 1;
    for (size_t i = 0; i < n; i++) {
        conv_open(&c, false);
        conv_start(&c);
        conv_to_server(&c);
        conv_to_peer(&c);
        n = c.to_server_n;
        c.to_server[i] ^= 0x10;
        conv_to_server(&c);
        assert_int_not_equal(c.s.type, AKA_SERVER_ACCEPT);
        assert_null(aka_server_msk(c.server));
        conv_close(&c);
    }
    assert_true(n > 40);
}

/* RES wrong under a right MAC: a peer that has the keys but not the card. */
static void test_wrong_res(void **state)
{
    struct conv c;
    struct usim_auth a;
    conv_open(&c, false);
    conv_start(&c);
    conv_to_server(&c);
    aka_peer_input(c.peer, span_of(c.to_peer, c.to_peer_n), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_CHALLENGE);
    usim_card_authenticate(&c.card, c.p.rand, c.p.autn, &a);
    a.res[7] ^= 1;
    aka_peer_card(c.peer, &a, &c.p);
    conv_peer_settle(&c);
    assert_true(c.p.proof);
    conv_run(&c);
    expect_failure(&c, AKA_R_RES, AKA_R_NOTIFIED);
    conv_close(&c);
}

/* An Identity round that somebody on the way added to: the hashes of both ends differ (RFC 4187 s10.13). */
static void test_checkcode_peer(void **state)
{
    static const uint8_t more[] = { 200, 1, 0, 0 }; /* skippable */
    struct conv c;
    conv_open(&c, true);
    conv_start(&c);
    conv_to_server(&c);
    memcpy(c.to_peer + c.to_peer_n, more, sizeof more);
    c.to_peer_n += sizeof more;
    c.to_peer[3] = (uint8_t)c.to_peer_n;
    conv_to_peer(&c);
    assert_int_equal(c.to_server[5], AKA_SUB_IDENTITY); /* it is answered, and remembered */
    conv_run(&c);
    expect_failure(&c, AKA_R_CLIENT_ERROR, AKA_R_CHECKCODE);
    conv_close(&c);
}

/* The right RES and MAC beside a checkcode that is not ours. */
static void test_checkcode_server(void **state)
{
    static const struct {
        size_t n;
        bool good;
    } rows[] = { { 0, true }, { 32, false } };
    for (size_t i = 0; i < 2; i++) {
        struct conv c;
        struct usim_auth a;
        struct aka_keys k;
        uint8_t ck[16], ik[16], code[32] = { 0 };
        conv_open(&c, false);
        conv_start(&c);
        conv_to_server(&c);
        aka_peer_input(c.peer, span_of(c.to_peer, c.to_peer_n), &c.p);
        usim_card_authenticate(&c.card, c.p.rand, c.p.autn, &a);
        assert_int_equal(aka_prime_ck_ik(a.ck, a.ik, span_str(CONV_NAME), c.p.autn, ck, ik), ERR_OK);
        assert_int_equal(aka_keys_prime(ck, ik, span_str(CONV_NAI), &k), ERR_OK);
        struct aka_wr w = aka_wr_begin(c.to_server, 1020, EAP_RESPONSE, c.to_peer[1], EAP_TYPE_AKA_PRIME,
                                       AKA_SUB_CHALLENGE);
        aka_wr_attr(&w, AKA_AT_RES, span_of(a.res, a.res_len));
        aka_wr_attr(&w, AKA_AT_CHECKCODE, span_of(code, rows[i].n));
        aka_wr_mac(&w);
        assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &c.to_server_n), ERR_OK);
        conv_to_server(&c);
        assert_int_equal(c.s.type, rows[i].good ? AKA_SERVER_ACCEPT : AKA_SERVER_SEND);
        assert_int_equal(aka_server_reason(c.server), rows[i].good ? AKA_R_OK : AKA_R_CHECKCODE);
        conv_close(&c);
    }
}

/* A Synchronization-Failure of the test's own for the outstanding request. */
static void put_sync(struct conv *c, const uint8_t auts[14], const uint16_t *kdf, size_t n_kdf)
{
    struct aka_wr w =
        aka_wr_begin(c->to_server, 1020, EAP_RESPONSE, c->to_peer[1], EAP_TYPE_AKA_PRIME, AKA_SUB_SYNC);
    aka_wr_attr(&w, AKA_AT_AUTS, span_of(auts, 14));
    for (size_t i = 0; i < n_kdf; i++)
        aka_wr_u16(&w, AKA_AT_KDF, kdf[i]);
    assert_int_equal(aka_wr_end(&w, NULL, span_of(NULL, 0), &c->to_server_n), ERR_OK);
}

/* RFC 9048 s3.2: with a copy of the list, no other; and one resynchronisation a conversation. */
static void test_sync_limits(void **state)
{
    static const struct {
        uint16_t kdf[2];
        uint8_t n;
        bool good;
    } rows[] = { { { 1 }, 1, true }, { { 0 }, 0, false }, { { 2 }, 1, false }, { { 1, 2 }, 2, false } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conv c;
        uint8_t auts[14];
        conv_open(&c, false);
        conv_start(&c);
        conv_to_server(&c);
        assert_int_equal(aka_auts_make(&c.auc, c.to_peer + 12, sqn_make(50, 0), auts), ERR_OK);
        put_sync(&c, auts, rows[i].kdf, rows[i].n);
        conv_to_server(&c);
        assert_int_equal(c.resyncs, rows[i].good);
        assert_int_equal(aka_server_reason(c.server), rows[i].good ? AKA_R_OK : AKA_R_KDF);
        if (rows[i].good) {
            assert_int_equal(aka_auts_make(&c.auc, c.to_peer + 12, sqn_make(70, 0), auts), ERR_OK);
            put_sync(&c, auts, rows[i].kdf, rows[i].n);
            conv_to_server(&c);
            assert_int_equal(c.resyncs, 1);
            assert_int_equal(aka_server_reason(c.server), AKA_R_TOO_MANY);
        }
        conv_close(&c);
    }
}

/* RFC 4187 s6.1: after the proof a notification needs AT_MAC, unless P says that it comes from before. */
static void test_notifications(void **state)
{
    static const struct {
        uint16_t code;
        bool mac, bad_mac, proven;
        enum aka_reason want;
        bool over, answer_mac;
    } rows[] = {
        { AKA_NOTE_OK, true, false, true, AKA_R_OK, false, true },
        { AKA_NOTE_OK, true, true, true, AKA_R_MAC, true, false },
        { AKA_NOTE_OK, false, false, true, AKA_R_MAC, true, false },
        { AKA_NOTE_FAIL_AFTER, true, false, true, AKA_R_NOTIFIED, true, true },
        { AKA_NOTE_FAIL_AFTER, false, false, true, AKA_R_MAC, true, false },
        { AKA_NOTE_NOT_SUBSCRIBED, true, false, true, AKA_R_NOTIFIED, true, true },
        { AKA_NOTE_FAIL_BEFORE, false, false, true, AKA_R_NOTIFIED, true, false },
        { AKA_NOTE_FAIL_BEFORE, false, false, false, AKA_R_NOTIFIED, true, false },
        { AKA_NOTE_FAIL_AFTER, true, false, false, AKA_R_STATE, true, false },
        { AKA_NOTE_SUCCESS | AKA_NOTE_P, false, false, true, AKA_R_MALFORMED, true, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conv c;
        struct usim_auth a;
        struct aka_keys k = { .k_aut_len = 32 };
        uint8_t ck[16], ik[16], id = 77;
        conv_open(&c, false);
        conv_start(&c);
        if (rows[i].proven) {
            conv_to_server(&c);
            id = (uint8_t)(c.to_peer[1] + 1);
            aka_peer_input(c.peer, span_of(c.to_peer, c.to_peer_n), &c.p);
            usim_card_authenticate(&c.card, c.p.rand, c.p.autn, &a);
            assert_int_equal(aka_prime_ck_ik(a.ck, a.ik, span_str(CONV_NAME), c.p.autn, ck, ik), ERR_OK);
            assert_int_equal(aka_keys_prime(ck, ik, span_str(CONV_NAI), &k), ERR_OK);
            aka_peer_card(c.peer, &a, &c.p);
            assert_true(c.p.proof);
        }
        struct aka_wr w =
            aka_wr_begin(c.to_peer, 1020, EAP_REQUEST, id, EAP_TYPE_AKA_PRIME, AKA_SUB_NOTIFICATION);
        aka_wr_u16(&w, AKA_AT_NOTIFICATION, rows[i].code);
        if (rows[i].mac)
            aka_wr_mac(&w);
        assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &c.to_peer_n), ERR_OK);
        if (rows[i].bad_mac)
            c.to_peer[c.to_peer_n - 1] ^= 1;
        conv_to_peer(&c);
        if (c.p.type != AKA_PEER_SEND || c.p.reason != rows[i].want || c.p.over != rows[i].over)
            fail_msg("row %zu: %s, over %d", i, aka_reason_name(c.p.reason), c.p.over);
        assert_int_equal(c.to_server_n, rows[i].answer_mac                       ? 28
                                        : c.to_server[5] == AKA_SUB_NOTIFICATION ? 8
                                                                                 : 12);
        assert_int_equal(aka_peer_msk(c.peer) != NULL, rows[i].proven && !rows[i].over);
        assert_false(c.p.proof);
        conv_close(&c);
    }
}

/* A run has an end: eight requests are answered, whatever they are. */
static void test_rounds(void **state)
{
    struct conv c;
    conv_open(&c, false);
    conv_start(&c);
    for (uint8_t i = 1; i <= AKA_PEER_ROUNDS + 1; i++) {
        uint8_t note[] = { 1, i, 0, 5, EAP_TYPE_NOTIFICATION };
        aka_peer_input(c.peer, span_of(note, sizeof note), &c.p);
        assert_int_equal(c.p.type, i <= AKA_PEER_ROUNDS ? AKA_PEER_SEND : AKA_PEER_NONE);
    }
    assert_int_equal(c.p.reason, AKA_R_TOO_MANY);
    conv_close(&c);
}

static void test_card_gone(void **state)
{
    struct conv c;
    struct usim_auth a = { .verdict = USIM_UNUSABLE };
    conv_open(&c, false);
    conv_start(&c);
    conv_to_server(&c);
    aka_peer_input(c.peer, span_of(c.to_peer, c.to_peer_n), &c.p);
    aka_peer_card(c.peer, &a, &c.p);
    conv_peer_settle(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_CLIENT_ERROR, AKA_R_CARD);
    conv_close(&c);
}

/* RFC 3748 s4.1: the same request again is answered as before, another one under the same identifier not at all. */
static void test_duplicates(void **state)
{
    struct conv c;
    uint8_t proof[1020];
    conv_open(&c, false);
    conv_start(&c);
    conv_to_server(&c);
    conv_to_peer(&c);
    size_t n = c.to_server_n;
    memcpy(proof, c.to_server, n);
    conv_to_peer(&c);
    assert_int_equal(c.p.type, AKA_PEER_SEND);
    assert_int_equal(c.p.reason, AKA_R_DUPLICATE);
    assert_true(c.p.proof);
    assert_int_equal(c.to_server_n, n);
    assert_memory_equal(c.to_server, proof, n);
    c.to_peer[20] ^= 1;
    conv_to_peer(&c);
    assert_int_equal(c.p.type, AKA_PEER_NONE);
    assert_int_equal(c.p.reason, AKA_R_IDENTIFIER);
    conv_to_server(&c);
    conv_to_peer(&c);
    expect_success(&c);
    conv_to_server(&c); /* nothing after the end */
    assert_int_equal(c.s.type, AKA_SERVER_NONE);
    conv_close(&c);
}

/* EAP Success that nobody earned, and with another identifier (RFC 4187 s6.3.4, RFC 3748 s4.2). */
static void test_canned_success(void **state)
{
    struct conv c;
    uint8_t success[4] = { 3, 0, 0, 4 };
    conv_open(&c, false);
    conv_start(&c);
    aka_peer_input(c.peer, span_of(success, 4), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_NONE);
    conv_to_server(&c);
    conv_to_peer(&c);
    success[1] = (uint8_t)(c.to_server[1] + 1);
    aka_peer_input(c.peer, span_of(success, 4), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_NONE);
    assert_int_equal(c.p.reason, AKA_R_IDENTIFIER);
    success[1] = c.to_server[1];
    success[0] = 4; /* Failure while the proof is on its way: discarded (RFC 4187 s6.3.3) */
    aka_peer_input(c.peer, span_of(success, 4), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_NONE);
    conv_to_server(&c);
    conv_to_peer(&c);
    expect_success(&c);
    conv_close(&c);
}

/* After a failure notification Success is not believed. */
static void test_success_after_failure(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.unknown = true;
    conv_start(&c);
    conv_to_server(&c);
    conv_to_peer(&c);
    assert_true(c.p.over);
    uint8_t success[4] = { 3, c.to_server[1], 0, 4 };
    aka_peer_input(c.peer, span_of(success, 4), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_NONE);
    assert_null(aka_peer_msk(c.peer));
    conv_close(&c);
}

static void test_other_methods(void **state)
{
    static const uint8_t md5[] = { 1, 44, 0, 6, 4, 0 }, note[] = { 1, 45, 0, 6, 2, 'x' };
    struct conv c;
    conv_open(&c, false);
    conv_start(&c);
    aka_peer_input(c.peer, span_of(note, sizeof note), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_SEND);
    assert_int_equal(c.p.octets.n, 5);
    assert_int_equal(c.p.octets.p[4], EAP_TYPE_NOTIFICATION);
    aka_peer_input(c.peer, span_of(md5, sizeof md5), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_SEND);
    assert_int_equal(c.p.octets.n, 6);
    assert_int_equal(c.p.octets.p[4], EAP_TYPE_NAK);
    assert_int_equal(c.p.octets.p[5], EAP_TYPE_AKA_PRIME);
    /* and at the server: Nak ends it */
    aka_server_input(c.server, span_of((uint8_t[]){ 2, 0, 0, 12, 1, 'w', 'h', 'o', 'e', 'v', 'e', 'r' }, 12),
                     &c.s);
    conv_server_settle(&c);
    assert_int_equal(c.s.type, AKA_SERVER_SEND);
    uint8_t nak[6] = { 2, c.to_peer[1], 0, 6, EAP_TYPE_NAK, EAP_TYPE_AKA };
    aka_server_input(c.server, span_of(nak, 6), &c.s);
    assert_int_equal(c.s.type, AKA_SERVER_REJECT);
    assert_int_equal(c.s.reason, AKA_R_NAK);
    conv_close(&c);
}

/* A challenge with this list of key derivation functions, AT_MAC not yet of interest. */
static size_t challenge_with(uint8_t *b, uint8_t id, const uint16_t *kdf, size_t n_kdf)
{
    static const uint8_t rand[16] = { 1 }, autn[16] = { 2, 2, 2, 2, 2, 2, 0x80 };
    struct aka_keys k = { .k_aut_len = 32 };
    size_t n = 0;
    struct aka_wr w = aka_wr_begin(b, 1020, EAP_REQUEST, id, EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RAND, span_of(rand, 16));
    aka_wr_attr(&w, AKA_AT_AUTN, span_of(autn, 16));
    for (size_t i = 0; i < n_kdf; i++)
        aka_wr_u16(&w, AKA_AT_KDF, kdf[i]);
    aka_wr_attr(&w, AKA_AT_KDF_INPUT, span_str("WLAN"));
    aka_wr_mac(&w);
    assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &n), ERR_OK);
    return n;
}

static void test_kdf(void **state)
{
    static const struct {
        uint16_t first[3], second[4];
        uint8_t n1, n2;
        enum aka_reason want; /* OK: the card was asked */
    } rows[] = {
        { { 1 }, { 0 }, 1, 0, AKA_R_OK },          { { 1, 2 }, { 0 }, 2, 0, AKA_R_OK },
        { { 2, 1 }, { 1, 2, 1 }, 2, 3, AKA_R_OK }, { { 2, 1 }, { 1, 2 }, 2, 2, AKA_R_KDF },
        { { 2, 1 }, { 2, 1 }, 2, 2, AKA_R_KDF },   { { 2, 1 }, { 1, 1 }, 2, 2, AKA_R_KDF },
        { { 2, 3 }, { 0 }, 2, 0, AKA_R_KDF },      { { 1, 1 }, { 0 }, 2, 0, AKA_R_KDF },
        { { 0 }, { 0 }, 0, 0, AKA_R_KDF },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conv c;
        conv_open(&c, false);
        conv_start(&c);
        c.to_peer_n = challenge_with(c.to_peer, 9, rows[i].first, rows[i].n1);
        aka_peer_input(c.peer, span_of(c.to_peer, c.to_peer_n), &c.p);
        if (rows[i].n2) {
            static const uint8_t choice[] = { 2, 9, 0, 12, 50, 1, 0, 0, 24, 1, 0, 1 };
            assert_int_equal(c.p.type, AKA_PEER_SEND);
            assert_int_equal(c.p.octets.n, sizeof choice);
            assert_memory_equal(c.p.octets.p, choice, sizeof choice);
            c.to_peer_n = challenge_with(c.to_peer, 10, rows[i].second, rows[i].n2);
            aka_peer_input(c.peer, span_of(c.to_peer, c.to_peer_n), &c.p);
        }
        if (rows[i].want == AKA_R_OK ? c.p.type != AKA_PEER_CHALLENGE : c.p.reason != rows[i].want)
            fail_msg("row %zu: action %d, %s", i, (int)c.p.type, aka_reason_name(c.p.reason));
        conv_close(&c);
    }
}

/* RFC 4187 s4.1: at most three identity requests, each for more than the one before. */
static void test_identity_order(void **state)
{
    static const struct {
        enum aka_at ask[4];
        uint8_t n;
        bool good;
    } rows[] = {
        { { AKA_AT_ANY_ID_REQ, AKA_AT_FULLAUTH_ID_REQ, AKA_AT_PERMANENT_ID_REQ }, 3, true },
        { { AKA_AT_PERMANENT_ID_REQ }, 1, true },
        { { AKA_AT_FULLAUTH_ID_REQ, AKA_AT_ANY_ID_REQ }, 2, false },
        { { AKA_AT_PERMANENT_ID_REQ, AKA_AT_FULLAUTH_ID_REQ }, 2, false },
        { { AKA_AT_PERMANENT_ID_REQ, AKA_AT_PERMANENT_ID_REQ }, 2, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conv c;
        conv_open(&c, false);
        conv_start(&c);
        for (uint8_t j = 0; j < rows[i].n; j++) {
            struct aka_wr w = aka_wr_begin(c.to_peer, 1020, EAP_REQUEST, (uint8_t)(j + 1), EAP_TYPE_AKA_PRIME,
                                           AKA_SUB_IDENTITY);
            aka_wr_u16(&w, rows[i].ask[j], 0);
            assert_int_equal(aka_wr_end(&w, NULL, span_of(NULL, 0), &c.to_peer_n), ERR_OK);
            conv_to_peer(&c);
            assert_int_equal(c.p.type, AKA_PEER_SEND);
        }
        if (c.p.over == rows[i].good)
            fail_msg("row %zu", i);
        conv_close(&c);
    }
}

/* ---- EAP-AKA ---- */

#define CONV_AKA_NAI "0001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"

static void open_aka(struct conv *c, uint8_t first, uint8_t second, bool allowed)
{
    struct aka_server_config conf = { .env = &conv_env, .net_name = CONV_NAME, .methods = { first, second } };
    conv_open_with(c, &conf);
    c->identity = CONV_AKA_NAI;
    if (allowed)
        aka_peer_allow_aka(c->peer);
}

static void test_aka(void **state)
{
    struct conv c;
    open_aka(&c, EAP_TYPE_AKA, 0, true);
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.p.type, AKA_PEER_SUCCESS);
    assert_memory_equal(aka_server_msk(c.server), aka_peer_msk(c.peer), 64);
    assert_int_equal(aka_peer_method(c.peer), EAP_TYPE_AKA);
    assert_int_equal(aka_peer_net_name(c.peer).n, 0);
    conv_close(&c);
    open_aka(&c, EAP_TYPE_AKA, 0, true); /* and after a resynchronisation, without AT_KDF */
    sqn_usim_accept(&c.card.sqn, sqn_make(5000, 0));
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.p.type, AKA_PEER_SUCCESS);
    assert_int_equal(c.resyncs, 1);
    conv_close(&c);
}

/* Not allowed: Nak, which says what there is. */
static void test_aka_not_allowed(void **state)
{
    struct conv c;
    open_aka(&c, EAP_TYPE_AKA, 0, false);
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.to_server[4], EAP_TYPE_NAK);
    assert_int_equal(c.to_server_n, 6);
    assert_int_equal(c.to_server[5], EAP_TYPE_AKA_PRIME);
    assert_int_equal(c.s.reason, AKA_R_NAK);
    conv_close(&c);
    open_aka(&c, EAP_TYPE_AKA, EAP_TYPE_AKA_PRIME, false); /* and the server goes on with it */
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.p.type, AKA_PEER_SUCCESS);
    assert_int_equal(aka_peer_method(c.peer), EAP_TYPE_AKA_PRIME);
    conv_close(&c);
}

/* AKA' was to be had (RFC 9048 s4 MUST): as a bad AUTN, and the card is not asked. */
static void test_bidding(void **state)
{
    struct conv c;
    open_aka(&c, EAP_TYPE_AKA, EAP_TYPE_AKA_PRIME, true);
    conv_start(&c);
    conv_run(&c);
    expect_failure(&c, AKA_R_REJECTED, AKA_R_BIDDING);
    assert_int_equal(c.card.sqn.seq[0], 0);
    conv_close(&c);
}

/* A challenge of AKA whose AUTN was made for AKA'. */
static void test_separated_aka(void **state)
{
    struct conv c;
    open_aka(&c, EAP_TYPE_AKA, 0, true);
    conv_start(&c);
    conv_to_server(&c);
    c.to_peer[8 + 20 + 4 + 6] |= AKA_AMF_SEP;
    conv_to_peer(&c);
    assert_int_equal(c.p.reason, AKA_R_SEPARATION);
    assert_int_equal(c.to_server[5], AKA_SUB_REJECT);
    assert_int_equal(c.card.sqn.seq[0], 0);
    conv_close(&c);
}

/* Once it has begun, a method stays. */
static void test_no_change_of_method(void **state)
{
    static const uint8_t other[] = { 1, 200, 0, 12, EAP_TYPE_AKA, AKA_SUB_IDENTITY, 0, 0, 10, 1, 0, 0 };
    struct conv c;
    conv_open(&c, true);
    aka_peer_allow_aka(c.peer);
    conv_start(&c);
    conv_to_server(&c);
    conv_to_peer(&c);
    aka_peer_input(c.peer, span_of(other, sizeof other), &c.p);
    assert_int_equal(c.p.type, AKA_PEER_NONE);
    assert_int_equal(c.p.reason, AKA_R_METHOD);
    conv_to_server(&c);
    conv_to_peer(&c);
    conv_to_server(&c);
    conv_to_peer(&c);
    expect_success(&c);
    conv_close(&c);
}

/* ---- pseudonyms ---- */

/* There from the proof on, gone when the run fails. */
static void test_next_pseudonym(void **state)
{
    struct conv c;
    conv_open(&c, false);
    c.pseudonym = "7abc";
    conv_start(&c);
    conv_to_server(&c);
    assert_int_equal(aka_peer_pseudonym(c.peer).n, 0);
    conv_to_peer(&c);
    assert_true(span_eq(aka_peer_pseudonym(c.peer), span_str("7abc")));
    c.to_server[c.to_server_n - 1] ^= 1; /* the proof is spoilt on its way */
    conv_to_server(&c);
    conv_to_peer(&c);
    assert_int_equal(aka_peer_pseudonym(c.peer).n, 0);
    conv_close(&c);
}

/* The peer against what hostapd sent, recorded: every response must come out octet for octet. */
static void replay(const json_t *t, bool resync)
{
    struct conv c;
    char identity[256] = "";
    uint8_t sqn_ms[6];
    json_t *list = json_object_get(t, "packets");
    conv_open(&c, false);
    if (strcmp(vec_str(t, "method"), "EAP-AKA") == 0)
        aka_peer_allow_aka(c.peer);
    vec_fixed(t, "k", c.card.cred.k, 16);
    vec_fixed(t, "opc", c.card.cred.opc, 16);
    if (resync) {
        vec_fixed(t, "sqn_ms", sqn_ms, 6);
        sqn_usim_accept(&c.card.sqn, sqn_get(sqn_ms));
        c.card.sqn.l = 1000; /* theirs had one number for all indices */
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);
        uint8_t b[1020];
        size_t n = vec_hex(p, "packet", b, sizeof b);
        if (strcmp(vec_str(p, "sender"), "server") == 0) {
            memcpy(c.to_peer, b, n);
            c.to_peer_n = n;
        } else if (i == 0) { /* the Request/Identity before it was not recorded */
            memcpy(identity, b + 5, n - 5);
            c.identity = identity;
            c.to_peer_n = eap_write(c.to_peer, sizeof c.to_peer, EAP_REQUEST, b[1], 1, span_of(NULL, 0));
            conv_to_peer(&c);
        }
        if (strcmp(vec_str(p, "sender"), "server") == 0)
            conv_to_peer(&c);
        else if (c.to_server_n != n || memcmp(c.to_server, b, n) != 0)
            fail_msg("%s: response %zu differs", vec_str(t, "comment"), i);
    }
    if (vec_valid(t)) {
        assert_int_equal(c.p.type, AKA_PEER_SUCCESS);
        vec_same(t, "msk", aka_peer_msk(c.peer), 64);
    } else {
        assert_int_equal(c.p.type, AKA_PEER_FAILED);
        assert_int_equal(c.p.reason, AKA_R_AUTN);
        assert_null(aka_peer_msk(c.peer));
    }
    conv_close(&c);
}

/* An AuC that does not keep the two methods' vectors apart: EAP-AKA with the separation bit in AUTN. */
static bool foreign(const json_t *t)
{
    uint8_t autn[16];
    vec_fixed(t, "autn", autn, sizeof autn);
    return strcmp(vec_str(t, "method"), "EAP-AKA") == 0 && aka_autn_separated(autn);
}

/* Its conversation goes as recorded up to the challenge, which our peer does not answer with RES. */
static void refuse(const json_t *t)
{
    struct conv c;
    char identity[256] = "";
    json_t *list = json_object_get(t, "packets");
    conv_open(&c, false);
    aka_peer_allow_aka(c.peer);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);
        if (i == 0) {
            uint8_t b[1020];
            size_t n = vec_hex(p, "packet", b, sizeof b);
            memcpy(identity, b + 5, n - 5);
            c.identity = identity;
            conv_start(&c);
        } else if (strcmp(vec_str(p, "sender"), "server") == 0 && c.p.type == AKA_PEER_SEND && !c.p.over) {
            c.to_peer_n = vec_hex(p, "packet", c.to_peer, sizeof c.to_peer);
            conv_to_peer(&c);
        }
    }
    assert_int_equal(c.peer_why, AKA_R_SEPARATION);
    assert_null(aka_peer_msk(c.peer));
    conv_close(&c);
}

static void test_recorded(void **state)
{
    static const char *const types[] = { "EapAkaTest", "EapAkaResyncTest", "EapAkaRejectTest" };
    unsigned n = 0, foreigners = 0;
    for (size_t i = 0; i < 3; i++) {
        struct vec_walk w = vec_open("eap-aka", types[i]);
        for (json_t *t; (t = vec_next(&w));)
            if (foreign(t))
                refuse(t), foreigners++;
            else
                replay(t, i == 1), n++;
    }
    assert_true(n >= 5 && foreigners >= 1);
}

/* The server with a recorded vector and identity comes to the recorded MSK. */
static void test_recorded_server(void **state)
{
    struct vec_walk w = vec_open("eap-aka", "EapAkaTest");
    unsigned n = 0;
    for (json_t *t; (t = vec_next(&w));) {
        struct conv c;
        struct aka_server_config conf = { .env = &conv_env };
        struct aka_vector v = { .res_len = 8 };
        char id[256] = "";
        bool prime = strcmp(vec_str(t, "method"), "EAP-AKA'") == 0;
        if (foreign(t))
            continue;
        conv_open(&c, false);
        aka_server_free(c.server);
        if (prime)
            vec_hex(t, "network_name", (uint8_t *)conf.net_name, sizeof conf.net_name - 1);
        else
            memcpy(conf.net_name, "unused", sizeof "unused");
        conf.methods[0] = prime ? EAP_TYPE_AKA_PRIME : EAP_TYPE_AKA;
        aka_peer_allow_aka(c.peer);
        c.server = aka_server_new(&conf);
        vec_hex(t, "identity", (uint8_t *)id, sizeof id - 1);
        c.identity = id;
        vec_fixed(t, "k", c.card.cred.k, 16);
        vec_fixed(t, "opc", c.card.cred.opc, 16);
        vec_fixed(t, "rand", v.rand, 16);
        vec_fixed(t, "autn", v.autn, 16);
        vec_fixed(t, "res", v.res, 8);
        vec_fixed(t, "ck", v.ck, 16);
        vec_fixed(t, "ik", v.ik, 16);
        conv_start(&c);
        aka_server_input(c.server, span_of(c.to_server, c.to_server_n), &c.s);
        assert_int_equal(c.s.type, AKA_SERVER_VECTOR);
        aka_server_vector(c.server, AKA_AUC_OK, &v, &c.s);
        conv_server_settle(&c);
        conv_to_peer(&c);
        conv_run(&c);
        assert_int_equal(c.s.type, AKA_SERVER_ACCEPT);
        vec_same(t, "msk", aka_server_msk(c.server), 64);
        conv_close(&c);
        n++;
    }
    assert_true(n >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_identity_round),
        cmocka_unit_test(test_server_starts),
        cmocka_unit_test(test_wrong_k),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_no_identity),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_resync_twice),
        cmocka_unit_test(test_foreign_auts),
        cmocka_unit_test(test_replayed_challenge),
        cmocka_unit_test(test_name_refused),
        cmocka_unit_test(test_separation),
        cmocka_unit_test(test_changed_challenge),
        cmocka_unit_test(test_changed_proof),
        cmocka_unit_test(test_wrong_res),
        cmocka_unit_test(test_checkcode_peer),
        cmocka_unit_test(test_checkcode_server),
        cmocka_unit_test(test_sync_limits),
        cmocka_unit_test(test_notifications),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_card_gone),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_canned_success),
        cmocka_unit_test(test_success_after_failure),
        cmocka_unit_test(test_other_methods),
        cmocka_unit_test(test_kdf),
        cmocka_unit_test(test_identity_order),
        cmocka_unit_test(test_aka),
        cmocka_unit_test(test_aka_not_allowed),
        cmocka_unit_test(test_bidding),
        cmocka_unit_test(test_separated_aka),
        cmocka_unit_test(test_no_change_of_method),
        cmocka_unit_test(test_next_pseudonym),
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_recorded_server),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
