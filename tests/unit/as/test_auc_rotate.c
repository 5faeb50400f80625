/* SPDX-License-Identifier: Apache-2.0
 * The file key rotated: killed at any moment and gone on with, while another process uses the store. SEED=n, KILLS=n. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "as/auc_sqlite.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/osrand.h"

#define ROWS 1500

static struct env env;
static char dir[64], db[96], key[96], key_new[104], why[AUC_WHY_MAX];
static const struct auc_rotation quiet;

static int setup(void **state)
{
    env = rt_env((struct log){ 0 });
    snprintf(dir, sizeof dir, "/tmp/hipfa-rotate-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(db, sizeof db, "%s/auc.sqlite", dir);
    snprintf(key, sizeof key, "%s/auc.key", dir);
    snprintf(key_new, sizeof key_new, "%s.new", key);
    return 0;
}

static int teardown(void **state)
{
    char cmd[96];
    snprintf(cmd, sizeof cmd, "rm -r %s", dir);
    return system(cmd);
}

static struct auc *open_it(void)
{
    struct auc *a = NULL;
    if (auc_open(db, key, &env, &a, why) != ERR_OK)
        fail_msg("%s", why);
    return a;
}

static void imsi_of(unsigned i, char out[IMSI_MAX + 1])
{
    snprintf(out, IMSI_MAX + 1, "0010100001%05u", i % 100000);
}

/* Every third has TUAK; the key says which subscriber it is. */
static struct aka_cred cred_of(unsigned i)
{
    struct aka_cred c = { .alg = i % 3 ? AKA_ALG_MILENAGE : AKA_ALG_TUAK };
    if (c.alg == AKA_ALG_TUAK)
        c.tuak = TUAK_SHAPE_DEFAULT;
    memcpy(c.k, &i, sizeof i);
    return c;
}

static void add(struct auc *a, unsigned i)
{
    struct auc_sub s = { .amf = { 0x80, 0 } };
    struct aka_cred c = cred_of(i);
    imsi_of(i, s.imsi);
    assert_int_equal(auc_add(a, &s, &c), ERR_OK);
}

static uint8_t secret[32];

static struct auc *filled(unsigned n)
{
    struct auc *a = open_it();
    assert_int_equal(auc_secret(a, "one", secret, sizeof secret), ERR_OK);
    assert_int_equal(auc_begin(a), ERR_OK);
    for (unsigned i = 0; i < n; i++)
        add(a, i);
    assert_int_equal(auc_commit(a), ERR_OK);
    return a;
}

/* A vector of this subscriber's, that its card opens. */
static void use(struct auc *a, unsigned i)
{
    char imsi[IMSI_MAX + 1];
    struct aka_vector v, o;
    struct aka_cred c = cred_of(i);
    uint64_t sqn;
    imsi_of(i, imsi);
    err e = auc_vector(a, imsi, 0, true, 1, &v);
    if (e != ERR_OK)
        fail_msg("%s: %s", imsi, err_name(e));
    assert_int_equal(aka_autn_open(&c, v.rand, v.autn, &sqn, &o), ERR_OK);
}

static void all_there(struct auc *a, unsigned n)
{
    uint8_t got[sizeof secret];
    assert_int_equal(auc_secret(a, "one", got, sizeof got), ERR_OK);
    assert_memory_equal(got, secret, sizeof got);
    for (unsigned i = 0; i < n; i++) {
        struct auc_sub s = { .amf = { 0x80, 0 } }, there;
        struct aka_cred c = cred_of(i);
        bool same = false, amf = false;
        imsi_of(i, s.imsi);
        err e = auc_compare(a, &s, &c, &there, &same, &amf);
        if (e != ERR_OK || !same)
            fail_msg("%s: %s", s.imsi, err_name(e));
    }
}

static void read_key(const char *path, char out[80])
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(out, 80, f));
    fclose(f);
}

static void write_key(const char *text)
{
    assert_int_equal(rt_file_write(key, span_str(text), why), ERR_OK);
}

/* Another process: this program again (a connection of SQLite's does not survive fork), which rotates. Returns when it has opened the store. It kills
 * itself after so many transactions; 0: never. */
static pid_t rotate_there(unsigned transactions)
{
    int ready[2];
    char number[16];
    char octet;
    assert_int_equal(pipe(ready), 0);
    snprintf(number, sizeof number, "%u", transactions);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ready[1], STDOUT_FILENO);
        close(ready[0]);
        close(ready[1]);
        execl("/proc/self/exe", "test_auc_rotate", db, key, number, (char *)NULL);
        _exit(2);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    close(ready[0]);
    return pid;
}

static void count_down(void *ctx, uint64_t done, uint64_t of)
{
    unsigned *left = ctx;
    if (*left && --*left == 0)
        (void)kill(getpid(), SIGKILL);
}

static int rotate_here(const char *store, const char *key_file, unsigned transactions)
{
    const struct auc_rotation how = { .progress = count_down, .ctx = &transactions };
    struct auc *a = NULL;
    env = rt_env((struct log){ 0 });
    err e = auc_open(store, key_file, &env, &a, why);
    if (e == ERR_OK && write(STDOUT_FILENO, "r", 1) == 1)
        e = auc_rotate(a, &how, why);
    if (e != ERR_OK)
        fprintf(stderr, "%s\n", why);
    auc_close(a);
    return e == ERR_OK ? 0 : 1;
}

