/* SPDX-License-Identifier: Apache-2.0
 *
 * The AuC behind a work thread: as/auc_sqlite.h blocks, its askers do not.
 */
#pragma once

#include "as/source.h"

struct auc_work;

struct auc_work *auc_work_new(struct rt_loop *l, struct auc *auc, const struct env *env,
                              source_answer_fn answer, void *ctx);
void auc_work_free(struct auc_work *w); /* as source_free(); NULL is fine */
bool auc_work_ask(struct auc_work *w, const struct source_req *r);
size_t auc_work_pending(const struct auc_work *w);
