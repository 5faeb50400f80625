/* SPDX-License-Identifier: Apache-2.0
 *
 * hostapd's AuC protocol: lines that it sends and lines that nobody should, and the order of resynchronisation and request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "as/aucsock.h"
#include "common/crypto/secret.h"

#define IMSI "001010000000001"
#define S    1000000ull

struct world {
    struct aucsock *s;
    uint64_t now;
    bool no_room, deaf;
    unsigned asked, sent;
    struct source_ref ref[AUCSOCK_OPEN_MAX + 8];
    bool resync, separated;
    uint8_t rand[16], auts[14];
    char line[AUCSOCK_LINE_MAX];
    uint8_t to;
};

static bool on_send(void *ctx, const struct aucsock_peer *to, struct span line)
{
    struct world *w = ctx;
    assert_true(line.n < sizeof w->line);
    memcpy(w->line, line.p, line.n);
    w->line[line.n] = 0;
    w->to = to->at[0];
    w->sent++;
    return !w->deaf;
}

static bool on_ask(void *ctx, const struct source_req *r)
{
    struct world *w = ctx;
    if (w->no_room)
        return false;
    assert_int_equal(r->ref.who, 5);
    assert_int_equal(r->ind, 9);
    assert_string_equal(r->imsi, IMSI);
    w->ref[w->asked++] = r->ref;
    w->resync = r->auts != NULL;
    w->separated = r->want == AKA_WANT_SEPARATED;
    if (r->auts) {
        memcpy(w->rand, r->rand, 16);
        memcpy(w->auts, r->auts, 14);
    }
    return true;
}

static const struct aucsock_ops ops = { .send = on_send, .ask = on_ask };

static struct world *world(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->now = 100 * S;
    w->s = aucsock_new(&ops, w, 5, 9, true);
    assert_non_null(w->s);
    return w;
}

static void end(struct world *w)
{
    aucsock_free(w->s);
    free(w);
}

static void line(struct world *w, uint8_t from, const char *text)
{
    struct aucsock_peer p = { .n = 1, .at = { from } };
    aucsock_input(w->s, &p, span_str(text), w->now);
}

static void vector(struct world *w, unsigned i, uint8_t first)
{
    struct aka_vector v = { .res_len = 8 };
    memset(v.rand, first, sizeof v.rand);
    memset(v.autn, 0x22, sizeof v.autn);
    memset(v.ik, 0x33, sizeof v.ik);
    memset(v.ck, 0x44, sizeof v.ck);
    memset(v.res, 0x55, sizeof v.res);
    aucsock_answer(w->s, &w->ref[i], AKA_AUC_OK, &v, w->now);
}

static uint64_t count(const struct world *w, enum aucsock_counter c)
{
    return aucsock_counter(w->s, c);
}

#define RAND(x) x x x x x x x x x x x x x x x x
#define AUTS(x) x x x x x x x x x x x x x x
#define REQUEST "AKA-REQ-AUTH " IMSI
#define FAILURE "AKA-RESP-AUTH " IMSI " FAILURE"
#define VECTOR(x) \
    "AKA-RESP-AUTH " IMSI " " RAND(x) " " RAND("22") " " RAND("33") " " RAND("44") " 5555555555555555"

static void test_request(void **state)
{
    struct world *w = world();
    line(w, 1, REQUEST);
    line(w, 2, REQUEST "\n"); /* hostapd's own program takes a line's end as well */
    assert_int_equal(w->asked, 2);
    assert_true(w->separated && !w->resync);
    vector(w, 1, 0x11);
    assert_string_equal(w->line, VECTOR("11"));
    assert_int_equal(w->to, 2);
    vector(w, 0, 0x12);
    assert_string_equal(w->line, VECTOR("12"));
    assert_int_equal(w->to, 1);
    vector(w, 0, 0x13); /* an answer once */
    assert_int_equal(w->sent, 2);
    assert_int_equal(aucsock_open(w->s), 0);
    static const enum aka_server_auc bad[] = { AKA_AUC_UNKNOWN, AKA_AUC_BARRED, AKA_AUC_UNAVAILABLE };
    for (unsigned i = 0; i < 3; i++) {
        line(w, 3, REQUEST);
        aucsock_answer(w->s, &w->ref[w->asked - 1], bad[i], NULL, w->now);
        assert_string_equal(w->line, FAILURE);
        assert_int_equal(w->to, 3);
    }
    assert_int_equal(count(w, AUCSOCK_failures), 3);
    assert_int_equal(count(w, AUCSOCK_answers), 2);
    w->deaf = true;
    line(w, 3, REQUEST);
    vector(w, w->asked - 1, 0x14);
    assert_int_equal(count(w, AUCSOCK_send_failed), 1);
    end(w);
}

