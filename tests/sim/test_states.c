/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine of RFC 7401 s4.4.3, cell by cell: an engine is brought into each state and given each packet type, right, with a
 * wrong MAC and with a wrong signature; next state, answer and drop reason are those of the table below. Then the events that are no packets.
 *
 * "it" is the host looked at, "peer" shares its keys, "again" is the peer after it lost its state: the same identity elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/core.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

#define SECOND UINT64_C(1000000)
#define UAL    (300 * SECOND)
#define MSL    (120 * SECOND)

struct place {
    struct sim *s;
    struct sim_host *it, *peer, *again;
    struct sim_packet i2; /* of again's: made before anything else, as good in every state */
};

static struct hip_assoc *of(const struct sim_host *h, const struct sim_host *peer)
{
    return hip_assoc_by_pair(h->e, sim_hit(h), sim_hit(peer));
}

static enum hip_state state_of(const struct place *p)
{
    const struct hip_assoc *a = of(p->it, p->peer);
    return a ? a->state : HIP_UNASSOCIATED;
}

static void lose_all(struct sim *s, const struct sim_host *from, uint8_t type)
{
    sim_rule(s, from, type, SIM_LOSE)->count = 1000;
}

/* ---- into each state ---- */

static struct place place_new(bool greater)
{
    struct hip_config c = sim_config();
    struct place p = { .s = sim_new(sim_seed(71)) };
    c.ual_us = UAL;
    c.puzzle_k = 1;
    int keys[2] = { 0, 2 };
    p.it = sim_host(p.s, "it", &c, keys[0], "192.0.2.1");
    p.peer = sim_host(p.s, "peer", &c, keys[1], "198.51.100.1");
    if (sim_greater(p.it, p.peer) != greater) {
        sim_free(p.s);
        p.s = sim_new(sim_seed(71));
        p.it = sim_host(p.s, "it", &c, keys[1], "192.0.2.1");
        p.peer = sim_host(p.s, "peer", &c, keys[0], "198.51.100.1");
    }
    struct hip_hi hi = p.peer->hi;
    p.again = sim_host(p.s, "again", &c, 4, "203.0.113.1");
    assert_int_equal(hip_identity_remove(p.again->e, sim_hit(p.again)), ERR_OK);
    p.again->hi = hi;
    assert_int_equal(hip_identity_add(p.again->e, &hi, 1000, p.s->now), ERR_OK); /* its R1s are newer */
    p.it->done = true;
    lose_all(p.s, p.again, HIP_PKT_I2);
    (void)sim_connect(p.s, p.again, p.it);
    sim_run(p.s, 200000);
    p.i2 = *sim_sent(p.s, HIP_PKT_I2);
    assert_true(p.i2.n > 0);
    struct hip_assoc *a = of(p.again, p.it);
    hip_assoc_free(p.again->e, a);
    return p;
}

static void join(struct place *p, struct sim_host *from, struct sim_host *to)
{
    (void)sim_connect(p->s, from, to);
    sim_run(p->s, 3 * SECOND); /* past what hip_i2_established() takes for a crossing exchange */
    assert_true(sim_joined(from, to));
}

static void dropped(struct place *p)
{
    join(p, p->it, p->peer);
    assert_int_equal(hip_drop(p->it->e, p->it->ref, p->s->now, &p->s->out), ERR_OK);
    sim_act(p->s, p->it);
}

static void close_of(struct place *p, struct sim_host *h)
{
    assert_int_equal(hip_close(h->e, h->ref, p->s->now, &p->s->out), ERR_OK);
    sim_act(p->s, h);
}

