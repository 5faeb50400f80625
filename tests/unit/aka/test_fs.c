/* SPDX-License-Identifier: Apache-2.0
 * EAP-AKA' with forward secrecy (RFC 9678): both ends with each other, each against messages that the other never sends, and what hipvec does not
 * look at of the keys. The vectors: test-vectors/aka/eap-aka-prime-fs.json. */
#include "tests/unit/aka/conv.h"

#include "aka/fs.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"

static struct env env;

static void test_value(void **state)
{
    static const uint16_t kdfs[] = { AKA_FS_X25519, AKA_FS_P256 };
    for (size_t i = 0; i < 2; i++) {
        struct dh_key *a = aka_fs_generate(kdfs[i], &env), *b = aka_fs_generate(kdfs[i], &env);
        uint8_t value[40] = { 0 }, x[32], y[32];
        assert_non_null(a);
        assert_non_null(b);
        size_t n = aka_fs_public(kdfs[i], b, value);
        assert_int_equal(aka_fs_shared(kdfs[i], a, span_of(value, 34), x),
                         ERR_OK); /* as it stands in the attribute */
        memset(value, 0, sizeof value);
        assert_int_equal(aka_fs_public(kdfs[i], a, value), n);
        assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, 34), y), ERR_OK);
        assert_memory_equal(x, y, 32);
        value[n] = 1; /* the padding is zeros */
        if (n < 34)
            assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, 34), y), ERR_MALFORMED);
        value[n] = 0;
        assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, n - 1), y), ERR_MALFORMED);
        assert_int_equal(aka_fs_shared(kdfs[i], b, span_of(value, n + 4), y), ERR_MALFORMED);
        assert_int_equal(aka_fs_shared(3, b, span_of(value, 34), y), ERR_MALFORMED);
        dh_free(a);
        dh_free(b);
    }
    assert_null(aka_fs_generate(0, &env));
    assert_null(aka_fs_generate(3, &env));
}

/* Inner keys are those of EAP-AKA' without it; what leaves the method is not (RFC 9678 s6.3). */
static void test_same_inside(void **state)
{
    static const uint8_t ck[16] = { 1 }, ik[16] = { 2 }, shared[32] = { 3 }, other[32] = { 4 };
    struct aka_keys plain, fs, fs2;
    struct span id = span_str("6001010000000001@x");
    assert_int_equal(aka_keys_prime(ck, ik, id, &plain), ERR_OK);
    assert_int_equal(aka_keys_fs(ck, ik, shared, id, &fs), ERR_OK);
    assert_int_equal(aka_keys_fs(ck, ik, other, id, &fs2), ERR_OK);
    assert_memory_equal(plain.k_aut, fs.k_aut, sizeof plain.k_aut);
    assert_memory_equal(plain.k_encr, fs.k_encr, sizeof plain.k_encr);
    assert_int_equal(fs.k_aut_len, 32);
    assert_memory_not_equal(plain.msk, fs.msk, sizeof plain.msk);
    assert_memory_not_equal(plain.emsk, fs.emsk, sizeof plain.emsk);
    assert_memory_not_equal(plain.k_re, fs.k_re, sizeof plain.k_re);
    assert_memory_not_equal(fs.msk, fs2.msk, sizeof plain.msk);
    assert_int_equal(aka_keys_fs(ck, ik, shared, span_of(NULL, 0), &fs), ERR_RANGE);
}

/* ---- both ends ---- */

static const struct aka_server_config offers = { .env = &conv_env, .net_name = CONV_NAME, .fs = { 1, 2 } };

static void open_fs(struct conv *c, const struct aka_server_config *conf)
{
    conv_open_with(c, conf);
    aka_peer_forward_secrecy(c->peer, &env, false);
}

static struct aka_msg parsed(const uint8_t *p, size_t n)
{
    struct eap_pkt pkt;
    struct aka_msg m;
    assert_int_equal(eap_parse(span_of(p, n), &pkt), ERR_OK);
    assert_int_equal(aka_msg_parse(&pkt, &m), AKA_R_OK);
    return m;
}

static void test_both(void **state)
{
    for (uint16_t first = 1; first <= 2; first++) {
        struct aka_server_config conf = offers;
        struct conv c;
        conf.fs[0] = first;
        conf.fs[1] = first == 1 ? 2 : 0;
        open_fs(&c, &conf);
        conv_start(&c);
        conv_run(&c);
        assert_int_equal(c.s.type, AKA_SERVER_ACCEPT);
        assert_int_equal(c.p.type, AKA_PEER_SUCCESS);
        assert_true(aka_server_fs(c.server) && aka_peer_fs(c.peer));
        assert_memory_equal(aka_server_msk(c.server), aka_peer_msk(c.peer), 64);
        conv_close(&c);
    }
}

