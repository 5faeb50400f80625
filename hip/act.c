/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hip/ice.h"
#include "hip/keylog.h"
#include "hip/mobility.h"
#include "hip/param_nat.h"

bool hip_act_room(const struct hip_actions *out)
{
    return out->n + HIP_ROOM_ACTIONS <= HIP_ACTIONS_MAX &&
           out->used + HIP_ROOM_PACKETS * HIP_PACKET_MAX <= sizeof out->buf;
}

struct hip_action *hip_act(struct hip_engine *e, struct hip_actions *out, enum hip_act_type type,
                           const struct hip_assoc *a)
{
    if (out->n == HIP_ACTIONS_MAX) {
        e->counters[HIP_DROP_ACTIONS_FULL]++;
        return NULL;
    }
    struct hip_action *v = &out->v[out->n++];
    memset(v, 0, sizeof *v);
    v->type = type;
    if (a) {
        v->ref = hip_assoc_ref(a);
        v->local = *hip_assoc_local(a);
        v->peer = a->peer;
    }
    return v;
}

struct span hip_act_copy(struct hip_engine *e, struct hip_actions *out, struct span s)
{
    if (s.n > sizeof out->buf - out->used) {
        e->counters[HIP_DROP_ACTIONS_FULL]++;
        return span_of(NULL, 0);
    }
    uint8_t *p = out->buf + out->used;
    if (s.n)
        memcpy(p, s.p, s.n);
    out->used += s.n;
    return span_of(p, s.n);
}

/* The packet behind what is in buf already, with RELAY_TO where the path wants it; n 0: no room. RELAY_TO stands behind the
 * signatures, so that a finished packet, R1 from the pool as well, can get it. */
static size_t place(struct hip_actions *out, const struct hip_path *path, struct span packet)
{
    uint8_t *p = out->buf + out->used, v[HIP_TRANSPORT_ADDR_LEN];
    size_t n = packet.n, cap = sizeof out->buf - out->used;
    if (n > cap)
        return 0;
    memcpy(p, packet.p, n);
    if (path->to.family == ADDR_NONE)
        return n;
    hip_write_transport_addr(&path->to, v);
    return hip_packet_insert(p, &n, cap, HIP_PAR_RELAY_TO, span_of(v, sizeof v)) == ERR_OK ? n : 0;
}

void hip_act_send(struct hip_engine *e, struct hip_actions *out, const struct hip_assoc *a,
                  const struct hip_path *path, struct span packet)
{
    uint8_t *p = out->buf + out->used;
    size_t n = place(out, path, packet);
    if (n == 0) {
        e->counters[HIP_DROP_ACTIONS_FULL]++;
        return;
    }
    struct hip_action *v = hip_act(e, out, HIP_ACT_SEND, a);
    if (!v)
        return;
    out->used += n;
    hip_set_checksum(p, n, &path->local, &path->peer);
    if (!a) {
        memcpy(v->local.b, p + 8, sizeof v->local.b);
        memcpy(v->peer.b, p + 24, sizeof v->peer.b);
    }
    v->send.path = *path;
    v->send.octets = span_of(p, n);
}

static struct hip_sa_keys sa_keys(uint32_t spi, uint16_t suite, const struct hip_key_pair *k)
{
    return (struct hip_sa_keys){ .spi = spi, .suite = suite, .enc = hip_key_enc(k), .auth = hip_key_mac(k) };
}

void hip_act_sas(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a)
{
    /* No ESP before a pair is nominated (RFC 9028 s4.6.3): hip_ice_select() comes back here. */
    if (hip_ice_waits(a))
        return;
    if (a->ice && a->ice->sel) /* a rekey: ESP goes by other SPIs */
        hip_ice_permit(e, a, a->ice->sel, a->spi_out, a->spi_in, out);
    struct hip_action *v = hip_act(e, out, HIP_ACT_SA_UP, a);
    if (!v)
        return;
    a->sas_up = true;
    a->sa_waits = false;
    v->sa.in = sa_keys(a->spi_in, a->esp_suite, &a->keys.secrets->esp.in);
    v->sa.out = sa_keys(a->spi_out, a->esp_suite, &a->keys.secrets->esp.out);
    v->sa.path = *hip_ice_esp(a);
    v->sa.out_ready = true;
    hip_keylog_sa(e, &v->sa.in, &a->peer, hip_assoc_local(a));
    hip_keylog_sa(e, &v->sa.out, hip_assoc_local(a), &a->peer);
}

/* RFC 7402 s3.3.1: the Initiator's inbound SA stands before I2 leaves, for ESP that overtakes R2. The outbound one, and the lines
 * of the key log, come with R2. */
void hip_act_sa_first(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a)
{
    if (a->ice) /* RFC 9028 s4.6.3, as above */
        return;
    struct hip_action *v = hip_act(e, out, HIP_ACT_SA_UP, a);
    if (!v)
        return;
    a->sa_waits = true;
    v->sa.in = sa_keys(a->spi_in, a->esp_suite, &a->keys.secrets->esp.in);
    v->sa.path = *hip_ice_esp(a);
}

void hip_act_sa_in(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a)
{
    /* The peer sends by the new SPI as soon as it has our half: the data relay must know it before (RFC 9028 s4.12). */
    if (a->ice && a->ice->sel)
        hip_ice_permit(e, a, a->ice->sel, a->spi_out_next, a->spi_in_next, out);
    struct hip_action *v = hip_act(e, out, HIP_ACT_SA_UP, a);
    if (!v)
        return;
    v->sa.in = sa_keys(a->spi_in_next, a->esp_suite, &a->keys.secrets->esp_next.in);
    v->sa.path = *hip_ice_esp(a);
    hip_keylog_sa(e, &v->sa.in, &a->peer, hip_assoc_local(a));
}

void hip_act_sa_down(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a)
{
    if (!a->sas_up && !a->sa_waits)
        return;
    a->sas_up = a->sa_waits = false;
    (void)hip_act(e, out, HIP_ACT_SA_DOWN, a);
}

void hip_act_sa_path(struct hip_engine *e, struct hip_actions *out, struct hip_assoc *a, uint64_t now)
{
    struct hip_action *v = a->sas_up ? hip_act(e, out, HIP_ACT_SA_PATH, a) : NULL;
    if (!v)
        return;
    v->sa_path.path = *hip_ice_esp(a);
    v->sa_path.unverified = !a->ice && a->esp_unverified;
    if (v->sa_path.unverified && a->esp.peer.family != ADDR_NONE)
        v->sa_path.credit = hip_credit_take(a, now);
}
