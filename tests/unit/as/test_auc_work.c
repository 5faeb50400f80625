/* SPDX-License-Identifier: Apache-2.0
 *
 * The AuC behind its work thread: vectors that are asked for at once, each answered once and only when its number is on disk.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "aka/sqn.h"
#include "as/auc_work.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"

#define IMSI "001010000000001"
#define ASK  40

struct world {
    char dir[64], db[96], key[96];
    struct env env;
    struct rt_loop *loop;
    struct auc *auc;
    struct auc_work *work;
    unsigned answers, vectors;
    enum aka_server_auc what[ASK];
    uint64_t sqn[ASK];
};

static const struct aka_cred cred = { .k = { 1, 2, 3 }, .opc = { 4, 5, 6 } };

static void on_answer(void *ctx, const struct source_ref *ref, enum aka_server_auc what,
                      const struct aka_vector *v)
{
    struct world *w = ctx;
    struct aka_vector o;
    assert_true(ref->slot < ASK);
    w->what[ref->slot] = what;
    w->answers++;
    if (!v)
        return;
    w->vectors++;
    assert_int_equal(aka_autn_open(&cred, v->rand, v->autn, &w->sqn[ref->slot], &o), ERR_OK);
}

static void open_auc(struct world *w)
{
    char why[AUC_WHY_MAX];
    if (auc_open(w->db, w->key, &w->env, &w->auc, why) != ERR_OK)
        fail_msg("%s", why);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct auc_sub s = { .imsi = IMSI, .amf = { 0x80, 0 } };
    w->env = rt_env((struct log){ 0 });
    snprintf(w->dir, sizeof w->dir, "/tmp/hipfa-aucwork-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->db, sizeof w->db, "%s/auc.sqlite", w->dir);
    snprintf(w->key, sizeof w->key, "%s/auc.key", w->dir);
    open_auc(w);
    assert_int_equal(auc_add(w->auc, &s, &cred), ERR_OK);
    w->loop = rt_loop_new();
    w->work = auc_work_new(w->loop, w->auc, &w->env, on_answer, w);
    assert_non_null(w->work);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    struct world *w = *state;
    char path[128];
    auc_work_free(w->work);
    rt_loop_free(w->loop);
    auc_close(w->auc);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", w->db, ends[i]);
        unlink(path);
    }
    unlink(w->key);
    rmdir(w->dir);
    free(w);
    return 0;
}

static void ask(struct world *w, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        const struct source_req r = { .ref = { .slot = i }, .imsi = IMSI, .want = AKA_WANT_SEPARATED };
        assert_true(auc_work_ask(w->work, &r));
    }
}

static uint64_t stored(struct world *w)
{
    struct auc_sub s;
    assert_int_equal(auc_get(w->auc, IMSI, &s), ERR_OK);
    return s.sqn;
}

static void many_at_once(void **state)
{
    struct world *w = *state;
    const struct source_req nobody = { .ref = { .slot = 0 },
                                       .imsi = "001010000000009",
                                       .want = AKA_WANT_SEPARATED };
    assert_true(auc_work_ask(w->work, &nobody));
    ask(w, 1, ASK - 1);
    assert_int_equal(auc_work_pending(w->work), ASK);
    rt_loop_run(w->loop);
    assert_int_equal(w->answers, ASK);
    assert_int_equal(w->what[0], AKA_AUC_UNKNOWN); /* and the others are none the worse for it */
    for (unsigned i = 1; i < ASK; i++) {
        assert_int_equal(w->what[i], AKA_AUC_OK);
        assert_int_equal(w->sqn[i], sqn_make(i, 0)); /* in their order, each number once */
    }
    assert_int_equal(stored(w), sqn_make(ASK - 1, 0));
}

/* The disk takes no more octets: no vector leaves, and every asker hears of it. */
static void nothing_on_disk(void **state)
{
    struct world *w = *state;
    struct rlimit was, none = { .rlim_cur = 1 };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    none.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    ask(w, 0, 10);
    rt_loop_run(w->loop);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(w->answers, 10);
    assert_int_equal(w->vectors, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(w->what[i], AKA_AUC_UNAVAILABLE);
    assert_int_equal(stored(w), 0);
    ask(w, 10, 3);
    rt_loop_run(w->loop);
    assert_int_equal(w->vectors, 3);
    assert_int_equal(w->sqn[12], sqn_make(3, 0));
}

/* The daemon ends with questions open: what is on the thread is answered, the rest is not. */
static void the_end(void **state)
{
    struct world *w = *state;
    ask(w, 0, ASK);
    auc_work_free(w->work);
    w->work = NULL;
    assert_true(w->answers < ASK);
    assert_int_equal(w->answers, w->vectors);
    assert_int_equal(stored(w), w->vectors ? sqn_make(w->vectors, 0) : 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest t[] = { T(many_at_once), T(nothing_on_disk), T(the_end) };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("auc_work", t, NULL, NULL);
}