/* Who does not take part: as if it had not been offered, unless it is demanded. */
static void test_one_side(void **state)
{
    struct aka_server_config conf = offers;
    struct conv c;
    conv_open_with(&c, &conf);
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.s.type, AKA_SERVER_ACCEPT);
    assert_false(aka_server_fs(c.server) || aka_peer_fs(c.peer));
    conv_close(&c);
    conf.fs_required = true;
    conv_open_with(&c, &conf);
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.s.type, AKA_SERVER_REJECT);
    assert_int_equal(c.s.reason, AKA_R_FS);
    conv_close(&c);
    conf = (struct aka_server_config){ .env = &conv_env, .net_name = CONV_NAME };
    conv_open_with(&c, &conf);
    aka_peer_forward_secrecy(c.peer, &env, true);
    conv_start(&c);
    conv_run(&c);
    assert_int_equal(c.s.reason, AKA_R_REJECTED);
    assert_int_equal(c.peer_why, AKA_R_FS);
    assert_int_equal(c.card.sqn.seq[0], 0); /* the card was not asked */
    conv_close(&c);
}

/* A key for each challenge: after a resynchronisation another one. */
static void test_resync(void **state)
{
    struct conv c;
    uint8_t first[34];
    open_fs(&c, &offers);
    sqn_usim_accept(&c.card.sqn, sqn_make(70, 0));
    conv_start(&c);
    conv_to_server(&c);
    memcpy(first, parsed(c.to_peer, c.to_peer_n).value[AKA_AT_PUB_ECDHE].p, sizeof first);
    conv_to_peer(&c);
    assert_int_equal(c.to_server[5], AKA_SUB_SYNC);
    conv_to_server(&c);
    assert_memory_not_equal(parsed(c.to_peer, c.to_peer_n).value[AKA_AT_PUB_ECDHE].p, first, sizeof first);
    conv_to_peer(&c);
    conv_run(&c);
    assert_int_equal(c.s.type, AKA_SERVER_ACCEPT);
    assert_int_equal(c.resyncs, 1);
    assert_true(aka_server_fs(c.server));
    conv_close(&c);
}

/* ---- a server of the test's, whose lists and keys are what they like; its MAC is right ---- */

struct lies {
    uint16_t kdf[6];
    uint8_t n;
    uint8_t public[40];
    size_t public_n;
};

static void inner_keys(const struct aka_cred *c, const uint8_t *rand, const uint8_t *autn,
                       struct aka_vector *v, struct aka_keys *k)
{
    uint8_t ck[16], ik[16];
    uint64_t sqn;
    assert_int_equal(aka_autn_open(c, rand, autn, &sqn, v), ERR_OK);
    assert_int_equal(aka_prime_ck_ik(v->ck, v->ik, span_str(CONV_NAME), v->autn, ck, ik), ERR_OK);
    assert_int_equal(aka_keys_prime(ck, ik, span_str(CONV_NAI), k), ERR_OK);
}

static void challenge(struct conv *c, const struct lies *l, uint8_t id)
{
    struct aka_vector v, o;
    struct aka_keys k;
    uint8_t rand[16];
    assert_int_equal(sqn_next(c->auc_sqn, 0, &c->auc_sqn), ERR_OK);
    conv_random(NULL, rand, sizeof rand);
    assert_int_equal(aka_vector_make(&c->auc, c->auc_sqn, c->amf, rand, &v), ERR_OK);
    inner_keys(&c->auc, rand, v.autn, &o, &k);
    struct aka_wr w =
        aka_wr_begin(c->to_peer, sizeof c->to_peer, EAP_REQUEST, id, EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RAND, span_of(rand, 16));
    aka_wr_attr(&w, AKA_AT_AUTN, span_of(v.autn, 16));
    aka_wr_u16(&w, AKA_AT_KDF, AKA_KDF_DEFAULT);
    aka_wr_attr(&w, AKA_AT_KDF_INPUT, span_str(CONV_NAME));
    for (uint8_t i = 0; i < l->n; i++)
        aka_wr_u16(&w, AKA_AT_KDF_FS, l->kdf[i]);
    if (l->public_n)
        aka_wr_attr(&w, AKA_AT_PUB_ECDHE, span_of(l->public, l->public_n));
    aka_wr_mac(&w);
    assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &c->to_peer_n), ERR_OK);
    conv_to_peer(c);
}

