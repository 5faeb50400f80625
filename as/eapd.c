/* SPDX-License-Identifier: Apache-2.0 */
#include "as/eapd.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"

struct conv {
    struct heap_node due;
    struct aka_server *server; /* NULL: the slot is free */
    uint32_t gen, client;
    bool listed; /* its State is in the table */
    uint8_t state[EAPD_STATE_LEN];
};

struct eapd {
    struct eapd_config conf;
    struct conv *v;
    uint32_t *free_slots;
    size_t n_free;
    struct htab *by_state;
    struct heap due;
    uint64_t expired;
    uint8_t failure[8]; /* an EAP Failure that no conversation holds */
};

struct eapd *eapd_new(const struct eapd_config *c)
{
    struct eapd *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->conf = *c;
    d->v = calloc(c->max, sizeof *d->v);
    d->free_slots = calloc(c->max, sizeof *d->free_slots);
    d->by_state = htab_new(c->max, EAPD_STATE_LEN, c->seed);
    if (heap_init(&d->due, c->max) != ERR_OK || !d->v || !d->free_slots || !d->by_state) {
        eapd_free(d);
        return NULL;
    }
    for (uint32_t i = 0; i < c->max; i++)
        d->free_slots[d->n_free++] = c->max - 1 - i;
    return d;
}

void eapd_free(struct eapd *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; d->v && i < d->conf.max; i++)
        aka_server_free(d->v[i].server);
    htab_free(d->by_state);
    heap_done(&d->due);
    free(d->free_slots);
    free(d->v);
    free(d);
}

static void unlist(struct eapd *d, struct conv *c)
{
    if (c->listed)
        htab_del(d->by_state, c->state);
    c->listed = false;
}

static void release(struct eapd *d, struct conv *c)
{
    unlist(d, c);
    heap_remove(&d->due, &c->due);
    aka_server_free(c->server);
    c->server = NULL;
    d->free_slots[d->n_free++] = (uint32_t)(c - d->v);
}

static struct conv *by_ref(struct eapd *d, struct eapd_ref r)
{
    if (r.slot >= d->conf.max || !d->v[r.slot].server || d->v[r.slot].gen != r.gen)
        return NULL;
    return &d->v[r.slot];
}

static struct conv *open_conv(struct eapd *d, const struct eapd_request *r, uint64_t now)
{
    struct aka_server_config conf = { .env = d->conf.env, .ask_identity = d->conf.ask_identity };
    size_t n = strlen(r->net_name);
    if (d->n_free == 0 || n >= sizeof conf.net_name)
        return NULL;
    memcpy(conf.net_name, r->net_name, n + 1);
    struct conv *c = &d->v[d->free_slots[d->n_free - 1]];
    c->server = aka_server_new(&conf);
    if (!c->server)
        return NULL;
    d->n_free--;
    c->gen++;
    c->client = r->client;
    if (heap_set(&d->due, &c->due, now + d->conf.life_us) != ERR_OK) {
        release(d, c);
        return NULL;
    }
    return c;
}

static void drop(struct eapd_action *out, enum aka_reason why)
{
    *out = (struct eapd_action){ .type = EAPD_DROP, .reason = why, .imsi = "" };
}

/* A request that belongs to nothing: answered, so that its sender does not wait (RFC 3579 s2.6.3: Reject with EAP Failure). */
static void reject_stray(struct eapd *d, struct span eap, enum aka_reason why, struct eapd_action *out)
{
    *out = (struct eapd_action){ .type = EAPD_REJECT, .reason = why, .imsi = "" };
    if (eap.n >= 2)
        out->eap = span_of(d->failure, eap_write_end(d->failure, sizeof d->failure, EAP_FAILURE, eap.p[1]));
}

/* What the engine said, as an action of ours. */
static void carry(struct eapd *d, struct conv *c, const struct aka_server_action *a, struct eapd_action *out)
{
    *out = (struct eapd_action){
        .reason = a->reason,
        .ref = { .slot = (uint32_t)(c - d->v), .gen = c->gen },
        .eap = a->octets,
        .imsi = aka_server_imsi(c->server),
        .identity = aka_server_identity(c->server),
    };
    switch (a->type) {
    case AKA_SERVER_SEND:
        out->type = EAPD_CHALLENGE;
        do {
            env_random(d->conf.env, c->state, sizeof c->state);
        } while (htab_get(d->by_state, c->state));
        if (htab_put(d->by_state, c->state, c) != ERR_OK) {
            release(d, c);
            drop(out, AKA_R_INTERNAL);
            return;
        }
        c->listed = true;
        out->state = c->state;
        break;
    case AKA_SERVER_VECTOR:
        out->type = EAPD_VECTOR;
        out->separated = a->separated;
        out->resync = a->resync;
        out->rand = a->rand;
        out->auts = a->auts;
        break;
    case AKA_SERVER_ACCEPT:
        out->type = EAPD_ACCEPT;
        out->msk = aka_server_msk(c->server);
        break;
    case AKA_SERVER_REJECT:
        out->type = EAPD_REJECT;
        break;
    case AKA_SERVER_NONE:
    default:
        out->type = EAPD_DROP;
        break;
    }
}

void eapd_request(struct eapd *d, const struct eapd_request *r, uint64_t now, struct eapd_action *out)
{
    struct aka_server_action a;
    struct conv *c = NULL;
    if (r->state.n == 0) {
        c = open_conv(d, r, now);
        if (!c) {
            drop(out, AKA_R_UNAVAILABLE);
            return;
        }
    } else {
        c = r->state.n == EAPD_STATE_LEN ? htab_get(d->by_state, r->state.p) : NULL;
        if (!c || c->client != r->client) {
            reject_stray(d, r->eap, AKA_R_STATE, out);
            return;
        }
    }
    if (r->eap.n == 0 && r->state.n == 0)
        aka_server_start(c->server, &a);
    else
        aka_server_input(c->server, r->eap, &a);
    if (a.type == AKA_SERVER_NONE) { /* discarded: the conversation is as it was, and a new one never began */
        enum aka_reason why = a.reason;
        if (r->state.n == 0)
            release(d, c);
        drop(out, why);
        return;
    }
    unlist(d, c);
    carry(d, c, &a, out);
}

void eapd_vector(struct eapd *d, struct eapd_ref ref, enum aka_server_auc what, const struct aka_vector *v,
                 uint64_t now, struct eapd_action *out)
{
    struct aka_server_action a;
    struct conv *c = by_ref(d, ref);
    if (!c) {
        drop(out, AKA_R_STATE);
        return;
    }
    aka_server_vector(c->server, what, v, &a);
    carry(d, c, &a, out);
}

void eapd_end(struct eapd *d, struct eapd_ref ref)
{
    struct conv *c = by_ref(d, ref);
    if (c)
        release(d, c);
}

void eapd_timeout(struct eapd *d, uint64_t now)
{
    while (heap_deadline(&d->due) <= now) {
        struct conv *c = (struct conv *)((char *)heap_min(&d->due) - offsetof(struct conv, due));
        release(d, c);
        d->expired++;
    }
}

uint64_t eapd_deadline(const struct eapd *d)
{
    return heap_deadline(&d->due);
}

size_t eapd_count(const struct eapd *d)
{
    return d->conf.max - d->n_free;
}

uint64_t eapd_expired(const struct eapd *d)
{
    return d->expired;
}
