/* SPDX-License-Identifier: Apache-2.0
 * A packet of somebody's own in a world: what it makes its receiver say, and whether anything of the receiver's is another one afterwards. */
#include <string.h>

#include "cli/hipvec/world_priv.h"
#include "hip/pkt.h"

static bool same_view(const struct hip_assoc_view *a, const struct hip_assoc_view *b)
{
    return a->state == b->state && a->since_us == b->since_us && a->ref.gen == b->ref.gen &&
           a->spi_in == b->spi_in && a->spi_out == b->spi_out && a->cipher == b->cipher &&
           a->esp_suite == b->esp_suite && a->dh_group == b->dh_group && hip_path_eq(&a->path, &b->path) &&
           hip_path_eq(&a->esp, &b->esp);
}

/* What it made the receiver send goes nowhere. from: where in the list that begins. */
static void note_answers(struct world *w, struct inject *x, size_t from)
{
    for (size_t i = from; i < w->out.n; i++) {
        struct hip_action v = w->out.v[i];
        struct hip_pkt k;
        if (v.type != HIP_ACT_SEND) {
            world_act(w, x->to, &v);
            continue;
        }
        bool good = hip_pkt_parse(v.send.octets, &k) == HIP_TAKEN;
        struct span n =
            good && k.type == HIP_PKT_NOTIFY ? hip_pkt_span(&k, HIP_PAR_NOTIFICATION) : span_of(NULL, 0);
        if (n.n >= 4)
            x->notify = (uint16_t)(n.p[2] << 8 | n.p[3]);
        else if (good && hip_pkt_has(&k, HIP_PAR_ACK) && !hip_pkt_has(&k, HIP_PAR_SEQ))
            x->acks++;
        else
            x->answers++;
    }
    hip_actions_reset(&w->out);
}

/* The receiver with all that a packet which is dropped leaves as it is. */
struct still {
    struct hip_assoc_view assoc[WHO_PARTIES];
    struct agent_holds relay;
};

static void hold_still(const struct world *w, const struct party *p, struct still *s)
{
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        world_state_of(p, &w->party[i], &s->assoc[i]);
    if (p->agent)
        agent_look(p->agent, &s->relay);
}

static bool moved_since(const struct world *w, const struct party *p, const struct still *was)
{
    struct still is;
    hold_still(w, p, &is);
    for (enum who i = WHO_I; i < WHO_PARTIES; i++)
        if (!same_view(&was->assoc[i], &is.assoc[i]))
            return true;
    return p->agent && !agent_holds_eq(&was->relay, &is.relay);
}

static void bursts(struct world *w, const struct inject *x)
{
    for (size_t i = 0; i < x->n_before; i++)
        for (unsigned k = 0; k < x->before[i].times; k++) {
            struct inject nobody = { .to = x->to };
            const struct event *e = &x->before[i].packet;
            (void)world_take_in(w, x->to, &e->path, e->esp, e->wire, &nobody.on);
            note_answers(w, &nobody, 0);
        }
}

/* Entries that nobody carries out, up to where there is no room for what one packet may cause. */
static size_t fill_list(struct hip_actions *out)
{
    out->n = HIP_ACTIONS_MAX;
    memset(out->v, 0, sizeof out->v);
    return out->n;
}

void world_inject(struct world *w)
{
    struct inject *x = w->inject;
    struct still was;
    struct party *p = &w->party[x->to];
    struct draws own = p->draws;
    /* What it makes the receiver draw is not taken from the exchange, whose packets stay the same. */
    p->draws = (struct draws){ .party = own.party, .seed = span_str("bad") };
    bursts(w, x);
    hold_still(w, p, &was);
    world_note_states(w, &x->before_it);
    size_t from = p->limits.full && !p->agent ? fill_list(&w->out) : 0; /* an agent has lists of its own */
    x->outcome.drop = world_take_in(w, x->to, &x->path, x->esp, x->wire, &x->on);
    note_answers(w, x, from);
    draws_done(&p->draws);
    p->draws = own;
    world_note_states(w, &x->outcome);
    x->touched = moved_since(w, p, &was);
    x->done = true;
}
