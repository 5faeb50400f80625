/* SPDX-License-Identifier: Apache-2.0
 *
 * SIM bindings from one address, over protocol 139: so many virtual mobile nodes at a time (bind_mn.h), each with a host identity and a SIM of its
 * own, for so long. A binding counts when its BIND_RESPONSE came inside the time that is measured, with all that bind_mn.h checks.
 *
 *   bind_load run FA_HIT OUR_ADDRESS FA_ADDRESS DOMAIN FIRST NODES AT_A_TIME WARM_S SECONDS     subscribers from number FIRST on; JSON on stdout
 *   bind_load subscribers FIRST NUMBER                                                          CSV: imsi,k,opc
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/hex.h"
#include "common/base/htab.h"
#include "common/crypto/secret.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "common/rt/sock.h"
#include "hip/proto.h"
#include "tests/bench/bind_mn.h"

#define IP_PROTO_HIP  139
#define AT_A_TIME_MAX 4096
#define GIVE_UP_US    UINT64_C(20000000)

struct slot {
    struct heap_node due; /* first member: a node is its slot */
    struct bind_mn *mn;
    uint64_t since_us;
};

struct load {
    struct bind_mn_config c;
    struct rt_loop *loop;
    struct rt_sock *sock;
    struct rt_timer *timer;
    struct htab *by_hit;
    struct heap due;
    struct slot *slots;
    size_t n_slots, n_open;
    struct bind_mn **ready; /* made before the clock starts */
    size_t n_ready, next_ready;
    uint64_t next_sub, made_late;
    uint64_t begin_us, end_us; /* what is measured */
    uint64_t count[BIND_MN__ENDS];
    uint64_t bound_in_all; /* also before and after that */
    uint32_t *latency_us;
    size_t n_latency, cap_latency;
    char why[224]; /* of the first failure, and whose */
};

static struct env env;

static void must(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "bind_load: %s\n", what);
        exit(1);
    }
}

static void send_packet(void *ctx, const struct hip_path *path, struct span octets)
{
    struct load *l = ctx;
    must(rt_sock_send(l->sock, &path->local, &path->peer, 0, octets) == ERR_OK, "a packet cannot be sent");
}

/* ---- nodes come and go ---- */

static struct bind_mn *next_node(struct load *l)
{
    if (l->next_ready < l->n_ready)
        return l->ready[l->next_ready++];
    l->made_late++;
    struct bind_mn *m = bind_mn_new(&l->c, l->next_sub++);
    must(m != NULL, "no node");
    return m;
}

/* Not later than it is given up: a node that waits for a packet has no deadline of its own. */
static void watch(struct load *l, struct slot *s)
{
    uint64_t at = bind_mn_deadline(s->mn), last = s->since_us + GIVE_UP_US;
    must(heap_set(&l->due, &s->due, at < last ? at : last) == ERR_OK, "no deadline");
}

static void begin(struct load *l, struct slot *s, uint64_t now)
{
    s->mn = next_node(l);
    s->since_us = now;
    must(htab_put(l->by_hit, bind_mn_hit(s->mn), s) == ERR_OK, "two nodes of one HIT");
    l->n_open++;
    bind_mn_start(s->mn, now);
    watch(l, s);
}

static void note(struct load *l, const struct slot *s, enum bind_mn_end end, uint64_t now)
{
    bool in = now >= l->begin_us && now < l->end_us;
    char hit[HIT_TEXT_MAX];
    if (end == BIND_MN_BOUND) {
        l->bound_in_all++;
        if (!in)
            return;
        must(l->n_latency < l->cap_latency, "more bindings than expected");
        l->latency_us[l->n_latency++] = (uint32_t)(now - s->since_us);
    } else if (!l->why[0]) {
        snprintf(l->why, sizeof l->why, "%s: %s", hit_format(bind_mn_hit(s->mn), hit), bind_mn_why(s->mn));
    }
    l->count[end]++;
}