static void bring(struct place *p, enum hip_state to)
{
    struct sim *s = p->s;
    switch (to) {
    case HIP_UNASSOCIATED:
        dropped(p);
        break;
    case HIP_I1_SENT:
    case HIP_E_FAILED:
        dropped(p);
        lose_all(s, p->it, HIP_PKT_I1);
        (void)sim_connect(s, p->it, p->peer);
        if (to == HIP_E_FAILED)
            sim_run(s, 64 * SECOND);
        break;
    case HIP_I2_SENT:
        lose_all(s, p->peer, HIP_PKT_R2);
        (void)sim_connect(s, p->it, p->peer);
        sim_run(s, 100000);
        break;
    case HIP_R2_SENT:
        join(p, p->peer, p->it);
        break;
    case HIP_ESTABLISHED:
        join(p, p->it, p->peer);
        break;
    case HIP_CLOSING:
    case HIP_CLOSED: /* crossing, so that a CLOSE_ACK can come */
        join(p, p->it, p->peer);
        lose_all(s, p->it, HIP_PKT_CLOSE);
        close_of(p, p->it);
        if (to == HIP_CLOSING)
            break;
        sim_rule(s, p->it, HIP_PKT_CLOSE_ACK, SIM_LOSE);
        close_of(p, p->peer);
        sim_run(s, 50000);
        break;
    default:
        fail();
    }
    assert_int_equal(state_of(p), to);
    sim_ladder_clear(s);
}

/* ---- packets of the peer's ---- */

static size_t made_i1(const struct place *p, uint8_t *buf, bool whole)
{
    struct hip_build b;
    struct span out;
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_I1, sim_hit(p->peer), sim_hit(p->it), 0);
    if (whole)
        hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 1, .id = { 7 } });
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    return out.n;
}

/* The R1 that again gives to an I1 of it's. */
static size_t made_r1(struct place *p, uint8_t *buf)
{
    struct hip_build b;
    struct span i1;
    struct hip_path path = sim_path(p->again, p->it);
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_I1, sim_hit(p->it), sim_hit(p->again), 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 2, .id = { 7, 8 } });
    assert_int_equal(hip_build_finish(&b, &path.peer, &path.local, &i1), ERR_OK);
    sim_rule(p->s, p->again, HIP_PKT_R1, SIM_LOSE);
    assert_int_equal(sim_inject(p->s, p->again, &path, i1), HIP_TAKEN);
    const struct sim_packet *r1 = sim_sent(p->s, HIP_PKT_R1);
    memcpy(buf, r1->p, r1->n);
    sim_ladder_clear(p->s);
    return r1->n;
}

/* With the keys that the peer has. */
static size_t made(struct place *p, uint8_t type, uint8_t *buf)
{
    static const uint8_t echo[] = "an echo";
    const struct hip_assoc *a = of(p->peer, p->it), *theirs = of(p->it, p->peer);
    struct hip_build b;
    struct span out;
    assert_non_null(a);
    hip_build_init(&b, buf, HIP_PACKET_MAX, (enum hip_pkt_type)type, sim_hit(p->peer), sim_hit(p->it), 0);
    switch (type) {
    case HIP_PKT_R2:
        hip_put_esp_info(&b,
                         &(struct hip_esp_info){ .keymat_index = a->keys.esp_index, .new_spi = a->spi_in });
        hip_mac2_add(&b, a->rhash, hip_key_mac(&a->keys.secrets->hip.out),
                     span_of(a->id->tlv, a->id->tlv_len));
        hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
        break;
    case HIP_PKT_UPDATE:
        hip_put_seq(&b, a->next_id);
        hip_auth_add(&b, a);
        break;
    case HIP_PKT_NOTIFY:
        hip_put_notification(&b, &(struct hip_notification){ .code = HIP_NTF_BLOCKED_BY_POLICY });
        hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
        break;
    case HIP_PKT_CLOSE:
        hip_build_param(&b, HIP_PAR_ECHO_REQUEST_SIGNED, span_of(echo, sizeof echo));
        hip_auth_add(&b, a);
        break;
    case HIP_PKT_CLOSE_ACK:
        hip_build_param(&b, HIP_PAR_ECHO_RESPONSE_SIGNED,
                        theirs ? span_of(theirs->close_echo, sizeof theirs->close_echo)
                               : span_of(echo, sizeof echo));
        hip_auth_add(&b, a);
        break;
    default:
        fail();
    }
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    return out.n;
}

static void flip(uint8_t *buf, size_t n, uint16_t type)
{
    for (size_t off = HIP_HEADER_LEN; off + 4 <= n;) {
        size_t len = (size_t)(buf[off + 2] << 8 | buf[off + 3]);
        if ((buf[off] << 8 | buf[off + 1]) == type) {
            buf[off + 4 + len - 1] ^= 1;
            return;
        }
        off += hip_tlv_len(len);
    }
    fail_msg("no parameter %u", type);
}

