/* SPDX-License-Identifier: Apache-2.0
 *
 * The transaction engine against a server made of the same codec: each RCODE, silence, dead ports, truncation, forged replies,
 * and the update whose answer was lost.
 */
#include "tests/unit/dnsupd/vec.h"

#include "common/crypto/secret.h"
#include "dnsupd/txn.h"
#include "dnsupd/zone.h"

#define WALL   1700000000u
#define SECOND 1000000u

static struct dnsu_tsig_key key, wrong;
static uint32_t seed;
static struct env env = { .ctx = &seed, .random = test_random };

struct world {
    struct dnsu_txn *t;
    struct dnsu_txn_acts a;
    struct addr server[2];
    uint64_t now;
    uint8_t sent[2048]; /* last request */
    size_t sent_len;
};

static struct dnsu_zone_msgs msgs;

static void open_txn(struct world *w, uint8_t servers, struct span message, struct span proof)
{
    struct dnsu_txn_config c = { .env = &env, .key = &key, .n_servers = servers };
    memset(w, 0, sizeof *w);
    assert_int_equal(addr_parse("192.0.2.1:53", &w->server[0]), ERR_OK);
    assert_int_equal(addr_parse("[2001:db8::2]:5353", &w->server[1]), ERR_OK);
    c.server[0] = w->server[0];
    c.server[1] = w->server[1];
    w->now = 1000;
    w->t = dnsu_txn_new(&c, message, proof);
    assert_non_null(w->t);
    assert_true(dnsu_txn_deadline(w->t) == UINT64_MAX);
    dnsu_txn_start(w->t, w->now, WALL, &w->a);
}

static void open_update(struct world *w, uint8_t servers)
{
    struct dnsu_name zone, owner;
    struct dnsu_set none = { .type = DNSU_TYPE_HIP };
    struct dnsu_set want = { .type = DNSU_TYPE_HIP, .ttl = 300, .n = 1, .rdata = { span_str("0123456789") } };
    assert_int_equal(dnsu_name_from_text("example", &zone), ERR_OK);
    assert_int_equal(dnsu_name_from_text("joe.example", &owner), ERR_OK);
    assert_int_equal(dnsu_zone_write(&zone, &owner, &none, &want, &msgs), ERR_OK);
    open_txn(w, servers, span_of(msgs.message, msgs.message_len), span_of(msgs.proof, msgs.proof_len));
}

static void open_query(struct world *w)
{
    uint8_t q[300];
    size_t n;
    struct dnsu_name owner;
    assert_int_equal(dnsu_name_from_text("joe.example", &owner), ERR_OK);
    assert_int_equal(dnsu_query_build(q, sizeof q, &n, 0, &owner, DNSU_TYPE_HIP), ERR_OK);
    open_txn(w, 1, span_of(q, n), (struct span){ 0 });
}

/* The one action is to send to server s; remembers the request. prereqs and updates: what the message must have. */
static void sends(struct world *w, enum dnsu_txn_act_type type, int s, int prereqs, int updates)
{
    struct dnsu_reader r;
    assert_int_equal(w->a.n, 1);
    assert_int_equal(w->a.v[0].type, type);
    assert_true(addr_eq(&w->a.v[0].server, &w->server[s]));
    struct span m = w->a.v[0].message;
    assert_true(m.n <= sizeof w->sent);
    if (w->sent_len) /* a new ID each time */
        assert_memory_not_equal(w->sent, m.p, 2);
    memcpy(w->sent, m.p, m.n);
    w->sent_len = m.n;
    assert_int_equal(dnsu_tsig_verify(&key, m, (struct span){ 0 }, WALL, NULL), DNSU_TSIG_GOOD);
    assert_int_equal(dnsu_reader_init(&r, m), ERR_OK);
    assert_int_equal(r.hdr.count[1], prereqs);
    assert_int_equal(r.hdr.count[2], updates);
}