static void test_malformed(void **state)
{
    static const char *const bad[] = {
        "",
        "AKA-REQ-AUTH",
        "AKA-REQ-AUTH ",
        "AKA-REQ-AUTH 12345",
        "AKA-REQ-AUTH 0010100000000011",
        "AKA-REQ-AUTH 00101000000000x",
        "AKA-REQ-AUTH  " IMSI,
        REQUEST " 3",
        "aka-req-auth " IMSI,
        "AKA-AUTS " IMSI " " AUTS("01"),
        "AKA-AUTS " IMSI " " AUTS("01") "01 " RAND("11"),
        "AKA-AUTS " IMSI " " AUTS("01") " " RAND("11") "11",
        "AKA-AUTS " IMSI " " AUTS("01") " " RAND("1x"),
        "AKA-AUTS " IMSI " " AUTS("01") " " RAND("11") " 1",
        "SIM-REQ-AUTH " IMSI,
        "GSM-AUTH-REQ " IMSI " 00:00",
        " " REQUEST,
    };
    struct world *w = world();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        line(w, 1, bad[i]);
        assert_int_equal(count(w, AUCSOCK_malformed), i + 1);
    }
    char text[AUCSOCK_LINE_MAX + 1];
    memset(text, '1', sizeof text);
    struct aucsock_peer p = { 0 };
    aucsock_input(w->s, &p, span_of(text, sizeof text), w->now);
    aucsock_input(w->s, &p, span_of(REQUEST "\0x", sizeof REQUEST + 1), w->now);
    assert_int_equal(count(w, AUCSOCK_malformed), sizeof bad / sizeof *bad + 2);
    assert_int_equal(w->asked + w->sent, 0);
    line(w, 4, "SIM-REQ-AUTH " IMSI " 3");
    assert_string_equal(w->line, "SIM-RESP-AUTH " IMSI " FAILURE");
    assert_int_equal(count(w, AUCSOCK_sim), 1);
    end(w);
}

#define RESYNC(x) "AKA-AUTS " IMSI " " AUTS("a1") " " RAND(x)

/* A vector is given out, the card wants another number. */
static void give_one(struct world *w)
{
    line(w, 1, REQUEST);
    vector(w, w->asked - 1, 0x11);
}

static void test_resync(void **state)
{
    struct world *w = world();
    give_one(w);
    line(w, 1, RESYNC("11"));
    assert_true(w->resync);
    assert_int_equal(w->rand[15], 0x11);
    assert_int_equal(w->auts[13], 0xa1);
    line(w, 1, REQUEST); /* before the source has answered: it waits for that, nothing else is asked */
    assert_int_equal(w->asked, 2);
    vector(w, 1, 0x12);
    assert_string_equal(w->line, VECTOR("12"));
    /* the source is faster than the asker */
    line(w, 1, RESYNC("12"));
    vector(w, 2, 0x13);
    assert_int_equal(w->sent, 2);
    line(w, 7, REQUEST);
    assert_string_equal(w->line, VECTOR("13"));
    assert_int_equal(w->to, 7);
    assert_int_equal(w->asked, 3);
    assert_int_equal(aucsock_open(w->s), 0);
    /* not believed: whoever waits hears so, the next one begins anew */
    line(w, 1, RESYNC("13"));
    line(w, 1, REQUEST);
    aucsock_answer(w->s, &w->ref[3], AKA_AUC_BAD_AUTS, NULL, w->now);
    assert_string_equal(w->line, FAILURE);
    assert_int_equal(count(w, AUCSOCK_bad_auts), 1);
    line(w, 1, REQUEST);
    assert_int_equal(w->asked, 5);
    assert_false(w->resync);
    end(w);
}

static void test_resync_bounds(void **state)
{
    struct world *w = world();
    line(w, 1, RESYNC("77")); /* a RAND that was never given out */
    assert_int_equal(count(w, AUCSOCK_strange_auts), 1);
    give_one(w);
    line(w, 1, RESYNC("11"));
    line(w, 1, RESYNC("11")); /* once for each */
    assert_int_equal(count(w, AUCSOCK_strange_auts), 2);
    vector(w, 1, 0x12);
    w->now += 5 * S; /* nobody came for it */
    line(w, 1, REQUEST);
    assert_int_equal(w->asked, 3);
    assert_false(w->resync);
    vector(w, 2, 0x13);
    w->now += 60 * S;
    line(w, 1, RESYNC("13")); /* too late */
    assert_int_equal(count(w, AUCSOCK_strange_auts), 3);
    end(w);
}

static void test_bounds(void **state)
{
    struct world *w = world();
    for (unsigned i = 0; i < AUCSOCK_OPEN_MAX; i++)
        line(w, 1, REQUEST);
    assert_int_equal(w->asked, AUCSOCK_OPEN_MAX);
    line(w, 1, REQUEST);
    assert_int_equal(w->asked, AUCSOCK_OPEN_MAX);
    assert_int_equal(count(w, AUCSOCK_full), 1);
    w->now += 10 * S; /* answers that never came */
    line(w, 2, REQUEST);
    assert_int_equal(w->asked, AUCSOCK_OPEN_MAX + 1);
    vector(w, 0, 0x11); /* of an earlier one in the same place */
    assert_int_equal(w->sent, 0);
    vector(w, AUCSOCK_OPEN_MAX, 0x12);
    assert_int_equal(w->to, 2);
    w->no_room = true;
    line(w, 3, REQUEST);
    assert_string_equal(w->line, FAILURE);
    assert_int_equal(count(w, AUCSOCK_full), 2);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),       cmocka_unit_test(test_malformed), cmocka_unit_test(test_resync),
        cmocka_unit_test(test_resync_bounds), cmocka_unit_test(test_bounds),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
