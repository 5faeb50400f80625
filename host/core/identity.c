/* SPDX-License-Identifier: Apache-2.0
 *
 * Which identity the mobile node shows to whom (docs/sim-binding.md section 4): the first usable line of a table, at the beginning of a run and
 * at each identity request. Pseudonyms: when one is taken, and when it may be used.
 */
#include <string.h>

#include "aka/nai.h"
#include "host/core/host_priv.h"

/* ---- the lines ---- */

/* To any FA. The home network gave it to us in an earlier run, the newest one counts (RFC 4187 s4.1.1.9 SHOULD); one that it does not know any more is
 * not shown to it again. */
static bool pseudonym(const struct host *h, enum aka_id_req asked, char out[NAI_TEXT_MAX])
{
    const struct host_run *r = &h->run;
    const char *user = h->sim->sealed.pseudonym, *realm = strchr(h->sim->nai, '@');
    size_t n = strlen(user);

    if (asked == AKA_ID_PERMANENT)
        return false;
    if (r->open && r->shown_as == HOST_IDENT_PSEUDONYM) { /* asked again, in this run */
        memcpy(out, r->shown, sizeof r->shown);
        return true;
    }
    if (n == 0 || !realm || n + strlen(realm) >= NAI_TEXT_MAX)
        return false;
    memcpy(out, user, n);
    memcpy(out + n, realm, strlen(realm) + 1);
    return true;
}

/* To a known FA; to another one only where the configuration says so (RFC 4187 s4.1.5, s4.1.6 MAY refuse). */
static bool imsi(const struct host *h, enum aka_id_req asked, char out[NAI_TEXT_MAX])
{
    const struct host_fa *f = h->main->fa;

    if (!f || !(f->known || h->c.reveal_imsi))
        return false;
    memcpy(out, h->sim->nai, NAI_TEXT_MAX);
    return true;
}

static const struct line {
    enum host_identity kind;
    bool (*usable)(const struct host *h, enum aka_id_req asked, char out[NAI_TEXT_MAX]);
    const char *what;
} lines[] = {
    { HOST_IDENT_PSEUDONYM, pseudonym, "a pseudonym" },
    { HOST_IDENT_IMSI, imsi, "the IMSI" },
};

static const struct line *choose(const struct host *h, enum aka_id_req asked, char out[NAI_TEXT_MAX])
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].usable(h, asked, out))
            return &lines[i];
    return NULL;
}

bool host_identity_any(const struct host *h)
{
    char text[NAI_TEXT_MAX];

    return choose(h, AKA_ID_EAP, text) != NULL;
}

struct span host_identity_show(struct host *h, enum aka_id_req asked)
{
    struct host_run *r = &h->run;
    char text[NAI_TEXT_MAX];
    const struct line *l = choose(h, asked, text);

    if (!l) {
        r->shown_as = HOST_IDENT_NONE;
        return span_of(NULL, 0);
    }
    if (r->shown_as != l->kind)
        host_event(h, HOST_EV_BINDING, LOG_LV_INFO, &h->main->peer, "shows %s", l->what);
    r->shown_as = l->kind;
    memcpy(r->shown, text, sizeof text);
    return span_str(r->shown);
}

/* ---- pseudonyms ---- */

/* Letters, digits and the like: nothing that could make another identity or realm of it. */
static bool decent(struct span s)
{
    if (s.n == 0 || s.n > HOST_PSEUDONYM_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '@' || s.p[i] == '!' || s.p[i] == '%')
            return false;
    return true;
}

bool host_identity_learn(struct host *h)
{
    struct span s = aka_peer_pseudonym(h->run.eap);
    char *to = h->sim->sealed.pseudonym;

    if (aka_peer_method(h->run.eap) != EAP_TYPE_AKA_PRIME || !decent(s))
        return false;
    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return true;
}