enum spoilt { WHOLE, BAD_MAC, BAD_SIG };

/* What protects each packet; 0: nothing of this kind. */
static uint16_t protection(uint8_t type, enum spoilt how)
{
    if (how == BAD_MAC)
        return type == HIP_PKT_R2                                                   ? HIP_PAR_HIP_MAC_2
               : type == HIP_PKT_I1 || type == HIP_PKT_R1 || type == HIP_PKT_NOTIFY ? 0
                                                                                    : HIP_PAR_HIP_MAC;
    return type == HIP_PKT_I1 ? 0 : type == HIP_PKT_R1 ? HIP_PAR_HIP_SIGNATURE_2 : HIP_PAR_HIP_SIGNATURE;
}

/* Gives it such a packet; false: there is none. I1 has nothing but its list to be wrong. */
static bool deliver(struct place *p, uint8_t type, enum spoilt how, int *drop)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct sim_host *from = type == HIP_PKT_R1 || type == HIP_PKT_I2 ? p->again : p->peer;
    struct hip_path path = sim_path(p->it, from);
    size_t n;
    if (type == HIP_PKT_I1) {
        n = made_i1(p, buf, how == WHOLE);
        if (how == BAD_MAC)
            return false;
    } else if (type == HIP_PKT_R1) {
        n = made_r1(p, buf);
    } else if (type == HIP_PKT_I2) {
        n = p->i2.n;
        memcpy(buf, p->i2.p, n);
    } else {
        n = made(p, type, buf);
    }
    uint16_t by = protection(type, how);
    if (how != WHOLE && by)
        flip(buf, n, by);
    else if (how != WHOLE && type != HIP_PKT_I1)
        return false;
    hip_set_checksum(buf, n, &path.peer, &path.local);
    /* What it answers is all that is looked at. */
    lose_all(p->s, p->it, 0);
    *drop = sim_inject(p->s, p->it, &path, span_of(buf, n));
    if (type == HIP_PKT_R1)
        sim_run(p->s, 1000); /* the puzzle */
    return true;
}

/* ---- the table ---- */

static const uint8_t packets[] = { HIP_PKT_I1,     HIP_PKT_R1,     HIP_PKT_I2,    HIP_PKT_R2,
                                   HIP_PKT_UPDATE, HIP_PKT_NOTIFY, HIP_PKT_CLOSE, HIP_PKT_CLOSE_ACK };
#define COLUMNS (sizeof packets / sizeof *packets)

/* A packet that is right: the drop reason, or what it leads to. Wrong ones: the reason; state and silence follow. */
struct cell {
    int drop;
    enum hip_state next;
    uint8_t answer;
    int bad_mac, bad_sig;
};
struct row {
    enum hip_state state;
    bool greater; /* it has the greater HIT */
    struct cell c[COLUMNS];
};

#define D(name) HIP_DROP_##name
#define NEVER(name) \
    { \
        D(name), HIP_STATE__COUNT, 0, D(name), D(name) \
    }
#define I1_ANSWERED(s) \
    { \
        0, s, HIP_PKT_R1, 0, D(PARAM_MISSING) \
    }
#define I1_LOST \
    { \
        D(LOST_RACE), HIP_STATE__COUNT, 0, 0, D(PARAM_MISSING) \
    }
#define I2_TAKEN \
    { \
        0, HIP_R2_SENT, HIP_PKT_R2, D(BAD_HIP_MAC), D(BAD_SIGNATURE) \
    }
#define TAKEN(s, answer) \
    { \
        0, s, answer, D(BAD_HIP_MAC), D(BAD_SIGNATURE) \
    }
#define ROW_I1_SENT(greater, i1) \
    { \
        HIP_I1_SENT, greater, \
        { \
            i1, { 0, HIP_I2_SENT, HIP_PKT_I2, 0, D(BAD_SIGNATURE) }, I2_TAKEN, NEVER(WRONG_STATE), \
                NEVER(WRONG_STATE), NEVER(WRONG_STATE), NEVER(WRONG_STATE), NEVER(WRONG_STATE) \
        } \
    }
