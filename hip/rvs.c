/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/rvs.h"

#include <string.h>

#include "hip/auth.h"
#include "hip/nat.h"
#include "hip/param_nat.h"
#include "hip/relay.h"

/* ---- server ---- */

int hip_relay_i1(struct hip_engine *e, struct hip_ref client, const struct hip_path *in, struct span i1,
                 uint64_t now, struct hip_actions *out)
{
    struct hip_pkt k;
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    struct hip_build b;
    int drop = hip_pkt_parse(i1, &k);
    const struct hip_assoc *a = hip_assoc_by_ref(e, client);
    if (drop == HIP_TAKEN && k.type != HIP_PKT_I1 && k.type != HIP_PKT_UPDATE) /* RFC 8046 s3.2.3 */
        drop = HIP_DROP_WRONG_STATE;
    if (drop == HIP_TAKEN && !hip_checksum_ok(&k, &in->peer, &in->local))
        drop = HIP_DROP_BAD_CHECKSUM;
    if (drop == HIP_TAKEN &&
        (!a || !hit_eq(&a->peer, &k.receiver) || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED)))
        drop = HIP_DROP_NOT_REGISTERED;
    if (drop == HIP_TAKEN && (hip_pkt_has(&k, HIP_PAR_FROM) || hip_pkt_has(&k, HIP_PAR_RVS_HMAC)))
        drop = HIP_DROP_RVS_NOT_TRUSTED;
    if (drop == HIP_TAKEN && (hip_path_is_udp(in) || hip_path_is_udp(&a->path))) /* FROM has no port */
        drop = HIP_DROP_BAD_NAT_MODE;
    if (drop == HIP_TAKEN && !hip_act_room(out))
        drop = HIP_DROP_ACTIONS_FULL;
    if (drop == HIP_TAKEN) {
        hip_build_resume(&b, buf, sizeof buf, &k);
        hip_put_from(&b, &in->peer);
        hip_mac_add(&b, HIP_PAR_RVS_HMAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
        if (hip_build_finish(&b, &a->path.local, &a->path.peer, &pkt) != ERR_OK)
            drop = HIP_DROP_OVERSIZED;
    }
    if (drop == HIP_TAKEN)
        hip_act_send(e, out, NULL, &a->path, pkt);
    else
        e->counters[drop]++;
    return drop;
}

/* ---- the peer's server ---- */

err hip_rvs_of(struct hip_engine *e, struct hip_ref ref, const struct addr *rvs)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    a->rvs = *rvs;
    a->rvs.port = 0;
    return ERR_OK;
}

/* ---- client ---- */

err hip_rvs_trust(struct hip_engine *e, struct hip_ref ref, bool on)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if ((a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED) || (on && hip_relay_trusted(e, a)))
        return ERR_STATE;
    hip_rvs_forget(e, a);
    if (!on)
        return ERR_OK;
    for (size_t i = 0; i < HIP_RVS_MAX; i++)
        if (!e->rvs[i]) {
            e->rvs[i] = a;
            return ERR_OK;
        }
    return ERR_FULL;
}

void hip_rvs_forget(struct hip_engine *e, const struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_RVS_MAX; i++)
        if (e->rvs[i] == a)
            e->rvs[i] = NULL;
}

bool hip_rvs_trusted(const struct hip_engine *e, const struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_RVS_MAX; i++)
        if (e->rvs[i] == a)
            return true;
    return false;
}

/* RVS_HMAC under the key of one of our servers (RFC 8004 s4.2.1): the one at the packet's source, or another one of
 * its addresses, so all of this identity's are tried. */
static int check_hmac(const struct hip_rx *rx)
{
    bool any = false;
    for (size_t i = 0; i < HIP_RVS_MAX; i++) {
        const struct hip_assoc *a = rx->e->rvs[i];
        if (!a || a->id != rx->id)
            continue;
        any = true;
        if (hip_mac_check(&rx->pkt, HIP_PAR_RVS_HMAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.in)) ==
            ERR_OK)
            return HIP_TAKEN;
    }
    return any ? HIP_DROP_BAD_RVS_HMAC : HIP_DROP_RVS_NOT_TRUSTED;
}

int hip_rvs_origin(const struct hip_rx *rx, struct hip_origin *out)
{
    struct hip_origin o = { .relayed = rx->path->to.family != ADDR_NONE,
                            .ip = *hip_path_far(rx->path),
                            .rvs = rx->path->peer };
    if (hip_pkt_has(&rx->pkt, HIP_PAR_FROM) || hip_pkt_has(&rx->pkt, HIP_PAR_RVS_HMAC)) {
        int drop = check_hmac(rx);
        if (drop != HIP_TAKEN)
            return drop;
    }
    if (hip_pkt_has(&rx->pkt, HIP_PAR_FROM)) {
        if (hip_get_from(hip_pkt_span(&rx->pkt, HIP_PAR_FROM), &o.ip) != ERR_OK)
            return HIP_DROP_PARAM_MALFORMED;
        /* Of another family than the packet: only an association knows what else it is reached by. */
        bool strange = rx->pkt.type == HIP_PKT_I1 && o.ip.family != rx->path->local.family;
        if (addr_is_multicast(&o.ip) || addr_is_unspecified(&o.ip) || strange || hip_path_is_udp(rx->path))
            return HIP_DROP_BAD_LOCATOR;
        o.relayed = o.by_rvs = true;
    }
    *out = o;
    return HIP_TAKEN;
}
