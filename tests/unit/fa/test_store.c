/* SPDX-License-Identifier: Apache-2.0
 *
 * The binding store: what fa/core/job.h promises of FIND, INTENT, BOUND, UNBIND, DROP and AUDIT, across reopening and time.
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fa/store_sqlite.h"

static uint64_t now_s;
static uint64_t wall(void)
{
    return now_s;
}

struct fixture {
    char dir[64], path[96];
    struct store st;
    struct store_answer a;
};

static void reopen(struct fixture *f)
{
    char why[SQL_WHY_MAX];
    if (f->st.ctx)
        f->st.ops->close(f->st.ctx);
    if (store_sqlite_open(f->path, wall, &f->st, why) != ERR_OK)
        fail_msg("%s", why);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/hipfa-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/b.sqlite", f->dir);
    now_s = 1700000000;
    *state = f;
    reopen(f);
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    struct fixture *f = *state;
    if (f->st.ctx)
        f->st.ops->close(f->st.ctx);
    for (int i = 0; i < 4; i++) {
        char p[128];
        snprintf(p, sizeof p, "%s%s", f->path, ends[i]);
        unlink(p);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static err run(struct fixture *f, const struct fa_job *job)
{
    memset(&f->a, 0, sizeof f->a);
    return f->st.ops->run(f->st.ctx, job, &f->a);
}

/* An intent for subscriber and name by the host whose HIT and key begin with `host`. */
static struct fa_job intent(const char *subscriber, const char *label, uint8_t host)
{
    struct fa_job j = { .type = FA_JOB_INTENT, .intent.devices_max = 1 };
    struct fa_binding *b = &j.intent.binding;
    snprintf(b->subscriber, sizeof b->subscriber, "%s", subscriber);
    snprintf(b->name, sizeof b->name, "%s.operator.example", label);
    snprintf(b->skeleton, sizeof b->skeleton, "%s", label);
    snprintf(b->device, sizeof b->device, "phone");
    memset(b->hit, host, 16);
    b->hi_len = 66;
    memset(b->hi, host, 66);
    b->rdata_len = 5;
    memcpy(b->rdata, "rdata", 5);
    b->lifetime_s = 1000;
    return j;
}

static uint64_t put(struct fixture *f, const char *subscriber, const char *label, uint8_t host)
{
    struct fa_job j = intent(subscriber, label, host);
    struct fa_job find = { .type = FA_JOB_FIND, .find.by = FA_FIND_SUBSCRIBER };
    snprintf(find.find.text, sizeof find.find.text, "%s", subscriber);
    assert_int_equal(run(f, &find), ERR_OK);
    j.intent.epoch = f->a.epoch;
    assert_int_equal(run(f, &j), ERR_OK);
    assert_int_not_equal(f->a.id, 0);
    return f->a.id;
}

static err bound(struct fixture *f, uint64_t id, uint32_t lifetime, enum fa_booking book)
{
    struct fa_job j = { .type = FA_JOB_BOUND, .bound = { .id = id, .lifetime_s = lifetime, .book = book } };
    return run(f, &j);
}

static err unbind(struct fixture *f, uint64_t id)
{
    struct fa_job j = { .type = FA_JOB_UNBIND, .unbind.id = id };
    return run(f, &j);
}

static err drop(struct fixture *f, uint64_t id, bool revoked, bool reserve, enum fa_booking book)
{
    struct fa_job j = { .type = FA_JOB_DROP,
                        .drop = { .id = id, .revoked = revoked, .reserve = reserve, .book = book } };
    return run(f, &j);
}

static uint8_t find(struct fixture *f, enum fa_find_by by, const char *text, uint8_t host, uint64_t id)
{
    struct fa_job j = { .type = FA_JOB_FIND, .find = { .by = by, .id = id } };
    memset(j.find.hit, host, 16);
    snprintf(j.find.text, sizeof j.find.text, "%s", text ? text : "");
    assert_int_equal(run(f, &j), ERR_OK);
    return f->a.n;
}

static struct store_counts counts(struct fixture *f)
{
    struct store_counts c;
    assert_int_equal(f->st.ops->counts(f->st.ctx, &c), ERR_OK);
    return c;
}

