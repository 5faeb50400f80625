/* SPDX-License-Identifier: Apache-2.0
 *
 * The checklist by itself (RFC 8445 s6.1, RFC 9028 s4.2, s4.6.2, s4.6.3): what is paired, what is checked when, what is nominated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/heap.h"
#include "hip/checklist.h"

#define MS UINT64_C(1000)
#define S  UINT64_C(1000000)

static struct addr at(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static struct hip_candidate host(const char *text)
{
    struct addr a = at(text);
    return (struct hip_candidate){ .kind = HIP_LOC_HOST, .addr = a, .base = a, .local_pref = 65535 };
}

static struct hip_candidate reflexive(const char *text, const char *base)
{
    return (struct hip_candidate){
        .kind = HIP_LOC_SRFLX, .addr = at(text), .base = at(base), .local_pref = 65535
    };
}

static struct hip_candidate relayed(const char *text, const char *base, const char *server)
{
    return (struct hip_candidate){
        .kind = HIP_LOC_RELAYED, .addr = at(text), .base = at(base), .relay = at(server), .local_pref = 65535
    };
}

static struct hip_remote peer(enum hip_locator_kind kind, const char *text)
{
    struct hip_candidate c = { .kind = kind, .local_pref = 65535 };
    return (struct hip_remote){ .kind = kind, .addr = at(text), .priority = hip_candidate_priority(&c) };
}

static struct hip_checklist *list(bool controlling)
{
    struct hip_checklist *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->controlling = controlling;
    l->ta_us = 50 * MS;
    return l;
}

static void done(struct hip_checklist *l)
{
    hip_checklist_clear(l);
    free(l);
}

/* Three candidates of ours and three of the peer's, as behind a NAT with a relay each. */
static struct hip_candidate own[3];
static struct hip_remote other[3];

static struct hip_checklist *usual(bool controlling)
{
    own[0] = host("10.0.0.2:10500");
    own[1] = reflexive("192.0.2.7:4000", "10.0.0.2:10500");
    own[2] = relayed("198.51.100.1:50001", "10.0.0.2:10500", "198.51.100.1:10500");
    other[0] = peer(HIP_LOC_HOST, "10.9.0.2:10500");
    other[1] = peer(HIP_LOC_SRFLX, "192.0.2.99:7000");
    other[2] = peer(HIP_LOC_RELAYED, "198.51.100.1:50002");
    struct hip_checklist *l = list(controlling);
    hip_checklist_form(l, own, 3, other, 3, 0);
    return l;
}

static void priorities(void **state)
{
    struct hip_candidate c = host("10.0.0.2:10500");
    assert_int_equal(hip_candidate_priority(&c), (126u << 24) + (65535u << 8) + 255);
    assert_int_equal(hip_candidate_prflx_priority(&c), (110u << 24) + (65535u << 8) + 255);
    c.kind = HIP_LOC_SRFLX;
    assert_int_equal(hip_candidate_priority(&c), (100u << 24) + (65535u << 8) + 255);
    c.kind = HIP_LOC_RELAYED;
    c.local_pref = 1;
    assert_int_equal(hip_candidate_priority(&c), (1u << 8) + 255);
    /* Both ends reckon the same. */
    assert_true(hip_pair_priority(true, 7, 9) == hip_pair_priority(false, 9, 7));
    assert_true(hip_pair_priority(true, 7, 9) == (UINT64_C(7) << 32) + 18);
    assert_true(hip_pair_priority(true, 9, 7) == (UINT64_C(7) << 32) + 19);
}

