/* SPDX-License-Identifier: Apache-2.0
 * The slow world of tests/sim/fa_world.h: authentication server, subscriber data, binding store and zone in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "tests/sim/fa_world.h"

void fw_do_job(struct fw *w, const struct fa_job *j);

struct answer {
    struct fa_result r;
    struct fa_binding rows[FA_BINDINGS_MAX];
    uint8_t msk[64], eap[EAP_MAX];
    char imsi[32];
    bool silent;
};

/* ---- authentication server ---- */

static struct fw_card *card_of(struct fw *w, const char *imsi)
{
    for (size_t i = 0; i < w->n_card; i++)
        if (strcmp(w->card[i].imsi, imsi) == 0)
            return &w->card[i];
    return NULL;
}

static void auc(struct fw *w, struct aka_server *s, struct aka_server_action *a)
{
    while (a->type == AKA_SERVER_VECTOR) {
        const uint8_t amf[2] = { a->want == AKA_WANT_SEPARATED ? AKA_AMF_SEP : 0, 0 };
        struct fw_card *c = card_of(w, a->imsi);
        struct aka_vector v;
        uint8_t rand[16];
        uint64_t ms;
        if (!c) {
            aka_server_vector(s, AKA_AUC_UNKNOWN, NULL, a);
            continue;
        }
        if (a->resync && aka_auts_open(&c->m.cred, a->rand, a->auts, &ms) != ERR_OK) {
            aka_server_vector(s, AKA_AUC_BAD_AUTS, NULL, a);
            continue;
        }
        if (a->resync)
            c->sqn = ms;
        env_random(&w->env, rand, sizeof rand);
        if (sqn_next(c->sqn, 1, &c->sqn) || aka_vector_make(&c->m.cred, c->sqn, amf, rand, &v))
            abort();
        aka_server_vector(s, AKA_AUC_OK, &v, a);
    }
}

static struct fw_conv *conversation(struct fw *w, const struct fa_job *j)
{
    uint32_t id;
    if (j->as.state_len == sizeof id) {
        memcpy(&id, j->as.state, sizeof id);
        for (size_t i = 0; i < FW_CONVS; i++)
            if (w->conv[i].used && w->conv[i].id == id)
                return &w->conv[i];
        return NULL;
    }
    for (size_t i = 0; i < FW_CONVS; i++) {
        if (w->conv[i].used)
            continue;
        struct aka_server_config c = { .env = &w->env, .methods = { w->as_method } };
        snprintf(c.net_name, sizeof c.net_name, "%s", j->as.nas_id);
        w->conv[i] = (struct fw_conv){ .used = true, .id = (uint32_t)++w->order, .s = aka_server_new(&c) };
        if (!w->conv[i].s)
            abort();
        return &w->conv[i];
    }
    abort();
}

#define SERVER_NO(realm) (uint8_t)((realm) + 3)

static void accept(struct fw *w, struct answer *x, const char *imsi, const uint8_t *msk)
{
    struct fa_result *r = &x->r;
    memcpy(x->msk, msk, 64);
    r->as.code = FA_AS_ACCEPT;
    r->as.recv_key = span_of(x->msk, w->as == AS_SHORT_MSK ? 16 : 32);
    r->as.send_key = span_of(x->msk + 32, 32);
    if (w->as == AS_NO_MSK)
        r->as.recv_key = r->as.send_key = span_of(NULL, 0);
    snprintf(x->imsi, sizeof x->imsi, "%s", w->as == AS_OTHER_IMSI ? "244050000000001" : imsi);
    const struct fw_named *n = &w->named;
    if (n->imsi || n->cui || n->user) {
        r->as.imsi = n->imsi ? span_str(n->imsi) : span_of(NULL, 0);
        r->as.cui = n->cui ? span_str(n->cui) : span_of(NULL, 0);
        r->as.user = n->user ? span_str(n->user) : span_of(NULL, 0);
    } else if (w->as != AS_NO_IMSI) {
        r->as.cui = span_str(x->imsi);
    }
    if (w->as_user.n)
        r->as.user = w->as_user;
    r->as.class_v = w->as_class;
}

