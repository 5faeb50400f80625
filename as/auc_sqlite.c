/* SPDX-License-Identifier: Apache-2.0 */
#include "as/auc_sqlite.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aka/sqn.h"
#include "common/base/hex.h"
#include "common/base/htab.h"
#include "common/crypto/cipher.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"

#define KEYS_LEN   (AKA_K_LEN + AKA_OPC_LEN)
#define SEALED_LEN (BOX_NONCE + KEYS_LEN + BOX_TAG)
#define CHECK      "hipfa auc"
#define CHECK_LEN  (sizeof CHECK - 1)
#define AAD_MAX    64

static const char schema_sql[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS subscriber("
    " imsi TEXT PRIMARY KEY, sealed BLOB NOT NULL, amf BLOB NOT NULL, sqn INTEGER NOT NULL,"
    " barred INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT "
    "ROWID;";

enum stmt {
    ST_BEGIN,
    ST_COMMIT,
    ST_ROLLBACK,
    ST_GET,
    ST_SET_SQN,
    ST_ADD,
    ST_DEL,
    ST_BAR,
    ST_LIST,
    ST__COUNT
};

static const char *const sql[ST__COUNT] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_GET] = "SELECT imsi, amf, sqn, barred, added, used, sealed FROM subscriber WHERE imsi = ?1",
    [ST_SET_SQN] = "UPDATE subscriber SET sqn = ?2, used = ?3 WHERE imsi = ?1",
    [ST_ADD] = "INSERT INTO subscriber(imsi, sealed, amf, sqn, barred, added) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [ST_DEL] = "DELETE FROM subscriber WHERE imsi = ?1",
    [ST_BAR] = "UPDATE subscriber SET barred = ?2 WHERE imsi = ?1",
    [ST_LIST] = "SELECT imsi, amf, sqn, barred, added, used FROM subscriber ORDER BY imsi",
};

struct auc {
    sqlite3 *db;
    sqlite3_stmt *st[ST__COUNT];
    const struct env *env;
    uint8_t *keys; /* secret: key of the box, then key of the log hash */
};

/* ---- the key file ---- */

static err key_load(struct auc *a, const char *path, char *why)
{
    uint8_t *text = NULL, key[AUC_KEY_LEN];
    size_t n = 0, len = 0;
    err e = rt_file_read_secret(path, 256, &text, &n, why);
    if (e != ERR_OK)
        return e;
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (hex_decode((const char *)text, n, key, sizeof key, &len) != ERR_OK || len != sizeof key) {
        snprintf(why, AUC_WHY_MAX, "%s: expected %zu hexadecimal digits", path, 2 * AUC_KEY_LEN);
        e = ERR_MALFORMED;
    }
    static const char box[] = "hipfa auc box", log[] = "hipfa auc log";
    if (e == ERR_OK)
        e = hkdf_expand(HASH_SHA256, span_of(key, sizeof key), span_of(box, sizeof box - 1), a->keys,
                        BOX_KEY);
    if (e == ERR_OK)
        e = hkdf_expand(HASH_SHA256, span_of(key, sizeof key), span_of(log, sizeof log - 1),
                        a->keys + BOX_KEY, 16);
    sec_wipe(key, sizeof key);
    sec_free(text);
    return e;
}

static err key_make(const struct env *env, const char *path, char *why)
{
    uint8_t key[AUC_KEY_LEN];
    char text[2 * AUC_KEY_LEN + 2];
    env_random(env, key, sizeof key);
    hex_encode(span_of(key, sizeof key), text);
    text[2 * AUC_KEY_LEN] = '\n';
    err e = rt_file_write(path, span_of(text, 2 * AUC_KEY_LEN + 1), why);
    sec_wipe(key, sizeof key);
    sec_wipe(text, sizeof text);
    return e;
}

/* ---- sealing ---- */

static struct span aad_of(const char *what, const char *imsi, char out[AAD_MAX])
{
    int n = snprintf(out, AAD_MAX, "hipfa auc 1 %s %s", what, imsi);
    return span_of(out, n > 0 && n < AAD_MAX ? (size_t)n : 0);
}

/* out: nonce, ciphertext, tag. Bound to the row, so that a row's keys cannot be put into another. */
static err seal(const struct auc *a, struct span aad, struct span in, uint8_t *out)
{
    env_random(a->env, out, BOX_NONCE);
    return box_seal(a->keys, out, aad, in, out + BOX_NONCE);
}

static err unseal(const struct auc *a, struct span aad, const void *p, size_t n, uint8_t *out, size_t out_n)
{
    const uint8_t *b = p;
    if (!b || n != BOX_NONCE + out_n + BOX_TAG)
        return ERR_MALFORMED;
    return box_open(a->keys, b, aad, span_of(b + BOX_NONCE, n - BOX_NONCE), out);
}

