/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/facts.h"

#include <stdlib.h>
#include <string.h>

#include "hip/param_core.h"

#define HIS_MAX   4096
#define FACTS_MAX (1u << 20)

static err add(struct judge *j, const struct fact *f)
{
    if ((j->n & (j->n - 1)) == 0) {
        struct fact *v = j->n < FACTS_MAX ? realloc(j->fact, (j->n ? 2 * j->n : 1) * sizeof *v) : NULL;
        if (!v)
            return ERR_MEMORY;
        j->fact = v;
    }
    j->fact[j->n++] = *f;
    return ERR_OK;
}

const struct hip_hi *judge_hi(const struct judge *j, const struct hit *hit)
{
    for (size_t i = 0; i < j->his; i++)
        if (hit_eq(&j->hi[i].hit, hit))
            return &j->hi[i];
    return NULL;
}

bool facts_learn(struct judge *j, const struct hit *hit, struct span wire)
{
    struct hip_hi h;
    err e = hip_hi_from_wire(wire, &h);
    if (e != ERR_OK)
        return e == ERR_UNSUPPORTED;
    bool fits = hit_eq(&h.hit, hit);
    if (!fits || judge_hi(j, hit) || j->his == HIS_MAX) {
        hip_hi_done(&h);
        return fits;
    }
    if (!j->hi || (j->his & (j->his - 1)) == 0) {
        struct hip_hi *v = realloc(j->hi, (j->his ? 2 * j->his : 1) * sizeof *v);
        if (!v) {
            hip_hi_done(&h);
            return fits;
        }
        j->hi = v;
    }
    j->hi[j->his++] = h;
    return true;
}

static void learn_clear(struct judge *j, const struct view *w)
{
    struct hip_host_id h;
    if (hip_get_host_id(view_span(w, HIP_PAR_HOST_ID), &h) == ERR_OK)
        (void)facts_learn(j, &w->sender, h.hi);
}

/* A packet whose form is wrong says nothing about others. */
static err gather_one(struct judge *j, size_t i)
{
    struct view w;
    if (j->it->v[i].kind != ITEM_HIP || !view_packet(j->it->v[i].octets, &w) ||
        view_has_fault(&w, FAULT_FILL) || view_has_fault(&w, FAULT_HEADER))
        return ERR_OK;
    const struct view_par *host = view_get(&w, HIP_PAR_HOST_ID);
    struct fact f = { .item = i, .type = w.type, .from = w.sender, .to = w.receiver };
    f.puzzle = view_span(&w, HIP_PAR_PUZZLE);
    f.counter = view_span(&w, HIP_PAR_R1_COUNTER);
    f.groups = view_span(&w, HIP_PAR_DH_GROUP_LIST);
    f.dh = view_span(&w, HIP_PAR_DIFFIE_HELLMAN);
    f.ciphers = view_span(&w, HIP_PAR_HIP_CIPHER);
    f.esp = view_span(&w, HIP_PAR_ESP_TRANSFORM);
    f.formats = view_span(&w, HIP_PAR_TRANSPORT_FORMAT_LIST);
    f.echo = view_span(&w, HIP_PAR_ECHO_REQUEST_SIGNED);
    f.seq = view_span(&w, HIP_PAR_SEQ);
    if (host)
        f.host_id_tlv = view_tlv(&w, host);
    learn_clear(j, &w);
    return add(j, &f);
}

/* Inside ENCRYPTED, with the keys: the Initiator's identity in most I2s. */
static void learn_encrypted(struct judge *j, size_t i)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span inner;
    struct view in;
    struct hip_host_id h;
    if (!judge_open(j, j->fact[i].item, buf, &inner))
        return;
    view_inner(inner, &in);
    if (hip_get_host_id(view_span(&in, HIP_PAR_HOST_ID), &h) == ERR_OK)
        (void)facts_learn(j, &j->fact[i].from, h.hi);
}

err facts_gather(struct judge *j)
{
    err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < j->it->n; i++)
        e = gather_one(j, i);
    for (size_t i = 0; j->keys && i < j->keys->his; i++)
        (void)facts_learn(j, &j->keys->hi[i].hit, span_of(j->keys->hi[i].wire, j->keys->hi[i].n));
    for (size_t i = 0; e == ERR_OK && i < j->n; i++)
        if (j->fact[i].type == HIP_PKT_I2 && !judge_hi(j, &j->fact[i].from))
            learn_encrypted(j, i);
    return e;
}

void facts_done(struct judge *j)
{
    for (size_t i = 0; i < j->his; i++)
        hip_hi_done(&j->hi[i]);
    free(j->hi);
    free(j->fact);
}

const struct fact *facts_next(const struct judge *j, size_t *at, uint8_t type, const struct hit *from,
                              const struct hit *to, bool or_null, size_t item)
{
    for (; *at < j->n && j->fact[*at].item <= item; (*at)++) {
        const struct fact *f = &j->fact[*at];
        if ((type && f->type != type) || !hit_eq(&f->from, from))
            continue;
        if (hit_eq(&f->to, to) || (or_null && hit_is_null(&f->to))) {
            (*at)++;
            return f;
        }
    }
    return NULL;
}
