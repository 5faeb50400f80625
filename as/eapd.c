/* SPDX-License-Identifier: Apache-2.0 */
#include "as/eapd.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"
#include "common/crypto/secret.h"

struct conv {
    struct heap_node due;
    struct aka_server *server; /* NULL: the slot is free */
    uint32_t gen, client;
    bool binding;
    bool suci;   /* it has opened one */
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
    uint64_t expired, wall_s;
    struct reauth *reauth;       /* NULL: there is none */
    struct pseudonym_keys *keys; /* secret memory; NULL: no pseudonyms */
    uint8_t failure[8];          /* an EAP Failure that no conversation holds */
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
    if (c->reauth_max)
        d->reauth = reauth_new(c->reauth_max, c->reauth_us, c->seed);
    if (heap_init(&d->due, c->max) != ERR_OK || !d->v || !d->free_slots || !d->by_state ||
        (c->reauth_max && !d->reauth)) {
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
    reauth_free(d->reauth);
    sec_free(d->keys);
    htab_free(d->by_state);
    heap_done(&d->due);
    free(d->free_slots);
    free(d->v);
    free(d);
}

err eapd_pseudonym_key(struct eapd *d, const uint8_t master[PSEUDONYM_MASTER_LEN])
{
    if (d->conf.pseudonym_s == 0)
        return ERR_OK;
    if (!d->keys)
        d->keys = sec_alloc(sizeof *d->keys);
    if (!d->keys)
        return ERR_MEMORY;
    d->keys->period_s = d->conf.pseudonym_s;
    d->keys->periods = d->conf.pseudonym_periods;
    memcpy(d->keys->master, master, sizeof d->keys->master);
    return ERR_OK;
}

void eapd_wall(struct eapd *d, uint64_t unix_s)
{
    d->wall_s = unix_s;
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
    struct aka_server_config conf = { .env = d->conf.env,
                                      .ask_identity = d->conf.ask_identity,
                                      .ask_who = true,
                                      .result_ind = d->conf.result_ind };
    size_t n = strlen(r->net_name);
    if (d->n_free == 0 || n >= sizeof conf.net_name)
        return NULL;
    memcpy(conf.net_name, r->net_name, n + 1);
    memcpy(conf.methods, r->methods, sizeof conf.methods);
    memcpy(conf.kdf, d->conf.kdf, sizeof conf.kdf);
    if (d->conf.fs) {
        conf.fs[0] = AKA_FS_X25519;
        conf.fs[1] = AKA_FS_P256;
        conf.fs_required = d->conf.fs_required;
    }
    struct conv *c = &d->v[d->free_slots[d->n_free - 1]];
    c->server = aka_server_new(&conf);
    if (!c->server)
        return NULL;
    d->n_free--;
    c->gen++;
    c->client = r->client;
    c->binding = r->binding;
    c->suci = false;
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
void eapd_stray(struct eapd *d, struct span eap, enum aka_reason why, struct eapd_action *out)
{
    *out = (struct eapd_action){ .type = EAPD_REJECT, .reason = why, .imsi = "" };
    if (eap.n >= 2)
        out->eap = span_of(d->failure, eap_write_end(d->failure, sizeof d->failure, EAP_FAILURE, eap.p[1]));
}

/* ---- names that are not permanent ---- */

/* What the peer may call itself next time. A SIM binding gets no name for fast re-authentication (docs/sim-binding.md s4: each is a run of
 * the card's), and nobody more of them in a row than is configured. */
static void issue(struct eapd *d, struct conv *c, const char *imsi, uint32_t reauths)
{
    const struct aka_method *m = aka_server_method(c->server);
    char pseudonym[PSEUDONYM_LEN + 1] = "", name[REAUTH_NAME_LEN + 1], reauth[EAP_IDENTITY_MAX];
    struct aka_nai nai;
    size_t n = 0;
    if (d->keys && pseudonym_make(d->keys, d->conf.env, m->pseudonym, imsi, d->wall_s, pseudonym) != ERR_OK)
        pseudonym[0] = '\0';
    if (d->reauth && !c->binding && reauths < d->conf.reauth_times &&
        nai_parse(aka_server_identity(c->server), &nai) == ERR_OK &&
        REAUTH_NAME_LEN + 1 + nai.realm.n <= sizeof reauth) {
        struct wcur w = wcur_of(reauth, sizeof reauth);
        reauth_name(d->reauth, d->conf.env, m->reauth, name);
        wcur_put(&w, name, REAUTH_NAME_LEN);
        if (nai.realm.n)
            wcur_u8(&w, '@');
        wcur_span(&w, nai.realm);
        n = wcur_len(&w);
    }
    aka_server_issue(c->server, span_str(pseudonym), span_of(reauth, n));
}

/* Whose identity is it? */
static void who(struct eapd *d, struct conv *c, uint64_t now, struct aka_server_action *a)
{
    struct aka_who w = { .kind = AKA_WHO_UNKNOWN };
    struct aka_nai nai;
    struct aka_reauth *r = sec_alloc(sizeof *r);
    if (!r || nai_parse(a->identity, &nai) != ERR_OK)
        goto out;
    enum nai_kind kind = nai_kind(&nai);
    if (suci_is(a->identity)) { /* one in a conversation: opening it is dear */
        if (!c->suci && suci_open(d->conf.suci, d->conf.n_suci, a->identity, w.imsi) == ERR_OK)
            w.kind = AKA_WHO_IMSI;
        c->suci = true;
    } else if (kind == NAI_PSEUDONYM && d->keys &&
               pseudonym_open(d->keys, nai.user, d->wall_s, w.imsi) == ERR_OK) {
        w.kind = AKA_WHO_IMSI;
    } else if (kind == NAI_REAUTH && d->reauth && !c->binding && reauth_take(d->reauth, nai.user, now, r)) {
        w.kind = AKA_WHO_REAUTH;
        w.reauth = r;
        issue(d, c, r->imsi, r->counter);
    }
out:
    aka_server_who(c->server, &w, a);
    sec_free(r);
}

/* After ACCEPT: what the name that was given out stands for. */
static void remember(struct eapd *d, struct conv *c, uint64_t now)
{
    struct aka_nai nai;
    struct span identity;
    struct aka_reauth *r = sec_alloc(sizeof *r);
    if (r && d->reauth && aka_server_reauth(c->server, r, &identity) && nai_parse(identity, &nai) == ERR_OK)
        reauth_put(d->reauth, nai.user, r, now);
    sec_free(r);
}

/* What the engine said, as an action of ours. */
static void carry(struct eapd *d, struct conv *c, const struct aka_server_action *a, uint64_t now,
                  struct eapd_action *out)
{
    *out = (struct eapd_action){
        .reason = a->reason,
        .ref = { .slot = (uint32_t)(c - d->v), .gen = c->gen },
        .eap = a->octets,
        .imsi = aka_server_imsi(c->server),
        .method = aka_server_method(c->server),
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
        out->want = a->want;
        out->resync = a->resync;
        out->rand = a->rand;
        out->auts = a->auts;
        break;
    case AKA_SERVER_ACCEPT:
        out->type = EAPD_ACCEPT;
        out->msk = aka_server_msk(c->server);
        out->reauth = aka_server_was_reauth(c->server);
        out->fs = aka_server_fs(c->server);
        remember(d, c, now);
        break;
    case AKA_SERVER_REJECT:
        out->type = EAPD_REJECT;
        break;
    case AKA_SERVER_WHO: /* answered before */
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
            eapd_stray(d, r->eap, AKA_R_STATE, out);
            return;
        }
    }
    if (r->eap.n == 0 && r->state.n == 0)
        aka_server_start(c->server, &a);
    else
        aka_server_input(c->server, r->eap, &a);
    if (a.type == AKA_SERVER_WHO)
        who(d, c, now, &a);
    if (a.type == AKA_SERVER_NONE) { /* discarded: the conversation is as it was, and a new one never began */
        enum aka_reason why = a.reason;
        if (r->state.n == 0)
            release(d, c);
        drop(out, why);
        return;
    }
    unlist(d, c);
    carry(d, c, &a, now, out);
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
    if (v)
        issue(d, c, aka_server_imsi(c->server), 0);
    aka_server_vector(c->server, what, v, &a);
    carry(d, c, &a, now, out);
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

size_t eapd_reauths(const struct eapd *d)
{
    return d->reauth ? reauth_count(d->reauth) : 0;
}

uint64_t eapd_expired(const struct eapd *d)
{
    return d->expired;
}
