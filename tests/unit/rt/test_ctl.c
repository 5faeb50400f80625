/* SPDX-License-Identifier: Apache-2.0
 * The control socket: round trip, late answers, bounds, clients that misbehave. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/rt/ctl.h"

struct server {
    char dir[32], path[64];
    struct rt_loop *loop;
    struct rt_ctl *ctl;
    struct rt_timer *later;
    struct rt_ctl_req *waiting[RT_CTL_REQUESTS_MAX + 8];
    size_t n_waiting;
    unsigned calls;
};

static void on_request(void *ctx, struct rt_ctl_req *req, const char *cmd, const json_t *args)
{
    struct server *s = ctx;

    s->calls++;
    if (strcmp(cmd, "echo") == 0)
        rt_ctl_reply(req, json_pack("{s:O}", "text", json_object_get(args, "text")));
    else if (strcmp(cmd, "later") == 0)
        s->waiting[s->n_waiting++] = req, rt_timer_at(s->later, rt_now_us() + 20000);
    else if (strcmp(cmd, "big") == 0)
        rt_ctl_reply(req, json_pack("{s:o}", "text", json_sprintf("%01000000d", 7)));
    else
        rt_ctl_error(req, "no command \"%s\"", cmd);
}

static void on_later(void *ctx)
{
    struct server *s = ctx;

    for (size_t i = 0; i < s->n_waiting; i++)
        rt_ctl_reply(s->waiting[i], NULL);
    s->n_waiting = 0;
}

static int setup(void **state)
{
    struct server *s = calloc(1, sizeof(*s));

    snprintf(s->dir, sizeof(s->dir), "/tmp/rt-ctl-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
    s->loop = rt_loop_new();
    s->later = rt_timer_new(s->loop, on_later, s);
    assert_int_equal(rt_ctl_open(s->loop, s->path, on_request, s, &s->ctl), ERR_OK);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct server *s = *state;

    rt_ctl_close(s->ctl);
    on_later(s);
    rt_timer_free(s->later);
    rt_loop_free(s->loop);
    assert_int_not_equal(access(s->path, F_OK), 0);
    rmdir(s->dir);
    free(s);
    return 0;
}

static void spin(struct server *s, unsigned ms)
{
    uint64_t until = rt_now_us() + ms * 1000u;
    while (rt_now_us() < until) {
        uv_run(rt_loop_uv(s->loop), UV_RUN_NOWAIT);
        usleep(500);
    }
}

struct call {
    const char *path;
    json_t *request, *reply;
    err e;
};

static void *call_thread(void *arg)
{
    struct call *c = arg;
    c->e = rt_ctl_call(c->path, c->request, 2000, &c->reply);
    return NULL;
}

static void round_trip(struct server *s, struct call *c)
{
    pthread_t t;

    c->path = s->path;
    assert_int_equal(pthread_create(&t, NULL, call_thread, c), 0);
    spin(s, 150);
    pthread_join(t, NULL);
    json_decref(c->request);
}

static void answers(void **state)
{
    struct server *s = *state;
    struct call c = { .request = json_pack("{s:s, s:s}", "cmd", "echo", "text", "h\xc3\xa4") };
    struct stat st;

    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    round_trip(s, &c);
    assert_int_equal(c.e, ERR_OK);
    assert_true(json_is_true(json_object_get(c.reply, "ok")));
    assert_string_equal(json_string_value(json_object_get(c.reply, "text")), "h\xc3\xa4");
    json_decref(c.reply);

    c = (struct call){ .request = json_pack("{s:s}", "cmd", "nonsense") };
    round_trip(s, &c);
    assert_int_equal(c.e, ERR_OK);
    assert_true(json_is_false(json_object_get(c.reply, "ok")));
    assert_string_equal(json_string_value(json_object_get(c.reply, "error")), "no command \"nonsense\"");
    json_decref(c.reply);

    c = (struct call){ .request = json_pack("{s:s}", "cmd", "later") };
    round_trip(s, &c);
    assert_int_equal(c.e, ERR_OK);
    json_decref(c.reply);
}

static void nobody_there(void **state)
{
    json_t *req = json_pack("{s:s}", "cmd", "echo"), *reply = NULL;
    (void)state;

    assert_int_equal(rt_ctl_call("/tmp/rt-no-such-socket", req, 100, &reply), ERR_NOT_FOUND);
    assert_null(reply);
    json_decref(req);
}

static int dial(struct server *s)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(at.sun_path, s->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    spin(s, 5);
    return fd;
}

static void line_too_long(void **state)
{
    struct server *s = *state;
    int fd = dial(s);
    char junk[RT_CTL_LINE_MAX + 1], got[128] = "";

    memset(junk, 'x', sizeof(junk));
    assert_int_equal(send(fd, junk, sizeof(junk), 0), (ssize_t)sizeof(junk));
    spin(s, 30);
    assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
    assert_non_null(strstr(got, "line too long"));
    assert_true(recv(fd, got, sizeof(got), 0) <= 0 && errno != EAGAIN);
    assert_int_equal(s->calls, 0);
    close(fd);
}

static void not_json(void **state)
{
    struct server *s = *state;
    static const char *const lines[] = { "hello\n", "[1]\n", "{\"cmd\":1}\n", "{\"a\":\"b\"}\n" };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char got[128] = "";
        int fd = dial(s);
        assert_true(send(fd, lines[i], strlen(lines[i]), 0) > 0);
        spin(s, 10);
        assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
        assert_string_equal(got, "{\"ok\":false,\"error\":\"expected a JSON object with \\\"cmd\\\"\"}\n");
        close(fd);
    }
    assert_int_equal(s->calls, 0);
}

/* More requests in one write than may be open: the rest waits its turn, none is lost, and a client that goes away
 * in the middle leaves nothing behind. */
