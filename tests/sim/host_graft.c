/* SPDX-License-Identifier: Apache-2.0
 *
 * A relay in the middle that wants its own HI bound to the subscriber whose host speaks to it (docs/sim-binding.md sections 3 and 11): it plays
 * the FA towards the host and a mobile node towards the FA, and passes EAP on in both directions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/hex.h"
#include "hip/param_reg.h"
#include "tests/sim/core_fa.h"

#define NAME "matti-virtanen.operator.example"

enum way {
    PASS_ALL,     /* BIND_REQUEST and BIND_MAC of the host as they are */
    OWN_REQUEST,  /* EAP alone, with a BIND_REQUEST of its own under a MAC it cannot know */
    NO_REQUEST,   /* EAP alone */
    PASS_ANSWERS, /* as PASS_ALL, and a forged BIND_RESPONSE to the host */
};

/* ---- the relay ---- */

struct relay {
    enum way way;
    struct hip_engine *host_side, *fa_side;
    struct hip_hi as_fa, as_mn;
    struct hip_actions out;
    struct hip_ref host, fa;
    struct hip_path to_fa;
    struct hit fa_hit;
    uint8_t id[1200]; /* EAP Response/Identity */
    size_t id_n;
    unsigned challenges, proofs;
};

static void handle(struct world *w, struct w_node *n, bool host_side);

static void to_host(struct world *w, struct w_node *n, struct span inner)
{
    struct relay *r = n->own;
    struct hip_contents c = { .inner = inner };
    if (hip_update(r->host_side, r->host, &c, w->now, &r->out))
        abort();
    handle(w, n, true);
}

static void to_fa(struct world *w, struct w_node *n, struct span inner)
{
    struct relay *r = n->own;
    struct hip_contents c = { .inner = inner };
    c.request =
        (struct hip_reg_list){ .present = true, .lifetime = 140, .n = 2, .type = { HIP_BIND_REG_TYPE, 1 } };
    (void)!hip_update(r->fa_side, r->fa, &c, w->now, &r->out);
    handle(w, n, false);
}

/* The host's I2: answered without EAP, which gives time to go to the FA with the identity it carried. */
static void from_host_i2(struct world *w, struct w_node *n, const struct hip_action *a)
{
    struct relay *r = n->own;
    struct hip_answer ans = { .accept = true };
    struct hip_bind_inner in;

    if (r->id_n || hip_bind_inner_parse(a->ask.contents.inner, &in) || in.eap.n == 0) {
        ans.accept = false; /* one run is what it wants */
        if (hip_answer(r->host_side, a->ref, &ans, w->now, &r->out))
            abort();
        return;
    }
    memcpy(r->id, in.eap.p, in.eap.n);
    r->id_n = in.eap.n;
    r->host = a->ref;
    ans.contents.n_failed = 1;
    ans.contents.failed[0] = (struct hip_reg_fail){ .n = 1, .type = { 1 } };
    if (hip_answer(r->host_side, a->ref, &ans, w->now, &r->out))
        abort();
    handle(w, n, true);
    if (hip_connect(r->fa_side, &r->as_mn.hit, &r->fa_hit, &r->to_fa, 1, w->now, &r->out, &r->fa))
        abort();
    handle(w, n, false);
}

static void from_host(struct world *w, struct w_node *n, struct span inner)
{
    struct relay *r = n->own;
    uint8_t buf[HIP_INNER_MAX], mac[HIP_BIND_KEY_LEN] = { 7 };
    struct wcur wr = wcur_of(buf, sizeof buf);
    struct hip_bind_request q = { .attempt = 1 };
    struct hip_bind_inner in;

    if (hip_bind_inner_parse(inner, &in))
        abort();
    r->proofs += in.request.n > 0;
    if (r->way == PASS_ALL || r->way == PASS_ANSWERS) {
        memcpy(buf, inner.p, inner.n);
        to_fa(w, n, span_of(buf, inner.n));
        return;
    }
    hip_bind_put_eap(&wr, in.eap);
    if (r->way == OWN_REQUEST) {
        hip_bind_put_request(&wr, &q);
        hip_bind_put_mac(&wr, mac);
    }
    to_fa(w, n, wcur_done(&wr));
}

static void from_fa_i2(struct world *w, struct w_node *n, const struct hip_action *a)
{
    struct relay *r = n->own;
    struct hip_answer ans = { .accept = true };
    uint8_t buf[HIP_INNER_MAX];
    struct wcur wr = wcur_of(buf, sizeof buf);

    hip_bind_put_eap(&wr, span_of(r->id, r->id_n));
    ans.contents.inner = wcur_done(&wr);
    ans.contents.request =
        (struct hip_reg_list){ .present = true, .lifetime = 140, .n = 2, .type = { HIP_BIND_REG_TYPE, 1 } };
    if (hip_answer(r->fa_side, a->ref, &ans, w->now, &r->out))
        abort();
    handle(w, n, false);
}

