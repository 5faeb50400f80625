/* SPDX-License-Identifier: Apache-2.0
 *
 * The accounting queue on disk: sessions that are open, whom each host's sessions are charged to, and records that no server has acknowledged yet, in
 * their order. What a turn was given is durable when it returns OK, all of it or nothing. Blocking, from one thread at a time.
 *
 * Bounded: an Interim-Update that waits is replaced by the next one of its session, whose sums include it; a full queue takes no Interim-Updates, and
 * gives up those that wait, the oldest first, for Starts and Stops. When only such are left the next one is lost, and counted.
 *
 * Opening begins a life: sessions that the last one left open (it was killed) get their Stop, with the sums and the time last written, then
 * comes Accounting-On.
 */
#pragma once

#include "fa/acct_record.h"
#include "fa/sql.h"

struct acct_store;

struct acct_store_conf {
    const char *path;
    const char *nas_id; /* borrowed, outlives the store */
    uint32_t queue_max;
    uint32_t interim_s;        /* a session not heard of for three times as long is ended */
    uint32_t origin;           /* random: names a new file */
    uint64_t (*wall_s)(void);  /* calendar */
    uint64_t (*boot_us)(void); /* a clock that nobody sets */
};

enum acct_event_type { ACCT_SESSION, ACCT_CHARGE, ACCT_OFF };

struct acct_event {
    struct acct_event *next; /* as they happened */
    enum acct_event_type type;
    uint64_t at_s;
    void *to; /* the owner's */
    union {
        struct fa_session session;
        struct {
            uint8_t hit[16];
            struct fa_charge who;
        } charge;
    };
};

struct acct_row {
    uint64_t id; /* ascending, never used again */
    char sid[ACCT_SID_MAX];
    uint8_t status; /* enum radius_acct_status */
    uint64_t at_s;
    uint16_t len;
    uint8_t attrs[ACCT_ATTRS_MAX];
};

struct acct_turn {
    const struct acct_event *events; /* to be written; NULL: none */
    const uint64_t *acked;           /* rows to be forgotten */
    size_t n_acked;
    uint64_t after; /* rows behind this one are wanted: */
    struct acct_row *rows;
    size_t cap;
    /* out */
    size_t n;
    uint64_t queued, oldest_s; /* oldest_s 0: none */
    uint64_t sessions;
    uint64_t lost,
        dropped; /* since the store was opened: Starts and Stops; Interim-Updates that a full queue did not take or keep */
};

/* ERR_CONFIG, ERR_IO, ERR_MEMORY; why as sql_open(). */
MUST_USE err acct_store_open(const struct acct_store_conf *c, struct acct_store **out, char why[SQL_WHY_MAX]);
void acct_store_close(struct acct_store *s); /* NULL is fine */
MUST_USE err acct_store_turn(struct acct_store *s, struct acct_turn *t);