static void many_open(void **state)
{
    struct server *s = *state;
    const char *line = "{\"cmd\":\"later\"}\n";
    char got[4096];
    int fd = dial(s), lines = 0;

    for (int i = 0; i < RT_CTL_REQUESTS_MAX + 4; i++)
        assert_true(send(fd, line, strlen(line), 0) > 0);
    uv_run(rt_loop_uv(s->loop), UV_RUN_NOWAIT);
    assert_int_equal(s->n_waiting, RT_CTL_REQUESTS_MAX);
    spin(s, 80);
    ssize_t n = recv(fd, got, sizeof(got), 0);
    for (ssize_t i = 0; i < n; i++)
        lines += got[i] == '\n';
    assert_int_equal(lines, RT_CTL_REQUESTS_MAX + 4);
    assert_true(send(fd, line, strlen(line), 0) > 0);
    spin(s, 5);
    assert_int_equal(s->n_waiting, 1);
    close(fd);
    spin(s, 40);
    assert_int_equal(s->n_waiting, 0);
}

/* A client that asks and never reads is cut off once its output is over the bound; others are served meanwhile. */
static void slow_reader(void **state)
{
    struct server *s = *state;
    int fd = dial(s);
    bool cut = false;

    for (int i = 0; i < 64 && !cut; i++) {
        cut = send(fd, "{\"cmd\":\"big\"}\n", 14, MSG_NOSIGNAL) < 0;
        spin(s, 3);
    }
    assert_true(s->calls < 40);
    struct call c = { .request = json_pack("{s:s, s:s}", "cmd", "echo", "text", "x") };
    round_trip(s, &c);
    assert_int_equal(c.e, ERR_OK);
    json_decref(c.reply);
    close(fd);
}

static void second_daemon(void **state)
{
    struct server *s = *state;
    struct rt_ctl *other = NULL;

    assert_int_equal(rt_ctl_open(s->loop, s->path, on_request, s, &other), ERR_EXISTS);
    /* What a killed daemon leaves: a name without a listener. */
    char stale[80];
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    snprintf(stale, sizeof(stale), "%s/stale", s->dir);
    strcpy(at.sun_path, stale);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    assert_int_equal(rt_ctl_open(s->loop, stale, on_request, s, &other), ERR_OK);
    rt_ctl_close(other);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(answers),
        T(line_too_long),
        T(not_json),
        T(many_open),
        T(slow_reader),
        T(second_daemon),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