static void is_done(struct world *w, enum dnsu_result result)
{
    assert_int_equal(w->a.n, 1);
    assert_int_equal(w->a.v[0].type, DNSU_ACT_DONE);
    assert_int_equal(w->a.v[0].result, result);
    assert_true(dnsu_txn_deadline(w->t) == UINT64_MAX);
    dnsu_txn_timeout(w->t, w->now + 3600u * SECOND, WALL, &w->a);
    assert_int_equal(w->a.n, 0);
    dnsu_txn_free(w->t);
}

struct how {
    const struct dnsu_tsig_key *key; /* NULL: unsigned */
    uint16_t flags;                  /* besides QR and opcode */
    int from;
    uint64_t wall;
    bool other_request; /* MAC of a request that was another */
};

/* A reply to `request`, counts zero. */
static size_t reply(uint8_t *buf, size_t cap, struct span request, unsigned rcode, const struct how *h)
{
    struct dnsu_tsig req;
    struct dnsu_tsig_mac mac;
    size_t n = DNSU_HDR_LEN;
    memset(buf, 0, n);
    memcpy(buf, request.p, 2);
    buf[2] = (uint8_t)(0x80 | (request.p[2] & 0x78) | h->flags >> 8);
    buf[3] = (uint8_t)rcode;
    assert_int_equal(dnsu_tsig_verify(&key, request, (struct span){ 0 }, WALL, &req), DNSU_TSIG_GOOD);
    uint8_t req_mac[64];
    memcpy(req_mac, req.mac.p, req.mac.n);
    if (h->other_request)
        req_mac[0] ^= 1;
    if (h->key)
        assert_int_equal(
            dnsu_tsig_sign(h->key, buf, cap, &n, h->wall ? h->wall : WALL, span_of(req_mac, req.mac.n), &mac),
            ERR_OK);
    return n;
}

static void answer_to(struct world *w, struct span request, unsigned rcode, struct how h)
{
    uint8_t buf[600];
    size_t n = reply(buf, sizeof buf, request, rcode, &h);
    dnsu_txn_input(w->t, &w->server[h.from], span_of(buf, n), w->now, WALL, &w->a);
}

static void answer(struct world *w, unsigned rcode)
{
    answer_to(w, span_of(w->sent, w->sent_len), rcode, (struct how){ .key = &key });
}

static void wait(struct world *w)
{
    w->now = dnsu_txn_deadline(w->t);
    dnsu_txn_timeout(w->t, w->now, WALL, &w->a);
}

/* ---- tests ---- */

static void done(void **state)
{
    struct world w;
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    assert_int_equal(dnsu_txn_deadline(w.t), w.now + SECOND);
    dnsu_txn_timeout(w.t, w.now + SECOND - 1, WALL, &w.a);
    assert_int_equal(w.a.n, 0);
    answer(&w, DNSU_RC_NOERROR);
    assert_false(dnsu_txn_stats(w.t)->proved);
    is_done(&w, DNSU_DONE);
}

static void each_rcode(void **state)
{
    static const enum dnsu_result want[] = { DNSU_DONE,        DNSU_REFUSED,     DNSU_UNREACHABLE,
                                             DNSU_CHANGED,     DNSU_UNREACHABLE, DNSU_REFUSED,
                                             DNSU_NAME_IN_USE, DNSU_NAME_IN_USE, DNSU_CHANGED,
                                             DNSU_REFUSED,     DNSU_REFUSED,     DNSU_REFUSED };
    for (unsigned rc = 0; rc < sizeof want / sizeof *want; rc++) {
        struct world w;
        open_update(&w, 1);
        sends(&w, DNSU_ACT_UDP, 0, 1, 1);
        answer(&w, rc);
        if (want[rc] == DNSU_NAME_IN_USE || want[rc] == DNSU_CHANGED) {
            sends(&w, DNSU_ACT_UDP, 0, 1, 0); /* the proof: is it what we wanted? */
            answer(&w, DNSU_RC_NXRRSET);
        }
        is_done(&w, want[rc]);
    }
}

static void unproved(void **state)
{
    struct world w;
    open_txn(&w, 1, span_of(msgs.message, msgs.message_len), (struct span){ 0 });
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    answer(&w, DNSU_RC_YXDOMAIN);
    assert_int_equal(w.a.v[0].rcode, DNSU_RC_YXDOMAIN);
    is_done(&w, DNSU_NAME_IN_USE);
}

