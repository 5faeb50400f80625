/* SPDX-License-Identifier: Apache-2.0
 *
 * The workers of hipfad: one for each processor (or as many as configured), each with a loop, a thread, an engine and sockets of its own. Worker 0 runs on
 * the caller's loop and thread, with the control socket; it settles what an earlier life left open and keeps the FA's own name.
 *
 * They share the flow table, the directory of registrations and the locks of subscribers (fa/core), none of which makes anybody wait, and send each
 * other mail (common/rt/mail.h): packets that came to the wrong one, relayed ports that opened and closed, questions of the control socket.
 */
#pragma once

#include <jansson.h>

#include "fa/sql.h"
#include "fa/worker.h"

struct group;

struct group_config {
    struct rt_loop *loop; /* worker 0's */
    const struct env *env;
    const struct fa_settings *settings;
    const struct hip_hi *identity;
    const struct dnsu_tsig_key *key;
    const struct as_radius_realm *realms;
    const struct cert_cas *ca; /* NULL: none */
    struct acct *acct;         /* on the loop of worker 0; NULL: none */
    unsigned workers;          /* 0: as many as there are processors */
};

/* Opens everything; no thread runs yet. ERR_REFUSED, ERR_EXISTS, ERR_IO, ERR_MEMORY; why may be filled. */
MUST_USE err group_new(const struct group_config *c, struct group **out, char why[SQL_WHY_MAX]);
/* Begins to serve. ERR_MEMORY: no thread. */
MUST_USE err group_start(struct group *g);
/* Where worker 0's loop has returned: ends the others and waits for them. NULL is fine. */
void group_free(struct group *g);
unsigned group_count(const struct group *g);

/* Of each worker on its thread: a new object. */
typedef json_t *(*group_part_fn)(struct worker *w, unsigned index);
/* On the caller's loop: their sum, the callee's. Numbers are added up, arrays joined, objects merged; of anything else the first is taken. */
typedef void (*group_sum_fn)(void *ctx, json_t *sum);
/* ERR_FULL: a worker does not answer; sum is not called. */
MUST_USE err group_ask(struct group *g, group_part_fn part, group_sum_fn sum, void *ctx);
/* As worker_revoke(), at the worker that has the host; a name is looked up first. done: on the caller's loop. ERR_*: done is not called. */
MUST_USE err group_revoke(struct group *g, const char *name, const struct hit *hit,
                          void (*done)(void *ctx, err e), void *ctx);
/* To the worker whose host it would be, by mail. */
void group_tell(struct group *g, const struct fa_tell *x);
void group_audit(struct group *g, bool alarm, const char *what); /* as worker_audit() */
/* As worker_store(), at worker 0. */
MUST_USE err group_store(struct group *g, void (*run)(void *arg, const struct store *s),
                         void (*done)(void *arg, bool ran), void *arg);
/* As worker_list(): the store is the same for all. */
MUST_USE err group_list(struct group *g, worker_list_fn done, void *ctx);
