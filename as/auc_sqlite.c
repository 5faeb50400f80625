/* SPDX-License-Identifier: Apache-2.0 */
#include "as/auc_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/sqn.h"
#include "as/auc_priv.h"
#include "as/given.h"
#include "common/base/htab.h"
#include "common/crypto/secret.h"

static const char *const reason_names[AUC__REASONS] = {
#define X(name, text) [AUC_##name] = #name,
    AUC_REASON_LIST(X)
#undef X
};
static const char *const reason_texts[AUC__REASONS] = {
#define X(name, text) [AUC_##name] = text,
    AUC_REASON_LIST(X)
#undef X
};

const char *auc_reason_name(enum auc_reason r)
{
    return (unsigned)r < AUC__REASONS ? reason_names[r] : "?";
}

const char *auc_reason_text(enum auc_reason r)
{
    return (unsigned)r < AUC__REASONS ? reason_texts[r] : "?";
}

enum auc_reason auc_reason(const struct auc *a)
{
    return a->reason;
}

static err refuse(struct auc *a, enum auc_reason why, err e)
{
    a->reason = why;
    return e;
}

/* ---- opening ---- */

static char *text_of(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *s = malloc(n);
    if (s)
        snprintf(s, n, "%s%s", a, b);
    return s;
}

err auc_open(const char *path, const char *key_path, const struct env *env, struct auc **out,
             char why[AUC_WHY_MAX])
{
    snprintf(why, AUC_WHY_MAX, "out of memory");
    struct auc *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_MEMORY;
    a->env = env;
    a->ring = sec_alloc(sizeof *a->ring);
    a->key_path = text_of(key_path, "");
    a->new_path = text_of(key_path, AUC_NEW_SUFFIX);
    err e = a->ring && a->key_path && a->new_path ? auc_key_prepare(a, path, why) : ERR_MEMORY;
    if (e == ERR_OK)
        e = auc_db_open(a, path, why);
    if (e == ERR_OK)
        e = auc_ring_load(a, why);
    if (e == ERR_OK)
        *out = a;
    else
        auc_close(a);
    return e;
}

void auc_close(struct auc *a)
{
    if (!a)
        return;
    for (int i = 0; i < ST__COUNT; i++)
        sqlite3_finalize(a->st[i]);
    sqlite3_close(a->db);
    sec_free(a->ring);
    free(a->key_path);
    free(a->new_path);
    free(a);
}

/* ---- rows ---- */

struct row {
    struct auc_sub s;
    int64_t gen;
    struct given given;
};

static err row_read(sqlite3_stmt *st, struct row *out)
{
    struct row r = { .gen = sqlite3_column_int64(st, 7) };
    const char *imsi = (const char *)sqlite3_column_text(st, 0);
    const char *alg = (const char *)sqlite3_column_text(st, 6);
    const void *amf = sqlite3_column_blob(st, 1), *given = sqlite3_column_blob(st, 9);
    if (!imsi || !imsi_valid(imsi) || !amf || sqlite3_column_bytes(st, 1) != AKA_AMF_LEN || !alg ||
        aka_alg_parse(alg, &r.s.alg) != ERR_OK)
        return ERR_MALFORMED;
    snprintf(r.s.imsi, sizeof r.s.imsi, "%s", imsi);
    memcpy(r.s.amf, amf, AKA_AMF_LEN);
    r.s.sqn = (uint64_t)sqlite3_column_int64(st, 2);
    r.s.barred = sqlite3_column_int(st, 3) != 0;
    r.s.added_s = (uint64_t)sqlite3_column_int64(st, 4);
    r.s.used_s = (uint64_t)sqlite3_column_int64(st, 5);
    err e = given_load(&r.given, span_of(given, given ? (size_t)sqlite3_column_bytes(st, 9) : 0));
    if (e == ERR_OK)
        *out = r;
    return e;
}

