/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that another FA of this operator bound (docs/sim-binding.md section 17). What counts is the zone, which only the binding FA writes: the HIP
 * record of the name that the host says it has must hold its very HI and name us among its rendezvous servers. It is asked at each registration and
 * each renewal, at the zone's own primary; so a revocation, which deletes the record, ends the registration here too.
 */
#include <string.h>

#include "dnsupd/hiprr.h"
#include "fa/core/core.h"

void fa_partner_said(const struct fa *f, struct fa_guest *g, struct span fqdn)
{
    char name[FA_NAME_MAX], label[FA_LABEL_MAX];
    g->said[0] = 0;
    if (!f->c.by_zone || span_empty(fqdn) || fa_name_from_wire(fqdn, name) != ERR_OK)
        return;
    /* Nothing but our subscribers' part of the zone is asked about: a name of the peer's choice goes no further. */
    if (fa_name_label(&f->naming, name, label) == ERR_OK)
        fa_text(g->said, sizeof g->said, name);
}

bool fa_partner_asks(const struct fa *f, const struct fa_guest *g, const struct hip_reg_list *req)
{
    if (!f->c.by_zone || !g->said[0] || req->lifetime == 0)
        return false;
    for (size_t i = 0; i < req->n; i++)
        if (req->type[i] != FA_REG_SIM_BINDING)
            return true;
    return false;
}

static bool names_us(const struct fa *f, const struct dnsu_hiprr *rr)
{
    struct dnsu_name own, n;
    if (dnsu_name_from_wire(span_of(f->name_wire, f->name_wire_len), &own) != ERR_OK)
        return false;
    for (size_t i = 0; i < rr->n_rvs; i++)
        if (dnsu_hiprr_rvs(rr, i, &n) == ERR_OK && dnsu_name_eq(&n, &own))
            return true;
    return false;
}

/* The whole HI, not its HIT alone: as for a binding of our own (section 5). */
static bool its_key(const struct fa *f, const struct fa_guest *g, const struct dnsu_hiprr *rr)
{
    struct hip_hi hi = { 0 };
    struct hip_assoc_view v;
    struct span pk;
    uint8_t alg;
    if (!span_eq(rr->hit, span_of(g->peer.b, sizeof g->peer.b)) ||
        hip_assoc_get(f->hip, g->ref, &v) != ERR_OK || hip_hi_from_wire(v.peer_hi, &hi) != ERR_OK)
        return false;
    bool same = hip_hi_to_dns(&hi, &alg, &pk) == ERR_OK && alg == rr->pk_alg && span_eq(pk, rr->pk);
    hip_hi_done(&hi);
    return same;
}

bool fa_partner_judge(const struct fa *f, const struct fa_guest *g, const struct fa_result *r)
{
    struct dnsu_hiprr rr;
    if (r->zone.says != FA_ZONE_HIP || span_empty(r->zone.rdata) || /* several records are nobody's */
        dnsu_hiprr_parse(r->zone.rdata, &rr) != ERR_OK)
        return false;
    return its_key(f, g, &rr) && names_us(f, &rr);
}