static void life_of_a_binding(void **state)
{
    struct fixture *f = *state;
    struct fa_job j = intent("s1", "matti", 1);
    struct fa_binding *b = &j.intent.binding;
    b->has_secret = true;
    memset(b->secret_salt, 0x5a, 16);
    memset(b->secret_hash, 0xa5, 32);
    b->own_name = true;
    assert_int_equal(run(f, &j), ERR_OK);
    uint64_t id = f->a.id;
    reopen(f);
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, 0), 1); /* an intent is settled after a crash */
    struct fa_binding *r = &f->a.v[0];
    assert_int_equal(r->id, id);
    assert_int_equal(r->state, FA_BINDING_INTENT);
    assert_string_equal(r->subscriber, "s1");
    assert_string_equal(r->name, "matti.operator.example");
    assert_string_equal(r->device, "phone");
    assert_int_equal(r->hi_len, 66);
    assert_memory_equal(r->hi, b->hi, 66);
    assert_memory_equal(r->hit, b->hit, 16);
    assert_true(r->own_name && r->has_secret);
    assert_memory_equal(r->secret_salt, b->secret_salt, 16);
    assert_memory_equal(r->secret_hash, b->secret_hash, 32);
    assert_int_equal(r->last_len, 0);
    assert_int_equal(r->rdata_len, 5);

    assert_int_equal(bound(f, id, 3600, FA_BOOK_BIND), ERR_OK);
    now_s += 600;
    reopen(f);
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, 0), 0);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 1, 0), 1);
    assert_int_equal(f->a.v[0].state, FA_BINDING_BOUND);
    assert_int_equal(f->a.v[0].left_s, 3000);
    assert_int_equal(f->a.v[0].lifetime_s, 3600);
    assert_int_equal(f->a.v[0].last_len, 5);
    assert_memory_equal(f->a.v[0].last, "rdata", 5);
    assert_int_equal(find(f, FA_FIND_NAME, "matti.operator.example", 0, 0), 1);
    assert_int_equal(find(f, FA_FIND_NAME, "other.operator.example", 0, 0), 0);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 2, 0), 0);
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0), 1);

    now_s += 3001; /* it ended: open again, to be taken out of the zone */
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, 0), 1);
    assert_int_equal(f->a.v[0].left_s, 0);
    assert_int_equal(unbind(f, id), ERR_OK);
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, 0), 1);
    assert_int_equal(f->a.v[0].state, FA_BINDING_UNBINDING);
    assert_int_equal(drop(f, id, false, true, FA_BOOK_UNBIND), ERR_OK);
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 0);
    assert_int_equal(drop(f, id, false, true, FA_BOOK_UNBIND),
                     ERR_OK); /* again: nothing, and nothing booked */
    struct store_counts c = counts(f);
    assert_int_equal(c.bookings, 2);
    assert_int_equal(c.reserved, 1);
    assert_int_equal(bound(f, id, 1, FA_BOOK_BIND), ERR_NOT_FOUND);
    assert_int_equal(unbind(f, id), ERR_NOT_FOUND);
    assert_int_equal(counts(f).bookings, 2);
}

static void names_are_unique(void **state)
{
    struct fixture *f = *state;
    put(f, "s1", "matti", 1);
    struct fa_job j = intent("s2", "matti", 2);
    assert_int_equal(run(f, &j), ERR_EXISTS);
    j = intent("s2", "rnatti", 2); /* written otherwise, looks the same */
    snprintf(j.intent.binding.skeleton, FA_LABEL_MAX, "matti");
    assert_int_equal(run(f, &j), ERR_EXISTS);
    j.intent.binding.own_name = true; /* a name of his own may look like another's */
    assert_int_equal(run(f, &j), ERR_OK);
    j = intent("s1", "matti", 3); /* the subscriber's second device needs a name of its own */
    j.intent.devices_max = 2;
    assert_int_equal(run(f, &j), ERR_EXISTS);
    j = intent("s1", "rnatti2", 3); /* look-alikes of one's own names do not matter */
    j.intent.devices_max = 2;
    snprintf(j.intent.binding.skeleton, FA_LABEL_MAX, "matti");
    assert_int_equal(run(f, &j), ERR_EXISTS); /* ... but s2 has one too */
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0), 1);
}

