/* SPDX-License-Identifier: Apache-2.0
 * Sequence numbers of a subscriber between one card and an AuC that several clients ask, several processes have open, and that dies: whatever
 * happened before, the card authenticates within one resynchronisation, and the AuC's number never falls. Seeds: SEED=n, SEEDS=n of them. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "aka/sqn.h"
#include "aka/usim_card.h"
#include "as/auc_sqlite.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"

#define IMSI    "001010000000001"
#define CLIENTS 4
#define AIR     24 /* vectors on their way */

struct world {
    struct env env;
    uint64_t seed;
    char dir[64], db[96], key[96], why[AUC_WHY_MAX];
    struct auc *auc[2]; /* two processes' view of the store */
    struct usim_card card;
    struct {
        struct aka_vector v;
        unsigned ind;
    } air[AIR];
    size_t n_air;
    uint64_t sqn, now; /* highest number seen of the AuC */
    unsigned done, resyncs, refused;
};

/* xorshift64*: the test's own dice, so that a seed is a run. */
static uint32_t dice(struct world *w, uint32_t n)
{
    w->seed ^= w->seed >> 12;
    w->seed ^= w->seed << 25;
    w->seed ^= w->seed >> 27;
    return (uint32_t)((w->seed * UINT64_C(2685821657736338717)) >> 33) % n;
}

static void open_one(struct world *w, int i)
{
    auc_close(w->auc[i]);
    w->auc[i] = NULL;
    if (auc_open(w->db, w->key, &w->env, &w->auc[i], w->why) != ERR_OK)
        fail_msg("%s", w->why);
}

/* The number in the store has not fallen. */
static void look(struct world *w)
{
    struct auc_sub s;
    assert_int_equal(auc_get(w->auc[dice(w, 2)], IMSI, &s), ERR_OK);
    assert_true(s.sqn >= w->sqn);
    w->sqn = s.sqn;
}

static uint64_t number(const struct world *w, const struct aka_vector *v)
{
    struct aka_vector o;
    uint64_t sqn = 0;
    assert_int_equal(aka_autn_open(&w->card.cred, v->rand, v->autn, &sqn, &o), ERR_OK);
    return sqn;
}

/* Each number is given out once, and above all before it. */
static void got(struct world *w, const struct aka_vector *v)
{
    uint64_t sqn = number(w, v);
    assert_true(sqn_seq(sqn) > sqn_seq(w->sqn));
    w->sqn = sqn;
}

static void ask(struct world *w, unsigned ind)
{
    struct aka_vector v;
    assert_int_equal(auc_vector(w->auc[dice(w, 2)], IMSI, ind, dice(w, 2), w->now, &v), ERR_OK);
    got(w, &v);
    if (w->n_air == AIR)
        w->n_air--; /* lost */
    w->air[w->n_air].v = v;
    w->air[w->n_air++].ind = ind;
}

/* A challenge reaches the card, in any order; its AUTS may get lost as well, or arrive long after. */
static void deliver(struct world *w)
{
    struct usim_auth a;
    struct aka_vector v;
    if (w->n_air == 0)
        return;
    size_t i = dice(w, (uint32_t)w->n_air);
    unsigned ind = w->air[i].ind;
    v = w->air[i].v;
    w->air[i] = w->air[--w->n_air];
    usim_card_authenticate(&w->card, v.rand, v.autn, &a);
    w->done += a.verdict == USIM_AUTHENTICATED;
    if (a.verdict != USIM_SYNC_FAILURE || dice(w, 3) == 0)
        return;
    if (dice(w, 4) == 0)
        w->now += AUC_GIVEN_S + 1;
    err e = auc_resync(w->auc[dice(w, 2)], IMSI, ind, true, v.rand, a.auts, w->now, &v);
    if (e == ERR_OK) {
        got(w, &v);
        w->resyncs++;
    } else {
        assert_int_equal(e, ERR_AUTH); /* too late, or pushed out by others: never a wrong MAC-S */
        assert_int_equal(auc_reason(w->auc[0]) == AUC_NOT_GIVEN || auc_reason(w->auc[1]) == AUC_NOT_GIVEN, 1);
        w->refused++;
    }
}

/* The card was used with another AuC, or the store is older than the card: it is ahead on some IND. */
static void card_runs_ahead(struct world *w)
{
    uint64_t to = sqn_seq(w->sqn) + 1 + dice(w, 100000);
    sqn_usim_accept(&w->card.sqn, sqn_make(to, dice(w, SQN_IND_COUNT)));
}

/* Another process (this program again: a connection of SQLite's does not survive fork) asks without end beside us and is killed at any moment.
 * What it got nobody saw. */