static void pairs(void **state)
{
    struct hip_checklist *l = usual(true);
    assert_int_equal(l->n, 6); /* the reflexive candidate's pairs are its base's */
    for (size_t i = 0; i < l->n; i++) {
        assert_int_not_equal(l->pair[i].local.kind, HIP_LOC_SRFLX);
        assert_int_equal(l->pair[i].state, HIP_PAIR_WAITING);
        if (i > 0)
            assert_true(l->pair[i - 1].priority > l->pair[i].priority);
    }
    assert_int_equal(l->pair[0].remote.kind, HIP_LOC_HOST);
    assert_int_equal(l->pair[1].remote.kind, HIP_LOC_SRFLX);
    assert_true(hip_pair_relayed(&l->pair[2]));
    struct addr want = at("198.51.100.1:10500");
    for (size_t i = 0; i < l->n; i++) {
        struct hip_path p = hip_pair_path(&l->pair[i]);
        assert_true(hip_checklist_find(l, &p) == &l->pair[i]);
        if (l->pair[i].local.kind == HIP_LOC_RELAYED)
            assert_true(addr_eq(&p.peer, &want) && addr_eq(&p.to, &l->pair[i].remote.addr));
        else
            assert_true(addr_eq(&p.peer, &l->pair[i].remote.addr) && p.to.family == ADDR_NONE);
    }
    done(l);
}

/* A host candidate that is not told to the peer: the reflexive one sends from its base all the same. */
static void hidden_base(void **state)
{
    struct hip_candidate c = reflexive("192.0.2.7:4000", "10.0.0.2:10500");
    struct hip_remote r = peer(HIP_LOC_SRFLX, "192.0.2.99:7000");
    struct hip_checklist *l = list(true);
    hip_checklist_form(l, &c, 1, &r, 1, 0);
    assert_int_equal(l->n, 1);
    struct hip_path p = hip_pair_path(&l->pair[0]);
    assert_true(addr_eq(&p.local, &c.base));
    done(l);
}

/* The order in which candidates are listed changes nothing. */
static void pruned_either_way(void **state)
{
    struct hip_candidate c[2] = { reflexive("192.0.2.7:4000", "10.0.0.2:10500"), host("10.0.0.2:10500") };
    struct hip_remote r = peer(HIP_LOC_HOST, "203.0.113.5:10500");
    struct hip_checklist *l = list(true);
    hip_checklist_form(l, c, 2, &r, 1, 0);
    assert_int_equal(l->n, 1);
    assert_int_equal(l->pair[0].local.kind, HIP_LOC_HOST);
    done(l);
}

static void what_is_no_candidate(void **state)
{
    static const char *const bad[] = { "127.0.0.1:10500", "[::1]:10500",       "224.0.0.1:10500",
                                       "[ff02::1]:10500", "255.255.255.255:1", "0.0.0.0:10500",
                                       "[::]:10500",      "169.254.1.1:10500", "[fe80::1]:10500",
                                       "1.2.3.4:10500",   "192.0.2.1",         "[2001:20::1]:10500" };
    struct hip_candidate mine[2] = { host("10.0.0.2:10500"), host("[2001:db8::2]:10500") };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hip_remote r = peer(HIP_LOC_HOST, bad[i]);
        assert_false(hip_candidate_usable(&r.addr));
        struct hip_checklist *l = list(true);
        hip_checklist_form(l, mine, 2, &r, 1, 0);
        assert_int_equal(l->n, 0);
        struct hip_path in = { .local = mine[r.addr.family == ADDR_V6].base, .peer = r.addr };
        assert_null(hip_checklist_learn(l, mine, 2, &in, 1));
        done(l);
    }
    struct addr good = at("[2001:db8::1]:10500");
    assert_true(hip_candidate_usable(&good));
}

static void families_do_not_mix(void **state)
{
    struct hip_candidate mine = host("10.0.0.2:10500");
    struct hip_remote r = peer(HIP_LOC_HOST, "[2001:db8::1]:10500");
    struct hip_checklist *l = list(true);
    hip_checklist_form(l, &mine, 1, &r, 1, 0);
    assert_int_equal(l->n, 0);
    done(l);
}

