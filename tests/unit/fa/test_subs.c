/* SPDX-License-Identifier: Apache-2.0
 * The embedded subscriber database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fa/core/naming.h"
#include "fa/subs_sqlite.h"

static uint64_t wall(void)
{
    return 1700000000;
}

struct fixture {
    char dir[64], path[96];
    struct subs_sqlite *db;
    struct subs subs;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char why[SQL_WHY_MAX];
    snprintf(f->dir, sizeof f->dir, "/tmp/hipfa-subs-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/s.sqlite", f->dir);
    assert_int_equal(subs_sqlite_open(f->path, false, wall, &f->db, why), ERR_NOT_FOUND);
    assert_int_equal(subs_sqlite_open(f->path, true, wall, &f->db, why), ERR_OK);
    f->subs = subs_sqlite_ops(f->db);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    struct fixture *f = *state;
    f->subs.ops->close(f->subs.ctx);
    for (int i = 0; i < 3; i++) {
        char p[128];
        snprintf(p, sizeof p, "%s%s", f->path, ends[i]);
        unlink(p);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct fa_subscriber matti(void)
{
    return (struct fa_subscriber){ .imsi = "001010000000001",
                                   .active = true,
                                   .given = "Matti",
                                   .surname = "Virtanen",
                                   .postal = "Esimerkkikatu 1",
                                   .n_msisdn = 2,
                                   .msisdn = { "358401234567", "358501234567" },
                                   .publish_name = true,
                                   .devices_max = 2,
                                   .lifetime_max_s = 86400 };
}

static void add_and_get(void **state)
{
    struct fixture *f = *state;
    struct fa_subscriber a = matti(), b;
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_OK);
    assert_string_equal(a.id, "sub-000001");
    assert_int_equal(f->subs.ops->get(f->subs.ctx, "001010000000001", "", &b), ERR_OK);
    assert_string_equal(b.id, a.id);
    assert_string_equal(b.imsi, a.imsi);
    assert_string_equal(b.given, "Matti");
    assert_string_equal(b.surname, "Virtanen");
    assert_string_equal(b.postal, "Esimerkkikatu 1");
    assert_int_equal(b.n_msisdn, 2);
    assert_string_equal(b.msisdn[0], "358401234567");
    assert_string_equal(b.msisdn[1], "358501234567");
    assert_true(b.active && b.publish_name && !b.publish_number);
    assert_int_equal(b.devices_max, 2);
    assert_int_equal(b.lifetime_max_s, 86400);
    assert_int_equal(f->subs.ops->get(f->subs.ctx, "", "sub-000001", &b), ERR_OK);
    assert_int_equal(f->subs.ops->get(f->subs.ctx, "001010000000002", "", &b), ERR_NOT_FOUND);
    assert_int_equal(f->subs.ops->get(f->subs.ctx, "001010000000002", "sub-000001", &b),
                     ERR_NOT_FOUND); /* the IMSI decides */
    assert_int_equal(f->subs.ops->get(f->subs.ctx, "", "x", &b), ERR_NOT_FOUND);
}

static void one_of_each(void **state)
{
    struct fixture *f = *state;
    struct fa_subscriber a = matti(), b = matti();
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_OK);
    assert_int_equal(subs_sqlite_add(f->db, &b), ERR_EXISTS); /* IMSI */
    snprintf(b.imsi, sizeof b.imsi, "001010000000002");
    assert_int_equal(subs_sqlite_add(f->db, &b), ERR_EXISTS); /* numbers */
    b.n_msisdn = 0;
    snprintf(b.id, sizeof b.id, "sub-000001");
    assert_int_equal(subs_sqlite_add(f->db, &b), ERR_EXISTS); /* id */
    b.id[0] = 0;
    assert_int_equal(subs_sqlite_add(f->db, &b), ERR_OK);
    char id[FA_ID_MAX] = "";
    assert_int_equal(subs_sqlite_next(f->db, id), ERR_OK);
    assert_int_equal(subs_sqlite_next(f->db, id), ERR_OK);
    assert_int_equal(subs_sqlite_next(f->db, id), ERR_NOT_FOUND);
}

