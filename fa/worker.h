/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker of hipfad: carriers of HIP packets, the engine of fa/core, its actions carried out in order, its jobs given to who can do
 * them (authentication server, subscriber data, store, DNS) and their results given back. Everything runs on the loop's thread but the
 * blocking jobs, which have threads of their own and touch nothing here.
 */
#pragma once

#include <stdatomic.h>

#include "common/rt/loop.h"
#include "fa/acct_way.h"
#include "fa/as_radius.h"
#include "fa/carrier.h"
#include "fa/core/directory.h"
#include "fa/core/locks.h"
#include "fa/dns.h"
#include "fa/schema.h"
#include "fa/steer.h"
#include "fa/store.h"
#include "fa/subs.h"
#include "fa/subs_hlr.h"

struct worker;

/* Lines that a worker wrote lately, so that not each of them writes the same: the upper half of a keyed hash, and when (seconds). */
struct worker_said {
    _Atomic uint64_t slot[64];
};

/* What one of several workers knows of the others (fa/group.h). Everything in it outlives the workers. */
struct worker_peers {
    unsigned index;
    struct fa_steer steer; /* .workers: how many there are */
    struct fa_flows *flows;
    struct fa_directory *directory;
    struct fa_locks *locks;
    struct worker_said *said;
    void *ctx;
    /* A HIP packet that belongs to another worker; copied. False: not possible now. */
    bool (*packet)(void *ctx, unsigned to, const struct hip_path *path, struct span octets);
    /* What concerns a host that is not this worker's. */
    void (*tell)(void *ctx, const struct fa_tell *x);
    /* A relayed port of this worker's was opened or closed: the others send from it too. */
    void (*port)(void *ctx, unsigned from, uint16_t port, bool open);
};

struct worker_config {
    struct rt_loop *loop;
    const struct env *env;
    const struct fa_settings *settings;
    const struct hip_hi *identity; /* outlives the worker */
    struct store store;            /* taken over, closed at the end; also on failure */
    struct subs subs;
    const struct dnsu_tsig_key *key;      /* outlives the worker */
    const struct as_radius_realm *realms; /* as in settings->realm */
    const struct cert_cas *ca; /* of certificates that hosts register with; NULL: none; outlives the worker */
    uint64_t r1_counter, r1_counter_end; /* values that are ours (store_ops.r1_reserve) */
    uint8_t log_key[16];
    const struct worker_peers *peers; /* NULL: the only one; outlives the worker */
    struct acct_way acct;
};

/* Opens the sockets (CAP_NET_RAW). ERR_REFUSED, ERR_IO, ERR_MEMORY; of an authentication server's certificates ERR_MALFORMED, ERR_AUTH. */
MUST_USE err worker_new(const struct worker_config *c, struct worker **out);
/* Only where rt_loop_run() has returned: waits for blocking jobs. NULL is fine. */
void worker_free(struct worker *w);
/* Settles what an earlier life left open and begins to serve. */
void worker_start(struct worker *w);

/* From another worker, on this one's thread. */
void worker_packet(struct worker *w, const struct hip_path *path, struct span octets);
void worker_tell(struct worker *w, const struct fa_tell *x);
struct carrier_udp *worker_udp(struct worker *w); /* NULL: no UDP */

#define WORKER_R1_BLOCK 65536 /* generations of R1 taken from the store at a time */

/* ---- for the control socket ---- */

json_t *worker_as_status(const struct worker *w); /* as_radius_status() */

struct worker_stats {
    struct fa_stats fa;
    struct as_stats as;
    struct fa_dns_stats dns;
    struct carrier_stats raw, udp;
    uint64_t jobs_refused; /* no place in a queue */
    uint64_t handed_over;  /* packets that belong to another worker; lost: it did not take them */
    uint64_t handed_lost;
    size_t work_pending;
    uint64_t up_us;
};
void worker_stats(const struct worker *w, struct worker_stats *out);
struct fa *worker_fa(struct worker *w);            /* for looking at */
json_t *worker_hlr_status(const struct worker *w); /* subs_hlr_status(); a new object */
/* As fa_revoke(). */
MUST_USE err worker_revoke(struct worker *w, const char *name, const struct hit *hit);
/* fa/listing.c: every row of the store, and its counts; done on the loop, exactly once, e OK or what failed. rows is the callee's for the call only. ERR_FULL,
 * ERR_MEMORY: done is not called. */
typedef void (*worker_list_fn)(void *ctx, err e, const struct store_counts *counts,
                               const struct fa_binding *rows, size_t n);
MUST_USE err worker_list(struct worker *w, worker_list_fn done, void *ctx);
/* A line of the audit trail, for `hipctl events`. */
void worker_audit(struct worker *w, bool alarm, const char *what);
/* run with the store on the thread that may block, then done on the loop, exactly once; ran false: the worker ends first, or what was written is not on disk. ERR_FULL, ERR_MEMORY: neither
 * is called. */
MUST_USE err worker_store(struct worker *w, void (*run)(void *arg, const struct store *s),
                          void (*done)(void *arg, bool ran), void *arg);
