/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/rekey.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/mobility.h"
#include "hip/notify.h"
#include "hip/suite.h"
#include "hip/update.h"

static bool exists(const struct hip_assoc *a, uint32_t spi)
{
    return spi == a->spi_out || (a->spi_out_was && spi == a->spi_out_was) ||
           (a->rekeying && a->rekey_theirs && spi == a->spi_out_next);
}

enum hip_esp_info_kind hip_rekey_kind(const struct hip_assoc *a, const struct hip_esp_info *i)
{
    bool current =
        i->old_spi == a->spi_out || (a->rekeying && a->rekey_theirs && i->old_spi == a->spi_out_next);
    if (i->new_spi == i->old_spi)
        return exists(a, i->old_spi) ? HIP_ESP_GRATUITOUS : HIP_ESP_BAD;
    if (i->new_spi == 0)
        return current ? HIP_ESP_DEPRECATED : HIP_ESP_BAD;
    return current && i->new_spi >= 256 ? HIP_ESP_REKEY : HIP_ESP_BAD;
}

/* Octets of KEYMAT that a pair of SAs takes. */
static size_t need(const struct hip_assoc *a)
{
    const struct hip_esp_suite *s = hip_esp_suite(a->esp_suite);
    return s ? 2 * ((size_t)s->enc_len + s->auth_len) : HIP_KEYMAT_LEN + 1;
}

/* The rekey under way wants nothing but our ACK: whoever goes on from its SPI has seen our half. */
static bool nearly_done(const struct hip_assoc *a)
{
    return a->rekeying && a->rekey_theirs;
}

static struct hip_keymat *keymat_of(const struct hip_assoc *a)
{
    return nearly_done(a) && a->keymat_next ? a->keymat_next : a->keys.keymat;
}

/* DIFFIE_HELLMAN of the peer's half, if it has one. */
static int read_dh(const struct hip_rx *rx, struct hip_rekey_half *h)
{
    struct hip_dh dh;
    if (!hip_pkt_has(&rx->pkt, HIP_PAR_DIFFIE_HELLMAN))
        return HIP_TAKEN;
    if (hip_get_dh(hip_pkt_span(&rx->pkt, HIP_PAR_DIFFIE_HELLMAN), &dh) != ERR_OK)
        return HIP_DROP_PARAM_MALFORMED;
    if (dh.group != rx->a->dh_group) { /* RFC 7402 s3.3.2 MUST: the same group */
        hip_notify_tell(rx, HIP_NTF_INVALID_DH_CHOSEN, span_of(NULL, 0));
        return HIP_DROP_BAD_DH;
    }
    if (h->esp.keymat_index != 0) /* RFC 7402 s6.9 step 1 MUST */
        return HIP_DROP_BAD_ESP_INFO;
    return hip_stored_set(&h->peer_dh, dh.pub) == ERR_OK ? HIP_TAKEN : HIP_DROP_INTERNAL;
}

/* The KEYMAT of a new value on either side. */
static int renew(const struct hip_rx *rx, struct dh_key *ours, struct hip_rekey_half *h)
{
    const struct hip_assoc *a = rx->a;
    const struct hip_stored *before =
        nearly_done(a) && a->peer_dh_next.p ? &a->peer_dh_next : &a->keys.peer_dh;
    struct hip_keyset_args g = { .rhash = a->rhash,
                                 .dh = ours,
                                 .peer_dh = hip_stored_span(h->peer_dh.p ? &h->peer_dh : before),
                                 .own = hip_assoc_local(a),
                                 .peer = &a->peer };
    err r = hip_keyset_renewed(&a->keys, &g, &h->keymat);
    return r == ERR_OK ? HIP_TAKEN : r == ERR_RANGE ? HIP_DROP_BAD_DH : HIP_DROP_INTERNAL;
}