/* The server carried the update out and its answer was lost. */
static void lost_answer(void **state)
{
    struct world w;
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    wait(&w);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    answer(&w, DNSU_RC_YXDOMAIN);
    sends(&w, DNSU_ACT_UDP, 0, 1, 0);
    answer(&w, DNSU_RC_NOERROR);
    assert_true(dnsu_txn_stats(w.t)->proved);
    is_done(&w, DNSU_DONE);
}

/* A proof that gets no answer leaves the question open: not "in use". */
static void proof_unanswered(void **state)
{
    struct world w;
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    answer(&w, DNSU_RC_YXDOMAIN);
    for (int i = 0; i < 3; i++) {
        sends(&w, DNSU_ACT_UDP, 0, 1, 0);
        wait(&w);
    }
    is_done(&w, DNSU_UNREACHABLE);
}

static void late_answer(void **state)
{
    struct world w;
    uint8_t first[2048];
    size_t n;
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    memcpy(first, w.sent, n = w.sent_len);
    wait(&w);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    answer_to(&w, span_of(first, n), DNSU_RC_NOERROR, (struct how){ .key = &key });
    is_done(&w, DNSU_DONE);
    /* while the proof is asked for, an old "in use" says nothing new, an old "done" does */
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    memcpy(first, w.sent, n = w.sent_len);
    wait(&w);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    answer(&w, DNSU_RC_YXDOMAIN);
    sends(&w, DNSU_ACT_UDP, 0, 1, 0);
    answer_to(&w, span_of(first, n), DNSU_RC_YXDOMAIN, (struct how){ .key = &key });
    assert_int_equal(w.a.n, 0);
    answer_to(&w, span_of(first, n), DNSU_RC_REFUSED, (struct how){ .key = &key });
    assert_int_equal(w.a.n, 0);
    answer_to(&w, span_of(first, n), DNSU_RC_NOERROR, (struct how){ .key = &key });
    is_done(&w, DNSU_DONE);
}

static void silence(void **state)
{
    struct world w;
    static const uint64_t waits[] = { SECOND, 2 * SECOND, 4 * SECOND };
    open_update(&w, 2);
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < 3; i++) {
            sends(&w, DNSU_ACT_UDP, s, 1, 1);
            assert_int_equal(dnsu_txn_deadline(w.t) - w.now, waits[i]);
            wait(&w);
        }
    assert_int_equal(dnsu_txn_stats(w.t)->tries, 6);
    is_done(&w, DNSU_UNREACHABLE);
}

static void next_server(void **state)
{
    for (unsigned k = 0; k < 3; k++) {
        struct world w;
        open_update(&w, 2);
        sends(&w, DNSU_ACT_UDP, 0, 1, 1);
        if (k == 0)
            answer(&w, DNSU_RC_SERVFAIL);
        else if (k == 1)
            answer(&w, DNSU_RC_NOTIMP);
        else
            dnsu_txn_failed(w.t, w.a.v[0].tag, w.now, WALL, &w.a);
        sends(&w, DNSU_ACT_UDP, 1, 1, 1);
        uint32_t tag = w.a.v[0].tag;
        dnsu_txn_failed(w.t, tag - 1, w.now, WALL, &w.a); /* that one is over */
        assert_int_equal(w.a.n, 0);
        dnsu_txn_failed(w.t, tag + 1, w.now, WALL, &w.a); /* and there is no such one */
        assert_int_equal(w.a.n, 0);
        answer_to(&w, span_of(w.sent, w.sent_len), DNSU_RC_NOERROR, (struct how){ .key = &key, .from = 0 });
        assert_int_equal(w.a.n, 0); /* from the other server */
        answer_to(&w, span_of(w.sent, w.sent_len), DNSU_RC_NOERROR, (struct how){ .key = &key, .from = 1 });
        is_done(&w, DNSU_DONE);
    }
}