static void a_freed_name_is_held(void **state)
{
    struct fixture *f = *state;
    uint64_t id = put(f, "s1", "matti", 1);
    assert_int_equal(drop(f, id, false, true, FA_BOOK_NONE), ERR_OK);
    struct fa_job j = intent("s2", "matti", 2);
    assert_int_equal(run(f, &j), ERR_EXISTS);
    struct fa_job like = intent("s2", "rnatti", 2);
    snprintf(like.intent.binding.skeleton, FA_LABEL_MAX, "matti");
    assert_int_equal(run(f, &like), ERR_EXISTS);
    struct fa_job own = intent("s2", "matti", 2); /* nor to a namesake */
    own.intent.binding.own_name = true;
    assert_int_equal(run(f, &own), ERR_EXISTS);
    now_s += STORE_HOLD_S - 1;
    assert_int_equal(run(f, &j), ERR_EXISTS);
    uint64_t again = put(f, "s1", "matti", 3); /* its own subscriber takes it back */
    assert_int_equal(counts(f).reserved, 0);
    assert_int_equal(drop(f, again, false, true, FA_BOOK_NONE), ERR_OK);
    now_s += STORE_HOLD_S;
    assert_int_equal(run(f, &j), ERR_OK); /* 90 days later it is anybody's */
    assert_int_equal(counts(f).reserved, 0);
    id = put(f, "s3", "liisa", 4);
    assert_int_equal(drop(f, id, false, false, FA_BOOK_NONE), ERR_OK);
    put(f, "s4", "liisa", 5); /* not reserved: free at once */
}

static void keys_have_one_subscriber(void **state)
{
    struct fixture *f = *state;
    uint64_t id = put(f, "s1", "matti", 1);
    struct fa_job j = intent("s2", "liisa", 1);
    assert_int_equal(run(f, &j), ERR_REFUSED); /* HIT and key */
    memset(j.intent.binding.hit, 2, 16);
    assert_int_equal(run(f, &j), ERR_REFUSED); /* the key alone */
    j = intent("s2", "liisa", 1);
    memset(j.intent.binding.hi, 2, 66);
    assert_int_equal(run(f, &j), ERR_REFUSED); /* the HIT alone */
    assert_int_equal(drop(f, id, true, true, FA_BOOK_REVOKE), ERR_OK);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 1, 0), 1);
    assert_int_equal(f->a.v[0].state, FA_BINDING_REVOKED);
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0), 0);
    assert_int_equal(find(f, FA_FIND_NAME, "matti.operator.example", 0, 0), 0);
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, 0), 0);
    j = intent("s1", "matti", 1);
    assert_int_equal(run(f, &j), ERR_REFUSED); /* a revoked key stays refused, to its subscriber as well */
    assert_int_equal(bound(f, id, 10, FA_BOOK_NONE), ERR_NOT_FOUND);
    assert_int_equal(unbind(f, id), ERR_NOT_FOUND);
    put(f, "s1", "matti", 7); /* the name with another key */
    now_s += STORE_HOLD_S;
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 1, 0), 0);
    put(f, "s5", "pekka", 1);
    assert_int_equal(counts(f).revoked, 0);
}

