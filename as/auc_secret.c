/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "as/auc_priv.h"
#include "common/crypto/secret.h"

#define SECRET_MAX 64
#define SEALED_MAX (BOX_NONCE + SECRET_MAX + BOX_TAG)

/* Under the write lock: of two processes that ask for it first, one draws. */
static err read_one(struct auc *a, const char *name, uint8_t *out, size_t n)
{
    sqlite3_stmt *st = a->st[ST_SECRET];
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int r = sqlite3_step(st);
    err e = r == SQLITE_ROW ? ERR_OK : r == SQLITE_DONE ? ERR_NOT_FOUND : ERR_IO;
    if (e == ERR_OK) {
        const void *sealed = sqlite3_column_blob(st, 0);
        e = auc_unseal_octets(a, "secret", name, sqlite3_column_int64(st, 1),
                              span_of(sealed, sealed ? (size_t)sqlite3_column_bytes(st, 0) : 0), out, n);
        if (e == ERR_NOT_FOUND) /* of its key, not of the secret */
            e = ERR_AUTH;
    }
    auc_stmt_end(a, ST_SECRET);
    return e;
}

static err write_one(struct auc *a, const char *name, const uint8_t *in, size_t n)
{
    uint8_t sealed[SEALED_MAX];
    int64_t gen = 0;
    sqlite3_stmt *st = a->st[ST_SET_SECRET];
    err e = auc_seal_octets(a, "secret", name, span_of(in, n), sealed, &gen);
    if (e != ERR_OK)
        return e;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(st, 2, sealed, (int)(BOX_NONCE + n + BOX_TAG), SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, gen);
    return auc_step_done(a, ST_SET_SECRET);
}

err auc_secret(struct auc *a, const char *name, uint8_t *out, size_t n)
{
    char why[AUC_WHY_MAX];
    if (n > SECRET_MAX)
        return ERR_RANGE;
    err e = auc_begin(a);
    if (e == ERR_OK)
        e = auc_ring_load(a, why); /* what is written has to be under a key of now */
    if (e == ERR_OK)
        e = read_one(a, name, out, n);
    if (e == ERR_NOT_FOUND) {
        env_random(a->env, out, n);
        e = write_one(a, name, out, n);
    }
    if (e == ERR_OK)
        e = auc_commit(a);
    auc_rollback(a);
    return e;
}

err auc_secrets_reseal(struct auc *a)
{
    uint8_t *plain = sec_alloc(SECRET_MAX);
    char name[64];
    err e = plain ? ERR_OK : ERR_MEMORY;
    while (e == ERR_OK) {
        sqlite3_stmt *st = a->st[ST_OLD_SECRET];
        sqlite3_bind_int64(st, 1, a->ring->gen);
        int r = sqlite3_step(st);
        const char *text = r == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
        int n = r == SQLITE_ROW ? sqlite3_column_bytes(st, 1) - BOX_NONCE - BOX_TAG : 0;
        bool fits = text && strlen(text) < sizeof name && n > 0 && n <= SECRET_MAX;
        if (fits)
            memcpy(name, text, strlen(text) + 1);
        auc_stmt_end(a, ST_OLD_SECRET);
        if (r == SQLITE_DONE)
            break;
        e = !fits ? ERR_MALFORMED : read_one(a, name, plain, (size_t)n);
        if (e == ERR_OK)
            e = write_one(a, name, plain, (size_t)n);
    }
    sec_free(plain);
    return e;
}