/* Nothing that is not signed by the server, for this request, now, moves the transaction. */
static void forged(void **state)
{
    struct world w;
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    struct span rq = span_of(w.sent, w.sent_len);
    const struct how hows[] = {
        { .key = NULL },
        { .key = &wrong },
        { .key = &key, .other_request = true },
        { .key = &key, .wall = WALL + 301 },
        { .key = &key, .wall = WALL - 301 },
    };
    uint32_t ignored = 0;
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
        for (unsigned rc = 0; rc <= 10; rc++) {
            answer_to(&w, rq, rc, hows[i]);
            assert_int_equal(w.a.n, 0);
            assert_int_equal(dnsu_txn_stats(w.t)->ignored, ++ignored);
        }
    uint8_t buf[600];
    size_t n = reply(buf, sizeof buf, rq, 0, &(struct how){ .key = &key });
    for (size_t i = 0; i < n; i++) { /* an octet changed on the way */
        buf[i] ^= 0x10;
        dnsu_txn_input(w.t, &w.server[0], span_of(buf, n), w.now, WALL, &w.a);
        assert_int_equal(w.a.n, 0);
        buf[i] ^= 0x10;
    }
    for (size_t i = 0; i < n; i++) {
        dnsu_txn_input(w.t, &w.server[0], span_of(buf, i), w.now, WALL, &w.a);
        assert_int_equal(w.a.n, 0);
    }
    struct addr port = w.server[0];
    port.port++;
    dnsu_txn_input(w.t, &port, span_of(buf, n), w.now, WALL, &w.a);
    assert_int_equal(w.a.n, 0);
    dnsu_txn_input(w.t, &w.server[0], rq, w.now, WALL, &w.a); /* our own request back */
    assert_int_equal(w.a.n, 0);
    dnsu_txn_input(w.t, &w.server[0], span_of(buf, n), w.now, WALL, &w.a);
    is_done(&w, DNSU_DONE);
}

static void truncated(void **state)
{
    struct world w;
    open_query(&w);
    sends(&w, DNSU_ACT_UDP, 0, 0, 0);
    answer_to(&w, span_of(w.sent, w.sent_len), 0, (struct how){ .key = &key, .flags = 0x200 });
    sends(&w, DNSU_ACT_TCP, 0, 0, 0);
    assert_int_equal(dnsu_txn_deadline(w.t) - w.now, 5 * SECOND);
    answer_to(&w, span_of(w.sent, w.sent_len), 0, (struct how){ .key = &key, .flags = 0x200 });
    assert_int_equal(w.a.n, 0); /* truncated over TCP: no answer */
    answer(&w, DNSU_RC_NXDOMAIN);
    assert_int_equal(w.a.v[0].rcode, DNSU_RC_NXDOMAIN);
    assert_true(w.a.v[0].reply.n > 0);
    is_done(&w, DNSU_DONE);
    open_query(&w);
    sends(&w, DNSU_ACT_UDP, 0, 0, 0);
    answer(&w, DNSU_RC_REFUSED);
    is_done(&w, DNSU_REFUSED);
}

static void long_message(void **state)
{
    struct world w;
    struct dnsu_update u;
    struct dnsu_name zone;
    uint8_t buf[1024], rdata[500] = { 0 };
    size_t n;
    assert_int_equal(dnsu_name_from_text("example", &zone), ERR_OK);
    dnsu_update_begin(&u, buf, sizeof buf, 0, &zone);
    dnsu_upd_add(&u, &zone, DNSU_TYPE_HIP, 1, span_of(rdata, sizeof rdata));
    assert_int_equal(dnsu_update_end(&u, &n), ERR_OK);
    open_txn(&w, 1, span_of(buf, n), (struct span){ 0 });
    sends(&w, DNSU_ACT_TCP, 0, 0, 1);
    dnsu_txn_failed(w.t, w.a.v[0].tag, w.now, WALL, &w.a);
    is_done(&w, DNSU_UNREACHABLE);
}