static void devices_are_counted(void **state)
{
    struct fixture *f = *state;
    uint64_t first = put(f, "s1", "one", 1);
    struct fa_job j = intent("s1", "two", 2);
    assert_int_equal(run(f, &j), ERR_FULL);
    j.intent.devices_max = 0; /* 0 is one */
    assert_int_equal(run(f, &j), ERR_FULL);
    j.intent.devices_max = 2;
    assert_int_equal(run(f, &j), ERR_OK);
    j = intent("s1", "three", 3);
    j.intent.devices_max = 2;
    assert_int_equal(run(f, &j), ERR_FULL);
    j.intent.replaces = first; /* in the place of one */
    assert_int_equal(run(f, &j), ERR_OK);
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, first), 0);
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0), 2);
    j = intent("s1", "three", 3); /* the same host once more, over its row */
    j.intent.devices_max = 2;
    assert_int_equal(run(f, &j), ERR_EXISTS);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 3, 0), 1);
    j.intent.binding.id = f->a.v[0].id;
    j.intent.binding.rdata[0] = 'R';
    memcpy(j.intent.binding.last, "rdata", 5);
    j.intent.binding.last_len = 5;
    assert_int_equal(run(f, &j), ERR_OK);
    assert_int_equal(f->a.id, j.intent.binding.id);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 3, 0), 1);
    assert_memory_equal(f->a.v[0].rdata, "Rdata", 5);
    assert_memory_equal(f->a.v[0].last, "rdata", 5); /* until BOUND says that the zone has the new one */
    assert_int_equal(bound(f, f->a.v[0].id, 5, FA_BOOK_REFRESH), ERR_OK);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 3, 0), 1);
    assert_memory_equal(f->a.v[0].last, "Rdata", 5);
    j.intent.binding.id = 999;
    assert_int_equal(run(f, &j), ERR_EXISTS);
    snprintf(j.intent.binding.name, FA_NAME_MAX, "four.operator.example");
    snprintf(j.intent.binding.skeleton, FA_LABEL_MAX, "four");
    assert_int_equal(run(f, &j), ERR_NOT_FOUND);
}

static void epoch_stops_a_run(void **state)
{
    struct fixture *f = *state;
    uint64_t id = put(f, "s1", "matti", 1);
    struct fa_job j = intent("s1", "other", 1);
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0), 1);
    assert_int_equal(f->a.epoch, 0);
    assert_int_equal(unbind(f, id), ERR_OK); /* a revocation, in the middle of a run that read epoch 0 */
    assert_int_equal(run(f, &j), ERR_STATE);
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0), 1);
    assert_int_equal(f->a.epoch, 1);
    j.intent.epoch = 2;
    assert_int_equal(run(f, &j), ERR_STATE);
    j.intent.epoch = 1;
    assert_int_equal(run(f, &j), ERR_OK);
    assert_int_equal(unbind(f, f->a.id), ERR_OK); /* and each time it rises */
    find(f, FA_FIND_SUBSCRIBER, "s1", 0, 0);
    assert_int_equal(f->a.epoch, 2);
    assert_int_equal(find(f, FA_FIND_SUBSCRIBER, "s2", 0, 0), 0);
    assert_int_equal(f->a.epoch, 0);
}

static void a_refusal_changes_nothing(void **state)
{
    struct fixture *f = *state;
    put(f, "s1", "one", 1);
    uint64_t mine = put(f, "s2", "two", 2);
    struct fa_job j = intent("s2", "one", 2);
    j.intent.replaces = mine;
    assert_int_equal(run(f, &j), ERR_EXISTS);
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, mine), 1); /* not replaced */
    j.intent.binding.hi_len = 0;
    assert_int_equal(run(f, &j), ERR_MALFORMED);
    j = (struct fa_job){ .type = FA_JOB_DNS };
    assert_int_equal(run(f, &j), ERR_UNSUPPORTED);
}

static void open_ones_in_pages(void **state)
{
    struct fixture *f = *state;
    for (uint8_t i = 0; i < 20; i++) {
        char who[8];
        snprintf(who, sizeof who, "s%u", i);
        uint64_t id = put(f, who, who, (uint8_t)(i + 1));
        if (i % 2)
            assert_int_equal(bound(f, id, 100, FA_BOOK_NONE), ERR_OK);
    }
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, 0), 8);
    assert_true(f->a.more);
    uint64_t last = f->a.v[7].id;
    assert_true(last > f->a.v[0].id);
    assert_int_equal(find(f, FA_FIND_OPEN, NULL, 0, last), 2);
    assert_false(f->a.more);
    assert_true(f->a.v[0].id > last);
    size_t n = 0;
    for (uint64_t after = 0;; after = f->a.v[f->a.n - 1].id) {
        assert_int_equal(f->st.ops->list(f->st.ctx, after, &f->a), ERR_OK);
        n += f->a.n;
        if (!f->a.more)
            break;
    }
    assert_int_equal(n, 20);
    struct store_counts c = counts(f);
    assert_int_equal(c.intent, 10);
    assert_int_equal(c.bound, 10);
}

