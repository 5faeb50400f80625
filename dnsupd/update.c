/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/update.h"

#include <ldns/rbtree.h> /* the next one names its type and does not include it */

#include <ldns/host2wire.h>
#include <ldns/packet.h>
#include <stdlib.h>
#include <string.h>

/* RDATA is one field of no type to ldns: it writes the octets and looks at none. NULL: out of memory. */
static ldns_rr *rr_of(const struct dnsu_name *n, uint16_t type, uint16_t cls, uint32_t ttl, struct span rdata)
{
    ldns_rr *rr = ldns_rr_new();
    ldns_rdf *owner = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, n->len, n->wire);
    ldns_rdf *rd = rdata.n ? ldns_rdf_new_frm_data(LDNS_RDF_TYPE_UNKNOWN, rdata.n, rdata.p) : NULL;
    if (!rr || !owner || (rdata.n && (!rd || !ldns_rr_push_rdf(rr, rd)))) {
        ldns_rdf_deep_free(rd);
        ldns_rdf_deep_free(owner);
        ldns_rr_free(rr);
        return NULL;
    }
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_type(rr, (ldns_rr_type)type);
    ldns_rr_set_class(rr, (ldns_rr_class)cls);
    ldns_rr_set_ttl(rr, ttl);
    return rr;
}

static err push(ldns_pkt *p, ldns_pkt_section section, const struct dnsu_name *n, uint16_t type, uint16_t cls,
                uint32_t ttl, struct span rdata)
{
    ldns_rr *rr = rr_of(n, type, cls, ttl, rdata);
    if (!rr || !ldns_pkt_push_rr(p, section, rr)) {
        ldns_rr_free(rr);
        return ERR_MEMORY;
    }
    return ERR_OK;
}

/* Header and the one entry of the first section. NULL: out of memory. */
static ldns_pkt *pkt_of(uint16_t id, ldns_pkt_opcode op, const struct dnsu_name *n, uint16_t type)
{
    ldns_pkt *p = ldns_pkt_new();
    if (!p)
        return NULL;
    ldns_pkt_set_id(p, id);
    ldns_pkt_set_opcode(p, op);
    if (push(p, LDNS_SECTION_QUESTION, n, type, DNSU_CLASS_IN, 0, (struct span){ 0 }) != ERR_OK) {
        ldns_pkt_free(p);
        return NULL;
    }
    return p;
}

static err write_out(const ldns_pkt *p, void *buf, size_t cap, size_t *len)
{
    uint8_t *wire = NULL;
    size_t n = 0;
    err e = ERR_OK;
    if (ldns_pkt2wire(&wire, p, &n) != LDNS_STATUS_OK || !wire)
        e = ERR_MEMORY;
    else if (n > cap)
        e = ERR_SPACE;
    if (e == ERR_OK) {
        memcpy(buf, wire, n);
        *len = n;
    }
    LDNS_FREE(wire);
    return e;
}

err dnsu_query_build(void *buf, size_t cap, size_t *len, uint16_t id, const struct dnsu_name *name,
                     uint16_t type)
{
    ldns_pkt *p = pkt_of(id, LDNS_PACKET_QUERY, name, type);
    err e = p ? write_out(p, buf, cap, len) : ERR_MEMORY;
    ldns_pkt_free(p);
    return e;
}

void dnsu_update_begin(struct dnsu_update *u, void *buf, size_t cap, uint16_t id,
                       const struct dnsu_name *zone)
{
    *u = (struct dnsu_update){ .buf = buf, .cap = cap, .zone = *zone };
    u->pkt = pkt_of(id, LDNS_PACKET_UPDATE, zone, DNSU_TYPE_SOA); /* exactly one zone (s2.3) */
    if (!u->pkt)
        u->failed = ERR_MEMORY;
}

static void put_rr(struct dnsu_update *u, ldns_pkt_section section, const struct dnsu_name *n, uint16_t type,
                   uint16_t cls, uint32_t ttl, struct span rdata)
{
    if (u->failed)
        return;
    if (!dnsu_name_in(n, &u->zone) || rdata.n > UINT16_MAX)
        u->failed = ERR_RANGE;
    else
        u->failed = push(u->pkt, section, n, type, cls, ttl, rdata);
}

static void put_pre(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, uint16_t cls,
                    struct span rdata)
{
    if (u->updating && !u->failed)
        u->failed = ERR_STATE;
    put_rr(u, LDNS_SECTION_ANSWER, n, type, cls, 0, rdata);
}

static void put_upd(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, uint16_t cls,
                    uint32_t ttl, struct span rdata)
{
    u->updating = true;
    put_rr(u, LDNS_SECTION_AUTHORITY, n, type, cls, ttl, rdata);
}

void dnsu_pre_name_in_use(struct dnsu_update *u, const struct dnsu_name *n)
{
    put_pre(u, n, DNSU_TYPE_ANY, DNSU_CLASS_ANY, (struct span){ 0 });
}

void dnsu_pre_name_free(struct dnsu_update *u, const struct dnsu_name *n)
{
    put_pre(u, n, DNSU_TYPE_ANY, DNSU_CLASS_NONE, (struct span){ 0 });
}

void dnsu_pre_rrset_exists(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type)
{
    put_pre(u, n, type, DNSU_CLASS_ANY, (struct span){ 0 });
}

void dnsu_pre_rrset_absent(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type)
{
    put_pre(u, n, type, DNSU_CLASS_NONE, (struct span){ 0 });
}

void dnsu_pre_rr(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, struct span rdata)
{
    put_pre(u, n, type, DNSU_CLASS_IN, rdata);
}

void dnsu_upd_add(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, uint32_t ttl,
                  struct span rdata)
{
    put_upd(u, n, type, DNSU_CLASS_IN, ttl, rdata);
}

void dnsu_upd_del_rrset(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type)
{
    put_upd(u, n, type, DNSU_CLASS_ANY, 0, (struct span){ 0 });
}

void dnsu_upd_del_name(struct dnsu_update *u, const struct dnsu_name *n)
{
    dnsu_upd_del_rrset(u, n, DNSU_TYPE_ANY);
}

void dnsu_upd_del_rr(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, struct span rdata)
{
    put_upd(u, n, type, DNSU_CLASS_NONE, 0, rdata);
}

err dnsu_update_end(struct dnsu_update *u, size_t *len)
{
    err e = u->failed ? u->failed : write_out(u->pkt, u->buf, u->cap, len);
    ldns_pkt_free(u->pkt);
    u->pkt = NULL;
    return e;
}