static void bad_records(void **state)
{
    static const char *const imsis[] = { "", "12345", "0010100000000011", "00101000000000x",
                                         "+01010000000001" };
    struct fixture *f = *state;
    struct fa_subscriber a;
    for (size_t i = 0; i < sizeof imsis / sizeof imsis[0]; i++) {
        a = matti();
        snprintf(a.imsi, sizeof a.imsi, "%s", imsis[i]);
        if (strlen(imsis[i]) < sizeof a.imsi)
            assert_int_equal(subs_sqlite_add(f->db, &a), ERR_MALFORMED);
    }
    a = matti();
    snprintf(a.msisdn[1], sizeof a.msisdn[1], "+358401");
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_MALFORMED);
    a = matti();
    snprintf(a.id, sizeof a.id, "a b");
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_MALFORMED);
    snprintf(a.id, sizeof a.id, "a\nb");
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_MALFORMED);
    char id[FA_ID_MAX] = "";
    assert_int_equal(subs_sqlite_next(f->db, id), ERR_NOT_FOUND);
}

static err claim(struct fixture *f, const char *label, const char *not_this)
{
    char skeleton[FA_LABEL_MAX];
    return f->subs.ops->claim(f->subs.ctx, fa_name_skeleton(label, skeleton), not_this);
}

static void claims(void **state)
{
    struct fixture *f = *state;
    struct fa_subscriber a = matti();
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_OK);
    assert_int_equal(claim(f, "matti-virtanen", "another"), ERR_EXISTS);
    assert_int_equal(claim(f, "rnattivirtanen", "another"), ERR_EXISTS); /* looks the same */
    assert_int_equal(claim(f, "mattl-v1rtanen", "another"), ERR_EXISTS);
    assert_int_equal(claim(f, "358401234567", "another"), ERR_EXISTS);
    assert_int_equal(claim(f, "3584ol234567", "another"), ERR_EXISTS);
    assert_int_equal(claim(f, "358501234567", "another"), ERR_EXISTS);
    assert_int_equal(claim(f, "matti-virtanen", a.id), ERR_OK);
    assert_int_equal(claim(f, "liisa-virtanen", "another"), ERR_OK);
    struct fa_subscriber b = matti(); /* a namesake */
    snprintf(b.imsi, sizeof b.imsi, "001010000000002");
    b.n_msisdn = 0;
    assert_int_equal(subs_sqlite_add(f->db, &b), ERR_OK);
    assert_int_equal(claim(f, "matti-virtanen", a.id), ERR_EXISTS);
    assert_int_equal(subs_sqlite_del(f->db, b.id), ERR_OK);
    assert_int_equal(claim(f, "matti-virtanen", a.id), ERR_OK);
    assert_int_equal(subs_sqlite_del(f->db, a.id), ERR_OK);
    assert_int_equal(claim(f, "358401234567", "another"), ERR_OK);
    assert_int_equal(subs_sqlite_del(f->db, a.id), ERR_NOT_FOUND);
    a = matti();
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_OK);
    assert_string_equal(a.id, "sub-000003"); /* an id never comes back: bindings are kept by it */
}

static void no_names_at_all(void **state)
{
    struct fixture *f = *state;
    struct fa_subscriber a = { .imsi = "001010000000009" };
    assert_int_equal(subs_sqlite_add(f->db, &a), ERR_OK);
    assert_int_equal(claim(f, "", "another"), ERR_OK);
    struct fa_subscriber b;
    assert_int_equal(f->subs.ops->get(f->subs.ctx, "", a.id, &b), ERR_OK);
    assert_false(b.active);
    assert_int_equal(b.n_msisdn, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest t[] = { T(add_and_get), T(one_of_each), T(bad_records), T(claims),
                                    T(no_names_at_all) };
    return cmocka_run_group_tests(t, NULL, NULL);
}