/* A challenge goes on to the host; in the end the host is told that all went well. */
static void from_fa(struct world *w, struct w_node *n, struct span inner)
{
    struct relay *r = n->own;
    uint8_t buf[HIP_INNER_MAX], mac[HIP_BIND_KEY_LEN] = { 9 };
    struct wcur wr = wcur_of(buf, sizeof buf);
    struct dnsu_name name;
    struct hip_bind_inner in;

    if (inner.n && hip_bind_inner_parse(inner, &in) == ERR_OK && in.eap.n && in.eap.p[0] == EAP_REQUEST) {
        r->challenges++;
        hip_bind_put_eap(&wr, in.eap);
        to_host(w, n, wcur_done(&wr));
    } else if (r->way == PASS_ANSWERS && r->proofs && !dnsu_name_from_text(NAME, &name)) {
        struct hip_bind_response p = {
            .attempt = 1, .lifetime_s = 3600, .fqdn = dnsu_name_span(&name), .n_fa = 1
        };
        p.fa[0].hit = span_of(r->as_fa.hit.b, 16);
        p.fa[0].name = dnsu_name_span(&name);
        p.fa_hi = span_of(r->as_fa.wire, r->as_fa.wire_len);
        hip_bind_put_response(&wr, &p);
        hip_bind_put_mac(&wr, mac);
        r->way = PASS_ALL;
        to_host(w, n, wcur_done(&wr));
    }
}

static void one(struct world *w, struct w_node *n, const struct hip_action *a, bool host_side)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span inner = { .n = 0 };

    if (a->type == HIP_ACT_ESTABLISHED)
        inner = a->up.contents.inner;
    else if (a->type == HIP_ACT_UPDATE)
        inner = a->update.contents.inner;
    if (inner.n)
        memcpy(buf, inner.p, inner.n);
    inner.p = buf;
    switch (a->type) {
    case HIP_ACT_SEND:
        w_fly(w, n, &a->send.path, 139, a->send.octets);
        break;
    case HIP_ACT_ASK_R2:
        from_host_i2(w, n, a);
        break;
    case HIP_ACT_ASK_I2:
        from_fa_i2(w, n, a);
        break;
    case HIP_ACT_ESTABLISHED:
    case HIP_ACT_UPDATE:
        if (!host_side)
            from_fa(w, n, inner);
        else if (inner.n)
            from_host(w, n, inner);
        break;
    default:
        break;
    }
}

static void handle(struct world *w, struct w_node *n, bool host_side)
{
    struct relay *r = n->own;
    struct hip_actions *mine = malloc(sizeof *mine);
    if (!mine)
        abort();
    memcpy(mine, &r->out, sizeof *mine);
    for (size_t i = 0; i < mine->n; i++) /* the copy's packets, not those of the list that is used again */
        if (mine->v[i].type == HIP_ACT_SEND)
            mine->v[i].send.octets.p = mine->buf + (mine->v[i].send.octets.p - r->out.buf);
    hip_actions_reset(&r->out);
    for (size_t i = 0; i < mine->n; i++)
        one(w, n, &mine->v[i], host_side);
    free(mine);
}

static void input(struct world *w, struct w_node *n, const struct hip_path *path, struct span octets)
{
    struct relay *r = n->own;
    bool host_side = addr_same_ip(&path->local, &n->addr[0].addr);
    (void)hip_input(host_side ? r->host_side : r->fa_side, path, octets, w->now, &r->out);
    handle(w, n, host_side);
}

static uint64_t deadline(const struct w_node *n)
{
    const struct relay *r = n->own;
    uint64_t a = hip_deadline(r->host_side), b = hip_deadline(r->fa_side);
    return a < b ? a : b;
}

static void fire(struct world *w, struct w_node *n)
{
    struct relay *r = n->own;
    hip_timeout(r->host_side, w->now, &r->out);
    handle(w, n, true);
    hip_timeout(r->fa_side, w->now, &r->out);
    handle(w, n, false);
}

static void done(struct w_node *n)
{
    struct relay *r = n->own;
    hip_engine_free(r->host_side);
    hip_engine_free(r->fa_side);
    hip_hi_done(&r->as_fa);
    hip_hi_done(&r->as_mn);
    free(r);
}

static const struct w_node_ops ops = { .input = input, .deadline = deadline, .fire = fire, .done = done };

static struct w_node *relay_new(struct world *w, const struct w_node *fa, enum way way)
{
    struct w_node *n = &w->node[w->n_node++];
    struct relay *r = calloc(1, sizeof *r);
    struct hip_config c = w_config().hip;

