/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/forge.h"

#include <stdlib.h>
#include <string.h>

#include "hip/auth.h"

struct tlvs {
    size_t n;
    struct {
        uint16_t type;
        struct span v;
    } at[HIP_PARAMS_MAX];
};

static void put(struct tlvs *t, uint16_t type, struct span v)
{
    size_t i = t->n++;
    for (; i > 0 && t->at[i - 1].type > type; i--)
        t->at[i] = t->at[i - 1];
    t->at[i].type = type;
    t->at[i].v = v;
}

static void cut(struct tlvs *t, uint16_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].type != type)
            t->at[n++] = t->at[i];
    t->n = n;
}

static void take_apart(struct span packet, struct tlvs *t)
{
    struct rcur c = rcur_of(span_sub(packet, HIP_HEADER_LEN, packet.n - HIP_HEADER_LEN));
    t->n = 0;
    while (rcur_left(&c) > 0) {
        uint16_t type = rcur_u16(&c);
        struct span v = rcur_take(&c, rcur_u16(&c));
        rcur_skip(&c, hip_tlv_len(v.n) - 4 - v.n);
        if (!rcur_ok(&c))
            abort();
        put(t, type, v);
    }
}

void sim_forge(const struct sim_host *by, const struct hip_assoc *a, const struct sim_edit *e, size_t n,
               uint8_t *p, size_t *len)
{
    uint8_t was[HIP_PACKET_MAX];
    struct tlvs t;
    struct hip_build b;
    struct span out;
    struct hit from, to;
    memcpy(was, p, *len);
    memcpy(from.b, was + 8, 16);
    memcpy(to.b, was + 24, 16);
    take_apart(span_of(was, *len), &t);
    for (size_t i = 0; i < n; i++) {
        if (e[i].how != SIM_ADD)
            cut(&t, e[i].type);
        if (e[i].how != SIM_CUT)
            put(&t, e[i].type, e[i].v);
    }
    hip_build_init(&b, p, HIP_PACKET_MAX, was[2], &from, &to, (uint16_t)(was[6] << 8 | was[7]));
    for (size_t i = 0; i < t.n; i++) {
        uint16_t type = t.at[i].type;
        if (type == HIP_PAR_HIP_MAC)
            hip_mac_add(&b, type, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
        else if (type == HIP_PAR_HIP_MAC_2)
            hip_mac2_add(&b, a->rhash, hip_key_mac(&a->keys.secrets->hip.out),
                         span_of(a->id->tlv, a->id->tlv_len));
        else if (type == HIP_PAR_HIP_SIGNATURE || type == HIP_PAR_HIP_SIGNATURE_2)
            hip_sign_add(&b, type, &by->hi);
        else
            hip_build_param(&b, type, t.at[i].v);
    }
    if (hip_build_finish(&b, NULL, NULL, &out) != ERR_OK)
        abort();
    *len = out.n;
}

int sim_inject_forged(struct sim *s, struct sim_host *by, const struct hip_assoc *a, struct sim_host *to,
                      const struct sim_packet *was, const struct sim_edit *e, size_t n)
{
    struct sim_packet k = *was;
    sim_forge(by, a, e, n, k.p, &k.n);
    hip_set_checksum(k.p, k.n, &k.path.peer, &k.path.local);
    return sim_inject(s, to, &k.path, span_of(k.p, k.n));
}

struct hip_assoc *sim_inside(const struct sim_host *h, const struct sim_host *peer)
{
    return hip_assoc_by_pair(h->e, sim_hit(h), sim_hit(peer));
}

enum hip_state sim_state(const struct sim_host *h, const struct sim_host *peer)
{
    const struct hip_assoc *a = sim_inside(h, peer);
    return a ? a->state : HIP_UNASSOCIATED;
}
