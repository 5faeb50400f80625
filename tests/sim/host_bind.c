/* SPDX-License-Identifier: Apache-2.0
 *
 * host/core and the SIM binding: bound, back without AKA, moved, refused; cards that change; FAs that lie; air that loses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hip/param_reg.h"
#include "tests/sim/world.h"

#define NAME "matti-virtanen.operator.example."
#define IMSI "001010000000001"

struct scene {
    struct world *w;
    struct w_node *fa, *mn;
    struct w_card *card;
};

/* FA and a host with a card in; known: by its HIT. */
static struct scene scene_of(uint64_t seed, bool known, struct host_config c)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_fa_conf fa;

    s.fa = w_fa_new(s.w, "fa", "192.0.2.18", "fa.operator.example");
    fa = w_fa_conf(s.fa);
    if (!known)
        memset(&fa.hit, 0, sizeof fa.hit);
    c.fa = &fa;
    c.n_fa = 1;
    s.mn = w_host(s.w, "mn", &c);
    s.mn->c.fa = NULL;
    s.card = w_card_new(s.w, IMSI, 0x46);
    s.mn->card = s.card;
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    return s;
}

/* The same, started, and given time. */
static struct scene scene(uint64_t seed, bool known)
{
    struct scene s = scene_of(seed, known, w_config());
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    return s;
}

static void assert_bound(const struct scene *s)
{
    struct host_status st = w_status(s->w, s->mn);
    assert_int_equal(st.bind, HOST_BIND_BOUND);
    assert_string_equal(st.fqdn, NAME);
    assert_int_equal(st.fa, HOST_FA_REGISTERED);
    assert_true(st.reg_left_us > 0);
    assert_int_equal(s->fa->fa->n_reg, 1);
    assert_true(hit_eq(&s->fa->fa->reg[0].hit, &s->mn->id));
}

static void assert_nothing(const struct scene *s)
{
    struct host_status st = w_status(s->w, s->mn);
    assert_int_not_equal(st.bind, HOST_BIND_BOUND);
    assert_string_equal(st.fqdn, "");
    assert_int_not_equal(st.fa, HOST_FA_REGISTERED);
}

static void test_bind(void **state)
{
    struct scene s = scene(1, true);
    struct host_status st = w_status(s.w, s.mn);

    assert_bound(&s);
    assert_int_equal(st.seal, HOST_SEAL_KEY);
    assert_int_equal(s.fa->fa->runs, 1);
    assert_int_equal(s.card->asked, 1);
    assert_false(s.fa->fa->saw_imsi);
    assert_true(st.bound_until_s > s.w->unix_s);
    assert_int_equal(s.mn->events[HOST_EV_ALARM], 0);
    w_free(s.w);
}

