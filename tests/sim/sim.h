/* SPDX-License-Identifier: Apache-2.0
 *
 * A simulator for HIP engines: a virtual clock, hosts with addresses, and links between them that lose, duplicate, delay and
 * reorder. Everything random comes from one seed, which is printed when a test fails; `SEED=n` in the environment replays it.
 *
 * Each host has one engine and one owner. The owner answers ASK_I2 and ASK_R2 with what the test put into the host (or holds the
 * question until the test answers), and notes what it was told. A test reads as a ladder: sim_ladder() is the packets as they
 * were sent, one a line, "mn>fa I1", with " udp" behind those in UDP and "(lost)" behind those that a link or a rule took.
 */
#pragma once

#include "hip/drop.h"
#include "hip/engine.h"
#include "hip/pkt.h"
#include "tests/sim/nat.h"

#define SIM_HOSTS   6
#define SIM_ADDRS   4
#define SIM_TRAFFIC 4096
#define SIM_RULES   16

struct sim;

struct sim_link {
    unsigned loss_pm, dup_pm, reorder_pm; /* per mille of packets */
    uint64_t delay_us, jitter_us;         /* reordered ones are held back five delays more */
};

/* What an owner was told, counted, with the last of each kept. */
struct sim_host {
    const char *name;
    struct hip_engine *e;
    struct hip_hi hi; /* its key is shared by all worlds */
    struct addr addr[SIM_ADDRS];
    size_t n_addr;

    struct hip_answer i2, r2; /* given when asked */
    bool hold;                /* questions wait in asked_ref */
    struct hip_ref asked;
    unsigned asked_i2, asked_r2;
    bool asked_relayed;
    uint16_t asked_mode; /* NAT traversal */
    struct hip_contents ask_contents;
    struct hip_answer *reply; /* contents sent at once in answer to an UPDATE, NULL: leave it to the timer */
    bool done;                /* hip_update_done() in answer to an UPDATE */
    bool relays; /* rendezvous server for everybody it has an association with, in UDP their control relay */

    struct hip_ref only; /* set: SAs, moves and ends of this association alone are noted */
    uint64_t octets_in;  /* of HIP packets */
    struct hip_ref ref;  /* of the last SA_UP */
    unsigned up, sa_up, sa_down, gone, updates, acked, moved, notified;
    bool initiator;
    enum hip_gone why;
    uint16_t notify_code;
    size_t notify_n; /* octets of its data */
    uint32_t update_id, acked_id;
    bool update_acks_ours;
    uint8_t inner[HIP_PACKET_MAX]; /* of the last question or contents */
    size_t inner_n;
    struct hip_contents contents;
    struct hip_path sa_path;
    bool unverified; /* data there within `credit` */
    uint64_t credit;
    uint8_t di[HIP_DI_MAX]; /* ask_contents.di is here */
    unsigned sa_in;         /* inbound SAs of rekeys, before the outbound ones */
    unsigned sa_first;      /* inbound SAs before I2 */
    unsigned i2_bare;       /* I2s that left with none up */
    uint32_t spi_in, spi_out, spi_in_next;
    uint8_t key_in[64], key_out[64];
    size_t key_in_n, key_out_n;
    int drop;      /* last drop reason */
    unsigned icmp; /* messages; the last one: */
    struct hip_path icmp_path;
    size_t icmp_n;
    uint8_t icmp_p[HIP_PACKET_MAX];

    struct sim_nat
        *nat; /* it stands behind this one (the test's own); hosts behind the same one see each other */
    /* A packet before the engine gets it: true, it was dealt with (*drop says how). For servers that relay. */
    bool (*input)(struct sim *s, struct sim_host *h, const struct hip_path *path, struct span octets,
                  int *drop);
    enum hip_checks what;
    unsigned checks[HIP_CHECKS__COUNT], permits, probes, unanswered;
    uint64_t checked_us; /* when `what` came */
    struct hip_path checks_path;
    struct addr permit_peer;
    uint32_t rtt_us;
};

enum sim_fate { SIM_PASS, SIM_LOSE, SIM_TWICE, SIM_DELAY, SIM_CHANGE };

