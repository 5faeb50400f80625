/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/zone.h"

const char *dnsu_plan_name(enum dnsu_plan p)
{
    static const char *const names[] = { "nothing", "update", "foreign" };
    return (unsigned)p < sizeof names / sizeof *names ? names[p] : "?";
}

/* Prerequisite: the RRset is exactly this, or absent. */
static void pre_set(struct dnsu_update *u, const struct dnsu_name *n, const struct dnsu_set *s)
{
    if (s->n == 0)
        dnsu_pre_rrset_absent(u, n, s->type);
    for (size_t i = 0; i < s->n; i++)
        dnsu_pre_rr(u, n, s->type, s->rdata[i]);
}

/* Update: the RRset becomes this (RFC 2136 s3.4.2, s3.7: in order and all or none). */
static void put_set(struct dnsu_update *u, const struct dnsu_name *n, const struct dnsu_set *was,
                    const struct dnsu_set *want)
{
    if (was->n)
        dnsu_upd_del_rrset(u, n, want->type);
    for (size_t i = 0; i < want->n; i++)
        dnsu_upd_add(u, n, want->type, want->ttl, want->rdata[i]);
}

err dnsu_zone_write(const struct dnsu_name *zone, const struct dnsu_name *owner, const struct dnsu_set *last,
                    const struct dnsu_set *want, struct dnsu_zone_msgs *out)
{
    struct dnsu_update u;
    if (last->n == 0 && want->n == 0)
        return ERR_STATE;
    if (last->type != want->type)
        return ERR_RANGE;
    dnsu_update_begin(&u, out->message, sizeof out->message, 0, zone);
    if (last->n)
        pre_set(&u, owner, last);
    else
        dnsu_pre_name_free(&u, owner);
    put_set(&u, owner, last, want);
    err e = dnsu_update_end(&u, &out->message_len);
    if (e != ERR_OK)
        return e;
    dnsu_update_begin(&u, out->proof, sizeof out->proof, 0, zone);
    pre_set(&u, owner, want);
    return dnsu_update_end(&u, &out->proof_len);
}

err dnsu_zone_mend(const struct dnsu_name *zone, const struct dnsu_name *owner, const struct dnsu_set *last,
                   const struct dnsu_set *want, const struct dnsu_set *holds, bool in_use,
                   enum dnsu_plan *plan, struct dnsu_zone_msgs *out)
{
    struct dnsu_set none = { .type = want->type };
    err e = ERR_OK;
    enum dnsu_plan p;
    if (dnsu_set_eq(holds, want)) {
        p = DNSU_PLAN_NOTHING;
    } else if (holds->n == 0 && !in_use) {
        /* never written, or gone: it may be written as a new name */
        p = DNSU_PLAN_UPDATE;
        e = dnsu_zone_write(zone, owner, &none, want, out);
    } else if (holds->n && last->n && dnsu_set_eq(holds, last)) {
        p = DNSU_PLAN_UPDATE;
        e = dnsu_zone_write(zone, owner, last, want, out);
    } else {
        p = DNSU_PLAN_FOREIGN;
    }
    if (e == ERR_OK)
        *plan = p;
    return e;
}

err dnsu_zone_own(const struct dnsu_name *zone, const struct dnsu_name *owner, const struct dnsu_set *want,
                  const struct dnsu_set *holds, size_t n, enum dnsu_plan *plan, struct dnsu_zone_msgs *out)
{
    struct dnsu_update u;
    size_t differ = 0;
    for (size_t i = 0; i < n; i++) {
        if (want[i].type != holds[i].type)
            return ERR_RANGE;
        if (!dnsu_set_eq(&want[i], &holds[i]))
            differ++;
    }
    dnsu_update_begin(&u, out->message, sizeof out->message, 0, zone);
    for (size_t i = 0; i < n; i++)
        pre_set(&u, owner, &holds[i]);
    for (size_t i = 0; i < n; i++)
        if (!dnsu_set_eq(&want[i], &holds[i]))
            put_set(&u, owner, &holds[i], &want[i]);
    err e = dnsu_update_end(&u, &out->message_len);
    if (e != ERR_OK)
        return e;
    dnsu_update_begin(&u, out->proof, sizeof out->proof, 0, zone);
    for (size_t i = 0; i < n; i++)
        pre_set(&u, owner, &want[i]);
    e = dnsu_update_end(&u, &out->proof_len);
    if (e == ERR_OK)
        *plan = differ ? DNSU_PLAN_UPDATE : DNSU_PLAN_NOTHING;
    return e;
}
