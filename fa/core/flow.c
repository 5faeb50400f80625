/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/core/flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"
#include "hip/drop.h"

#define WORDS       (FA_FLOW_OCTETS / 8)
#define BUCKET      16 /* index words in a cache line */
#define LOAD        4  /* flows for each line of an index: more than 16 meet in one about once in a million */
#define PORTS       65536
#define SLOT_MASK   0xffffffu
#define BURST_NS    UINT64_C(250000000)
#define BURST_SHORT (4 * 1500) /* octets that pass at once at any rate */
#define READS       64         /* tries to read a slot that is being written */

struct line {
    _Alignas(64) _Atomic uint32_t e[BUCKET]; /* tag (8 bits), slot + 1; 0: free */
};

struct slot {
    _Alignas(64) _Atomic uint32_t version; /* odd: being written */
    _Atomic uint64_t w[WORDS];             /* struct fa_flow; expires_us 0: free */
};

struct client {
    _Alignas(64) _Atomic uint32_t gen; /* odd: in use */
    _Atomic uint64_t hit[2];
    /* When the bucket would be empty again had it a bottom, in ns (GCRA): one word each, so that any thread takes by compare-and-swap. */
    _Atomic uint64_t bits, packets;
    _Atomic uint64_t packets_out, octets_out, packets_in, octets_in;
    _Atomic uint64_t refused[FA_REFUSED__COUNT];
};

struct rate {
    uint64_t ps; /* of one octet or packet; 0: no limit */
    uint64_t burst_ns;
};

struct fa_flows {
    uint32_t n_slot, n_client, n_line;
    uint16_t hip_port;
    uint8_t seed[16];
    struct rate client_bits, client_packets, total_bits;
    struct slot *slot;
    struct client *client;
    struct line *out, *in;
    _Atomic uint32_t port[PORTS]; /* client slot + 1 */
    _Alignas(64) _Atomic uint64_t total;
    _Alignas(64) _Atomic uint64_t refused[HIP_DROP__COUNT];
};

/* ---- transport addresses ---- */

struct fa_end fa_end_of(const struct addr *a)
{
    struct fa_end e = { .port = a->port };
    addr_to_mapped(a, e.ip);
    return e;
}

struct addr fa_end_addr(const struct fa_end *e)
{
    struct addr a = addr_from_mapped(e->ip);
    a.port = e->port;
    return a;
}