/* A new process finds its sealed name and comes back without AKA. */
static void test_back_without_aka(void **state)
{
    struct scene s = scene(2, true);
    struct host_fa_conf fa = w_fa_conf(s.fa);
    struct hit id = s.mn->id;

    s.mn->c.fa = &fa;
    w_restart(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    assert_true(hit_eq(&id, &s.mn->id));
    assert_int_equal(s.card->asked, 1);
    assert_int_equal(s.fa->fa->runs, 1);
    w_free(s.w);
}

/* The FA forgets its associations: noticed by its silence, met again without an operator and without AKA. */
static void test_fa_restart(void **state)
{
    struct scene s = scene(3, true);

    w_fa_restart(s.w, s.fa);
    assert_int_equal(s.fa->fa->n_reg, 0);
    w_run(s.w, 40 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 1);
    w_free(s.w);
}

/* The FA is away for long: backed off, and found again when it is there. */
static void test_fa_away(void **state)
{
    struct scene s = scene(4, true);

    s.fa->down = true;
    w_fa_restart(s.w, s.fa);
    w_run(s.w, 600 * W_S);
    assert_int_not_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_BOUND);
    s.fa->down = false;
    w_run(s.w, 1200 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    w_free(s.w);
}

/* The FA lost the binding as well: plain registration refused, then the run on the same association. */
static void test_fa_lost_binding(void **state)
{
    struct scene s = scene(5, true);

    s.fa->fa->n_bound = 0;
    w_fa_restart(s.w, s.fa);
    w_run(s.w, 40 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 2);
    assert_int_equal(s.fa->fa->runs, 2);
    w_free(s.w);
}

static void test_renewal(void **state)
{
    struct scene s = scene(6, true);

    w_run(s.w, 5000 * W_S); /* eight lifetimes of the registration */
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    assert_true(s.mn->events[HOST_EV_REGISTERED] > 8);
    w_free(s.w);
}

/* A tenth of the binding's life before its end it is extended by a run with REFRESH. */
static void test_refresh(void **state)
{
    struct scene s = scene_of(7, true, w_config());
    uint64_t until;

    s.fa->fa->lifetime_s = 10000;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    until = w_status(s.w, s.mn).bound_until_s;
    w_run(s.w, 9500 * W_S);
    assert_bound(&s);
    assert_int_equal(s.fa->fa->refreshed, 1);
    assert_int_equal(s.fa->fa->last_wanted, 0);
    assert_true(w_status(s.w, s.mn).bound_until_s > until + 8000);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    w_free(s.w);
}

static void test_moves_while_bound(void **state)
{
    struct scene s = scene(8, true);
    struct host_status st;

    w_addr_up(s.w, s.mn, "203.0.113.7", 3, 1);
    w_run(s.w, W_S);
    assert_int_equal(w_status(s.w, s.mn).moves, 0); /* a worse link moves nobody */
    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_run(s.w, 2 * W_S);
    st = w_status(s.w, s.mn);
    assert_bound(&s);
    assert_int_equal(st.moves, 1);
    assert_int_equal(s.mn->events[HOST_EV_LOST], 0);
    assert_true(addr_same_ip(&st.fa_path.local, &s.mn->addr[1].addr));
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    w_run(s.w, 2 * W_S);
    st = w_status(s.w, s.mn);
    assert_int_equal(st.moves, 2);
    assert_true(addr_same_ip(&st.fa_path.local, &s.mn->addr[0].addr));
    w_run(s.w, 60 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    w_free(s.w);
}

/* Another SIM in the same device sees nothing of the first one's; that one finds its own again. */
static void test_another_sim(void **state)
{
    struct scene s = scene(9, true);
    struct w_card *other = w_card_new(s.w, "001010000000002", 0x77);
    struct hit id = s.mn->id;
    struct host_status st;

    assert_bound(&s);
    w_card_out(s.w, s.mn);
    assert_true(hit_is_null(&s.mn->id));
    w_run(s.w, W_S);
    st = w_status(s.w, s.mn);
    assert_int_equal(st.sim, HOST_SIM_NONE);
    assert_string_equal(st.fqdn, "");
    assert_int_equal(s.fa->fa->n_reg, 0); /* CLOSE was sent */

    s.fa->fa->lie = W_NO_AS; /* so that the other one stays unbound */
    w_card_in(s.w, s.mn, other);
    w_run(s.w, 3 * W_S);
    st = w_status(s.w, s.mn);
    assert_int_equal(st.sim, HOST_SIM_READY);
    assert_int_equal(st.bind, HOST_BIND_NONE);
    assert_string_equal(st.fqdn, "");
    assert_false(hit_is_null(&s.mn->id));
    assert_false(hit_eq(&s.mn->id, &id));
    w_card_out(s.w, s.mn);

    s.fa->fa->lie = W_HONEST;
    w_card_in(s.w, s.mn, s.card);
    w_run(s.w, 60 * W_S);
    assert_true(hit_eq(&s.mn->id, &id));
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    w_free(s.w);
}

/* A card that does no GSM context: the platform's key, opened for this IMSI and ICCID. */
static void test_sim_gate(void **state)
{
    struct scene s = scene_of(10, true, w_config());
    struct hit id;

    s.card->gsm = false;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    assert_int_equal(w_status(s.w, s.mn).seal, HOST_SEAL_GATE);
    id = s.mn->id;
    w_card_out(s.w, s.mn);
    s.card->id.iccid[3] = '2'; /* the same IMSI on another card */
    w_card_in(s.w, s.mn, s.card);
    w_run(s.w, W_S);
    assert_false(hit_eq(&s.mn->id, &id));
    w_free(s.w);
}

static void test_damaged_store(void **state)
{
    struct scene s = scene(11, true);
    struct host_fa_conf fa = w_fa_conf(s.fa);
    size_t sealed = 0;

    while (sealed < s.mn->n_file && !strstr(s.mn->file[sealed].name, ".sealed"))
        sealed++;
    assert_true(sealed < s.mn->n_file);
    s.mn->file[sealed].b[s.mn->file[sealed].n - 20] ^= 1;
    s.mn->c.fa = &fa;
    w_restart(s.w, s.mn);
    w_run(s.w, 10 * W_S);
    assert_int_equal(w_status(s.w, s.mn).sim, HOST_SIM_DAMAGED);
    assert_true(hit_is_null(&s.mn->id));
    assert_int_equal(s.fa->fa->runs, 1);
    w_free(s.w);
}

/* What cannot be kept is not used. */
static void test_disk_full(void **state)
{
    struct scene s = scene_of(12, true, w_config());

    s.mn->disk_full = true;
    w_start(s.w, s.mn);
    w_run(s.w, 10 * W_S);
    assert_int_equal(w_status(s.w, s.mn).sim, HOST_SIM_UNUSABLE);
    assert_int_equal(s.fa->fa->runs, 0);
    w_free(s.w);
}

/* ---- who the FA is ---- */

/* Nothing but an address: the IMSI stays here. */
static void test_unknown_fa(void **state)
{
    struct scene s = scene(20, false);

    assert_nothing(&s);
    assert_int_equal(s.fa->fa->runs, 0);
    assert_int_equal(s.card->asked, 0);
    assert_true(s.mn->events[HOST_EV_REFUSED] > 0);
    w_free(s.w);
}

/* The same where the IMSI may be shown: the home network names the FA in its challenge. */
static void test_opportunistic_named(void **state)
{
    struct host_config c = w_config();
    struct scene s;

    c.reveal_imsi = true;
    s = scene_of(21, false, c);
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    assert_false(s.fa->fa->saw_imsi); /* inside ENCRYPTED all the same */
    w_free(s.w);
}

static void test_opportunistic_not_named(void **state)
{
    struct host_config c = w_config();
    struct scene s;

    c.reveal_imsi = true;
    s = scene_of(22, false, c);
    s.fa->fa->lie = W_NET_NAME;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_nothing(&s);
    assert_int_equal(s.card->asked, 0); /* judged before the card is asked */
    assert_true(s.mn->events[HOST_EV_ALARM] > 0);
    w_free(s.w);
}

static void test_known_but_named_otherwise(void **state)
{
    struct scene s = scene_of(23, true, w_config());

    s.fa->fa->lie = W_NET_NAME;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_nothing(&s);
    assert_int_equal(s.card->asked, 0);
    w_free(s.w);
}

/* By its name alone: a validated HIP record makes it known. */
static void by_name(uint64_t seed, enum dnsu_security security, bool binds)
{
    struct world *w = w_new(w_seed(seed));
    struct host_config c = w_config();
    struct host_fa_conf conf = { .name = "fa.operator.example" };
    struct scene s = { .w = w };

    c.require_dnssec = false;
    c.fa = &conf;
    c.n_fa = 1;
    s.fa = w_fa_new(w, "fa", "192.0.2.18", "fa.operator.example");
    w_dns_hip(w, conf.name, &s.fa->fa->hi, NULL);
    w_dns_addr(w, conf.name, "192.0.2.18");
    w_dns(w, conf.name)->security = security;
    s.mn = w_host(w, "mn", &c);
    s.card = s.mn->card = w_card_new(w, IMSI, 0x46);
    w_addr_up(w, s.mn, "198.51.100.10", 2, 0);
    w_start(w, s.mn);
    w_run(w, 10 * W_S);
    if (binds)
        assert_bound(&s);
    else
        assert_nothing(&s);
    assert_int_equal(s.fa->fa->runs, binds);
    w_free(w);
}

static void test_fa_by_name(void **state)
{
    by_name(24, DNSU_SECURE, true);
    by_name(25, DNSU_INSECURE, false);
    by_name(26, DNSU_BOGUS, false);
}

/* The DNS was away when the host came up: its name is asked for again, not given up for good. */
static void test_fa_by_name_later(void **state)
{
    struct world *w = w_new(w_seed(27));
    struct host_config c = w_config();
    struct host_fa_conf conf = { .name = "fa.operator.example", .n_addr = 1 };
    struct scene s = { .w = w };

    assert_int_equal(addr_parse("192.0.2.18", &conf.addr[0]), ERR_OK);
    c.fa = &conf;
    c.n_fa = 1;
    s.fa = w_fa_new(w, "fa", "192.0.2.18", "fa.operator.example");
    w_dns_hip(w, conf.name, &s.fa->fa->hi, NULL);
    w_dns(w, conf.name)->security = DNSU_SECURE;
    w->dns_down = true;
    s.mn = w_host(w, "mn", &c);
    s.card = s.mn->card = w_card_new(w, IMSI, 0x46);
    w_addr_up(w, s.mn, "198.51.100.10", 2, 0);
    w_start(w, s.mn);
    w_run(w, 20 * W_S);
    assert_nothing(&s);
    w->dns_down = false;
    w_run(w, 60 * W_S);
    assert_bound(&s);
    w_free(w);
}

/* ---- FAs that lie ---- */

static void lies(uint64_t seed, enum w_lie lie, uint64_t us)
{
    struct scene s = scene_of(seed, true, w_config());
    struct host_fa_conf fa;

    s.fa->fa->lie = lie;
    w_start(s.w, s.mn);
    w_run(s.w, us);
    assert_nothing(&s);
    assert_int_equal(s.mn->events[HOST_EV_ALARM], 1);
    assert_true(w_status(s.w, s.mn).retry_us > 3000 * W_S); /* one hour */

    /* nothing of it was kept */
    fa = w_fa_conf(s.fa);
    s.mn->c.fa = &fa;
    s.fa->fa->lie = W_HONEST;
    w_restart(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    assert_int_equal(s.fa->fa->runs, 2);
    w_free(s.w);
}

static void test_bad_mac(void **state)
{
    lies(30, W_BAD_MAC, 20 * W_S);
}

static void test_no_mac(void **state)
{
    lies(31, W_NO_MAC, 20 * W_S);
}

static void test_other_hi(void **state)
{
    lies(32, W_OTHER_HI, 20 * W_S);
}

static void test_other_hit(void **state)
{
    lies(33, W_OTHER_HIT, 20 * W_S);
}

static void test_other_attempt(void **state)
{
    lies(34, W_ATTEMPT, 20 * W_S);
}

static void test_silent(void **state)
{
    struct scene s = scene_of(35, true, w_config());

    s.fa->fa->lie = W_SILENT;
    w_start(s.w, s.mn);
    w_run(s.w, 24 * W_S);
    assert_nothing(&s);
    assert_int_equal(w_status(s.w, s.mn).runs_failed, 1);
    s.fa->fa->lie = W_HONEST;
    w_run(s.w, 30 * W_S);
    assert_bound(&s);
    w_free(s.w);
}

static void test_no_offer(void **state)
{
    struct scene s = scene_of(36, true, w_config());

    s.fa->fa->lie = W_NO_201;
    w_fa_restart(s.w, s.fa);
    w_start(s.w, s.mn);
    w_run(s.w, 20 * W_S);
    assert_nothing(&s);
    assert_int_equal(s.card->asked, 0);
    w_free(s.w);
}

/* A method that gives no keys is answered with what we want instead, and named to whoever reads the log. */
static void test_other_method(void **state)
{
    struct scene s = scene_of(37, true, w_config());

    s.fa->fa->lie = W_MD5;
    w_start(s.w, s.mn);
    w_run(s.w, 2 * W_S);
    assert_nothing(&s);
    assert_int_equal(s.card->asked, 0);
    assert_string_equal(s.mn->text[HOST_EV_BINDING], "EAP method MD5 is not permitted: no keys");
    w_free(s.w);
}

/* ---- what the home network says ---- */

static void test_late_challenge(void **state)
{
    struct scene s = scene_of(40, true, w_config());

    s.fa->fa->lie = W_LATE;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    w_free(s.w);
}

static void test_as_away(void **state)
{
    struct scene s = scene_of(41, true, w_config());

    s.fa->fa->lie = W_NO_AS;
    w_start(s.w, s.mn);
    w_run(s.w, 3 * W_S);
    assert_nothing(&s);
    s.fa->fa->lie = W_HONEST;
    w_run(s.w, 30 * W_S);
    assert_bound(&s);
    w_free(s.w);
}

static void test_wrong_k(void **state)
{
    struct scene s = scene_of(42, true, w_config());
    struct w_card *fake = w_card_new(s.w, "001010000000009", 0x11);

    s.mn->card = fake;
    memcpy(fake->id.imsi, IMSI, sizeof IMSI); /* claims to be somebody else's */
    w_start(s.w, s.mn);
    w_run(s.w, 20 * W_S);
    assert_nothing(&s);
    assert_true(fake->asked > 0);
    assert_int_equal(s.fa->fa->binds, 0);
    w_free(s.w);
}

static void test_unknown_imsi(void **state)
{
    struct scene s = scene_of(43, true, w_config());

    memcpy(s.w->card[0]->id.imsi, "001010000000001", 16);
    struct w_card *c = w_card_new(s.w, "001010000000005", 0x12);
    s.w->n_card--; /* the home network does not have it */
    s.mn->card = c;
    w_start(s.w, s.mn);
    w_run(s.w, 20 * W_S);
    assert_nothing(&s);
    assert_int_equal(c->asked, 0);
    s.w->n_card++;
    w_free(s.w);
}

/* The card is ahead of the AuC: AUTS, a new challenge, bound. */
static void test_resync(void **state)
{
    struct scene s = scene_of(44, true, w_config());

    sqn_usim_accept(&s.card->m.sqn, sqn_make(5000, 1));
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 2);
    assert_int_equal(s.fa->fa->runs, 1);
    w_free(s.w);
}

/* ---- outcomes of section 6 ---- */

static void test_name_refused(void **state)
{
    struct scene s = scene_of(50, true, w_config());
    struct host_status st;

    s.fa->fa->status = HIP_BIND_ST_NAME_REFUSED;
    s.fa->fa->status_n = 1;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    st = w_status(s.w, s.mn);
    assert_int_equal(st.bind, HOST_BIND_BOUND);
    assert_string_equal(st.fqdn, "h-7f3k2.operator.example.");
    assert_int_equal(s.card->asked, 1); /* another attempt under the same K */
    assert_int_equal(s.fa->fa->runs, 1);
    w_free(s.w);
}

/* REFRESH of a binding that the FA no longer has: bound anew under the same K. */
static void test_nothing_to_refresh(void **state)
{
    struct scene s = scene_of(54, true, w_config());

    s.fa->fa->lifetime_s = 10000;
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    w_run(s.w, 8990 * W_S); /* between two renewals of the registration */
    s.fa->fa->n_bound = 0;
    s.fa->fa->status = HIP_BIND_ST_NAME_REFUSED;
    s.fa->fa->status_n = 1;
    w_run(s.w, 60 * W_S);
    assert_bound(&s);
    assert_int_equal(s.fa->fa->n_bound, 1);
    assert_int_equal(s.fa->fa->binds, 2);
    assert_int_equal(s.fa->fa->last_wanted, 1);
    w_free(s.w);
}

static void test_unavailable(void **state)
{
    struct scene s = scene_of(51, true, w_config());

    s.fa->fa->status = HIP_BIND_ST_UNAVAILABLE;
    s.fa->fa->status_n = 2;
    s.fa->fa->wait_s = 3;
    w_start(s.w, s.mn);
    w_run(s.w, 4 * W_S);
    assert_nothing(&s);
    w_run(s.w, 6 * W_S);
    assert_bound(&s);
    assert_int_equal(s.card->asked, 1);
    w_free(s.w);
}

static void test_not_subscribed(void **state)
{
    struct scene s = scene_of(52, true, w_config());

    s.fa->fa->status = HIP_BIND_ST_NOT_SUBSCRIBED;
    s.fa->fa->status_n = 9;
    w_start(s.w, s.mn);
    w_run(s.w, 100 * W_S);
    assert_nothing(&s);
    assert_int_equal(s.fa->fa->runs, 1);
    assert_true(w_status(s.w, s.mn).retry_us >= 3400 * W_S);
    w_free(s.w);
}

static void test_revoked_by_notice(void **state)
{
    struct scene s = scene_of(53, true, w_config());

    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    w_fa_notice(s.w, s.fa, &s.mn->id, HIP_BIND_ST_REVOKED);
    w_run(s.w, 5 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_LOST);
    assert_string_equal(w_status(s.w, s.mn).fqdn, "");
    w_run(s.w, 7200 * W_S);
    assert_int_equal(s.fa->fa->runs, 1); /* the user is told; nothing is tried */
    w_free(s.w);
}

static void offer(struct scene *s, struct hip_reg_info info)
{
    struct w_fa *f = s->fa->fa;
    struct hip_contents c = { .info = info };
    assert_int_equal(hip_update(f->e, f->reg_ref[0], &c, s->w->now, &f->out), ERR_OK);
    w_fa_act(s->w, s->fa);
    w_run(s->w, 310 * W_S); /* a renewal later */
}

/* RFC 8003 s4.2, s4.3: only types of the last REG_INFO, within its lifetimes, be it in R1 or in an UPDATE. */
static void test_reg_info(void **state)
{
    struct scene s = scene_of(55, true, w_config());
    const struct w_fa *f = s.fa->fa;
    struct hip_ref first;

    s.fa->fa->offer_max = 100;
    w_fa_restart(s.w, s.fa);
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    assert_int_equal(f->asked.type[0], HIP_BIND_REG_TYPE); /* of the UPDATE that bound it */
    assert_int_equal(f->asked.lifetime, 100);
    first = f->reg_ref[0];
    offer(&s, (struct hip_reg_info){ .present = true, .min = 64, .max = 90, .n = 2, .type = { 1, 77 } });
    assert_int_equal(f->asked.lifetime, 90);
    assert_true(f->asked.n == 1 && f->asked.type[0] == 1);
    offer(&s, (struct hip_reg_info){ .present = true, .min = 110, .max = 120, .n = 1, .type = { 1 } });
    assert_int_equal(f->asked.lifetime, 120);
    assert_memory_equal(&first, &f->reg_ref[0], sizeof first);
    offer(&s, (struct hip_reg_info){
                  .present = true }); /* nothing any more: it is met anew, and R1 says what there is */
    assert_memory_not_equal(&first, &f->reg_ref[0], sizeof first);
    assert_int_equal(f->asked.lifetime, 100);
    assert_bound(&s);
    w_free(s.w);
}

/* R2 of an FA that registers everybody. */
static void grant_anyway(void *ctx, struct hip_contents *c)
{
    const struct w_fa *f = ctx;
    if (c->n_failed == 0)
        return;
    c->n_failed = 0;
    c->response = (struct hip_reg_list){
        .present = true, .lifetime = hip_reg_lifetime_code(f->reg_s * W_S), .n = 1, .type = { 1 }
    };
}

static void registers_everybody(struct world *w, struct w_node *fa)
{
    fa->fa->lie = W_NO_201;
    fa->fa->twist = grant_anyway;
    fa->fa->twist_ctx = fa->fa;
    w_fa_restart(w, fa);
}

/* A notice ends what is there: a host that was never bound has lost nothing. */
static void test_notice_to_the_unbound(void **state)
{
    struct host_config c = w_config();
    struct scene s;

    c.no_binding_ok = true;
    s = scene_of(54, true, c);
    registers_everybody(s.w, s.fa);
    w_start(s.w, s.mn);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    w_fa_notice(s.w, s.fa, &s.mn->id, HIP_BIND_ST_REVOKED);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_NONE);
    w_free(s.w);
}

/* Bound by one FA; another one, which proved nothing, says that the name is lost. */
static void test_notice_of_an_unknown_fa(void **state)
{
    struct host_config c = w_config();
    struct host_fa_conf fa[2];
    struct scene s;
    struct w_node *second;

    c.no_binding_ok = true;
    s = scene_of(55, true, c);
    second = w_fa_new(s.w, "fa2", "192.0.2.19", "fa2.operator.example");
    fa[0] = w_fa_conf(s.fa);
    fa[1] = w_fa_conf(second);
    memset(&fa[1].hit, 0, sizeof fa[1].hit);
    w_start(s.w, s.mn);
    w_run(s.w, 5 * W_S);
    assert_bound(&s);
    s.fa->down = true;
    registers_everybody(s.w, second);
    s.mn->c.fa = fa;
    s.mn->c.n_fa = 2;
    w_restart(s.w, s.mn);
    w_run(s.w, 300 * W_S);
    assert_int_equal(w_status(s.w, s.mn).fa, HOST_FA_REGISTERED);
    w_fa_notice(s.w, second, &s.mn->id, HIP_BIND_ST_REVOKED);
    w_run(s.w, 2 * W_S);
    assert_int_equal(w_status(s.w, s.mn).bind, HOST_BIND_BOUND);
    w_free(s.w);
}

/* A host without a SIM registers where the operator lets it and its own configuration too; otherwise it leaves the FA alone. */
static void test_without_sim(void **state)
{
    for (int ok = 0; ok < 2; ok++) {
        struct scene s = { .w = w_new(w_seed(60)) };
        struct host_config c = w_config();
        struct host_fa_conf fa;
        struct hip_hi hi;

        assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &hi), ERR_OK);
        s.fa = w_fa_new(s.w, "fa", "192.0.2.18", "fa.operator.example");
        s.fa->fa->bound[s.fa->fa->n_bound++].hit = hi.hit; /* its allow list */
        fa = w_fa_conf(s.fa);
        c.fa = &fa;
        c.n_fa = 1;
        c.hi = &hi;
        c.no_binding_ok = ok;
        s.mn = w_host(s.w, "mn", &c);
        w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
        w_start(s.w, s.mn);
        w_run(s.w, 3 * W_S);
        assert_int_equal(s.fa->fa->n_reg, ok);
        assert_int_equal(w_status(s.w, s.mn).fa, ok ? HOST_FA_REGISTERED : HOST_FA_IDLE);
        assert_int_equal(s.fa->fa->runs, 0);
        hip_hi_done(&hi);
        w_free(s.w);
    }
}

