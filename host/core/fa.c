/* SPDX-License-Identifier: Apache-2.0
 *
 * Which Forwarding Agent, going to it and leaving it; fa_reg.c is about what is registered there. An FA that was restarted is noticed by
 * its silence and met again, without anybody's help.
 */
#include <string.h>

#include "host/core/host_priv.h"

#define LOOKUP_US   (10 * HOST_S)
#define HOUR_US     (3600 * HOST_S)
#define UNHEARD_US  (60 * HOST_S) /* longest pause before an FA that bound us and does not answer */
#define AGAIN_US    (HOST_S / 2)  /* after the FA went: a moment, so that it is up again */
#define UDP_WAIT_US (3 * HOST_S)  /* for an R1 where UDP alone is tried and the rest is known to work */
#define NO_UDP_US   (600 * HOST_S)

static void on_timer(struct host *h, struct host_timer *t);

void host_fa_init(struct host *h)
{
    h->main = &h->link[0];
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        h->link[i].timer.fire = on_timer;
}

struct host_link *host_link_of(struct host *h, struct hip_ref ref)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (host_ref_eq(h->link[i].ref, ref))
            return &h->link[i];
    return NULL;
}

bool host_fa_is(const struct host *h, struct hip_ref ref)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (host_ref_eq(h->link[i].ref, ref))
            return true;
    return false;
}

bool host_fa_hit(const struct host *h, const struct hit *hit)
{
    for (size_t i = 0; i < h->n_fa; i++)
        if (hit_eq(&h->fa[i].hit, hit))
            return true;
    return false;
}

/* ---- which ones there are ---- */

void host_fa_forget(struct host *h)
{
    size_t n = 0;

    while (n < h->n_fa && h->fa[n].configured) {
        h->fa[n].hit = h->fa[n].hit_conf;
        h->fa[n].known = !hit_is_null(&h->fa[n].hit);
        h->fa[n].looked = false;
        h->fa[n].fails = 0;
        h->fa[n].cert_invalid = false;
        h->fa[n].not_before_us = 0;
        h->fa[n].partner_fails = 0;
        h->fa[n].partner_at_us = 0;
        n++;
    }
    h->n_fa = n;
}

static struct host_fa *find(struct host *h, const struct host_sealed_fa *s)
{
    for (size_t i = 0; i < h->n_fa; i++)
        if (hit_eq(&h->fa[i].hit, &s->hit) ||
            (hit_is_null(&h->fa[i].hit) && s->name.len && dnsu_name_eq(&h->fa[i].name, &s->name)))
            return &h->fa[i];
    return NULL;
}

void host_fa_learn(struct host *h)
{
    const struct host_sealed *s = &h->sim->sealed;

    for (size_t i = 0; i < s->n_fa; i++) {
        struct host_fa *f = find(h, &s->fa[i]);
        if (!f) {
            if (h->n_fa == sizeof h->fa / sizeof h->fa[0])
                return;
            f = &h->fa[h->n_fa++];
            memset(f, 0, sizeof *f);
            f->name = s->fa[i].name;
        }
        f->hit = s->fa[i].hit;
        f->known = true; /* told under a good BIND_MAC (section 4) */
    }
}

void host_fa_home(struct host *h)
{
    const struct usim_identity *id = &h->sim->id;
    char text[NAI_TEXT_MAX];
    struct dnsu_name name;
    struct host_fa *f;

    if (h->c.login.identity || !h->c.find_fa || (h->n_fa && h->fa[0].configured) ||
        h->n_fa == sizeof h->fa / sizeof h->fa[0])
        return;
    if (nai_home_fa(id->imsi, id->mnc_len, text) || dnsu_name_from_text(text, &name))
        return;
    f = &h->fa[h->n_fa++];
    *f = (struct host_fa){ .home = true, .name = name };
}

bool host_fa_taken(const struct host *h, const struct host_link *by, const struct host_fa *f)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        if (&h->link[i] != by && h->link[i].fa == f && h->link[i].state != HOST_FA_IDLE)
            return true;
    return false;
}

bool host_fa_bound_us(const struct host *h, const struct hit *hit)
{
    const struct host_sealed *s = &h->sim->sealed;

    return host_sim_bound(h) && s->n_fa && hit_eq(&s->fa[0].hit, hit);
}

/* The one that bound us first, then as configured. NULL: all have a pause. */
static struct host_fa *choose(struct host *h, const struct host_link *l)
{
    const struct host_sealed *s = &h->sim->sealed;

