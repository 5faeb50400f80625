/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose subscriber it is: what Access-Accept names (docs/sim-binding.md section 5, "FA on Access-Accept"), and whose an identity without a realm is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/fa_world.h"

#define MATTI     "matti.meikalainen.operator.example"
#define OURS      "001010000000001"
#define OURS_NAI  "6" OURS "@wlan.mnc001.mcc001.3gppnetwork.org"
#define THEIRS    "001010000000002" /* another subscriber of the realm */
#define ABROAD    "244050000000001"
#define PSEUDONYM "2a1b2c3d4e5f60718"

static struct fw_mn *host(struct fw *w)
{
    return fw_mn(w, "mn", "192.0.2.9", &w->card[0]);
}

/* The first of 3GPP-IMSI, CUI, User-Name that is there decides, and nothing else; what it holds must be an IMSI of the realm. */
static void test_named(void **state)
{
    static const struct {
        struct fw_named named;
        const char *who;   /* bound for; NULL: refused, */
        const char *alarm; /* and what is said */
    } rows[] = {
        { { OURS, NULL, NULL }, OURS, NULL },
        { { NULL, OURS, NULL }, OURS, NULL },
        { { NULL, NULL, OURS }, OURS, NULL },
        { { NULL, NULL, OURS_NAI }, OURS, NULL },
        { { NULL, "0" OURS "@wlan.mnc001.mcc001.3gppnetwork.org", NULL }, OURS, NULL },
        { { OURS, THEIRS, ABROAD }, OURS, NULL },
        { { NULL, OURS, "somebody@elsewhere.example" }, OURS, NULL },
        { { THEIRS, OURS, OURS }, THEIRS, NULL },
        { { "what", OURS, OURS }, NULL, "Access-Accept names no subscriber" },
        { { NULL, "opaque-7f3a", OURS }, NULL, "Access-Accept names no subscriber" },
        { { NULL, NULL, PSEUDONYM }, NULL, "Access-Accept names no subscriber" },
        { { NULL, NULL, "anonymous@wlan.mnc001.mcc001.3gppnetwork.org" },
          NULL,
          "Access-Accept names no subscriber" },
        { { NULL, "00101000000000111", NULL }, NULL, "Access-Accept names no subscriber" }, /* too long */
        { { ABROAD, OURS, OURS_NAI }, NULL, "subscriber does not belong to the realm that was asked" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fw *w = fw_new(1);
        w->named = rows[i].named;
        fw_start(w);
        struct fw_mn *m = host(w);
        fw_connect(w, m);
        fw_run(w, 8 * FW_S);
        if ((m->status == HIP_BIND_ST_BOUND) != (rows[i].who != NULL) || (w->audits == 0) != !rows[i].alarm)
            fail_msg("row %zu: status %d, %u alarms", i, m->status, w->audits);
        if (rows[i].who) {
            size_t k = 0;
            while (k < w->n_sub && strcmp(w->sub[k].imsi, rows[i].who) != 0)
                k++;
            assert_true(k < w->n_sub);
            assert_int_equal(w->n_row, 1);
            assert_string_equal(w->row[0].b.subscriber, w->sub[k].id);
        } else {
            assert_string_equal(w->last_alarm, rows[i].alarm);
            assert_int_equal(m->notify, 24);
            assert_int_equal(w->n_row + w->n_zone + w->booked + w->reg_up, 0);
        }
        fw_free(w);
    }
}

/* With two realms, one without a realm is of nobody; once its host was bound in one of them, it is of that one. */
static void test_identity_without_realm(void **state)
{
    (void)state;
    struct fw *w = fw_new(1);
    w->realm[1] = w->realm[0];
    w->realm[0] = (struct fa_realm){ .realm = "other.example", .n_plmn = 1, .plmn = { "24405" } };
    w->c.n_realms = 2;
    fw_start(w);
    struct fw_mn *m = host(w);
    snprintf(m->identity, sizeof m->identity, "6" OURS);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->fail_sim, 1);
    assert_int_equal(w->asked[FA_JOB_AS], 0);

    m->identity[0] = 0;
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(w->as_realm, 1);
    unsigned asked = w->asked[FA_JOB_AS];

    snprintf(m->identity, sizeof m->identity, "6" OURS);
    fw_run_again(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    assert_int_equal(w->as_realm, 1);
    assert_int_equal(w->asked[FA_JOB_AS], asked + 2);

    struct fw_mn *stranger =
        fw_mn(w, "stranger", "192.0.2.10", &w->card[1]); /* not by its address, not by the other's run */
    snprintf(stranger->identity, sizeof stranger->identity, "6" THEIRS);
    fw_connect(w, stranger);
    fw_run(w, 3 * FW_S);
    assert_int_equal(stranger->fail_sim, 1);
    assert_int_equal(w->asked[FA_JOB_AS], asked + 2);
    fw_free(w);
}

/* Where there is but one realm nobody has to say which. */
static void test_only_realm(void **state)
{
    (void)state;
    struct fw *w = fw_new(1);
    fw_start(w);
    struct fw_mn *m = host(w);
    snprintf(m->identity, sizeof m->identity, "6" OURS);
    fw_connect(w, m);
    fw_run(w, 3 * FW_S);
    assert_int_equal(m->status, HIP_BIND_ST_BOUND);
    fw_free(w);
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_identity_without_realm),
        cmocka_unit_test(test_only_realm),
    };
    return cmocka_run_group_tests(t, NULL, NULL);
}