#define ROW_I2_SENT(greater, i2) \
    { \
        HIP_I2_SENT, greater, \
        { \
            I1_ANSWERED(HIP_I2_SENT), { 0, HIP_I2_SENT, HIP_PKT_I2, 0, D(BAD_SIGNATURE) }, i2, \
                { 0, HIP_ESTABLISHED, 0, D(BAD_HIP_MAC_2), D(BAD_SIGNATURE) }, NEVER(WRONG_STATE), \
                TAKEN(HIP_I2_SENT, 0), TAKEN(HIP_CLOSED, HIP_PKT_CLOSE_ACK), NEVER(WRONG_STATE) \
        } \
    }
/* clang-format off */
static const struct row rows[] = {
    { HIP_UNASSOCIATED, true,
      /* I1                             R1                     I2         R2 */
      { I1_ANSWERED(HIP_UNASSOCIATED),  NEVER(NO_ASSOCIATION), I2_TAKEN,  NEVER(NO_ASSOCIATION),
      /* UPDATE                             NOTIFY                   CLOSE                                  CLOSE_ACK */
        NEVER(NO_ASSOCIATION),              NEVER(NO_ASSOCIATION),   NEVER(NO_ASSOCIATION),                 NEVER(NO_ASSOCIATION) } },
    ROW_I1_SENT(true, I1_ANSWERED(HIP_I1_SENT)),
    ROW_I1_SENT(false, I1_LOST),
    ROW_I2_SENT(true, I2_TAKEN),
    ROW_I2_SENT(false, NEVER(LOST_RACE)),
    { HIP_R2_SENT, true,
      { I1_ANSWERED(HIP_R2_SENT),       NEVER(WRONG_STATE),    I2_TAKEN,  NEVER(WRONG_STATE),
        TAKEN(HIP_ESTABLISHED, HIP_PKT_UPDATE), TAKEN(HIP_R2_SENT, 0), TAKEN(HIP_CLOSED, HIP_PKT_CLOSE_ACK), NEVER(WRONG_STATE) } },
    { HIP_ESTABLISHED, true,
      { I1_ANSWERED(HIP_ESTABLISHED),   NEVER(WRONG_STATE),    I2_TAKEN,  NEVER(WRONG_STATE),
        TAKEN(HIP_ESTABLISHED, HIP_PKT_UPDATE), TAKEN(HIP_ESTABLISHED, 0), TAKEN(HIP_CLOSED, HIP_PKT_CLOSE_ACK), NEVER(WRONG_STATE) } },
    { HIP_ESTABLISHED, false,
      { I1_ANSWERED(HIP_ESTABLISHED),   NEVER(WRONG_STATE),    I2_TAKEN,  NEVER(WRONG_STATE),
        TAKEN(HIP_ESTABLISHED, HIP_PKT_UPDATE), TAKEN(HIP_ESTABLISHED, 0), TAKEN(HIP_CLOSED, HIP_PKT_CLOSE_ACK), NEVER(WRONG_STATE) } },
    { HIP_CLOSING, true,
      { I1_ANSWERED(HIP_CLOSING),       NEVER(WRONG_STATE),    I2_TAKEN,  NEVER(WRONG_STATE),
        NEVER(WRONG_STATE),                 NEVER(WRONG_STATE),      TAKEN(HIP_CLOSED, HIP_PKT_CLOSE_ACK), TAKEN(HIP_UNASSOCIATED, 0) } },
    { HIP_CLOSED, true,
      { I1_ANSWERED(HIP_CLOSED),        NEVER(WRONG_STATE),    I2_TAKEN,  NEVER(WRONG_STATE),
        NEVER(WRONG_STATE),                 NEVER(WRONG_STATE),      TAKEN(HIP_CLOSED, HIP_PKT_CLOSE_ACK), TAKEN(HIP_UNASSOCIATED, 0) } },
    { HIP_E_FAILED, true,
      { I1_ANSWERED(HIP_E_FAILED),      NEVER(WRONG_STATE),    I2_TAKEN,  NEVER(WRONG_STATE),
        NEVER(WRONG_STATE),                 NEVER(WRONG_STATE),      NEVER(WRONG_STATE),                   NEVER(WRONG_STATE) } },
};
/* clang-format on */

