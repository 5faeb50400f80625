/* SPDX-License-Identifier: Apache-2.0
 *
 * Links that lose, duplicate and reorder, a seed for each run. What must hold: both ends come to agree, nothing that was
 * acknowledged is missing or taken twice, and in the end everything is forgotten. A run that fails prints its seed; SEED=n replays it
 * alone, with SIM_LOG=1 packet by packet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

/* Each kind runs so often by default; RUNS=n in the environment: n times. */
#define RUNS_BEX      800
#define RUNS_CLOSE    500
#define RUNS_REGISTER 300
#define RUNS_REKEY    400
#define RUNS_UPDATE   60
#define RUNS_RVS      60

static struct sim *bad_world(uint64_t seed)
{
    struct sim *s = sim_new(seed);
    s->link = (struct sim_link){ .loss_pm = 150, .dup_pm = 100, .reorder_pm = 150 };
    s->link.delay_us = 10000 + sim_random(s) % 40000;
    s->link.jitter_us = 20000;
    return s;
}

static void calm(struct sim *s)
{
    s->link.loss_pm = s->link.dup_pm = s->link.reorder_pm = 0;
}

/* Runs with seeds of their own, or the one that SEED names. */
static void each(const char *name, uint64_t runs, void (*run)(uint64_t seed))
{
    if (getenv("SEED")) {
        run(sim_seed(0));
        return;
    }
    if (getenv("RUNS"))
        runs = strtoull(getenv("RUNS"), NULL, 10);
    for (uint64_t seed = 1; seed <= runs; seed++) {
        printf("# %s seed %llu\r", name, (unsigned long long)seed);
        run(seed);
    }
}