    for (size_t i = 0; i < h->n_fa && s->n_fa; i++)
        if (hit_eq(&h->fa[i].hit, &s->fa[0].hit) && h->fa[i].not_before_us <= h->now &&
            !host_fa_taken(h, l, &h->fa[i]))
            return &h->fa[i];
    for (size_t i = 0; i < h->n_fa; i++)
        if (h->fa[i].not_before_us <= h->now && !host_fa_taken(h, l, &h->fa[i]))
            return &h->fa[i];
    return NULL;
}

/* ---- leaving ---- */

static void link_reset(struct host_link *l, enum host_fa_state s)
{
    struct host_timer t = l->timer;

    memset(l, 0, sizeof *l);
    l->timer = t; /* may be in the heap */
    l->state = s;
}

void host_link_drop(struct host *h, struct host_link *l, bool close)
{
    struct hip_ref ref = l->ref;
    bool est = l->established;
    err e = ERR_OK;

    if (l == h->main)
        host_run_end(h);
    link_reset(l, HOST_FA_IDLE); /* GONE of this association is no longer ours */
    if (!ref.gen)
        return;
    if (close && est)
        e = hip_close(h->hip, ref, h->now, host_hip(h));
    else
        e = hip_drop(h->hip, ref, h->now, host_hip(h));
    if (e && e != ERR_NOT_FOUND)
        h->dropped++;
}

static void rest(struct host *h, struct host_link *l)
{
    uint64_t at = HEAP_NEVER;

    for (size_t i = 0; i < h->n_fa; i++)
        if (h->fa[i].not_before_us < at && !host_fa_taken(h, l, &h->fa[i]))
            at = h->fa[i].not_before_us;
    l->state = at == HEAP_NEVER ? HOST_FA_IDLE : HOST_FA_BACKOFF;
    if (at == HEAP_NEVER)
        host_timer_stop(h, &l->timer);
    else
        host_timer_set(h, &l->timer, at > h->now ? at : h->now);
}

void host_fa_give_up(struct host *h, struct host_link *l, enum host_fa_end how, uint32_t wait_s)
{
    struct host_fa *f = l->fa;
    uint64_t pause = HOUR_US;

    if (l != h->main) {
        host_partner_refused(h, l);
        return;
    }
    if (h->run.open)
        h->runs_failed++;
    if (f) {
        if (how != HOST_FA_HOUR && f->fails < 10) {
            pause = h->c.retry_us << f->fails;
            pause = pause < HOUR_US ? pause : HOUR_US;
            if (f->unanswered && host_fa_bound_us(h, &f->hit) && pause > UNHEARD_US)
                pause = UNHEARD_US;
            pause = host_jitter(h, pause);
        }
        f->fails++;
        if (pause < wait_s * HOST_S)
            pause = wait_s * HOST_S;
        f->not_before_us = h->now + pause;
        if (!f->known) { /* nothing that was not validated outlives the attempt: its name is asked again */
            f->hit = f->hit_conf;
            f->looked = false;
        }
        if (!hit_is_null(&f->hit_conf) || f->known)
            host_event(h, HOST_EV_CONNECT, LOG_LV_NOTICE, &f->hit, "FA left alone for %llu s",
                       (unsigned long long)(pause / HOST_S));
    }
    host_link_drop(h, l, true);
    rest(h, l);
}

void host_fa_down(struct host *h, bool close)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++) {
        host_link_drop(h, &h->link[i], close);
        host_timer_stop(h, &h->link[i].timer);
    }
    host_timer_stop(h, &h->partner_timer);
}

/* Associated it was; begin again at once. */
void host_fa_again(struct host *h, struct host_link *l, const char *why, uint64_t in_us)
{
    const struct hit peer = l->peer;

    host_event(h, HOST_EV_LOST, LOG_LV_WARN, &peer, "FA: %s", why);
    if (l != h->main) {
        host_partner_failed(h, l, in_us);
        return;
    }
    host_link_drop(h, l, false);
    l->state = HOST_FA_BACKOFF;
    host_timer_set(h, &l->timer, h->now + in_us);
}

/* ---- going ---- */

/* A host with a SIM uses an FA to be bound, one without only where that is allowed. */
bool host_fa_wanted(const struct host *h)
{
    if (!h->started || h->stopping || !h->has_id || h->n_fa == 0)
        return false;
    if (h->sim->state == HOST_SIM_READY)
        return h->sim->sealed.bind != HOST_BIND_LOST;
    return h->sim->state == HOST_SIM_NONE && h->c.no_binding_ok;
}

