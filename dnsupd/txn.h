/* SPDX-License-Identifier: Apache-2.0
 *
 * One DNS transaction with the zone's primary as an engine without I/O: an UPDATE (RFC 2136) or a query, signed with TSIG, repeated with a new ID
 * and a new signature until a signed answer is final or the servers are used up.
 *
 *  - Servers are tried in order, each `tries` times over UDP with doubling waits; messages over `udp_max` octets and truncated answers go over TCP.
 *  - SERVFAIL, NOTIMP, a dead port or silence drop a server; every other signed RCODE is final (RFC 2136 s4.5).
 *  - A reply without a good TSIG changes nothing: it is counted, its hint kept for the log, and the wait goes on (RFC 8945 s5.4).
 *  - Replies to earlier tries count as long as the transaction lives: a slow server is not a dead one.
 *  - An UPDATE may have been carried out though its answer was lost. So when a prerequisite fails, the engine asks once more with
 *    the prerequisites of `proof` (what the zone holds if the update was done) and no update; "yes" means done.
 *
 * Time: now_us monotonic, wall_s seconds since 1970. Actions borrow from the transaction until the next call into it.
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/env.h"
#include "dnsupd/tsig.h"

#define DNSU_SERVERS_MAX 4
#define DNSU_TRIES_MAX   32 /* messages sent in all, over all servers */

struct dnsu_txn_config {
    const struct env *env;
    const struct dnsu_tsig_key *key; /* outlives the transactions */
    struct addr server[DNSU_SERVERS_MAX];
    uint8_t n_servers;
    uint8_t tries;     /* for each server; 0: 3 */
    uint64_t first_us; /* first wait; 0: one second; doubles up to max_us */
    uint64_t max_us;   /* 0: four seconds */
    uint64_t tcp_us;   /* wait over TCP; 0: five seconds */
    uint16_t udp_max;  /* longest message sent over UDP; 0: 512 (RFC 1035 s4.2.1) */
};

enum dnsu_result {
    DNSU_DONE,        /* the update was committed; or the query was answered (NXDOMAIN included) */
    DNSU_NAME_IN_USE, /* YXDOMAIN, YXRRSET: something stands where nothing should */
    DNSU_CHANGED,     /* NXRRSET, NXDOMAIN to an update: the zone is not what we wrote last */
    DNSU_REFUSED,     /* any other final RCODE, signed */
    DNSU_UNREACHABLE, /* no signed and final answer from any server */
};
const char *dnsu_result_name(enum dnsu_result r);

enum dnsu_txn_act_type { DNSU_ACT_UDP, DNSU_ACT_TCP, DNSU_ACT_DONE };

struct dnsu_txn_act {
    enum dnsu_txn_act_type type;
    uint32_t tag;        /* UDP, TCP: names this try in dnsu_txn_failed() */
    struct addr server;  /* UDP, TCP */
    struct span message; /* UDP, TCP: without length prefix */
    enum dnsu_result result;
    uint8_t rcode;     /* DONE: RCODE of the final answer; of the last signed one when unreachable, else 0 */
    struct span reply; /* DONE of a query: the verified reply */
};

#define DNSU_TXN_ACTS 2
struct dnsu_txn_acts {
    size_t n;
    struct dnsu_txn_act v[DNSU_TXN_ACTS];
};

struct dnsu_txn_stats {
    uint32_t tries, ignored; /* messages sent; replies without a good TSIG */
    uint16_t hint;           /* TSIG error or RCODE of the last ignored reply that had one */
    bool proved;             /* done by proof: an earlier try had been carried out */
};

struct dnsu_txn;

/* message: a whole UPDATE or query without TSIG; copied. proof: empty, or an UPDATE with prerequisites only. NULL: out of memory, or what was
 * passed is no such message. */
struct dnsu_txn *dnsu_txn_new(const struct dnsu_txn_config *c, struct span message, struct span proof);
void dnsu_txn_free(struct dnsu_txn *t);
void dnsu_txn_start(struct dnsu_txn *t, uint64_t now_us, uint64_t wall_s, struct dnsu_txn_acts *out);
/* Octets that came from `from`, over any of the transaction's sockets. */
void dnsu_txn_input(struct dnsu_txn *t, const struct addr *from, struct span msg, uint64_t now_us,
                    uint64_t wall_s, struct dnsu_txn_acts *out);
/* The transport of a try failed: port unreachable, connection refused or closed. */
void dnsu_txn_failed(struct dnsu_txn *t, uint32_t tag, uint64_t now_us, uint64_t wall_s,
                     struct dnsu_txn_acts *out);
void dnsu_txn_timeout(struct dnsu_txn *t, uint64_t now_us, uint64_t wall_s, struct dnsu_txn_acts *out);
uint64_t dnsu_txn_deadline(const struct dnsu_txn *t); /* UINT64_MAX when done */
const struct dnsu_txn_stats *dnsu_txn_stats(const struct dnsu_txn *t);
