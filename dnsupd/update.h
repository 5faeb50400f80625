/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages that we send, put together with ldns: a query, and an UPDATE (RFC 2136 s2): zone, then prerequisites, then updates, in that order;
 * class IN. Owner names are compressed, RDATA goes out as it is given. Errors stick and come out of dnsu_update_end(): ERR_SPACE,
 * ERR_MEMORY, ERR_RANGE (a name outside of the zone: NOTZONE), ERR_STATE (a prerequisite after an update).
 */
#pragma once

#include "dnsupd/msg.h"

/* A query with recursion not desired: what an authoritative server holds now. ERR_SPACE, ERR_MEMORY. */
MUST_USE err dnsu_query_build(void *buf, size_t cap, size_t *len, uint16_t id, const struct dnsu_name *name,
                              uint16_t type);

struct dnsu_update {
    struct ldns_struct_pkt *pkt; /* from begin to end */
    uint8_t *buf;
    size_t cap;
    struct dnsu_name zone;
    bool updating; /* the update section has begun */
    err failed;
};

/* id: dnsu_txn puts one of its own in for each try. Every begin needs its end, which frees what was put together. */
void dnsu_update_begin(struct dnsu_update *u, void *buf, size_t cap, uint16_t id,
                       const struct dnsu_name *zone);
/* Prerequisites (s2.4). An exact RRset is one dnsu_pre_rr() for each record of the set. */
void dnsu_pre_name_in_use(struct dnsu_update *u, const struct dnsu_name *n);
void dnsu_pre_name_free(struct dnsu_update *u, const struct dnsu_name *n);
void dnsu_pre_rrset_exists(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type);
void dnsu_pre_rrset_absent(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type);
void dnsu_pre_rr(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, struct span rdata);
/* Updates (s2.5), carried out in order and all or none. */
void dnsu_upd_add(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, uint32_t ttl,
                  struct span rdata);
void dnsu_upd_del_rrset(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type);
void dnsu_upd_del_name(struct dnsu_update *u, const struct dnsu_name *n);
void dnsu_upd_del_rr(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, struct span rdata);
MUST_USE err dnsu_update_end(struct dnsu_update *u, size_t *len);
