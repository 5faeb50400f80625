/* SPDX-License-Identifier: Apache-2.0 */
#include "as/auc_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "common/rt/work.h"

#define JOBS_MAX     256 /* vectors asked for at a time */
#define TOGETHER_MAX 64  /* that share a commit */

struct auc_work {
    struct auc *auc;
    const struct env *env;
    struct rt_work *work;
    source_answer_fn answer;
    void *ctx;
    bool closing;
};

/* One request, on the work thread between submit and done. */
struct job {
    struct auc_work *w;
    struct source_ref ref;
    char imsi[IMSI_MAX + 1];
    unsigned ind;
    enum aka_want want;
    bool resync;
    uint8_t rand[AKA_RAND_LEN], auts[AKA_AUTS_LEN];
    uint64_t wall_s;
    struct aka_vector *v; /* secret */
    err result;
    enum auc_reason why; /* of ERR_AUTH and ERR_RANGE */
};

static void job_free(struct job *j)
{
    sec_free(j->v);
    free(j);
}

static void job_run(void *arg)
{
    struct job *j = arg;
    struct auc *a = j->w->auc;
    bool separated = j->want == AKA_WANT_SEPARATED;
    struct auc_sub s;
    if (j->want == AKA_WANT_STATUS) {
        j->result = auc_get(a, j->imsi, &s);
        if (j->result == ERR_OK && s.barred)
            j->result = ERR_REFUSED;
    } else if (j->resync) {
        j->result = auc_resync(a, j->imsi, j->ind, separated, j->rand, j->auts, j->wall_s, j->v);
    } else {
        j->result = auc_vector(a, j->imsi, j->ind, separated, j->wall_s, j->v);
    }
    j->why = auc_reason(a);
}

/* AUTS that changed nothing: forged, for a RAND that was not given out, or a number that ours is not moved to. */
static bool bad_auts(const struct job *j)
{
    return j->resync && (j->result == ERR_AUTH || (j->result == ERR_RANGE && j->why != AUC_USED_UP));
}

static enum aka_server_auc verdict(const struct job *j)
{
    char who[17];
    switch (j->result) {
    case ERR_OK:
        return AKA_AUC_OK;
    case ERR_NOT_FOUND:
        return AKA_AUC_UNKNOWN;
    case ERR_REFUSED:
        return AKA_AUC_BARRED;
    default:
        auc_log_hash(j->w->auc, span_str(j->imsi), who);
        log_at(&j->w->env->log, bad_auts(j) ? LOG_LV_WARN : LOG_LV_ERROR, "auc",
               "event=no_vector subscriber=%s error=%s why=%s", who, err_name(j->result),
               auc_reason_name(j->why));
        return bad_auts(j) ? AKA_AUC_BAD_AUTS : AKA_AUC_UNAVAILABLE;
    }
}

static void job_done(void *arg, bool ran)
{
    struct job *j = arg;
    if (!ran) /* its number is not on disk: the vector stays here */
        j->result = ERR_IO;
    if (ran || !j->w->closing) {
        bool made = j->want != AKA_WANT_STATUS && (j->result == ERR_OK || j->result == ERR_REFUSED);
        j->w->answer(j->w->ctx, &j->ref, verdict(j), made ? j->v : NULL);
    }
    job_free(j);
}

static void batch_begin(void *ctx)
{
    auc_together_begin(ctx);
}

static bool batch_end(void *ctx)
{
    return auc_together_end(ctx) == ERR_OK;
}

bool auc_work_ask(struct auc_work *w, const struct source_req *r)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return false;
    *j = (struct job){ .w = w,
                       .ref = r->ref,
                       .ind = r->ind,
                       .want = r->want,
                       .resync = r->auts != NULL,
                       .wall_s = rt_wall_s() };
    snprintf(j->imsi, sizeof j->imsi, "%s", r->imsi);
    if (r->auts) {
        memcpy(j->rand, r->rand, sizeof j->rand);
        memcpy(j->auts, r->auts, sizeof j->auts);
    }
    j->v = sec_alloc(sizeof *j->v);
    if (j->v && rt_work_submit(w->work, job_run, job_done, j) == ERR_OK)
        return true;
    job_free(j);
    return false;
}

struct auc_work *auc_work_new(struct rt_loop *l, struct auc *auc, const struct env *env,
                              source_answer_fn answer, void *ctx)
{
    struct auc_work *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct auc_work){ .auc = auc, .env = env, .answer = answer, .ctx = ctx };
    const struct rt_work_batch together = {
        .max = TOGETHER_MAX, .begin = batch_begin, .end = batch_end, .ctx = auc
    };
    w->work = rt_work_new_batched(l, JOBS_MAX, &together);
    if (w->work)
        return w;
    free(w);
    return NULL;
}

void auc_work_free(struct auc_work *w)
{
    if (!w)
        return;
    w->closing = true;
    rt_work_free(w->work);
    free(w);
}

size_t auc_work_pending(const struct auc_work *w)
{
    return rt_work_pending(w->work);
}
