/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/r1pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"
#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/build.h"
#include "hip/nat.h"
#include "hip/param_esp.h"
#include "hip/param_nat.h"
#include "hip/puzzle.h"
#include "hip/suite.h"

#define GROUPS_MAX   8
#define FINGERPRINT  sizeof((struct hip_r1_match *)0)->fingerprint
#define OPAQUE_SIM   0x0001
#define OPAQUE_RVS   0x0002
#define OPAQUE_GROUP 8      /* shift; groups are below 16 */
#define OPAQUE_SLOT  0xf0fc /* when in the generation's life, in ten bits: 5 to 0 of them at 2, 9 to 6 at 12 */
#define SLOTS        1024

struct r1 {
    uint8_t *p; /* NULL: not made yet */
    uint16_t n;
    uint16_t puzzle_off; /* of PUZZLE's contents */
};

struct generation {
    uint64_t counter; /* 0: empty */
    uint64_t made_us;
    bool used;
    uint8_t k_more; /* bits that its puzzles have besides the configured ones */
    uint8_t secret[32];
    struct dh_key *dh[GROUPS_MAX]; /* in the order of cfg->dh_groups */
    struct r1 r1[GROUPS_MAX][2];   /* without and with the offer of 201 */
    struct htab *solutions;        /* used up */
    struct htab *
        blamed; /* solutions of I2s that were wrong, and how often: a place in `strike`; full: no more are counted */
    uint8_t strike[HIP_R1_SOLUTIONS_MAX];
};

struct hip_r1pool {
    const struct hip_hi *hi;
    const struct hip_config *cfg;
    uint64_t counter; /* of the newest generation */
    unsigned newest;
    struct generation gen[HIP_R1_GENERATIONS];
};

static void generation_clear(struct generation *g)
{
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        dh_free(g->dh[i]);
        free(g->r1[i][0].p);
        free(g->r1[i][1].p);
    }
    htab_free(g->solutions);
    htab_free(g->blamed);
    sec_wipe(g, sizeof *g);
    memset(g, 0, sizeof *g);
}

struct hip_r1pool *hip_r1pool_new(const struct hip_hi *hi, const struct hip_config *cfg,
                                  uint64_t first_counter)
{
    struct hip_r1pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->hi = hi;
    p->cfg = cfg;
    p->counter = first_counter;
    return p;
}

void hip_r1pool_free(struct hip_r1pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < HIP_R1_GENERATIONS; i++)
        generation_clear(&p->gen[i]);
    free(p);
}

uint64_t hip_r1pool_counter(const struct hip_r1pool *p)
{
    return p->counter;
}

uint8_t hip_r1_puzzle_k(const struct hip_config *cfg, bool sim, uint8_t more)
{
    uint8_t k = sim && cfg->puzzle_k < 10 ? 10 : cfg->puzzle_k;
    return (uint8_t)(k + more);
}

/* ---- generations ---- */

static err generation_start(struct hip_r1pool *p, uint64_t now)
{
    uint8_t seed[16];
    env_random(p->cfg->env, seed, sizeof seed);
    struct htab *t = htab_new(HIP_R1_SOLUTIONS_MAX, FINGERPRINT, seed);
    struct htab *blamed = htab_new(HIP_R1_SOLUTIONS_MAX, FINGERPRINT, seed);
    if (!t || !blamed) {
        htab_free(t);
        htab_free(blamed);
        return ERR_MEMORY;
    }
    p->newest = (p->newest + 1) % HIP_R1_GENERATIONS;
    struct generation *g = &p->gen[p->newest];
    generation_clear(g);
    g->solutions = t;
    g->blamed = blamed;
    g->counter = ++p->counter;
    g->made_us = now;
    g->k_more = p->cfg->puzzle_more;
    env_draw(p->cfg->env, "puzzle_secret", g->secret, sizeof g->secret);
    return ERR_OK;
}

static bool worn_out(const struct hip_r1pool *p, const struct generation *g, uint64_t now)
{
    uint64_t age = now - g->made_us;
    return g->counter == 0 || age >= p->cfg->r1_life_us ||
           ((g->used || g->k_more != p->cfg->puzzle_more) && age >= HIP_R1_MIN_LIFE_US) ||
           htab_count(g->solutions) >= HIP_R1_SOLUTIONS_NEW;
}