/* Our half is out: what it says cannot change any more. */
static int check_answer(const struct hip_rx *rx, struct hip_rekey_half *h)
{
    const struct hip_assoc *a = rx->a;
    if (a->dh_next || h->peer_dh.p)
        return renew(rx, a->dh_next ? a->dh_next : a->keys.dh, h);
    size_t index = h->esp.keymat_index < a->rekey_index ? a->rekey_index : h->esp.keymat_index;
    /* RFC 7402 s6.9.1 step 2 MUST: at least the next unused octet. */
    if (h->esp.keymat_index < hip_keymat_index(a->keys.keymat) || index + need(a) > HIP_KEYMAT_LEN)
        return HIP_DROP_BAD_ESP_INFO;
    return HIP_TAKEN;
}

/* The peer begins: our half will be the answer. RFC 7402 s4.1.3: to a new value with one of ours. */
static int check_request(const struct hip_rx *rx, struct hip_rekey_half *h)
{
    const struct hip_assoc *a = rx->a;
    if (!h->peer_dh.p && h->esp.keymat_index < hip_keymat_index(keymat_of(a)))
        return HIP_DROP_BAD_ESP_INFO;
    if (!h->peer_dh.p && h->esp.keymat_index + need(a) <= HIP_KEYMAT_LEN)
        return HIP_TAKEN;
    h->own = dh_generate(hip_dh_suite(a->dh_group)->group, hip_env(rx->e));
    return h->own ? renew(rx, h->own, h) : HIP_DROP_INTERNAL;
}

int hip_rekey_check(const struct hip_rx *rx, const struct hip_esp_info *i, struct hip_rekey_half *h)
{
    const struct hip_assoc *a = rx->a;
    h->esp = *i;
    h->kind = hip_rekey_kind(a, i);
    if (h->kind != HIP_ESP_REKEY)
        return h->kind == HIP_ESP_BAD ? HIP_DROP_BAD_ESP_INFO : HIP_TAKEN;
    if (nearly_done(a) && i->old_spi != a->spi_out_next)
        return HIP_DROP_WRONG_STATE; /* the one that it began is not complete */
    int drop = read_dh(rx, h);
    if (drop != HIP_TAKEN)
        return drop;
    return a->rekeying && !nearly_done(a) ? check_answer(rx, h) : check_request(rx, h);
}

void hip_rekey_half_done(struct hip_rekey_half *h)
{
    hip_stored_clear(&h->peer_dh);
    dh_free(h->own);
    h->own = NULL;
    hip_keymat_free(h->keymat);
    h->keymat = NULL;
}

/* Our half; *own, the new value in it, is taken over when it is out. */
static err begin(struct hip_engine *e, struct hip_assoc *a, uint16_t index, struct dh_key **own, uint64_t now,
                 struct hip_actions *out)
{
    uint32_t spi;
    err r = hip_assoc_new_spi(e, a, &spi);
    if (r != ERR_OK)
        return r;
    struct hip_esp_info esp = { .keymat_index = *own ? 0 : index, .old_spi = a->spi_in, .new_spi = spi };
    struct hip_dh dh = { .group = a->dh_group };
    struct hip_update_parts u = { .kind = HIP_UPD_REKEY, .esp = &esp };
    if (*own) {
        dh.pub = dh_public(*own);
        u.dh = &dh;
    }
    r = hip_update_send(e, a, &u, now, out, NULL);
    if (r != ERR_OK) {
        hip_assoc_release_spi(e, spi);
        return r;
    }
    a->spi_in_next = spi;
    a->rekey_index = esp.keymat_index;
    a->rekeying = true;
    a->rekey_acked = a->rekey_theirs = false;
    a->rekey_until_us = now + hip_retry_total(e);
    a->dh_next = *own;
    *own = NULL;
    return ERR_OK;
}

/* The values and the KEYMAT of this rekey are the association's from now on. */
static void settle_keys(struct hip_assoc *a)
{
    struct hip_keyset *k = &a->keys;
    if (a->keymat_next) {
        hip_keymat_free(k->keymat);
        k->keymat = a->keymat_next;
        a->keymat_next = NULL;
    }
    if (a->dh_next) {
        dh_free(k->dh);
        k->dh = a->dh_next;
        a->dh_next = NULL;
    }
    if (a->peer_dh_next.p) {
        hip_stored_clear(&k->peer_dh);
        k->peer_dh = a->peer_dh_next;
        a->peer_dh_next = (struct hip_stored){ 0 };
    }
    k->secrets->esp = k->secrets->esp_next;
    sec_wipe(&k->secrets->esp_next, sizeof k->secrets->esp_next);
}

