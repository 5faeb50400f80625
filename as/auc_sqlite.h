/* SPDX-License-Identifier: Apache-2.0
 *
 * The authentication centre in SQLite: K and OPc sealed (XChaCha20-Poly1305) under a key file, SQN, AMF. Every call blocks; the daemon makes
 * them on a work thread, one at a time.
 *
 * A vector is made after its SQN is committed with synchronous=FULL: a crash loses a number, never gives one out twice (TS 33.102 s6.3.2).
 */
#pragma once

#include "aka/nai.h"
#include "aka/vector.h"
#include "common/base/env.h"

#define AUC_WHY_MAX 512
#define AUC_KEY_LEN ((size_t)32)

struct auc;

struct auc_sub { /* without its keys */
    char imsi[IMSI_MAX + 1];
    uint8_t amf[AKA_AMF_LEN];
    uint64_t sqn; /* last one handed out */
    bool barred;
    uint64_t added_s, used_s; /* wall clock; used 0: never */
};

/* Opens both, making them when neither is there (the key file with mode 0600). A store without its key is ERR_NOT_FOUND, a key that is not
 * this store's ERR_AUTH. ERR_IO, ERR_REFUSED (mode or owner of the key file). why gets a line for people. */
MUST_USE err auc_open(const char *path, const char *key_path, const struct env *env, struct auc **out,
                      char why[AUC_WHY_MAX]);
void auc_close(struct auc *a); /* NULL is fine */

/* Next vector for this subscriber. ind: who asks (TS 33.102 C.3.4). separated: for AKA', with the AMF separation bit, else without it, whatever the
 * subscriber's AMF says of that bit (TS 33.402 s6.2). ERR_NOT_FOUND, ERR_RANGE (numbers used up), ERR_IO. ERR_REFUSED: barred; *v is
 * made all the same, so that only the subscriber's own card gets to hear of it. */
MUST_USE err auc_vector(struct auc *a, const char *imsi, unsigned ind, bool separated, uint64_t wall_s,
                        struct aka_vector *v);
/* The same after AUTS for this RAND: SQN is set to the card's when the card would not accept ours (TS 33.102 s6.3.5). ERR_AUTH: AUTS is not
 * that card's for this RAND; nothing changes then. */
MUST_USE err auc_resync(struct auc *a, const char *imsi, unsigned ind, bool separated,
                        const uint8_t rand[AKA_RAND_LEN], const uint8_t auts[AKA_AUTS_LEN], uint64_t wall_s,
                        struct aka_vector *v);

/* ERR_EXISTS. */
MUST_USE err auc_add(struct auc *a, const struct auc_sub *s, const struct aka_cred *c);
MUST_USE err auc_del(struct auc *a, const char *imsi);
MUST_USE err auc_bar(struct auc *a, const char *imsi, bool barred);
MUST_USE err auc_get(struct auc *a, const char *imsi, struct auc_sub *out);
/* In order of IMSI; fn returns false to stop. */
MUST_USE err auc_list(struct auc *a, bool (*fn)(void *ctx, const struct auc_sub *s), void *ctx);

/* A secret of this store by its name, drawn when it is asked for first and sealed under the key file like a subscriber's keys. n at most 64. */
MUST_USE err auc_secret(struct auc *a, const char *name, uint8_t *out, size_t n);

/* Keyed hash of an identity for the log: 16 hexadecimal digits, the same as long as the key file is. */
void auc_log_hash(const struct auc *a, struct span identity, char out[17]);