static int group_index(const struct hip_config *cfg, uint8_t group)
{
    for (int i = 0; i < GROUPS_MAX && cfg->dh_groups[i]; i++)
        if (cfg->dh_groups[i] == group)
            return i;
    return -1;
}

static void put_reg_info(struct hip_build *b, const struct hip_reg_offer *o, bool sim)
{
    struct hip_reg_info info = { .present = true, .min = o->min, .max = o->max };
    if (sim)
        info.type[info.n++] = HIP_REGT_SIM_BINDING;
    for (uint8_t i = 0; i < o->n && info.n < HIP_REG_TYPES_MAX; i++)
        info.type[info.n++] = o->type[i];
    if (info.n)
        hip_put_reg_info(b, &info);
}

/* No SA yet: type 0 (RFC 8047 s4.2.8). */
static void put_locators(struct hip_build *b, const struct hip_config *c)
{
    struct hip_locator_set s = { 0 };
    for (; s.n < sizeof c->r1_locators / sizeof *c->r1_locators && c->r1_locators[s.n].family; s.n++)
        s.v[s.n] = (struct hip_locator){ .preferred = s.n == 0,
                                         .lifetime_s = UINT32_MAX,
                                         .addr = c->r1_locators[s.n] };
    if (s.n)
        hip_put_locator_set(b, &s);
}

/* The signed part that all clients of a variant share; RFC 7401 s5.3.2, s5.2.11 MUST: all of it, and the parameter of each transport format. */
static void put_r1(struct hip_build *b, const struct hip_r1pool *p, const struct generation *g, int group,
                   bool sim)
{
    const struct hip_config *c = p->cfg;
    static const uint8_t zero[HIP_RHASH_MAX];
    struct hip_ids8 groups = { 0 }, suites = { 0 };
    struct hip_ids16 ciphers = { 0 }, esp = { 0 }, formats = { .n = 1, .id = { HIP_PAR_ESP_TRANSFORM } };
    for (int i = 0; i < GROUPS_MAX && c->dh_groups[i]; i++)
        groups.id[groups.n++] = c->dh_groups[i];
    for (int i = 0; i < HIP_IDS16_MAX && c->ciphers[i]; i++)
        ciphers.id[ciphers.n++] = c->ciphers[i];
    for (int i = 0; i < HIP_IDS16_MAX && c->esp_suites[i]; i++)
        esp.id[esp.n++] = c->esp_suites[i];
    for (size_t i = 0; i < sizeof c->hit_suites && c->hit_suites[i]; i++)
        suites.id[suites.n++] = c->hit_suites[i];

    hip_put_r1_counter(b, &(struct hip_r1_counter){ .counter = g->counter });
    put_locators(b, c);
    hip_put_puzzle(b, &(struct hip_puzzle){ .k = hip_r1_puzzle_k(c, sim, g->k_more),
                                            .lifetime = HIP_R1_PUZZLE_LIFETIME,
                                            .i = span_of(zero, hash_len(p->hi->rhash)) });
    hip_put_dh_groups(b, &groups);
    hip_put_dh(b, &(struct hip_dh){ .group = c->dh_groups[group], .pub = dh_public(g->dh[group]) });
    hip_put_ciphers(b, &ciphers);
    hip_nat_put_r1(b, c);
    hip_put_host_id(b, &(struct hip_host_id){ .hi = span_of(p->hi->wire, p->hi->wire_len),
                                              .di_type = c->di.type,
                                              .di = c->di.v });
    hip_put_hit_suites(b, &suites);
    put_reg_info(b, &c->offer, sim);
    hip_put_transports(b, &formats);
    hip_put_esp_transform(b, &esp);
    hip_sign_add(b, HIP_PAR_HIP_SIGNATURE_2, p->hi);
}