/* The `skip`+1st to `skip`+`count`th packet of this type from this host to that one meets its fate. */
struct sim_rule {
    const struct sim_host *from;
    uint8_t type; /* enum hip_pkt_type; 0: any */
    unsigned skip, count;
    enum sim_fate fate;
    uint64_t delay_us;
    void (*change)(uint8_t *p, size_t *n); /* SIM_CHANGE: the checksum is made right afterwards */
};

struct sim_packet {
    uint64_t at_us;
    uint64_t order;
    struct hip_path path; /* as the receiver sees it */
    struct sim_host *to;  /* NULL: address that nobody has, or `by` */
    struct sim_nat *by;   /* it arrives at this box */
    size_t n;
    uint8_t p[HIP_PACKET_MAX];
};

struct sim {
    uint64_t now, seed, order;
    uint64_t rng;
    struct env env;
    struct sim_host host[SIM_HOSTS];
    size_t n_hosts;
    struct sim_link link;
    struct sim_rule rule[SIM_RULES];
    size_t n_rules;
    struct sim_packet *air[SIM_TRAFFIC];
    size_t n_air;
    struct hip_actions out;
    char ladder[65536];
    size_t ladder_n;
    struct sim_packet last[32]; /* the last packet of each type as sent, by type */
    bool (*lose)(const struct sim *s,
                 const struct hip_path *path); /* between two outside addresses; as sent */
};

/* A fresh world; link without loss and 10 ms long. */
struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *s);
uint64_t sim_seed(uint64_t otherwise); /* SEED of the environment, else this */
uint64_t sim_random(struct sim *s);

/* The configuration hosts get unless a test says otherwise. */
struct hip_config sim_config(void);
/* key: index into tests/sim/keys.h. addr: "192.0.2.1" and the like. */
struct sim_host *sim_host(struct sim *s, const char *name, const struct hip_config *c, int key,
                          const char *addr);
/* With an identity of the test's own, whose key it keeps. */
struct sim_host *sim_host_hi(struct sim *s, const char *name, const struct hip_config *c,
                             const struct hip_hi *hi, const char *addr);
/* Another address, by which packets reach it too; returns it. */
struct addr sim_addr(struct sim_host *h, const char *addr);
/* Packets to this address reach the host no more. */
void sim_addr_gone(struct sim_host *h, const char *addr);
struct hip_path sim_path(const struct sim_host *from, const struct sim_host *to);
/* The same in UDP, both ports HIP_UDP_PORT. */
struct hip_path sim_udp_path(const struct sim_host *from, const struct sim_host *to);
const struct hit *sim_hit(const struct sim_host *h);
/* a and b in an order such that the first has the greater HIT. */
bool sim_greater(const struct sim_host *a, const struct sim_host *b);

struct sim_rule *sim_rule(struct sim *s, const struct sim_host *from, uint8_t type, enum sim_fate f);

/* hip_connect() over the hosts' first addresses; the ref. Aborts when refused. */
struct hip_ref sim_connect(struct sim *s, struct sim_host *from, struct sim_host *to);
/* The same in UDP; `by` is whom the packets are sent to: `to` itself or its control relay. */
struct hip_ref sim_connect_udp(struct sim *s, struct sim_host *from, struct sim_host *to,
                               const struct sim_host *by);
/* Carry out what an engine call of the test's own left in s->out. */
void sim_act(struct sim *s, struct sim_host *h);
/* Let time pass: until `us` from now, or until nothing is left to happen before that. */
void sim_run(struct sim *s, uint64_t us);
/* Deliver these octets to a host now, as if they came over this path. Returns hip_input()'s verdict. */
int sim_inject(struct sim *s, struct sim_host *to, const struct hip_path *path, struct span octets);
/* A packet that was sent: the last one of this type. NULL: none. */
const struct sim_packet *sim_sent(const struct sim *s, uint8_t type);

/* True when the ladder since the last sim_ladder_clear() is exactly this; prints both when not. */
bool sim_ladder_is(const struct sim *s, const char *expected);
void sim_ladder_clear(struct sim *s);
size_t sim_count(const struct sim *s, const char *line); /* lines of the ladder that begin so */
/* Both ends have an association that is up, with each other's SPIs and keys. */
bool sim_joined(const struct sim_host *a, const struct sim_host *b);
