/* SPDX-License-Identifier: Apache-2.0
 *
 * MOVE and what the operator orders (docs/sim-binding.md section 7): a name goes to another HI of its subscriber by a proof at once, without one only
 * when the old HI was not seen for long enough or the operator says so; who had it hears of it; nobody else gets it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/fa_world.h"

#define MATTI  "matti.operator.example"
#define HOLD_S 3600u
#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER  "0123456789abcdef0123456789abcdeX"

struct scene {
    struct fw *w;
    struct fw_mn *old, *new;
};

/* `old` is bound as matti; `new` has the same SIM. */
static struct scene scene(void)
{
    const char *seed = getenv("SEED");
    struct scene s = { .w = fw_new(seed ? strtoull(seed, NULL, 10) : 5) };
    s.w->c.takeover_hold_s = HOLD_S;
    fw_start(s.w);
    s.old = fw_mn(s.w, "old", "192.0.2.20", &s.w->card[0]);
    s.new = fw_mn(s.w, "new", "192.0.2.21", &s.w->card[0]);
    s.old->wanted[0] = s.new->wanted[0] = "matti.operator.example.";
    s.old->want_sim = s.new->want_sim = s.old->want_rvs = s.new->want_rvs = true;
    s.old->secret = SECRET;
    fw_connect(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_int_equal(s.old->status, HIP_BIND_ST_BOUND);
    assert_string_equal(s.old->fqdn, MATTI);
    s.new->flags = HIP_BIND_MOVE;
    return s;
}

static void ask(struct scene *s)
{
    fw_connect(s->w, s->new);
    fw_run(s->w, 3 * FW_S);
}

static const struct fw_row *row_bound(const struct scene *s)
{
    for (size_t i = 0; i < s->w->n_row; i++)
        if (s->w->row[i].b.state == FA_BINDING_BOUND && strcmp(s->w->row[i].b.name, MATTI) == 0)
            return &s->w->row[i];
    return NULL;
}

/* The zone and the store say it is this one's. */
static bool has_name(const struct scene *s, const struct fw_mn *m)
{
    const struct fw_row *r = row_bound(s);
    const struct fw_rr *z = fw_zone(s->w, MATTI);
    return r && z && memcmp(r->b.hit, m->hi.hit.b, 16) == 0 && z->n == r->b.rdata_len &&
           memcmp(z->rdata, r->b.rdata, z->n) == 0 && memmem(z->rdata, z->n, m->hi.hit.b, 16) != NULL;
}

static void moved(struct scene *s)
{
    assert_int_equal(s->new->status, HIP_BIND_ST_BOUND);
    assert_string_equal(s->new->fqdn, MATTI);
    assert_true(s->new->granted_rvs);
    assert_true(has_name(s, s->new));
    assert_null(fw_inconsistent(s->w));
    assert_int_equal(s->w->event[FA_EVENT_MOVED], 1);
}

static void not_moved(struct scene *s, int status)
{
    assert_int_equal(s->new->status, status);
    assert_false(s->new->granted_rvs);
    assert_true(has_name(s, s->old));
    assert_null(fw_inconsistent(s->w));
    assert_int_equal(s->w->event[FA_EVENT_MOVED], 0);
}

static void test_by_old_identity(void **state)
{
    (void)state;
    struct scene s = scene();
    s.new->old = s.new->old_signer = &s.old->hi;
    ask(&s);
    moved(&s);
    assert_int_equal(s.w->event[FA_EVENT_TAKEOVER], 0);
    /* Whoever had it hears of it at once, and is registered no more. */
    assert_int_equal(s.old->notice, HIP_BIND_ST_MOVED);
    assert_false(s.old->granted_rvs);
    struct fw_mn *cn = fw_mn(s.w, "cn", "198.51.100.7", NULL);
    assert_true(fw_i1_for(s.w, cn, &s.old->hi.hit) != 0);
    assert_int_equal(fw_i1_for(s.w, cn, &s.new->hi.hit), 0);
    fw_free(s.w);
}

static void test_by_secret(void **state)
{
    (void)state;
    struct scene s = scene();
    s.new->old_secret = SECRET;
    ask(&s);
    moved(&s);
    assert_int_equal(s.old->notice, HIP_BIND_ST_MOVED);
    fw_free(s.w);
}

/* A proof that is not one is none: it waits as if there were none. */
static void test_bad_proofs(void **state)
{
    (void)state;
    struct scene s = scene();
    s.new->old = &s.old->hi;
    s.new->old_signer = &s.new->hi; /* not the old one's */
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    fw_free(s.w);

    s = scene();
    s.new->old_secret = OTHER;
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    fw_free(s.w);
}

/* A second SIM of the subscriber, or a stolen one, takes nothing while the first host is there; the user and the operator hear of the try. */
static void test_takeover_of_a_name_with_a_second_sim(void **state)
{
    (void)state;
    struct scene s = scene();
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    assert_true(s.new->wait_s > HOLD_S - 10 && s.new->wait_s <= HOLD_S);
    assert_int_equal(s.old->notice, HIP_BIND_ST_HELD);
    assert_true(s.old->granted_rvs); /* that is all that it hears */
    assert_int_equal(s.w->event[FA_EVENT_TAKEOVER], 1);
    assert_non_null(strstr(s.w->last_audit, "name"));
    ask(&s); /* again: nobody is told twice */
    not_moved(&s, HIP_BIND_ST_HELD);
    assert_int_equal(s.w->event[FA_EVENT_TAKEOVER], 1);
    fw_free(s.w);
}

static void test_held_until_not_seen(void **state)
{
    (void)state;
    struct scene s = scene();
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    for (int i = 0; i < 20; i++) { /* it stays, so the hold does not run off */
        fw_renew(s.w, s.old);
        fw_run(s.w, 200 * FW_S);
    }
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    fw_run(s.w, (HOLD_S / 2) * FW_S); /* its registration ended; half of the hold is over */
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    assert_true(s.new->wait_s < HOLD_S * 3 / 4);
    fw_run(s.w, HOLD_S * FW_S);
    ask(&s);
    moved(&s);
    fw_free(s.w);
}

static void test_operator_decides(void **state)
{
    (void)state;
    struct scene s = scene();
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    s.w->hold_says = FA_HOLD_REFUSED;
    ask(&s);
    not_moved(&s, HIP_BIND_ST_HELD);
    assert_non_null(strstr(s.new->reason, "operator refuses"));
    s.w->hold_says = FA_HOLD_ALLOWED;
    ask(&s);
    moved(&s);
    fw_free(s.w);
}

/* It was away when it happened: it learns it at its next contact, and nothing is granted to it whatever the lists say. */
static void test_learns_it_later(void **state)
{
    (void)state;
    struct scene s = scene();
    fw_restart(s.w);
    s.new->old_secret = SECRET;
    ask(&s);
    moved(&s);
    assert_int_equal(s.w->tells, 1); /* for the engine that might have it */
    assert_int_equal(s.w->told.what, FA_TELL_MOVED);
    s.old->want_sim = false;
    fw_connect(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_false(s.old->granted_rvs);
    assert_int_equal(s.old->fail_rvs, 0);
    assert_int_equal(s.old->notice, HIP_BIND_ST_MOVED);
    fw_free(s.w);
}

/* The SIM goes back into the first device: its HI may have the name again. */
static void test_and_back(void **state)
{
    (void)state;
    struct scene s = scene();
    s.new->old = s.new->old_signer = &s.old->hi;
    ask(&s);
    moved(&s);
    s.old->flags = HIP_BIND_MOVE;
    s.old->old = s.old->old_signer = &s.new->hi;
    fw_connect(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_int_equal(s.old->status, HIP_BIND_ST_BOUND);
    assert_true(has_name(&s, s.old));
    assert_int_equal(s.new->notice, HIP_BIND_ST_MOVED);
    assert_null(fw_inconsistent(s.w));
    fw_free(s.w);
}

/* The same request again gives the same answer; and where nothing is held, it is a binding like any other. */
static void test_nothing_to_move(void **state)
{
    (void)state;
    struct scene s = scene();
    s.new->old_secret = SECRET;
    ask(&s);
    moved(&s);
    ask(&s);
    assert_int_equal(s.new->status, HIP_BIND_ST_BOUND);
    assert_true(has_name(&s, s.new));
    fw_unbind(s.w, s.new);
    fw_run(s.w, 3 * FW_S);
    ask(&s);
    assert_int_equal(s.new->status, HIP_BIND_ST_BOUND);
    assert_true(has_name(&s, s.new));
    fw_free(s.w);
}

static void test_another_subscriber_has_no_claim(void **state)
{
    (void)state;
    struct scene s = scene();
    struct fw_mn *stranger = fw_mn(s.w, "stranger", "192.0.2.30", &s.w->card[1]);
    stranger->want_sim = stranger->want_rvs = true;
    stranger->flags = HIP_BIND_MOVE;
    stranger->wanted[0] = "matti.operator.example.";
    stranger->old_secret = SECRET;
    stranger->old = stranger->old_signer = &s.old->hi; /* even with the old one's signature */
    fw_connect(s.w, stranger);
    fw_run(s.w, 3 * FW_S);
    assert_int_equal(stranger->status, HIP_BIND_ST_BOUND); /* of the same given name, as another one */
    assert_string_equal(stranger->fqdn, "matti-2.operator.example");
    assert_true(has_name(&s, s.old));
    assert_null(fw_inconsistent(s.w));
    fw_free(s.w);
}

/* The FA dies after any of its jobs, or one of them is lost: the name is the one's or the other's, whole, and the zone agrees. */
static void test_trouble(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 3; mode++)
        for (unsigned at = 1; at < 24; at++) {
            struct scene s = scene();
            unsigned from = s.w->n_done;
            s.new->old_secret = SECRET;
            *(mode == 0 ? &s.w->fail_at : mode == 1 ? &s.w->lose_at : &s.w->stop_at) = from + at;
            ask(&s);
            fw_run(s.w, 60 * FW_S);
            s.w->fail_at = s.w->lose_at = s.w->stop_at = 0;
            if (s.w->stopped)
                fw_restart(s.w);
            fw_run(s.w, 700 * FW_S);
            if (!has_name(&s, s.new) && !has_name(&s, s.old))
                fail_msg("mode %u, job %u: the name is nobody's", mode, at);
            const char *why = fw_inconsistent(s.w);
            if (why)
                fail_msg("mode %u, job %u: %s", mode, at, why);
            s.new->flags = HIP_BIND_MOVE;
            ask(&s); /* and asking again ends well */
            assert_int_equal(s.new->status, HIP_BIND_ST_BOUND);
            assert_true(has_name(&s, s.new));
            fw_free(s.w);
        }
}

static void test_zone_was_changed(void **state)
{
    (void)state;
    struct scene s = scene();
    fw_zone_put(s.w, MATTI, span_str("somebody else's"));
    s.new->old_secret = SECRET;
    ask(&s);
    assert_int_equal(s.new->status, HIP_BIND_ST_NAME_REFUSED); /* never forced */
    assert_int_equal(fw_zone(s.w, MATTI)->n, strlen("somebody else's"));
    assert_true(s.w->audits > 0);
    fw_free(s.w);
}

/* ---- the operator's orders ---- */

static void tell(struct scene *s, enum fa_tell_what what)
{
    struct fa_tell x = { .what = what, .hit = s->old->hi.hit };
    fa_actions_reset(s->w->out);
    fa_tell(s->w->fa, &x, s->w->now, s->w->out);
    fw_act(s->w);
    fw_run(s->w, 3 * FW_S);
}

static void test_suspended(void **state)
{
    (void)state;
    struct scene s = scene();
    s.w->suspended[0] = true;
    s.w->epoch[0]++;
    tell(&s, FA_TELL_SUSPENDED);
    assert_false(s.old->granted_rvs);
    fw_renew(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_false(s.old->granted_rvs);
    assert_int_equal(s.old->fail_rvs, 0);
    fw_run_again(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_int_equal(s.old->status, HIP_BIND_ST_NOT_SUBSCRIBED);
    assert_true(has_name(&s, s.old)); /* names stay */
    s.w->suspended[0] = false;
    fw_connect(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_true(s.old->granted_rvs);
    fw_free(s.w);
}

/* A run that has read the old epoch ends with status 4. */
static void suspend_before_intent(struct fw *w, const struct fa_job *j)
{
    if (j->type != FA_JOB_INTENT)
        return;
    w->epoch[0]++;
    w->before = NULL;
}

static void test_revoke_in_the_middle_of_a_run(void **state)
{
    (void)state;
    struct scene s = scene();
    s.new->old_secret = SECRET;
    s.w->before = suspend_before_intent;
    ask(&s);
    not_moved(&s, HIP_BIND_ST_UNAVAILABLE);
    fw_free(s.w);
}

static void test_rekey(void **state)
{
    (void)state;
    struct scene s = scene();
    unsigned was = s.old->challenges;
    for (size_t i = 0; i < s.w->n_row; i++)
        s.w->row[i].b.rekey = true;
    tell(&s, FA_TELL_REKEY); /* asked at once, by a run in its association */
    assert_true(s.old->challenges > was);
    assert_int_equal(s.old->status, HIP_BIND_ST_BOUND);
    assert_true(s.old->granted_rvs);
    assert_false(row_bound(&s)->b.rekey);
    /* One that was away: its plain exchange is refused until it has run AKA with the same HI. */
    for (size_t i = 0; i < s.w->n_row; i++)
        s.w->row[i].b.rekey = true;
    s.old->want_sim = false;
    fw_connect(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_false(s.old->granted_rvs);
    assert_int_equal(s.old->fail_rvs, 0);
    s.old->want_sim = true;
    s.old->flags = HIP_BIND_REFRESH;
    s.old->wanted[0] = NULL;
    fw_run_again(s.w, s.old);
    fw_run(s.w, 3 * FW_S);
    assert_int_equal(s.old->status, HIP_BIND_ST_BOUND);
    assert_true(s.old->granted_rvs);
    fw_free(s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_old_identity),
        cmocka_unit_test(test_by_secret),
        cmocka_unit_test(test_bad_proofs),
        cmocka_unit_test(test_takeover_of_a_name_with_a_second_sim),
        cmocka_unit_test(test_held_until_not_seen),
        cmocka_unit_test(test_operator_decides),
        cmocka_unit_test(test_learns_it_later),
        cmocka_unit_test(test_and_back),
        cmocka_unit_test(test_nothing_to_move),
        cmocka_unit_test(test_another_subscriber_has_no_claim),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_zone_was_changed),
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_revoke_in_the_middle_of_a_run),
        cmocka_unit_test(test_rekey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