static void settle(struct load *l, struct slot *s, enum bind_mn_end end, uint64_t now)
{
    if (end == BIND_MN_RUNNING && now - s->since_us >= GIVE_UP_US)
        end = BIND_MN_LATE;
    if (end == BIND_MN_RUNNING) {
        watch(l, s);
        return;
    }
    note(l, s, end, now);
    heap_remove(&l->due, &s->due);
    (void)htab_del(l->by_hit, bind_mn_hit(s->mn));
    bind_mn_free(s->mn);
    s->mn = NULL;
    l->n_open--;
    if (now < l->end_us)
        begin(l, s, now);
    else if (l->n_open == 0)
        rt_loop_stop(l->loop);
}

/* ---- the loop ---- */

static void rearm(struct load *l)
{
    rt_timer_at(l->timer, heap_deadline(&l->due));
}

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct load *l = ctx;
    for (size_t i = 0; i < n; i++) {
        const struct hip_path path = { .local = pkts[i].local, .peer = pkts[i].peer };
        struct slot *s =
            pkts[i].octets.n >= HIP_HEADER_LEN ? htab_get(l->by_hit, pkts[i].octets.p + 24) : NULL;
        uint64_t now = rt_now_us();
        if (s)
            settle(l, s, bind_mn_input(s->mn, &path, pkts[i].octets, now), now);
    }
    rearm(l);
}

static void on_timer(void *ctx)
{
    struct load *l = ctx;
    struct heap_node *n;
    while ((n = heap_min(&l->due)) && n->at_us <= rt_now_us()) {
        struct slot *s = (struct slot *)n;
        uint64_t now = rt_now_us();
        settle(l, s, bind_mn_timeout(s->mn, now), now);
    }
    rearm(l);
}

/* ---- telling ---- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double part_of(const struct load *l, double part)
{
    return l->n_latency ? l->latency_us[(size_t)(part * (double)(l->n_latency - 1))] / 1000.0 : 0;
}

static void tell(struct load *l, double cpu_s)
{
    double seconds = (double)(l->end_us - l->begin_us) / 1e6;
    qsort(l->latency_us, l->n_latency, sizeof *l->latency_us, by_value);
    printf("{\"bound\": %" PRIu64 ", \"bound_in_all\": %" PRIu64 ", \"seconds\": %.3f, \"per_second\": %.2f",
           l->count[BIND_MN_BOUND], l->bound_in_all, seconds, (double)l->count[BIND_MN_BOUND] / seconds);
    printf(", \"cpu_s\": %.3f, \"made_late\": %" PRIu64, cpu_s, l->made_late);
    printf(", \"latency_ms\": {\"min\": %.2f, \"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"max\": %.2f}",
           part_of(l, 0), part_of(l, 0.5), part_of(l, 0.9), part_of(l, 0.99), part_of(l, 1));
    printf(", \"errors\": {");
    const char *comma = "";
    for (int i = BIND_MN_PENDING; i < BIND_MN__ENDS; i++)
        if (l->count[i]) {
            printf("%s\"%s\": %" PRIu64, comma, bind_mn_end_text((enum bind_mn_end)i), l->count[i]);
            comma = ", ";
        }
    printf("}, \"first_error\": \"%s\", \"next\": %" PRIu64 "}\n", l->why, l->next_sub);
}

/* ---- making ---- */

static void parse(struct load *l, char **v)
{
    must(hit_parse(v[0], &l->c.fa) == ERR_OK && addr_parse(v[1], &l->c.path.local) == ERR_OK &&
             addr_parse(v[2], &l->c.path.peer) == ERR_OK,
         "a HIT or an address is none");
    l->c.domain = v[3];
    l->next_sub = strtoull(v[4], NULL, 10);
    l->n_ready = (size_t)strtoull(v[5], NULL, 10);
    l->n_slots = (size_t)strtoull(v[6], NULL, 10);
    must(l->n_slots >= 1 && l->n_slots <= AT_A_TIME_MAX && l->n_ready <= 10000000, "numbers out of range");
}