    assert_non_null(r);
    n->name = "relay";
    n->ops = &ops;
    n->own = r;
    r->way = way;
    assert_int_equal(addr_parse("192.0.2.66", &n->addr[0].addr), ERR_OK);
    assert_int_equal(addr_parse("192.0.2.67", &n->addr[1].addr), ERR_OK);
    n->addr[0].up = n->addr[1].up = true;
    n->n_addr = 2;
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &r->as_fa), ERR_OK);
    assert_int_equal(hip_hi_generate(SIG_ECDSA_P256, 0, &r->as_mn), ERR_OK);
    c.env = &w->env;
    r->fa_side = hip_engine_new(&c);
    c.offer = (struct hip_reg_offer){ .min = 64, .max = 160, .n = 1, .type = { 1 }, .sim_binding = true };
    r->host_side = hip_engine_new(&c);
    assert_int_equal(hip_identity_add(r->host_side, &r->as_fa, 1, w->now), ERR_OK);
    assert_int_equal(hip_identity_add(r->fa_side, &r->as_mn, 1, w->now), ERR_OK);
    r->fa_hit = fa->core->hi.hit;
    r->to_fa = (struct hip_path){ .local = n->addr[1].addr, .peer = fa->addr[0].addr };
    return n;
}

/* ---- what comes of it ---- */

struct scene {
    struct world *w;
    struct w_node *fa, *relay, *mn;
    struct w_card *card;
};

/* gullible: the host has the relay as a known FA and takes the true FA's name in the challenge for it. */
static struct scene scene(uint64_t seed, enum way way, bool gullible)
{
    struct scene s = { .w = w_new(w_seed(seed)) };
    struct host_config c = w_config();
    struct host_fa_conf conf = { .n_addr = 1 };
    char name[40] = "HIP:";
    struct relay *r;

    s.fa = w_core_new(s.w, "fa", "192.0.2.18", "fa.operator.example");
    s.relay = relay_new(s.w, s.fa, way);
    r = s.relay->own;
    conf.hit = r->as_fa.hit;
    conf.addr[0] = s.relay->addr[0].addr;
    hex_encode(span_of(s.fa->core->hi.hit.b, 16), name + 4);
    conf.network_name = gullible ? name : NULL;
    c.fa = &conf;
    c.n_fa = 1;
    s.mn = w_host(s.w, "mn", &c);
    s.card = s.mn->card = w_card_new(s.w, "001010000000001", 0x46);
    w_core_subscriber(s.fa, s.card, "Matti", "Virtanen");
    w_addr_up(s.w, s.mn, "198.51.100.10", 2, 1);
    w_core_start(s.w, s.fa);
    w_start(s.w, s.mn);
    w_run(s.w, 8 * W_S);
    return s;
}

static void assert_nothing(const struct scene *s)
{
    const struct relay *r = s->relay->own;
    struct fa_registration reg;
    size_t pos = 0;

    assert_true(r->challenges > 0); /* the relay did get as far as that */
    for (size_t i = 0; i < W_ROWS; i++)
        assert_true(s->fa->core->row[i].id == 0);
    assert_int_equal(w_dns(s->w, NAME)->rdata_n, 0);
    assert_int_equal(s->fa->core->booked, 0);
    assert_int_equal(s->fa->core->dns_asked, 0);
    assert_false(fa_registration_next(s->fa->core->f, &pos, &reg));
    assert_int_not_equal(w_status(s->w, s->mn).bind, HOST_BIND_BOUND);
}

/* The home network names the true FA: the host goes no further, its card is not asked. */
static void test_named_otherwise(void **state)
{
    struct scene s = scene(1, PASS_ALL, false);
    const struct relay *r = s.relay->own;

    assert_nothing(&s);
    assert_int_equal(s.card->asked, 0);
    assert_int_equal(r->proofs, 0);
    assert_int_equal(s.mn->events[HOST_EV_ALARM], 1);
    w_free(s.w);
}

/* Even where the name is let pass: K hangs on both host identities and the Diffie-Hellman secret. */
static void grafted(uint64_t seed, enum way way)
{
    struct scene s = scene(seed, way, true);
    const struct relay *r = s.relay->own;

    assert_int_equal(s.card->asked, 1);
    assert_true(r->proofs > 0);
    assert_nothing(&s);
    if (way != NO_REQUEST)
        assert_true(s.fa->core->events[FA_EVENT_ALARM] > 0);
    w_free(s.w);
}

static void test_request_passed_on(void **state)
{
    grafted(2, PASS_ALL);
}

static void test_request_of_its_own(void **state)
{
    grafted(3, OWN_REQUEST);
}

static void test_no_request(void **state)
{
    grafted(4, NO_REQUEST);
}

static void test_answer_forged(void **state)
{
    struct scene s = scene(5, PASS_ANSWERS, true);

    assert_nothing(&s);
    assert_int_equal(s.mn->events[HOST_EV_ALARM], 1); /* BIND_MAC of the forged answer */
    assert_true(w_status(s.w, s.mn).retry_us > 3000 * W_S);
    w_free(s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named_otherwise),    cmocka_unit_test(test_request_passed_on),
        cmocka_unit_test(test_request_of_its_own), cmocka_unit_test(test_no_request),
        cmocka_unit_test(test_answer_forged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