/* Everything that it sent since the ladder was cleared is one packet of this type, or nothing. */
static bool answered(const struct place *p, uint8_t type)
{
    size_t all = sim_count(p->s, "it>");
    if (!type)
        return all == 0;
    const char *names[] = {
        [HIP_PKT_I1] = "I1", [HIP_PKT_R1] = "R1",         [HIP_PKT_I2] = "I2",
        [HIP_PKT_R2] = "R2", [HIP_PKT_UPDATE] = "UPDATE", [HIP_PKT_CLOSE_ACK] = "CLOSE_ACK"
    };
    char to_peer[32], to_again[32];
    (void)snprintf(to_peer, sizeof to_peer, "it>peer %s (lost)", names[type]);
    (void)snprintf(to_again, sizeof to_again, "it>again %s (lost)", names[type]);
    return all == 1 && sim_count(p->s, to_peer) + sim_count(p->s, to_again) == 1;
}

static void one_cell(const struct row *r, size_t column, enum spoilt how)
{
    const struct cell *c = &r->c[column];
    struct place p = place_new(r->greater);
    bring(&p, r->state);
    int drop;
    if (!deliver(&p, packets[column], how, &drop)) {
        sim_free(p.s);
        return;
    }
    int expected = how == WHOLE ? c->drop : how == BAD_MAC ? c->bad_mac : c->bad_sig;
    bool taken = how == WHOLE && c->drop == HIP_TAKEN;
    enum hip_state next = taken ? c->next : r->state;
    if (drop != expected || state_of(&p) != next || !answered(&p, taken ? c->answer : 0))
        fail_msg("%s, %s%s: %s, state %s, sent:\n%s(expected %s, %s, %s)", hip_state_name(r->state),
                 hip_packet_name(packets[column]),
                 how == BAD_MAC   ? ", wrong MAC"
                 : how == BAD_SIG ? ", wrong signature"
                                  : "",
                 hip_drop_name(drop), hip_state_name(state_of(&p)), p.s->ladder, hip_drop_name(expected),
                 hip_state_name(next), taken && c->answer ? hip_packet_name(c->answer) : "silence");
    sim_free(p.s);
}

static void every_cell(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t column = 0; column < COLUMNS; column++)
            for (enum spoilt how = WHOLE; how <= BAD_SIG; how++)
                one_cell(&rows[i], column, how);
}

/* ---- events that are no packets ---- */

/* Data to send: an I1 where there is nothing, or nothing that lives. */
static void data_to_send(void **state)
{
    for (enum hip_state st = 0; st < HIP_STATE__COUNT; st++) {
        struct place p = place_new(true);
        struct hip_path path;
        struct hip_ref ref;
        bring(&p, st);
        bool begins = st == HIP_UNASSOCIATED || st == HIP_CLOSING || st == HIP_CLOSED || st == HIP_E_FAILED;
        path = sim_path(p.it, p.peer);
        lose_all(p.s, p.it, HIP_PKT_I1);
        unsigned gone = p.it->gone;
        assert_int_equal(
            hip_connect(p.it->e, sim_hit(p.it), sim_hit(p.peer), &path, 1, p.s->now, &p.s->out, &ref),
            begins ? ERR_OK : ERR_EXISTS);
        sim_act(p.s, p.it);
        assert_int_equal(state_of(&p), begins ? HIP_I1_SENT : st);
        assert_int_equal(sim_count(p.s, "it>peer I1"), begins ? 1 : 0);
        assert_int_equal(p.it->gone - gone, st == HIP_CLOSING ? 1 : 0); /* of the others it was told before */
        sim_free(p.s);
    }
}