/* Another Request, whatever was answered. */
static void ask_again(struct fw *w, const struct fa_job *j, struct answer *x, const struct fw_conv *c)
{
    uint8_t type = w->as == AS_IDENTITIES ? EAP_TYPE_IDENTITY
                   : w->proposed          ? w->proposed
                                          : 4 /* MD5-Challenge */;
    size_t n = eap_write(x->eap, sizeof x->eap, EAP_REQUEST, (uint8_t)(j->as.eap[1] + 1), type,
                         span_of("\x01x", type == EAP_TYPE_IDENTITY ? 0 : 2));
    x->r.as.code = FA_AS_CHALLENGE;
    x->r.as.eap = span_of(x->eap, n);
    x->r.as.state = span_of(&c->id, sizeof c->id);
}

static struct span raw_part(struct rcur *c, uint8_t most)
{
    uint8_t n = rcur_u8(c);
    return rcur_take(c, n < most ? n : most);
}

/* An answer that only the RADIUS codec has looked at. */
static void raw_as(struct fw *w, struct fa_result *r)
{
    struct rcur c = rcur_of(w->raw);
    r->as.code = rcur_u8(&c) % 3;
    r->as.eap = raw_part(&c, 255);
    r->as.state = raw_part(&c, 253);
    r->as.recv_key = raw_part(&c, 64);
    r->as.send_key = raw_part(&c, 64);
    r->as.imsi = raw_part(&c, 32);
    r->as.cui = raw_part(&c, 253);
    r->as.user = raw_part(&c, 253);
    w->raw = rcur_rest(&c);
}

static void do_as(struct fw *w, const struct fa_job *j, struct answer *x)
{
    static const uint8_t zero[64];
    struct fa_result *r = &x->r;
    struct aka_server_action a;
    struct fw_conv *c = conversation(w, j);
    if (j->as.state_len && j->as.server != SERVER_NO(j->as.realm))
        abort(); /* State went to another server than its own */
    r->as.server = SERVER_NO(j->as.realm);
    w->as_realm = j->as.realm;
    x->silent = w->as == AS_SILENT;
    if (w->as == AS_RAW) {
        raw_as(w, r);
        return;
    }
    if (w->as == AS_DOWN)
        r->err = ERR_UNREACHABLE;
    if (x->silent || r->err != ERR_OK || !c)
        return;
    if (w->as == AS_EARLY) { /* an Access-Accept nobody earned */
        accept(w, x, "001010000000001", zero);
        r->as.eap = span_of("\x03\x00\x00\x04", 4);
        return;
    }
    if (w->as == AS_PASSWORD && j->as.eap[4] == w->proposed) { /* the account of a password: right */
        accept(w, x, "001010000000001", zero);
        r->as.eap = span_of("\x03\x00\x00\x04", 4);
        return;
    }
    if (w->as == AS_IDENTITIES || w->as == AS_METHODS || w->as == AS_PASSWORD) {
        ask_again(w, j, x, c);
        return;
    }
    aka_server_input(c->s, span_of(j->as.eap, j->as.eap_len), &a);
    auc(w, c->s, &a);
    memcpy(x->eap, a.octets.p ? a.octets.p : zero, a.octets.n);
    r->as.eap = span_of(x->eap, a.octets.n);
    switch (a.type) {
    case AKA_SERVER_SEND:
        r->as.code = FA_AS_CHALLENGE;
        r->as.state = span_of(&c->id, sizeof c->id);
        return;
    case AKA_SERVER_ACCEPT:
        accept(w, x, aka_server_imsi(c->s), aka_server_msk(c->s));
        if (w->as == AS_NO_SUCCESS)
            r->as.eap = span_of("\x04\x01\x00\x04", 4); /* EAP Failure */
        break;
    case AKA_SERVER_REJECT:
        r->as.code = FA_AS_REJECT;
        break;
    default:
        x->silent = true;
        break;
    }
    aka_server_free(c->s);
    c->used = false;
}

