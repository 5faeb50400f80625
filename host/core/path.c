/* SPDX-License-Identifier: Apache-2.0
 *
 * Which way an association's packets go, and why: what `hipctl peers` shows. Nothing here changes anything.
 */
#include <stdio.h>

#include "host/core/host_priv.h"

enum host_path_kind host_path_kind(const struct host *h, struct hip_ref ref)
{
    struct hip_assoc_view v;

    if (hip_assoc_get(h->hip, ref, &v))
        return HOST_PATH_NONE;
    switch (v.checks) {
    case HIP_CHECKS_RUNNING:
        return HOST_PATH_CHECKING;
    case HIP_CHECKS_DIRECT:
        return HOST_PATH_DIRECT;
    case HIP_CHECKS_RELAYED:
        return HOST_PATH_RELAYED;
    case HIP_CHECKS_FAILED:
        return HOST_PATH_FAILED;
    default:
        return v.path.peer.port ? HOST_PATH_UDP : HOST_PATH_RAW;
    }
}

static bool relayed(const struct hip_pair_view *p)
{
    return p->local.kind == HIP_LOC_RELAYED || p->remote_kind == HIP_LOC_RELAYED;
}

struct tally {
    unsigned pairs, tried, answered, failed; /* of those without a relay */
    bool has_used;
    struct hip_pair_view used; /* nominated */
    uint64_t last_us;          /* when a direct pair was last heard of or given up */
};

static void count(const struct host *h, struct hip_ref ref, struct tally *t)
{
    struct hip_pair_view p;
    size_t pos = 0;

    while (hip_pair_next(h->hip, ref, &pos, &p)) {
        if (p.nominated) {
            t->has_used = true;
            t->used = p;
        }
        if (relayed(&p))
            continue;
        t->pairs++;
        t->tried += p.state != HIP_PAIR_WAITING || p.tries > 0;
        t->answered += p.state == HIP_PAIR_SUCCEEDED;
        t->failed += p.state == HIP_PAIR_FAILED;
        if (p.at_us > t->last_us)
            t->last_us = p.at_us;
    }
}

static unsigned ago_s(const struct host *h, uint64_t at_us)
{
    return at_us && h->now > at_us ? (unsigned)((h->now - at_us) / HOST_S) : 0;
}

static void why_relayed(const struct host *h, const struct tally *t, char why[HOST_WHY_MAX])
{
    if (t->pairs == 0)
        snprintf(why, HOST_WHY_MAX, "no direct pair of candidates there is");
    else if (t->answered)
        snprintf(why, HOST_WHY_MAX, "a direct pair answers again, not in use yet");
    else
        snprintf(why, HOST_WHY_MAX, "no direct pair answered: %u of %u tried, %u given up, the last %u s ago",
                 t->tried, t->pairs, t->failed, ago_s(h, t->last_us));
}

uint32_t host_path_why(const struct host *h, struct hip_ref ref, char why[HOST_WHY_MAX])
{
    char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
    struct tally t = { 0 };

    why[0] = 0;
    if (host_path_kind(h, ref) > HOST_PATH_UDP)
        count(h, ref, &t);
    switch (host_path_kind(h, ref)) {
    case HOST_PATH_RAW:
        snprintf(why, HOST_WHY_MAX, "IP protocol 139 was answered first: no NAT between");
        break;
    case HOST_PATH_UDP:
        snprintf(why, HOST_WHY_MAX, "its UDP port answers directly, no checks needed");
        break;
    case HOST_PATH_CHECKING:
        snprintf(why, HOST_WHY_MAX, "of %u direct pairs %u tried, %u answered", t.pairs, t.tried, t.answered);
        break;
    case HOST_PATH_DIRECT:
        if (t.has_used)
            snprintf(why, HOST_WHY_MAX, "check %s %s to %s %s answered %u s ago",
                     hip_locator_kind_name(t.used.local.kind), addr_format(&t.used.local.base, a),
                     hip_locator_kind_name(t.used.remote_kind), addr_format(&t.used.remote, b),
                     ago_s(h, t.used.at_us));
        else
            snprintf(why, HOST_WHY_MAX, "a check was answered; candidates have changed since");
        break;
    case HOST_PATH_RELAYED:
        why_relayed(h, &t, why);
        break;
    case HOST_PATH_FAILED:
        snprintf(why, HOST_WHY_MAX, "no pair answered, relayed ones included: %u direct ones tried", t.tried);
        break;
    case HOST_PATH_NONE:
        break;
    }
    return t.has_used ? t.used.rtt_us : 0;
}
