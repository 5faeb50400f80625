/* SPDX-License-Identifier: Apache-2.0
 *
 * The flow table of the data relay (RFC 9028 s4.12): which ESP goes where. Flat, of fixed size, without pointers, so that another carrier (XDP) can copy
 * it entry by entry; memory is allocated in fa_flows_new() only.
 *
 * A flow is one permission: (client, SPI that it sends) -> (from the relayed port, to the peer), and (relayed port, peer, SPI that the client
 * receives) -> (client). A client is a registered HIT, with what its flows carried and what it may carry. Both are slots of the table.
 *
 * Writers: the slots are shared out evenly (fa_flows_share()), each share has one writer: the engine of a worker. Readers: any thread, without a
 * lock: a slot has a version that is odd while it is written (a sequence lock), the two indices are words that are put in and taken out by
 * compare-and-swap. Counters and buckets are atomics that every thread adds to. Times: microseconds of the caller's one clock.
 */
#pragma once

#include <stdatomic.h>

#include "common/base/addr.h"
#include "common/base/err.h"
#include "hip/hit.h"

#define FA_FLOW_NONE     UINT32_MAX
#define FA_FLOWS_MAX     ((1u << 24) - 2)
#define FA_PERMISSION_US (UINT64_C(300) * 1000000) /* RFC 9028 s4.12.1 */
#define FA_FLOW_OCTETS   128

/* A transport address, as a key: IPv4 as IPv4-mapped IPv6. Host order. */
struct fa_end {
    uint8_t ip[16];
    uint16_t port;
    uint16_t zero;
};
struct fa_end fa_end_of(const struct addr *a);
struct addr fa_end_addr(const struct fa_end *e);
bool fa_end_eq(const struct fa_end *a, const struct fa_end *b);

/* One permission. 128 octets, no padding. */
struct fa_flow {
    struct hit hit;        /* client */
    struct fa_end client;  /* where it is registered */
    struct fa_end local;   /* address and port of ours that it uses: 10500 */
    struct fa_end relayed; /* its relayed address */
    struct fa_end peer;    /* port not 0 */
    uint32_t spi_out;      /* client -> peer */
    uint32_t spi_in;       /* peer -> client */
    uint64_t expires_us;   /* exclusive */
    uint32_t owner;        /* slot of the client */
    uint32_t owner_gen;    /* ... and its generation */
    uint64_t since_us;
};
_Static_assert(sizeof(struct fa_flow) == FA_FLOW_OCTETS, "copied as it is");

/* What a client had refused. */
enum fa_refusal {
    FA_REFUSED_PERMISSION,  /* NO_PERMISSION */
    FA_REFUSED_QUOTA,       /* OVER_QUOTA, RELAY_BUSY */
    FA_REFUSED_DESTINATION, /* FORBIDDEN_DESTINATION */
    FA_REFUSED_OTHER,
    FA_REFUSED__COUNT
};
enum fa_refusal fa_refusal_of(int drop);
const char *fa_refusal_name(enum fa_refusal r);

struct fa_flows_config {
    uint32_t flows, clients;            /* slots; 0: 16384 and 65536 */
    uint16_t hip_port;                  /* clients send here; 0: 10500 */
    uint64_t client_bit_s, total_bit_s; /* ESP, both directions together; 0: no limit */
    uint32_t client_packet_s;           /* 0: no limit */
    uint8_t seed[16];                   /* random */
};

struct fa_flows;
struct fa_flows *fa_flows_new(const struct fa_flows_config *c); /* NULL: out of memory */
void fa_flows_free(struct fa_flows *t);

/* What one client's flows carried; sums since it came. */
struct fa_traffic {
    uint64_t packets_out, octets_out; /* client -> peer */
    uint64_t packets_in, octets_in;   /* peer -> client */
    uint64_t refused[FA_REFUSED__COUNT];
};

/* ---- writers ---- */

/* The slots [first, last) that writer `share` of `shares` may use, of flows and of clients. */
void fa_flows_share(const struct fa_flows *t, uint32_t share, uint32_t shares, uint32_t flow[2],
                    uint32_t client[2]);
/* A client into a free slot of the writer's: counters and buckets begin anew. Its generation is the answer. */
uint32_t fa_flows_client_put(struct fa_flows *t, uint32_t slot, const struct hit *hit);
void fa_flows_client_del(struct fa_flows *t, uint32_t slot);
/* The relayed port is open, and this client's; FA_FLOW_NONE: it is closed. */
void fa_flows_port_set(struct fa_flows *t, uint16_t port, uint32_t client);
/* A flow into a free slot of the writer's. ERR_EXISTS: another flow has one of its two keys. ERR_FULL: no place in an index. */
MUST_USE err fa_flows_put(struct fa_flows *t, uint32_t slot, const struct fa_flow *f);
void fa_flows_refresh(struct fa_flows *t, uint32_t slot, uint64_t expires_us);
void fa_flows_del(struct fa_flows *t, uint32_t slot);

/* ---- readers ---- */

/* A consistent copy. False: the slot is free (or was written all the time while we looked). */
bool fa_flows_get(const struct fa_flows *t, uint32_t slot, struct fa_flow *out);
/* ESP from a client: its address, ours, the SPI. FA_FLOW_NONE: there is none. */
uint32_t fa_flows_find_out(const struct fa_flows *t, const struct fa_end *client, const struct fa_end *local,
                           uint32_t spi, struct fa_flow *out);
/* ESP at a relayed port: from this peer, with this SPI. */
uint32_t fa_flows_find_in(const struct fa_flows *t, const struct fa_end *relayed, const struct fa_end *peer,
                          uint32_t spi, struct fa_flow *out);
/* Slot of the client whose open port this is; FA_FLOW_NONE: not open. */
uint32_t fa_flows_port_client(const struct fa_flows *t, uint16_t port);
/* False: free. */
bool fa_flows_client_get(const struct fa_flows *t, uint32_t slot, struct hit *hit, struct fa_traffic *out);
uint16_t fa_flows_hip_port(const struct fa_flows *t);
uint32_t fa_flows_size(const struct fa_flows *t);
/* Refusals of the whole table by drop reason (hip/drop.h). */
uint64_t fa_flows_refused(const struct fa_flows *t, int drop);

/* ---- buckets and counters (fa/core/relay.c) ---- */

/* Would so many packets, of so many octets together, stay inside the client's limits and the total? HIP_TAKEN, OVER_QUOTA, RELAY_BUSY. Changes nothing. */
int fa_flows_may(const struct fa_flows *t, uint32_t client, uint32_t packets, size_t octets, uint64_t now);
/* Takes them from the buckets and counts them. out: client -> peer. HIP_TAKEN or as above (then nothing is counted). */
int fa_flows_take(struct fa_flows *t, uint32_t client, uint32_t gen, bool out, uint32_t packets,
                  size_t octets, uint64_t now);
/* client FA_FLOW_NONE: nobody's. */
void fa_flows_refuse(struct fa_flows *t, uint32_t client, uint32_t packets, int drop);
