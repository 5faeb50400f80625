/* SPDX-License-Identifier: Apache-2.0
 *
 * What is on disk says how far a rotation is:
 *
 *   mark "key next"   rows          key file, .new     what auc_ring_load() and auc_rotate() make of it
 *   none              generation g  old, anything      no rotation; .new, if any, is a leftover that nothing is sealed under
 *   there             g and g + 1   old, new           both keys are used; new rows are g + 1; auc_rotate() goes on
 *   none              g + 1         old, new           complete but for the file's name: .new takes it
 *   none              g + 1         new, none          done
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "as/auc_priv.h"
#include "common/crypto/secret.h"

#define BATCH 200 /* rows in a transaction: some milliseconds in which nobody else writes */

struct old_row {
    char imsi[IMSI_MAX + 1];
    enum aka_alg alg;
    size_t n;
    uint8_t sealed[AUC_SEALED_MAX];
};

struct batch {
    struct old_row row[BATCH];
    size_t n;
    char after[IMSI_MAX + 1]; /* the last one looked at */
};

bool auc_rotating(struct auc *a)
{
    char why[AUC_WHY_MAX];
    return auc_ring_load(a, why) == ERR_OK && a->ring->next;
}

static err row_take(sqlite3_stmt *st, struct old_row *r)
{
    const char *imsi = (const char *)sqlite3_column_text(st, 0),
               *alg = (const char *)sqlite3_column_text(st, 2);
    const void *sealed = sqlite3_column_blob(st, 1);
    r->n = (size_t)sqlite3_column_bytes(st, 1);
    if (!imsi || !imsi_valid(imsi) || !alg || aka_alg_parse(alg, &r->alg) != ERR_OK || !sealed ||
        r->n > sizeof r->sealed)
        return ERR_MALFORMED;
    snprintf(r->imsi, sizeof r->imsi, "%s", imsi);
    memcpy(r->sealed, sealed, r->n);
    return ERR_OK;
}

static err read_batch(struct auc *a, struct batch *b)
{
    sqlite3_stmt *st = a->st[ST_OLD_ROWS];
    err e = ERR_OK;
    int r = SQLITE_DONE;
    b->n = 0;
    sqlite3_bind_text(st, 1, b->after, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(st, 2, a->ring->gen);
    sqlite3_bind_int(st, 3, BATCH);
    while (e == ERR_OK && b->n < BATCH && (r = sqlite3_step(st)) == SQLITE_ROW) {
        e = row_take(st, &b->row[b->n]);
        b->n += e == ERR_OK;
    }
    auc_stmt_end(a, ST_OLD_ROWS);
    return e == ERR_OK && r != SQLITE_ROW && r != SQLITE_DONE ? ERR_IO : e;
}

static err reseal(struct auc *a, const struct old_row *r, struct aka_cred *c)
{
    uint8_t sealed[AUC_SEALED_MAX];
    sqlite3_stmt *st = a->st[ST_RESEAL];
    size_t n = 0;
    int64_t gen = 0;
    err e = auc_unseal(a, r->imsi, r->alg, a->ring->gen, span_of(r->sealed, r->n), c);
    if (e == ERR_OK)
        e = auc_seal(a, r->imsi, c, sealed, &n, &gen);
    if (e != ERR_OK)
        return e;
    auc_bind_imsi(a, ST_RESEAL, r->imsi);
    sqlite3_bind_blob(st, 2, sealed, (int)n, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, gen);
    return auc_step_done(a, ST_RESEAL);
}

static err count_old(struct auc *a, uint64_t *old, uint64_t *all)
{
    sqlite3_stmt *st = a->st[ST_COUNT_OLD];
    sqlite3_bind_int64(st, 1, a->ring->gen);
    err e = sqlite3_step(st) == SQLITE_ROW ? ERR_OK : ERR_IO;
    *old = (uint64_t)sqlite3_column_int64(st, 0);
    *all = (uint64_t)sqlite3_column_int64(st, 1);
    auc_stmt_end(a, ST_COUNT_OLD);
    return e;
}

/* One transaction: some rows; when none is left under the old key, the switch. *done then. */
static err step(struct auc *a, struct batch *b, struct aka_cred *c, bool *done)
{
    uint64_t old = 0, all = 0;
    char why[AUC_WHY_MAX];
    b->n = 0;
    err e = auc_ring_load(a, why);
    if (e != ERR_OK)
        return e;
    if (!a->ring->next) { /* another process did the rest of it */
        *done = true;
        return ERR_OK;
    }
    e = read_batch(a, b);
    for (size_t i = 0; i < b->n && e == ERR_OK; i++)
        e = reseal(a, &b->row[i], c);
    if (e != ERR_OK)
        return e;
    if (b->n) {
        memcpy(b->after, b->row[b->n - 1].imsi, sizeof b->after);
        return ERR_OK;
    }
    b->after[0] = '\0'; /* rows may have come behind us, of a process that began before the rotation */
    e = count_old(a, &old, &all);
    if (e != ERR_OK || old)
        return e;
    *done = true;
    e = auc_secrets_reseal(a); /* a handful: they fit into this transaction */
    return e == ERR_OK ? auc_key_switch(a) : e;
}

static err begin(struct auc *a, char *why)
{
    err e = auc_begin(a);
    if (e == ERR_OK)
        e = auc_ring_load(a, why);
    if (e == ERR_OK && !a->ring->next)
        e = auc_key_begin(a, why);
    if (e == ERR_OK)
        e = auc_commit(a);
    if (e == ERR_OK)
        e = auc_ring_load(a, why);
    if (e == ERR_IO && !why[0])
        snprintf(why, AUC_WHY_MAX, "%s", sqlite3_errmsg(a->db));
    auc_rollback(a);
    return e;
}

static err reseal_all(struct auc *a, const struct auc_rotation *how, char *why)
{
    uint64_t old = 0, all = 0, did = 0;
    bool done = false;
    struct batch *b = calloc(1, sizeof *b);
    struct aka_cred *c = sec_alloc(sizeof *c);
    err e = b && c ? count_old(a, &old, &all) : ERR_MEMORY;
    while (e == ERR_OK && !done) {
        e = auc_begin(a);
        if (e == ERR_OK)
            e = step(a, b, c, &done);
        if (e == ERR_OK)
            e = auc_commit(a);
        if (e != ERR_OK)
            break;
        did += b->n;
        auc_let_others();
        if (how->progress)
            how->progress(how->ctx, all - old + did, all);
    }
    if (e != ERR_OK) {
        snprintf(why, AUC_WHY_MAX, "subscriber %s: %s", b && b->n ? b->row[0].imsi : "-", err_text(e));
        auc_rollback(a);
    }
    sec_free(c);
    free(b);
    return e;
}

err auc_rotate(struct auc *a, const struct auc_rotation *how, char why[AUC_WHY_MAX])
{
    why[0] = '\0';
    err e = begin(a, why);
    if (e == ERR_OK)
        e = reseal_all(a, how, why);
    if (e == ERR_OK)
        e = auc_ring_load(a, why); /* sees that it is complete: the new file takes its name */
    /* The old ciphertexts are still in the log of what was written. */
    if (e == ERR_OK)
        (void)sqlite3_wal_checkpoint_v2(a->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (e != ERR_OK && !why[0])
        snprintf(why, AUC_WHY_MAX, "%s", err_text(e));
    return e;
}
