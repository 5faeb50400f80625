/* SPDX-License-Identifier: Apache-2.0
 *
 * R2 (RFC 7401 s6.10): verified into locals; then the exchange is over and the association ESTABLISHED.
 */
#include "common/crypto/secret.h"
#include "hip/assoc_auth.h"
#include "hip/auth.h"
#include "hip/fsm.h"
#include "hip/ice.h"
#include "hip/initiator.h"
#include "hip/mobility.h"
#include "hip/nat.h"
#include "hip/param_esp.h"
#include "hip/update.h"

struct r2 {
    struct hip_esp_info info;
    struct hip_locator_set set;
    struct hip_contents contents;
    struct hip_ice_offer offer;
    uint8_t plain[HIP_PACKET_MAX];
};

static int verify_r2(const struct hip_rx *rx, struct r2 *v)
{
    const struct hip_assoc *a = rx->a;
    const struct hip_keys *k = &a->keys.secrets->hip;
    struct hip_pkt r1;
    if (hip_pkt_parse(span_of(a->x->r1.p, a->x->r1.n), &r1) != HIP_TAKEN)
        return HIP_DROP_WRONG_STATE; /* a newer R1 is being answered and its puzzle ran out */
    /* RFC 7401 s6.4.1, s6.10 MUST: HOST_ID octet by octet as R1 had it; MAC and signature are verified. */
    struct span host_id = hip_par_tlv(&r1.p, hip_pkt_get(&r1, HIP_PAR_HOST_ID));
    if (hip_mac2_check(&rx->pkt, a->rhash, hip_key_mac(&k->in), host_id) != ERR_OK)
        return HIP_DROP_BAD_HIP_MAC_2;
    if (hip_sign_check(&rx->pkt, HIP_PAR_HIP_SIGNATURE, &a->peer_hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    if (hip_get_esp_info(hip_pkt_span(&rx->pkt, HIP_PAR_ESP_INFO), &v->info) != ERR_OK ||
        v->info.old_spi != 0 || v->info.new_spi < 256)
        return HIP_DROP_BAD_ESP_INFO;
    int drop = hip_mobility_read(&rx->pkt, &v->info.new_spi, &v->set);
    if (drop == HIP_TAKEN)
        drop = hip_contents_open(rx, v->plain, &v->contents);
    if (drop == HIP_TAKEN && a->ice)
        drop = hip_ice_read(&v->contents.inner, &v->offer);
    return drop;
}

static void commit_r2(struct hip_rx *rx, const struct r2 *v)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    bool moved = a->x->moved;
    a->spi_out = v->info.new_spi;
    hip_mobility_begin(a);
    hip_mobility_learn(e, a, hip_pkt_has(&rx->pkt, HIP_PAR_LOCATOR_SET) ? &v->set : &a->x->set, rx->now);
    hip_exchange_free(a->x);
    a->x = NULL;
    hip_stored_clear(&a->last);
    hip_assoc_timer(e, a, HIP_TIMER_RETRY, HEAP_NEVER);
    hip_assoc_timer(e, a, HIP_TIMER_SOLVE, HEAP_NEVER);
    hip_assoc_timer(e, a, HIP_TIMER_ASK, HEAP_NEVER);
    hip_assoc_set_state(e, a, HIP_ESTABLISHED, rx->now);
    hip_mobility_start(e, a, rx->now);
    hip_assoc_touch(e, a, rx->now);
    if (a->pacing_ms > HIP_PACING_MAX_MS)
        a->pacing_ms = HIP_PACING_MAX_MS;
    hip_act_sas(e, rx->out, a);
    struct hip_action *q = hip_act(e, rx->out, HIP_ACT_ESTABLISHED, a);
    if (q) {
        q->up.initiator = true;
        q->up.path = a->path;
        q->up.contents = v->contents;
        q->up.contents.inner = hip_act_copy(e, rx->out, v->contents.inner);
        q->up.contents.certs = span_of(NULL, 0);
    }
    if (a->ice) {
        a->ice->offer = v->offer;
        hip_ice_start(e, a, rx->now, rx->out);
    }
    /* It answers an I2 from where we were before. */
    if (moved && !a->ice && hip_move_announce(e, a, rx->now, rx->out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
}

int hip_r2_receive(struct hip_rx *rx)
{
    struct r2 v = { 0 };
    int drop = verify_r2(rx, &v);
    if (drop == HIP_TAKEN)
        commit_r2(rx, &v);
    sec_wipe(v.plain, sizeof v.plain);
    return drop;
}