/* In CLOSED the I1 leaves the state as it is (s4.4.3): a repeated CLOSE has its answer until the new exchange is at its I2. */
static void closed_beside_i1_sent(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct place p = place_new(true);
        uint8_t close[HIP_PACKET_MAX], ack[HIP_PACKET_MAX];
        bring(&p, HIP_CLOSED);
        size_t n = made(&p, HIP_PKT_CLOSE, close), m = made(&p, HIP_PKT_CLOSE_ACK, ack);
        struct hip_path path = sim_path(p.it, p.peer);
        lose_all(p.s, p.it, HIP_PKT_I1);
        (void)sim_connect(p.s, p.it, p.peer);
        hip_set_checksum(close, n, &path.peer, &path.local);
        hip_set_checksum(ack, m, &path.peer, &path.local);
        lose_all(p.s, p.it, HIP_PKT_CLOSE_ACK);
        assert_int_equal(sim_inject(p.s, p.it, &path, span_of(close, n)), HIP_TAKEN);
        assert_int_equal(sim_count(p.s, "it>peer CLOSE_ACK"), 1);
        assert_int_equal(state_of(&p), HIP_I1_SENT);
        if (i == 0) { /* CLOSE_ACK: nothing of it is left */
            assert_int_equal(sim_inject(p.s, p.it, &path, span_of(ack, m)), HIP_TAKEN);
        } else if (i == 1) { /* I2-SENT */
            int drop;
            assert_true(deliver(&p, HIP_PKT_R1, WHOLE, &drop) && drop == HIP_TAKEN);
            assert_int_equal(state_of(&p), HIP_I2_SENT);
        } else { /* its time is over */
            sim_run(p.s, UAL + 2 * MSL);
            (void)sim_connect(p.s, p.it, p.peer);
        }
        sim_ladder_clear(p.s);
        assert_int_not_equal(sim_inject(p.s, p.it, &path, span_of(close, n)), HIP_TAKEN);
        assert_int_equal(sim_count(p.s, "it>peer CLOSE_ACK"), 0);
        sim_free(p.s);
    }
}

/* I1 and I2: as many tries, then E-FAILED, of which the owner hears at once; after a while nothing is left. */
static void retransmissions(void **state)
{
    static const struct {
        enum hip_state st;
        const char *line;
    } each[] = { { HIP_I1_SENT, "it>peer I1" }, { HIP_I2_SENT, "it>peer I2" } };
    for (size_t i = 0; i < 2; i++) {
        struct place p = place_new(true);
        bring(&p, each[i].st);
        unsigned gone = p.it->gone;
        sim_run(p.s, 62 * SECOND);
        assert_int_equal(sim_count(p.s, each[i].line), 5);
        assert_int_equal(state_of(&p), each[i].st);
        sim_run(p.s, 2 * SECOND);
        assert_int_equal(state_of(&p), HIP_E_FAILED);
        assert_int_equal(p.it->gone, gone + 1);
        assert_int_equal(p.it->why, HIP_GONE_FAILED);
        sim_run(p.s, HIP_FAILED_US);
        assert_int_equal(state_of(&p), HIP_UNASSOCIATED);
        assert_int_equal(hip_deadline(p.it->e), UINT64_MAX);
        sim_free(p.s);
    }
}

/* EC, and data: both end R2-SENT. */
static void end_of_r2_sent(void **state)
{
    for (int data = 0; data < 2; data++) {
        struct place p = place_new(true);
        bring(&p, HIP_R2_SENT);
        if (data) {
            hip_sa_used(p.it->e, p.it->ref, p.s->now, &p.s->out);
            sim_act(p.s, p.it);
        } else {
            sim_run(p.s, 59 * SECOND);
            assert_int_equal(state_of(&p), HIP_R2_SENT);
            sim_run(p.s, 2 * SECOND);
        }
        assert_int_equal(state_of(&p), HIP_ESTABLISHED);
        sim_free(p.s);
    }
}

