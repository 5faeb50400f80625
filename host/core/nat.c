/* SPDX-License-Identifier: Apache-2.0
 *
 * Through NATs (RFC 9028): which service a registrar is asked for, where it and its data relay say we are.
 */
#include <string.h>

#include "hip/proto.h"
#include "hip/reg.h"
#include "host/core/host_priv.h"

void host_nat_init(struct host *h)
{
    static const uint16_t modes[] = { HIP_NAT_ICE_HIP_UDP, HIP_NAT_UDP_ENCAPSULATION };

    if (h->c.nat == HOST_NAT_OFF)
        h->c.udp_port = 0;
    memset(h->c.hip.nat_modes, 0, sizeof h->c.hip.nat_modes);
    if (h->c.udp_port)
        memcpy(h->c.hip.nat_modes, modes, sizeof modes);
}

/* Over UDP the control relay, else rendezvous (s7.8). A registrar that relays nothing is asked for rendezvous over UDP as well: what comes over
 * IP protocol 139 may still reach us. */
bool host_nat_service(bool udp, const struct hip_reg_info *offered, struct hip_reg_list *out)
{
    struct hip_reg_list r = { .present = true };
    uint8_t n = offered->present ? offered->n : 0;

    if (udp && hip_reg_has(offered->type, n, HIP_REGT_RELAY_UDP_HIP)) {
        r.type[r.n++] = HIP_REGT_RELAY_UDP_HIP;
        if (hip_reg_has(offered->type, n, HIP_REGT_RELAY_UDP_ESP))
            r.type[r.n++] = HIP_REGT_RELAY_UDP_ESP;
    } else if (hip_reg_has(offered->type, n, HIP_REGT_RENDEZVOUS)) {
        r.type[r.n++] = HIP_REGT_RENDEZVOUS;
    } else {
        return false;
    }
    *out = r;
    return true;
}

void host_nat_told(struct host *h, struct host_link *l, const struct hip_contents *c)
{
    char text[ADDR_TEXT_MAX];

    if (c->reg_from.family != ADDR_NONE && !addr_eq(&c->reg_from, &l->reg_from)) {
        l->reg_from = c->reg_from;
        host_event(h, HOST_EV_MOVE, LOG_LV_INFO, &l->peer, "the FA sees us at %s",
                   addr_format(&l->reg_from, text));
    }
    if (c->relayed.family != ADDR_NONE && !addr_eq(&c->relayed, &l->relayed)) {
        l->relayed = c->relayed;
        host_event(h, HOST_EV_REGISTERED, LOG_LV_INFO, &l->peer, "data relay at %s",
                   addr_format(&l->relayed, text));
    }
}
