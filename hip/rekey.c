/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/rekey.h"

#include <stdlib.h>

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

int hip_rekey_check(const struct hip_rx *rx, const struct hip_esp_info *i)
{
    const struct hip_assoc *a = rx->a;
    switch (hip_rekey_kind(a, i)) {
    case HIP_ESP_GRATUITOUS:
    case HIP_ESP_DEPRECATED:
        return HIP_TAKEN;
    case HIP_ESP_BAD:
        return HIP_DROP_BAD_ESP_INFO;
    case HIP_ESP_REKEY:
        break;
    }
    if (a->rekeying && a->rekey_theirs && i->old_spi != a->spi_out_next)
        return HIP_DROP_WRONG_STATE; /* the one that it began is not complete */
    if (hip_pkt_has(&rx->pkt, HIP_PAR_DIFFIE_HELLMAN)) {
        err r = hip_notify_send(rx->e, a, HIP_NTF_NO_DH_PROPOSAL_CHOSEN, span_of(NULL, 0), rx->out);
        return r == ERR_OK ? HIP_DROP_BAD_DH : HIP_DROP_INTERNAL;
    }
    size_t index = a->rekeying && i->keymat_index < a->rekey_index ? a->rekey_index : i->keymat_index;
    /* RFC 7402 s6.9: at least the next unused octet, and there must be enough behind it. */
    if (i->keymat_index < hip_keymat_index(a->keys.keymat) || index + need(a) > HIP_KEYMAT_LEN)
        return HIP_DROP_BAD_ESP_INFO;
    return HIP_TAKEN;
}

/* Our half. */
static err begin(struct hip_engine *e, struct hip_assoc *a, uint16_t index, uint64_t now,
                 struct hip_actions *out)
{
    uint32_t spi;
    err r = hip_assoc_new_spi(e, a, &spi);
    if (r != ERR_OK)
        return r;
    struct hip_esp_info own = { .keymat_index = index, .old_spi = a->spi_in, .new_spi = spi };
    struct hip_update_parts u = { .kind = HIP_UPD_REKEY, .esp = &own };
    r = hip_update_send(e, a, &u, now, out, NULL);
    if (r != ERR_OK) {
        hip_assoc_release_spi(e, spi);
        return r;
    }
    a->spi_in_next = spi;
    a->rekey_index = index;
    a->rekeying = true;
    a->rekey_acked = a->rekey_theirs = false;
    a->rekey_until_us = now + hip_retry_total(e);
    return ERR_OK;
}

static void finish(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out)
{
    hip_update_cancel(e, a, HIP_UPD_REKEY);
    uint32_t was = a->spi_in;
    hip_assoc_release_spi(e, was);
    a->rekeying = a->rekey_acked = a->rekey_theirs = false;
    a->spi_out_was = a->spi_out;
    a->spi_in = a->spi_in_next;
    a->spi_out = a->spi_out_next;
    a->keys.secrets->esp = a->keys.secrets->esp_next;
    sec_wipe(&a->keys.secrets->esp_next, sizeof a->keys.secrets->esp_next);
    hip_act_sas(e, out, a);
    hip_mobility_rekeyed(e, a, was, now, out);
    /* A LOCATOR_SET on its way names the SPI that is gone. */
    if (hip_update_cancel(e, a, HIP_UPD_MOVE) && hip_move_announce(e, a, now, out) != ERR_OK)
        e->counters[HIP_DROP_INTERNAL]++;
}

int hip_rekey_take(struct hip_rx *rx, const struct hip_esp_info *i)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    if (a->rekeying && a->rekey_theirs) /* it goes on from the SPI of our last answer: it has had it */
        finish(e, a, rx->now, rx->out);
    if (!a->rekeying && begin(e, a, i->keymat_index, rx->now, rx->out) != ERR_OK)
        return HIP_DROP_INTERNAL;
    if (i->keymat_index > a->rekey_index)
        a->rekey_index = i->keymat_index;
    a->rekey_theirs = true;
    a->spi_out_next = i->new_spi;
    if (hip_keymat_seek(a->keys.keymat, a->rekey_index) != ERR_OK ||
        hip_keymat_esp_keys(a->keys.keymat, a->esp_suite, hip_assoc_local(a), &a->peer,
                            &a->keys.secrets->esp_next) != ERR_OK)
        abort(); /* hip_rekey_check() saw that they are there */
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
    a->rekey_acked = true;
    if (a->rekey_theirs)
        finish(rx->e, a, rx->now, rx->out);
}

err hip_rekey(struct hip_engine *e, struct hip_ref ref, uint64_t now, struct hip_actions *out)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (!a)
        return ERR_NOT_FOUND;
    if (a->state != HIP_R2_SENT && a->state != HIP_ESTABLISHED)
        return ERR_STATE;
    if (a->rekeying && (!a->rekey_acked || a->rekey_theirs || now < a->rekey_until_us))
        return ERR_EXISTS;
    size_t index = hip_keymat_index(a->keys.keymat);
    if (index + need(a) > HIP_KEYMAT_LEN)
        return ERR_FULL;
    if (a->rekeying) { /* acknowledged and never answered: not kept for ever (s6.8) */
        hip_assoc_release_spi(e, a->spi_in_next);
        a->rekeying = false;
    }
    return begin(e, a, (uint16_t)index, now, out);
}