static void a_hundred_at_most(void **state)
{
    struct hip_candidate c[HIP_CANDIDATES_MAX];
    struct hip_remote r[HIP_REMOTES_MAX];
    struct hip_checklist *l = list(false);
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < HIP_CANDIDATES_MAX; i++) {
        c[i] = host("10.0.0.2:10500");
        c[i].addr.ip[2] = c[i].base.ip[2] = (uint8_t)i;
        c[i].local_pref = (uint16_t)(1000 - i);
    }
    for (size_t i = 0; i < HIP_REMOTES_MAX; i++) {
        r[i] = peer(HIP_LOC_SRFLX, "192.0.2.1:10500");
        r[i].addr.ip[3] = (uint8_t)(i + 1);
        r[i].priority -= (uint32_t)i;
    }
    hip_checklist_form(l, c, HIP_CANDIDATES_MAX, r, HIP_REMOTES_MAX, 0);
    assert_int_equal(l->n, HIP_PAIRS_MAX);
    for (size_t i = 0; i < l->n; i++)
        least = l->pair[i].priority < least ? l->pair[i].priority : least;
    size_t above = 0;
    for (size_t i = 0; i < HIP_CANDIDATES_MAX; i++)
        for (size_t k = 0; k < HIP_REMOTES_MAX; k++)
            above += hip_pair_priority(false, hip_candidate_priority(&c[i]), r[k].priority) >= least;
    assert_int_equal(above, HIP_PAIRS_MAX); /* the best ones */

    /* No room for a stranger, until a pair has failed. */
    struct hip_path in = { .local = c[0].base, .peer = at("203.0.113.77:999") };
    assert_null(hip_checklist_learn(l, c, HIP_CANDIDATES_MAX, &in, 5));
    hip_checklist_failed(l, &l->pair[42], 1);
    assert_true(hip_checklist_learn(l, c, HIP_CANDIDATES_MAX, &in, 5) == &l->pair[42]);
    assert_int_equal(l->n, HIP_PAIRS_MAX);
    assert_int_equal(l->pair[42].state, HIP_PAIR_WAITING);
    done(l);
}

/* ---- time ---- */

static void paced(void **state)
{
    struct hip_checklist *l = usual(true);
    for (size_t i = 0; i < 6; i++) {
        uint64_t now = i * 50 * MS;
        assert_true(hip_checklist_due(l) == now);
        struct hip_pair *p = hip_checklist_next(l, now);
        assert_true(p == &l->pair[i]);
        hip_checklist_begun(l, p, now);
        assert_int_equal(p->state, HIP_PAIR_IN_PROGRESS);
        assert_null(hip_checklist_next(l, now + 50 * MS - 1));
    }
    assert_null(hip_checklist_next(l, 300 * MS));
    assert_true(hip_checklist_due(l) == S); /* the first one's RTO */
    done(l);
}

static void triggered_first(void **state)
{
    struct hip_checklist *l = usual(true);
    hip_checklist_trigger(l, &l->pair[4], false, 0);
    hip_checklist_trigger(l, &l->pair[3], false, 0);
    hip_checklist_trigger(l, &l->pair[4], false, 0); /* once only */
    assert_int_equal(l->n_queue, 2);
    assert_true(hip_checklist_next(l, 0) == &l->pair[4]);
    hip_checklist_begun(l, &l->pair[4], 0);
    assert_null(hip_checklist_next(l, 1));
    assert_true(hip_checklist_next(l, 50 * MS) == &l->pair[3]);
    hip_checklist_begun(l, &l->pair[3], 50 * MS);
    assert_true(hip_checklist_next(l, 100 * MS) == &l->pair[0]);
    done(l);
}

