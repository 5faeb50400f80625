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
static bool pseudonym_usable(const struct host *h, enum aka_id_req asked)
{
    const struct host_run *r = &h->run;

    if (asked == AKA_ID_PERMANENT)
        return false;
    return (r->open && r->shown_as == HOST_IDENT_PSEUDONYM) || h->sim->sealed.pseudonym[0];
}

static bool pseudonym_write(struct host *h, char out[NAI_TEXT_MAX])
{
    struct host_sealed *s = &h->sim->sealed;
    const char *realm = strchr(h->sim->nai, '@');
    size_t n = strlen(s->pseudonym);

    if (h->run.shown_as == HOST_IDENT_PSEUDONYM) { /* asked again, in this run */
        memcpy(out, h->run.shown, sizeof h->run.shown);
        return true;
    }
    if (!realm || n + strlen(realm) >= NAI_TEXT_MAX)
        return false;
    memcpy(out, s->pseudonym, n);
    memcpy(out + n, realm, strlen(realm) + 1);
    if (s->pseudonym_once) { /* RFC 9048 s5.2 MUST NOT: it came of a run with a SUCI */
        s->pseudonym[0] = '\0';
        s->pseudonym_once = false;
        host_sim_save(h);
    }
    return true;
}

/* To any FA, once in a run: who asks again has not been able to open it. */
static bool suci_usable(const struct host *h, enum aka_id_req asked)
{
    return h->sim->suci.profile && !(h->run.open && h->run.suci_shown);
}

static bool suci_write(struct host *h, char out[NAI_TEXT_MAX])
{
    const char *realm = strchr(h->sim->nai, '@');

    h->run.suci_shown = true;
    return realm &&
           suci_make(&h->sim->suci, h->sim->id.imsi, h->sim->id.mnc_len, realm + 1, h->env, out) == ERR_OK;
}

/* To a known FA; to another one only where the configuration says so (RFC 4187 s4.1.5, s4.1.6 MAY refuse). */
static bool imsi_usable(const struct host *h, enum aka_id_req asked)
{
    const struct host_fa *f = h->main->fa;

    return f && (f->known || h->c.reveal_imsi);
}

static bool imsi_write(struct host *h, char out[NAI_TEXT_MAX])
{
    memcpy(out, h->sim->nai, NAI_TEXT_MAX);
    return true;
}

static const struct line {
    enum host_identity kind;
    bool (*usable)(const struct host *h, enum aka_id_req asked);
    bool (*write)(struct host *h, char out[NAI_TEXT_MAX]);
    const char *what;
} lines[] = {
    { HOST_IDENT_PSEUDONYM, pseudonym_usable, pseudonym_write, "a pseudonym" },
    { HOST_IDENT_SUCI, suci_usable, suci_write, "a SUCI" },
    { HOST_IDENT_IMSI, imsi_usable, imsi_write, "the IMSI" },
};
#define N_LINES (sizeof lines / sizeof *lines)

bool host_identity_any(const struct host *h)
{
    if (h->c.login.identity) /* a method without the FA's name in it needs a known FA (section 4) */
        return h->main->fa && h->main->fa->known;
    for (size_t i = 0; i < N_LINES; i++)
        if (lines[i].usable(h, AKA_ID_EAP))
            return true;
    return false;
}

struct span host_identity_show(struct host *h, enum aka_id_req asked)
{
    struct host_run *r = &h->run;
    char text[NAI_TEXT_MAX];
    size_t i = 0;

    while (i < N_LINES && !(lines[i].usable(h, asked) && lines[i].write(h, text)))
        i++;
    if (i == N_LINES) {
        r->shown_as = HOST_IDENT_NONE;
        return span_of(NULL, 0);
    }
    if (r->shown_as != lines[i].kind)
        host_event(h, HOST_EV_BINDING, LOG_LV_INFO, &h->main->peer, "shows %s", lines[i].what);
    r->shown_as = lines[i].kind;
    memcpy(r->shown, text, sizeof text);
    return span_str(r->shown);
}

/* The card's own key counts before the configuration's. */
void host_identity_card(struct host *h)
{
    const struct usim_suci *card = &h->sim->id.suci;
    struct suci_home *to = &h->sim->suci;

    *to = h->c.suci;
    if (card->scheme == USIM_SUCI_NONE)
        return;
    *to = (struct suci_home){ .id = card->key_id };
    memcpy(to->rid, card->routing, sizeof to->rid);
    if (suci_home_set(to, card->scheme == USIM_SUCI_A ? SUCI_PROFILE_A : SUCI_PROFILE_B,
                      span_of(card->key, card->key_len))) {
        host_event(h, HOST_EV_SIM, LOG_LV_WARN, NULL, "the card's key for SUCIs is no key: no SUCI is shown");
        to->profile = 0;
    }
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
    struct span s = h->run.login ? span_of(NULL, 0) : aka_peer_pseudonym(h->run.eap);
    char *to = h->sim->sealed.pseudonym;

    if (h->run.login || aka_peer_method(h->run.eap) != EAP_TYPE_AKA_PRIME || !decent(s))
        return false;
    memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    h->sim->sealed.pseudonym_once = h->run.shown_as == HOST_IDENT_SUCI;
    return true;
}
