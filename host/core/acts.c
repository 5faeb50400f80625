/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/esp/sa.h"
#include "host/core/host_priv.h"

#define KEPT 40 /* room that packets and events leave for what must not be lost */

struct host_action *host_act(struct host *h, enum host_act_type type)
{
    bool light = type == HOST_ACT_SEND || type == HOST_ACT_ICMP || type == HOST_ACT_EVENT;
    struct host_action *a;

    if (h->out->n >= HOST_ACTIONS_MAX - (light ? KEPT : 0)) {
        h->dropped++;
        return NULL;
    }
    a = &h->out->v[h->out->n++];
    memset(a, 0, sizeof *a);
    a->type = type;
    a->local = h->id;
    return a;
}

static void act_octets(struct host *h, enum host_act_type type, const struct hip_path *path,
                       struct span octets)
{
    struct host_action *a;
    uint8_t *at = h->out->buf + h->out->used;

    if (octets.n > sizeof h->out->buf - h->out->used) {
        h->dropped++;
        return;
    }
    a = host_act(h, type);
    if (!a)
        return;
    memcpy(at, octets.p, octets.n);
    h->out->used += octets.n;
    a->send.path = *path;
    a->send.octets = span_of(at, octets.n);
}

void host_act_send(struct host *h, const struct hip_path *path, struct span octets)
{
    act_octets(h, HOST_ACT_SEND, path, octets);
}

void host_event(struct host *h, enum host_event what, enum log_level lv, const struct hit *peer,
                const char *fmt, ...)
{
    struct host_action *a = host_act(h, HOST_ACT_EVENT);
    va_list ap;

    if (what == HOST_EV_ALARM)
        h->alarms++;
    if (!a)
        return;
    if (peer)
        a->peer = *peer;
    a->event.what = what;
    a->event.level = lv;
    va_start(ap, fmt);
    vsnprintf(a->event.text, sizeof a->event.text, fmt, ap);
    va_end(ap);
}

struct host_job *host_job_new(struct host *h, enum host_job_type type, struct host_job_slot **slot)
{
    for (size_t i = 0; i < HOST_JOBS_MAX; i++) {
        struct host_job_slot *s = &h->job[i];
        struct host_action *a;
        if (s->id)
            continue;
        a = host_act(h, HOST_ACT_JOB);
        if (!a)
            return NULL;
        memset(s, 0, sizeof *s);
        s->id = ++h->next_job << 8 | i;
        s->type = type;
        a->job.id = s->id;
        a->job.type = type;
        *slot = s;
        return &a->job;
    }
    h->dropped++;
    return NULL;
}

void host_job_forget(struct host *h, uint64_t id)
{
    if (h->job[id & 0xff].id == id)
        h->job[id & 0xff].id = 0;
}

void host_timer_set(struct host *h, struct host_timer *t, uint64_t at_us)
{
    /* The heap has room for every timer there is. */
    if (heap_set(&h->timers, &t->node, at_us))
        h->dropped++;
}

uint64_t host_unix(const struct host *h)
{
    return h->wall_s + (h->now - h->wall_at_us) / HOST_S;
}

bool host_ref_eq(struct hip_ref a, struct hip_ref b)
{
    return a.gen && a.gen == b.gen && a.slot == b.slot;
}

uint64_t host_jitter(struct host *h, uint64_t us)
{
    return us - us / 4 + us / 2 / 1024 * (env_random_u32(h->env) % 1025);
}

/* ---- what the HIP engine says ---- */

static struct esp_sa *sa_new(const struct hip_sa_keys *k, bool outbound)
{
    struct esp_sa *sa = NULL;
    struct esp_sa_params p = {
        .spi = k->spi, .suite = k->suite, .enc = k->enc, .auth = k->auth, .outbound = outbound
    };
    return esp_sa_new(&p, &sa) ? NULL : sa;
}

/* The keys are copied into SAs at once: what borrows them may be gone after the next call into the engine. */
static void sa_up(struct host *h, const struct hip_action *a)
{
    struct esp_sa *in = sa_new(&a->sa.in, false), *out = a->sa.out_ready ? sa_new(&a->sa.out, true) : NULL;
    struct host_action *o = in && (out || !a->sa.out_ready) ? host_act(h, HOST_ACT_SA_UP) : NULL;

    if (!o) {
        esp_sa_free(in);
        esp_sa_free(out);
        host_event(h, HOST_EV_PEER, LOG_LV_ERROR, &a->peer, "no security associations could be made");
        return;
    }
    o->ref = a->ref;
    o->local = a->local;
    o->peer = a->peer;
    o->sa.in = in;
    o->sa.out = out;
    o->sa.path = a->sa.path;
}

static void pass_on(struct host *h, const struct hip_action *a, enum host_act_type type)
{
    struct host_action *o = host_act(h, type);

    if (!o)
        return;
    o->ref = a->ref;
    o->local = a->local;
    o->peer = a->peer;
    if (type == HOST_ACT_SA_PATH) {
        o->path.to = a->sa_path.path;
        o->path.unverified = a->sa_path.unverified;
        o->path.credit = a->sa_path.credit;
    }
}