/* No way to the FA from here: another network is tried at once, whatever the back-off. */
static void test_other_network_ends_back_off(void **state)
{
    struct scene s = scene_of(62, true, w_config());

    w_addr_down(s.w, s.mn, "198.51.100.10");
    w_addr_up(s.w, s.mn, "2001:db8:7::7", 3, 0); /* the FA has IPv4 only */
    w_start(s.w, s.mn);
    w_run(s.w, 1000 * W_S);
    assert_nothing(&s);
    assert_true(w_status(s.w, s.mn).retry_us > 10 * W_S);
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    w_run(s.w, W_S);
    assert_bound(&s);
    w_free(s.w);
}

/* The second FA is tried at once when the first one's authentication server is away (section 6). */
static void test_second_fa(void **state)
{
    struct scene s = { .w = w_new(w_seed(61)) };
    struct host_config c = w_config();
    struct host_fa_conf fa[2];
    struct w_node *first = w_fa_new(s.w, "fa1", "192.0.2.18", "fa1.operator.example");

    s.fa = w_fa_new(s.w, "fa2", "192.0.2.19", "fa.operator.example");
    first->fa->lie = W_NO_AS;
    fa[0] = w_fa_conf(first);
    fa[1] = w_fa_conf(s.fa);
    c.fa = fa;
    c.n_fa = 2;
    s.mn = w_host(s.w, "mn", &c);
    s.card = s.mn->card = w_card_new(s.w, IMSI, 0x46);
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 0);
    w_start(s.w, s.mn);
    w_run(s.w, W_S);
    assert_bound(&s);
    /* and the one that bound it is the first choice from now on */
    first->fa->lie = W_HONEST;
    s.mn->c.fa = fa;
    w_restart(s.w, s.mn);
    w_run(s.w, 2 * W_S);
    assert_bound(&s);
    assert_int_equal(first->fa->n_reg, 0);
    w_free(s.w);
}

