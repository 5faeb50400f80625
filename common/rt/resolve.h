/* SPDX-License-Identifier: Apache-2.0
 *
 * Validated look-ups: libunbound on the loop. Everything is forwarded or asked of the servers of a configured zone; names for which
 * neither is there are refused at once, and nothing ever goes to the root servers. DNSSEC is checked from the anchors given; a name below
 * none of them is insecure.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/err.h"
#include "common/base/span.h"
#include "common/rt/loop.h"

#define RT_RESOLVE_SERVERS_MAX 4
#define RT_RESOLVE_RDATA_MAX   32

/* A zone whose servers are asked directly (they are authoritative). */
struct rt_resolve_zone {
    const char *zone;
    size_t n_server;
    struct addr server[RT_RESOLVE_SERVERS_MAX]; /* port 0: 53 */
    const char *anchor_file;                    /* zone-file text with DS or DNSKEY records; NULL: none */
    const char *anchor;                         /* one such record as text; NULL: none */
};

struct rt_resolve_config {
    size_t n_upstream; /* recursive resolvers for everything else; 0: there is no else */
    struct addr upstream[RT_RESOLVE_SERVERS_MAX];
    const char *anchor_file; /* for everything else (root anchor); NULL: none */
    size_t n_zone;
    const struct rt_resolve_zone *zone;
    uint64_t timeout_us;     /* of one look-up; 0: ten seconds */
    uint32_t negative_ttl_s; /* longest memory of "there is no such"; 0: ten seconds */
    unsigned pending_max;    /* 0: 256 */
};

enum rt_security { RT_DNS_SECURE, RT_DNS_INSECURE, RT_DNS_BOGUS };

/* Borrowed for the one call. */
struct rt_answer {
    err err; /* OK: the zone answered, perhaps with no data. ERR_AUTH: bogus. ERR_TIMEOUT. ERR_UNREACHABLE: no server answered
               * (SERVFAIL). ERR_REFUSED: other RCODEs. ERR_RANGE: not a name. */
    int rcode;
    bool nxdomain;
    enum rt_security security;
    const char *why_bogus; /* "" unless bogus */
    uint32_t ttl;
    const char *canonical; /* where CNAMEs led, or "" */
    size_t n;              /* 0 when bogus */
    struct span rdata[RT_RESOLVE_RDATA_MAX];
};
typedef void (*rt_resolve_fn)(void *ctx, const struct rt_answer *a);

struct rt_resolver;
/* ERR_CONFIG: zone, server or anchor not understood. ERR_MEMORY. */
MUST_USE err rt_resolver_new(struct rt_loop *l, const struct rt_resolve_config *c, struct rt_resolver **out);
/* Calls nobody back. NULL is fine. */
void rt_resolver_free(struct rt_resolver *r);

/* Class IN. The callback comes from the loop, later, exactly once, unless cancelled. ERR_FULL, ERR_MEMORY. */
MUST_USE err rt_resolve(struct rt_resolver *r, const char *name, int type, rt_resolve_fn fn, void *ctx,
                        uint32_t *id);
void rt_resolve_cancel(struct rt_resolver *r, uint32_t id); /* an id that is over is fine */
