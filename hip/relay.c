/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/relay.h"

#include <string.h>

#include "hip/auth.h"
#include "hip/ice.h"
#include "hip/nat.h"
#include "hip/notify.h"
#include "hip/param_nat.h"
#include "hip/rvs.h"

/* ---- server ---- */

static int count(struct hip_engine *e, int drop)
{
    if (drop != HIP_TAKEN)
        e->counters[drop]++;
    return drop;
}

static bool lacks_mode(const struct hip_pkt *k)
{
    return (k->type == HIP_PKT_R1 || k->type == HIP_PKT_I2) && !hip_pkt_has(k, HIP_PAR_NAT_TRAVERSAL_MODE);
}

/* s4.5: an R1 or I2 without NAT_TRAVERSAL_MODE is not relayed, and its sender is told. Anybody can send one, under any address: only so many are
 * answered, and none with more octets than it had. */
static int refuse_mode(struct hip_engine *e, const struct hip_identity *id, const struct hip_pkt *k,
                       const struct hip_path *back, uint64_t now, struct hip_actions *out)
{
    static const struct bucket_rate rate = { .per_second_milli = 10000, .burst = 20 };
    struct span header = span_sub(k->raw, 0, HIP_HEADER_LEN); /* s5.10 */
    size_t n = out->n, used = out->used;
    if (!bucket_take(&e->told, &rate, 1, now))
        return HIP_DROP_BAD_NAT_MODE;
    if (hip_notify_to(e, id, &k->sender, back, HIP_NTF_NO_VALID_NAT_TRAVERSAL_MODE_PARAMETER, header, out) !=
        ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
    if (out->used - used > k->raw.n) {
        out->n = n;
        out->used = used;
    }
    return HIP_DROP_BAD_NAT_MODE;
}

static err append(const struct hip_assoc *a, const struct addr *from, const struct hip_path *path,
                  struct span raw, uint8_t buf[HIP_PACKET_MAX], struct span *out)
{
    uint8_t copy[HIP_PACKET_MAX], v[HIP_TRANSPORT_ADDR_LEN];
    struct hip_build b;
    size_t n = raw.n;
    memcpy(copy, raw.p, n);
    hip_write_transport_addr(from, v);
    /* In front of a RELAY_TO that another relay has left in it. */
    err r = hip_packet_insert(copy, &n, sizeof copy, HIP_PAR_RELAY_FROM, span_of(v, sizeof v));
    if (r != ERR_OK)
        return r;
    hip_build_resume(&b, buf, HIP_PACKET_MAX, &(struct hip_pkt){ .raw = span_of(copy, n) });
    hip_mac_add(&b, HIP_PAR_RELAY_HMAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
    return hip_build_finish(&b, &path->local, &path->peer, out);
}

static int judge_inward(struct hip_engine *e, const struct hip_assoc *a, const struct hip_path *in,
                        const struct hip_pkt *k, uint64_t now, struct hip_actions *out)
{
    if (!hip_checksum_ok(k, &in->peer, &in->local))
        return HIP_DROP_BAD_CHECKSUM;
    if (!a || !hit_eq(&a->peer, &k->receiver) || (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED))
        return HIP_DROP_NOT_REGISTERED;
    if (hip_pkt_has(k, HIP_PAR_RELAY_FROM) || hip_pkt_has(k, HIP_PAR_RELAY_HMAC) ||
        hip_pkt_has(k, HIP_PAR_FROM) || hip_pkt_has(k, HIP_PAR_RVS_HMAC))
        return HIP_DROP_RELAY_NOT_TRUSTED;
    if (!hip_act_room(out))
        return HIP_DROP_ACTIONS_FULL;
    return lacks_mode(k) ? refuse_mode(e, a->id, k, in, now, out) : HIP_TAKEN;
}

int hip_relay_to_client(struct hip_engine *e, struct hip_ref client, const struct hip_path *in,
                        const struct hip_path *out_path, struct span packet, uint64_t now,
                        struct hip_actions *out)
{
    struct hip_pkt k;
    uint8_t buf[HIP_PACKET_MAX];
    struct span pkt;
    const struct hip_assoc *a = hip_assoc_by_ref(e, client);
    int drop = hip_pkt_parse(packet, &k);
    if (drop == HIP_TAKEN)
        drop = judge_inward(e, a, in, &k, now, out);
    if (drop != HIP_TAKEN)
        return count(e, drop);
    struct hip_path path = out_path ? *out_path : a->path;
    path.to = (struct addr){ 0 };
    if (append(a, &in->peer, &path, k.raw, buf, &pkt) != ERR_OK)
        return count(e, HIP_DROP_OVERSIZED);
    hip_act_send(e, out, NULL, &path, pkt);
    return HIP_TAKEN;
}

static int read_to(const struct hip_pkt *k, struct addr *to)
{
    struct hip_transport_addr t;
    if (!hip_pkt_has(k, HIP_PAR_RELAY_TO))
        return HIP_DROP_PARAM_MISSING;
    if (hip_get_transport_addr(hip_pkt_span(k, HIP_PAR_RELAY_TO), &t) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    if (!hip_transport_addr_ok(&t))
        return HIP_DROP_FORBIDDEN_DESTINATION;
    *to = t.addr;
    return HIP_TAKEN;
}

int hip_relay_wants(struct span packet, struct addr *to, bool *check)
{
    struct hip_pkt k;
    int drop = hip_pkt_parse(packet, &k);
    if (drop == HIP_TAKEN)
        drop = read_to(&k, to);
    if (drop == HIP_TAKEN) /* nothing else is one: no exchange is made with anybody from a relayed address */
        *check = k.type == HIP_PKT_UPDATE && hip_ice_is_check(&k);
    return drop;
}

/* The association with a client whose packet this is; NULL: none. */
static const struct hip_assoc *client_of(const struct hip_engine *e, const struct hit *hit)
{
    for (size_t i = 0; i < e->n_id; i++) {
        const struct hip_assoc *a = hip_assoc_by_pair(e, &e->id[i]->hi.hit, hit);
        if (a && (a->state == HIP_R2_SENT || a->state == HIP_ESTABLISHED))
            return a;
    }
    return NULL;
}

int hip_relay_from_client(struct hip_engine *e, const struct hip_path *path, struct span packet, uint64_t now,
                          struct hip_actions *out)
{
    struct hip_pkt k;
    int drop = hip_pkt_parse(packet, &k);
    if (drop == HIP_TAKEN && !hip_pkt_has(&k, HIP_PAR_RELAY_TO))
        drop = HIP_DROP_PARAM_MISSING;
    const struct hip_assoc *a = drop == HIP_TAKEN ? client_of(e, &k.sender) : NULL;
    if (drop == HIP_TAKEN && !a)
        drop = HIP_DROP_NOT_OUR_CLIENT;
    if (drop == HIP_TAKEN && !hip_act_room(out))
        drop = HIP_DROP_ACTIONS_FULL;
    if (drop == HIP_TAKEN && lacks_mode(&k))
        drop = refuse_mode(e, a->id, &k, &a->path, now, out);
    if (drop != HIP_TAKEN)
        return count(e, drop);
    struct hip_path on = { .local = path->local, .peer = path->peer };
    hip_act_send(e, out, NULL, &on, k.raw);
    return HIP_TAKEN;
}

/* ---- client ---- */

err hip_relay_trust(struct hip_engine *e, struct hip_ref ref, bool on)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (e->cfg.relay_server)
        return ERR_UNSUPPORTED;
    if ((a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED) || (on && hip_rvs_trusted(e, a))) /* s7.8 */
        return ERR_STATE;
    hip_relay_forget(e, a);
    if (!on)
        return ERR_OK;
    for (size_t i = 0; i < HIP_RVS_MAX; i++)
        if (!e->relay[i]) {
            e->relay[i] = a;
            return ERR_OK;
        }
    return ERR_FULL;
}

void hip_relay_forget(struct hip_engine *e, const struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_RVS_MAX; i++)
        if (e->relay[i] == a)
            e->relay[i] = NULL;
}

bool hip_relay_trusted(const struct hip_engine *e, const struct hip_assoc *a)
{
    for (size_t i = 0; i < HIP_RVS_MAX; i++)
        if (e->relay[i] == a)
            return true;
    return false;
}

/* The control relay whose key made this HMAC. *any: this identity has one at all. */
static struct hip_assoc *signed_by(const struct hip_rx *rx, uint16_t type, bool *any)
{
    for (size_t i = 0; i < HIP_RVS_MAX; i++) {
        struct hip_assoc *a = rx->e->relay[i];
        if (!a || a->id != rx->id)
            continue;
        *any = true;
        if (hip_mac_check(&rx->pkt, type, a->rhash, hip_key_mac(&a->keys.secrets->hip.in)) == ERR_OK)
            return a;
    }
    return NULL;
}

/* s7.8: our control relay is no rendezvous server of ours. */
static int prohibited(struct hip_rx *rx)
{
    bool any = false;
    struct hip_assoc *a = signed_by(rx, HIP_PAR_RVS_HMAC, &any);
    if (!a)
        return HIP_TAKEN; /* hip/rvs.c judges it */
    if (bucket_take(&a->notifies, &hip_assoc_rate, 1, rx->now) &&
        hip_notify_send(rx->e, a, HIP_NTF_RVS_HMAC_PROHIBITED_WITH_RELAY,
                        span_sub(rx->pkt.raw, 0, HIP_HEADER_LEN), rx->out) != ERR_OK)
        rx->e->counters[HIP_DROP_INTERNAL]++;
    return HIP_DROP_RVS_HMAC_PROHIBITED;
}

int hip_relay_origin(struct hip_rx *rx, struct hip_path *path)
{
    bool any = false;
    struct hip_transport_addr from;
    if (hip_pkt_has(&rx->pkt, HIP_PAR_RVS_HMAC)) {
        int drop = prohibited(rx);
        if (drop != HIP_TAKEN)
            return drop;
    }
    if (!hip_pkt_has(&rx->pkt, HIP_PAR_RELAY_FROM) && !hip_pkt_has(&rx->pkt, HIP_PAR_RELAY_HMAC))
        return HIP_TAKEN;
    if (!signed_by(rx, HIP_PAR_RELAY_HMAC, &any))
        return any ? HIP_DROP_BAD_RELAY_HMAC : HIP_DROP_RELAY_NOT_TRUSTED;
    if (!hip_pkt_has(&rx->pkt, HIP_PAR_RELAY_FROM))
        return HIP_TAKEN;
    if (hip_get_transport_addr(hip_pkt_span(&rx->pkt, HIP_PAR_RELAY_FROM), &from) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    if (!hip_transport_addr_ok(&from))
        return HIP_DROP_BAD_LOCATOR;
    *path = *rx->path;
    path->to = from.addr;
    rx->path = path;
    return HIP_TAKEN;
}
