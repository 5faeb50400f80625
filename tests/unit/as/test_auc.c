/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "aka/sqn.h"
#include "aka/usim_card.h"
#include "as/auc_sqlite.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"

#define IMSI  "001010000000001"
#define IMSI2 "001010000000002"

static const struct aka_cred set1 = {
    .k = { 0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f, 0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6, 0xbc },
    .opc = { 0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e, 0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b, 0xaf },
};

static struct env env;
static char dir[64], db[96], key[96], why[AUC_WHY_MAX];

static int setup(void **state)
{
    env = rt_env((struct log){ 0 });
    snprintf(dir, sizeof dir, "/tmp/hipfa-auc-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(db, sizeof db, "%s/auc.sqlite", dir);
    snprintf(key, sizeof key, "%s/auc.key", dir);
    return 0;
}

static int teardown(void **state)
{
    char path[128];
    static const char *const names[] = { "auc.sqlite", "auc.sqlite-wal", "auc.sqlite-shm", "auc.key" };
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static struct auc *reopen(struct auc *a)
{
    auc_close(a);
    struct auc *b = NULL;
    err e = auc_open(db, key, &env, &b, why);
    if (e != ERR_OK)
        fail_msg("%s: %s", err_name(e), why);
    return b;
}

static void add(struct auc *a, const char *imsi, uint64_t sqn)
{
    struct auc_sub s = { .amf = { 0x80, 0 }, .sqn = sqn, .added_s = 7 };
    snprintf(s.imsi, sizeof s.imsi, "%s", imsi);
    assert_int_equal(auc_add(a, &s, &set1), ERR_OK);
}

static uint64_t sqn_of(const struct aka_vector *v)
{
    uint64_t sqn = 0;
    struct aka_vector o;
    assert_int_equal(aka_autn_open(&set1, v->rand, v->autn, &sqn, &o), ERR_OK);
    assert_memory_equal(o.res, v->res, 8);
    return sqn;
}

static void test_vectors(void **state)
{
    struct auc *a = reopen(NULL);
    struct aka_vector v, w;
    struct auc_sub s;
    add(a, IMSI, 0);
    assert_int_equal(auc_vector(a, IMSI, 3, true, 100, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(1, 3));
    assert_true(aka_autn_separated(v.autn));
    assert_int_equal(auc_vector(a, IMSI, 4, true, 101, &w), ERR_OK);
    assert_int_equal(sqn_of(&w), sqn_make(2, 4));
    assert_memory_not_equal(v.rand, w.rand, 16);
    a = reopen(a); /* the number is on disk */
    assert_int_equal(auc_get(a, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(2, 4));
    assert_int_equal(s.used_s, 101);
    assert_int_equal(auc_vector(a, IMSI, 3, true, 102, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(3, 3));
    assert_int_equal(auc_vector(a, IMSI2, 3, true, 102, &v), ERR_NOT_FOUND);
    /* for EAP-AKA: the same numbers, without the separation bit, whatever the subscriber's AMF says */
    assert_int_equal(auc_vector(a, IMSI, 3, false, 103, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(4, 3));
    assert_false(aka_autn_separated(v.autn));
    auc_close(a);
}

static void test_subscribers(void **state)
{
    struct auc *a = reopen(NULL);
    struct auc_sub s = { .imsi = IMSI };
    struct aka_vector v;
    add(a, IMSI, 0);
    assert_int_equal(auc_add(a, &s, &set1), ERR_EXISTS);
    snprintf(s.imsi, sizeof s.imsi, "12x");
    assert_int_equal(auc_add(a, &s, &set1), ERR_RANGE);
    assert_int_equal(auc_bar(a, IMSI, true), ERR_OK);
    memset(&v, 0, sizeof v);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_REFUSED);
    assert_int_equal(sqn_of(&v), sqn_make(1, 0)); /* with which the subscriber is told so */
    assert_int_equal(auc_bar(a, IMSI, false), ERR_OK);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_OK);
    assert_int_equal(auc_del(a, IMSI), ERR_OK);
    assert_int_equal(auc_del(a, IMSI), ERR_NOT_FOUND);
    assert_int_equal(auc_bar(a, IMSI, true), ERR_NOT_FOUND);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_NOT_FOUND);
    add(a, IMSI2, SQN_MAX); /* numbers used up */
    assert_int_equal(auc_vector(a, IMSI2, 0, true, 1, &v), ERR_RANGE);
    auc_close(a);
}

static void test_resync(void **state)
{
    struct auc *a = reopen(NULL);
    struct usim_card card = { .cred = set1 };
    struct usim_auth au;
    struct aka_vector v, w;
    sqn_usim_init(&card.sqn);
    sqn_usim_accept(&card.sqn, sqn_make(700, 0));
    add(a, IMSI, 0);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_OK);
    usim_card_authenticate(&card, v.rand, v.autn, &au);
    assert_int_equal(au.verdict, USIM_SYNC_FAILURE);
    uint8_t other[16] = { 9 };
    assert_int_equal(auc_resync(a, IMSI, 0, true, other, au.auts, 1, &w), ERR_AUTH); /* of another RAND */
    struct auc_sub s;
    assert_int_equal(auc_get(a, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(1, 0)); /* nothing changed */
    assert_int_equal(auc_resync(a, IMSI, 0, true, v.rand, au.auts, 1, &w), ERR_OK);
    assert_int_equal(sqn_of(&w), sqn_make(701, 0));
    usim_card_authenticate(&card, w.rand, w.autn, &au);
    assert_int_equal(au.verdict, USIM_AUTHENTICATED);
    auc_close(a);
}

/* The card is behind: our number stays, so that no AUTS takes it back; too far behind (delta): the card's is taken. */
static void test_resync_direction(void **state)
{
    struct auc *a = reopen(NULL);
    struct aka_vector v;
    uint8_t rand[16] = { 5 }, auts[14];
    add(a, IMSI, sqn_make(1000, 0));
    assert_int_equal(aka_auts_make(&set1, rand, sqn_make(900, 0), auts), ERR_OK);
    assert_int_equal(auc_resync(a, IMSI, 0, true, rand, auts, 1, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(1001, 0));
    add(a, IMSI2, sqn_make(1000 + SQN_DELTA_DEFAULT, 0));
    assert_int_equal(aka_auts_make(&set1, rand, sqn_make(900, 0), auts), ERR_OK);
    assert_int_equal(auc_resync(a, IMSI2, 0, true, rand, auts, 1, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(901, 0));
    auc_close(a);
}

static bool file_has(const char *path, const uint8_t *what, size_t n)
{
    static uint8_t buf[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(buf, 1, sizeof buf, f) : 0;
    if (f)
        fclose(f);
    return len > 0 && memmem(buf, len, what, n) != NULL;
}

static void test_at_rest(void **state)
{
    struct auc *a = reopen(NULL);
    struct stat st;
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", db);
    add(a, IMSI, 0);
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(file_has(wal, (const uint8_t *)IMSI, 15)); /* the search finds what is there */
    assert_false(file_has(wal, set1.k, 16));
    assert_false(file_has(wal, set1.opc, 16));
    auc_close(a);
    assert_true(file_has(db, (const uint8_t *)IMSI, 15));
    assert_false(file_has(db, set1.k, 8));
    assert_false(file_has(db, set1.opc, 8));
}

static void test_key_file(void **state)
{
    struct auc *a = reopen(NULL);
    char kept[128];
    add(a, IMSI, 0);
    auc_close(a);
    a = NULL;
    assert_int_equal(chmod(key, 0640), 0);
    assert_int_not_equal(auc_open(db, key, &env, &a, why), ERR_OK);
    assert_int_equal(chmod(key, 0600), 0);
    snprintf(kept, sizeof kept, "%s.kept", key);
    assert_int_equal(rename(key, kept), 0);
    assert_int_equal(auc_open(db, key, &env, &a, why), ERR_NOT_FOUND); /* no second key for an old store */
    FILE *f = fopen(key, "w");
    assert_non_null(f);
    for (int i = 0; i < 64; i++)
        fputc('a', f);
    fclose(f);
    assert_int_equal(chmod(key, 0600), 0);
    assert_int_equal(auc_open(db, key, &env, &a, why), ERR_AUTH);
    f = fopen(key, "w");
    assert_non_null(f);
    fputs("not a key\n", f);
    fclose(f);
    assert_int_equal(auc_open(db, key, &env, &a, why), ERR_MALFORMED);
    assert_int_equal(rename(kept, key), 0);
    a = reopen(NULL);
    struct aka_vector v;
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_OK);
    auc_close(a);
}

/* Keys moved into another subscriber's row do not open there. */
static void test_row_swapped(void **state)
{
    struct auc *a = reopen(NULL);
    sqlite3 *raw = NULL;
    struct aka_vector v;
    add(a, IMSI, 0);
    add(a, IMSI2, 0);
    assert_int_equal(sqlite3_open(db, &raw), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(raw,
                     "UPDATE subscriber SET sealed = (SELECT sealed FROM subscriber WHERE imsi = '" IMSI
                     "') WHERE imsi = '" IMSI2 "'",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(raw);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_OK);
    assert_int_equal(auc_vector(a, IMSI2, 0, true, 1, &v), ERR_AUTH);
    auc_close(a);
}

static bool count_one(void *ctx, const struct auc_sub *s)
{
    ++*(int *)ctx;
    return *(int *)ctx < 2;
}

static void test_list(void **state)
{
    struct auc *a = reopen(NULL);
    char imsi[16], h1[17], h2[17];
    int n = 0;
    for (int i = 0; i < 5; i++) {
        snprintf(imsi, sizeof imsi, "00101000000010%d", i);
        add(a, imsi, 0);
    }
    assert_int_equal(auc_list(a, count_one, &n), ERR_OK);
    assert_int_equal(n, 2);
    auc_log_hash(a, span_str(IMSI), h1);
    auc_log_hash(a, span_str(IMSI2), h2);
    assert_string_not_equal(h1, h2);
    a = reopen(a);
    auc_log_hash(a, span_str(IMSI), h2);
    assert_string_equal(h1, h2);
    auc_close(a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = { T(test_vectors),          T(test_subscribers), T(test_resync),
                                        T(test_resync_direction), T(test_at_rest),     T(test_key_file),
                                        T(test_row_swapped),      T(test_list) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