#define HOLDS(s, c) \
    do { \
        if (!(c)) \
            fail_msg("seed %llu: %s\n%s", (unsigned long long)(s)->seed, #c, (s)->ladder); \
    } while (0)

static bool connect(struct sim *s, struct sim_host *from, struct sim_host *to)
{
    struct hip_path path = sim_path(from, to);
    struct hip_ref ref;
    err r = hip_connect(from->e, sim_hit(from), sim_hit(to), &path, 1, s->now, &s->out, &ref);
    sim_act(s, from);
    return r == ERR_OK;
}

static void forgotten(struct sim *s)
{
    calm(s);
    for (size_t i = 0; i < s->n_hosts; i++) {
        struct hip_assoc_view v;
        size_t pos = 0;
        while (hip_assoc_next(s->host[i].e, &pos, &v))
            if (v.state != HIP_CLOSED) {
                HOLDS(s, hip_close(s->host[i].e, v.ref, s->now, &s->out) == ERR_OK);
                sim_act(s, &s->host[i]);
            }
    }
    sim_run(s, UINT64_C(3000000000));
    for (size_t i = 0; i < s->n_hosts; i++)
        HOLDS(s, hip_deadline(s->host[i].e) == UINT64_MAX);
}

/* ---- one side connects, or both at about the same time ---- */

static void run_connect(uint64_t seed)
{
    struct hip_config c = sim_config();
    struct sim *s = bad_world(seed);
    struct sim_host *a = sim_host(s, "a", &c, (int)(seed % 2) * 5, "192.0.2.1");
    struct sim_host *b = sim_host(s, "b", &c, 1, "198.51.100.1");
    bool both = seed % 3 != 0;
    HOLDS(s, connect(s, a, b));
    sim_run(s, sim_random(s) % 150000);
    if (both)
        (void)connect(s, b, a);
    /* Somebody may give up after six tries; then it tries again, as an owner does. */
    for (int i = 0; i < 4 && !sim_joined(a, b); i++) {
        sim_run(s, 70000000);
        if (!sim_joined(a, b))
            (void)connect(s, a, b);
    }
    HOLDS(s, sim_joined(a, b));
    calm(s);
    sim_run(s, 70000000);
    HOLDS(s, sim_joined(a, b));
    forgotten(s);
    sim_free(s);
}

static void exchanges(void **state)
{
    each("exchanges", RUNS_BEX, run_connect);
}

/* ---- UPDATEs both ways, and moves ---- */

struct tally {
    unsigned sent[2];
};

static void talk(struct sim *s, struct sim_host *h, unsigned *sent)
{
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    if (hip_update(h->e, h->ref, &q, s->now, &s->out) == ERR_OK)
        ++*sent;
    sim_act(s, h);
}

static void wander(struct sim *s, struct sim_host *mn, const struct sim_host *fa, unsigned i)
{
    char text[32];
    snprintf(text, sizeof text, "203.0.113.%u", 1 + i % 200);
    mn->n_addr = 1; /* the address before this one is gone */
    struct addr to = sim_addr(mn, text);
    mn->addr[0] = to;
    struct hip_path path = { .local = to, .peer = fa->addr[0] };
    HOLDS(s, hip_move(mn->e, mn->ref, &path, &to, 1, s->now, &s->out) == ERR_OK);
    sim_act(s, mn);
}

static void run_updates(uint64_t seed)
{
    struct hip_config c = sim_config();
    struct sim *s = bad_world(seed);
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    struct tally t = { { 0 } };
    unsigned loss = s->link.loss_pm;
    s->link.loss_pm = 0; /* the exchange itself is another test's */
    HOLDS(s, connect(s, mn, fa));
    sim_run(s, 5000000);
    HOLDS(s, sim_joined(mn, fa));
    s->link.loss_pm = loss;
    fa->done = seed % 2;
    for (unsigned i = 0; i < 30; i++) {
        sim_run(s, sim_random(s) % 400000);
        unsigned what = (unsigned)(sim_random(s) % 5);
        if (what == 0)
            wander(s, mn, fa, i);
        else
            talk(s, what < 3 ? mn : fa, &t.sent[what < 3]);
    }
    calm(s);
    sim_run(s, 70000000);
    HOLDS(s, mn->gone + fa->gone == 0);
    HOLDS(s, fa->updates == t.sent[1] && mn->updates == t.sent[0]);
    HOLDS(s, mn->acked == t.sent[1] && fa->acked == t.sent[0]);
    HOLDS(s, addr_same_ip(&fa->sa_path.peer, &mn->addr[mn->n_addr - 1]));
    HOLDS(s, sim_joined(mn, fa));
    forgotten(s);
    sim_free(s);
}

static void updates_and_moves(void **state)
{
    each("updates and moves", RUNS_UPDATE, run_updates);
}

/* ---- rekeys of both kinds, by either or both at about the same time ---- */

/* An association over a good link, then a bad one. */
static struct sim *pair_up(uint64_t seed, struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    c.puzzle_k = 0;
    struct sim *s = bad_world(seed);
    struct sim_link bad = s->link;
    *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    calm(s);
    HOLDS(s, connect(s, *mn, *fa));
    sim_run(s, 1000000);
    HOLDS(s, sim_joined(*mn, *fa));
    s->link = bad;
    return s;
}

static void run_rekeys(uint64_t seed)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair_up(seed, &mn, &fa);
    unsigned begun = 0;
    for (unsigned i = 0; i < 6; i++) {
        unsigned who = (unsigned)(sim_random(s) % 3); /* 2: both */
        for (unsigned k = 0; k < 2; k++) {
            struct sim_host *h = k ? fa : mn;
            if (who != 2 && who != k)
                continue;
            err r = hip_rekey(h->e, h->ref, sim_random(s) % 2, s->now, &s->out);
            HOLDS(s, r == ERR_OK || r == ERR_EXISTS);
            begun += r == ERR_OK;
            sim_act(s, h);
            sim_run(s, sim_random(s) % 3 * 20000);
        }
        sim_run(s, sim_random(s) % 2000000);
    }
    calm(s);
    sim_run(s, 130000000);
    HOLDS(s, begun > 0 && mn->gone + fa->gone == 0);
    HOLDS(s, sim_joined(mn, fa) && mn->sa_up > 1 && fa->sa_up > 1);
    /* And none is left half done. */
    HOLDS(s, hip_rekey(mn->e, mn->ref, true, s->now, &s->out) == ERR_OK);
    sim_act(s, mn);
    sim_run(s, 1000000);
    HOLDS(s, sim_joined(mn, fa));
    sim_free(s);
}

static void rekeys(void **state)
{
    each("rekeys", RUNS_REKEY, run_rekeys);
}

/* ---- CLOSE, by one or both, and a new exchange in the middle of it ---- */

static void run_closes(uint64_t seed)
{
    struct sim_host *mn, *fa;
    struct sim *s = pair_up(seed, &mn, &fa);
    unsigned who = (unsigned)(seed % 3);
    if (who != 1) {
        HOLDS(s, hip_close(mn->e, mn->ref, s->now, &s->out) == ERR_OK);
        sim_act(s, mn);
    }
    sim_run(s, sim_random(s) % 100000);
    if (who != 0 && fa->gone == 0) {
        HOLDS(s, hip_close(fa->e, fa->ref, s->now, &s->out) == ERR_OK);
        sim_act(s, fa);
    }
    if (seed % 4 == 0) { /* data to send, in CLOSING or CLOSED */
        sim_run(s, sim_random(s) % 3000000);
        (void)connect(s, mn, fa);
        for (int i = 0; i < 5 && !(sim_joined(mn, fa) && mn->gone && fa->gone); i++) {
            sim_run(s, 70000000);
            (void)connect(s, mn, fa);
        }
        HOLDS(s, sim_joined(mn, fa) && mn->gone && fa->gone);
    } else {
        sim_run(s, 130000000);
        HOLDS(s, mn->gone == 1 && fa->gone == 1); /* told once, both */
        HOLDS(s, mn->sa_down == 1 && fa->sa_down == 1);
    }
    forgotten(s);
    sim_free(s);
}