static void given_up(void **state)
{
    struct hip_checklist *l = usual(true);
    struct hip_pair *p = hip_checklist_next(l, 0);
    hip_checklist_begun(l, p, 0);
    l->n = 1; /* this one alone */
    static const uint64_t sent[] = { 1, 2, 4, 6 };
    for (size_t i = 0; i < 4; i++) {
        assert_true(hip_checklist_due(l) == sent[i] * S);
        assert_null(hip_checklist_again(l, sent[i] * S - 1));
        assert_true(hip_checklist_again(l, sent[i] * S) == p);
        assert_int_equal(p->state, HIP_PAIR_IN_PROGRESS);
        assert_int_equal(p->tries, i + 2);
        assert_false(hip_checklist_hopeless(l));
    }
    assert_true(hip_checklist_again(l, 10 * S) == p);
    assert_int_equal(p->state, HIP_PAIR_FAILED);
    assert_int_equal(p->tries, HIP_CHECK_TRIES);
    assert_true(hip_checklist_hopeless(l));
    assert_true(hip_checklist_due(l) == HEAP_NEVER);

    hip_checklist_trigger(l, p, true, 20 * S);
    assert_false(hip_checklist_hopeless(l));
    hip_checklist_begun(l, hip_checklist_next(l, 20 * S), 20 * S);
    assert_true(hip_checklist_again(l, 21 * S) == p);
    assert_int_equal(p->state, HIP_PAIR_IN_PROGRESS);
    assert_true(hip_checklist_again(l, 22 * S) == p);
    assert_int_equal(p->state, HIP_PAIR_FAILED); /* brief */
    done(l);
}

static void rto(void **state)
{
    struct hip_checklist *l = usual(true);
    assert_true(hip_checklist_rto(l) == S); /* never shorter */
    l->ta_us = 500 * MS;
    assert_true(hip_checklist_rto(l) == 3 * S);
    hip_checklist_begun(l, hip_checklist_next(l, 0), 0);
    assert_true(hip_checklist_rto(l) == 3 * S);
    hip_checklist_failed(l, &l->pair[0], 1);
    assert_true(hip_checklist_rto(l) == 2500 * MS);
    done(l);
}

/* The peer's check opened the way: ours is not left to wait for its RTO. */
static void triggered_under_way(void **state)
{
    struct hip_checklist *l = usual(true);
    struct hip_pair *p = hip_checklist_next(l, 0);
    hip_checklist_begun(l, p, 0);
    p->check.id = 77;
    hip_checklist_trigger(l, p, false, 20 * MS); /* just sent */
    assert_true(p->check.due_us == S);
    hip_checklist_trigger(l, p, false, 60 * MS);
    assert_true(hip_checklist_again(l, 60 * MS) == p);
    assert_int_equal(p->tries, 1); /* not one of its five */
    assert_true(hip_checklist_by_id(l, 77) == p);
    done(l);
}

/* ---- what came in ---- */

static void learned(void **state)
{
    struct hip_checklist *l = usual(false);
    struct hip_path in = { .local = at("10.0.0.2:10500"), .peer = at("203.0.113.50:1234") };
    assert_null(hip_checklist_find(l, &in));
    struct hip_pair *p = hip_checklist_learn(l, own, 3, &in, 4711);
    assert_non_null(p);
    assert_int_equal(l->n, 7);
    assert_int_equal(p->local.kind, HIP_LOC_HOST);
    assert_int_equal(p->remote.kind, HIP_LOC_PRFLX);
    assert_int_equal(p->remote.priority, 4711);
    assert_true(hip_checklist_find(l, &in) == p);

    /* Through our relay: from the relayed candidate back to what the relay saw. */
    struct hip_path by = { .local = at("10.0.0.2:10500"),
                           .peer = at("198.51.100.1:10500"),
                           .to = at("203.0.113.50:1235") };
    p = hip_checklist_learn(l, own, 3, &by, 4712);
    assert_non_null(p);
    assert_int_equal(p->local.kind, HIP_LOC_RELAYED);
    struct hip_path back = hip_pair_path(p);
    assert_true(hip_path_eq(&back, &by));

    /* The peer's relay, from a port that is not the candidate's. */
    in.peer = at("198.51.100.1:54688");
    p = hip_checklist_learn(l, own, 3, &in, 4713);
    assert_non_null(p);
    assert_true(hip_pair_relayed(p) && addr_eq(&p->remote.addr, &in.peer));
    assert_int_equal(p->remote.priority, other[2].priority);

    in.local.port++; /* no candidate of ours */
    in.peer.port++;
    assert_null(hip_checklist_learn(l, own, 3, &in, 1));
    by.peer.port++; /* not our relay */
    assert_null(hip_checklist_learn(l, own, 3, &by, 1));
    done(l);
}

