/* SPDX-License-Identifier: Apache-2.0
 *
 * The authentication centre in SQLite: keys of Milenage or TUAK sealed (XChaCha20-Poly1305) under a key file, SQN, AMF, the RANDs given out
 * lately. Every call blocks; the daemon makes them on a work thread, one at a time. Several processes may have one store open.
 *
 * SQN (TS 33.102 Annex C): one number for a subscriber, which only rises; IND is who asked. A vector leaves after its number is committed with
 * synchronous=FULL: a crash loses a number, never gives one out twice (s6.3.2). What raises it otherwise is AUTS of the subscriber's card for a
 * RAND that was given to the same asker in the last AUC_GIVEN_S seconds, each once, by SQN_DELTA_DEFAULT at most; nothing lowers it.
 */
#pragma once

#include "aka/nai.h"
#include "aka/vector.h"
#include "common/base/env.h"

#define AUC_WHY_MAX   512
#define AUC_KEY_LEN   ((size_t)32)
#define AUC_GIVEN_S   600 /* AUTS is taken that long after its challenge */
#define AUC_GIVEN_MAX 16  /* RANDs remembered for one subscriber; of one asker a quarter of them at least */

struct auc;

struct auc_sub { /* without its keys */
    char imsi[IMSI_MAX + 1];
    enum aka_alg alg;
    uint8_t amf[AKA_AMF_LEN];
    uint64_t sqn; /* last one handed out */
    bool barred;
    uint64_t added_s, used_s; /* wall clock; used 0: never */
};

/* Opens both, making them when neither is there (the key file with mode 0600); a store of an older hipakad is brought up to date. A store
 * without its key is ERR_NOT_FOUND, a key that is not this store's ERR_AUTH, a store of a newer hipakad ERR_UNSUPPORTED. ERR_IO, ERR_REFUSED (mode
 * or owner of the key file). why gets a line for people. */
MUST_USE err auc_open(const char *path, const char *key_path, const struct env *env, struct auc **out,
                      char why[AUC_WHY_MAX]);
void auc_close(struct auc *a); /* NULL is fine */

/* ---- vectors ---- */

#define AUC_REASON_LIST(X) \
    X(NONE, "") \
    X(MAC_S, "AUTS is not of this subscriber's card for this RAND") \
    X(NOT_GIVEN, "AUTS for a RAND that was not given to this asker lately") \
    X(BEHIND, "the card is further behind than it would accept; its number is not lowered") \
    X(JUMP, "the card is further ahead than one resynchronisation may raise the number") \
    X(USED_UP, "sequence numbers used up")

enum auc_reason {
#define X(name, text) AUC_##name,
    AUC_REASON_LIST(X)
#undef X
        AUC__REASONS
};

/* Next vector for this subscriber. ind: who asks (TS 33.102 C.3.4). separated: for EAP-AKA', whose vectors have the separation bit of AMF set;
 * those for EAP-AKA have it clear, so that neither can be used as the other (TS 33.102 Annex H). ERR_NOT_FOUND, ERR_RANGE
 * (USED_UP), ERR_IO. ERR_REFUSED: barred; *v is made all the same, so that only the subscriber's own card gets to hear of it. */
MUST_USE err auc_vector(struct auc *a, const char *imsi, unsigned ind, bool separated, uint64_t wall_s,
                        struct aka_vector *v);
/* The same after AUTS for this RAND: SQN is raised to the card's when that is higher (TS 33.102 s6.3.5). ERR_AUTH (MAC_S, NOT_GIVEN), ERR_RANGE
 * (BEHIND, JUMP, USED_UP): nothing changes then. */
MUST_USE err auc_resync(struct auc *a, const char *imsi, unsigned ind, bool separated,
                        const uint8_t rand[AKA_RAND_LEN], const uint8_t auts[AKA_AUTS_LEN], uint64_t wall_s,
                        struct aka_vector *v);
/* Vectors asked for between these two share one commit. What was answered counts, and may leave the process, when auc_together_end() is OK; after
 * ERR_IO none of it was done. One that fails undoes nothing but its own. */
void auc_together_begin(struct auc *a);
MUST_USE err auc_together_end(struct auc *a);
/* Why the last auc_vector() or auc_resync() failed with ERR_AUTH or ERR_RANGE; else AUC_NONE. */
enum auc_reason auc_reason(const struct auc *a);
const char *auc_reason_name(enum auc_reason r);
const char *auc_reason_text(enum auc_reason r);

/* ---- subscribers ---- */

/* ERR_EXISTS. ERR_RANGE: IMSI, SQN, or lengths that EAP-AKA has no room for (aka_cred_check()). */
MUST_USE err auc_add(struct auc *a, const struct auc_sub *s, const struct aka_cred *c);
MUST_USE err auc_del(struct auc *a, const char *imsi);
MUST_USE err auc_bar(struct auc *a, const char *imsi, bool barred);
/* ERR_RANGE: not above the one that is there, which only rises. */
MUST_USE err auc_raise(struct auc *a, const char *imsi, uint64_t sqn);
MUST_USE err auc_get(struct auc *a, const char *imsi, struct auc_sub *out);
/* In order of IMSI; fn returns false to stop. */
MUST_USE err auc_list(struct auc *a, bool (*fn)(void *ctx, const struct auc_sub *s), void *ctx);

/* Does the subscriber of this IMSI have the same algorithm, keys and AMF? there gets its row. ERR_NOT_FOUND. */
MUST_USE err auc_compare(struct auc *a, const struct auc_sub *s, const struct aka_cred *c,
                         struct auc_sub *there, bool *same_keys, bool *same_amf);
/* Many auc_add() in one transaction. */
MUST_USE err auc_begin(struct auc *a);
MUST_USE err auc_commit(struct auc *a);
void auc_rollback(struct auc *a);
/* Between many transactions in a row: a moment in which another process gets its turn. */
void auc_let_others(void);
/* From now on auc_add() and auc_compare() only rehearse: what is added goes into a table that goes with *a (and is sealed like the real one). */
MUST_USE err auc_rehearse(struct auc *a);

/* ---- the key file ---- */

#define AUC_NEW_SUFFIX ".new" /* of the file with the new key while a rotation is under way */

struct auc_rotation {
    void (*progress)(void *ctx, uint64_t done, uint64_t of); /* after each transaction; may be NULL */
    void *ctx;
};
/* A new key file, and all that is sealed sealed anew under it, some hundred rows in a transaction; goes on with a rotation that was cut off at
 * any moment. Others that have the store open go on working. The old key is overwritten at the end. why gets a line for people. */
MUST_USE err auc_rotate(struct auc *a, const struct auc_rotation *how, char why[AUC_WHY_MAX]);
/* Is a rotation unfinished? */
bool auc_rotating(struct auc *a);

/* A secret of this store by its name, drawn when it is asked for first and sealed under the key file like a subscriber's keys. n at most 64. */
MUST_USE err auc_secret(struct auc *a, const char *name, uint8_t *out, size_t n);

/* Keyed hash of an identity for the log: 16 hexadecimal digits, the same as long as the key file is. */
void auc_log_hash(const struct auc *a, struct span identity, char out[17]);