void host_fa_kick(struct host *h)
{
    struct host_link *l = h->main;

    if (!host_fa_wanted(h) || (l->state != HOST_FA_IDLE && l->state != HOST_FA_BACKOFF))
        return;
    l->fa = choose(h, l);
    if (l->fa)
        host_link_go(h, l);
    else
        rest(h, l);
    host_partner_kick(h); /* one that is bound already need not wait for the first */
}

/* The FA's HIT out of its HIP record. false: a look-up is under way, or the name gave us up. */
static bool identified(struct host *h, struct host_link *l, struct host_fa *f)
{
    struct host_name *n;

    if (!hit_is_null(&f->hit) || f->name.len == 0 || f->looked)
        return true;
    n = host_name_get(h, &f->name);
    if (!n)
        return true;
    if (!host_name_hip(h, n)) {
        l->state = HOST_FA_LOOKUP;
        host_timer_set(h, &l->timer, h->now + LOOKUP_US);
        return false;
    }
    f->looked = true;
    if (n->hip.e == ERR_AUTH && n->hip.security != DNSU_INSECURE) {
        host_event(h, HOST_EV_ALARM, LOG_LV_WARN, NULL, "the FA's HIP record is not to be believed");
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
        return false;
    }
    if (!n->hip.e && n->n_record) {
        f->hit = n->record[0].hit;
        f->known = n->hip.security == DNSU_SECURE; /* section 4 */
    }
    if (!f->known && n->hip.e != ERR_NOT_FOUND)
        host_event(h, HOST_EV_CONNECT, LOG_LV_INFO, NULL,
                   "no signed HIP record tells who the FA is: the home network has to name it");
    return true;
}

/* Nothing to send an I1 to. */
static void nowhere(struct host *h, const struct host_fa *f, const struct host_name *n)
{
    char text[DNSU_NAME_TEXT_MAX];
    const char *why = "none of its addresses can be reached from here";

    if (n && n->addr.known && n->addr.e == ERR_AUTH)
        why = "its addresses are not to be believed";
    else if (n && n->hip.known && n->hip.e == ERR_NOT_FOUND)
        why = "there is no such name";
    else if (n && n->addr.known && n->addr.e == ERR_NOT_FOUND)
        why = "the name has no address that could be the FA's";
    else if (n && n->addr.known && n->addr.e)
        why = "the DNS does not answer";
    host_event(h, HOST_EV_CONNECT, LOG_LV_WARN, NULL, "no FA at %.200s%s: %s",
               f->name.len ? dnsu_name_text(&f->name, text) : "its addresses",
               f->home ? ", where the home network's would be" : "", why);
}

/* An I1 to ourselves would find somebody. */
static size_t not_ours(const struct host *h, struct addr *a, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        bool ours = false;
        for (size_t j = 0; j < h->n_addr; j++)
            ours |= addr_same_ip(&h->addr[j].addr, &a[i]);
        if (!ours)
            a[k++] = a[i];
    }
    return k;
}

static bool located(struct host *h, struct host_link *l, struct host_fa *f,
                    struct hip_path to[HOST_PATHS_MAX], size_t *n)
{
    struct addr a[2 * HOST_ADDRS_MAX];
    struct host_name *name;
    size_t k = f->n_addr;

    memcpy(a, f->addr, k * sizeof a[0]);
    if (f->name.len && k == 0) {
        name = host_name_get(h, &f->name);
        if (name && !host_name_addr(h, name)) {
            l->state = HOST_FA_LOOKUP;
            host_timer_set(h, &l->timer, h->now + LOOKUP_US);
            return false;
        }
        if (name && !name->addr.e) {
            k = name->n_addr;
            memcpy(a, name->a, k * sizeof a[0]);
        }
    }
    k = not_ours(h, a, k);
    *n = host_paths(h, a, k, f->udp_only, to);
    l->n_addr = k < HOST_ADDRS_MAX ? k : HOST_ADDRS_MAX;
    memcpy(l->addr, a, l->n_addr * sizeof a[0]);
    return true;
}