/* ---- subscriber data ---- */

static size_t sub_index(const struct fw *w, const char *id)
{
    size_t i = 0;
    while (i < w->n_sub && strcmp(w->sub[i].id, id) != 0)
        i++;
    return i;
}

static void do_subscriber(struct fw *w, const struct fa_job *j, struct answer *x)
{
    x->r.err = ERR_NOT_FOUND;
    for (size_t i = 0; i < w->n_sub; i++)
        if (j->subscriber.imsi[0] ? strcmp(w->sub[i].imsi, j->subscriber.imsi) == 0
                                  : strcmp(w->sub[i].id, j->subscriber.id) == 0) {
            x->r.err = ERR_OK;
            x->r.subscriber.s = &w->sub[i];
        }
}

static void do_claim(struct fw *w, const struct fa_job *j, struct answer *x)
{
    char label[FA_LABEL_MAX], skeleton[FA_LABEL_MAX];
    for (size_t i = 0; i < w->n_sub; i++) {
        fa_name_skeleton(fa_name_of_person(w->sub[i].given, w->sub[i].surname, label), skeleton);
        if (strcmp(w->sub[i].id, j->claim.subscriber) != 0 && strcmp(skeleton, j->claim.skeleton) == 0)
            x->r.err = ERR_EXISTS;
    }
}

/* ---- binding store ---- */

static void do_find(struct fw *w, const struct fa_job *j, struct answer *x)
{
    struct fa_result *r = &x->r;
    r->find.v = x->rows;
    if (j->find.by == FA_FIND_SUBSCRIBER) {
        r->find.epoch = w->epoch[sub_index(w, j->find.text) % FW_SUBS];
        r->find.suspended = w->suspended[sub_index(w, j->find.text) % FW_SUBS];
    }
    for (size_t i = 0; i < w->n_row; i++) {
        struct fa_binding b = w->row[i].b;
        bool open = b.state == FA_BINDING_INTENT || b.state == FA_BINDING_UNBINDING;
        uint64_t left = w->row[i].ends_us > w->now ? w->row[i].ends_us - w->now : 0;
        b.left_s = (uint32_t)((left + FW_S - 1) / FW_S);
        b.unseen_s = (uint32_t)((w->now - w->row[i].seen_us) / FW_S);
        b.suspended = w->suspended[sub_index(w, b.subscriber) % FW_SUBS];
        bool is = false;
        switch (j->find.by) {
        case FA_FIND_HIT:
            is = memcmp(b.hit, j->find.hit, 16) == 0;
            break;
        case FA_FIND_SUBSCRIBER:
            is =
                strcmp(b.subscriber, j->find.text) == 0 && b.state != FA_BINDING_REVOKED && b.id > j->find.id;
            break;
        case FA_FIND_NAME:
            is = strcmp(b.name, j->find.text) == 0;
            break;
        case FA_FIND_ID:
            is = b.id == j->find.id;
            break;
        case FA_FIND_OPEN:
            is = b.id > j->find.id && (open || (b.state == FA_BINDING_BOUND && b.left_s == 0));
            break;
        }
        if (is && r->find.n < 2) /* small pages, so that paging is used */
            x->rows[r->find.n++] = b;
        else if (is)
            r->find.more = true;
    }
}

static struct fw_row *row_by_id(struct fw *w, uint64_t id)
{
    for (size_t i = 0; i < w->n_row; i++)
        if (id && w->row[i].b.id == id)
            return &w->row[i];
    return NULL;
}

static void row_del(struct fw *w, uint64_t id)
{
    struct fw_row *r = row_by_id(w, id);
    if (!r)
        return;
    memmove(r, r + 1, (size_t)(w->row + w->n_row - r - 1) * sizeof *r);
    w->n_row--;
}