/* ---- bad air ---- */

static void test_bad_air(void **state)
{
    for (uint64_t i = 0; i < 20; i++) {
        struct scene s = scene_of(1000 + i, true, w_config());
        s.w->loss_pm = 150;
        s.w->dup_pm = 100;
        s.w->reorder_pm = 150;
        w_start(s.w, s.mn);
        w_run(s.w, 120 * W_S);
        assert_int_equal(s.fa->fa->binds, 1);
        s.w->loss_pm = 0;
        w_run(s.w, 60 * W_S);
        assert_bound(&s);
        assert_int_equal(s.mn->events[HOST_EV_ALARM], 0);
        w_free(s.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_back_without_aka),
        cmocka_unit_test(test_fa_restart),
        cmocka_unit_test(test_fa_away),
        cmocka_unit_test(test_fa_lost_binding),
        cmocka_unit_test(test_renewal),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_moves_while_bound),
        cmocka_unit_test(test_another_sim),
        cmocka_unit_test(test_sim_gate),
        cmocka_unit_test(test_damaged_store),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_unknown_fa),
        cmocka_unit_test(test_opportunistic_named),
        cmocka_unit_test(test_opportunistic_not_named),
        cmocka_unit_test(test_known_but_named_otherwise),
        cmocka_unit_test(test_fa_by_name),
        cmocka_unit_test(test_fa_by_name_later),
        cmocka_unit_test(test_bad_mac),
        cmocka_unit_test(test_no_mac),
        cmocka_unit_test(test_other_hi),
        cmocka_unit_test(test_other_hit),
        cmocka_unit_test(test_other_attempt),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_no_offer),
        cmocka_unit_test(test_other_method),
        cmocka_unit_test(test_late_challenge),
        cmocka_unit_test(test_as_away),
        cmocka_unit_test(test_wrong_k),
        cmocka_unit_test(test_unknown_imsi),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_name_refused),
        cmocka_unit_test(test_nothing_to_refresh),
        cmocka_unit_test(test_unavailable),
        cmocka_unit_test(test_not_subscribed),
        cmocka_unit_test(test_revoked_by_notice),
        cmocka_unit_test(test_reg_info),
        cmocka_unit_test(test_notice_to_the_unbound),
        cmocka_unit_test(test_notice_of_an_unknown_fa),
        cmocka_unit_test(test_without_sim),
        cmocka_unit_test(test_other_network_ends_back_off),
        cmocka_unit_test(test_second_fa),
        cmocka_unit_test(test_bad_air),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
