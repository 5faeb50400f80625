/* SPDX-License-Identifier: Apache-2.0
 *
 * What hipfad relays ESP with (fa/carrier_udp, fa/core/relay, fa/core/flow, fa/steer, common/rt/sock), without the rest of it: the flows are put into
 * the table as registered clients' permissions would be. For tests/bench/relay-user.
 *
 *   relay_ours IP PORT CLIENT_IP CLIENT_PORT FLOWS PEER_IP PEER_PORT RELAYED_PORT WORKERS
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/rt/sock.h"
#include "fa/carrier_udp.h"
#include "fa/steer.h"

#define WORKERS_MAX 8

struct worker {
    struct rt_loop *loop;
    struct carrier carrier;
    struct carrier_udp *udp;
    pthread_t thread;
};

static struct worker workers[WORKERS_MAX];

static void on_hip(void *ctx, const struct hip_path *path, struct span octets)
{
}

static struct addr at(const char *ip, int port)
{
    struct addr a;
    if (addr_parse(ip, &a) != ERR_OK)
        exit(2);
    a.port = (uint16_t)port;
    return a;
}

static void must(err e, const char *what)
{
    if (e == ERR_OK)
        return;
    fprintf(stderr, "relay_ours: %s: %s\n", what, err_text(e));
    exit(1);
}

static void *run(void *arg)
{
    rt_loop_run(((struct worker *)arg)->loop);
    return NULL;
}

/* Flow i: a client of its own with a relayed port of its own. */
static void put_flow(struct fa_flows *t, char **v, unsigned i, struct addr *relayed)
{
    struct addr local = at(v[1], atoi(v[2])), client = at(v[3], atoi(v[4]) + (int)i),
                peer = at(v[6], atoi(v[7]));
    struct hit h = { .b = { 0x20, 0x01, (uint8_t)i } };
    *relayed = at(v[1], atoi(v[8]) + (int)i);
    struct fa_flow f = { .hit = h,
                         .client = fa_end_of(&client),
                         .local = fa_end_of(&local),
                         .relayed = fa_end_of(relayed),
                         .peer = fa_end_of(&peer),
                         .spi_out = 0x1000 + i,
                         .spi_in = 0x2000 + i,
                         .expires_us = UINT64_MAX,
                         .owner = i };
    f.owner_gen = fa_flows_client_put(t, i, &h);
    fa_flows_port_set(t, relayed->port, i);
    must(fa_flows_put(t, i, &f), "flow");
}

static void open_workers(struct fa_flows *t, unsigned n, uint16_t port)
{
    struct fa_steer steer = { .workers = n, .seed = { 1, 2, 3, 4 } };
    struct fa_steer_prog prog;
    for (unsigned i = 0; i < n; i++) {
        struct worker *w = &workers[i];
        w->loop = rt_loop_new();
        struct carrier_udp_config c = { .loop = w->loop,
                                        .v4 = true,
                                        .group = n > 1,
                                        .port = port,
                                        .flows = t,
                                        .recv = on_hip,
                                        .relayed = on_hip };
        must(carrier_udp_open(&c, &w->carrier, &w->udp), "port");
    }
    fa_steer_udp_prog(&steer, &prog);
    if (n > 1)
        must(carrier_udp_steer(workers[0].udp, prog.v, prog.n), "steer");
}

int main(int argc, char **argv)
{
    if (argc != 10)
        return 2;
    unsigned n = (unsigned)atoi(argv[9]), flows = (unsigned)atoi(argv[5]);
    struct fa_flows_config fc = { .flows = 1024,
                                  .clients = 1024,
                                  .hip_port = (uint16_t)atoi(argv[2]),
                                  .client_bit_s = UINT64_C(100000000000),
                                  .total_bit_s = UINT64_C(1000000000000),
                                  .client_packet_s = 100000000 };
    struct fa_flows *t = fa_flows_new(&fc);
    if (!t || n == 0 || n > WORKERS_MAX)
        return 2;
    open_workers(t, n, fc.hip_port);
    for (unsigned i = 0; i < flows; i++) {
        struct addr relayed;
        put_flow(t, argv, i, &relayed);
        must(carrier_udp_port_open(workers[i % n].udp, &relayed), "relayed port");
        for (unsigned k = 0; k < n; k++) {
            int fd;
            if (k == i % n)
                continue;
            must(carrier_udp_port_dup(workers[i % n].udp, relayed.port, &fd), "dup");
            must(carrier_udp_port_lent(workers[k].udp, relayed.port, fd), "lend");
        }
    }
    for (unsigned i = 1; i < n; i++)
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
            return 1;
    run(&workers[0]);
    return 0;
}