/* The row and, when c is given, its keys. */
static err sub_read(struct auc *a, enum auc_stmt which, const char *imsi, struct row *out, struct aka_cred *c)
{
    sqlite3_stmt *st = a->st[which];
    auc_bind_imsi(a, which, imsi);
    int r = sqlite3_step(st);
    err e = r == SQLITE_ROW ? row_read(st, out) : r == SQLITE_DONE ? ERR_NOT_FOUND : ERR_IO;
    if (e == ERR_OK && c) {
        const void *sealed = sqlite3_column_blob(st, 8);
        e = auc_unseal(a, imsi, out->s.alg, out->gen,
                       span_of(sealed, sealed ? (size_t)sqlite3_column_bytes(st, 8) : 0), c);
    }
    auc_stmt_end(a, which);
    return e;
}

/* ---- vectors ---- */

/* TS 33.102 s6.3.5, with what Annex C asks of the AuC: our number never falls, and no message of a card makes it jump so far that another
 * card's limit (C.2.1) or the end of the numbers is near. */
static err after_resync(struct auc *a, uint64_t sqn_ms, uint64_t *sqn)
{
    uint64_t next = sqn_seq(*sqn) + 1, ms = sqn_seq(sqn_ms);
    if (next > ms) /* it takes our next one, unless that is too far ahead of it */
        return next - ms <= SQN_DELTA_DEFAULT ? ERR_OK : refuse(a, AUC_BEHIND, ERR_RANGE);
    if (ms - sqn_seq(*sqn) > SQN_DELTA_DEFAULT)
        return refuse(a, AUC_JUMP, ERR_RANGE);
    *sqn = sqn_ms;
    return ERR_OK;
}

/* One request for a vector. */
struct ask {
    const char *imsi;
    unsigned ind;
    bool separated;
    const uint8_t *rand, *auts; /* of a resynchronisation, else NULL */
    uint64_t wall_s;
    uint8_t fresh[AKA_RAND_LEN]; /* RAND of the new vector */
};

static err resync(struct auc *a, const struct ask *q, struct row *r, const struct aka_cred *c)
{
    uint64_t ms = 0;
    if (!given_take(&r->given, q->ind, q->wall_s, q->rand))
        return refuse(a, AUC_NOT_GIVEN, ERR_AUTH);
    err e = aka_auts_open(c, q->rand, q->auts, &ms);
    if (e != ERR_OK)
        return e == ERR_AUTH ? refuse(a, AUC_MAC_S, e) : e;
    return after_resync(a, ms, &r->s.sqn);
}

/* In a transaction. The number is in the database when this returns, and on disk after COMMIT. */
static err take_sqn(struct auc *a, const struct ask *q, struct row *r, struct aka_cred *c)
{
    sqlite3_stmt *st = a->st[ST_SET_SQN];
    err e = sub_read(a, ST_GET, q->imsi, r, c);
    if (e != ERR_OK)
        return e;
    if (q->auts && (e = resync(a, q, r, c)) != ERR_OK)
        return e;
    e = sqn_next(r->s.sqn, q->ind, &r->s.sqn);
    if (e != ERR_OK)
        return refuse(a, AUC_USED_UP, e);
    given_add(&r->given, q->ind, q->wall_s, q->fresh);
    auc_bind_imsi(a, ST_SET_SQN, q->imsi);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)r->s.sqn);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)q->wall_s);
    struct span given = given_blob(&r->given);
    sqlite3_bind_blob(st, 4, given.p, (int)given.n, SQLITE_STATIC);
    e = auc_step_done(a, ST_SET_SQN);
    return e == ERR_OK && sqlite3_changes(a->db) != 1 ? ERR_IO : e;
}

/* ---- one commit for one vector, or for several ---- */

/* An error of the disk undoes the whole transaction behind our back, with the numbers of earlier vectors. */
static bool undone(struct auc *a)
{
    a->lost |= a->open && sqlite3_get_autocommit(a->db);
    return a->lost;
}

static err part_begin(struct auc *a)
{
    if (!a->together)
        return auc_begin(a);
    if (undone(a))
        return ERR_IO;
    err e = a->open ? ERR_OK : auc_begin(a);
    a->open |= e == ERR_OK;
    return e;
}