static void prepare(struct load *l)
{
    uint8_t seed[16];
    rt_random(seed, sizeof seed);
    l->c.env = &env;
    l->c.send = send_packet;
    l->c.ctx = l;
    l->c.acts = calloc(1, sizeof *l->c.acts);
    l->loop = rt_loop_new();
    must(l->c.acts && l->loop, "no memory");
    l->timer = rt_timer_new(l->loop, on_timer, l);
    l->by_hit = htab_new(l->n_slots, sizeof(struct hit), seed);
    l->slots = calloc(l->n_slots, sizeof *l->slots);
    l->ready = calloc(l->n_ready ? l->n_ready : 1, sizeof(struct bind_mn *));
    must(l->timer && l->by_hit && l->slots && l->ready && heap_init(&l->due, l->n_slots) == ERR_OK,
         "no memory");
    must(rt_raw_open(l->loop, (enum addr_family)l->c.path.peer.family, IP_PROTO_HIP, on_packets, l,
                     &l->sock) == ERR_OK,
         "no raw socket");
    for (size_t i = 0; i < l->n_ready; i++) {
        l->ready[i] = bind_mn_new(&l->c, l->next_sub++);
        must(l->ready[i] != NULL, "no node");
    }
}

static void finish(struct load *l)
{
    while (l->next_ready < l->n_ready)
        bind_mn_free(l->ready[l->next_ready++]);
    rt_sock_close(l->sock);
    rt_timer_free(l->timer);
    rt_loop_free(l->loop);
    htab_free(l->by_hit);
    heap_done(&l->due);
    free(l->slots);
    free(l->ready);
    free(l->latency_us);
    free(l->c.acts);
}

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(char **v)
{
    struct load l = { 0 };
    double warm = atof(v[7]), seconds = atof(v[8]);
    parse(&l, v);
    prepare(&l);
    l.cap_latency = (size_t)(seconds * 100000) + 1;
    l.latency_us = malloc(l.cap_latency * sizeof *l.latency_us);
    must(l.latency_us && seconds > 0, "no memory");
    double cpu = cpu_s();
    uint64_t now = rt_now_us();
    l.begin_us = now + (uint64_t)(warm * 1e6);
    l.end_us = l.begin_us + (uint64_t)(seconds * 1e6);
    for (size_t i = 0; i < l.n_slots; i++)
        begin(&l, &l.slots[i], rt_now_us());
    rearm(&l);
    rt_loop_run(l.loop);
    tell(&l, cpu_s() - cpu);
    finish(&l);
    return 0;
}

static int subscribers(uint64_t first, uint64_t n)
{
    uint8_t k[AKA_K_LEN], opc[AKA_OPC_LEN];
    char imsi[IMSI_MAX + 1], k_text[2 * AKA_K_LEN + 1], opc_text[2 * AKA_OPC_LEN + 1];
    printf("imsi,k,opc\n");
    for (uint64_t i = first; i < first + n; i++) {
        bind_mn_imsi(i, imsi);
        bind_mn_keys(i, k, opc);
        printf("%s,%s,%s\n", imsi, hex_encode(span_of(k, sizeof k), k_text),
               hex_encode(span_of(opc, sizeof opc), opc_text));
    }
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    must(crypto_init() == ERR_OK, "no crypto");
    env = rt_env((struct log){ 0 });
    if (argc == 11 && strcmp(argv[1], "run") == 0)
        return run(argv + 2);
    if (argc == 4 && strcmp(argv[1], "subscribers") == 0)
        return subscribers(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    fprintf(stderr,
            "usage: bind_load run FA_HIT OUR_ADDRESS FA_ADDRESS DOMAIN FIRST NODES AT_A_TIME WARM_S SECONDS\n"
            "       bind_load subscribers FIRST NUMBER\n");
    return 2;
}
