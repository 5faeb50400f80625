/* SPDX-License-Identifier: Apache-2.0
 * Secret files, atomic writing; what the sandbox takes away (in a child). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/keyfile.h"
#include "common/rt/osrand.h"
#include "common/rt/sandbox.h"

static char dir[32], path[64], why[RT_FILE_WHY_MAX];

static int setup(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    strcpy(dir, "/tmp/rt-file-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void written_and_read(void **state)
{
    uint8_t *got = NULL;
    size_t n = 0;
    struct stat st;
    (void)state;

    assert_int_equal(rt_file_write(path, span_str("first"), why), ERR_OK);
    assert_int_equal(rt_file_write(path, span_str("secret"), why), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(rt_file_read_secret(path, 6, &got, &n, why), ERR_OK);
    assert_int_equal(n, 6);
    assert_string_equal((char *)got, "secret");
    sec_free(got);
    got = NULL;
    assert_int_equal(rt_file_read_secret(path, 5, &got, &n, why), ERR_RANGE);
    assert_null(got);
}

static void others_may_read_it(void **state)
{
    uint8_t *got = NULL;
    size_t n = 0;
    static const mode_t modes[] = { 0640, 0604, 0660, 0601, 0620 };
    (void)state;

    assert_int_equal(rt_file_write(path, span_str("secret"), why), ERR_OK);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(rt_file_read_secret(path, 100, &got, &n, why), ERR_REFUSED);
        assert_null(got);
        assert_non_null(strstr(why, "chmod 600"));
    }
    assert_int_equal(rt_file_read(path, 100, &got, &n, why), ERR_OK);
    free(got);
    if (geteuid() == 0) {
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_int_equal(rt_file_read_secret(path, 100, &got, &n, why), ERR_REFUSED);
    }
}

static void not_files(void **state)
{
    uint8_t *got = NULL;
    size_t n = 0;
    char no[80];
    (void)state;

    assert_int_equal(rt_file_read_secret(dir, 100, &got, &n, why), ERR_REFUSED);
    snprintf(no, sizeof(no), "%s/none", dir);
    assert_int_equal(rt_file_read(no, 100, &got, &n, why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "none: No such file"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(rt_file_read_secret(path, 100, &got, &n, why), ERR_REFUSED);
    unlink(path);
    snprintf(no, sizeof(no), "%s/none/x", dir);
    assert_int_equal(rt_file_write(no, span_str("x"), why), ERR_NOT_FOUND);
}

static int in_child(int (*f)(void))
{
    int status = -1;
    pid_t p = fork();

    if (p == 0)
        _exit(f());
    waitpid(p, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int early(void)
{
    struct rlimit r;

    if (rt_sandbox_early())
        return 1;
    if (getrlimit(RLIMIT_CORE, &r) != 0 || r.rlim_cur != 0 || r.rlim_max != 0)
        return 2;
#ifndef __SANITIZE_ADDRESS__ /* stays traceable for its leak check */
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 3;
#endif
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static int filtered(void)
{
    char *argv[] = { "true", NULL };

    if (rt_sandbox_early() || rt_sandbox_seccomp())
        return 1;
    errno = 0;
    if (execv("/bin/true", argv) != -1 || errno != EPERM)
        return 2;
    if (chroot("/") != -1 || errno != EPERM)
        return 3;
    FILE *f = fopen("/dev/null", "w"); /* files stay */
    return f && fclose(f) == 0 ? 0 : 4;
}

static int capless(void)
{
    if (rt_sandbox_caps(NULL, 0))
        return 1;
    return chroot("/") == -1 && errno == EPERM ? 0 : 2;
}

static void sandbox(void **state)
{
    (void)state;
    assert_int_equal(in_child(early), 0);
    assert_int_equal(in_child(filtered), 0);
    assert_int_equal(in_child(capless), 0);
}

static char said[LOG_LINE_MAX];

static void log_line(void *ctx, enum log_level lv, const char *cat, const char *line)
{
    (void)ctx;
    snprintf(said, sizeof(said), "%s %s %s", log_level_name(lv), cat, line);
}

/* Keys go where the configuration said, to their owner alone, at the end, and the log says so. */
static void key_file(void **state)
{
    struct env env = rt_env((struct log){ .write = log_line, .max = LOG_LV_WARN });
    uint8_t *got = NULL;
    size_t n = 0;
    struct stat st;
    (void)state;

    assert_null(env.keys.write);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rt_keyfile_open(path, &env, why), ERR_OK);
        env.keys.write(env.keys.ctx, "HI x\n", 5);
    }
    assert_memory_equal(said, "warn testing EVERY KEY", 22);
    assert_non_null(strstr(said, path));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(rt_file_read_secret(path, 100, &got, &n, why), ERR_OK);
    assert_string_equal((char *)got, "HI x\nHI x\n");
    sec_free(got);
    close((int)(intptr_t)env.keys.ctx);

    env = rt_env((struct log){ 0 });
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(rt_keyfile_open(path, &env, why), ERR_REFUSED);
    assert_null(env.keys.write);
    assert_non_null(strstr(why, "0600"));
    assert_int_equal(rt_keyfile_open(dir, &env, why), ERR_IO);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = { T(written_and_read), T(others_may_read_it), T(not_files), T(key_file),
                                        T(sandbox) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
