/* SPDX-License-Identifier: Apache-2.0
 *
 * Two hosts with an association: both rekey, move, update, close and begin anew in any order, packets are lost, and between them come packets that
 * nobody made on purpose (hip_exchange.h), forged ones and ones under the peer's own keys. Input: operations, each an octet and what
 * it needs. As long as neither end lied, the same SPI means the same keys at both.
 */
#include "common/base/cursor.h"
#include "tests/fuzz/hip_exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 24

struct pair {
    struct sim *s;
    struct sim_host *h[2];
    bool lied; /* a packet under an end's own keys that it did not send */
};

static void forge(struct pair *w, unsigned to, struct rcur *c)
{
    uint8_t flags = rcur_u8(c), which = rcur_u8(c);
    struct sim_host *victim = w->h[to], *peer = w->h[!to];
    struct span octets = rcur_take(c, rcur_u16(c) % 512);
    if (flags & FUZZ_AUTH)
        w->lied = true;
    fuzz_packet(w->s, victim, peer, hip_assoc_by_pair(peer->e, sim_hit(peer), sim_hit(victim)), flags, which,
                octets);
}

static void move(struct pair *w, struct sim_host *h, const struct sim_host *peer, uint8_t where)
{
    struct addr to = h->addr[where % h->n_addr];
    struct hip_path path = { .local = to, .peer = peer->addr[0] };
    (void)!hip_move(h->e, h->ref, &path, &to, 1, w->s->now, &w->s->out); /* refused when there is none */
    sim_act(w->s, h);
}

static void act(struct pair *w, uint8_t op, struct rcur *c)
{
    struct sim_host *h = w->h[op & 1], *peer = w->h[!(op & 1)];
    struct hip_contents k = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct hip_path path = sim_path(h, peer);
    struct hip_ref ref;
    switch (op >> 1 & 7) {
    case 0:
        sim_run(w->s, (uint64_t)rcur_u8(c) * 40000);
        return;
    case 1:
        forge(w, op & 1, c);
        return;
    case 2:
        (void)!hip_rekey(h->e, h->ref, op & 0x80, w->s->now, &w->s->out);
        break;
    case 3:
        move(w, h, peer, rcur_u8(c));
        return;
    case 4:
        (void)!hip_update(h->e, h->ref, &k, w->s->now, &w->s->out);
        break;
    case 5:
        (void)!hip_close(h->e, h->ref, w->s->now, &w->s->out);
        break;
    case 6:
        (void)!hip_connect(h->e, sim_hit(h), sim_hit(peer), &path, 1, w->s->now, &w->s->out, &ref);
        break;
    default:
        if (w->s->n_rules < SIM_RULES)
            sim_rule(w->s, h, 0, op & 0x80 ? SIM_TWICE : SIM_LOSE)->count = 1 + (op >> 4 & 3);
        return;
    }
    sim_act(w->s, h);
}

static void agree(const struct pair *w)
{
    for (int i = 0; i < 2 && !w->lied; i++) {
        const struct sim_host *a = w->h[i], *b = w->h[!i];
        if (a->spi_out && a->spi_out == b->spi_in &&
            (a->key_out_n != b->key_in_n || memcmp(a->key_out, b->key_in, a->key_out_n) != 0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rcur c = rcur_of(span_of(data, size));
    struct pair w = { .s = sim_new(7) };
    w.h[0] = fuzz_host(w.s, "mn", 0, "192.0.2.1");
    w.h[1] = fuzz_host(w.s, "fa", 1, "198.51.100.1");
    (void)sim_addr(w.h[0], "192.0.2.77");
    (void)sim_addr(w.h[1], "198.51.100.77");
    (void)sim_connect(w.s, w.h[0], w.h[1]);
    sim_run(w.s, 500000);
    if (!sim_joined(w.h[0], w.h[1]))
        abort();
    for (int i = 0; i < STEPS_MAX && rcur_left(&c); i++) {
        act(&w, rcur_u8(&c), &c);
        agree(&w);
    }
    sim_run(w.s, UINT64_C(300000000));
    agree(&w);
    sim_free(w.s);
    return 0;
}