/* UAL without a packet: CLOSE, again and again until UAL + MSL have passed; the owner hears of it after as many tries as for anything. */
static void idle_then_closing(void **state)
{
    struct place p = place_new(true);
    bring(&p, HIP_ESTABLISHED);
    lose_all(p.s, p.peer, HIP_PKT_CLOSE_ACK);
    lose_all(p.s, p.it, HIP_PKT_CLOSE);
    lose_all(p.s, p.peer, HIP_PKT_CLOSE);
    unsigned gone = p.it->gone;
    sim_run(p.s, UAL - 4 * SECOND);
    assert_int_equal(state_of(&p), HIP_ESTABLISHED);
    sim_run(p.s, 1500000); /* join() took three seconds */
    assert_int_equal(state_of(&p), HIP_CLOSING);
    assert_int_equal(sim_count(p.s, "it>peer CLOSE"), 1);
    sim_run(p.s, 64 * SECOND);
    assert_int_equal(p.it->gone, gone + 1);
    assert_int_equal(state_of(&p), HIP_CLOSING);
    sim_run(p.s, UAL + MSL - 66 * SECOND);
    assert_int_equal(state_of(&p), HIP_CLOSING);
    assert_true(sim_count(p.s, "it>peer CLOSE") >= 7);
    sim_run(p.s, 80 * SECOND); /* the next expiry */
    assert_int_equal(state_of(&p), HIP_UNASSOCIATED);
    assert_int_equal(p.it->gone, gone + 1);
    assert_int_equal(hip_deadline(p.it->e), UINT64_MAX);
    sim_free(p.s);
}

static void closed_ends(void **state)
{
    struct place p = place_new(true);
    bring(&p, HIP_CLOSED);
    lose_all(p.s, p.peer, HIP_PKT_CLOSE);
    lose_all(p.s, p.it, HIP_PKT_CLOSE_ACK);
    sim_run(p.s, UAL + 2 * MSL - SECOND);
    assert_int_equal(state_of(&p), HIP_CLOSED);
    sim_run(p.s, SECOND);
    assert_int_equal(state_of(&p), HIP_UNASSOCIATED);
    sim_free(p.s);
}

/* hip_close() in each state: a CLOSE where there are keys that the peer has too, the end where there are none. */
static void close_in_each_state(void **state)
{
    for (enum hip_state st = 0; st < HIP_STATE__COUNT; st++) {
        struct place p = place_new(true);
        bring(&p, st);
        const struct hip_assoc *a = of(p.it, p.peer);
        struct hip_ref ref = a ? hip_assoc_ref(a) : (struct hip_ref){ 0 };
        bool lives = st != HIP_UNASSOCIATED && st != HIP_CLOSED && st != HIP_E_FAILED;
        bool asks = st == HIP_R2_SENT || st == HIP_ESTABLISHED;
        lose_all(p.s, p.it, HIP_PKT_CLOSE);
        assert_int_equal(hip_close(p.it->e, ref, p.s->now, &p.s->out), lives ? ERR_OK : ERR_NOT_FOUND);
        sim_act(p.s, p.it);
        assert_int_equal(state_of(&p), asks                                     ? HIP_CLOSING
                                       : st == HIP_I1_SENT || st == HIP_I2_SENT ? HIP_UNASSOCIATED
                                                                                : st);
        assert_int_equal(sim_count(p.s, "it>peer CLOSE"), asks ? 1 : 0);
        sim_free(p.s);
    }
}

/* R2-SENT, and the very I2 again: its R2 again, the same one, and EC from the start (s6.9). */
static void the_same_i2_again(void **state)
{
    struct place p = place_new(true);
    bring(&p, HIP_R2_SENT);
    struct sim_packet i2 = *sim_sent(p.s, HIP_PKT_I2), r2 = *sim_sent(p.s, HIP_PKT_R2);
    sim_run(p.s, 30 * SECOND);
    assert_int_equal(sim_inject(p.s, p.it, &i2.path, span_of(i2.p, i2.n)), HIP_DROP_DUPLICATE);
    assert_int_equal(sim_count(p.s, "it>peer R2"), 1);
    assert_memory_equal(sim_sent(p.s, HIP_PKT_R2)->p, r2.p, r2.n);
    sim_run(p.s, 32 * SECOND);
    assert_int_equal(state_of(&p), HIP_R2_SENT);
    sim_free(p.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(data_to_send),
        cmocka_unit_test(closed_beside_i1_sent),
        cmocka_unit_test(retransmissions),
        cmocka_unit_test(end_of_r2_sent),
        cmocka_unit_test(idle_then_closing),
        cmocka_unit_test(closed_ends),
        cmocka_unit_test(close_in_each_state),
        cmocka_unit_test(the_same_i2_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