void host_link_go(struct host *h, struct host_link *l)
{
    struct host_fa *f = l->fa;
    struct hip_path to[HOST_PATHS_MAX];
    char text[ADDR_TEXT_MAX];
    size_t n;
    err e;

    if (h->n_addr == 0) { /* nobody to be asked nor met: host_fa_network() goes on */
        link_reset(l, HOST_FA_IDLE);
        host_timer_stop(h, &l->timer);
        return;
    }
    if (!identified(h, l, f) || !located(h, l, f, to, &n))
        return;
    if (n == 0) {
        f->unanswered = true; /* another network may have the family, or its DNS the name */
        nowhere(h, f, f->name.len && !f->n_addr ? host_name_find(h, &f->name) : NULL);
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
        return;
    }
    if (l != h->main &&
        !f->known) { /* section 4: nothing is told to an FA that is not known, and it is not believed */
        host_partner_refused(h, l);
        return;
    }
    l->opportunistic = hit_is_null(&f->hit);
    l->peer = f->hit;
    e = hip_connect(h->hip, &h->id, &f->hit, to, n, h->now, host_hip(h), &l->ref);
    if (e == ERR_EXISTS && !hip_drop(h->hip, l->ref, h->now, host_hip(h)))
        e = hip_connect(h->hip, &h->id, &f->hit, to, n, h->now, host_hip(h), &l->ref);
    if (e) {
        memset(&l->ref, 0, sizeof l->ref);
        host_event(h, HOST_EV_CONNECT, LOG_LV_WARN, &f->hit, "cannot begin with the FA: %s", err_text(e));
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
        return;
    }
    l->state = HOST_FA_CONNECTING;
    host_timer_stop(h, &l->timer);
    if (f->udp_only && h->c.nat != HOST_NAT_ALWAYS)
        host_timer_set(h, &l->timer, h->now + UDP_WAIT_US);
    host_event(h, HOST_EV_CONNECT, LOG_LV_INFO, &f->hit, "I1 to the FA at %s%s",
               addr_format(&to[0].peer, text), l->opportunistic ? ", HIT not known" : "");
}

void host_fa_name_ready(struct host *h, const struct host_name *n)
{
    for (size_t i = 0; i < HOST_LINKS_MAX; i++) {
        struct host_link *l = &h->link[i];
        if (l->state == HOST_FA_LOOKUP && l->fa && dnsu_name_eq(&l->fa->name, &n->name))
            host_link_go(h, l);
    }
}

/* The exchange began from an address that is gone. */
static void restart_if_lost(struct host *h, struct host_link *l)
{
    struct hip_assoc_view v;

    if (l->state != HOST_FA_CONNECTING || l->established || hip_assoc_get(h->hip, l->ref, &v))
        return;
    for (size_t i = 0; i < h->n_addr; i++)
        if (addr_same_ip(&h->addr[i].addr, &v.path.local))
            return;
    host_link_drop(h, l, false);
}

void host_fa_network(struct host *h)
{
    for (size_t i = 0; i < h->n_fa; i++)
        if (h->fa[i].unanswered) {
            h->fa[i].unanswered = false;
            h->fa[i].not_before_us = 0;
            h->fa[i].partner_at_us = 0;
        }
    for (size_t i = 0; i < HOST_LINKS_MAX; i++)
        restart_if_lost(h, &h->link[i]);
    host_fa_kick(h);
    host_partner_kick(h);
}

void host_fa_gone(struct host *h, struct host_link *l, const struct hip_action *a)
{
    bool served = l->state == HOST_FA_REGISTERED;

    memset(&l->ref, 0, sizeof l->ref);
    l->established = false;
    if (served) {
        host_fa_again(h, l, a->gone.why == HIP_GONE_CLOSED ? "association closed" : "association lost",
                      AGAIN_US);
        return;
    }
    if (l->fa) {
        l->fa->unanswered = a->gone.why == HIP_GONE_FAILED;
        l->fa->udp_only = false;
    }
    host_event(h, HOST_EV_CONNECT, LOG_LV_WARN, &a->peer, "FA: %s",
               a->gone.why == HIP_GONE_FAILED ? "no answer" : "association ended");
    host_fa_give_up(h, l, HOST_FA_RETRY, 0);
}

static void on_timer(struct host *h, struct host_timer *t)
{
    struct host_link *l = HOST_MEMBER(t, struct host_link, timer);

    switch (l->state) {
    case HOST_FA_REGISTERED:
        host_fa_stay(h, l);
        break;
    case HOST_FA_LOOKUP:
        host_event(h, HOST_EV_CONNECT, LOG_LV_WARN, NULL, "the DNS did not tell where the FA is");
        if (l->fa)
            l->fa->unanswered = true;
        host_fa_give_up(h, l, HOST_FA_RETRY, 0);
        break;
    case HOST_FA_CONNECTING: /* UDP does not get through here: back to where it answered */
        l->fa->udp_only = false;
        l->fa->no_udp_us = h->now + NO_UDP_US;
        host_link_drop(h, l, false);
        if (l == h->main)
            host_fa_kick(h);
        else
            host_partner_kick(h);
        break;
    default:
        if (l == h->main)
            host_fa_kick(h);
        break;
    }
}