static void finish(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    hip_update_cancel(e, a, HIP_UPD_REKEY);
    uint32_t was = a->spi_in;
    hip_assoc_release_spi(e, was);
    a->spi_out_was = a->spi_out;
    a->spi_in = a->spi_in_next;
    a->spi_out = a->spi_out_next;
    settle_keys(a);
    hip_assoc_rekey_forget(a);
    hip_act_sas(e, out, a);
    hip_mobility_rekeyed(e, a, was, now, out);
    /* A LOCATOR_SET on its way names the SPI that is gone. */
    if (hip_update_cancel(e, a, HIP_UPD_MOVE) && hip_move_announce(e, a, now, out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
}

/* Both halves are here (RFC 7402 s6.10 steps 1 to 3); hip_rekey_check() saw that the octets are there. */
static void draw_keys(struct hip_assoc *a, struct hip_rekey_half *h)
{
    struct hip_keymat *k = a->keys.keymat;
    if (h->keymat) {
        k = a->keymat_next = h->keymat;
        h->keymat = NULL;
    } else {
        if (h->esp.keymat_index > a->rekey_index)
            a->rekey_index = h->esp.keymat_index;
        if (hip_keymat_seek(k, a->rekey_index) != ERR_OK)
            abort();
    }
    if (hip_keymat_esp_keys(k, a->esp_suite, hip_assoc_local(a), &a->peer, &a->keys.secrets->esp_next) !=
        ERR_OK)
        abort();
}

int hip_rekey_take(struct hip_rx *rx, struct hip_rekey_half *h)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    if (nearly_done(a)) /* it goes on from the SPI of our last answer: it has had it */
        finish(e, a, rx->now, rx->out);
    if (!a->rekeying && begin(e, a, h->esp.keymat_index, &h->own, rx->now, rx->out) != ERR_OK)
        return HIP_DROP_INTERNAL;
    a->rekey_theirs = true;
    a->spi_out_next = h->esp.new_spi;
    a->peer_dh_next = h->peer_dh;
    h->peer_dh = (struct hip_stored){ 0 };
    draw_keys(a, h);
    if (a->rekey_acked)
        finish(e, a, rx->now, rx->out);
    else
        hip_act_sa_in(e, rx->out, a);
    return HIP_TAKEN;
}

void hip_rekey_acked(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    if (!a->rekeying)
        return;
    a->rekey_acked = true; /* RFC 7402 s6.10 MUST: this, and the peer's half */
    if (a->rekey_theirs)
        finish(rx->e, a, rx->now, rx->out);
}

void hip_sa_rekeyed(struct hip_engine *e, struct hip_ref ref, uint32_t spi, uint64_t now,
                    struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (a && nearly_done(a) && spi == a->spi_in_next && hip_act_room(out))
        finish(e, a, now, out);
}

err hip_rekey(struct hip_engine *e, struct hip_ref ref, bool with_dh, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    struct dh_key *own = NULL;
    if (!a)
        return ERR_NOT_FOUND;
    if (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED)
        return ERR_STATE;
    /* RFC 7402 s6.8 step 2: no other one while one is outstanding. */
    if (a->rekeying && (!a->rekey_acked || a->rekey_theirs || now < a->rekey_until_us))
        return ERR_EXISTS;
    size_t index = hip_keymat_index(a->keys.keymat);
    if (with_dh || index + need(a) > HIP_KEYMAT_LEN) { /* RFC 7402 s5.1.1 MUST: KEYMAT is used up */
        own = dh_generate(hip_dh_suite(a->dh_group)->group, hip_env(e));
        if (!own)
            return ERR_CRYPTO;
    }
    if (a->rekeying) { /* RFC 7402 s6.8 MUST NOT: acknowledged and never answered, not kept for ever */
        hip_assoc_release_spi(e, a->spi_in_next);
        hip_assoc_rekey_forget(a);
    }
    err r = begin(e, a, (uint16_t)index, &own, now, out);
    dh_free(own);
    return r;
}
