/* SPDX-License-Identifier: Apache-2.0
 *
 * What carries HIP packets to and from the engine, relayed ones among them. The engine decides (fa/core), a carrier only moves octets: fa/carrier_raw
 * (IP protocol 139) and fa/carrier_udp (UDP encapsulation). A relay in the kernel would be another.
 */
#pragma once

#include "hip/engine.h"

/* One packet that came in; octets are borrowed until it returns. The carrier must not be closed inside. */
typedef void (*carrier_recv_fn)(void *ctx, const struct hip_path *path, struct span octets);

struct carrier_stats {
    struct {
        uint64_t in, out, cut, out_failed;
    } v4, v6;
    uint64_t keepalives;      /* UDP: shorter than a marker */
    uint64_t esp_in, esp_out; /* UDP: ESP packets that came, and that were passed on */
    uint64_t esp_unknown;     /* UDP: ESP that belongs to no flow, or was refused */
};

struct carrier_ops {
    /* Copies the octets; they leave before the loop sleeps. ERR_UNSUPPORTED: not a path of this carrier's. ERR_RANGE. */
    err (*send)(void *ctx, const struct hip_path *path, struct span octets);
    /* An ICMP message to path->peer, from path->local; NULL: not with this carrier. */
    err (*icmp)(void *ctx, const struct hip_path *path, struct span octets);
    void (*stats)(void *ctx, struct carrier_stats *out);
    void (*close)(void *ctx);
};

struct carrier {
    const struct carrier_ops *ops;
    void *ctx;
};