static err may_write(struct fw *w, const struct fa_job *j)
{
    const struct fa_binding *n = &j->intent.binding;
    unsigned devices = 0;
    err e = ERR_OK;
    if (w->epoch[sub_index(w, n->subscriber) % FW_SUBS] != j->intent.epoch)
        return ERR_STATE;
    for (size_t i = 0; i < w->n_row; i++) {
        const struct fa_binding *b = &w->row[i].b;
        bool mine = strcmp(b->subscriber, n->subscriber) == 0, same = memcmp(b->hit, n->hit, 16) == 0;
        if (b->id == j->intent.replaces || b->id == n->id)
            continue;
        if (same && (!mine || (b->state == FA_BINDING_REVOKED && !b->moved)))
            return ERR_REFUSED;
        if (b->id == j->intent.takes || b->state == FA_BINDING_REVOKED)
            continue;
        if (mine && !same)
            devices++;
        if (strcmp(b->name, n->name) == 0 || (!mine && !n->own_name && strcmp(b->skeleton, n->skeleton) == 0))
            e = ERR_EXISTS;
    }
    for (size_t i = 0; i < w->n_reserved; i++)
        if (strcmp(w->reserved[i].name, n->name) == 0 &&
            strcmp(w->reserved[i].subscriber, n->subscriber) != 0)
            e = ERR_EXISTS;
    return devices >= j->intent.devices_max ? ERR_FULL : e;
}

static void do_intent(struct fw *w, const struct fa_job *j, struct answer *x)
{
    x->r.err = may_write(w, j);
    if (x->r.err != ERR_OK)
        return;
    row_del(w, j->intent.replaces);
    struct fw_row *old = row_by_id(w, j->intent.takes);
    if (j->intent.takes && (!old || old->b.state != FA_BINDING_BOUND)) {
        x->r.err = ERR_STATE;
        return;
    }
    if (old) {
        old->b.state = FA_BINDING_REVOKED;
        old->b.moved = true;
        w->epoch[sub_index(w, old->b.subscriber) % FW_SUBS]++;
    }
    for (size_t i = w->n_row; i-- > 0;)
        if (w->row[i].b.moved && memcmp(w->row[i].b.hit, j->intent.binding.hit, 16) == 0)
            row_del(w, w->row[i].b.id);
    struct fw_row *r = row_by_id(w, j->intent.binding.id);
    if (!r) {
        r = &w->row[w->n_row++];
        r->b = j->intent.binding;
        r->b.id = ++w->next_row;
    } else {
        uint64_t id = r->b.id;
        r->b = j->intent.binding;
        r->b.id = id;
    }
    r->b.state = FA_BINDING_INTENT;
    r->seen_us = w->now;
    r->ends_us = w->now + r->b.lifetime_s * FW_S;
    x->r.intent.id = r->b.id;
}

static void do_row(struct fw *w, const struct fa_job *j, struct answer *x)
{
    struct fw_row *r = row_by_id(w, j->type == FA_JOB_BOUND    ? j->bound.id
                                    : j->type == FA_JOB_UNBIND ? j->unbind.id
                                                               : j->drop.id);
    if (!r) {
        x->r.err = j->type == FA_JOB_DROP ? ERR_OK : ERR_NOT_FOUND;
        return;
    }
    if (j->type == FA_JOB_BOUND) {
        r->b.state = FA_BINDING_BOUND;
        r->b.last_len = r->b.rdata_len;
        memcpy(r->b.last, r->b.rdata, r->b.rdata_len);
        r->b.lifetime_s = j->bound.lifetime_s;
        r->b.rekey = false;
        r->seen_us = w->now;
        r->ends_us = w->now + j->bound.lifetime_s * FW_S;
        w->booked += j->bound.book != FA_BOOK_NONE;
    } else if (j->type == FA_JOB_UNBIND) {
        r->b.state = FA_BINDING_UNBINDING;
        w->epoch[sub_index(w, r->b.subscriber) % FW_SUBS]++;
    } else {
        if (j->drop.reserve) {
            struct fw_reserved *v = &w->reserved[w->n_reserved++];
            memcpy(v->name, r->b.name, sizeof v->name);
            memcpy(v->subscriber, r->b.subscriber, sizeof v->subscriber);
        }
        w->booked += j->drop.book != FA_BOOK_NONE;
        if (j->drop.revoked)
            r->b.state = FA_BINDING_REVOKED;
        else
            row_del(w, j->drop.id);
    }
}

