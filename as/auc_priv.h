/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the authentication centre only: auc_store.c (the file), auc_key.c (keys and sealing), auc_sqlite.c (vectors and subscribers),
 * auc_secret.c (other secrets), auc_rotate.c.
 */
#pragma once

#include <sqlite3.h>

#include "as/auc_sqlite.h"
#include "common/crypto/cipher.h"

enum auc_stmt {
    ST_BEGIN,
    ST_COMMIT,
    ST_ROLLBACK,
    ST_GET,
    ST_SET_SQN,
    ST_ADD,
    ST_DEL,
    ST_BAR,
    ST_RAISE,
    ST_LIST,
    ST_META,
    ST_SET_META,
    ST_DEL_META,
    ST_SECRET,
    ST_SET_SECRET,
    ST_OLD_SECRET, /* this and the next three: of rotation */
    ST_OLD_ROWS,
    ST_RESEAL,
    ST_COUNT_OLD,
    ST_DRY_ADD, /* prepared by auc_rehearse() */
    ST_DRY_GET,
    ST__COUNT
};

#define AUC_LOG_KEY 16

/* The keys that rows are sealed under, by generation: one, or two during a rotation. Secret. */
struct auc_ring {
    int64_t gen; /* of the store; rows have this or, during a rotation, the next */
    bool next;   /* a rotation is under way: box[1] */
    uint8_t box[2][BOX_KEY];
    uint8_t log[AUC_LOG_KEY]; /* of auc_log_hash(): from the first key that was loaded */
    bool loaded;
};

struct auc {
    sqlite3 *db;
    sqlite3_stmt *st[ST__COUNT];
    const struct env *env;
    struct auc_ring *ring; /* secret */
    char *key_path, *new_path;
    enum auc_reason reason;
    bool rehearsing;
    bool together; /* between auc_together_begin() and _end() */
    bool open;     /* and the transaction of all of them has begun, */
    bool lost;     /* or came to nothing */
};

/* ---- auc_store.c ---- */

MUST_USE err auc_db_open(struct auc *a, const char *path, char *why);
/* Runs a statement that gives no row. ERR_EXISTS: a constraint. */
MUST_USE err auc_step_done(struct auc *a, enum auc_stmt s);
void auc_stmt_end(struct auc *a, enum auc_stmt s);
void auc_bind_imsi(struct auc *a, enum auc_stmt s, const char *imsi); /* borrowed until the statement ends */

/* ---- auc_key.c ---- */

/* Makes the key file of a new store; ERR_NOT_FOUND when a store lacks its key. */
MUST_USE err auc_key_prepare(struct auc *a, const char *path, char *why);
/* Key files and the marks of the store, into the ring; a transaction of its own unless one is open. A store without a mark gets one; a
 * rotation that is complete but for the file's name is completed. ERR_AUTH: the key is another store's. */
MUST_USE err auc_ring_load(struct auc *a, char *why);
/* The new key file, and its mark in the store; in a transaction. */
MUST_USE err auc_key_begin(struct auc *a, char *why);
/* The store's key is the next one; in a transaction. */
MUST_USE err auc_key_switch(struct auc *a);

/* Octets under the newest key, bound to what they are and whose: out gets nonce, ciphertext and tag, *gen the key's generation. */
MUST_USE err auc_seal_octets(struct auc *a, const char *what, const char *whose, struct span in, uint8_t *out,
                             int64_t *gen);
/* ERR_AUTH: not sealed under it for this. ERR_NOT_FOUND: a generation whose key is not in the key files. ERR_MALFORMED: not out_n octets. */
MUST_USE err auc_unseal_octets(struct auc *a, const char *what, const char *whose, int64_t gen,
                               struct span sealed, uint8_t *out, size_t out_n);

#define AUC_SEALED_MAX (BOX_NONCE + 6 + TUAK_KEY_MAX + TUAK_TOP_LEN + BOX_TAG)

/* Keys of a subscriber under the newest key; *gen is its generation. Bound to IMSI and algorithm: a row's keys cannot be put into another. */
MUST_USE err auc_seal(struct auc *a, const char *imsi, const struct aka_cred *c, uint8_t out[AUC_SEALED_MAX],
                      size_t *n, int64_t *gen);
/* Errors as above. */
MUST_USE err auc_unseal(struct auc *a, const char *imsi, enum aka_alg alg, int64_t gen, struct span sealed,
                        struct aka_cred *c);

/* ---- auc_secret.c ---- */

/* Those that are under the old key, under the next one; in a transaction. */
MUST_USE err auc_secrets_reseal(struct auc *a);