static void clock_set_back(void **state)
{
    struct fixture *f = *state;
    uint64_t id = put(f, "s1", "matti", 1);
    assert_int_equal(bound(f, id, 3600, FA_BOOK_NONE), ERR_OK);
    now_s -= 1000000;
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(f->a.v[0].left_s, 3600);
}

static void r1_counter_never_goes_back(void **state)
{
    struct fixture *f = *state;
    uint8_t hit[16] = { 1 }, other[16] = { 2 };
    uint64_t a = 0, b = 0;
    assert_int_equal(f->st.ops->r1_reserve(f->st.ctx, hit, 1000, &a), ERR_OK);
    reopen(f);
    assert_int_equal(f->st.ops->r1_reserve(f->st.ctx, hit, 1, &b), ERR_OK);
    assert_true(a >= 1 && b == a + 1000);
    assert_int_equal(f->st.ops->r1_reserve(f->st.ctx, other, 1, &b), ERR_OK);
    assert_int_equal(b, a);
    assert_int_equal(f->st.ops->r1_reserve(f->st.ctx, hit, 0, &b), ERR_RANGE);
    assert_int_equal(f->st.ops->r1_reserve(f->st.ctx, hit, UINT64_MAX, &b), ERR_RANGE);
}

static void audit_is_kept(void **state)
{
    struct fixture *f = *state;
    struct fa_job j = { .type = FA_JOB_AUDIT, .audit = { .alarm = true, .what = "BIND_MAC wrong" } };
    assert_int_equal(run(f, &j), ERR_OK);
    reopen(f);
    assert_int_equal(counts(f).audit, 1);
}

static void files(void **state)
{
    struct fixture *f = *state;
    char why[SQL_WHY_MAX], path[128];
    struct store st;
    sqlite3 *db = NULL;
    put(f, "s1", "matti", 1);
    f->st.ops->close(f->st.ctx);
    f->st.ctx = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK); /* written by a later version */
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_sqlite_open(f->path, wall, &st, why), ERR_CONFIG);
    assert_non_null(strstr(why, "version 99"));
    snprintf(path, sizeof path, "%s/x.sqlite", f->dir); /* somebody else's */
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(store_sqlite_open(path, wall, &st, why), ERR_CONFIG);
    FILE *junk = fopen(path, "w"); /* no database at all */
    fputs("this is not a database, and long enough to be looked at as one: "
          "................................................",
          junk);
    fclose(junk);
    assert_int_equal(store_sqlite_open(path, wall, &st, why), ERR_IO);
    unlink(path);
    snprintf(path, sizeof path, "%s/none/x.sqlite", f->dir);
    assert_int_equal(store_sqlite_open(path, wall, &st, why), ERR_IO);
    assert_non_null(strstr(why, path));
}

