/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/rekey.h"

#include "common/crypto/secret.h"

#include "hip/notify.h"
#include "hip/update.h"

enum hip_esp_info_kind hip_rekey_kind(const struct hip_assoc *a, const struct hip_esp_info *i)
{
    if (i->old_spi != a->spi_out)
        return HIP_ESP_BAD;
    if (i->new_spi == i->old_spi)
        return HIP_ESP_GRATUITOUS;
    return i->new_spi >= 256 ? HIP_ESP_REKEY : HIP_ESP_BAD; /* 0 would leave us without the only SA pair */
}

/* The keys from this index on; KEYMAT moves forward only when all of it worked. */
static int draw(struct hip_assoc *a, uint16_t index)
{
    if (hip_keymat_seek(a->keys.keymat, index) != ERR_OK) /* RFC 7402 s6.9: at least the next unused octet */
        return HIP_DROP_BAD_ESP_INFO;
    if (hip_keymat_esp_keys(a->keys.keymat, a->esp_suite, hip_assoc_local(a), &a->peer,
                            &a->keys.secrets->esp_next) != ERR_OK)
        return HIP_DROP_BAD_ESP_INFO;
    return HIP_TAKEN;
}

int hip_rekey_answer(struct hip_rx *rx, const struct hip_esp_info *i)
{
    struct hip_engine *e = rx->e;
    struct hip_assoc *a = rx->a;
    if (a->rekeying)
        return HIP_DROP_WRONG_STATE;
    if (hip_pkt_has(&rx->pkt, HIP_PAR_DIFFIE_HELLMAN)) {
        err r = hip_notify_send(e, a, HIP_NTF_NO_DH_PROPOSAL_CHOSEN, span_of(NULL, 0), rx->out);
        return r == ERR_OK ? HIP_DROP_BAD_DH : HIP_DROP_INTERNAL;
    }
    int drop = draw(a, i->keymat_index);
    if (drop != HIP_TAKEN)
        return drop;
    if (hip_assoc_new_spi(e, a, &a->spi_in_next) != ERR_OK)
        return HIP_DROP_INTERNAL;
    struct hip_esp_info own = { .keymat_index = i->keymat_index,
                                .old_spi = a->spi_in,
                                .new_spi = a->spi_in_next };
    struct hip_update_parts u = { .kind = HIP_UPD_REKEY, .esp = &own };
    if (hip_update_send(e, a, &u, rx->now, rx->out, NULL) != ERR_OK) {
        hip_assoc_release_spi(e, a->spi_in_next);
        return HIP_DROP_INTERNAL;
    }
    a->rekeying = true;
    a->spi_out_next = i->new_spi;
    return HIP_TAKEN;
}

void hip_rekey_finish(struct hip_rx *rx)
{
    struct hip_assoc *a = rx->a;
    if (!a->rekeying)
        return;
    a->rekeying = false;
    hip_assoc_release_spi(rx->e, a->spi_in);
    a->spi_in = a->spi_in_next;
    a->spi_out = a->spi_out_next;
    a->keys.secrets->esp = a->keys.secrets->esp_next;
    sec_wipe(&a->keys.secrets->esp_next, sizeof a->keys.secrets->esp_next);
    hip_act_sas(rx->e, rx->out, a);
}
