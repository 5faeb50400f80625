/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's data plane: packets of applications into ESP and back (BEET, hip/esp), by the SAs that host/core hands out. Packets for a
 * peer without SAs wait, a few for each peer, until there are some or the peer proves unreachable; then the application is
 * told by ICMPv6. No I/O: octets go out through struct host_data_io.
 *
 * SAs belong to it from host_data_up() on.
 */
#pragma once

#include "common/base/env.h"
#include "hip/engine.h"
#include "hip/esp/sa.h"

#define HOST_DATA_PAIRS_MAX 512 /* pairs of SAs */
#define HOST_DATA_WAIT_MAX  8   /* packets that wait for one peer */
#define HOST_DATA_PEERS_MAX 64  /* peers that packets wait for */
/* What expects an answer has one sooner; then the peer may be gone; a peer that only listens is asked no oftener than that. */
#define HOST_DATA_SILENT_US 1500000
#define HOST_DATA_LOST_US   5000000
#define HOST_DATA_AGAIN_US  8000000
#define HOST_DATA_ROOM \
    ((size_t)64) /* octets the caller leaves free before and behind a packet from an application */

struct host_data_io {
    void *ctx;
    void (*esp_out)(void *ctx, const struct hip_path *path, struct span octets);
    void (*app_out)(void *ctx, const uint8_t *packet, size_t len); /* to the TUN */
    void (*want)(void *ctx, const struct hit *peer);               /* no SA for this peer yet */
    /* Packets go out and none has come in for so long: after HOST_DATA_SILENT_US, after HOST_DATA_LOST_US, then every
     * HOST_DATA_AGAIN_US. */
    void (*silent)(void *ctx, struct hip_ref ref, uint64_t us);
    /* Data came or went; at most twice a second for each pair. octets: for hip_cba_received(); sent_us: when ESP last went out, 0: none since the
     * last call. */
    void (*used)(void *ctx, struct hip_ref ref, uint64_t octets, uint64_t sent_us);
};

struct host_data_count {
    uint64_t sent, received;           /* packets through ESP */
    uint64_t sent_octets, recv_octets; /* of them, inner packets */
    uint64_t no_spi, bad;              /* inbound ESP of no SA; refused by its SA */
    uint64_t waited, wait_dropped;     /* outbound packets without SA */
    uint64_t no_credit;                /* to a locator that is not verified, and beyond its credit */
    uint64_t not_hit, unreachable,
        failed; /* from applications: not between HITs; answered by ICMPv6; not sealed */
};

struct host_data;
/* NULL: out of memory. io is copied. */
struct host_data *host_data_new(const struct env *env, const struct host_data_io *io);
void host_data_free(struct host_data *d);

/* A pair of SAs is usable; replaces what these HITs had, unless it is of the same association: after a rekey the path stays, and the old inbound SA until
 * the new one carries something; out NULL: the old outbound one stays as well. What waits for the peer goes out. Takes in and out over in any case. */
void host_data_up(struct host_data *d, struct hip_ref ref, const struct hit *local, const struct hit *peer,
                  struct esp_sa *in, struct esp_sa *out, const struct hip_path *path, uint64_t now);
/* unverified: packets go there as far as the credit reaches (HIP_ACT_SA_PATH), the others are dropped. */
void host_data_path(struct host_data *d, const struct hit *local, const struct hit *peer,
                    const struct hip_path *path, bool unverified, uint64_t credit, uint64_t now);
void host_data_down(struct host_data *d, const struct hit *local, const struct hit *peer);
/* Packets that wait for the peer are answered with ICMPv6 "address unreachable" and dropped. */
void host_data_unreachable(struct host_data *d, const struct hit *peer);

/* A packet of an application, with HOST_DATA_ROOM octets of room around it. */
void host_data_from_app(struct host_data *d, uint8_t *packet, size_t len, uint64_t now);
/* One ESP packet, without IP header. */
void host_data_from_net(struct host_data *d, struct span esp, uint64_t now);

const struct host_data_count *host_data_count(const struct host_data *d);
/* Counters of one pair; false: there is none. */
bool host_data_pair(const struct host_data *d, const struct hit *local, const struct hit *peer,
                    struct esp_counters *in, struct esp_counters *out);