/* What a second process sees, while the first holds the file open, is what was promised. */
static void committed_is_visible(void **state)
{
    struct fixture *f = *state;
    struct fixture g = *f;
    g.st.ctx = NULL;
    uint64_t id = put(f, "s1", "matti", 1);
    reopen(&g);
    assert_int_equal(find(&g, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(bound(f, id, 10, FA_BOOK_BIND), ERR_OK);
    assert_int_equal(find(&g, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(g.a.v[0].state, FA_BINDING_BOUND);
    g.st.ops->close(g.st.ctx);
}

/* ---- takeovers and orders ---- */

static struct fa_job hold_of(uint64_t old, uint8_t host)
{
    struct fa_job j = { .type = FA_JOB_HOLD, .hold.old = old };
    memset(j.hold.hit, host, 16);
    snprintf(j.hold.subscriber, sizeof j.hold.subscriber, "s1");
    return j;
}

static err take(struct fixture *f, uint64_t old, uint8_t host, uint64_t epoch)
{
    struct fa_job j = intent("s1", "matti", host);
    j.intent.epoch = epoch;
    j.intent.takes = old;
    return run(f, &j);
}

static uint64_t epoch_of(struct fixture *f, const char *subscriber)
{
    struct fa_job j = { .type = FA_JOB_FIND, .find.by = FA_FIND_SUBSCRIBER };
    snprintf(j.find.text, sizeof j.find.text, "%s", subscriber);
    assert_int_equal(run(f, &j), ERR_OK);
    return f->a.epoch;
}

static void a_name_moves(void **state)
{
    struct fixture *f = *state;
    uint64_t old = put(f, "s1", "matti", 1);
    assert_int_equal(take(f, old, 2, epoch_of(f, "s1")), ERR_STATE); /* an intent is nobody's to take */
    assert_int_equal(bound(f, old, 1000, FA_BOOK_BIND), ERR_OK);
    uint64_t before = epoch_of(f, "s1");
    assert_int_equal(take(f, old, 2, before), ERR_OK);
    uint64_t id = f->a.id;
    assert_true(epoch_of(f, "s1") > before);
    reopen(f);
    assert_int_equal(find(f, FA_FIND_NAME, "matti.operator.example", 0, 0), 1);
    assert_int_equal(f->a.v[0].hit[0], 2);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 1, 0), 1); /* remembered, so that its host learns it */
    assert_int_equal(f->a.v[0].state, FA_BINDING_REVOKED);
    assert_true(f->a.v[0].moved);
    assert_int_equal(bound(f, id, 1000, FA_BOOK_MOVE), ERR_OK);
    assert_int_equal(take(f, id, 1, epoch_of(f, "s1")), ERR_OK); /* and back: then it is remembered no more */
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 1, 0), 1);
    assert_int_equal(f->a.v[0].state, FA_BINDING_INTENT);
    assert_int_not_equal(take(f, 999, 3, epoch_of(f, "s1")), ERR_OK); /* there is no such row */
    struct fa_job stranger = intent("s2", "matti", 9);
    assert_int_equal(find(f, FA_FIND_HIT, NULL, 1, 0), 1);
    stranger.intent.takes = f->a.v[0].id;
    assert_int_equal(bound(f, stranger.intent.takes, 1000, FA_BOOK_NONE), ERR_OK);
    stranger.intent.binding.own_name = true;         /* so that likeness alone does not stop it */
    assert_int_not_equal(run(f, &stranger), ERR_OK); /* another subscriber's row is nobody else's to take */
}

static void takeovers_are_held(void **state)
{
    struct fixture *f = *state;
    uint8_t hit[16];
    struct store_pick pick = { .name = "matti.operator.example" };
    struct store_hold h[4];
    size_t n = 0;
    uint64_t old = put(f, "s1", "matti", 1);
    struct fa_job j = hold_of(old, 2);
    memset(hit, 1, sizeof hit);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_HOLD_ALLOW, &pick), ERR_NOT_FOUND);
    assert_int_equal(run(f, &j), ERR_OK);
    assert_true(f->a.fresh && f->a.hold == FA_HOLD_WAITS);
    reopen(f);
    now_s += 60;
    assert_int_equal(run(f, &j), ERR_OK);
    assert_false(f->a.fresh);
    assert_int_equal(f->st.ops->holds(f->st.ctx, 0, h, 4, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(h[0].name, "matti.operator.example");
    assert_int_equal(h[0].asked_s, 60);
    assert_int_equal(h[0].unseen_s, 60);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_HOLD_ALLOW, &pick), ERR_OK);
    assert_int_equal(run(f, &j), ERR_OK);
    assert_int_equal(f->a.hold, FA_HOLD_ALLOWED);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_HOLD_REFUSE, &(struct store_pick){ .hit = hit }),
                     ERR_OK);
    assert_int_equal(run(f, &j), ERR_OK);
    assert_int_equal(f->a.hold, FA_HOLD_REFUSED);
    now_s += STORE_ASKED_S + 1; /* a decision does not hold for ever */
    assert_int_equal(run(f, &j), ERR_OK);
    assert_true(f->a.fresh && f->a.hold == FA_HOLD_WAITS);
}