/* ---- SQLite ---- */

static err step_done(struct auc *a, enum stmt s)
{
    int r = sqlite3_step(a->st[s]);
    sqlite3_reset(a->st[s]);
    sqlite3_clear_bindings(a->st[s]);
    if (r == SQLITE_CONSTRAINT)
        return ERR_EXISTS;
    return r == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static void bind_imsi(struct auc *a, enum stmt s, const char *imsi)
{
    sqlite3_bind_text(a->st[s], 1, imsi, -1, SQLITE_STATIC);
}

static err row_read(sqlite3_stmt *st, struct auc_sub *out)
{
    struct auc_sub s = { .imsi = "" };
    const char *imsi = (const char *)sqlite3_column_text(st, 0);
    const void *amf = sqlite3_column_blob(st, 1);
    if (!imsi || !imsi_valid(imsi) || !amf || sqlite3_column_bytes(st, 1) != AKA_AMF_LEN)
        return ERR_MALFORMED;
    snprintf(s.imsi, sizeof s.imsi, "%s", imsi);
    memcpy(s.amf, amf, AKA_AMF_LEN);
    s.sqn = (uint64_t)sqlite3_column_int64(st, 2);
    s.barred = sqlite3_column_int(st, 3) != 0;
    s.added_s = (uint64_t)sqlite3_column_int64(st, 4);
    s.used_s = (uint64_t)sqlite3_column_int64(st, 5);
    *out = s;
    return ERR_OK;
}

/* The row and, when c is given, its keys. */
static err sub_read(struct auc *a, const char *imsi, struct auc_sub *out, struct aka_cred *c)
{
    sqlite3_stmt *st = a->st[ST_GET];
    char aad[AAD_MAX];
    uint8_t keys[KEYS_LEN];
    bind_imsi(a, ST_GET, imsi);
    int r = sqlite3_step(st);
    err e = r == SQLITE_ROW ? row_read(st, out) : r == SQLITE_DONE ? ERR_NOT_FOUND : ERR_IO;
    if (e == ERR_OK && c)
        e = unseal(a, aad_of("subscriber", imsi, aad), sqlite3_column_blob(st, 6),
                   (size_t)sqlite3_column_bytes(st, 6), keys, sizeof keys);
    if (e == ERR_OK && c) {
        memcpy(c->k, keys, AKA_K_LEN);
        memcpy(c->opc, keys + AKA_K_LEN, AKA_OPC_LEN);
    }
    sec_wipe(keys, sizeof keys);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return e;
}

/* Is the key this store's? The first start writes the mark, later ones open it. */
static err check_key(struct auc *a)
{
    uint8_t mark[BOX_NONCE + CHECK_LEN + BOX_TAG], plain[CHECK_LEN];
    char aad[AAD_MAX];
    sqlite3_stmt *st = NULL;
    err e = ERR_IO;
    if (sqlite3_prepare_v2(a->db, "SELECT value FROM meta WHERE name = 'key'", -1, &st, NULL) != SQLITE_OK)
        return ERR_IO;
    int r = sqlite3_step(st);
    if (r == SQLITE_ROW) {
        e = unseal(a, aad_of("key", "", aad), sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0),
                   plain, sizeof plain);
        if (e != ERR_OK)
            e = ERR_AUTH;
        goto out;
    }
    if (r != SQLITE_DONE)
        goto out;
    sqlite3_finalize(st);
    st = NULL;
    e = seal(a, aad_of("key", "", aad), span_of(CHECK, CHECK_LEN), mark);
    if (e != ERR_OK)
        goto out;
    e = ERR_IO;
    if (sqlite3_prepare_v2(a->db, "INSERT INTO meta VALUES('key', ?1)", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_bind_blob(st, 1, mark, sizeof mark, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_DONE)
        e = ERR_OK;
out:
    sqlite3_finalize(st);
    return e;
}

static err db_open(struct auc *a, const char *path, char *why)
{
    static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                                  "PRAGMA secure_delete=ON;";
    err e = ERR_IO;
    if (sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(a->db, 5000) != SQLITE_OK ||
        sqlite3_exec(a->db, pragmas, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(a->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
        goto out;
    for (int i = 0; i < ST__COUNT; i++)
        if (sqlite3_prepare_v3(a->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &a->st[i], NULL) != SQLITE_OK)
            goto out;
    e = check_key(a);
    if (e == ERR_AUTH)
        snprintf(why, AUC_WHY_MAX, "%s: the key file is not the one this store was made with", path);
out:
    if (e == ERR_IO)
        snprintf(why, AUC_WHY_MAX, "%s: %s", path, a->db ? sqlite3_errmsg(a->db) : "out of memory");
    return e;
}

err auc_open(const char *path, const char *key_path, const struct env *env, struct auc **out,
             char why[AUC_WHY_MAX])
{
    snprintf(why, AUC_WHY_MAX, "out of memory");
    struct auc *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_MEMORY;
    a->env = env;
    a->keys = sec_alloc(BOX_KEY + 16);
    err e = a->keys ? ERR_OK : ERR_MEMORY;
    if (e == ERR_OK && access(key_path, F_OK) != 0) {
        if (access(path, F_OK) == 0) {
            snprintf(why, AUC_WHY_MAX, "%s: the key file of %s is missing", key_path, path);
            e = ERR_NOT_FOUND;
        } else {
            e = key_make(env, key_path, why);
        }
    }
    if (e == ERR_OK)
        e = key_load(a, key_path, why);
    if (e == ERR_OK)
        e = db_open(a, path, why);
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
    sec_free(a->keys);
    free(a);
}

/* ---- other secrets ---- */

#define SECRET_MAX 64

static err secret_read(struct auc *a, const char *name, uint8_t *out, size_t n)
{
    char aad[AAD_MAX];
    sqlite3_stmt *st = NULL;
    err e = ERR_IO;
    if (sqlite3_prepare_v2(a->db, "SELECT value FROM meta WHERE name = 'secret ' || ?1", -1, &st, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
        int r = sqlite3_step(st);
        e = r == SQLITE_ROW    ? unseal(a, aad_of("secret", name, aad), sqlite3_column_blob(st, 0),
                                        (size_t)sqlite3_column_bytes(st, 0), out, n)
            : r == SQLITE_DONE ? ERR_NOT_FOUND
                               : ERR_IO;
    }
    sqlite3_finalize(st);
    return e;
}

static err secret_write(struct auc *a, const char *name, const uint8_t *in, size_t n)
{
    uint8_t sealed[BOX_NONCE + SECRET_MAX + BOX_TAG];
    char aad[AAD_MAX];
    sqlite3_stmt *st = NULL;
    err e = seal(a, aad_of("secret", name, aad), span_of(in, n), sealed);
    if (e != ERR_OK)
        return e;
    if (sqlite3_prepare_v2(a->db, "INSERT INTO meta VALUES('secret ' || ?1, ?2)", -1, &st, NULL) !=
            SQLITE_OK ||
        sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_blob(st, 2, sealed, (int)(BOX_NONCE + n + BOX_TAG), SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_DONE)
        e = ERR_IO;
    sqlite3_finalize(st);
    return e;
}

err auc_secret(struct auc *a, const char *name, uint8_t *out, size_t n)
{
    if (n > SECRET_MAX)
        return ERR_RANGE;
    err e = secret_read(a, name, out, n);
    if (e != ERR_NOT_FOUND)
        return e;
    env_random(a->env, out, n);
    return secret_write(a, name, out, n);
}

/* ---- vectors ---- */

/* Would the card accept the number after ours? If not, go on from the card's (TS 33.102 s6.3.5). */
static uint64_t after_resync(uint64_t sqn_he, uint64_t sqn_ms)
{
    uint64_t next = sqn_seq(sqn_he) + 1, ms = sqn_seq(sqn_ms);
    return next > ms && next - ms <= SQN_DELTA_DEFAULT ? sqn_he : sqn_ms;
}

/* In a transaction. The number is in the database when this returns, and on disk after COMMIT. */
static err take_sqn(struct auc *a, const char *imsi, unsigned ind, const uint8_t *rand, const uint8_t *auts,
                    uint64_t wall_s, struct auc_sub *s, struct aka_cred *c)
{
    uint64_t ms = 0;
    err e = sub_read(a, imsi, s, c);
    if (e != ERR_OK)
        return e;
    if (auts) {
        e = aka_auts_open(c, rand, auts, &ms);
        if (e != ERR_OK)
            return e;
        s->sqn = after_resync(s->sqn, ms);
    }
    e = sqn_next(s->sqn, ind, &s->sqn);
    if (e != ERR_OK)
        return e;
    bind_imsi(a, ST_SET_SQN, imsi);
    sqlite3_bind_int64(a->st[ST_SET_SQN], 2, (sqlite3_int64)s->sqn);
    sqlite3_bind_int64(a->st[ST_SET_SQN], 3, (sqlite3_int64)wall_s);
    return step_done(a, ST_SET_SQN);
}

static err vector(struct auc *a, const char *imsi, unsigned ind, bool separated, const uint8_t *rand,
                  const uint8_t *auts, uint64_t wall_s, struct aka_vector *v)
{
    uint8_t fresh[AKA_RAND_LEN];
    struct auc_sub s;
    struct aka_cred *c = sec_alloc(sizeof *c);
    if (!c)
        return ERR_MEMORY;
    err e = step_done(a, ST_BEGIN);
    if (e != ERR_OK)
        goto out;
    e = take_sqn(a, imsi, ind, rand, auts, wall_s, &s, c);
    if (e == ERR_OK)
        e = step_done(a, ST_COMMIT);
    if (e != ERR_OK) {
        (void)!step_done(a, ST_ROLLBACK);
        goto out;
    }
    /* RFC 9048 s3.3: a vector for one of the two is of no use for the other. */
    s.amf[0] = (uint8_t)(separated ? s.amf[0] | AKA_AMF_SEP : s.amf[0] & ~AKA_AMF_SEP);
    env_random(a->env, fresh, sizeof fresh);
    e = aka_vector_make(c, s.sqn, s.amf, fresh, v);
    if (e == ERR_OK && s.barred)
        e = ERR_REFUSED;
out:
    sec_free(c);
    return e;
}

err auc_vector(struct auc *a, const char *imsi, unsigned ind, bool separated, uint64_t wall_s,
               struct aka_vector *v)
{
    return vector(a, imsi, ind, separated, NULL, NULL, wall_s, v);
}

err auc_resync(struct auc *a, const char *imsi, unsigned ind, bool separated,
               const uint8_t rand[AKA_RAND_LEN], const uint8_t auts[AKA_AUTS_LEN], uint64_t wall_s,
               struct aka_vector *v)
{
    return vector(a, imsi, ind, separated, rand, auts, wall_s, v);
}

/* ---- subscribers ---- */

err auc_add(struct auc *a, const struct auc_sub *s, const struct aka_cred *c)
{
    uint8_t keys[KEYS_LEN], sealed[SEALED_LEN];
    char aad[AAD_MAX];
    sqlite3_stmt *st = a->st[ST_ADD];
    if (!imsi_valid(s->imsi) || s->sqn > SQN_MAX)
        return ERR_RANGE;
    memcpy(keys, c->k, AKA_K_LEN);
    memcpy(keys + AKA_K_LEN, c->opc, AKA_OPC_LEN);
    err e = seal(a, aad_of("subscriber", s->imsi, aad), span_of(keys, sizeof keys), sealed);
    sec_wipe(keys, sizeof keys);
    if (e != ERR_OK)
        return e;
    bind_imsi(a, ST_ADD, s->imsi);
    sqlite3_bind_blob(st, 2, sealed, sizeof sealed, SQLITE_STATIC);
    sqlite3_bind_blob(st, 3, s->amf, AKA_AMF_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, (sqlite3_int64)s->sqn);
    sqlite3_bind_int(st, 5, s->barred);
    sqlite3_bind_int64(st, 6, (sqlite3_int64)s->added_s);
    return step_done(a, ST_ADD);
}

static err changed(struct auc *a, enum stmt s)
{
    err e = step_done(a, s);
    return e == ERR_OK && sqlite3_changes(a->db) == 0 ? ERR_NOT_FOUND : e;
}

err auc_del(struct auc *a, const char *imsi)
{
    bind_imsi(a, ST_DEL, imsi);
    return changed(a, ST_DEL);
}

err auc_bar(struct auc *a, const char *imsi, bool barred)
{
    bind_imsi(a, ST_BAR, imsi);
    sqlite3_bind_int(a->st[ST_BAR], 2, barred);
    return changed(a, ST_BAR);
}

err auc_get(struct auc *a, const char *imsi, struct auc_sub *out)
{
    return sub_read(a, imsi, out, NULL);
}

err auc_list(struct auc *a, bool (*fn)(void *ctx, const struct auc_sub *s), void *ctx)
{
    struct auc_sub s;
    err e = ERR_OK;
    int r;
    while (e == ERR_OK && (r = sqlite3_step(a->st[ST_LIST])) != SQLITE_DONE) {
        e = r == SQLITE_ROW ? row_read(a->st[ST_LIST], &s) : ERR_IO;
        if (e == ERR_OK && !fn(ctx, &s))
            break;
    }
    sqlite3_reset(a->st[ST_LIST]);
    return e;
}

void auc_log_hash(const struct auc *a, struct span identity, char out[17])
{
    snprintf(out, 17, "%016" PRIx64, siphash24(a->keys + BOX_KEY, identity));
}
