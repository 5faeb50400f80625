/* SPDX-License-Identifier: Apache-2.0
 * The flow table and the relay decision: every way through, every reason, and readers beside a writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fa/core/relay.h"
#include "hip/drop.h"

#define S UINT64_C(1000000)

static struct addr at(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), ERR_OK);
    return a;
}

static struct fa_flow flow(const char *client, const char *relayed, const char *peer, uint32_t out,
                           uint32_t in)
{
    struct addr c = at(client), r = at(relayed), p = at(peer), l = r;
    l.port = 10500;
    return (struct fa_flow){ .hit.b[0] = 0x20,
                             .client = fa_end_of(&c),
                             .local = fa_end_of(&l),
                             .relayed = fa_end_of(&r),
                             .peer = fa_end_of(&p),
                             .spi_out = out,
                             .spi_in = in,
                             .expires_us = 300 * S };
}

/* One client with port 20001, one permission; limits as given. */
static struct fa_flows *table(struct fa_flows_config c)
{
    c.flows = c.flows ? c.flows : 64;
    c.clients = 8;
    struct fa_flows *t = fa_flows_new(&c);
    assert_non_null(t);
    struct hit h = { .b = { 0x20, 1 } };
    struct fa_flow f = flow("198.51.100.7:4500", "192.0.2.1:20001", "203.0.113.9:777", 0x1111, 0x2222);
    f.owner = 3;
    f.owner_gen = fa_flows_client_put(t, 3, &h);
    fa_flows_port_set(t, 20001, 3);
    assert_int_equal(fa_flows_put(t, 5, &f), ERR_OK);
    return t;
}

static struct fa_relay_in packet(const char *local, const char *from, uint32_t spi, uint32_t len)
{
    return (struct fa_relay_in){ .local = at(local), .from = at(from), .spi = spi, .len = len };
}

static void both_ways(void **state)
{
    struct fa_flows *t = table((struct fa_flows_config){ 0 });
    struct fa_relay_out o;
    struct fa_relay_in out = packet("192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 100);
    struct fa_relay_in in = packet("192.0.2.1:20001", "203.0.113.9:777", 0x2222, 60);
    struct addr relayed = at("192.0.2.1:20001"), hip = at("192.0.2.1:10500");
    assert_int_equal(fa_relay_esp(t, &out, S, &o), HIP_TAKEN);
    assert_true(addr_eq(&o.local, &relayed) && addr_eq(&o.to, &in.from) && o.out);
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_TAKEN);
    assert_true(addr_eq(&o.local, &hip) && addr_eq(&o.to, &out.from) && !o.out);
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_TAKEN);

    struct hit h;
    struct fa_traffic tr;
    assert_true(fa_flows_client_get(t, 3, &h, &tr));
    assert_int_equal(h.b[1], 1);
    assert_int_equal(tr.packets_out, 1);
    assert_int_equal(tr.octets_out, 100);
    assert_int_equal(tr.packets_in, 2);
    assert_int_equal(tr.octets_in, 120);
    fa_flows_free(t);
}

