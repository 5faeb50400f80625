/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's subscribers in SQLite: the embedded backend, filled by `hipfad subscriber add` and read by the daemon. The file holds IMSIs,
 * names and addresses of people: mode 0600, and nothing of it is logged.
 */
#pragma once

#include "fa/sql.h"
#include "fa/subs.h"

struct subs_sqlite;

MUST_USE err subs_sqlite_open(const char *path, bool create, uint64_t (*wall_s)(void),
                              struct subs_sqlite **out, char why[SQL_WHY_MAX]);
void subs_sqlite_close(struct subs_sqlite *s); /* NULL is fine */
/* s behind the interface; closing that closes s. */
struct subs subs_sqlite_ops(struct subs_sqlite *s);

/* s->id may be empty: the next free "sub-000001" is taken and written into it. ERR_EXISTS: id, IMSI or a number is another's. ERR_MALFORMED. */
MUST_USE err subs_sqlite_add(struct subs_sqlite *s, struct fa_subscriber *sub);
/* ERR_NOT_FOUND. */
MUST_USE err subs_sqlite_del(struct subs_sqlite *s, const char *id);
/* Ids in order, one a call: *id "" begins; ERR_NOT_FOUND at the end. */
MUST_USE err subs_sqlite_next(struct subs_sqlite *s, char id[FA_ID_MAX]);