/* NOTAUTH and BADTIME, signed: another server, then the end; the hint says why. */
static void bad_time(void **state)
{
    struct world w;
    uint8_t buf[600];
    open_update(&w, 1);
    sends(&w, DNSU_ACT_UDP, 0, 1, 1);
    struct span rq = span_of(w.sent, w.sent_len);
    size_t n = reply(buf, sizeof buf, rq, DNSU_RC_NOTAUTH, &(struct how){ .key = NULL });
    struct dnsu_tsig req, t;
    struct dnsu_tsig_mac mac;
    assert_int_equal(dnsu_tsig_verify(&key, rq, (struct span){ 0 }, WALL, &req), DNSU_TSIG_GOOD);
    t = (struct dnsu_tsig){
        .key = req.key, .alg = req.alg, .time_signed = WALL, .fudge = 300, .error = DNSU_TSIG_ERR_BADTIME
    };
    t.other = span_of("\0\0\1\2\3\4", 6);
    assert_int_equal(dnsu_tsig_digest(&key, req.mac, span_of(buf, n), &t, &mac), ERR_OK);
    struct wcur c = wcur_of(buf + n, sizeof buf - n);
    wcur_span(&c, dnsu_name_span(&t.key));
    wcur_u16(&c, DNSU_TYPE_TSIG);
    wcur_u16(&c, DNSU_CLASS_ANY);
    wcur_u32(&c, 0);
    wcur_u16(&c, (uint16_t)(t.alg.len + 16 + mac.len + 6));
    wcur_span(&c, dnsu_name_span(&t.alg));
    wcur_u48(&c, t.time_signed);
    wcur_u16(&c, t.fudge);
    wcur_u16(&c, mac.len);
    wcur_put(&c, mac.v, mac.len);
    wcur_u16(&c, (uint16_t)(buf[0] << 8 | buf[1]));
    wcur_u16(&c, t.error);
    wcur_u16(&c, 6);
    wcur_span(&c, t.other);
    buf[11] = 1;
    dnsu_txn_input(w.t, &w.server[0], span_of(buf, n + wcur_len(&c)), w.now, WALL, &w.a);
    assert_int_equal(dnsu_txn_stats(w.t)->ignored, 0);
    assert_int_equal(dnsu_txn_stats(w.t)->hint, DNSU_TSIG_ERR_BADTIME);
    is_done(&w, DNSU_UNREACHABLE);
}

static void not_made(void **state)
{
    struct dnsu_txn_config c = { .env = &env, .key = &key, .n_servers = 1 };
    struct span m = span_of(msgs.message, msgs.message_len), p = span_of(msgs.proof, msgs.proof_len);
    uint8_t q[DNSU_HDR_LEN] = { 0 }, r[DNSU_HDR_LEN] = { 0, 0, 0x80 };
    assert_null(dnsu_txn_new(&c, span_of(q, 11), (struct span){ 0 }));
    assert_null(dnsu_txn_new(&c, span_of(r, 12), (struct span){ 0 })); /* a reply */
    assert_null(dnsu_txn_new(&c, m, m)); /* a proof that would change something */
    assert_null(dnsu_txn_new(&c, span_of(q, 12), p));
    c.n_servers = 0;
    assert_null(dnsu_txn_new(&c, m, p));
    dnsu_txn_free(NULL);
}

static int setup(void **state)
{
    if (crypto_init() != ERR_OK ||
        dnsu_tsig_key_init(&key, "fa.example", "hmac-sha256", span_str("0123456789abcdef0123456789abcdef")) !=
            ERR_OK ||
        dnsu_tsig_key_init(&wrong, "fa.example", "hmac-sha256",
                           span_str("0123456789abcdef0123456789abcdeF")) != ERR_OK)
        return -1;
    return 0;
}

static int teardown(void **state)
{
    dnsu_tsig_key_done(&key);
    dnsu_tsig_key_done(&wrong);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(done),        cmocka_unit_test(each_rcode),       cmocka_unit_test(unproved),
        cmocka_unit_test(lost_answer), cmocka_unit_test(proof_unanswered), cmocka_unit_test(late_answer),
        cmocka_unit_test(silence),     cmocka_unit_test(next_server),      cmocka_unit_test(forged),
        cmocka_unit_test(truncated),   cmocka_unit_test(long_message),     cmocka_unit_test(bad_time),
        cmocka_unit_test(not_made),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
