/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay decision for data (RFC 9028 s4.12): one pure function of a packet's addresses, SPI, length, the time and the flow table (fa/core/flow.h). Any
 * carrier, on any thread, asks it for each UDP packet that does not begin with four zero octets; HIP packets go to the engine
 * (fa_input(), fa_relayed_input() in fa/core/fa.h).
 */
#pragma once

#include "fa/core/flow.h"

/* An ESP packet as it came. */
struct fa_relay_in {
    struct addr local; /* to this address and port of ours: 10500, or a relayed port */
    struct addr from;
    uint32_t spi; /* the first four octets, host order; 0 is a HIP packet's marker */
    uint32_t len; /* UDP payload, octets; of all of them */
    uint32_t
        packets; /* so many with these addresses and this SPI, each of eight octets or more, decided at once; 0: one */
};

/* Where it goes: the payload unchanged. */
struct fa_relay_out {
    struct addr local; /* leaves from here: the relayed port, or 10500 */
    struct addr to;
    uint32_t flow, client, client_gen;
    bool out; /* client -> peer */
};

/* The decision alone; changes nothing. HIP_TAKEN and *out, or one drop reason (hip/drop.h): TRUNCATED, NOT_REGISTERED (no open port), NO_PERMISSION,
 * OVER_QUOTA, RELAY_BUSY. */
int fa_relay_decide(const struct fa_flows *t, const struct fa_relay_in *in, uint64_t now,
                    struct fa_relay_out *out);
/* The packet goes: buckets and counters. Another thread may have emptied the bucket meanwhile: HIP_TAKEN, OVER_QUOTA, RELAY_BUSY. */
int fa_relay_commit(struct fa_flows *t, const struct fa_relay_in *in, const struct fa_relay_out *out,
                    uint64_t now);
/* Both, and refusals counted; but not where a run is over a quota: then part of it may pass, and is asked for packet by packet. */
int fa_relay_esp(struct fa_flows *t, const struct fa_relay_in *in, uint64_t now, struct fa_relay_out *out);

/* ---- where nothing is relayed to ---- */

struct fa_prefix {
    struct addr net;
    uint8_t bits;
};

struct fa_closed {
    uint8_t n_local;
    struct addr local[8];           /* our own addresses: only open relayed ports may be reached there */
    const struct fa_prefix *prefix; /* the operator's own networks */
    size_t n_prefix;
};

/* Unspecified, multicast, broadcast, reserved, loopback, link-local, no port, our own, or listed (RFC 9028 s7; RFC 8656 s5's reasons). Pure. */
bool fa_relay_forbidden(const struct fa_closed *c, const struct fa_flows *t, const struct addr *to);
