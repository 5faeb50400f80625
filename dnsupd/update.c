/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/update.h"

void dnsu_update_begin(struct dnsu_update *u, void *buf, size_t cap, uint16_t id,
                       const struct dnsu_name *zone)
{
    *u = (struct dnsu_update){ .w = wcur_of(buf, cap), .zone = *zone };
    wcur_u16(&u->w, id);
    wcur_u16(&u->w, DNSU_OP_UPDATE << 11);
    wcur_u16(&u->w, 1); /* exactly one zone (s2.3) */
    wcur_zero(&u->w, 6);
    wcur_span(&u->w, dnsu_name_span(zone));
    wcur_u16(&u->w, DNSU_TYPE_SOA);
    wcur_u16(&u->w, DNSU_CLASS_IN);
}

static void put_rr(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, uint16_t cls,
                   uint32_t ttl, struct span rdata)
{
    if (u->failed)
        return;
    if (!dnsu_name_in(n, &u->zone) || rdata.n > UINT16_MAX) {
        u->failed = ERR_RANGE;
        return;
    }
    wcur_span(&u->w, dnsu_name_span(n));
    wcur_u16(&u->w, type);
    wcur_u16(&u->w, cls);
    wcur_u32(&u->w, ttl);
    wcur_u16(&u->w, (uint16_t)rdata.n);
    wcur_span(&u->w, rdata);
}

static void put_pre(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, uint16_t cls,
                    struct span rdata)
{
    if (u->updates && !u->failed)
        u->failed = ERR_STATE;
    put_rr(u, n, type, cls, 0, rdata);
    u->prereqs++;
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
    put_rr(u, n, type, DNSU_CLASS_IN, ttl, rdata);
    u->updates++;
}

void dnsu_upd_del_rrset(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type)
{
    put_rr(u, n, type, DNSU_CLASS_ANY, 0, (struct span){ 0 });
    u->updates++;
}

void dnsu_upd_del_name(struct dnsu_update *u, const struct dnsu_name *n)
{
    dnsu_upd_del_rrset(u, n, DNSU_TYPE_ANY);
}

void dnsu_upd_del_rr(struct dnsu_update *u, const struct dnsu_name *n, uint16_t type, struct span rdata)
{
    put_rr(u, n, type, DNSU_CLASS_NONE, 0, rdata);
    u->updates++;
}

err dnsu_update_end(struct dnsu_update *u, size_t *len)
{
    if (u->failed)
        return u->failed;
    wcur_patch_u16(&u->w, 6, u->prereqs);
    wcur_patch_u16(&u->w, 8, u->updates);
    if (!wcur_ok(&u->w))
        return ERR_SPACE;
    *len = wcur_len(&u->w);
    return ERR_OK;
}
