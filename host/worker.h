/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's middle: sockets (HIP and ESP over IPv4 and IPv6), TUN, interfaces, timers on one side; host/core on the other. Brings packets
 * and events in, carries the actions out.
 */
#pragma once

#include "host/data.h"
#include "host/events.h"
#include "host/ifaces.h"
#include "host/jobs.h"
#include "host/lsi.h"
#include "host/schema.h"
#include "host/tun.h"
#include "host/usim_pcsc.h"
#include "host/v4.h"

struct host_worker;

#define HOST_WORKER_WHY_MAX 512

/* A name's look-up ended: a is HOST_ACT_RESOLVED. */
typedef void (*host_resolved_fn)(void *ctx, const struct host_action *a);

struct host_worker_parts {
    struct rt_loop *loop;
    const struct env *env;
    const struct host_settings *settings; /* stays */
    const struct hip_hi *hi;              /* NULL: the SIM's */
    const struct usim *card;              /* NULL: none */
    struct usim_pcsc *readers;            /* what is behind it, if it lies in a reader; NULL */
    struct rt_resolver *resolve;          /* NULL: no DNS */
    const uint8_t *lsi_key;               /* HOST_LSI_KEY_LEN octets */
};

/* Everything opened, nothing sent yet. why: one line for people. */
MUST_USE err host_worker_new(const struct host_worker_parts *parts, struct host_worker **out,
                             char why[HOST_WORKER_WHY_MAX]);
void host_worker_free(struct host_worker *w); /* NULL is fine */
void host_worker_start(struct host_worker *w);
/* Say good-bye to the peers; `stopped` is called when they answered, or a second later. */
void host_worker_stop(struct host_worker *w, void (*stopped)(void *ctx), void *ctx);

/* Tickets whose top bit is set are answered to the second one given, the others to the first. */
#define HOST_TICKET_CTL (1ull << 63)
void host_worker_resolved(struct host_worker *w, host_resolved_fn stub, void *stub_ctx, host_resolved_fn ctl,
                          void *ctl_ctx);
void host_worker_resolve(struct host_worker *w, const struct dnsu_name *name, uint64_t ticket);
/* Answered to the second one given, by HOST_ACT_PROBED. */
void host_worker_ping(struct host_worker *w, const struct hit *peer, uint64_t ticket);
void host_worker_retry(struct host_worker *w);
/* As host_take_over(). */
MUST_USE err host_worker_take_over(struct host_worker *w, const uint8_t *secret);

/* ---- looking at it ---- */
struct host *host_worker_core(struct host_worker *w);
const struct host_events *host_worker_events(const struct host_worker *w);
struct host_data *host_worker_data(struct host_worker *w);
struct host_lsis *host_worker_lsis(struct host_worker *w); /* NULL: none here */
/* The LSI of a HIT, given now if it has none, our own for ours. false: there are none here, or the table is full. */
bool host_worker_lsi(struct host_worker *w, const struct hit *hit, struct addr *out);
const struct host_v4 *host_worker_v4(const struct host_worker *w); /* NULL: the same */
struct host_ifaces *host_worker_ifaces(struct host_worker *w);

struct host_worker_count {
    uint64_t hip_in, hip_out, hip_dropped; /* dropped: refused by the engine, whatever the reason */
    uint64_t send_failed;                  /* no socket of that family, or the kernel refused */
    uint64_t jobs;
};
struct host_worker_count host_worker_count(const struct host_worker *w);
