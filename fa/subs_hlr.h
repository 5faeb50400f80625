/* SPDX-License-Identifier: Apache-2.0
 *
 * Subscribers that an HLR has and SQLite does not: their records by Osmocom's control interface (aka/osmo_ctrl.h), asked for on the loop and answered
 * later. A record is what the HLR knows: whether packet services are allowed (active), and the MSISDN; the rest is the configuration's. Its id is
 * "imsi:" and the IMSI: the HLR has no other that lasts.
 *
 * The HLR is asked each time (docs/sim-binding.md s7). Only when it does not answer, its last word on the subscriber counts, if it is not too old. A name that looks
 * like a number is asked for as an MSISDN in each HLR, so that nobody gets a number of somebody else's or its look-alike.
 */
#pragma once

#include <jansson.h>

#include "common/base/env.h"
#include "common/rt/loop.h"
#include "fa/as.h"
#include "fa/schema.h"

struct subs_hlr;

/* What people should hear of an HLR: that it is gone, there again (not of its first time), or lies; a lie once a minute. */
typedef void (*subs_hlr_told_fn)(void *ctx, const char *hlr, const char *what);

/* hlr: copied. env outlives it. told: NULL is fine. ERR_MEMORY. */
MUST_USE err subs_hlr_open(struct rt_loop *l, const struct env *env, const struct fa_hlr *hlr, size_t n,
                           fa_done_fn done, subs_hlr_told_fn told, void *ctx, struct subs_hlr **out);
void subs_hlr_close(struct subs_hlr *s); /* questions open get no answer any more; NULL is fine */
/* A FA_JOB_SUBSCRIBER that nobody else knows, or a FA_JOB_CLAIM that nobody else has. ERR_NOT_FOUND: nor has any HLR of ours; ERR_FULL: too many open.
 * Then done is not called; it is never called from within. */
MUST_USE err subs_hlr_ask(struct subs_hlr *s, const struct fa_job *job);
/* For hipctl: an object of the HLRs by name, numbers only (those of several workers are added up). */
json_t *subs_hlr_status(const struct subs_hlr *s);
