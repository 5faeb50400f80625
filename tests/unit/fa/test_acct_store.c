/* SPDX-License-Identifier: Apache-2.0
 *
 * The accounting queue: what a record says, the order, what a full queue gives up, what comes after the process was killed at any moment.
 */
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

#include "fa/acct_store.h"

#define NAS "HIP:20010022000000000000000000000001"

static uint64_t now_s, boot_s;
static uint64_t wall(void)
{
    return now_s;
}
static uint64_t boot(void)
{
    return boot_s * 1000000;
}

struct fixture {
    char dir[64], path[96];
    struct acct_store *s;
    uint32_t max;
    struct acct_row row[64];
    struct acct_turn t;
    struct acct_event ev[8];
    size_t n_ev;
};

static void reopen(struct fixture *f)
{
    char why[SQL_WHY_MAX];
    acct_store_close(f->s);
    f->s = NULL;
    if (acct_store_open(&(struct acct_store_conf){ .path = f->path,
                                                   .nas_id = NAS,
                                                   .queue_max = f->max,
                                                   .interim_s = 600,
                                                   .origin = 0xabcd,
                                                   .wall_s = wall,
                                                   .boot_us = boot },
                        &f->s, why) != ERR_OK)
        fail_msg("%s", why);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/hipfa-acct-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/a.sqlite", f->dir);
    now_s = 1700000000;
    boot_s = 5000;
    f->max = 1000;
    *state = f;
    reopen(f);
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    struct fixture *f = *state;
    acct_store_close(f->s);
    for (int i = 0; i < 4; i++) {
        char p[128];
        snprintf(p, sizeof p, "%s%s", f->path, ends[i]);
        unlink(p);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

/* ---- what happens ---- */

static struct acct_event *event(struct fixture *f, enum acct_event_type type)
{
    struct acct_event *e = &f->ev[f->n_ev++];
    assert_true(f->n_ev <= sizeof f->ev / sizeof f->ev[0]);
    *e = (struct acct_event){ .type = type, .at_s = now_s };
    if (f->n_ev > 1)
        e[-1].next = e;
    return e;
}

static struct fa_session *session(struct fixture *f, uint8_t host, enum fa_session_what what)
{
    struct fa_session *s = &event(f, ACCT_SESSION)->session;
    s->what = what;
    s->hit[0] = 0x20;
    s->hit[15] = host;
    s->binding = 40u + host;
    s->peer = addr_v4(0xc0000205);
    s->peer.port = 10500;
    snprintf(s->subscriber, sizeof s->subscriber, "sub-%u", host);
    snprintf(s->name, sizeof s->name, "host%u.operator.example", host);
    return s;
}

/* Writes what was noted down and reads everything there is. */
static err turn(struct fixture *f)
{
    f->t = (struct acct_turn){ .events = f->n_ev ? f->ev : NULL, .rows = f->row, .cap = 64 };
    f->n_ev = 0;
    return acct_store_turn(f->s, &f->t);
}

static struct radius_pkt attrs_of(const struct acct_row *r)
{
    return (struct radius_pkt){ .attrs = span_of(r->attrs, r->len) };
}

static uint32_t u32(const struct acct_row *r, uint8_t type)
{
    struct radius_pkt p = attrs_of(r);
    struct span v;
    assert_int_equal(radius_find(&p, type, &v), ERR_OK);
    assert_int_equal(v.n, 4);
    return (uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 | (uint32_t)v.p[2] << 8 | v.p[3];
}

static void assert_text(const struct acct_row *r, uint8_t type, const char *want)
{
    struct radius_pkt p = attrs_of(r);
    struct span v;
    assert_int_equal(radius_find(&p, type, &v), ERR_OK);
    if (!span_eq(v, span_str(want)))
        fail_msg("attribute %u is \"%.*s\", not \"%s\"", type, (int)v.n, (const char *)v.p, want);
}

static void assert_absent(const struct acct_row *r, uint8_t type)
{
    struct radius_pkt p = attrs_of(r);
    assert_int_equal(radius_count(&p, type), 0);
}

static void assert_statuses(struct fixture *f, const char *want)
{
    char got[65] = "";
    assert_int_equal(turn(f), ERR_OK);
    for (size_t i = 0; i < f->t.n; i++)
        got[i] = (char)('0' + f->row[i].status);
    got[f->t.n] = 0;
    assert_string_equal(got, want);
    assert_int_equal(f->t.queued, strlen(want));
}

/* ---- the tests ---- */

static void life_of_a_session(void **state)
{
    struct fixture *f = *state;
    session(f, 1, FA_SESSION_BEGAN);
    assert_statuses(f, "71");
    assert_int_equal(f->t.sessions, 1);
    now_s += 600;
    struct fa_session *s = session(f, 1, FA_SESSION_GOES_ON);
    s->seconds = 600;
    s->usage = (struct fa_usage){ 3, 0x500000007, 4, 0xfffffff0 };
    assert_statuses(f, "713");
    now_s += 30;
    s = session(f, 1, FA_SESSION_ENDED);
    s->seconds = 630;
    s->end = FA_ENDED_ORDERED;
    s->usage = (struct fa_usage){ 5, 9, 6, 8 };
    event(f, ACCT_OFF);
    assert_statuses(f, "71328");
    assert_int_equal(f->t.sessions, 0);
    assert_int_equal(f->t.oldest_s, 1700000000);

    const struct acct_row *on = &f->row[0], *start = &f->row[1], *interim = &f->row[2], *stop = &f->row[3];
    assert_text(on, RADIUS_NAS_IDENTIFIER, NAS);
    assert_int_equal(u32(on, RADIUS_ACCT_STATUS_TYPE), RADIUS_ACCT_ON);
    assert_text(on, RADIUS_ACCT_SESSION_ID, "0000abcd-00000001-00000000");
    assert_absent(on, RADIUS_USER_NAME);

    assert_int_equal(u32(start, RADIUS_ACCT_STATUS_TYPE), RADIUS_ACCT_START);
    assert_int_equal(u32(start, RADIUS_EVENT_TIMESTAMP), 1700000000);
    assert_text(start, RADIUS_ACCT_SESSION_ID, "0000abcd-00000001-00000001");
    assert_text(start, RADIUS_ACCT_MULTI_SESSION_ID, "20000000000000000000000000000001-29");
    assert_text(start, RADIUS_USER_NAME, "sub-1"); /* the AS named nobody */
    assert_text(start, RADIUS_CALLING_STATION_ID, "192.0.2.5:10500");
    assert_text(start, RADIUS_CONNECT_INFO, "HIP host1.operator.example");
    assert_int_equal(u32(start, RADIUS_ACCT_AUTHENTIC), 1);
    assert_absent(start, RADIUS_ACCT_INPUT_OCTETS);
    assert_absent(start, RADIUS_MESSAGE_AUTHENTICATOR);
    for (size_t i = 0; i < 5; i++) { /* RFC 2866 s4.1: User-Password, CHAP-Password, Reply-Message, State */
        assert_absent(&f->row[i], 2);
        assert_absent(&f->row[i], 3);
        assert_absent(&f->row[i], RADIUS_REPLY_MESSAGE);
        assert_absent(&f->row[i], RADIUS_STATE);
    }

    assert_text(interim, RADIUS_ACCT_SESSION_ID, start->sid);
    assert_int_equal(u32(interim, RADIUS_ACCT_SESSION_TIME), 600);
    assert_int_equal(u32(interim, RADIUS_ACCT_INPUT_OCTETS), 7);
    assert_int_equal(u32(interim, RADIUS_ACCT_INPUT_GIGAWORDS), 5);
    assert_int_equal(u32(interim, RADIUS_ACCT_OUTPUT_OCTETS), 0xfffffff0);
    assert_absent(interim, RADIUS_ACCT_OUTPUT_GIGAWORDS);
    assert_int_equal(u32(interim, RADIUS_ACCT_INPUT_PACKETS), 3);
    assert_int_equal(u32(interim, RADIUS_ACCT_OUTPUT_PACKETS), 4);
    assert_absent(interim, RADIUS_ACCT_TERMINATE_CAUSE);

    assert_text(stop, RADIUS_ACCT_SESSION_ID, start->sid);
    assert_int_equal(u32(stop, RADIUS_ACCT_TERMINATE_CAUSE), RADIUS_CAUSE_ADMIN_RESET);
    assert_int_equal(u32(stop, RADIUS_ACCT_SESSION_TIME), 630);
    assert_int_equal(u32(stop, RADIUS_EVENT_TIMESTAMP), 1700000630);

    uint64_t acked[] = { on->id, interim->id };
    f->t = (struct acct_turn){ .acked = acked, .n_acked = 2, .rows = f->row, .cap = 64 };
    assert_int_equal(acct_store_turn(f->s, &f->t), ERR_OK);
    assert_int_equal(f->t.n, 3);
    assert_int_equal(f->row[0].status, RADIUS_ACCT_START);
    assert_int_equal(f->row[2].status, RADIUS_ACCT_OFF);
    f->t = (struct acct_turn){ .after = f->row[0].id, .rows = f->row, .cap = 1 };
    assert_int_equal(acct_store_turn(f->s, &f->t), ERR_OK);
    assert_int_equal(f->t.n, 1);
    assert_int_equal(f->row[0].status, RADIUS_ACCT_STOP);
}

static void assert_charged(const struct acct_row *r)
{
    struct radius_pkt p = attrs_of(r);
    struct radius_attr a;
    struct span class[2] = { { 0 } }, user;
    size_t n = 0;
    assert_int_equal(radius_find(&p, RADIUS_USER_NAME, &user), ERR_OK);
    assert_true(span_eq(user, span_of("anon\0", 5)));
    assert_text(r, RADIUS_CUI, "cui");
    for (size_t pos = 0; radius_next(&p, &pos, &a);)
        if (a.type == RADIUS_CLASS && n < 2)
            class[n++] = a.value;
    assert_int_equal(radius_count(&p, RADIUS_CLASS), 2);
    assert_true(span_eq(class[0], span_str("one")));
    assert_true(span_eq(class[1], span_of("\x00\xff"
                                          "ab",
                                          4)));
}

/* User-Name, CUI and every Class of the Access-Accept come back unmodified, also in a later life; nobody else's. */
static void charged_to(void **state)
{
    struct fixture *f = *state;
    struct acct_event *e = event(f, ACCT_CHARGE);
    struct fa_charge *c = &e->charge.who;
    e->charge.hit[0] = 0x20;
    e->charge.hit[15] = 1;
    c->user_len = 5;
    memcpy(c->user, "anon\0", 5);
    c->cui_len = 3;
    memcpy(c->cui, "cui", 3);
    c->class_len = 9;
    memcpy(c->class_v,
           "\x03one\x04\x00\xff"
           "ab",
           9);
    session(f, 1, FA_SESSION_BEGAN);
    session(f, 2, FA_SESSION_BEGAN);
    session(f, 1, FA_SESSION_ENDED);
    session(f, 2, FA_SESSION_ENDED);
    assert_statuses(f, "71122");
    for (size_t i = 1; i < 5; i++)
        if (i % 2)
            assert_charged(&f->row[i]);
        else
            assert_absent(&f->row[i], RADIUS_CLASS);
    assert_text(&f->row[2], RADIUS_USER_NAME, "sub-2");
    reopen(f);
    session(f, 1, FA_SESSION_BEGAN);
    assert_statuses(f, "7112271");
    assert_charged(&f->row[6]);
}

/* A partner's host: by its name, and not by what our own AS once said of its HIT. */
static void by_zone(void **state)
{
    struct fixture *f = *state;
    struct acct_event *e = event(f, ACCT_CHARGE);
    e->charge.hit[0] = 0x20;
    e->charge.hit[15] = 3;
    e->charge.who.user_len = 1;
    e->charge.who.user[0] = 'x';
    struct fa_session *s = session(f, 3, FA_SESSION_BEGAN);
    s->binding = 0;
    s->subscriber[0] = 0;
    assert_statuses(f, "71");
    assert_text(&f->row[1], RADIUS_USER_NAME, "host3.operator.example");
    assert_int_equal(u32(&f->row[1], RADIUS_ACCT_AUTHENTIC), 3);
}

static void causes(void **state)
{
    static const uint32_t want[] = { 1, 2, 5, 6, 7, 13, 20, 3, 11 };
    struct fixture *f = *state;
    for (int e = 0; e < FA_ENDED__COUNT; e++) {
        uint8_t attrs[ACCT_ATTRS_MAX];
        size_t n = 0;
        struct fa_session s = { .what = FA_SESSION_ENDED, .end = (enum fa_ended)e };
        struct acct_record r = { .status = RADIUS_ACCT_STOP, .nas_id = NAS, .sid = "x", .session = &s };
        assert_int_equal(acct_record_write(&r, attrs, &n), ERR_OK);
        f->row[0].len = (uint16_t)n;
        memcpy(f->row[0].attrs, attrs, n);
        assert_int_equal(u32(&f->row[0], RADIUS_ACCT_TERMINATE_CAUSE), want[e]);
        assert_string_not_equal(fa_ended_name((enum fa_ended)e), "unknown end");
    }
}

/* The longest of everything is one packet still, with Acct-Delay-Time behind it. */
static void longest(void **state)
{
    struct fa_session s = { .what = FA_SESSION_ENDED,
                            .binding = UINT64_MAX,
                            .seconds = UINT32_MAX,
                            .usage = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
    struct fa_charge c = { .user_len = 253, .cui_len = 253, .class_len = 1024 };
    struct acct_record r = { .status = RADIUS_ACCT_STOP, .nas_id = NAS, .session = &s, .charge = &c };
    uint8_t attrs[ACCT_ATTRS_MAX];
    size_t n = 0;
    memset(s.name, 'n', sizeof s.name - 1);
    memset(s.subscriber, 's', sizeof s.subscriber - 1);
    memset(r.sid, '1', sizeof r.sid - 1);
    for (size_t i = 0; i < 1024; i += 16)
        c.class_v[i] = 15;
    s.peer = (struct addr){ .family = ADDR_V6, .port = 65535 };
    memset(s.peer.ip, 0xab, sizeof s.peer.ip);
    assert_int_equal(acct_record_write(&r, attrs, &n), ERR_OK);
    assert_true(n + RADIUS_HEADER + 6 < RADIUS_MAX);
}

/* Waiting Interim-Updates are replaced; a full queue gives them up first; Starts and Stops are counted when they are lost. */
static void full(void **state)
{
    struct fixture *f = *state;
    f->max = 5;
    reopen(f); /* two Accounting-Ons */
    session(f, 1, FA_SESSION_BEGAN);
    session(f, 1, FA_SESSION_GOES_ON);
    assert_statuses(f, "7713");
    session(f, 1, FA_SESSION_GOES_ON)->seconds = 77;
    assert_statuses(f, "7713");
    assert_int_equal(u32(&f->row[3], RADIUS_ACCT_SESSION_TIME), 77);
    assert_int_equal(f->t.dropped, 0);
    session(f, 2, FA_SESSION_BEGAN);
    session(f, 2, FA_SESSION_GOES_ON);
    assert_statuses(f, "77131"); /* no place for the second session's */
    assert_int_equal(f->t.dropped, 1);
    session(f, 2, FA_SESSION_ENDED);
    assert_statuses(f, "77112"); /* the first one's makes place */
    assert_int_equal(f->t.dropped, 2);
    assert_int_equal(f->t.lost, 0);
    session(f, 1, FA_SESSION_ENDED);
    assert_statuses(f, "77112");
    assert_int_equal(f->t.lost, 1);
    assert_int_equal(f->t.sessions, 0);
}

/* The process was killed: its sessions end with what was last written of them, and identifiers do not come back. */
static void killed(void **state)
{
    struct fixture *f = *state;
    session(f, 1, FA_SESSION_BEGAN);
    assert_statuses(f, "71");
    now_s += 100;
    struct fa_session *s = session(f, 1, FA_SESSION_GOES_ON);
    s->seconds = 100;
    s->usage.octets_in = 12345;
    assert_statuses(f, "713");
    now_s += 1000;
    reopen(f);
    session(f, 1, FA_SESSION_BEGAN);
    assert_statuses(f, "713271");
    assert_string_equal(f->row[3].sid, f->row[1].sid);
    assert_int_equal(u32(&f->row[3], RADIUS_ACCT_TERMINATE_CAUSE), RADIUS_CAUSE_NAS_REBOOT);
    assert_int_equal(u32(&f->row[3], RADIUS_ACCT_OUTPUT_OCTETS), 12345);
    assert_int_equal(u32(&f->row[3], RADIUS_ACCT_SESSION_TIME), 100);
    assert_int_equal(u32(&f->row[3], RADIUS_EVENT_TIMESTAMP), 1700000100);
    assert_text(&f->row[3], RADIUS_CALLING_STATION_ID, "192.0.2.5:10500");
    assert_text(&f->row[3], RADIUS_CONNECT_INFO, "HIP host1.operator.example");
    assert_string_not_equal(f->row[5].sid, f->row[1].sid);
}

/* Events that were lost on the way: a session begins late, is ended when nothing is heard of it, or when another one of its host begins. */
static void lost_on_the_way(void **state)
{
    struct fixture *f = *state;
    struct fa_session *s = session(f, 1, FA_SESSION_GOES_ON);
    s->seconds = 50;
    assert_statuses(f, "713");
    assert_int_equal(u32(&f->row[1], RADIUS_EVENT_TIMESTAMP), now_s - 50);
    session(f, 1, FA_SESSION_BEGAN);
    assert_statuses(f, "71321");
    assert_int_equal(u32(&f->row[3], RADIUS_ACCT_TERMINATE_CAUSE), RADIUS_CAUSE_LOST_CARRIER);
    session(f, 2, FA_SESSION_ENDED);
    assert_statuses(f, "7132112");
    now_s += 1000000; /* the calendar alone ends nothing */
    assert_statuses(f, "7132112");
    boot_s += 1700;
    assert_statuses(f, "7132112");
    boot_s += 601;
    assert_statuses(f, "71321122");
    assert_string_equal(f->row[7].sid, f->row[4].sid);
    assert_int_equal(f->t.sessions, 0);
}

static void not_ours(void **state)
{
    struct fixture *f = *state;
    char why[SQL_WHY_MAX], path[128];
    struct acct_store *s = NULL;
    struct acct_store_conf c = {
        .path = path, .nas_id = NAS, .queue_max = 5, .wall_s = wall, .boot_us = boot
    };
    snprintf(path, sizeof path, "%s/none/a", f->dir);
    assert_int_equal(acct_store_open(&c, &s, why), ERR_IO);
    assert_non_null(strstr(why, path));
    assert_null(s);
}

/* Killed at any moment: what a turn said is written is there once, in its order, and the file opens. */
#define KILLS 25
static void child(struct fixture *f, int out)
{
    reopen(f);
    for (uint32_t i = 0;; i++) {
        session(f, (uint8_t)(i % 200), FA_SESSION_BEGAN)->seconds = i;
        session(f, (uint8_t)(i % 200), FA_SESSION_ENDED)->seconds = i;
        if (turn(f) != ERR_OK || write(out, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void kill_9(void **state)
{
    struct fixture *f = *state;
    uint64_t seen = 0;
    f->max = 1000000;
    acct_store_close(f->s); /* nobody carries an open database through a fork */
    f->s = NULL;
    for (int k = 0; k < KILLS; k++) {
        int p[2];
        assert_int_equal(pipe(p), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(p[0]);
            child(f, p[1]);
        }
        close(p[1]);
        usleep((useconds_t)(5000 + 1300 * k));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        uint32_t i, said = 0;
        while (read(p[0], &i, sizeof i) == sizeof i)
            said = i + 1;
        close(p[0]);
        reopen(f);
        uint64_t pairs = 0, after = seen;
        char last[ACCT_SID_MAX] = "";
        for (size_t n = 64; n == 64;) {
            f->t = (struct acct_turn){ .after = after, .rows = f->row, .cap = 64 };
            assert_int_equal(acct_store_turn(f->s, &f->t), ERR_OK);
            n = f->t.n;
            for (size_t r = 0; r < n; r++) {
                after = f->row[r].id;
                if (f->row[r].status == RADIUS_ACCT_START)
                    snprintf(last, sizeof last, "%s", f->row[r].sid);
                if (f->row[r].status == RADIUS_ACCT_STOP) {
                    assert_string_equal(f->row[r].sid, last);
                    assert_int_equal(u32(&f->row[r], RADIUS_ACCT_SESSION_TIME), pairs);
                    pairs++;
                }
            }
        }
        assert_true(pairs == said || pairs == said + 1u); /* written, and killed before it could say so */
        assert_int_equal(f->t.sessions, 0);
        seen = after;
        acct_store_close(f->s);
        f->s = NULL;
    }
    assert_true(seen > KILLS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = { T(life_of_a_session), T(charged_to), T(by_zone), T(causes),
                                        T(longest),           T(full),       T(killed),  T(lost_on_the_way),
                                        T(not_ours),          T(kill_9) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