static void who_was_seen(void **state)
{
    struct fixture *f = *state;
    struct fa_job seen = { .type = FA_JOB_SEEN };
    uint64_t id = put(f, "s1", "matti", 1);
    memset(seen.seen.hit, 1, 16);
    now_s += 500;
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(f->a.v[0].unseen_s, 500);
    assert_int_equal(run(f, &seen), ERR_OK);
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(f->a.v[0].unseen_s, 0);
    now_s -= 1000; /* a clock set back */
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 1);
    assert_int_equal(f->a.v[0].unseen_s, 0);
}

static void orders(void **state)
{
    struct fixture *f = *state;
    struct store_subscriber v[4];
    struct store_event e[16];
    size_t n = 0;
    const struct store_pick s1 = { .subscriber = "s1" }, by_name = { .name = "matti.operator.example" };
    uint64_t id = put(f, "s1", "matti", 1), before = epoch_of(f, "s1");
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_REKEY, &by_name), ERR_OK);
    assert_true(epoch_of(f, "s1") > before);
    assert_true(f->a.v[0].rekey);
    assert_int_equal(bound(f, id, 1000, FA_BOOK_BIND), ERR_OK); /* a run has ended well */
    assert_int_equal(find(f, FA_FIND_ID, NULL, 0, id), 1);
    assert_false(f->a.v[0].rekey);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_SUSPEND, &s1), ERR_OK);
    reopen(f);
    struct fa_job j = intent("s1", "maija", 1);
    j.intent.epoch = epoch_of(f, "s1");
    assert_true(f->a.suspended && f->a.v[0].suspended);
    assert_int_equal(run(f, &j), ERR_STATE);
    assert_int_equal(f->st.ops->subscribers(f->st.ctx, 0, v, 4, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_true(v[0].suspended && v[0].bindings == 1);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_RESUME, &s1), ERR_OK);
    (void)epoch_of(f, "s1");
    assert_false(f->a.suspended);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_REKEY, &(struct store_pick){ .subscriber = "nobody" }),
                     ERR_NOT_FOUND);
    assert_int_equal(
        f->st.ops->order(f->st.ctx, STORE_REKEY, &(struct store_pick){ .name = "a", .subscriber = "b" }),
        ERR_RANGE);
    assert_int_equal(f->st.ops->order(f->st.ctx, STORE_REKEY, &(struct store_pick){ 0 }), ERR_RANGE);
    assert_int_equal(
        f->st.ops->order(f->st.ctx, STORE_SUSPEND, &(struct store_pick){ .subscriber = "later" }), ERR_OK);
    assert_int_equal(f->st.ops->events(f->st.ctx, 0, e, 16, &n), ERR_OK);
    assert_int_equal(n, 5); /* bind, rekey, suspend, resume, suspend */
    assert_int_equal(f->st.ops->events(f->st.ctx, 4, e, 16, &n), ERR_OK);
    assert_int_equal(n, 1);
}

static void pages_of_a_subscriber(void **state)
{
    struct fixture *f = *state;
    struct fa_job find_all = { .type = FA_JOB_FIND, .find.by = FA_FIND_SUBSCRIBER };
    snprintf(find_all.find.text, sizeof find_all.find.text, "s1");
    for (uint8_t i = 1; i <= 12; i++) {
        char label[8];
        snprintf(label, sizeof label, "m%u", i);
        struct fa_job j = intent("s1", label, i);
        j.intent.devices_max = 20;
        assert_int_equal(run(f, &j), ERR_OK);
    }
    assert_int_equal(run(f, &find_all), ERR_OK);
    assert_true(f->a.n == FA_BINDINGS_MAX && f->a.more);
    find_all.find.id = f->a.v[f->a.n - 1].id;
    assert_int_equal(run(f, &find_all), ERR_OK);
    assert_true(f->a.n == 12 - FA_BINDINGS_MAX && !f->a.more);
}

/* ---- several in one transaction ---- */

/* Rows that another process sees. */
static uint64_t seen(struct fixture *f)
{
    struct store other;
    struct store_counts c;
    char why[SQL_WHY_MAX];
    assert_int_equal(store_sqlite_open(f->path, wall, &other, why), ERR_OK);
    assert_int_equal(other.ops->counts(other.ctx, &c), ERR_OK);
    other.ops->close(other.ctx);
    return c.intent + c.bound;
}

