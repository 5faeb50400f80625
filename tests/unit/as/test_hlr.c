/* SPDX-License-Identifier: Apache-2.0
 *
 * The GSUP client against an HLR that the test plays: order of vectors, resynchronisation, lost connections, silence, lies; and which source an IMSI
 * belongs to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aka/gsup.h"
#include "aka/ipa.h"
#include "as/hlr.h"
#include "common/base/cursor.h"
#include "common/crypto/secret.h"

#define A "001010000000001"
#define B "001010000000002"
#define S 1000000ull

static void zeros(void *ctx, void *out, size_t n)
{
    memset(out, 0, n);
}
static const struct env env = { .random = zeros };

struct world {
    struct as_hlr conf;
    struct hlr *h;
    uint64_t now;
    bool queue_full;
    unsigned sent, resets, settled;
    uint8_t last[256]; /* the last frame that went out */
    size_t last_n;
    unsigned answers;
    struct source_ref ref[16];
    enum aka_server_auc what[16];
    struct aka_vector v[16];
    bool no_vector;  /* the last answer had none */
    bool ask_inside; /* the answer's owner asks again from inside */
};

static bool ask(struct world *w, uint32_t slot, const char *imsi, bool separated);

static err on_send(void *ctx, struct span o)
{
    struct world *w = ctx;
    if (w->queue_full)
        return ERR_FULL;
    assert_true(o.n <= sizeof w->last);
    memcpy(w->last, o.p, o.n);
    w->last_n = o.n;
    w->sent++;
    return ERR_OK;
}

static void on_settled(void *ctx)
{
    ((struct world *)ctx)->settled++;
}

static void on_reset(void *ctx)
{
    ((struct world *)ctx)->resets++;
}

static void on_answer(void *ctx, const struct source_ref *ref, enum aka_server_auc what,
                      const struct aka_vector *v)
{
    struct world *w = ctx;
    assert_true(w->answers < 16);
    w->ref[w->answers] = *ref;
    w->what[w->answers] = what;
    w->no_vector = v == NULL;
    if (v)
        w->v[w->answers] = *v;
    w->answers++;
    if (w->ask_inside) {
        w->ask_inside = false;
        assert_true(ask(w, 99, A, true));
    }
}

static const struct hlr_ops ops = {
    .send = on_send, .settled = on_settled, .reset = on_reset, .answer = on_answer
};

static struct world *world(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->conf = (struct as_hlr){ .name = "test",
                               .unit = "us",
                               .vectors = 3,
                               .outstanding = 4,
                               .cache_max = 2,
                               .request_us = 2 * S,
                               .keepalive_us = 10 * S,
                               .cache_us = 60 * S };
    w->now = 1000 * S;
    w->h = hlr_new(&w->conf, &env, &ops, w);
    assert_non_null(w->h);
    return w;
}

static void end(struct world *w)
{
    hlr_free(w->h);
    free(w);
}

/* Time passes; what is due is done. */
static void pass(struct world *w, uint64_t us)
{
    w->now += us;
    while (hlr_deadline(w->h) <= w->now)
        hlr_timeout(w->h, w->now);
}

static bool ask_sync(struct world *w, uint32_t slot, const char *imsi, bool separated, const uint8_t *rand,
                     const uint8_t *auts)
{
    struct source_req r = { .ref = { .who = 7, .slot = slot, .gen = slot + 100 },
                            .imsi = imsi,
                            .want = separated ? AKA_WANT_SEPARATED : AKA_WANT_PLAIN,
                            .rand = rand,
                            .auts = auts };
    unsigned before = w->answers;
    bool ok = hlr_ask(w->h, &r, w->now);
    assert_int_equal(w->answers, before); /* never from within */
    return ok;
}

static bool ask(struct world *w, uint32_t slot, const char *imsi, bool separated)
{
    return ask_sync(w, slot, imsi, separated, NULL, NULL);
}

