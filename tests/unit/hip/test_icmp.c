/* SPDX-License-Identifier: Apache-2.0
 *
 * ICMP Parameter Problem (RFC 7401 s5.4): about what, where it points, what it quotes, how often, and about what never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hip/core.h"
#include "hip/icmp.h"
#include "hip/update.h"
#include "tests/sim/sim.h"

static struct sim *pair(bool six, struct sim_host **mn, struct sim_host **fa)
{
    struct hip_config c = sim_config();
    c.tell = true;
    struct sim *s = sim_new(sim_seed(95));
    *mn = sim_host(s, "mn", &c, 0, six ? "2001:db8::1" : "192.0.2.1");
    *fa = sim_host(s, "fa", &c, 1, six ? "2001:db8::2" : "198.51.100.1");
    return s;
}

static struct sim *joined(bool six, struct sim_host **mn, struct sim_host **fa)
{
    struct sim *s = pair(six, mn, fa);
    (void)sim_connect(s, *mn, *fa);
    sim_run(s, 500000);
    assert_true(sim_joined(*mn, *fa));
    return s;
}

static uint16_t folded(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (n & 1)
        sum += (uint32_t)p[n - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* One message, right in every octet: type, pointer, the packet behind a header of its own, the checksum. */
static void quotes(const struct sim_host *fa, bool six, const struct hip_path *in, struct span packet,
                   size_t at)
{
    size_t head = six ? 40 : 20;
    const uint8_t *p = fa->icmp_p, *ip = p + 8;
    assert_int_equal(fa->icmp, 1);
    assert_true(hip_path_eq(&fa->icmp_path, in));
    assert_int_equal(p[0], six ? 4 : 12);
    assert_int_equal(p[1], 0);
    assert_int_equal(six ? p[6] << 8 | p[7] : p[4], head + at);
    size_t room = (six ? HIP_ICMP_MAX : 548) - 8 - head;
    assert_int_equal(fa->icmp_n, 8 + head + (packet.n < room ? packet.n : room));
    assert_memory_equal(ip + head, packet.p, fa->icmp_n - 8 - head);
    if (six) {
        assert_int_equal(ip[0] >> 4, 6);
        assert_int_equal(ip[4] << 8 | ip[5], packet.n);
        assert_int_equal(ip[6], HIP_IP_PROTO);
        assert_memory_equal(ip + 8, in->peer.ip, 16);
        assert_memory_equal(ip + 24, in->local.ip, 16);
        uint32_t pseudo = folded(in->local.ip, 16, folded(in->peer.ip, 16, (uint32_t)fa->icmp_n + 58));
        assert_int_equal(folded(p, fa->icmp_n, pseudo), 0xffff);
    } else {
        assert_int_equal(ip[0], 0x45);
        assert_int_equal(ip[2] << 8 | ip[3], packet.n + 20);
        assert_int_equal(ip[9], HIP_IP_PROTO);
        assert_memory_equal(ip + 12, in->peer.ip, 4);
        assert_memory_equal(ip + 16, in->local.ip, 4);
        assert_int_equal(folded(p, fa->icmp_n, 0), 0xffff);
    }
}

/* ---- s5.4.1 ---- */

static void another_version(void **state)
{
    for (int six = 0; six < 2; six++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair(six, &mn, &fa);
        (void)sim_connect(s, mn, fa);
        struct sim_packet p = *sim_sent(s, HIP_PKT_I1);
        p.p[3] = 0x11;
        struct hip_path udp = p.path;
        udp.peer.port = udp.local.port = HIP_UDP_PORT;
        assert_int_equal(sim_inject(s, fa, &udp, span_of(p.p, p.n)), HIP_DROP_BAD_VERSION);
        assert_int_equal(fa->icmp, 0); /* there the errors are those of UDP */
        assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_DROP_BAD_VERSION);
        quotes(fa, six, &p.path, span_of(p.p, p.n), 3);
        for (int i = 0; i < 200; i++)
            (void)sim_inject(s, fa, &p.path, span_of(p.p, p.n));
        assert_int_equal(fa->icmp, 20); /* rate-limited */
        sim_free(s);
    }
}

/* ---- s5.4.4 ---- */