static uint64_t steps;

static void count(void *ctx, uint64_t done, uint64_t of)
{
    assert_true(done <= of);
    steps++;
}

static void test_whole(void **state)
{
    const struct auc_rotation how = { .progress = count };
    char old[80], now[80], left[64];
    struct stat st;
    struct auc *a = filled(900), *daemon = open_it(), *b = NULL;
    read_key(key, old);
    int before = open(key, O_RDONLY);
    steps = 0;
    assert_false(auc_rotating(a));
    assert_int_equal(auc_rotate(a, &how, why), ERR_OK);
    assert_true(steps >= 3);
    assert_false(auc_rotating(a));
    use(daemon, 7); /* it had the old key only */
    add(daemon, 900);
    all_there(daemon, 901);
    auc_close(daemon);
    auc_close(a);
    read_key(key, now);
    assert_string_not_equal(old, now);
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_not_equal(access(key_new, F_OK), 0);
    /* the old file, which has no name any more: overwritten */
    assert_int_equal(pread(before, left, 64, 0), 64);
    close(before);
    assert_memory_not_equal(left, old, 64);
    a = open_it();
    all_there(a, 901);
    auc_close(a);
    read_key(key, now);
    write_key(old);
    assert_int_equal(auc_open(db, key, &env, &b, why), ERR_AUTH);
    write_key(now);
    auc_close(open_it());
}

/* Killed after a random time, again and again, until it is through. Between, everything opens and works. */
static void test_kill(void **state)
{
    const char *kills = getenv("KILLS"), *seed = getenv("SEED");
    unsigned max = kills ? (unsigned)strtoul(kills, NULL, 10) : 25, ended = 0, dead = 0, halfway = 0;
    struct auc *daemon = filled(ROWS);
    srandom(seed ? (unsigned)strtoul(seed, NULL, 10) : 1);
    for (unsigned n = 0; n < max; n++) {
        int status = 0;
        pid_t pid = rotate_there(n % 2 ? 0 : 1 + (unsigned)random() % 9);
        if (n % 2) {
            usleep((useconds_t)(random() % 6000));
            (void)kill(pid, SIGKILL);
        } else {
            use(daemon, (unsigned)random() % ROWS);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        ended += WIFEXITED(status);
        dead += WIFSIGNALED(status);
        struct auc *a = open_it();
        halfway += auc_rotating(a);
        use(a, (unsigned)random() % ROWS);
        use(daemon, (unsigned)random() % ROWS);
        if (n % 8 == 7)
            all_there(a, ROWS);
        auc_close(a);
    }
    print_message("%u killed, %u came to their end, %u seen halfway\n", dead, ended, halfway);
    assert_true(dead > 0 && halfway > 0);
    assert_int_equal(auc_rotate(daemon, &quiet, why), ERR_OK);
    assert_false(auc_rotating(daemon));
    assert_int_not_equal(access(key_new, F_OK), 0);
    all_there(daemon, ROWS);
    auc_close(daemon);
}

/* Two at once, and a process that adds subscribers all the while under the key it knows. */
static void test_two_and_adding(void **state)
{
    struct auc *import = filled(ROWS);
    pid_t pid[2];
    for (int i = 0; i < 2; i++)
        pid[i] = rotate_there(0);
    unsigned n = ROWS;
    int status = 0, left = 2;
    while (left) {
        add(import, n++);
        auc_let_others();
        for (int i = 0; i < 2; i++)
            if (pid[i] && waitpid(pid[i], &status, WNOHANG) == pid[i]) {
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
                pid[i] = 0;
                left--;
            }
    }
    add(import, n++);
    auc_close(import);
    struct auc *a = open_it();
    assert_false(auc_rotating(a));
    all_there(a, n);
    auc_close(a);
}

/* In the middle of a rotation the new key file is as needful as the old one: without it nothing is guessed. */
static void test_new_key_lost(void **state)
{
    struct auc *a = filled(ROWS), *b = NULL;
    char kept[120], text[80];
    (void)waitpid(rotate_there(3), NULL, 0);
    assert_true(auc_rotating(a));
    auc_close(a);
    snprintf(kept, sizeof kept, "%s.kept", key_new);
    assert_int_equal(rename(key_new, kept), 0);
    assert_int_equal(auc_open(db, key, &env, &b, why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "rotation"));
    read_key(key, text);
    assert_int_equal(rt_file_write(key_new, span_str(text), why), ERR_OK);
    assert_int_equal(auc_open(db, key, &env, &b, why), ERR_AUTH);
    assert_int_equal(rename(kept, key_new), 0);
    a = open_it();
    assert_int_equal(auc_rotate(a, &quiet, why), ERR_OK);
    all_there(a, ROWS);
    auc_close(a);
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = { T(test_whole), T(test_kill), T(test_two_and_adding),
                                        T(test_new_key_lost) };
    if (crypto_init() != ERR_OK)
        return 1;
    if (argc == 4)
        return rotate_here(argv[1], argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
