/* SPDX-License-Identifier: Apache-2.0
 *
 * hipfad's way to the zone: takes the core's DNS jobs (FA_JOB_DNS, FA_JOB_DNS_OWN, FA_JOB_ZONE), carries each out as signed transactions
 * with the zone's primary, and gives back the job's result. Updates and questions go to the primary itself, under TSIG, never to a cache.
 */
#pragma once

#include "common/base/env.h"
#include "common/rt/loop.h"
#include "dnsupd/txn.h"
#include "fa/core/job.h"

struct fa_dns;

struct fa_dns_config {
    struct rt_loop *loop;
    const struct env *env;
    const char *zone;                /* apex; copied */
    const struct dnsu_tsig_key *key; /* outlives us */
    uint8_t n_servers;
    struct addr server[DNSU_SERVERS_MAX]; /* port 0: 53 */
    uint8_t tries;                        /* these four as in struct dnsu_txn_config; 0: its defaults */
    uint64_t first_us, max_us, tcp_us;
    unsigned jobs_max; /* under way at a time; 0: 256 */
};

struct fa_dns_stats {
    uint64_t done, in_use, changed, refused, unreachable; /* transactions */
    uint64_t proved;                                      /* updates found done by an earlier try */
    uint64_t tries, ignored;                              /* messages sent; replies without a good TSIG */
    unsigned pending;
};

/* done is called from the loop, once for each job submitted, never from within fa_dns_submit(). ERR_MALFORMED: zone. ERR_CONFIG: no server. ERR_MEMORY. */
MUST_USE err fa_dns_new(const struct fa_dns_config *c, void (*done)(void *ctx, const struct fa_result *r),
                        void *ctx, struct fa_dns **out);
/* Jobs under way are dropped without a result: the store still has their intents. NULL is fine. Not from within done. */
void fa_dns_free(struct fa_dns *d);
/* Copies the job. ERR_UNSUPPORTED: not one of ours. ERR_FULL, ERR_MEMORY: no result will come. */
MUST_USE err fa_dns_submit(struct fa_dns *d, const struct fa_job *job);
void fa_dns_stats_get(const struct fa_dns *d, struct fa_dns_stats *out);