static void data_plane(struct host *h, const struct hip_action *a)
{
    switch (a->type) {
    case HIP_ACT_SEND:
        host_act_send(h, &a->send.path, a->send.octets);
        break;
    case HIP_ACT_ICMP:
        act_octets(h, HOST_ACT_ICMP, &a->send.path, a->send.octets);
        break;
    case HIP_ACT_SA_UP:
        sa_up(h, a);
        break;
    case HIP_ACT_SA_PATH:
        pass_on(h, a, HOST_ACT_SA_PATH);
        host_peer_path(h, a, &a->sa_path.path);
        break;
    case HIP_ACT_SA_DOWN:
        pass_on(h, a, HOST_ACT_SA_DOWN);
        break;
    default:
        break;
    }
}

/* An I1's responder, as what RFC 8003 s3.3 asks for: we are no registrar. */
static void refuse_registration(const struct hip_contents *in, struct hip_contents *out)
{
    if (!in->request.present || in->request.n == 0)
        return;
    out->n_failed = 1;
    out->failed[0].reason = 1; /* registration type unavailable */
    out->failed[0].n = in->request.n;
    memcpy(out->failed[0].type, in->request.type, sizeof out->failed[0].type);
}

static void answer_i2(struct host *h, const struct hip_action *a)
{
    struct hip_answer ans = { .accept = host_peer_admit(h, &a->peer), .notify = 42 /* BLOCKED_BY_POLICY */ };

    refuse_registration(&a->ask.contents, &ans.contents);
    if (ans.accept)
        host_nat_answer(h, a, &ans);
    if (!ans.accept)
        host_event(h, HOST_EV_PEER, LOG_LV_NOTICE, &a->peer, "association refused by policy");
    if (hip_answer(h->hip, a->ref, &ans, h->now, host_hip(h)))
        h->dropped++;
}

static void answer_r1(struct host *h, const struct hip_action *a)
{
    struct hip_answer ans = { .accept = true };
    struct host_link *l = host_link_of(h, a->ref);

    if (l) {
        host_fa_ask(h, l, a);
        return;
    }
    host_peer_r1(h, a);
    ans.contents.di = h->c.hip.di;
    host_nat_answer(h, a, &ans);
    if (hip_answer(h->hip, a->ref, &ans, h->now, host_hip(h)))
        h->dropped++;
}

static void update(struct host *h, const struct hip_action *a)
{
    struct hip_reg_list none = { .present = true };
    struct hip_contents c = { .response = none };
    struct host_link *l = host_link_of(h, a->ref);

    if (l) {
        host_fa_update(h, l, a);
        return;
    }
    refuse_registration(&a->update.contents, &c);
    c.response.present = false;
    if (c.n_failed ? hip_update(h->hip, a->ref, &c, h->now, host_hip(h))
                   : hip_update_done(h->hip, a->ref, h->now, host_hip(h)))
        h->dropped++;
}

/* It changes nothing, whatever it says (RFC 7401 s6.13 MUST): it is shown. */
static void notified(struct host *h, const struct hip_action *a)
{
    const char *name = hip_notify_name(a->notify.code);
    const struct span *d = &a->notify.data;

    if (a->notify.code == HIP_NTF_INVALID_CERTIFICATE && d->n == 2) /* RFC 8002 s5: CERT group, CERT ID */
        host_event(h, HOST_EV_NOTIFIED, LOG_LV_NOTICE, &a->peer, "NOTIFY %u %s: certificate %u of group %u",
                   a->notify.code, name, d->p[1], d->p[0]);
    else
        host_event(h, HOST_EV_NOTIFIED, LOG_LV_NOTICE, &a->peer, "NOTIFY %u %s", a->notify.code, name);
}

static void control(struct host *h, const struct hip_action *a)
{
    struct host_link *l = host_link_of(h, a->ref);

    switch (a->type) {
    case HIP_ACT_ASK_I2:
        answer_r1(h, a);
        break;
    case HIP_ACT_ASK_R2:
        answer_i2(h, a);
        break;
    case HIP_ACT_ESTABLISHED:
        host_peer_up(h, a, &a->up.path);
        host_ping_up(h, a);
        if (l)
            host_fa_up(h, l, a);
        break;
    case HIP_ACT_UPDATE:
        update(h, a);
        break;
    case HIP_ACT_ACKED:
        host_peer_acked(h, a);
        if (l)
            host_fa_acked(h, l, a);
        break;
    case HIP_ACT_PROBED:
        host_ping_probed(h, a);
        break;
    case HIP_ACT_MOVED:
        host_peer_path(h, a, &a->moved.path);
        break;
    case HIP_ACT_NOTIFY:
        notified(h, a);
        if (l)
            host_fa_notified(h, l, a->notify.code);
        break;
    case HIP_ACT_CHECKS:
        host_peer_checks(h, a);
        break;
    case HIP_ACT_PERMIT:
        host_nat_permit(h, a);
        break;
    case HIP_ACT_GONE:
        host_nat_gone(h, a->ref);
        host_peer_gone(h, a);
        host_ping_gone(h, a);
        if (l)
            host_fa_gone(h, l, a);
        break;
    default:
        break;
    }
}

void host_drain(struct host *h)
{
    if (h->draining)
        return;
    h->draining = true;
    /* Each answer of ours may bring more; what goes on after so many rounds would be a fault of ours. */
    for (int round = 0; round < 64 && host_hip(h)->n; round++) {
        struct hip_actions *a = host_hip(h);
        h->cur ^= 1;
        hip_actions_reset(host_hip(h));
        for (size_t i = 0; i < a->n; i++)
            data_plane(h, &a->v[i]);
        for (size_t i = 0; i < a->n; i++)
            control(h, &a->v[i]);
        hip_actions_reset(a);
    }
    h->draining = false;
}