bool fa_end_eq(const struct fa_end *a, const struct fa_end *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- refusals ---- */

enum fa_refusal fa_refusal_of(int drop)
{
    switch (drop) {
    case HIP_DROP_NO_PERMISSION:
        return FA_REFUSED_PERMISSION;
    case HIP_DROP_OVER_QUOTA:
    case HIP_DROP_RELAY_BUSY:
        return FA_REFUSED_QUOTA;
    case HIP_DROP_FORBIDDEN_DESTINATION:
        return FA_REFUSED_DESTINATION;
    default:
        return FA_REFUSED_OTHER;
    }
}

const char *fa_refusal_name(enum fa_refusal r)
{
    static const char *const name[] = { "no_permission", "over_quota", "forbidden", "other" };
    return (size_t)r < FA_REFUSED__COUNT ? name[r] : "unknown";
}

void fa_flows_refuse(struct fa_flows *t, uint32_t client, uint32_t packets, int drop)
{
    if (drop > HIP_TAKEN && drop < HIP_DROP__COUNT)
        atomic_fetch_add_explicit(&t->refused[drop], packets, memory_order_relaxed);
    if (client < t->n_client)
        atomic_fetch_add_explicit(&t->client[client].refused[fa_refusal_of(drop)], packets,
                                  memory_order_relaxed);
}

uint64_t fa_flows_refused(const struct fa_flows *t, int drop)
{
    return drop > HIP_TAKEN && drop < HIP_DROP__COUNT
               ? atomic_load_explicit(&t->refused[drop], memory_order_relaxed)
               : 0;
}

/* ---- making ---- */

static struct rate rate_of(uint64_t per_second, uint64_t ones, uint64_t at_once)
{
    struct rate r = { 0 };
    if (per_second == 0)
        return r;
    r.ps = UINT64_C(1000000000000) * ones / per_second;
    if (r.ps == 0)
        r.ps = 1;
    r.burst_ns = at_once * r.ps / 1000;
    if (r.burst_ns < BURST_NS)
        r.burst_ns = BURST_NS;
    return r;
}

static void *zeroed(size_t n, size_t size)
{
    void *p = aligned_alloc(64, n * size);
    if (p)
        memset(p, 0, n * size);
    return p;
}

struct fa_flows *fa_flows_new(const struct fa_flows_config *c)
{
    struct fa_flows *t = zeroed(1, sizeof *t);
    if (!t)
        return NULL;
    t->n_slot = c->flows ? c->flows : 16384;
    if (t->n_slot > FA_FLOWS_MAX)
        t->n_slot = FA_FLOWS_MAX;
    t->n_client = c->clients ? c->clients : 65536;
    for (t->n_line = 1; t->n_line < t->n_slot / LOAD + 1;)
        t->n_line *= 2;
    t->hip_port = c->hip_port ? c->hip_port : 10500;
    memcpy(t->seed, c->seed, sizeof t->seed);
    t->client_bits = rate_of(c->client_bit_s, 8, BURST_SHORT);
    t->client_packets = rate_of(c->client_packet_s, 1, 4);
    t->total_bits = rate_of(c->total_bit_s, 8, BURST_SHORT);
    t->slot = zeroed(t->n_slot, sizeof *t->slot);
    t->client = zeroed(t->n_client, sizeof *t->client);
    t->out = zeroed(t->n_line, sizeof *t->out);
    t->in = zeroed(t->n_line, sizeof *t->in);
    if (!t->slot || !t->client || !t->out || !t->in) {
        fa_flows_free(t);
        return NULL;
    }
    return t;
}

void fa_flows_free(struct fa_flows *t)
{
    if (!t)
        return;
    free(t->slot);
    free(t->client);
    free(t->out);
    free(t->in);
    free(t);
}

static uint32_t part(uint32_t n, uint32_t share, uint32_t shares)
{
    return (uint32_t)((uint64_t)n * share / shares);
}

void fa_flows_share(const struct fa_flows *t, uint32_t share, uint32_t shares, uint32_t flow[2],
                    uint32_t client[2])
{
    if (shares == 0) {
        share = 0;
        shares = 1;
    }
    for (uint32_t i = 0; i < 2; i++) {
        flow[i] = part(t->n_slot, share + i, shares);
        client[i] = part(t->n_client, share + i, shares);
    }
}

/* ---- slots ---- */

static void slot_write(struct slot *s, const struct fa_flow *f)
{
    uint64_t w[WORDS];
    uint32_t v = atomic_load_explicit(&s->version, memory_order_relaxed);
    memcpy(w, f, sizeof w);
    atomic_store_explicit(&s->version, v + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&s->w[i], w[i], memory_order_relaxed);
    atomic_store_explicit(&s->version, v + 2, memory_order_release);
}

bool fa_flows_get(const struct fa_flows *t, uint32_t slot, struct fa_flow *out)
{
    uint64_t w[WORDS];
    if (slot >= t->n_slot)
        return false;
    const struct slot *s = &t->slot[slot];
    for (int tries = 0; tries < READS; tries++) {
        uint32_t before = atomic_load_explicit(&s->version, memory_order_acquire);
        for (size_t i = 0; i < WORDS; i++)
            w[i] = atomic_load_explicit(&s->w[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (before & 1 || atomic_load_explicit(&s->version, memory_order_relaxed) != before)
            continue;
        memcpy(out, w, sizeof *out);
        return out->expires_us != 0;
    }
    return false;
}

/* ---- the two indices ---- */

static uint64_t hash(const struct fa_flows *t, const struct fa_end *a, const struct fa_end *b, uint32_t spi)
{
    uint8_t key[2 * sizeof *a + sizeof spi];
    memcpy(key, a, sizeof *a);
    memcpy(key + sizeof *a, b, sizeof *b);
    memcpy(key + 2 * sizeof *a, &spi, sizeof spi);
    return siphash24(t->seed, span_of(key, sizeof key));
}

static struct line *line_of(const struct fa_flows *t, struct line *index, uint64_t h)
{
    return &index[h & (t->n_line - 1)];
}

static uint32_t word_of(uint64_t h, uint32_t slot)
{
    return (uint32_t)(h >> 56) << 24 | (slot + 1);
}

static bool index_put(struct line *l, uint32_t word)
{
    for (size_t i = 0; i < BUCKET; i++) {
        uint32_t free_word = 0;
        if (atomic_compare_exchange_strong_explicit(&l->e[i], &free_word, word, memory_order_release,
                                                    memory_order_relaxed))
            return true;
    }
    return false;
}

static void index_del(struct line *l, uint32_t word)
{
    for (size_t i = 0; i < BUCKET; i++) {
        uint32_t there = word;
        if (atomic_compare_exchange_strong_explicit(&l->e[i], &there, 0, memory_order_relaxed,
                                                    memory_order_relaxed))
            return;
    }
}

/* The slot number of the next word with this tag, from *i on. */
static bool index_next(const struct line *l, uint64_t h, size_t *i, uint32_t *slot)
{
    while (*i < BUCKET) {
        uint32_t e = atomic_load_explicit(&l->e[(*i)++], memory_order_acquire);
        if (e && e >> 24 == h >> 56) {
            *slot = (e & SLOT_MASK) - 1;
            return true;
        }
    }
    return false;
}

uint32_t fa_flows_find_out(const struct fa_flows *t, const struct fa_end *client, const struct fa_end *local,
                           uint32_t spi, struct fa_flow *out)
{
    uint64_t h = hash(t, client, local, spi);
    const struct line *l = line_of(t, t->out, h);
    uint32_t slot;
    for (size_t i = 0; index_next(l, h, &i, &slot);)
        if (fa_flows_get(t, slot, out) && out->spi_out == spi && fa_end_eq(&out->client, client) &&
            fa_end_eq(&out->local, local))
            return slot;
    return FA_FLOW_NONE;
}

uint32_t fa_flows_find_in(const struct fa_flows *t, const struct fa_end *relayed, const struct fa_end *peer,
                          uint32_t spi, struct fa_flow *out)
{
    uint64_t h = hash(t, relayed, peer, spi);
    const struct line *l = line_of(t, t->in, h);
    uint32_t slot;
    for (size_t i = 0; index_next(l, h, &i, &slot);)
        if (fa_flows_get(t, slot, out) && out->spi_in == spi && fa_end_eq(&out->relayed, relayed) &&
            fa_end_eq(&out->peer, peer))
            return slot;
    return FA_FLOW_NONE;
}

/* ---- flows ---- */

err fa_flows_put(struct fa_flows *t, uint32_t slot, const struct fa_flow *f)
{
    struct fa_flow other;
    if (slot >= t->n_slot || f->expires_us == 0)
        return ERR_RANGE;
    if (fa_flows_find_out(t, &f->client, &f->local, f->spi_out, &other) != FA_FLOW_NONE ||
        fa_flows_find_in(t, &f->relayed, &f->peer, f->spi_in, &other) != FA_FLOW_NONE)
        return ERR_EXISTS;
    uint64_t ho = hash(t, &f->client, &f->local, f->spi_out), hi = hash(t, &f->relayed, &f->peer, f->spi_in);
    slot_write(&t->slot[slot], f);
    if (!index_put(line_of(t, t->out, ho), word_of(ho, slot))) {
        slot_write(&t->slot[slot], &(struct fa_flow){ 0 });
        return ERR_FULL;
    }
    if (!index_put(line_of(t, t->in, hi), word_of(hi, slot))) {
        index_del(line_of(t, t->out, ho), word_of(ho, slot));
        slot_write(&t->slot[slot], &(struct fa_flow){ 0 });
        return ERR_FULL;
    }
    return ERR_OK;
}

void fa_flows_refresh(struct fa_flows *t, uint32_t slot, uint64_t expires_us)
{
    struct fa_flow f;
    if (fa_flows_get(t, slot, &f) && expires_us) {
        f.expires_us = expires_us;
        slot_write(&t->slot[slot], &f);
    }
}

void fa_flows_del(struct fa_flows *t, uint32_t slot)
{
    struct fa_flow f;
    if (!fa_flows_get(t, slot, &f))
        return;
    uint64_t ho = hash(t, &f.client, &f.local, f.spi_out), hi = hash(t, &f.relayed, &f.peer, f.spi_in);
    index_del(line_of(t, t->out, ho), word_of(ho, slot));
    index_del(line_of(t, t->in, hi), word_of(hi, slot));
    slot_write(&t->slot[slot], &(struct fa_flow){ 0 });
}

/* ---- clients ---- */

uint32_t fa_flows_client_put(struct fa_flows *t, uint32_t slot, const struct hit *hit)
{
    struct client *c = &t->client[slot];
    uint64_t w[2];
    memcpy(w, hit->b, sizeof w);
    atomic_store_explicit(&c->hit[0], w[0], memory_order_relaxed);
    atomic_store_explicit(&c->hit[1], w[1], memory_order_relaxed);
    atomic_store_explicit(&c->bits, 0, memory_order_relaxed);
    atomic_store_explicit(&c->packets, 0, memory_order_relaxed);
    atomic_store_explicit(&c->packets_out, 0, memory_order_relaxed);
    atomic_store_explicit(&c->octets_out, 0, memory_order_relaxed);
    atomic_store_explicit(&c->packets_in, 0, memory_order_relaxed);
    atomic_store_explicit(&c->octets_in, 0, memory_order_relaxed);
    for (size_t i = 0; i < FA_REFUSED__COUNT; i++)
        atomic_store_explicit(&c->refused[i], 0, memory_order_relaxed);
    uint32_t gen = atomic_load_explicit(&c->gen, memory_order_relaxed) | 1;
    atomic_store_explicit(&c->gen, gen, memory_order_release);
    return gen;
}

void fa_flows_client_del(struct fa_flows *t, uint32_t slot)
{
    struct client *c = &t->client[slot];
    uint32_t gen = atomic_load_explicit(&c->gen, memory_order_relaxed);
    atomic_store_explicit(&c->gen, (gen | 1) + 1, memory_order_release);
}

bool fa_flows_client_get(const struct fa_flows *t, uint32_t slot, struct hit *hit, struct fa_traffic *out)
{
    if (slot >= t->n_client)
        return false;
    const struct client *c = &t->client[slot];
    if (!(atomic_load_explicit(&c->gen, memory_order_acquire) & 1))
        return false;
    uint64_t w[2] = { atomic_load_explicit(&c->hit[0], memory_order_relaxed),
                      atomic_load_explicit(&c->hit[1], memory_order_relaxed) };
    memcpy(hit->b, w, sizeof hit->b);
    *out = (struct fa_traffic){
        .packets_out = atomic_load_explicit(&c->packets_out, memory_order_relaxed),
        .octets_out = atomic_load_explicit(&c->octets_out, memory_order_relaxed),
        .packets_in = atomic_load_explicit(&c->packets_in, memory_order_relaxed),
        .octets_in = atomic_load_explicit(&c->octets_in, memory_order_relaxed),
    };
    for (size_t i = 0; i < FA_REFUSED__COUNT; i++)
        out->refused[i] = atomic_load_explicit(&c->refused[i], memory_order_relaxed);
    return true;
}

void fa_flows_port_set(struct fa_flows *t, uint16_t port, uint32_t client)
{
    atomic_store_explicit(&t->port[port], client == FA_FLOW_NONE ? 0 : client + 1, memory_order_release);
}

uint32_t fa_flows_port_client(const struct fa_flows *t, uint16_t port)
{
    return atomic_load_explicit(&t->port[port], memory_order_acquire) - 1; /* 0 becomes FA_FLOW_NONE */
}

uint16_t fa_flows_hip_port(const struct fa_flows *t)
{
    return t->hip_port;
}

uint32_t fa_flows_size(const struct fa_flows *t)
{
    return t->n_slot;
}

/* ---- buckets ---- */

/* What the bucket's word would be after taking n at `now`; false: too early. */
static bool after(const struct rate *r, uint64_t word, uint64_t n, uint64_t now_ns, uint64_t *next)
{
    uint64_t from = word > now_ns ? word : now_ns;
    *next = from + n * r->ps / 1000;
    return *next - now_ns <= r->burst_ns;
}

static bool may(const struct rate *r, const _Atomic uint64_t *word, uint64_t n, uint64_t now_ns)
{
    uint64_t next;
    return r->ps == 0 || after(r, atomic_load_explicit(word, memory_order_relaxed), n, now_ns, &next);
}

static bool take(const struct rate *r, _Atomic uint64_t *word, uint64_t n, uint64_t now_ns)
{
    if (r->ps == 0)
        return true;
    uint64_t next, was = atomic_load_explicit(word, memory_order_relaxed);
    do {
        if (!after(r, was, n, now_ns, &next))
            return false;
    } while (
        !atomic_compare_exchange_weak_explicit(word, &was, next, memory_order_relaxed, memory_order_relaxed));
    return true;
}

int fa_flows_may(const struct fa_flows *t, uint32_t client, uint32_t packets, size_t octets, uint64_t now)
{
    const struct client *c = &t->client[client];
    uint64_t ns = now * 1000;
    if (!may(&t->client_bits, &c->bits, octets, ns) || !may(&t->client_packets, &c->packets, packets, ns))
        return HIP_DROP_OVER_QUOTA;
    return may(&t->total_bits, &t->total, octets, ns) ? HIP_TAKEN : HIP_DROP_RELAY_BUSY;
}

int fa_flows_take(struct fa_flows *t, uint32_t client, uint32_t gen, bool out, uint32_t packets,
                  size_t octets, uint64_t now)
{
    struct client *c = &t->client[client];
    uint64_t ns = now * 1000;
    int drop = HIP_TAKEN;
    if (atomic_load_explicit(&c->gen, memory_order_acquire) != gen)
        drop = HIP_DROP_NO_PERMISSION;
    else if (!take(&t->client_bits, &c->bits, octets, ns) ||
             !take(&t->client_packets, &c->packets, packets, ns))
        drop = HIP_DROP_OVER_QUOTA;
    else if (!take(&t->total_bits, &t->total, octets, ns))
        drop = HIP_DROP_RELAY_BUSY;
    if (drop != HIP_TAKEN)
        return drop;
    atomic_fetch_add_explicit(out ? &c->packets_out : &c->packets_in, packets, memory_order_relaxed);
    atomic_fetch_add_explicit(out ? &c->octets_out : &c->octets_in, octets, memory_order_relaxed);
    return HIP_TAKEN;
}