static err make_r1(struct hip_r1pool *p, struct generation *g, int group, bool sim)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span raw;
    struct hip_pkt pkt;
    static const struct hit nobody;
    if (!g->dh[group]) {
        const struct hip_dh_suite *s = hip_dh_suite(p->cfg->dh_groups[group]);
        g->dh[group] = s && s->supported ? dh_generate(s->group, p->cfg->env) : NULL;
        if (!g->dh[group])
            return ERR_CRYPTO;
    }
    struct hip_build b;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_R1, &p->hi->hit, &nobody, hip_hi_controls(p->hi));
    put_r1(&b, p, g, group, sim);
    err r = hip_build_finish(&b, NULL, NULL, &raw);
    if (r != ERR_OK)
        return r;
    hip_set_receiver(buf, &p->hi->hit); /* the parser wants somebody's HIT there */
    if (hip_pkt_parse(raw, &pkt) != HIP_TAKEN)
        return ERR_MALFORMED;
    struct r1 *t = &g->r1[group][sim];
    t->p = malloc(raw.n);
    if (!t->p)
        return ERR_MEMORY;
    memcpy(t->p, raw.p, raw.n);
    t->n = (uint16_t)raw.n;
    t->puzzle_off = (uint16_t)(hip_pkt_get(&pkt, HIP_PAR_PUZZLE)->off + 4);
    return ERR_OK;
}

/* ---- #I ---- */

static uint16_t slot_of(const struct hip_r1pool *p, const struct generation *g, uint64_t now)
{
    uint64_t slot = (now - g->made_us) * SLOTS / p->cfg->r1_life_us;
    return (uint16_t)(((slot << 6) & 0xf000) | ((slot << 2) & 0x00fc));
}

static uint16_t opaque_of(const struct hip_r1_variant *v)
{
    return (uint16_t)(v->group << OPAQUE_GROUP | (v->sim ? OPAQUE_SIM : 0) | (v->relayed ? OPAQUE_RVS : 0));
}

static err puzzle_i(const struct hip_r1pool *p, const struct generation *g, const struct hip_r1_client *c,
                    uint16_t opaque, uint8_t out[HASH_LEN_MAX])
{
    uint8_t ip[32] = { 0 }, o[2] = { (uint8_t)(opaque >> 8), (uint8_t)opaque };
    /* I2 may go to another address than I1 did, and come from another one, when R1 says so (RFC 8047 s4.2.8). */
    if (p->cfg->r1_locators[0].family == ADDR_NONE) {
        addr_to_mapped(&c->ip, ip);
        addr_to_mapped(&c->local, ip + 16);
    }
    const struct span in[] = { span_of(g->secret, sizeof g->secret), span_of(c->hit.b, sizeof c->hit.b),
                               span_of(p->hi->hit.b, sizeof p->hi->hit.b), span_of(ip, sizeof ip),
                               span_of(o, sizeof o) };
    return hash_plain(p->hi->rhash, in, sizeof in / sizeof *in, out); /* an R1 takes no memory */
}

/* RFC 7401 s6.7.1 MUST: whoever has an identity can answer. */
err hip_r1pool_write(struct hip_r1pool *p, const struct hip_r1_client *c, const struct hip_r1_variant *v,
                     const struct addr *via, uint64_t now, uint8_t *out, size_t *len)
{
    int group = group_index(p->cfg, v->group);
    if (group < 0)
        return ERR_UNSUPPORTED;
    err r = ERR_OK;
    if (worn_out(p, &p->gen[p->newest], now))
        r = generation_start(p, now);
    struct generation *g = &p->gen[p->newest];
    if (r == ERR_OK && !g->r1[group][v->sim].p)
        r = make_r1(p, g, group, v->sim);
    if (r != ERR_OK)
        return r;
    uint8_t i[HASH_LEN_MAX];
    /* RFC 7401 s4.1.2 SHOULD NOT: the same #I with the same Diffie-Hellman value again */
    uint16_t opaque = opaque_of(v) | slot_of(p, g, now);
    r = puzzle_i(p, g, c, opaque, i);
    if (r != ERR_OK)
        return r;

    const struct r1 *t = &g->r1[group][v->sim];
    memcpy(out, t->p, t->n);
    hip_set_receiver(out, &c->hit);
    out[t->puzzle_off + 2] = (uint8_t)(opaque >> 8);
    out[t->puzzle_off + 3] = (uint8_t)opaque;
    memcpy(out + t->puzzle_off + 4, i, hash_len(p->hi->rhash));
    *len = t->n;
    if (!via)
        return ERR_OK;
    /* VIA_RVS stands behind the signature (RFC 8004 s4.2.3), so a finished R1 can carry it. */
    uint8_t copy[HIP_PACKET_MAX];
    struct hip_pkt pkt;
    struct hip_build b;
    struct span whole;
    memcpy(copy, out, t->n);
    if (hip_pkt_parse(span_of(copy, t->n), &pkt) != HIP_TAKEN)
        return ERR_MALFORMED;
    hip_build_resume(&b, out, HIP_PACKET_MAX, &pkt);
    hip_put_via_rvs(&b, &(struct hip_via){ .n = 1, .v = { *via } });
    r = hip_build_finish(&b, NULL, NULL, &whole);
    *len = whole.n;
    return r;
}

