/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/decode.h"
#include "cli/hipvec/facts.h"
#include "cli/hipvec/judge_part.h"
#include "cli/hipvec/show.h"
#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/encrypted.h"
#include "hip/param_core.h"
#include "hip/puzzle.h"
#include "hip/suite.h"

const char *check_name(int check)
{
    static const char *const names[] = {
#define X(name, text) text,
        CHECK_LIST(X)
#undef X
    };
    return check < FAULT__COUNT ? fault_name((enum fault_kind)check) : names[check - CHECK__FAULTS - 1];
}

void say(struct verdict *v, int check, enum said said, const char *fmt, ...)
{
    va_list ap;
    if (v->n == FINDINGS_MAX)
        return;
    struct finding *f = &v->v[v->n++];
    f->check = check;
    f->said = said;
    va_start(ap, fmt);
    vsnprintf(f->why, sizeof f->why, fmt, ap);
    va_end(ap);
}

void good(struct verdict *v, int check)
{
    say(v, check, SAID_GOOD, "%s", "");
}

/* ---- keys ---- */

/* The i-th exchange of the key log; NULL past the end. */
static const struct log_assoc *logged(const struct judge *j, size_t i)
{
    return j->keys && j->keys->assoc && i < j->keys->assocs ? &j->keys->assoc[i] : NULL;
}

static bool of_pair(const struct log_assoc *a, const struct hit *x, const struct hit *y)
{
    return (hit_eq(&a->i, x) && hit_eq(&a->r, y)) || (hit_eq(&a->i, y) && hit_eq(&a->r, x));
}

static bool open_with(const struct log_assoc *a, const struct view *w, uint8_t out[HIP_PACKET_MAX],
                      struct span *inner)
{
    const struct log_key *k = &a->enc[keylog_side(&w->sender, &w->receiver)];
    struct span v = view_span(w, HIP_PAR_ENCRYPTED);
    struct hip_params p;
    uint16_t bad;
    if (!k->known && a->cipher != 1)
        return false;
    return hip_encrypted_open(v, a->cipher, log_key_span(k), out, HIP_PACKET_MAX, inner) == ERR_OK &&
           hip_inner_parse(*inner, &p, &bad) != HIP_DROP_PARAM_LENGTH && p.raw.n > 0;
}

/* The only parameter that hip/auth.h looks for, in a packet whose others may be anything. */
static struct hip_pkt with_one(const struct view *w, const struct view_par *p)
{
    struct hip_pkt k = { .raw = w->raw, .type = w->type, .sender = w->sender, .receiver = w->receiver };
    k.p.raw = w->raw;
    k.p.n = 1;
    k.p.par[0] = (struct hip_par){ .type = p->type, .off = (uint16_t)p->off, .v = p->v };
    return k;
}

static bool mac_fits(const struct judge *j, const struct view *w, const struct view_par *p,
                     const struct log_assoc *a, int side, size_t item, struct span *tail)
{
    struct hip_pkt k = with_one(w, p);
    enum hash_alg rhash = hip_rhash_of(&a->r);
    struct span key = log_key_span(&a->mac[side]);
    size_t at = 0;
    const struct fact *r1;
    *tail = span_of(NULL, 0);
    if (!a->mac[side].known || rhash == HASH_NONE)
        return false;
    if (p->type != HIP_PAR_HIP_MAC_2)
        return hip_mac_check(&k, p->type, rhash, key) == ERR_OK;
    while ((r1 = facts_next(j, &at, HIP_PKT_R1, &w->sender, &w->receiver, false, item))) {
        *tail = r1->host_id_tlv;
        if (tail->n && hip_mac2_check(&k, rhash, key, *tail) == ERR_OK)
            return true;
    }
    return false;
}

