/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
    auc_close(a);
}

/* Several vectors, one commit. */
static void test_together(void **state)
{
    struct auc *a = reopen(NULL), *other = reopen(NULL);
    struct aka_vector v, w;
    struct auc_sub s;
    struct rlimit was, none = { .rlim_cur = 1 };
    (void)state;
    add(a, IMSI, 0);
    add(a, IMSI2, 0);
    auc_together_begin(a);
    assert_int_equal(auc_vector(a, IMSI, 3, true, 100, &v), ERR_OK);
    assert_int_equal(auc_vector(a, "001010000000003", 3, true, 100, &w), ERR_NOT_FOUND);
    assert_int_equal(auc_vector(a, IMSI, 3, true, 100, &w), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(1, 3));
    assert_int_equal(sqn_of(&w), sqn_make(2, 3));
    assert_int_equal(auc_get(other, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, 0); /* not yet */
    assert_int_equal(auc_together_end(a), ERR_OK);
    assert_int_equal(auc_get(other, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(2, 3));
    auc_together_begin(a); /* nothing asked for */
    assert_int_equal(auc_together_end(a), ERR_OK);
    signal(SIGXFSZ, SIG_IGN); /* the disk takes no more octets */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    none.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    auc_together_begin(a);
    assert_int_equal(auc_vector(a, IMSI, 3, true, 101, &v), ERR_OK);
    assert_int_equal(auc_vector(a, IMSI2, 3, true, 101, &w), ERR_OK);
    assert_int_equal(auc_together_end(a), ERR_IO); /* both must not leave */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(auc_get(other, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(2, 3));
    assert_int_equal(auc_vector(a, IMSI2, 3, true, 102, &v), ERR_OK); /* alone as ever */
    assert_int_equal(sqn_of(&v), sqn_make(1, 3));
    auc_close(other);
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
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &w), ERR_OK);
    usim_card_authenticate(&card, v.rand, v.autn, &au);
    assert_int_equal(au.verdict, USIM_SYNC_FAILURE);
    assert_int_equal(auc_resync(a, IMSI, 0, true, w.rand, au.auts, 1, &w), ERR_AUTH); /* of another RAND */
    assert_int_equal(auc_reason(a), AUC_MAC_S);
    struct auc_sub s;
    assert_int_equal(auc_get(a, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(2, 0)); /* nothing changed */
    assert_int_equal(auc_resync(a, IMSI, 0, true, v.rand, au.auts, 1, &w), ERR_OK);
    assert_int_equal(auc_reason(a), AUC_NONE);
    assert_int_equal(sqn_of(&w), sqn_make(701, 0));
    usim_card_authenticate(&card, w.rand, w.autn, &au);
    assert_int_equal(au.verdict, USIM_AUTHENTICATED);
    auc_close(a);
}

/* AUTS that is right, but whose RAND we did not give out: not to anybody, not to this asker, not lately, or not twice. */
static void test_rand_not_given(void **state)
{
    struct auc *a = reopen(NULL);
    struct aka_vector v, w;
    struct auc_sub s;
    uint8_t made_up[16] = { 9 }, auts[14];
    add(a, IMSI, 0);
    add(a, IMSI2, 0);
    assert_int_equal(aka_auts_make(&set1, made_up, sqn_make(700, 0), auts), ERR_OK);
    assert_int_equal(auc_resync(a, IMSI, 0, true, made_up, auts, 1, &w), ERR_AUTH);
    assert_int_equal(auc_reason(a), AUC_NOT_GIVEN);
    assert_int_equal(auc_vector(a, IMSI, 3, true, 1000, &v), ERR_OK);
    assert_int_equal(aka_auts_make(&set1, v.rand, sqn_make(700, 0), auts), ERR_OK);
    assert_int_equal(auc_resync(a, IMSI, 4, true, v.rand, auts, 1000, &w), ERR_AUTH);
    assert_int_equal(auc_reason(a), AUC_NOT_GIVEN);
    assert_int_equal(auc_resync(a, IMSI2, 3, true, v.rand, auts, 1000, &w), ERR_AUTH); /* the same K */
    assert_int_equal(auc_reason(a), AUC_NOT_GIVEN);
    assert_int_equal(auc_resync(a, IMSI, 3, true, v.rand, auts, 1001 + AUC_GIVEN_S, &w), ERR_AUTH);
    assert_int_equal(auc_reason(a), AUC_NOT_GIVEN);
    assert_int_equal(auc_get(a, IMSI, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(1, 3));
    a = reopen(a); /* what was given out is on disk; the clock went back meanwhile */
    assert_int_equal(auc_resync(a, IMSI, 3, true, v.rand, auts, 900, &w), ERR_OK);
    assert_int_equal(sqn_of(&w), sqn_make(701, 3));
    assert_int_equal(auc_resync(a, IMSI, 3, true, v.rand, auts, 900, &w), ERR_AUTH);
    assert_int_equal(auc_reason(a), AUC_NOT_GIVEN);
    auc_close(a);
}

/* An asker that asks without end pushes out its own RANDs, not another's. */
static void test_rands_kept(void **state)
{
    struct auc *a = reopen(NULL);
    struct aka_vector first, v, w;
    uint8_t auts[14];
    add(a, IMSI, 0);
    assert_int_equal(auc_vector(a, IMSI, 1, true, 10, &first), ERR_OK);
    for (int i = 0; i < 3 * AUC_GIVEN_MAX; i++)
        assert_int_equal(auc_vector(a, IMSI, 2, true, 10, &v), ERR_OK);
    for (unsigned i = 3; i < 5; i++)
        assert_int_equal(auc_vector(a, IMSI, i, true, 10, &v), ERR_OK);
    assert_int_equal(aka_auts_make(&set1, first.rand, sqn_make(700, 0), auts), ERR_OK);
    assert_int_equal(auc_resync(a, IMSI, 1, true, first.rand, auts, 10, &w), ERR_OK);
    auc_close(a);
}

static err resync_to(struct auc *a, const char *imsi, uint64_t sqn_ms, struct aka_vector *v)
{
    uint8_t auts[14];
    assert_int_equal(auc_vector(a, imsi, 0, true, 1, v), ERR_OK);
    assert_int_equal(aka_auts_make(&set1, v->rand, sqn_ms, auts), ERR_OK);
    return auc_resync(a, imsi, 0, true, v->rand, auts, 1, v);
}

/* The card is behind: our number stays, however far. Ahead: ours follows, up to the limit. */
static void test_resync_direction(void **state)
{
    struct auc *a = reopen(NULL);
    struct aka_vector v;
    struct auc_sub s;
    add(a, IMSI, sqn_make(1000, 0));
    assert_int_equal(resync_to(a, IMSI, sqn_make(900, 0), &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(1002, 0));
    add(a, IMSI2, sqn_make(1000 + SQN_DELTA_DEFAULT, 0));
    assert_int_equal(resync_to(a, IMSI2, sqn_make(900, 0), &v), ERR_RANGE);
    assert_int_equal(auc_reason(a), AUC_BEHIND);
    assert_int_equal(auc_get(a, IMSI2, &s), ERR_OK);
    assert_int_equal(s.sqn, sqn_make(1001 + SQN_DELTA_DEFAULT, 0));
    assert_int_equal(resync_to(a, IMSI, sqn_make(1004 + SQN_DELTA_DEFAULT, 0), &v),
                     ERR_RANGE); /* ours is 1003 */
    assert_int_equal(auc_reason(a), AUC_JUMP);
    assert_int_equal(resync_to(a, IMSI, sqn_make(1004 + SQN_DELTA_DEFAULT, 0), &v),
                     ERR_OK); /* ours is 1004 */
    assert_int_equal(sqn_of(&v), sqn_make(1005 + SQN_DELTA_DEFAULT, 0));
    auc_close(a);
}

static void test_raise(void **state)
{
    struct auc *a = reopen(NULL);
    struct aka_vector v;
    add(a, IMSI, sqn_make(10, 0));
    assert_int_equal(auc_raise(a, IMSI, sqn_make(10, 0)), ERR_RANGE);
    assert_int_equal(auc_raise(a, IMSI, sqn_make(9, 31)), ERR_RANGE);
    assert_int_equal(auc_raise(a, IMSI, SQN_MAX + 1), ERR_RANGE);
    assert_int_equal(auc_raise(a, IMSI2, 5), ERR_NOT_FOUND);
    assert_int_equal(auc_raise(a, IMSI, sqn_make(5 + SQN_DELTA_DEFAULT * 9, 0)), ERR_OK);
    assert_int_equal(auc_vector(a, IMSI, 1, true, 1, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(6 + SQN_DELTA_DEFAULT * 9, 1));
    auc_close(a);
}

/* TS 33.102 Annex H: a vector for EAP-AKA has the bit clear, one for EAP-AKA' set; the rest of AMF is the operator's. */
static void test_separation(void **state)
{
    struct auc *a = reopen(NULL);
    struct auc_sub s = { .imsi = IMSI, .amf = { 0x81, 0x23 } };
    struct aka_vector v;
    assert_int_equal(auc_add(a, &s, &set1), ERR_OK);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_OK);
    assert_int_equal(v.autn[6] << 8 | v.autn[7], 0x8123);
    assert_int_equal(sqn_of(&v), sqn_make(1, 0)); /* MAC-A is over that AMF */
    assert_int_equal(auc_vector(a, IMSI, 0, false, 1, &v), ERR_OK);
    assert_int_equal(v.autn[6] << 8 | v.autn[7], 0x0123);
    assert_int_equal(sqn_of(&v), sqn_make(2, 0));
    auc_close(a);
}

static void test_tuak(void **state)
{
    struct auc *a = reopen(NULL);
    struct auc_sub s = { .imsi = IMSI, .amf = { 0x80, 0 } }, got;
    struct usim_card card = { .cred = { .alg = AKA_ALG_TUAK, .tuak = TUAK_SHAPE_DEFAULT } };
    struct usim_auth au;
    struct aka_vector v;
    bool same, amf;
    card.cred.tuak.k_len = 32;
    card.cred.tuak.res_len = 16;
    memset(card.cred.k, 0x31, 32);
    memset(card.cred.topc, 0x32, 32);
    sqn_usim_init(&card.sqn);
    sqn_usim_accept(&card.sqn, sqn_make(99, 0));
    assert_int_equal(auc_add(a, &s, &card.cred), ERR_OK);
    card.cred.tuak.mac_len = 16;
    assert_int_equal(auc_add(a, &s, &card.cred), ERR_RANGE); /* no AUTN has room for it */
    card.cred.tuak.mac_len = 8;
    a = reopen(a);
    assert_int_equal(auc_get(a, IMSI, &got), ERR_OK);
    assert_int_equal(got.alg, AKA_ALG_TUAK);
    assert_int_equal(auc_vector(a, IMSI, 0, true, 1, &v), ERR_OK);
    usim_card_authenticate(&card, v.rand, v.autn, &au);
    assert_int_equal(au.verdict, USIM_SYNC_FAILURE);
    assert_int_equal(auc_resync(a, IMSI, 0, true, v.rand, au.auts, 1, &v), ERR_OK);
    usim_card_authenticate(&card, v.rand, v.autn, &au);
    assert_int_equal(au.verdict, USIM_AUTHENTICATED);
    assert_int_equal(au.res_len, 16);
    assert_memory_equal(au.res, v.res, 16);
    assert_int_equal(auc_compare(a, &s, &card.cred, &got, &same, &amf), ERR_OK);
    assert_true(same && amf);
    card.cred.tuak.iterations = 2;
    assert_int_equal(auc_compare(a, &s, &card.cred, &got, &same, &amf), ERR_OK);
    assert_false(same);
    assert_int_equal(auc_compare(a, &s, &set1, &got, &same, &amf), ERR_OK);
    assert_false(same);
    auc_close(a);
}

/* A store as hipakad 0.1.0 left it, key file and all. */
static const char old_key[] = "4408351bdc9f93f38b009ad2afdbf940a42ab7704400112a1f6ec4f4d18cfc36\n";
static const char old_store[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta "
    "VALUES('key',X'B807CA348675EF12486EF01D9BAB0B0F157EE27908F52F2CD45CFEE3242ACCD8D6D15B635FCB4EE1F766"
    "E74341A2D34B45');"
    "CREATE TABLE subscriber( imsi TEXT PRIMARY KEY, sealed BLOB NOT NULL, amf BLOB NOT NULL, sqn INTEGER "
    "NOT NULL, barred "
    "INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "INSERT INTO subscriber "
    "VALUES('001010000000001',X'434193582740C413BD32D5FC49A6266C5B23A98659579CC170521CB6DE71D36954"
    "918DCDECADCB9AE67330A1986F80980C03B4EEB100379C8302EBB276AFE89CE7F579AACD7E5CD8',X'8000',65,0,1795999367,"
    "0);"
    "INSERT INTO subscriber "
    "VALUES('001010000000002',X'F6EB207480D38A642E07639262698B4BE2D393C657A5293C63038BDE535E03CA63"
    "22EB4E2DCF83192B9CEC3AE574A947C0B4861A79FAAB913EEA07F5420B957A9D1B3845CC729E90',X'8000',0,1,1795999367,"
    "0);";

static void raw(const char *text)
{
    sqlite3 *d = NULL;
    assert_int_equal(sqlite3_open(db, &d), SQLITE_OK);
    assert_int_equal(sqlite3_exec(d, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(d);
}

static void test_old_store(void **state)
{
    struct aka_vector v;
    struct auc_sub s;
    FILE *f = fopen(key, "w");
    assert_non_null(f);
    fputs(old_key, f);
    fclose(f);
    assert_int_equal(chmod(key, 0600), 0);
    raw(old_store);
    struct auc *a = reopen(NULL);
    assert_int_equal(auc_get(a, IMSI, &s), ERR_OK);
    assert_int_equal(s.alg, AKA_ALG_MILENAGE);
    assert_int_equal(s.added_s, 1795999367);
    assert_int_equal(auc_vector(a, IMSI, 5, true, 1, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(3, 5)); /* 65 is SEQ 2 */
    assert_int_equal(auc_vector(a, IMSI2, 0, true, 1, &v), ERR_REFUSED);
    a = reopen(a); /* up to date now: opened as it is */
    assert_int_equal(auc_vector(a, IMSI, 5, true, 1, &v), ERR_OK);
    assert_int_equal(sqn_of(&v), sqn_make(4, 5));
    auc_close(a);
    a = NULL;
    raw("PRAGMA user_version = 99");
    assert_int_equal(auc_open(db, key, &env, &a, why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "newer hipakad"));
}

static void test_secret(void **state)
{
    struct auc *a = reopen(NULL), *b = reopen(NULL);
    const struct auc_rotation quiet = { .progress = NULL };
    uint8_t x[32], y[32], z[32];
    assert_int_equal(auc_secret(a, "one", x, sizeof x), ERR_OK);
    assert_int_equal(auc_secret(b, "one", y, sizeof y), ERR_OK);
    assert_memory_equal(x, y, sizeof x);
    assert_int_equal(auc_secret(a, "two", z, sizeof z), ERR_OK);
    assert_memory_not_equal(x, z, sizeof x);
    assert_int_equal(auc_rotate(a, &quiet, why), ERR_OK);
    a = reopen(a);
    assert_int_equal(auc_secret(a, "one", y, sizeof y), ERR_OK);
    assert_memory_equal(x, y, sizeof x);
    assert_int_equal(auc_secret(b, "two", y, sizeof y), ERR_OK); /* which had the old key */
    assert_memory_equal(z, y, sizeof z);
    assert_int_equal(auc_secret(a, "one", y, 31), ERR_MALFORMED); /* it has another length */
    assert_int_equal(auc_secret(a, "three", y, 65), ERR_RANGE);
    auc_close(a);
    auc_close(b);
}

static void test_rehearsal(void **state)
{
    struct auc *a = reopen(NULL);
    struct auc_sub s = { .imsi = IMSI2, .amf = { 0x80, 0 } }, there;
    struct aka_cred other = set1;
    bool same, amf;
    other.k[0] ^= 1;
    add(a, IMSI, 0);
    assert_int_equal(auc_rehearse(a), ERR_OK);
    assert_int_equal(auc_add(a, &s, &other), ERR_OK);
    assert_int_equal(auc_add(a, &s, &set1), ERR_EXISTS);
    assert_int_equal(auc_compare(a, &s, &set1, &there, &same, &amf), ERR_OK);
    assert_false(same);
    snprintf(s.imsi, sizeof s.imsi, IMSI);
    assert_int_equal(auc_add(a, &s, &set1), ERR_EXISTS); /* of the store itself */
    assert_int_equal(auc_compare(a, &s, &set1, &there, &same, &amf), ERR_OK);
    assert_true(same && amf);
    a = reopen(a);
    assert_int_equal(auc_get(a, IMSI2, &there), ERR_NOT_FOUND);
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
    const struct CMUnitTest tests[] = {
        T(test_vectors),    T(test_together), T(test_subscribers), T(test_resync), T(test_resync_direction),
        T(test_at_rest),    T(test_key_file), T(test_row_swapped), T(test_list),   T(test_rand_not_given),
        T(test_rands_kept), T(test_raise),    T(test_separation),  T(test_tuak),   T(test_old_store),
        T(test_rehearsal),  T(test_secret)
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
