/* SPDX-License-Identifier: Apache-2.0
 *
 * The IPv4 side of the data plane: applications that know only IPv4 speak with LSIs (host/lsi.h), what goes through ESP is between HITs. Outbound
 * packets are translated (host/xlat.h); inbound ones too, where the application here speaks IPv4 (host/flow.h). Two applications that speak to the same
 * port of the same peer from the same port of theirs, one in each family, cannot be told apart: the second one's packets are refused.
 *
 * The first fragment of an ICMP echo is held until the last one tells how long the whole is (host/xlat.h); HOST_V4_HELD_MAX of them at a time, and then the one
 * held for longest goes nowhere.
 */
#pragma once

#include "common/base/env.h"
#include "host/lsi.h"

#define HOST_V4_HELD_MAX 8
#define HOST_V4_HELD_US  UINT64_C(2000000)

struct host_v4_io {
    void *ctx;
    void (*app_out)(void *ctx, const uint8_t *packet, size_t len); /* to the TUN */
    /* Is there a socket here that a packet of this protocol from peer to local would be given to? Both have their ports. */
    bool (*takes)(void *ctx, uint8_t proto, const struct addr *local, const struct addr *peer);
};

struct host_v4_count {
    uint64_t out, in; /* translated */
    /* Dropped. From applications: not one whole IPv4 packet; its source is not our LSI; its destination is nobody's LSI, answered by ICMP; we have no
     * identity, answered by ICMP. */
    uint64_t malformed, spoofed, unknown, no_identity;
    uint64_t untranslated; /* either way: what host/xlat.h leaves out; held, and no last fragment came */
    uint64_t clash; /* from applications: another one has this flow in the other family; answered by ICMP */
    uint64_t full;  /* inbound: no LSI for the peer */
};

struct host_v4;
/* lsis stays its owner's. options: IPv4 options go along. NULL: out of memory. */
struct host_v4 *host_v4_new(const struct env *env, const struct host_v4_io *io, struct host_lsis *lsis,
                            bool options);
void host_v4_free(struct host_v4 *v); /* NULL is fine */
void host_v4_identity(struct host_v4 *v, const struct hit *hit,
                      bool ours); /* it is ours from now on, or no longer */

/* An IPv4 packet of an application as an IPv6 packet between HITs, valid until the next call, with HOST_DATA_ROOM octets of room around it; NULL: dropped, or
 * held. *df: it must not be split. */
uint8_t *host_v4_from_app(struct host_v4 *v, const uint8_t *packet, size_t len, uint64_t now, size_t *out_len,
                          bool *df);
/* What the last packet let go, after it and as from it; NULL: nothing. */
uint8_t *host_v4_more(struct host_v4 *v, uint64_t now, size_t *out_len, bool *df);
/* An application sent this IPv6 packet between HITs. false: dropped. */
bool host_v4_speaks6(struct host_v4 *v, struct span ip6, uint64_t now);
/* An IPv6 packet between HITs for an application. true: it was one that speaks IPv4, and has it; false: it is to get it as it is. */
bool host_v4_to_app(struct host_v4 *v, struct span ip6, uint64_t now);

const struct host_v4_count *host_v4_count(const struct host_v4 *v);