/* The exchange whose keys made this packet's HIP_MAC(_2); NULL: none fits. *tried: how many there were to try. */
static const struct log_assoc *assoc_of(const struct judge *j, const struct view *w, size_t item,
                                        size_t *tried, struct span *tail)
{
    const struct view_par *p = view_get(w, HIP_PAR_HIP_MAC);
    *tried = 0;
    if (!p)
        p = view_get(w, HIP_PAR_HIP_MAC_2);
    const struct log_assoc *a;
    for (size_t i = 0; p && (a = logged(j, i)); i++) {
        if (!of_pair(a, &w->sender, &w->receiver))
            continue;
        ++*tried;
        if (mac_fits(j, w, p, a, keylog_side(&w->sender, &w->receiver), item, tail))
            return a;
    }
    return NULL;
}

static void judge_mac(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    const struct view_par *p = view_get(w, HIP_PAR_HIP_MAC);
    int check = CHECK_MAC;
    size_t tried, at = 0;
    struct span tail;
    if (!p) {
        p = view_get(w, HIP_PAR_HIP_MAC_2);
        check = CHECK_MAC_2;
    }
    if (!p)
        return;
    if (check == CHECK_MAC_2 && !facts_next(j, &at, HIP_PKT_R1, &w->sender, &w->receiver, false, item)) {
        say(v, check, SAID_CANNOT_TELL, "the Responder's R1, whose HOST_ID it covers, is not here");
        return;
    }
    if (assoc_of(j, w, item, &tried, &tail))
        good(v, check);
    else if (tried)
        say(v, check, SAID_WRONG, "wrong under the keys of this pair (RFC 7401 s6.4.1; %zu in the key log)",
            tried);
    else
        say(v, check, SAID_CANNOT_TELL, "no key of this pair");
}

/* RVS_HMAC, RELAY_HMAC: a key of an association of the receiver's with its server, as the server uses it. */
static void judge_relay_mac(const struct judge *j, const struct view *w, uint16_t type, int check,
                            size_t item, struct verdict *v)
{
    const struct view_par *p = view_get(w, type);
    size_t tried = 0;
    struct span tail;
    if (!p)
        return;
    const struct log_assoc *a;
    for (size_t i = 0; (a = logged(j, i)); i++) {
        const struct hit *server = hit_eq(&a->i, &w->receiver) ? &a->r : &a->i;
        if (!(hit_eq(&a->i, &w->receiver) || hit_eq(&a->r, &w->receiver)) || hit_eq(server, &w->sender))
            continue;
        tried++;
        if (mac_fits(j, w, p, a, keylog_side(server, &w->receiver), item, &tail)) {
            good(v, check);
            return;
        }
    }
    if (tried)
        say(v, check, SAID_WRONG,
            "wrong under the keys of the receiver's %zu other associations (RFC 8004 s4.2.1)", tried);
    else
        say(v, check, SAID_CANNOT_TELL, "no key of the receiver's with a server");
}

static bool open_item(const struct judge *j, const struct view *w, size_t item, uint8_t out[HIP_PACKET_MAX],
                      struct span *inner, size_t *tried)
{
    struct span tail;
    const struct log_assoc *a = assoc_of(j, w, item, tried, &tail);
    if (a)
        return open_with(a, w, out, inner);
    for (size_t i = 0; (a = logged(j, i)); i++)
        if (of_pair(a, &w->sender, &w->receiver) && open_with(a, w, out, inner))
            return true;
    return false;
}

const struct log_assoc *judge_assoc(const struct judge *j, size_t i, struct span *tail)
{
    struct view w;
    size_t tried;
    *tail = span_of(NULL, 0);
    return j->it->v[i].kind == ITEM_HIP && view_packet(j->it->v[i].octets, &w)
               ? assoc_of(j, &w, i, &tried, tail)
               : NULL;
}

bool judge_open(struct judge *j, size_t i, uint8_t out[HIP_PACKET_MAX], struct span *inner)
{
    struct view w;
    size_t tried;
    return j->it->v[i].kind == ITEM_HIP && view_packet(j->it->v[i].octets, &w) &&
           view_get(&w, HIP_PAR_ENCRYPTED) && open_item(j, &w, i, out, inner, &tried);
}