/* Takeovers that were asked for: one at a time is enough here. */
static void do_hold(struct fw *w, const struct fa_job *j, struct answer *x)
{
    x->r.hold.fresh = w->held_row != j->hold.old || memcmp(w->held_hit, j->hold.hit, 16) != 0;
    if (x->r.hold.fresh)
        w->hold_says = FA_HOLD_WAITS;
    w->held_row = j->hold.old;
    memcpy(w->held_hit, j->hold.hit, 16);
    x->r.hold.says = w->hold_says;
}

static void do_seen(struct fw *w, const struct fa_job *j)
{
    for (size_t i = 0; i < w->n_row; i++)
        if (memcmp(w->row[i].b.hit, j->seen.hit, 16) == 0)
            w->row[i].seen_us = w->now;
}

/* ---- the zone ---- */

struct fw_rr *fw_zone(struct fw *w, const char *name)
{
    for (size_t i = 0; i < w->n_zone; i++)
        if (strcmp(w->zone[i].name, name) == 0)
            return &w->zone[i];
    return NULL;
}

struct fw_rr *fw_zone_put(struct fw *w, const char *name, struct span rdata)
{
    struct fw_rr *r = fw_zone(w, name);
    if (!r)
        r = &w->zone[w->n_zone++];
    snprintf(r->name, sizeof r->name, "%s", name);
    r->n = (uint16_t)rdata.n;
    if (rdata.n)
        memcpy(r->rdata, rdata.p, rdata.n);
    return r;
}

static void do_zone(struct fw *w, const struct fa_job *j, struct answer *x)
{
    const struct fw_rr *z = fw_zone(w, j->zone.name);
    if (w->dns == DNS_DOWN)
        x->r.err = ERR_UNREACHABLE;
    x->silent = w->dns == DNS_SILENT;
    x->r.zone.says = !z ? FA_ZONE_FREE : z->n ? FA_ZONE_HIP : FA_ZONE_OTHER;
    if (z && z->n)
        x->r.zone.rdata = span_of(z->rdata, z->n);
}

static err update(struct fw *w, const struct fa_job *j)
{
    struct fw_rr *z = fw_zone(w, j->dns.name);
    if (j->dns.last_len == 0 && z)
        return ERR_EXISTS;
    if (j->dns.last_len && (!z || z->n != j->dns.last_len || memcmp(z->rdata, j->dns.last, z->n) != 0))
        return ERR_STATE;
    if (j->dns.want_len)
        fw_zone_put(w, j->dns.name, span_of(j->dns.want, j->dns.want_len));
    else if (z)
        *z = w->zone[--w->n_zone];
    return ERR_OK;
}

static void do_dns(struct fw *w, const struct fa_job *j, struct answer *x)
{
    switch (w->dns) {
    case DNS_GOOD:
        x->r.err = update(w, j);
        break;
    case DNS_SILENT:
        x->silent = true;
        break;
    case DNS_DOWN:
        x->r.err = ERR_UNREACHABLE;
        break;
    case DNS_REFUSES:
        x->r.err = ERR_REFUSED;
        break;
    case DNS_TWICE:
        (void)update(w, j);
        x->r.err = update(w, j);
        break;
    case DNS_LOST:
        x->r.err = update(w, j) == ERR_OK ? ERR_TIMEOUT : ERR_EXISTS;
        break;
    }
}

/* ---- one job ---- */