static err commit_or_undo(struct auc *a, err e)
{
    if (e == ERR_OK)
        e = auc_commit(a);
    if (e != ERR_OK)
        auc_rollback(a);
    return e;
}

/* A vector writes by one statement, which leaves nothing behind when it fails. */
static err part_end(struct auc *a, err e)
{
    if (!a->together)
        return commit_or_undo(a, e);
    return undone(a) && e == ERR_OK ? ERR_IO : e;
}

void auc_together_begin(struct auc *a)
{
    a->together = true;
    a->open = a->lost = false;
}

err auc_together_end(struct auc *a)
{
    err e = undone(a) ? ERR_IO : ERR_OK;
    a->together = false;
    return a->open ? commit_or_undo(a, e) : e;
}

static err vector(struct auc *a, struct ask *q, struct aka_vector *v)
{
    struct row r;
    a->reason = AUC_NONE;
    struct aka_cred *c = sec_alloc(sizeof *c);
    if (!c)
        return ERR_MEMORY;
    env_random(a->env, q->fresh, sizeof q->fresh);
    err e = part_begin(a);
    if (e == ERR_OK)
        e = part_end(a, take_sqn(a, q, &r, c));
    if (e != ERR_OK)
        goto out;
    r.s.amf[0] = (uint8_t)(q->separated ? r.s.amf[0] | AKA_AMF_SEP : r.s.amf[0] & ~AKA_AMF_SEP);
    e = aka_vector_make(c, r.s.sqn, r.s.amf, q->fresh, v);
    if (e == ERR_OK && r.s.barred)
        e = ERR_REFUSED;
out:
    sec_free(c);
    return e;
}

err auc_vector(struct auc *a, const char *imsi, unsigned ind, bool separated, uint64_t wall_s,
               struct aka_vector *v)
{
    struct ask q = { .imsi = imsi, .ind = ind, .separated = separated, .wall_s = wall_s };
    return vector(a, &q, v);
}

err auc_resync(struct auc *a, const char *imsi, unsigned ind, bool separated,
               const uint8_t rand[AKA_RAND_LEN], const uint8_t auts[AKA_AUTS_LEN], uint64_t wall_s,
               struct aka_vector *v)
{
    struct ask q = {
        .imsi = imsi, .ind = ind, .separated = separated, .rand = rand, .auts = auts, .wall_s = wall_s
    };
    return vector(a, &q, v);
}

/* ---- subscribers ---- */

static err insert(struct auc *a, const struct auc_sub *s, const struct aka_cred *c, bool *done)
{
    uint8_t sealed[AUC_SEALED_MAX];
    size_t n = 0;
    int64_t gen = 0;
    enum auc_stmt which = a->rehearsing ? ST_DRY_ADD : ST_ADD;
    sqlite3_stmt *st = a->st[which];
    err e = auc_seal(a, s->imsi, c, sealed, &n, &gen);
    if (e != ERR_OK)
        return e;
    auc_bind_imsi(a, which, s->imsi);
    sqlite3_bind_blob(st, 2, sealed, (int)n, SQLITE_STATIC);
    sqlite3_bind_blob(st, 3, s->amf, AKA_AMF_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, (sqlite3_int64)s->sqn);
    sqlite3_bind_int(st, 5, s->barred);
    sqlite3_bind_int64(st, 6, (sqlite3_int64)s->added_s);
    sqlite3_bind_text(st, 7, aka_alg_name(c->alg), -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 8, gen);
    e = auc_step_done(a, which);
    *done = e == ERR_OK && sqlite3_changes(a->db) == 1;
    return e;
}

err auc_add(struct auc *a, const struct auc_sub *s, const struct aka_cred *c)
{
    char why[AUC_WHY_MAX];
    bool done = false;
    if (!imsi_valid(s->imsi) || s->sqn > SQN_MAX || aka_cred_check(c) != ERR_OK)
        return ERR_RANGE;
    err e = insert(a, s, c, &done);
    if (e != ERR_OK || done)
        return e;
    if (a->rehearsing)
        return ERR_EXISTS;
    e = auc_ring_load(a, why); /* another process began or ended a rotation: seal under the key of now */
    if (e == ERR_OK)
        e = insert(a, s, c, &done);
    return e == ERR_OK && !done ? ERR_IO : e;
}