static void without_an_association(void **state)
{
    static const uint8_t types[] = { HIP_PKT_UPDATE, HIP_PKT_CLOSE, HIP_PKT_R2, HIP_PKT_R1 };
    for (size_t i = 0; i < sizeof types; i++)
        for (int six = 0; six < 2; six++) {
            struct sim_host *mn, *fa;
            struct sim *s = joined(six, &mn, &fa);
            struct hip_contents q = { .request = {
                                          .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
            sim_rule(s, mn, 0, SIM_LOSE)->count = 100;
            assert_int_equal(hip_update(mn->e, mn->ref, &q, s->now, &s->out), ERR_OK);
            sim_act(s, mn);
            assert_int_equal(hip_close(mn->e, mn->ref, s->now, &s->out), ERR_OK);
            sim_act(s, mn);
            bool from_mn = i < 2;
            struct sim_host *to = from_mn ? fa : mn;
            struct sim_packet p = *sim_sent(s, types[i]);
            if (from_mn)
                assert_int_equal(hip_drop(fa->e, fa->ref, s->now, &s->out), ERR_OK);
            else
                hip_assoc_free(mn->e, hip_assoc_by_pair(mn->e, sim_hit(mn), sim_hit(fa)));
            sim_act(s, to);
            p.p[5] ^= 1;
            assert_int_equal(sim_inject(s, to, &p.path, span_of(p.p, p.n)), HIP_DROP_BAD_CHECKSUM);
            assert_int_equal(to->icmp, 0); /* s5.4.2: never */
            p.p[5] ^= 1;
            assert_int_equal(sim_inject(s, to, &p.path, span_of(p.p, p.n)), HIP_DROP_NO_ASSOCIATION);
            if (from_mn)
                quotes(to, six, &p.path, span_of(p.p, p.n), 8);
            else
                assert_int_equal(to->icmp, 0); /* R1, R2: never */
            sim_free(s);
        }
}

/* Not about a NOTIFY either; and with an association there is none about anything. */
static void about_nothing_else(void **state)
{
    struct sim_host *mn, *fa;
    struct sim *s = joined(false, &mn, &fa);
    sim_rule(s, mn, HIP_PKT_NOTIFY, SIM_LOSE);
    assert_int_equal(hip_notify(mn->e, mn->ref, 42, span_of(NULL, 0), s->now, &s->out), ERR_OK);
    sim_act(s, mn);
    struct sim_packet n = *sim_sent(s, HIP_PKT_NOTIFY);
    assert_int_equal(hip_drop(fa->e, fa->ref, s->now, &s->out), ERR_OK);
    sim_act(s, fa);
    assert_int_equal(sim_inject(s, fa, &n.path, span_of(n.p, n.n)), HIP_DROP_NO_ASSOCIATION);
    assert_int_equal(fa->icmp, 0);
    sim_free(s);
}

/* ---- s5.4.3 ---- */

static void a_puzzle_not_solved(void **state)
{
    for (int six = 0; six < 2; six++) {
        struct sim_host *mn, *fa;
        struct sim *s = pair(six, &mn, &fa);
        struct hip_pkt k;
        sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE);
        (void)sim_connect(s, mn, fa);
        sim_run(s, 100000);
        struct sim_packet p = *sim_sent(s, HIP_PKT_I2);
        assert_int_equal(hip_pkt_parse(span_of(p.p, p.n), &k), HIP_TAKEN);
        size_t j = hip_pkt_get(&k, HIP_PAR_SOLUTION)->off + 8u + 48;
        memset(p.p + j, 0x55, 48); /* one of sixteen would do; this one does not */
        hip_set_checksum(p.p, p.n, &p.path.peer, &p.path.local);
        assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_DROP_BAD_PUZZLE);
        quotes(fa, six, &p.path, span_of(p.p, p.n), j);
        sim_free(s);
    }
}

/* ---- s6.7 ---- */

/* An R1 cannot be made: a group is wanted that there is no Diffie-Hellman of. An I1 too many has no word. */
static void an_i1_that_cannot_be_answered(void **state)
{
    for (int six = 0; six < 2; six++)
        for (int tell = 0; tell < 2; tell++) {
            struct sim_host *mn, *fa;
            struct sim *s = pair(six, &mn, &fa);
            (void)sim_connect(s, mn, fa);
            struct sim_packet p = *sim_sent(s, HIP_PKT_I1);
            size_t head = six ? 40 : 20;
            fa->e->cfg.tell = tell;
            fa->e->cfg.dh_groups[0] = 99;
            fa->e->n_groups = 1;
            struct hip_path udp = p.path;
            udp.peer.port = udp.local.port = HIP_UDP_PORT;
            struct sim_packet q = p;
            hip_set_checksum(q.p, q.n, &udp.peer, &udp.local);
            assert_int_equal(sim_inject(s, fa, &udp, span_of(q.p, q.n)), HIP_DROP_INTERNAL);
            assert_int_equal(fa->icmp, 0);
            assert_int_equal(sim_inject(s, fa, &p.path, span_of(p.p, p.n)), HIP_DROP_INTERNAL);
            assert_int_equal(fa->icmp, tell);
            if (tell) {
                assert_true(hip_path_eq(&fa->icmp_path, &p.path));
                assert_int_equal(fa->icmp_p[0], six ? 1 : 3);
                assert_int_equal(fa->icmp_p[1], six ? 1 : 13);
                assert_memory_equal(fa->icmp_p + 4, "\0\0\0\0", 4);
                assert_int_equal(fa->icmp_n, 8 + head + p.n);
                assert_memory_equal(fa->icmp_p + 8 + head, p.p, p.n);
            }
            for (int i = 0; i < 200; i++)
                (void)sim_inject(s, fa, &p.path, span_of(p.p, p.n));
            assert_int_equal(fa->icmp, tell ? 20 : 0); /* whoever floods us has little of it */
            sim_free(s);
        }
}

static void an_i1_too_many(void **state)
{
    struct hip_config c = sim_config();
    c.tell = true;
    c.r1_per_source_milli = 1000;
    struct sim *s = sim_new(sim_seed(95));
    struct sim_host *mn = sim_host(s, "mn", &c, 0, "192.0.2.1");
    struct sim_host *fa = sim_host(s, "fa", &c, 1, "198.51.100.1");
    (void)sim_connect(s, mn, fa);
    struct sim_packet p = *sim_sent(s, HIP_PKT_I1);
    int drop = HIP_TAKEN;
    for (int i = 0; i < 100 && drop == HIP_TAKEN; i++)
        drop = sim_inject(s, fa, &p.path, span_of(p.p, p.n));
    assert_int_equal(drop, HIP_DROP_RATE_LIMITED);
    assert_int_equal(fa->icmp, 0);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_version),
        cmocka_unit_test(without_an_association),
        cmocka_unit_test(about_nothing_else),
        cmocka_unit_test(a_puzzle_not_solved),
        cmocka_unit_test(an_i1_that_cannot_be_answered),
        cmocka_unit_test(an_i1_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
