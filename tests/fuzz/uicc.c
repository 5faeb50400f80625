/* SPDX-License-Identifier: Apache-2.0
 *
 * A card that answers what it likes: each answer is a length octet and so many octets of the input, one after the other. The first octet: bit 0 T=1,
 * bit 1 no PIN at hand, bit 2 the length of the MNC configured.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/uicc_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p;
    size_t n;
    unsigned verifies;
    bool tries_seen;
};

static err transmit(void *ctx, struct span cmd, uint8_t *out, size_t cap, size_t *n)
{
    struct input *in = ctx;

    if (cmd.n < 5 || cmd.n > UICC_CMD_MAX)
        abort();
    if (cmd.p[1] == 0x20 && cmd.p[4]) { /* a PIN: only after the card said that two tries or more are left */
        if (!in->tries_seen)
            abort();
        in->verifies++;
    }
    in->tries_seen = false;
    if (in->n == 0)
        return ERR_IO;
    *n = in->p[0] + 2u;
    if (*n > cap || *n > in->n - 1)
        *n = in->n - 1 < cap ? in->n - 1 : cap;
    memcpy(out, in->p + 1, *n);
    if (cmd.p[1] == 0x20 && cmd.p[4] == 0 && *n >= 2)
        in->tries_seen = out[*n - 2] == 0x63 && out[*n - 1] >= 0xC2 && out[*n - 1] <= 0xCF;
    in->n -= *n + 1;
    in->p += *n + 1;
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t rand[AKA_RAND_LEN], autn[AKA_AUTN_LEN];
    uint8_t sres[AKA_SRES_LEN], kc[AKA_KC_LEN];
    struct usim_auth a;
    struct uicc_card c;

    if (size == 0)
        return 0;
    struct input in = { .p = data + 1, .n = size - 1 };
    const struct uicc_link l = { .transmit = transmit, .ctx = &in, .t1 = data[0] & 1 };
    enum uicc_result r = uicc_card_open(&c, &l);
    if (!r)
        r = uicc_card_pin(&c, data[0] & 2 ? NULL : "1234");
    if (!r)
        r = uicc_card_identity(&c, data[0] & 4 ? 2 : 0);
    if (uicc_result_text(r)[0] == '?')
        abort();
    if (!r && (!imsi_valid(c.id.imsi) || (c.id.mnc_len != 2 && c.id.mnc_len != 3)))
        abort();
    if (!r && c.id.suci.scheme && c.id.suci.key_len != (c.id.suci.scheme == USIM_SUCI_A ? 32 : 33))
        abort();
    if (in.verifies > 1)
        abort();
    uicc_card_auth(&c, rand, autn, &a);
    if (a.verdict == USIM_AUTHENTICATED && (a.res_len < AKA_RES_MIN || a.res_len > AKA_RES_MAX))
        abort();
    (void)uicc_card_gsm(&c, rand, sres, kc);
    return 0;
}