static void judge_encrypted(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span inner;
    struct view in;
    struct hip_host_id h;
    struct hip_hi hi;
    size_t tried;
    if (!view_get(w, HIP_PAR_ENCRYPTED))
        return;
    if (!open_item(j, w, item, buf, &inner, &tried)) {
        say(v, CHECK_ENCRYPTED, tried ? SAID_WRONG : SAID_CANNOT_TELL, "%s",
            tried ? "not under the keys of this pair (RFC 7401 s5.2.18)" : "no key of this pair");
        return;
    }
    view_inner(inner, &in);
    if (w->type == HIP_PKT_I2 && hip_get_host_id(view_span(&in, HIP_PAR_HOST_ID), &h) == ERR_OK) {
        err e = hip_hi_from_wire(h.hi, &hi);
        bool fits = e == ERR_OK && hit_eq(&hi.hit, &w->sender);
        if (e == ERR_OK)
            hip_hi_done(&hi);
        say(v, CHECK_HIT,
            fits                   ? SAID_GOOD
            : e == ERR_UNSUPPORTED ? SAID_CANNOT_TELL
                                   : SAID_WRONG,
            "%s", fits ? "" : "the HOST_ID in ENCRYPTED does not hash to the sender's HIT (RFC 7401 s6.9)");
    }
    if (in.n_faults)
        say(v, CHECK_ENCRYPTED, SAID_WRONG, "inside: %s", in.fault[0].text);
    else
        good(v, CHECK_ENCRYPTED);
    sec_wipe(buf, sizeof buf);
}

/* ---- signatures ---- */

static void judge_signature(const struct judge *j, const struct view *w, uint16_t type, int check,
                            struct verdict *v)
{
    const struct view_par *p = view_get(w, type);
    const struct hip_hi *hi = judge_hi(j, &w->sender);
    if (!p)
        return;
    if (!hi || !hi->key) {
        say(v, check, SAID_CANNOT_TELL, "%s",
            hi ? "an algorithm that is not here" : "the sender's host identity is not known");
        return;
    }
    struct hip_pkt k = with_one(w, p);
    if (hip_sign_check(&k, type, hi) == ERR_OK)
        good(v, check);
    else
        say(v, check, SAID_WRONG, "does not verify under the sender's host identity (RFC 7401 s6.4.2)");
}

static void judge_host_id(const struct view *w, struct verdict *v)
{
    struct hip_host_id h;
    struct hip_hi hi;
    struct span s = view_span(w, HIP_PAR_HOST_ID);
    char text[HIT_TEXT_MAX];
    if (!s.p || hip_get_host_id(s, &h) != ERR_OK)
        return; /* a fault of its contents */
    err e = hip_hi_from_wire(h.hi, &hi);
    if (e == ERR_UNSUPPORTED)
        say(v, CHECK_HIT, SAID_CANNOT_TELL, "an algorithm that is not here");
    else if (e != ERR_OK)
        return;
    else if (hit_eq(&hi.hit, &w->sender))
        good(v, CHECK_HIT);
    else
        say(v, CHECK_HIT, SAID_WRONG, "the key hashes to %s (RFC 7343 s2)", hit_format(&hi.hit, text));
    if (e == ERR_OK)
        hip_hi_done(&hi);
}

/* ---- one packet ---- */

/* A NAT passes IP protocol 139 on with another address and the old checksum. That the sender is behind one shows where it speaks HIP in
 * UDP as well, as such a host does from its I1s on (RFC 9028 s4.4). */
static bool through_nat(const struct judge *j, const struct view *w)
{
    for (size_t i = 0; w->type == HIP_PKT_I1 && i < j->n; i++)
        if (hit_eq(&j->fact[i].from, &w->sender) && j->it->v[j->fact[i].item].udp)
            return true;
    return false;
}