static void together(void **state)
{
    struct fixture *f = *state;
    struct fa_job same = intent("s3", "matti", 3), late = intent("s4", "late", 4),
                  half = intent("s2", "maija", 2);
    f->st.ops->batch_begin(f->st.ctx);
    uint64_t id = put(f, "s1", "matti", 1);
    assert_int_equal(bound(f, id, 1000, FA_BOOK_BIND), ERR_OK); /* sees what the one before wrote */
    half.intent.replaces = put(f, "s2", "maija", 2);
    half.intent.binding.id = 9999;
    assert_int_equal(run(f, &half),
                     ERR_NOT_FOUND); /* had deleted that row by then, and undoes nothing but itself */
    assert_int_equal(run(f, &same), ERR_EXISTS);
    late.intent.epoch = 7;
    assert_int_equal(run(f, &late), ERR_STATE);
    assert_int_equal(counts(f).bookings, 1);
    assert_int_equal(f->st.ops->batch_end(f->st.ctx), ERR_OK);
    assert_int_equal(seen(f), 2);
    f->st.ops->batch_begin(f->st.ctx); /* questions alone */
    assert_int_equal(find(f, FA_FIND_NAME, "maija.operator.example", 0, 0), 1);
    assert_int_equal(seen(f), 2);
    assert_int_equal(f->st.ops->batch_end(f->st.ctx), ERR_OK);
    put(f, "s5", "alone", 5); /* and without a batch as ever */
    assert_int_equal(seen(f), 3);
}

/* The disk takes no more octets: none of a batch was done, whatever its jobs were told, and the store goes on when it takes some again. */
static void a_batch_is_lost(void **state)
{
    struct fixture *f = *state;
    struct rlimit was, none = { .rlim_cur = 1 };
    struct fa_job j = intent("s9", "nine", 9);
    put(f, "s1", "matti", 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    none.rlim_max = was.rlim_max;
    f->st.ops->batch_begin(f->st.ctx);
    put(f, "s2", "maija", 2);
    put(f, "s3", "mikko", 3);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(f->st.ops->batch_end(f->st.ctx), ERR_IO);
    assert_int_equal(counts(f).intent, 1);
    f->st.ops->batch_begin(f->st.ctx);
    assert_int_equal(run(f, &j), ERR_OK); /* in memory so far */
    assert_int_equal(f->st.ops->batch_end(f->st.ctx), ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(seen(f), 1);
    f->st.ops->batch_begin(f->st.ctx);
    put(f, "s2", "maija", 2);
    assert_int_equal(f->st.ops->batch_end(f->st.ctx), ERR_OK);
    assert_int_equal(seen(f), 2);
}

/* A store of the first version is brought up to date with what is in it. */
static void migrated(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    put(f, "s1", "matti", 1);
    f->st.ops->close(f->st.ctx);
    f->st.ctx = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "ALTER TABLE binding DROP COLUMN moved; ALTER TABLE binding DROP COLUMN rekey;"
                     "ALTER TABLE binding DROP COLUMN seen_s; ALTER TABLE epoch DROP COLUMN suspended;"
                     "DROP TABLE hold; DROP INDEX reservation_until; PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    now_s += 100;
    reopen(f);
    assert_int_equal(find(f, FA_FIND_NAME, "matti.operator.example", 0, 0), 1);
    assert_false(f->a.v[0].moved || f->a.v[0].rekey || f->a.v[0].suspended);
    assert_int_equal(f->a.v[0].unseen_s, 100);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest t[] = {
        T(life_of_a_binding),
        T(names_are_unique),
        T(a_freed_name_is_held),
        T(keys_have_one_subscriber),
        T(devices_are_counted),
        T(epoch_stops_a_run),
        T(a_refusal_changes_nothing),
        T(open_ones_in_pages),
        T(clock_set_back),
        T(r1_counter_never_goes_back),
        T(audit_is_kept),
        T(files),
        T(committed_is_visible),
        T(a_name_moves),
        T(takeovers_are_held),
        T(who_was_seen),
        T(orders),
        T(pages_of_a_subscriber),
        T(migrated),
        T(together),
        T(a_batch_is_lost),
    };
    return cmocka_run_group_tests(t, NULL, NULL);
}
