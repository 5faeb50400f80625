/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounting (RFC 2866): what happens to sessions is written to the queue on disk (fa/acct_store.h), and sent from there to the accounting server that answers,
 * until it acknowledges. Records of one session go one after the other, in their order; Accounting-On and -Off wait for all before them, and all
 * behind them wait for these.
 *
 * A request is sent three times within 10 s, the same octets each time, to the server that answered last. Without an authentic answer the next server
 * of the list is asked, as a new request with a new Acct-Delay-Time (RFC 2866 s5.2); after all of them comes a pause, 5 s doubling to 60 s. While nobody
 * answers one record alone asks.
 */
#pragma once

#include "common/base/env.h"
#include "common/rt/loop.h"
#include "fa/acct_store.h"

#define ACCT_SERVERS_MAX 4

struct acct;

struct acct_times {
    uint64_t second_us, third_us, given_us; /* of a request, from the first time on */
    uint64_t pause_us, pause_max_us;        /* after a round of the servers */
    uint64_t end_us;                        /* acct_close(): for what is left to be sent */
};

struct acct_config {
    struct rt_loop *loop;
    const struct env *env; /* outlives it */
    const char *path;
    const char *nas_id;
    uint32_t queue_max, interim_s;
    uint8_t n_server;
    struct addr server[ACCT_SERVERS_MAX];
    struct span secret;             /* locked memory of the caller's, as long as it lives */
    const struct acct_times *times; /* NULL: 2 s, 6 s, 10 s; 5 s, 60 s; 2 s */
    /* Told of what an operator should know, until acct_close(): a server that does not answer, or does again; alarm: records are lost. NULL: nobody is. */
    void (*told)(void *ctx, bool alarm, const char *what);
    void *ctx;
};

/* Begins with Accounting-On. ERR_CONFIG, ERR_IO, ERR_MEMORY, ERR_RANGE; why: of the file. */
MUST_USE err acct_open(const struct acct_config *c, struct acct **out, char why[SQL_WHY_MAX]);
/* Where rt_loop_run() has returned: writes what has come and Accounting-Off, and runs the loop for a while to send them. NULL is fine. */
void acct_close(struct acct *a);

/* An event with its time, to fill in. Any thread. NULL: out of memory. */
struct acct_event *acct_event_new(struct acct *a, enum acct_event_type type);
/* On the loop's thread, or when that has ended: takes it over. */
void acct_take(struct acct_event *e);
/* What is to be called with an event that can no longer be posted (common/rt/mail.h). */
void acct_take_late(void *event);

struct acct_stats {
    uint64_t sent, answered, forged, timeouts, moved; /* requests, and moves on to another server */
    uint64_t queued,
        oldest_s; /* oldest_s: age of the oldest record that waits; as of the last look at the disk */
    uint64_t sessions, lost, dropped;
    uint32_t open, unwritten; /* requests under way; events not on disk yet */
    bool up;                  /* the last request was answered */
    struct addr server;       /* in use */
};
void acct_stats(const struct acct *a, struct acct_stats *out);