static void public_of(struct lies *l, uint16_t kdf)
{
    struct dh_key *d = aka_fs_generate(kdf, &env);
    l->public_n = aka_fs_public(kdf, d, l->public);
    dh_free(d);
}

static void begin(struct conv *c)
{
    open_fs(c, &offers);
    conv_start(c);
}

static void expect(struct conv *c, enum aka_reason why, uint8_t subtype)
{
    assert_int_equal(c->p.type, AKA_PEER_SEND);
    if (c->p.reason != why || c->to_server[5] != subtype)
        fail_msg("%s, subtype %u", aka_reason_name(c->p.reason), c->to_server[5]);
    assert_int_equal(c->p.proof, why == AKA_R_OK && parsed(c->to_server, c->to_server_n).has[AKA_AT_RES]);
    assert_true(c->p.proof || !aka_peer_msk(c->peer)); /* no RES left, no keys */
}

/* RFC 9678 s6.2: the list the peer gets. */
static void test_lists(void **state)
{
    static const struct {
        uint16_t kdf[4];
        uint8_t n;
        enum aka_reason why;
        uint8_t subtype;
        uint16_t uses; /* 0: none; of a proof */
    } rows[] = {
        { { 1 }, 1, AKA_R_OK, AKA_SUB_CHALLENGE, 1 },
        { { 2, 1 }, 2, AKA_R_OK, AKA_SUB_CHALLENGE, 2 },
        { { 1, 9 }, 2, AKA_R_OK, AKA_SUB_CHALLENGE, 1 },
        { { 9 }, 1, AKA_R_OK, AKA_SUB_CHALLENGE, 0 }, /* nothing of ours: as without */
        { { 1, 1 }, 2, AKA_R_FS, AKA_SUB_REJECT, 0 },
        { { 1, 2, 1 }, 3, AKA_R_FS, AKA_SUB_REJECT, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conv c;
        struct lies l = { .n = rows[i].n };
        memcpy(l.kdf, rows[i].kdf, sizeof rows[i].kdf);
        public_of(&l, rows[i].uses ? rows[i].uses : 1);
        begin(&c);
        challenge(&c, &l, 1);
        expect(&c, rows[i].why, rows[i].subtype);
        if (rows[i].why == AKA_R_OK) {
            assert_int_equal(aka_peer_fs(c.peer), rows[i].uses != 0);
            assert_int_equal(parsed(c.to_server, c.to_server_n).has[AKA_AT_PUB_ECDHE], rows[i].uses != 0);
        }
        conv_close(&c);
    }
}

/* s6.5.3: one of the two attributes alone is none. */
static void test_one_attribute(void **state)
{
    for (int which = 0; which < 2; which++) {
        struct conv c;
        struct lies l = { .kdf = { 1 }, .n = which ? 1 : 0 };
        if (!which)
            public_of(&l, 1);
        begin(&c);
        challenge(&c, &l, 1);
        expect(&c, AKA_R_OK, AKA_SUB_CHALLENGE);
        assert_false(aka_peer_fs(c.peer));
        conv_close(&c);
    }
}

/* The peer's choice, and what may come behind it. */
static void test_peer_chooses(void **state)
{
    static const struct {
        uint16_t kdf[4];
        uint8_t n;
        enum aka_reason why;
    } rows[] = {
        { { 2, 9, 2 }, 3, AKA_R_OK }, { { 9, 2 }, 2, AKA_R_FS },    { { 2, 2, 9 }, 3, AKA_R_FS },
        { { 2, 9 }, 2, AKA_R_FS },    { { 1, 9, 2 }, 3, AKA_R_FS }, { { 2, 9, 2, 1 }, 4, AKA_R_FS },
        { { 2, 9, 1 }, 3, AKA_R_FS }, { { 0 }, 0, AKA_R_FS },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conv c;
        struct lies l = { .kdf = { 9, 2 }, .n = 2, .public = { 5 }, .public_n = 34 };
        begin(&c);
        challenge(&c, &l, 1);
        expect(&c, AKA_R_OK, AKA_SUB_CHALLENGE);
        struct aka_msg m = parsed(c.to_server, c.to_server_n);
        assert_int_equal(m.n_kdf_fs, 1);
        assert_int_equal(m.kdf_fs[0], 2);
        assert_false(m.has[AKA_AT_RES] || m.has[AKA_AT_MAC] || m.has[AKA_AT_PUB_ECDHE] || m.n_kdf);
        assert_int_equal(c.card.sqn.seq[0], 0); /* the card was not asked */
        memcpy(l.kdf, rows[i].kdf, sizeof rows[i].kdf);
        l.n = rows[i].n;
        public_of(&l, 2);
        if (!l.n)
            l.public_n = 0;
        challenge(&c, &l, 2);
        expect(&c, rows[i].why, rows[i].why == AKA_R_OK ? AKA_SUB_CHALLENGE : AKA_SUB_CLIENT_ERROR);
        conv_close(&c);
    }
}

/* A key that came with another challenge of this run before; a list that is another after a resynchronisation. */
static void test_stale(void **state)
{
    for (int what = 0; what < 3; what++) {
        struct conv c;
        struct lies l = { .kdf = { 1, 2 }, .n = 2 };
        public_of(&l, 1);
        begin(&c);
        sqn_usim_accept(&c.card.sqn, sqn_make(1, 0));
        challenge(&c, &l, 1);
        expect(&c, AKA_R_SQN, AKA_SUB_SYNC);
        if (what == 1)
            public_of(&l, 1);
        if (what == 2) {
            public_of(&l, 1);
            l.n = 1;
        }
        challenge(&c, &l, 2);
        expect(&c, what == 1 ? AKA_R_OK : AKA_R_FS, what == 1 ? AKA_SUB_CHALLENGE : AKA_SUB_CLIENT_ERROR);
        conv_close(&c);
    }
}

/* s6.3: a value that is no key, or that leaves nothing of ours in the secret. */
static void test_bad_server_keys(void **state)
{
    static const struct {
        uint16_t kdf;
        uint8_t first, rest;
        size_t n;
    } rows[] = { { 1, 0, 0, 32 },    { 1, 1, 0, 32 }, { 1, 9, 0, 30 }, { 1, 9, 1, 34 },
                 { 2, 2, 0xff, 33 }, { 2, 4, 7, 33 }, { 2, 2, 7, 30 }, { 1, 9, 0, 38 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conv c;
        struct lies l = { .kdf = { rows[i].kdf }, .n = 1, .public_n = rows[i].n };
        memset(l.public, rows[i].rest, sizeof l.public);
        l.public[0] = rows[i].first;
        begin(&c);
        challenge(&c, &l, 1);
        expect(&c, AKA_R_FS, AKA_SUB_CLIENT_ERROR);
        conv_close(&c);
    }
}

/* ---- a peer of the test's ---- */

static void to_challenge(struct conv *c)
{
    open_fs(c, &offers);
    conv_start(c);
    conv_to_server(c);
}

static void choose(struct conv *c, uint16_t kdf)
{
    struct aka_wr w = aka_wr_begin(c->to_server, sizeof c->to_server, EAP_RESPONSE, c->to_peer[1],
                                   EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE);
    aka_wr_u16(&w, AKA_AT_KDF_FS, kdf);
    assert_int_equal(aka_wr_end(&w, NULL, span_of(NULL, 0), &c->to_server_n), ERR_OK);
    conv_to_server(c);
}

static void test_server_is_chosen_for(void **state)
{
    struct conv c;
    to_challenge(&c);
    struct aka_msg m = parsed(c.to_peer, c.to_peer_n);
    assert_int_equal(m.n_kdf_fs, 2);
    choose(&c, 2);
    assert_int_equal(c.s.type, AKA_SERVER_SEND);
    m = parsed(c.to_peer, c.to_peer_n);
    assert_int_equal(m.n_kdf_fs, 3);
    assert_int_equal(m.kdf_fs[0] << 8 | m.kdf_fs[1] << 4 | m.kdf_fs[2], 0x212);
    assert_true(m.value[AKA_AT_PUB_ECDHE].p[0] == 2 || m.value[AKA_AT_PUB_ECDHE].p[0] == 3);
    choose(&c, 1); /* once is enough */
    conv_to_peer(&c);
    assert_int_equal(aka_server_reason(c.server), AKA_R_FS);
    conv_close(&c);
    static const uint16_t wrong[] = { 1, 0, 9 };
    for (size_t i = 0; i < 3; i++) {
        to_challenge(&c);
        choose(&c, wrong[i]);
        assert_int_equal(aka_server_reason(c.server), AKA_R_FS);
        conv_close(&c);
    }
    struct aka_server_config without = { .env = &conv_env, .net_name = CONV_NAME };
    conv_open_with(&c, &without);
    conv_start(&c);
    conv_to_server(&c);
    choose(&c, 1);
    assert_int_equal(aka_server_reason(c.server), AKA_R_FS);
    conv_close(&c);
}

/* RES and AT_MAC right, AT_PUB_ECDHE as given. */
static void answer(struct conv *c, const uint8_t *value, size_t n)
{
    struct aka_msg m = parsed(c->to_peer, c->to_peer_n);
    struct aka_vector v;
    struct aka_keys k;
    inner_keys(&c->auc, m.value[AKA_AT_RAND].p, m.value[AKA_AT_AUTN].p, &v, &k);
    struct aka_wr w = aka_wr_begin(c->to_server, sizeof c->to_server, EAP_RESPONSE, m.id, EAP_TYPE_AKA_PRIME,
                                   AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RES, span_of(v.res, v.res_len));
    aka_wr_attr(&w, AKA_AT_PUB_ECDHE, span_of(value, n));
    aka_wr_mac(&w);
    assert_int_equal(aka_wr_end(&w, &k, span_of(NULL, 0), &c->to_server_n), ERR_OK);
    conv_to_server(c);
}

static void test_bad_peer_keys(void **state)
{
    struct conv c;
    struct lies l;
    public_of(&l, 1);
    to_challenge(&c);
    answer(&c, l.public, l.public_n); /* a good one, so that the bad ones are what fails below */
    assert_int_equal(c.s.type, AKA_SERVER_ACCEPT);
    assert_true(aka_server_fs(c.server));
    conv_close(&c);
    for (int what = 0; what < 3; what++) {
        uint8_t value[34] = { 0 };
        to_challenge(&c);
        if (what == 0)
            memcpy(value, parsed(c.to_peer, c.to_peer_n).value[AKA_AT_PUB_ECDHE].p,
                   34); /* the server's own */
        if (what == 1)
            memset(value, 3, sizeof value); /* no zeros behind it */
        answer(&c, value, 34);
        assert_int_equal(aka_server_reason(c.server), AKA_R_FS);
        assert_null(aka_server_msk(c.server));
        conv_close(&c);
    }
}

/* s6.5: in other messages the attributes are as if they were not there; EAP-AKA does not know them. */
static void test_elsewhere(void **state)
{
    static const struct {
        uint8_t code, method, subtype;
    } rows[] = { { EAP_REQUEST, EAP_TYPE_AKA_PRIME, AKA_SUB_IDENTITY },
                 { EAP_RESPONSE, EAP_TYPE_AKA_PRIME, AKA_SUB_IDENTITY },
                 { EAP_RESPONSE, EAP_TYPE_AKA_PRIME, AKA_SUB_SYNC },
                 { EAP_RESPONSE, EAP_TYPE_AKA_PRIME, AKA_SUB_REJECT },
                 { EAP_RESPONSE, EAP_TYPE_AKA_PRIME, AKA_SUB_CLIENT_ERROR },
                 { EAP_REQUEST, EAP_TYPE_AKA, AKA_SUB_CHALLENGE } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t b[128], value[32] = { 9 };
        size_t n = 0;
        struct aka_wr w = aka_wr_begin(b, sizeof b, (enum eap_code)rows[i].code, 7, rows[i].method,
                                       (enum aka_subtype)rows[i].subtype);
        aka_wr_u16(&w, AKA_AT_KDF_FS, 1);
        aka_wr_attr(&w, AKA_AT_PUB_ECDHE, span_of(value, 32));
        assert_int_equal(aka_wr_end(&w, NULL, span_of(NULL, 0), &n), ERR_OK);
        struct aka_msg m = parsed(b, n);
        assert_false(m.has[AKA_AT_KDF_FS] || m.has[AKA_AT_PUB_ECDHE] || m.n_kdf_fs);
    }
    /* where it may stand its length is 1 */
    uint8_t b[] = {
        EAP_RESPONSE, 1, 0, 16, EAP_TYPE_AKA_PRIME, AKA_SUB_CHALLENGE, 0, 0, 153, 2, 0, 1, 0, 0, 0, 0
    };
    struct eap_pkt pkt;
    struct aka_msg m;
    assert_int_equal(eap_parse(span_of(b, sizeof b), &pkt), ERR_OK);
    assert_int_equal(aka_msg_parse(&pkt, &m), AKA_R_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_same_inside),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_one_side),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_one_attribute),
        cmocka_unit_test(test_peer_chooses),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_bad_server_keys),
        cmocka_unit_test(test_server_is_chosen_for),
        cmocka_unit_test(test_bad_peer_keys),
        cmocka_unit_test(test_elsewhere),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    env = rt_env((struct log){ 0 });
    return cmocka_run_group_tests(tests, NULL, NULL);
}