static void crash(struct world *w)
{
    int ready[2], status = 0;
    char octet;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ready[1], STDOUT_FILENO);
        close(ready[0]);
        close(ready[1]);
        execl("/proc/self/exe", "test_auc_sqn", w->db, w->key, (char *)NULL);
        _exit(2);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    close(ready[0]);
    for (uint32_t n = dice(w, 4); n > 0; n--) { /* both at once: each number is given to one of them */
        ask(w, dice(w, CLIENTS));
        usleep(dice(w, 2000));
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static int ask_without_end(const char *db, const char *key)
{
    struct env env = rt_env((struct log){ 0 });
    struct auc *a = NULL;
    struct aka_vector v;
    char why[AUC_WHY_MAX];
    err e = auc_open(db, key, &env, &a, why);
    if (e == ERR_OK && write(STDOUT_FILENO, "r", 1) != 1)
        e = ERR_IO;
    while (e == ERR_OK)
        e = auc_vector(a, IMSI, 1, true, 1000, &v);
    fprintf(stderr, "%s\n", err_name(e));
    auc_close(a);
    return 1;
}

/* A run that nobody disturbs, by any client: at most one resynchronisation. */
static void clean_run(struct world *w)
{
    struct usim_auth a;
    struct aka_vector v;
    unsigned ind = dice(w, CLIENTS);
    struct auc *auc = w->auc[dice(w, 2)];
    assert_int_equal(auc_vector(auc, IMSI, ind, true, w->now, &v), ERR_OK);
    got(w, &v);
    usim_card_authenticate(&w->card, v.rand, v.autn, &a);
    if (a.verdict == USIM_SYNC_FAILURE) {
        assert_int_equal(auc_resync(auc, IMSI, ind, true, v.rand, a.auts, w->now, &v), ERR_OK);
        got(w, &v);
        w->resyncs++;
        usim_card_authenticate(&w->card, v.rand, v.autn, &a);
    }
    assert_int_equal(a.verdict, USIM_AUTHENTICATED);
    assert_memory_equal(a.res, v.res, v.res_len);
    w->done++;
}

static void begin(struct world *w, uint64_t seed)
{
    static const char dir[] = "/tmp/hipfa-sqn-XXXXXX";
    struct auc_sub s = { .imsi = IMSI, .amf = { 0x80, 0 } };
    *w = (struct world){ .env = rt_env((struct log){ 0 }), .seed = seed * 2654435761u + 1, .now = 1000 };
    memcpy(w->dir, dir, sizeof dir);
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->db, sizeof w->db, "%s/auc.sqlite", w->dir);
    snprintf(w->key, sizeof w->key, "%s/auc.key", w->dir);
    memset(w->card.cred.k, 3, AKA_K_LEN);
    sqn_usim_init(&w->card.sqn);
    w->card.sqn.l = dice(w, 2) ? 0 : 64; /* with a limit on age and without */
    open_one(w, 0);
    assert_int_equal(auc_add(w->auc[0], &s, &w->card.cred), ERR_OK);
    open_one(w, 1);
}

static void end(struct world *w)
{
    char cmd[96];
    auc_close(w->auc[0]);
    auc_close(w->auc[1]);
    snprintf(cmd, sizeof cmd, "rm -r %s", w->dir);
    assert_int_equal(system(cmd), 0);
}

static void one_seed(uint64_t seed, unsigned *resyncs, unsigned *refused)
{
    struct world w;
    begin(&w, seed);
    for (unsigned i = 0; i < 150; i++) {
        switch (dice(&w, 12)) {
        case 0:
            card_runs_ahead(&w);
            break;
        case 1:
            open_one(&w, (int)dice(&w, 2));
            break;
        case 2:
            w.n_air = 0; /* all lost */
            break;
        case 3:
            clean_run(&w);
            break;
        case 4:
        case 5:
        case 6:
        case 7:
            deliver(&w);
            break;
        default:
            ask(&w, dice(&w, CLIENTS));
            break;
        }
        if (i % 50 == 49) {
            crash(&w);
            look(&w);
        }
    }
    clean_run(&w);
    assert_true(w.done >= 5);
    *resyncs += w.resyncs;
    *refused += w.refused;
    end(&w);
}

static void test_interleavings(void **state)
{
    const char *first = getenv("SEED"), *count = getenv("SEEDS");
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    unsigned n = count ? (unsigned)strtoul(count, NULL, 10) : first ? 1 : 5;
    unsigned resyncs = 0, refused = 0;
    for (unsigned i = 0; i < n; i++) {
        print_message("SEED=%" PRIu64 "\n", seed + i);
        one_seed(seed + i, &resyncs, &refused);
    }
    if (!first)
        assert_true(resyncs > n && refused > 0); /* they did happen */
}

/* At the end of the numbers nothing wraps: the last one is given out once, and then none. */
static void test_end(void **state)
{
    struct world w;
    struct aka_vector v;
    struct usim_auth a;
    begin(&w, 1);
    w.card.sqn.l = 0;
    sqn_usim_accept(&w.card.sqn, sqn_make(SQN_SEQ_MAX - 2, 0));
    assert_int_equal(auc_raise(w.auc[0], IMSI, sqn_make(SQN_SEQ_MAX - 1, 3)), ERR_OK);
    assert_int_equal(auc_vector(w.auc[0], IMSI, 2, true, 1, &v), ERR_OK);
    assert_int_equal(number(&w, &v), sqn_make(SQN_SEQ_MAX, 2));
    usim_card_authenticate(&w.card, v.rand, v.autn, &a);
    assert_int_equal(a.verdict, USIM_AUTHENTICATED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(auc_vector(w.auc[i], IMSI, 2, true, 1, &v), ERR_RANGE);
        assert_int_equal(auc_reason(w.auc[i]), AUC_USED_UP);
    }
    usim_card_authenticate(&w.card, v.rand, v.autn, &a);
    assert_int_equal(a.verdict, USIM_SYNC_FAILURE);
    assert_int_equal(auc_resync(w.auc[0], IMSI, 2, true, v.rand, a.auts, 1, &v), ERR_RANGE);
    end(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_interleavings), cmocka_unit_test(test_end) };
    if (crypto_init() != ERR_OK)
        return 1;
    if (argc == 3)
        return ask_without_end(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