/* One frame from the HLR. */
static void give(struct world *w, uint8_t stream, uint8_t type, const void *body, size_t n)
{
    uint8_t b[1024];
    size_t len = ipa_write(b, sizeof b, stream, type, span_of(body, n));
    assert_true(len > 0);
    hlr_input(w->h, span_of(b, len), w->now);
}

static void connect_it(struct world *w)
{
    static const uint8_t get[] = { 1, 8, 1, 7, 1, 0 };
    hlr_up(w->h, w->now);
    assert_false(hlr_ready(w->h));
    give(w, IPA_CCM, IPA_ID_GET, get, sizeof get);
    assert_true(hlr_ready(w->h));
}

/* What the last request says. */
struct said {
    char imsi[16];
    uint32_t session;
    bool separated, resync;
    uint8_t tuples;
};

static struct said said(const struct world *w)
{
    struct said s = { 0 };
    struct rcur c = rcur_of(span_of(w->last, w->last_n));
    rcur_skip(&c, 3);
    assert_int_equal(rcur_u8(&c), IPA_EXT_GSUP);
    assert_int_equal(rcur_u8(&c), GSUP_AUTH_REQUEST);
    while (rcur_left(&c)) {
        uint8_t tag = rcur_u8(&c);
        struct span v = rcur_take(&c, rcur_u8(&c));
        assert_true(rcur_ok(&c));
        if (tag == 1)
            for (size_t i = 0; i < 15; i++)
                s.imsi[i] = (char)('0' + (i % 2 ? v.p[i / 2] >> 4 : v.p[i / 2] & 15));
        else if (tag == 0x30)
            s.session = (uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 | (uint32_t)v.p[2] << 8 | v.p[3];
        else if (tag == 0x2a)
            s.separated = v.p[0] == 3;
        else if (tag == 0x26)
            s.resync = true;
        else if (tag == 0x52)
            s.tuples = v.p[0];
    }
    return s;
}

static size_t put_imsi(uint8_t *b, const char *imsi)
{
    b[0] = 1;
    b[1] = 8;
    for (size_t i = 0; i < 8; i++)
        b[2 + i] = (uint8_t)((i == 7 ? 0xf0 : (imsi[2 * i + 1] - '0') << 4) | (imsi[2 * i] - '0'));
    return 10;
}

/* A result with vectors whose RANDs begin with first, first + 1, ... session 0: none in it. */
static void result(struct world *w, const char *imsi, uint32_t session, uint8_t first, unsigned n,
                   bool separated)
{
    uint8_t b[1024] = { GSUP_AUTH_RESULT };
    size_t at = 1 + put_imsi(b + 1, imsi);
    for (unsigned i = 0; i < n; i++) {
        static const uint8_t tags[] = { 0x20, 0x25, 0x24, 0x23 };
        b[at++] = 3;
        b[at++] = 82;
        for (size_t t = 0; t < 4; t++) {
            b[at++] = tags[t];
            b[at++] = 16;
            memset(b + at, 0, 16);
            b[at] = (uint8_t)(first + i);
            if (tags[t] == 0x25)
                b[at + 6] = separated ? 0x80 : 0;
            at += 16;
        }
        b[at++] = 0x27;
        b[at++] = 8;
        memset(b + at, first + (int)i, 8);
        at += 8;
    }
    if (session) {
        const uint8_t ie[] = { 0x30,
                               4,
                               (uint8_t)(session >> 24),
                               (uint8_t)(session >> 16),
                               (uint8_t)(session >> 8),
                               (uint8_t)session };
        memcpy(b + at, ie, sizeof ie);
        at += sizeof ie;
    }
    give(w, IPA_OSMO, IPA_EXT_GSUP, b, at);
}

static void refuse(struct world *w, const char *imsi, uint8_t cause)
{
    uint8_t b[64] = { GSUP_AUTH_ERROR };
    size_t at = 1 + put_imsi(b + 1, imsi);
    b[at++] = 2;
    b[at++] = 1;
    b[at++] = cause;
    give(w, IPA_OSMO, IPA_EXT_GSUP, b, at);
}

static uint64_t count(const struct world *w, enum hlr_counter c)
{
    return hlr_counter(w->h, c);
}

static void test_order(void **state)
{
    struct world *w = world();
    connect_it(w);
    assert_int_equal(w->settled, 1);
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    struct said s = said(w);
    assert_string_equal(s.imsi, A);
    assert_true(s.separated && !s.resync && s.session != 0 && s.tuples == 3);
    /* two more for the same subscriber wait behind it and get what it leaves; another subscriber does not */
    unsigned sent = w->sent;
    assert_true(ask(w, 2, A, true) && ask(w, 3, A, true));
    pass(w, 0);
    assert_int_equal(w->sent, sent);
    assert_true(ask(w, 4, B, true));
    pass(w, 0);
    assert_string_equal(said(w).imsi, B);
    assert_false(ask(w, 5, B, true)); /* four wait: no more */
    assert_int_equal(count(w, HLR_full), 1);
    result(w, A, s.session, 10, 3, true);
    assert_int_equal(w->answers, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(w->ref[i].who, 7);
        assert_int_equal(w->ref[i].slot, i + 1);
        assert_int_equal(w->ref[i].gen, i + 101);
        assert_int_equal(w->what[i], AKA_AUC_OK);
        assert_int_equal(w->v[i].rand[0], 10 + i);
        assert_int_equal(w->v[i].res[0], 10 + i);
    }
    assert_int_equal(count(w, HLR_cached), 2);
    assert_int_equal(hlr_cached(w->h), 0);
    result(w, B, 0, 20, 3, true); /* an HLR that does not send session ids back */
    assert_int_equal(w->v[3].rand[0], 20);
    assert_int_equal(hlr_cached(w->h), 2);
    assert_int_equal(hlr_waiting(w->h), 0);
    /* kept ones, later, without asking */
    sent = w->sent;
    w->ask_inside = true;
    assert_true(ask(w, 6, B, true));
    pass(w, 0);
    assert_int_equal(w->v[4].rand[0], 21);
    assert_string_equal(said(w).imsi, A); /* asked from inside the answer */
    assert_int_equal(w->sent, sent + 1);
    end(w);
}

static void test_cache_bounds(void **state)
{
    struct world *w = world();
    connect_it(w);
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    result(w, A, 0, 10, 3, true);
    assert_int_equal(hlr_cached(w->h), 2);
    pass(w, 60 * S); /* too old */
    assert_int_equal(hlr_cached(w->h), 0);
    assert_int_equal(count(w, HLR_dropped), 2);
    /* two subscribers fit; a third takes the place of the one who would go first */
    static const char *const who[] = { A, B, "001010000000003" };
    for (uint32_t i = 0; i < 3; i++) {
        connect_it(w);
        assert_true(ask(w, i, who[i], true));
        pass(w, 1);
        result(w, who[i], 0, (uint8_t)(20 + 10 * i), 3, true);
    }
    assert_int_equal(hlr_cached(w->h), 4);
    unsigned sent = w->sent;
    assert_true(ask(w, 5, A, true));
    pass(w, 0);
    assert_int_equal(w->sent, sent + 1);
    assert_true(ask(w, 6, B, true));
    pass(w, 0);
    assert_int_equal(w->v[w->answers - 1].rand[0], 31);
    end(w);
}

/* A run of the other method would use vectors out of order: what is kept of the first kind goes. */
static void test_kinds(void **state)
{
    struct world *w = world();
    connect_it(w);
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    result(w, A, 0, 10, 3, true);
    assert_true(ask(w, 2, A, false));
    pass(w, 0);
    assert_false(said(w).separated);
    assert_int_equal(hlr_cached(w->h), 0);
    result(w, A, 0, 20, 3, true); /* with the bit, though asked for without */
    assert_int_equal(w->what[1], AKA_AUC_UNAVAILABLE);
    assert_int_equal(count(w, HLR_wrong_kind), 1);
    assert_int_equal(hlr_cached(w->h), 0);
    assert_true(ask(w, 3, A, true));
    pass(w, 0);
    result(w, A, 0, 30, 3, false); /* and the other way round: RFC 9048 s3.5 */
    assert_int_equal(w->what[2], AKA_AUC_UNAVAILABLE);
    assert_int_equal(count(w, HLR_wrong_kind), 2);
    end(w);
}

static void test_resync(void **state)
{
    static const uint8_t rand[16] = { 1 }, auts[14] = { 2 };
    struct world *w = world();
    connect_it(w);
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    result(w, A, 0, 10, 3, true);
    assert_true(ask_sync(w, 2, A, true, rand, auts)); /* 11 and 12 are stale now */
    assert_true(ask(w, 3, A, true));
    pass(w, 0);
    assert_true(said(w).resync);
    assert_int_equal(hlr_cached(w->h), 0);
    assert_int_equal(w->answers, 1);
    result(w, A, said(w).session, 40, 3, true);
    assert_int_equal(w->v[1].rand[0], 40);
    assert_int_equal(w->v[2].rand[0], 41);
    assert_int_equal(count(w, HLR_resyncs), 1);
    /* refused: the AUTS is wrong, the subscriber is not unknown */
    assert_true(ask_sync(w, 4, A, true, rand, auts));
    pass(w, 0);
    refuse(w, A, GSUP_IMSI_UNKNOWN);
    assert_int_equal(w->what[3], AKA_AUC_BAD_AUTS);
    assert_int_equal(count(w, HLR_bad_auts), 1);
    assert_int_equal(count(w, HLR_unknown), 0);
    end(w);
}

/* Is the subscriber served still? Only the HLR's answer of now counts; the vectors in it are not lost. */
static void test_status(void **state)
{
    struct source_req q = { .ref = { .who = 7, .slot = 1 }, .imsi = A, .want = AKA_WANT_STATUS };
    struct world *w = world();
    connect_it(w);
    assert_true(ask(w, 9, A, true));
    pass(w, 0);
    result(w, A, 0, 10, 3, true);
    unsigned sent = w->sent;
    assert_true(hlr_ask(w->h, &q, w->now));
    pass(w, 0);
    assert_int_equal(w->sent, sent + 1);
    w->v[1].rand[0] = 0x77;
    result(w, A, 0, 20, 3, true);
    assert_int_equal(w->what[1], AKA_AUC_OK);
    assert_true(w->no_vector);
    assert_int_equal(hlr_cached(w->h), 3);
    for (uint8_t i = 0; i < 3; i++) {
        assert_true(ask(w, 2, A, true));
        pass(w, 0);
        assert_int_equal(w->v[2 + i].rand[0], 20 + i);
    }
    assert_int_equal(w->sent, sent + 1);
    assert_true(hlr_ask(w->h, &q, w->now));
    pass(w, 0);
    refuse(w, A, GSUP_ILLEGAL_MS);
    assert_int_equal(w->what[5], AKA_AUC_BARRED);
    end(w);
}

static void test_refusals(void **state)
{
    static const struct {
        uint8_t cause;
        enum aka_server_auc what;
        enum hlr_counter counter;
    } cases[] = { { GSUP_IMSI_UNKNOWN, AKA_AUC_UNKNOWN, HLR_unknown },
                  { GSUP_ILLEGAL_MS, AKA_AUC_BARRED, HLR_barred },
                  { GSUP_PLMN_NOT_ALLOWED, AKA_AUC_BARRED, HLR_barred },
                  { GSUP_NET_FAIL, AKA_AUC_UNAVAILABLE, HLR_failed },
                  { 111, AKA_AUC_UNAVAILABLE, HLR_failed } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *w = world();
        connect_it(w);
        assert_true(ask(w, 1, A, true));
        pass(w, 0);
        refuse(w, A, cases[i].cause);
        assert_int_equal(w->what[0], cases[i].what);
        assert_int_equal(count(w, cases[i].counter), 1);
        end(w);
    }
}

static void test_lies(void **state)
{
    static const uint8_t triplet[] = { GSUP_AUTH_RESULT,
                                       1,
                                       8,
                                       0,
                                       1,
                                       1,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0xf1,
                                       3,
                                       0x22,
                                       0x20,
                                       16,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0x21,
                                       4,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0x22,
                                       8,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0,
                                       0 };
    static const uint8_t part[] = {
        GSUP_AUTH_RESULT, 1, 8, 0, 1, 1, 0, 0, 0, 0, 0xf1, 3, 6, 0x21, 4, 0, 0, 0, 0, 0x20
    };
    struct world *w = world();
    connect_it(w);
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    uint32_t session = said(w).session;
    result(w, B, 0, 10, 3, true); /* B was not asked for */
    assert_int_equal(count(w, HLR_unsolicited), 1);
    result(w, A, session + 1, 10, 3, true); /* another session */
    assert_int_equal(count(w, HLR_unsolicited), 2);
    give(w, IPA_OSMO, IPA_EXT_GSUP, part, sizeof part);
    assert_int_equal(count(w, HLR_malformed), 1);
    assert_int_equal(w->answers, 0);
    result(w, B, session, 10, 3, true); /* our session, another subscriber's vectors */
    assert_int_equal(count(w, HLR_foreign), 1);
    assert_int_equal(w->what[0], AKA_AUC_UNAVAILABLE);
    assert_int_equal(hlr_cached(w->h), 0);
    assert_true(ask(w, 2, A, true));
    pass(w, 0);
    give(w, IPA_OSMO, IPA_EXT_GSUP, triplet, sizeof triplet);
    assert_int_equal(w->what[1], AKA_AUC_UNKNOWN);
    assert_true(ask(w, 3, A, true));
    pass(w, 0);
    result(w, A, 0, 0, 0, true);
    assert_int_equal(w->what[2], AKA_AUC_UNKNOWN);
    assert_int_equal(count(w, HLR_no_vectors), 2);
    result(w, A, 0, 10, 3, true); /* nobody asks any more */
    assert_int_equal(count(w, HLR_unsolicited), 3);
    give(w, IPA_OSMO, IPA_EXT_CTRL, "x", 1);
    give(w, 0x77, 0, "x", 1);
    assert_int_equal(count(w, HLR_unsolicited), 5);
    assert_int_equal(w->resets, 0);
    hlr_input(w->h, span_of("\x00\x05\xfe\x00", 4), w->now); /* no frame: the stream is out of step */
    assert_int_equal(w->resets, 1);
    assert_false(hlr_ready(w->h));
    end(w);
}

static void test_no_connection(void **state)
{
    struct world *w = world();
    assert_true(ask(w, 1, A, true));
    pass(w, 2 * S - 1);
    assert_int_equal(w->answers, 0);
    pass(w, 1);
    assert_int_equal(w->what[0], AKA_AUC_UNAVAILABLE);
    assert_int_equal(count(w, HLR_timeouts), 1);
    /* it comes in time */
    assert_true(ask(w, 2, A, true));
    pass(w, S);
    connect_it(w);
    assert_string_equal(said(w).imsi, A);
    uint32_t session = said(w).session;
    /* lost before the answer: asked again over the next one, under another id */
    hlr_down(w->h, ERR_OK, w->now);
    assert_int_equal(count(w, HLR_losses), 1);
    connect_it(w);
    assert_true(said(w).session != session);
    result(w, A, said(w).session, 10, 1, true);
    assert_int_equal(w->what[1], AKA_AUC_OK);
    assert_int_equal(count(w, HLR_requests), 2);
    assert_int_equal(count(w, HLR_connects), 2);
    end(w);
}

/* An answer that is late is nobody's, and does not become the answer to the next question. */
static void test_slow(void **state)
{
    static const uint8_t rand[16] = { 1 }, auts[14] = { 2 };
    struct world *w = world();
    connect_it(w);
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    uint32_t session = said(w).session;
    pass(w, 2 * S);
    assert_int_equal(w->what[0], AKA_AUC_UNAVAILABLE);
    assert_true(ask_sync(w, 2, A, true, rand, auts));
    pass(w, 0);
    result(w, A, session, 10, 3, true);
    assert_int_equal(w->answers, 1);
    assert_int_equal(count(w, HLR_unsolicited), 1);
    result(w, A, said(w).session, 20, 3, true);
    assert_int_equal(w->v[1].rand[0], 20);
    end(w);
}

static void test_keepalive(void **state)
{
    struct world *w = world();
    connect_it(w);
    unsigned sent = w->sent;
    pass(w, 10 * S);
    assert_int_equal(w->sent, sent + 1);
    assert_memory_equal(w->last, "\x00\x01\xfe\x00", 4);
    pass(w, 4 * S);
    give(w, IPA_CCM, IPA_PONG, NULL, 0);
    pass(w, 9 * S);
    assert_int_equal(w->sent, sent + 1);
    give(w, IPA_CCM, IPA_PING, NULL, 0);
    assert_memory_equal(w->last, "\x00\x01\xfe\x01", 4);
    pass(w, 10 * S);
    assert_memory_equal(w->last, "\x00\x01\xfe\x00", 4);
    pass(w, 5 * S - 1);
    assert_int_equal(w->resets, 0);
    pass(w, 1);
    assert_int_equal(w->resets, 1);
    assert_int_equal(count(w, HLR_silent), 1);
    assert_false(hlr_ready(w->h));
    pass(w, 100 * S);
    assert_int_equal(w->resets, 1);
    hlr_up(w->h, w->now); /* it does not even ask who we are */
    pass(w, 5 * S);
    assert_int_equal(w->resets, 2);
    end(w);
}

static void test_queue_full(void **state)
{
    struct world *w = world();
    connect_it(w);
    w->queue_full = true;
    assert_true(ask(w, 1, A, true));
    pass(w, 0);
    assert_int_equal(count(w, HLR_requests), 0);
    w->queue_full = false;
    give(w, IPA_CCM, IPA_PONG, NULL, 0);
    hlr_timeout(w->h, w->now);
    assert_int_equal(count(w, HLR_requests), 1);
    w->queue_full = true;
    give(w, IPA_CCM, IPA_PING, NULL, 0);
    assert_int_equal(w->resets, 1);
    end(w);
}

static void test_ranges(void **state)
{
    static const struct as_range r[] = { { "00101", 0 }, { "001010000001", -1 }, { "24405", 1 }, { "", 2 } };
    assert_int_equal(source_range(r, 4, "001010000000001"), 0);
    assert_int_equal(source_range(r, 4, "001010000001000"), 1);
    assert_int_equal(source_range(r, 4, "244051234567890"), 2);
    assert_int_equal(source_range(r, 4, "24499"), 3);
    assert_int_equal(source_range(r, 3, "24499"), -1);
    assert_int_equal(source_range(r, 4, "0010"), 3); /* shorter than the prefix */
    assert_int_equal(source_range(r, 0, "24499"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_cache_bounds),
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_resync),
        cmocka_unit_test(test_status),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_lies),       cmocka_unit_test(test_no_connection),
        cmocka_unit_test(test_slow),       cmocka_unit_test(test_keepalive),
        cmocka_unit_test(test_queue_full), cmocka_unit_test(test_ranges),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
