/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/usim_card.h"

#include <string.h>

#include "common/crypto/secret.h"

void usim_card_authenticate(struct usim_card *u, const uint8_t rand[AKA_RAND_LEN],
                            const uint8_t autn[AKA_AUTN_LEN], struct usim_auth *out)
{
    uint64_t sqn = 0;
    *out = (struct usim_auth){ .verdict = USIM_UNUSABLE };
    struct aka_vector *v = sec_alloc(sizeof *v);
    if (!v)
        return;
    err e = aka_autn_open(&u->cred, rand, autn, &sqn, v);
    if (e == ERR_AUTH)
        out->verdict = USIM_MAC_FAILURE;
    if (e != ERR_OK)
        goto out;
    if (sqn_usim_check(&u->sqn, sqn) != ERR_OK) {
        if (aka_auts_make(&u->cred, rand, sqn_usim_highest(&u->sqn), out->auts) == ERR_OK)
            out->verdict = USIM_SYNC_FAILURE;
        goto out;
    }
    sqn_usim_accept(&u->sqn, sqn);
    memcpy(out->res, v->res, sizeof out->res);
    out->res_len = v->res_len;
    memcpy(out->ck, v->ck, sizeof out->ck);
    memcpy(out->ik, v->ik, sizeof out->ik);
    out->verdict = USIM_AUTHENTICATED;
out:
    sec_free(v);
}

err usim_card_gsm(const struct usim_card *u, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
                  uint8_t kc[AKA_KC_LEN])
{
    return aka_gsm(&u->cred, rand, sres, kc);
}