static void closes(void **state)
{
    each("closes", RUNS_CLOSE, run_closes);
}

/* ---- registration in the base exchange, renewed and cancelled by UPDATEs that are answered ---- */

static void run_registrations(uint64_t seed)
{
    struct hip_config c = sim_config(), offers;
    c.puzzle_k = 0;
    offers = c;
    offers.offer = (struct hip_reg_offer){ .min = 64, .max = 120, .n = 1, .type = { HIP_REGT_RENDEZVOUS } };
    struct sim *s = bad_world(seed);
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &offers, 1, "198.51.100.1");
    struct hip_contents ask = {
        .request = { .present = true, .lifetime = 100, .n = 1, .type = { HIP_REGT_RENDEZVOUS } }
    };
    struct hip_contents grant = {
        .response = { .present = true, .lifetime = 100, .n = 1, .type = { HIP_REGT_RENDEZVOUS } }
    };
    struct hip_answer reply = { .accept = true, .contents = grant };
    mn->i2.contents = ask;
    fa->r2.contents = grant;
    fa->reply = &reply;
    mn->done = true;
    for (int i = 0; i < 4 && !sim_joined(mn, fa); i++) {
        (void)connect(s, mn, fa);
        sim_run(s, 70000000);
    }
    HOLDS(s, sim_joined(mn, fa));
    HOLDS(s, fa->ask_contents.request.present && fa->ask_contents.request.lifetime == 100);
    HOLDS(s, mn->contents.response.present && mn->contents.response.lifetime == 100);
    unsigned updates = mn->updates;
    for (unsigned i = 1; i <= 4; i++) {
        bool cancel = i == 4;
        ask.request.lifetime = reply.contents.response.lifetime = cancel ? 0 : (uint8_t)(100 + i);
        HOLDS(s, hip_update(mn->e, mn->ref, &ask, s->now, &s->out) == ERR_OK);
        sim_act(s, mn);
        sim_run(s, 70000000); /* each request has one answer, however often either is sent */
        HOLDS(s, mn->gone + fa->gone > 0 || (mn->updates == updates + i && fa->updates == i));
        if (mn->gone + fa->gone)
            break; /* lost seven times: UPDATE gives up (s6.11) */
        HOLDS(s, mn->contents.response.lifetime == ask.request.lifetime);
    }
    forgotten(s);
    sim_free(s);
}

static void registrations(void **state)
{
    each("registrations", RUNS_REGISTER, run_registrations);
}

/* ---- many meet one through a rendezvous server, while it moves ---- */

static void run_rendezvous(uint64_t seed)
{
    struct hip_config c = sim_config();
    struct sim *s = bad_world(seed);
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *cn[3] = { sim_host(s, "cn", &c, 2, "203.0.113.201"),
                               sim_host(s, "cn2", &c, 3, "203.0.113.202"),
                               sim_host(s, "cn3", &c, 5, "203.0.113.203") };
    fa->relays = true;
    unsigned loss = s->link.loss_pm;
    s->link.loss_pm = 0;
    HOLDS(s, connect(s, mn, fa));
    sim_run(s, 5000000);
    struct hip_ref home = mn->ref;
    HOLDS(s, hip_rvs_trust(mn->e, home, true) == ERR_OK);
    s->link.loss_pm = loss;
    for (unsigned i = 0; i < 3; i++) {
        struct hip_path path = sim_path(cn[i], fa);
        struct hip_ref ref;
        HOLDS(s,
              hip_connect(cn[i]->e, sim_hit(cn[i]), sim_hit(mn), &path, 1, s->now, &s->out, &ref) == ERR_OK);
        sim_act(s, cn[i]);
        sim_run(s, sim_random(s) % 100000);
        struct hip_ref other = mn->ref;
        mn->ref = home;
        wander(s, mn, fa, i);
        mn->ref = other;
        sim_run(s, 70000000);
        if (cn[i]->up == 0) { /* moved from under it, or lost too often: once more */
            calm(s);
            other = mn->ref;
            mn->ref = home;
            wander(s, mn, fa, i + 100);
            mn->ref = other;
            sim_run(s, 1000000);
            HOLDS(s, hip_connect(cn[i]->e, sim_hit(cn[i]), sim_hit(mn), &path, 1, s->now, &s->out, &ref) ==
                         ERR_OK);
            sim_act(s, cn[i]);
            sim_run(s, 70000000);
        }
        HOLDS(s, cn[i]->up == 1);
        HOLDS(s, sim_joined(cn[i], mn));
        s->link.loss_pm = loss;
    }
    forgotten(s);
    sim_free(s);
}

static void rendezvous(void **state)
{
    each("rendezvous", RUNS_RVS, run_rendezvous);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges), cmocka_unit_test(updates_and_moves), cmocka_unit_test(rekeys),
        cmocka_unit_test(closes),    cmocka_unit_test(registrations),     cmocka_unit_test(rendezvous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