err auc_compare(struct auc *a, const struct auc_sub *s, const struct aka_cred *c, struct auc_sub *there,
                bool *same_keys, bool *same_amf)
{
    struct row r;
    struct aka_cred *k = sec_alloc(sizeof *k);
    if (!k)
        return ERR_MEMORY;
    err e = sub_read(a, ST_GET, s->imsi, &r, k);
    if (e == ERR_NOT_FOUND && a->rehearsing)
        e = sub_read(a, ST_DRY_GET, s->imsi, &r, k);
    if (e == ERR_OK) {
        bool tuak = c->alg == AKA_ALG_TUAK;
        size_t k_len = tuak ? c->tuak.k_len : AKA_K_LEN;
        *same_keys = k->alg == c->alg && sec_equal(k->k, c->k, k_len) &&
                     (tuak ? sec_equal(k->topc, c->topc, sizeof k->topc) &&
                                 memcmp(&k->tuak, &c->tuak, offsetof(struct tuak_shape, iterations)) == 0 &&
                                 k->tuak.iterations == c->tuak.iterations
                           : sec_equal(k->opc, c->opc, sizeof k->opc));
        *same_amf = memcmp(r.s.amf, s->amf, sizeof s->amf) == 0;
        *there = r.s;
    }
    sec_free(k);
    return e;
}

err auc_begin(struct auc *a)
{
    return auc_step_done(a, ST_BEGIN);
}

err auc_commit(struct auc *a)
{
    return auc_step_done(a, ST_COMMIT);
}

void auc_rollback(struct auc *a)
{
    if (!sqlite3_get_autocommit(a->db))
        (void)!auc_step_done(a, ST_ROLLBACK);
}

static err changed(struct auc *a, enum auc_stmt s)
{
    err e = auc_step_done(a, s);
    return e == ERR_OK && sqlite3_changes(a->db) == 0 ? ERR_NOT_FOUND : e;
}

err auc_del(struct auc *a, const char *imsi)
{
    auc_bind_imsi(a, ST_DEL, imsi);
    return changed(a, ST_DEL);
}

err auc_bar(struct auc *a, const char *imsi, bool barred)
{
    auc_bind_imsi(a, ST_BAR, imsi);
    sqlite3_bind_int(a->st[ST_BAR], 2, barred);
    return changed(a, ST_BAR);
}

err auc_raise(struct auc *a, const char *imsi, uint64_t sqn)
{
    struct auc_sub s;
    if (sqn > SQN_MAX)
        return ERR_RANGE;
    err e = auc_get(a, imsi, &s);
    if (e != ERR_OK)
        return e;
    auc_bind_imsi(a, ST_RAISE, imsi);
    sqlite3_bind_int64(a->st[ST_RAISE], 2, (sqlite3_int64)sqn);
    e = changed(a, ST_RAISE);
    return e == ERR_NOT_FOUND ? ERR_RANGE : e;
}

err auc_get(struct auc *a, const char *imsi, struct auc_sub *out)
{
    struct row r;
    err e = sub_read(a, ST_GET, imsi, &r, NULL);
    if (e == ERR_OK)
        *out = r.s;
    return e;
}

err auc_list(struct auc *a, bool (*fn)(void *ctx, const struct auc_sub *s), void *ctx)
{
    struct row row;
    err e = ERR_OK;
    int r;
    while (e == ERR_OK && (r = sqlite3_step(a->st[ST_LIST])) != SQLITE_DONE) {
        e = r == SQLITE_ROW ? row_read(a->st[ST_LIST], &row) : ERR_IO;
        if (e == ERR_OK && !fn(ctx, &row.s))
            break;
    }
    sqlite3_reset(a->st[ST_LIST]);
    return e;
}

void auc_log_hash(const struct auc *a, struct span identity, char out[17])
{
    snprintf(out, 17, "%016" PRIx64, siphash24(a->ring->log, identity));
}