/* ---- solutions ---- */

static struct generation *generation_of(struct hip_r1pool *p, uint64_t counter)
{
    for (size_t i = 0; i < HIP_R1_GENERATIONS; i++)
        if (counter != 0 && p->gen[i].counter == counter)
            return &p->gen[i];
    return NULL;
}

static err fingerprint(const struct hip_r1_client *c, const struct hip_solution *s, uint8_t out[16])
{
    uint8_t h[HASH_LEN_MAX];
    const struct span in[] = { span_of(c->hit.b, sizeof c->hit.b), s->i, s->j };
    err r = hash_spans(HASH_SHA256, in, sizeof in / sizeof *in, h);
    if (r == ERR_OK)
        memcpy(out, h, 16);
    return r;
}

int hip_r1pool_check(struct hip_r1pool *p, const struct hip_r1_client *c, uint64_t counter,
                     const struct hip_solution *s, struct hip_r1_match *out)
{
    /* RFC 7401 s6.9 step 6 MUST: the current one and some before it. */
    struct generation *g = generation_of(p, counter);
    if (!g)
        return HIP_DROP_STALE_R1_COUNTER;
    struct hip_r1_match m = { .variant = { .group = s->opaque >> OPAQUE_GROUP & 0x0f,
                                           .sim = s->opaque & OPAQUE_SIM,
                                           .relayed = s->opaque & OPAQUE_RVS },
                              .generation = (unsigned)(g - p->gen) };
    int group = group_index(p->cfg, m.variant.group);
    m.k = hip_r1_puzzle_k(p->cfg, m.variant.sim, g->k_more);
    uint8_t i[HASH_LEN_MAX];
    if (group < 0 || s->k != m.k || opaque_of(&m.variant) != (s->opaque & ~OPAQUE_SLOT) ||
        puzzle_i(p, g, c, s->opaque, i) != ERR_OK || !span_eq(s->i, span_of(i, hash_len(p->hi->rhash))))
        return HIP_DROP_BAD_PUZZLE;
    if (!g->r1[group][m.variant.sim].p) /* we never gave such an R1 out */
        return HIP_DROP_BAD_PUZZLE;
    /* RFC 7401 s6.9 step 7 MUST */
    if (hip_puzzle_check(p->hi->rhash, s->k, s->i, &c->hit, &p->hi->hit, s->j) != ERR_OK)
        return HIP_DROP_BAD_PUZZLE;
    if (fingerprint(c, s, m.fingerprint) != ERR_OK)
        return HIP_DROP_INTERNAL;
    const uint8_t *strikes = htab_get(g->blamed, m.fingerprint);
    if (htab_get(g->solutions, m.fingerprint) || (strikes && *strikes >= HIP_R1_STRIKES))
        return HIP_DROP_PUZZLE_REUSED;
    m.dh = g->dh[group];
    *out = m;
    return HIP_TAKEN;
}

void hip_r1pool_blame(struct hip_r1pool *p, const struct hip_r1_match *m)
{
    struct generation *g = &p->gen[m->generation];
    uint8_t *strikes = htab_get(g->blamed, m->fingerprint);
    if (!strikes) {
        strikes = &g->strike[htab_count(g->blamed) % HIP_R1_SOLUTIONS_MAX];
        if (htab_put(g->blamed, m->fingerprint, strikes) != ERR_OK)
            return;
    }
    if (*strikes < HIP_R1_STRIKES)
        ++*strikes;
}

err hip_r1pool_use(struct hip_r1pool *p, const struct hip_r1_match *m)
{
    struct generation *g = &p->gen[m->generation];
    err r = htab_put(g->solutions, m->fingerprint, g);
    if (r == ERR_OK)
        g->used = true;
    return r;
}