static void carry_out(struct fw *w, const struct fa_job *j, struct answer *x)
{
    switch (j->type) {
    case FA_JOB_AS:
        do_as(w, j, x);
        break;
    case FA_JOB_SUBSCRIBER:
        do_subscriber(w, j, x);
        break;
    case FA_JOB_CLAIM:
        do_claim(w, j, x);
        break;
    case FA_JOB_FIND:
        do_find(w, j, x);
        break;
    case FA_JOB_ZONE:
        do_zone(w, j, x);
        break;
    case FA_JOB_INTENT:
        do_intent(w, j, x);
        break;
    case FA_JOB_DNS:
        do_dns(w, j, x);
        break;
    case FA_JOB_DNS_OWN:
        w->own_name = w->dns == DNS_GOOD;
        x->r.err = w->own_name ? ERR_OK : ERR_UNREACHABLE;
        break;
    case FA_JOB_BOUND:
    case FA_JOB_UNBIND:
    case FA_JOB_DROP:
        do_row(w, j, x);
        break;
    case FA_JOB_HOLD:
        do_hold(w, j, x);
        break;
    default:
        break;
    }
}

void fw_do_job(struct fw *w, const struct fa_job *j)
{
    struct answer *x = calloc(1, sizeof *x);
    if (!x)
        abort();
    w->asked[j->type]++;
    if (j->type == FA_JOB_SEEN) {
        do_seen(w, j);
        free(x);
        return;
    }
    if (j->type == FA_JOB_CHARGE) {
        memcpy(w->charged_hit, j->charge.hit, sizeof w->charged_hit);
        w->charged = j->charge.who;
        free(x);
        return;
    }
    if (j->type == FA_JOB_AUDIT) {
        w->audits += j->audit.alarm;
        memcpy(j->audit.alarm ? w->last_alarm : w->last_audit, j->audit.what, sizeof w->last_alarm);
        free(x);
        return;
    }
    if (w->before)
        w->before(w, j);
    x->r.ref = j->ref;
    x->r.type = j->type;
    w->n_done++;
    if (w->n_done == w->fail_at)
        x->r.err = ERR_IO;
    else
        carry_out(w, j, x);
    if (getenv("SIM_LOG"))
        printf("# %9.3f ms job %u %s: %s%s\n", (double)w->now / 1000, w->n_done, fa_job_name(j->type),
               err_name(x->r.err), x->silent ? " (silent)" : "");
    if (w->n_done == w->stop_at)
        w->stopped = true;
    if (!x->silent && !w->stopped && w->n_done != w->lose_at) {
        fa_actions_reset(w->out);
        fa_complete(w->fa, &x->r, w->now, w->out);
        fw_act(w);
    }
    free(x);
}

/* ---- looking ---- */

const struct fw_row *fw_row_of(const struct fw *w, const char *name)
{
    for (size_t i = 0; i < w->n_row; i++)
        if (strcmp(w->row[i].b.name, name) == 0)
            return &w->row[i];
    return NULL;
}

size_t fw_rows(const struct fw *w, enum fa_binding_state s)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n_row; i++)
        n += w->row[i].b.state == s;
    return n;
}

const char *fw_inconsistent(struct fw *w)
{
    for (size_t i = 0; i < w->n_row; i++) {
        const struct fa_binding *b = &w->row[i].b;
        const struct fw_rr *z = fw_zone(w, b->name);
        if (b->state == FA_BINDING_INTENT || b->state == FA_BINDING_UNBINDING)
            return "a row is open";
        if (b->state == FA_BINDING_BOUND &&
            (!z || z->n != b->rdata_len || memcmp(z->rdata, b->rdata, z->n) != 0))
            return "bound, but not in the zone";
        if (b->state == FA_BINDING_REVOKED && !b->moved && z && z->n)
            return "revoked, but in the zone";
    }
    for (size_t i = 0; i < w->n_zone; i++)
        if (w->zone[i].n && !fw_row_of(w, w->zone[i].name))
            return "in the zone, but no binding knows it";
    return NULL;
}