static void judge_form(const struct judge *j, const struct item *x, struct view *w, bool whole,
                       struct verdict *v)
{
    char why[96];
    if (whole)
        for (size_t i = 0; i < w->n; i++)
            json_decref(decode_param(w, &w->par[i], decode_rhash(w)));
    for (int k = 0; k < FAULT__COUNT; k++)
        if (!view_has_fault(w, (enum fault_kind)k) && (whole || k == FAULT_HEADER))
            good(v, k);
    for (size_t i = 0; i < w->n_faults; i++)
        say(v, (int)w->fault[i].kind, SAID_WRONG, "%s", w->fault[i].text);
    if (!whole)
        return;
    enum dgram_sum sum = show_checksum(x, w, why);
    if (x->udp) {
        say(v, CHECK_SUM, w->checksum ? SAID_WRONG : SAID_GOOD, "%s", w->checksum ? why : "");
        judge_udp_sum(x, v);
        return;
    }
    static const enum said as[] = { SAID_CANNOT_TELL, SAID_GOOD, SAID_WRONG, SAID_CANNOT_TELL };
    if (sum == SUM_WRONG && through_nat(j, w)) {
        say(v, CHECK_SUM, SAID_CANNOT_TELL,
            "%s: the sender speaks UDP too, a NAT may have put in its address", why);
        return;
    }
    say(v, CHECK_SUM, as[sum], "%s", sum == SUM_NONE ? "no addresses" : why);
}

void judge_udp_sum(const struct item *x, struct verdict *v)
{
    if (!x->udp || !x->has_addr)
        return;
    static const struct {
        enum said said;
        const char *why;
    } as[] = { { SAID_CANNOT_TELL, "there is none: the field is zero" },
               { SAID_GOOD, "" },
               { SAID_WRONG, "wrong (RFC 768, RFC 8200 s8.1)" },
               { SAID_CANNOT_TELL, "left to the sender's network card (the pseudo-header's sum alone)" } };
    say(v, CHECK_UDP_SUM, as[x->udp_sum].said, "%s", as[x->udp_sum].why);
}

static void judge_hip(struct judge *j, size_t i, struct verdict *v)
{
    struct view w;
    const struct item *x = &j->it->v[i];
    bool whole = view_packet(x->octets, &w);
    judge_form(j, x, &w, whole, v);
    if (!whole || w.version != HIP_VERSION || view_has_fault(&w, FAULT_FILL))
        return;
    judge_host_id(&w, v);
    judge_exchange(j, &w, i, v);
    judge_signature(j, &w, HIP_PAR_HIP_SIGNATURE_2, CHECK_SIG_2, v);
    judge_signature(j, &w, HIP_PAR_HIP_SIGNATURE, CHECK_SIG, v);
    judge_mac(j, &w, i, v);
    judge_encrypted(j, &w, i, v);
    judge_relay_mac(j, &w, HIP_PAR_RVS_HMAC, CHECK_RVS_HMAC, i, v);
    judge_relay_mac(j, &w, HIP_PAR_RELAY_HMAC, CHECK_RELAY_HMAC, i, v);
}

void judge_item(struct judge *j, size_t i, struct verdict *out)
{
    const struct item *x = &j->it->v[i];
    out->n = 0;
    switch (x->kind) {
    case ITEM_BAD:
        say(out, CHECK_IP, SAID_WRONG, "%s", x->why);
        break;
    case ITEM_HIP:
        judge_hip(j, i, out);
        break;
    case ITEM_ESP:
        judge_udp_sum(x, out);
        judge_esp(j, i, out);
        break;
    }
}

struct judge *judge_new(const struct items *it, const struct keylog *keys)
{
    struct judge *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->it = it;
    j->keys = keys;
    if (facts_gather(j) != ERR_OK) {
        judge_free(j);
        return NULL;
    }
    return j;
}

void judge_free(struct judge *j)
{
    if (j)
        facts_done(j);
    free(j);
}
