/* SPDX-License-Identifier: Apache-2.0
 *
 * Which worker a packet belongs to. HIP: a keyed hash of the client's HIT, which is the receiver's, or the sender's where the receiver is one of ours
 * or NULL; so whatever carries it, UDP or protocol 139, it comes to the worker that has the client's association. ESP in UDP: a hash of
 * the SPI, for any worker can relay it (fa/core/flow.h). The kernel does the same by classic BPF programs that are made here.
 *
 * A run of packets (UDP_GRO) goes where its first one belongs: a worker that gets a HIP packet of another one's hands it over.
 */
#pragma once

#include <linux/filter.h>

#include "common/base/span.h"
#include "hip/hit.h"

#define FA_WORKERS_MAX   64
#define FA_STEER_OWN_MAX 4
#define FA_STEER_PROG    160

struct fa_steer {
    unsigned workers; /* 1..FA_WORKERS_MAX */
    uint32_t seed[4]; /* random, the same for every worker */
    size_t n_own;
    struct hit own[FA_STEER_OWN_MAX];
};

/* The worker, 0..workers-1. */
unsigned fa_steer_hit(const struct fa_steer *s, const struct hit *client);
unsigned fa_steer_esp(const struct fa_steer *s, uint32_t spi);
bool fa_steer_ours(const struct fa_steer *s, const struct hit *hit); /* or NULL */
/* A HIP packet from its header on. One too short to have HITs belongs to worker 0. */
unsigned fa_steer_hip(const struct fa_steer *s, struct span packet);
/* A UDP payload. */
unsigned fa_steer_udp(const struct fa_steer *s, struct span payload);

struct fa_steer_prog {
    size_t n;
    struct sock_filter v[FA_STEER_PROG];
};
/* For rt_sock_steer_group() of the UDP sockets, bound in the order of the workers. */
void fa_steer_udp_prog(const struct fa_steer *s, struct fa_steer_prog *out);
/* For rt_sock_filter() of this worker's raw socket: v4 begins with the IP header, v6 does not. */
void fa_steer_raw_prog(const struct fa_steer *s, bool v4, unsigned worker, struct fa_steer_prog *out);