/* ---- nomination ---- */

static void succeed(struct hip_checklist *l, size_t i, uint64_t now)
{
    hip_checklist_begun(l, &l->pair[i], now);
    hip_checklist_succeeded(l, &l->pair[i], now + 20 * MS);
}

static void the_best_at_once(void **state)
{
    struct hip_checklist *l = usual(true);
    uint64_t when;
    assert_null(hip_checklist_best(l, 0, &when));
    assert_true(when == HEAP_NEVER);
    succeed(l, 0, 0);
    assert_int_equal(l->pair[0].rtt_us, 20000);
    assert_true(hip_checklist_best(l, 20 * MS, &when) == &l->pair[0]);
    done(l);
}

static void direct_beats_relayed(void **state)
{
    struct hip_checklist *l = usual(true);
    uint64_t when;
    succeed(l, 3, 0);
    assert_true(hip_pair_relayed(&l->pair[3]));
    assert_null(hip_checklist_best(l, 30 * MS, &when));
    assert_true(when == 520 * MS);
    succeed(l, 1, 40 * MS);
    assert_null(hip_checklist_best(l, 60 * MS, &when)); /* the host candidate is still to come */
    assert_true(when == 170 * MS);
    assert_true(hip_checklist_best(l, 170 * MS, &when) == &l->pair[1]);
    hip_checklist_failed(l, &l->pair[0], 60 * MS);
    assert_true(hip_checklist_best(l, 60 * MS, &when) == &l->pair[1]);
    done(l);
}

static void relayed_after_a_while(void **state)
{
    struct hip_checklist *l = usual(true);
    uint64_t when;
    succeed(l, 3, 0);
    assert_null(hip_checklist_best(l, 519 * MS, &when));
    assert_true(hip_checklist_best(l, 520 * MS, &when) == &l->pair[3]);
    for (size_t i = 0; i < 3; i++)
        hip_checklist_failed(l, &l->pair[i], 100 * MS);
    assert_true(hip_checklist_best(l, 100 * MS, &when) == &l->pair[3]); /* nothing better is left */
    done(l);
}

static void concluded(void **state)
{
    struct hip_checklist *l = usual(true);
    hip_checklist_begun(l, &l->pair[0], 0);
    succeed(l, 1, 50 * MS);
    hip_checklist_begun(l, &l->pair[2], 100 * MS);
    hip_checklist_conclude(l, &l->pair[2]);
    assert_false(l->pair[0].check.on); /* no more of these (s4.6.2) */
    assert_int_equal(l->pair[0].state, HIP_PAIR_WAITING);
    assert_true(l->pair[2].check.on);
    assert_null(hip_checklist_next(l, S));
    hip_checklist_trigger(l, &l->pair[0], true, S);
    assert_true(hip_checklist_next(l, S) == &l->pair[0]);
    done(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities),
        cmocka_unit_test(pairs),
        cmocka_unit_test(hidden_base),
        cmocka_unit_test(pruned_either_way),
        cmocka_unit_test(what_is_no_candidate),
        cmocka_unit_test(families_do_not_mix),
        cmocka_unit_test(a_hundred_at_most),
        cmocka_unit_test(paced),
        cmocka_unit_test(triggered_first),
        cmocka_unit_test(given_up),
        cmocka_unit_test(rto),
        cmocka_unit_test(triggered_under_way),
        cmocka_unit_test(learned),
        cmocka_unit_test(the_best_at_once),
        cmocka_unit_test(direct_beats_relayed),
        cmocka_unit_test(relayed_after_a_while),
        cmocka_unit_test(concluded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
