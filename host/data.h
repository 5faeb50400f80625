/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's data plane: packets of applications into ESP and back (BEET, hip/esp), by the SAs that host/core hands out. Packets for a
 * peer without SAs wait, a few for each peer, until there are some or the peer proves unreachable; then the application is
 * told by ICMP. Applications that speak IPv4 have their packets translated (host/v4.h). No I/O: octets go out through struct host_data_io.
 *
 * SAs belong to it from host_data_up() on.
 */
#pragma once

#include "common/base/env.h"
#include "hip/engine.h"
#include "hip/esp/beet.h"
#include "hip/esp/sa.h"

#define HOST_DATA_PAIRS_MAX 512 /* pairs of SAs */
#define HOST_DATA_WAIT_MAX  8   /* packets that wait for one peer */
#define HOST_DATA_PEERS_MAX 64  /* peers that packets wait for */
/* What expects an answer has one sooner; then the peer may be gone; a peer that only listens is asked no oftener than that. */
#define HOST_DATA_SILENT_US 1500000
#define HOST_DATA_LOST_US   5000000
#define HOST_DATA_AGAIN_US  8000000
#define HOST_DATA_LATE_US \
    2000000 /* the old inbound SA is kept so long after the new one carried something (RFC 7402 s3.3.3) */
#define HOST_DATA_MTU_US 1000000  /* what a path takes is asked anew after that */
#define HOST_DATA_ASK_US 10000000 /* keys that are due are asked for so often, until they come */
#define HOST_DATA_ROOM \
    ((size_t)64) /* octets the caller leaves free before and behind a packet from an application */

#define HOST_DATA_PACKET_MAX 9216

struct host_v4;

struct host_data_io {
    void *ctx;
    void (*esp_out)(void *ctx, const struct hip_path *path, const struct beet_outer *outer,
                    struct span octets);
    void (*app_out)(void *ctx, const uint8_t *packet, size_t len); /* to the TUN */
    void (*want)(void *ctx, const struct hit *peer);               /* no SA for this peer yet */
    /* Packets go out and none has come in for so long: after HOST_DATA_SILENT_US, after HOST_DATA_LOST_US, then every
     * HOST_DATA_AGAIN_US. */
    void (*silent)(void *ctx, struct hip_ref ref, uint64_t us);
    /* Data came or went; at most twice a second for each pair. octets: for hip_cba_received(); sent_us: when ESP last went out, 0: none since the
     * last call. */
    void (*used)(void *ctx, struct hip_ref ref, uint64_t octets, uint64_t sent_us);
    /* The SAs have done what struct host_data_limits lets them: new ones are due (RFC 7402 s3.3.6, s6.8). */
    void (*due)(void *ctx, struct hip_ref ref);
    /* The first packet by a new inbound SA whose outbound one is not there yet. */
    void (*rekeyed)(void *ctx, struct hip_ref ref, uint32_t spi);
    /* The longest IP packet that goes to path->peer from path->local; 0: not known. */
    unsigned (*path_mtu)(void *ctx, const struct hip_path *path);
};

/* What the SAs of one pair do before new ones are asked for; each direction by itself, whichever is first; 0: no limit of ours. The suite's own limits
 * (esp_sa_used_up()) are halved and count too. Up to an eighth is taken off at random, so that both ends seldom ask at once. What is due is asked for by the
 * packet that finds it so: SAs that carry nothing stay as they are. */
struct host_data_limits {
    uint64_t packets, octets, age_us;
};

struct host_data_count {
    uint64_t sent, received;           /* packets through ESP */
    uint64_t sent_octets, recv_octets; /* of them, inner packets */
    uint64_t no_spi, bad;              /* inbound ESP of no SA; refused by its SA */
    uint64_t waited, wait_dropped;     /* outbound packets without SA */
    uint64_t too_big;                  /* answered by ICMPv6 "packet too big" */
    uint64_t due;                      /* times new SAs were asked for */
    uint64_t no_credit;                /* to a locator that is not verified, and beyond its credit */
    uint64_t not_hit, unreachable,
        failed; /* from applications: not between HITs; answered by ICMPv6; not sealed */
};

struct host_data;
/* NULL: out of memory. io and limits are copied. */
struct host_data *host_data_new(const struct env *env, const struct host_data_io *io,
                                const struct host_data_limits *limits);
void host_data_free(struct host_data *d);
/* From now on IPv4 packets of applications are taken too. v4 stays its owner's; NULL: none. */
void host_data_v4(struct host_data *d, struct host_v4 *v4);

/* A pair of SAs is usable; replaces what these HITs had, unless it is of the same association: after a rekey the path stays, and the old inbound SA until
 * a little after the new one carries something. out NULL: the old outbound one stays; or, with none before, our I2 is about to leave and the R2 that brings
 * the other one may be overtaken by ESP (RFC 7402 s3.3.1). With out, what waits for the peer goes out. Takes in and out over in any case. */
void host_data_up(struct host_data *d, struct hip_ref ref, const struct hit *local, const struct hit *peer,
                  struct esp_sa *in, struct esp_sa *out, const struct hip_path *path, uint64_t now);
/* unverified: packets go there as far as the credit reaches (HIP_ACT_SA_PATH), the others are dropped. */
void host_data_path(struct host_data *d, const struct hit *local, const struct hit *peer,
                    const struct hip_path *path, bool unverified, uint64_t credit, uint64_t now);
void host_data_down(struct host_data *d, const struct hit *local, const struct hit *peer);
/* Packets that wait for the peer are answered with ICMPv6 "address unreachable" (ICMP "host unreachable") and dropped. */
void host_data_unreachable(struct host_data *d, const struct hit *peer, uint64_t now);

/* A packet of an application, with HOST_DATA_ROOM octets of room around it. One that would be longer outside than the path takes is answered with ICMPv6 "packet
 * too big" (ICMP "fragmentation needed"), but not below 1280 octets, which IPv6 promises: such a packet goes, in fragments outside. An IPv4 packet without
 * DF is split before it is sealed. */
void host_data_from_app(struct host_data *d, uint8_t *packet, size_t len, uint64_t now);
/* One ESP packet, without IP header; outer: of that header. */
void host_data_from_net(struct host_data *d, const struct beet_outer *outer, struct span esp, uint64_t now);

const struct host_data_count *host_data_count(const struct host_data *d);
/* Counters of one pair, of SAs replaced by rekeys as well; false: there is none. */
bool host_data_pair(const struct host_data *d, const struct hit *local, const struct hit *peer,
                    struct esp_counters *in, struct esp_counters *out);