static void refusals(void **state)
{
    static const struct {
        const char *local, *from;
        uint32_t spi, len;
        uint64_t now;
        int drop;
    } row[] = {
        { "192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 8, 300 * S - 1, HIP_TAKEN },
        { "192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 7, S, HIP_DROP_TRUNCATED },
        { "192.0.2.1:20001", "203.0.113.9:777", 0x2222, 0, S, HIP_DROP_TRUNCATED },
        /* expired */
        { "192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 100, 300 * S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:20001", "203.0.113.9:777", 0x2222, 100, 300 * S, HIP_DROP_NO_PERMISSION },
        /* the client's SPIs are one for each direction */
        { "192.0.2.1:10500", "198.51.100.7:4500", 0x2222, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:20001", "203.0.113.9:777", 0x1111, 100, S, HIP_DROP_NO_PERMISSION },
        /* from elsewhere: another port or address of the client, of the peer; peer and client exchanged */
        { "192.0.2.1:10500", "198.51.100.7:4501", 0x1111, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:10500", "198.51.100.8:4500", 0x1111, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:20001", "203.0.113.9:778", 0x2222, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:20001", "203.0.113.8:777", 0x2222, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:20001", "198.51.100.7:4500", 0x2222, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.1:10500", "203.0.113.9:777", 0x1111, 100, S, HIP_DROP_NO_PERMISSION },
        /* another address of ours */
        { "192.0.2.2:10500", "198.51.100.7:4500", 0x1111, 100, S, HIP_DROP_NO_PERMISSION },
        { "192.0.2.2:20001", "203.0.113.9:777", 0x2222, 100, S, HIP_DROP_NO_PERMISSION },
        /* a port that is not open */
        { "192.0.2.1:20002", "203.0.113.9:777", 0x2222, 100, S, HIP_DROP_NOT_REGISTERED },
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fa_flows *t = table((struct fa_flows_config){ 0 });
        struct fa_relay_in in = packet(row[i].local, row[i].from, row[i].spi, row[i].len);
        struct fa_relay_out o = { .flow = 77 };
        int drop = fa_relay_esp(t, &in, row[i].now, &o);
        if (drop != row[i].drop)
            fail_msg("row %zu: %s", i, hip_drop_name(drop));
        if (drop != HIP_TAKEN) {
            assert_int_equal(o.flow, 77); /* nothing set */
            assert_int_equal(fa_flows_refused(t, drop), 1);
        }
        fa_flows_free(t);
    }
}

/* Asking costs nothing: the decision alone neither counts nor takes from a bucket. */
static void pure(void **state)
{
    struct fa_flows *t = table((struct fa_flows_config){ .client_packet_s = 4 });
    struct fa_relay_in in = packet("192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 100);
    struct fa_relay_out o;
    struct hit h;
    struct fa_traffic tr;
    for (int i = 0; i < 100; i++)
        assert_int_equal(fa_relay_decide(t, &in, S, &o), HIP_TAKEN);
    assert_true(fa_flows_client_get(t, 3, &h, &tr));
    assert_int_equal(tr.packets_out, 0);
    fa_flows_free(t);
}

static unsigned passed(struct fa_flows *t, uint32_t len, uint64_t from, uint64_t us, uint64_t step, int *last)
{
    struct fa_relay_in in = packet("192.0.2.1:10500", "198.51.100.7:4500", 0x1111, len);
    struct fa_relay_out o;
    unsigned n = 0;
    for (uint64_t now = from; now < from + us; now += step) {
        int drop = fa_relay_esp(t, &in, now, &o);
        n += drop == HIP_TAKEN;
        if (drop != HIP_TAKEN)
            *last = drop;
    }
    return n;
}

/* Ten seconds at a hundred times the rate: the rate passes, and the burst. */
static void quotas(void **state)
{
    int drop = HIP_TAKEN;
    struct fa_traffic tr;
    struct hit h;
    struct fa_flows *t = table((struct fa_flows_config){ .client_bit_s = 800000 }); /* 100 packets of 1000 */
    unsigned n = passed(t, 1000, S, 10 * S, 100, &drop);
    assert_in_range(n, 1000, 1026);
    assert_int_equal(drop, HIP_DROP_OVER_QUOTA);
    assert_true(fa_flows_client_get(t, 3, &h, &tr));
    assert_int_equal(tr.refused[FA_REFUSED_QUOTA], 100000 - n);
    fa_flows_free(t);

    t = table((struct fa_flows_config){ .client_packet_s = 50 });
    n = passed(t, 100, S, 10 * S, 1000, &drop);
    assert_in_range(n, 500, 513);
    assert_int_equal(drop, HIP_DROP_OVER_QUOTA);
    fa_flows_free(t);

    t = table((struct fa_flows_config){ .total_bit_s = 800000 });
    n = passed(t, 1000, S, 10 * S, 1000, &drop);
    assert_in_range(n, 1000, 1026);
    assert_int_equal(drop, HIP_DROP_RELAY_BUSY);
    assert_int_equal(fa_flows_refused(t, HIP_DROP_RELAY_BUSY), 10000 - n);
    fa_flows_free(t);
}

/* A run is one decision: its packets and octets count, and over a quota it is for the asker to take it apart. */
static void run_of_packets(void **state)
{
    struct fa_flows *t = table((struct fa_flows_config){ .client_packet_s = 50 }); /* 12 at once */
    struct fa_relay_in in = packet("192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 1000);
    struct fa_relay_out o;
    struct fa_traffic tr;
    struct hit h;
    in.packets = 10;
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_TAKEN);
    assert_true(fa_flows_client_get(t, 3, &h, &tr));
    assert_int_equal(tr.packets_out, 10);
    assert_int_equal(tr.octets_out, 1000);
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_DROP_OVER_QUOTA);
    assert_int_equal(fa_flows_refused(t, HIP_DROP_OVER_QUOTA), 0);
    in.packets = 1;
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_TAKEN);
    in.packets = 10;
    in.len = 79; /* one of them is too short */
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_DROP_TRUNCATED);
    in.len = 1000;
    in.spi = 5;
    assert_int_equal(fa_relay_esp(t, &in, S, &o), HIP_DROP_NO_PERMISSION);
    assert_int_equal(fa_flows_refused(t, HIP_DROP_NO_PERMISSION), 10);
    fa_flows_free(t);
}

/* Nothing of a client that is gone passes on the strength of a decision made before. */
static void client_gone(void **state)
{
    struct fa_flows *t = table((struct fa_flows_config){ 0 });
    struct fa_relay_in in = packet("192.0.2.1:10500", "198.51.100.7:4500", 0x1111, 100);
    struct fa_relay_out o;
    struct hit h = { .b = { 0x20, 2 } };
    struct fa_traffic tr;
    assert_int_equal(fa_relay_decide(t, &in, S, &o), HIP_TAKEN);
    fa_flows_client_del(t, 3);
    assert_false(fa_flows_client_get(t, 3, &h, &tr));
    fa_flows_client_put(t, 3, &h);
    assert_int_equal(fa_relay_commit(t, &in, &o, S), HIP_DROP_NO_PERMISSION);
    fa_flows_free(t);
}

static void keys_clash(void **state)
{
    struct fa_flows *t = table((struct fa_flows_config){ 0 });
    struct fa_flow same_out = flow("198.51.100.7:4500", "192.0.2.1:20002", "203.0.113.10:1", 0x1111, 0x9);
    struct fa_flow same_in = flow("198.51.100.8:4500", "192.0.2.1:20001", "203.0.113.9:777", 0x8, 0x2222);
    struct fa_flow same_spis =
        flow("198.51.100.8:4500", "192.0.2.1:20002", "203.0.113.9:777", 0x1111, 0x2222);
    struct fa_flow got;
    assert_int_equal(fa_flows_put(t, 6, &same_out), ERR_EXISTS);
    assert_int_equal(fa_flows_put(t, 6, &same_in), ERR_EXISTS);
    assert_false(fa_flows_get(t, 6, &got));
    assert_int_equal(fa_flows_put(t, 6, &same_spis), ERR_OK);
    fa_flows_del(t, 5);
    assert_int_equal(fa_flows_put(t, 5, &same_out), ERR_OK);
    fa_flows_free(t);
}

static void refresh_and_remove(void **state)
{
    struct fa_flows *t = table((struct fa_flows_config){ 0 });
    struct fa_relay_in in = packet("192.0.2.1:20001", "203.0.113.9:777", 0x2222, 60);
    struct fa_relay_out o;
    fa_flows_refresh(t, 5, 400 * S);
    assert_int_equal(fa_relay_decide(t, &in, 399 * S, &o), HIP_TAKEN);
    assert_int_equal(fa_relay_decide(t, &in, 400 * S, &o), HIP_DROP_NO_PERMISSION);
    fa_flows_del(t, 5);
    assert_int_equal(fa_relay_decide(t, &in, S, &o), HIP_DROP_NO_PERMISSION);
    fa_flows_refresh(t, 5, 400 * S); /* what is not there stays so */
    assert_int_equal(fa_relay_decide(t, &in, S, &o), HIP_DROP_NO_PERMISSION);
    fa_flows_port_set(t, 20001, FA_FLOW_NONE);
    assert_int_equal(fa_relay_decide(t, &in, S, &o), HIP_DROP_NOT_REGISTERED);
    fa_flows_free(t);
}

/* A table filled to the last slot finds each of its flows, and nothing when emptied. */
static void full(void **state)
{
    enum { N = 4096 };
    struct fa_flows *t = fa_flows_new(&(struct fa_flows_config){ .flows = N, .clients = 1, .seed = { 7 } });
    struct fa_flow f = flow("198.51.100.7:4500", "192.0.2.1:20001", "203.0.113.9:777", 0, 0), got;
    assert_int_equal(fa_flows_size(t), N);
    for (uint32_t i = 0; i < N; i++) {
        f.spi_out = f.spi_in = 256 + i;
        assert_int_equal(fa_flows_put(t, i, &f), ERR_OK);
    }
    assert_int_equal(fa_flows_put(t, N, &f), ERR_RANGE);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(fa_flows_find_out(t, &f.client, &f.local, 256 + i, &got), i);
        assert_int_equal(fa_flows_find_in(t, &f.relayed, &f.peer, 256 + i, &got), i);
        fa_flows_del(t, i);
        assert_int_equal(fa_flows_find_out(t, &f.client, &f.local, 256 + i, &got), FA_FLOW_NONE);
    }
    uint32_t flows[2], clients[2], from = 0;
    for (uint32_t i = 0; i < 3; i++) {
        fa_flows_share(t, i, 3, flows, clients);
        assert_int_equal(flows[0], from);
        from = flows[1];
    }
    assert_int_equal(from, N);
    fa_flows_free(t);
}

/* ---- readers beside a writer ---- */

struct beside {
    struct fa_flows *t;
    _Atomic bool stop;
    uint64_t seen, torn;
};

static void *reader(void *arg)
{
    struct beside *b = arg;
    struct fa_flow f;
    while (!atomic_load(&b->stop))
        if (fa_flows_get(b->t, 1, &f)) {
            b->seen++;
            b->torn += f.spi_out != f.spi_in || f.expires_us != f.spi_in || f.since_us != f.spi_in;
        }
    return NULL;
}

static void no_torn_reads(void **state)
{
    struct beside b = { .t = fa_flows_new(&(struct fa_flows_config){ .flows = 8, .clients = 1 }) };
    struct fa_flow f = flow("198.51.100.7:4500", "192.0.2.1:20001", "203.0.113.9:777", 0, 0);
    pthread_t th;
    assert_int_equal(pthread_create(&th, NULL, reader, &b), 0);
    for (uint32_t i = 1; i < 50000; i++) {
        f.spi_out = f.spi_in = i;
        f.expires_us = f.since_us = i;
        assert_int_equal(fa_flows_put(b.t, 1, &f), ERR_OK);
        fa_flows_del(b.t, 1);
    }
    atomic_store(&b.stop, true);
    pthread_join(th, NULL);
    assert_int_equal(b.torn, 0);
    fa_flows_free(b.t);
}

/* ---- closed relay ---- */

static void destinations(void **state)
{
    static const struct {
        const char *to;
        bool forbidden;
    } row[] = {
        { "203.0.113.9:777", false },
        { "[2001:db8::9]:777", false },
        { "10.1.2.3:777", false }, /* private networks only where they are listed */
        { "172.20.0.1:777", true },
        { "172.32.0.1:777", false },
        { "203.0.113.9", true }, /* no port */
        { "0.0.0.0:9", true },
        { "0.1.2.3:9", true },
        { "255.255.255.255:9", true },
        { "240.0.0.1:9", true },
        { "224.0.0.1:9", true },
        { "127.0.0.1:9", true },
        { "127.9.9.9:9", true },
        { "169.254.1.1:9", true },
        { "[::]:9", true },
        { "[::1]:9", true },
        { "[fe80::1]:9", true },
        { "[ff02::1]:9", true },
        { "[::ffff:127.0.0.1]:9", true },
        { "[::192.0.2.9]:9", true },
        { "[2001:db8:bad::1]:9", true },
        { "192.0.2.1:10500", true }, /* ourselves */
        { "192.0.2.1:20002", true },
        { "192.0.2.1:20001", false }, /* but for relayed ports of clients */
        { "[2001:db8::1]:22", true },
    };
    struct fa_prefix p[] = { { at("172.16.0.0"), 12 },
                             { at("2001:db8:bad::"), 48 },
                             { at("192.0.2.0"), 24 } };
    struct fa_closed c = {
        .n_local = 2, .local = { at("192.0.2.1"), at("2001:db8::1") }, .prefix = p, .n_prefix = 3
    };
    struct fa_flows *t = table((struct fa_flows_config){ 0 });
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct addr to = at(row[i].to);
        if (fa_relay_forbidden(&c, t, &to) != row[i].forbidden)
            fail_msg("%s", row[i].to);
    }
    assert_true(fa_relay_forbidden(&c, t, &(struct addr){ .port = 9 }));
    fa_flows_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(refusals),
        cmocka_unit_test(pure),
        cmocka_unit_test(quotas),
        cmocka_unit_test(run_of_packets),
        cmocka_unit_test(client_gone),
        cmocka_unit_test(keys_clash),
        cmocka_unit_test(full),
        cmocka_unit_test(refresh_and_remove),
        cmocka_unit_test(no_torn_reads),
        cmocka_unit_test(destinations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
