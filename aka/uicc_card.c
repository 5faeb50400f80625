/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/uicc_card.h"

#include <string.h>

#include "common/crypto/secret.h"

#define ROUNDS_MAX  8  /* exchanges that one command may take: 6C xx, 61 xx and what follows */
#define RECORDS_MAX 16 /* of EF_DIR */
#define CHUNK       255

const char *uicc_result_text(enum uicc_result r)
{
    static const char *const text[] = {
#define X(name, text) text,
        UICC_RESULT_LIST(X)
#undef X
    };
    return (size_t)r < sizeof text / sizeof text[0] ? text[r] : "?";
}

/* ---- one command ---- */

static enum uicc_result take(struct uicc_card *c, struct span octets)
{
    struct uicc_answer a;

    if (uicc_answer_parse(octets, &a) || a.data.n > sizeof c->data - c->n)
        return UICC_BAD;
    if (a.data.n)
        memcpy(c->data + c->n, a.data.p, a.data.n);
    c->n += a.data.n;
    c->sw = a.sw;
    return UICC_OK;
}

/* c->cmd; its answer is in c->data and c->sw. rounds: exchanges that it may take. */
static enum uicc_result ask_in(struct uicc_card *c, unsigned rounds)
{
    uint8_t out[UICC_ANSWER_MAX];
    enum uicc_result r = UICC_BAD;

    c->n = 0;
    for (unsigned i = 0; i < rounds; i++) {
        size_t n = 0;
        r = UICC_GONE;
        if (c->link.transmit(c->link.ctx, span_of(c->cmd.b, c->cmd.n), out, sizeof out, &n) || n > sizeof out)
            break;
        r = take(c, span_of(out, n));
        if (r)
            break;
        if (c->sw >> 8 == UICC_SW_LENGTH)
            uicc_with_le(&c->cmd, (uint8_t)c->sw);
        else if (c->sw >> 8 == UICC_SW_MORE)
            uicc_get_response(&c->cmd, (uint8_t)c->sw);
        else
            goto out;
        r = UICC_BAD;
    }
out:
    sec_wipe(out, sizeof out);
    sec_wipe(&c->cmd, sizeof c->cmd);
    return r;
}

static enum uicc_result ask(struct uicc_card *c)
{
    return ask_in(c, ROUNDS_MAX);
}

static struct span data(const struct uicc_card *c)
{
    return span_of(c->data, c->n);
}

/* ---- files ---- */

static enum uicc_result opened(struct uicc_card *c, struct uicc_fcp *out)
{
    enum uicc_result r = ask(c);

    if (r)
        return r;
    if (c->sw != UICC_SW_OK)
        return UICC_REFUSED;
    return uicc_fcp_parse(data(c), out) ? UICC_BAD : UICC_OK;
}

static enum uicc_result choose(struct uicc_card *c, enum uicc_fid fid, struct uicc_fcp *out)
{
    uicc_select(&c->cmd, fid, c->link.t1);
    return opened(c, out);
}

static enum uicc_result choose_usim(struct uicc_card *c, struct uicc_fcp *out)
{
    uicc_select_aid(&c->cmd, span_of(c->aid, c->aid_len), c->link.t1);
    return opened(c, out);
}

/* A transparent file of the chosen folder into c->data; what is beyond UICC_FILE_MAX is left. */
static enum uicc_result read_file(struct uicc_card *c, enum uicc_fid fid)
{
    uint8_t file[UICC_FILE_MAX];
    struct uicc_fcp fcp;
    size_t have = 0, size;
    enum uicc_result r = choose(c, fid, &fcp);

    if (r)
        return r;
    size = fcp.size < sizeof file ? fcp.size : sizeof file;
    do {
        size_t left = size - have; /* a file of a size that was not said: what one command brings */
        uicc_read_binary(&c->cmd, (uint16_t)have, (uint8_t)(size == 0 ? 0 : left < CHUNK ? left : CHUNK));
        r = ask(c);
        if (r)
            return r;
        if (c->sw != UICC_SW_OK)
            return UICC_REFUSED;
        if (c->n == 0 || c->n > sizeof file - have)
            return UICC_BAD;
        memcpy(file + have, c->data, c->n);
        have += c->n;
    } while (have < size);
    memcpy(c->data, file, have);
    c->n = have;
    return UICC_OK;
}

/* ---- finding it ---- */

static enum uicc_result read_dir(struct uicc_card *c)
{
    struct uicc_fcp fcp;
    enum uicc_result r = choose(c, UICC_EF_DIR, &fcp);

    for (unsigned i = 1; !r && i <= fcp.records && i <= RECORDS_MAX; i++) {
        uicc_read_record(&c->cmd, (uint8_t)i, fcp.record_len);
        r = ask(c);
        if (r || c->sw != UICC_SW_OK)
            break;
        if (uicc_dir_usim(data(c), c->aid, &c->aid_len) == ERR_OK)
            return UICC_OK;
    }
    return r == UICC_GONE ? r : UICC_NO_USIM;
}

enum uicc_result uicc_card_open(struct uicc_card *c, const struct uicc_link *link)
{
    struct uicc_fcp fcp;
    enum uicc_result r;

    sec_wipe(c, sizeof *c);
    c->link = *link;
    c->tries = UICC_TRIES_UNKNOWN;
    r = choose(c, UICC_MF, &fcp);
    if (r)
        return r == UICC_REFUSED ? UICC_NO_USIM : r; /* a bank's card, or a SIM of GSM alone */
    r = read_file(c, UICC_EF_ICCID);
    if (r == UICC_GONE)
        return r;
    if (r == UICC_OK && uicc_iccid_parse(data(c), c->id.iccid))
        c->id.iccid[0] = 0;
    r = read_dir(c);
    if (r == UICC_GONE)
        return r;
    if (r) { /* no directory, or the USIM is not in it: the beginning of its name finds it (TS 102 221 s8.5.1.2) */
        memcpy(c->aid, uicc_usim_aid().p, uicc_usim_aid().n);
        c->aid_len = uicc_usim_aid().n;
    }
    r = choose_usim(c, &fcp);
    if (r)
        return r == UICC_REFUSED ? UICC_NO_USIM : r;
    c->pin_enabled = fcp.pin_enabled;
    c->pin_ref = fcp.pin_known ? fcp.pin_ref : 1;
    return UICC_OK;
}

/* ---- PIN ---- */

/* VERIFY, once: a card that answers 6C xx to it would get the PIN a second time. */
static enum uicc_result verify(struct uicc_card *c, const char *pin, enum uicc_result tries_left)
{
    enum uicc_result r;

    uicc_verify(&c->cmd, c->pin_ref, pin);
    r = ask_in(c, 1);
    if (r)
        return r;
    if (c->sw == UICC_SW_OK)
        return UICC_OK;
    if ((c->sw & 0xFFF0) == UICC_SW_TRIES)
        c->tries = (uint8_t)(c->sw & 0x0F);
    else if (c->sw == UICC_SW_BLOCKED)
        c->tries = 0;
    else
        return UICC_REFUSED;
    return c->tries ? tries_left : UICC_PIN_BLOCKED;
}

enum uicc_result uicc_card_pin(struct uicc_card *c, const char *pin)
{
    enum uicc_result r;

    if (!c->pin_enabled)
        return UICC_OK;
    r = verify(c, NULL, UICC_PIN_WANTED);
    if (r != UICC_PIN_WANTED)
        return r; /* verified already, blocked, gone */
    if (c->tries < 2)
        return UICC_PIN_LAST;
    if (pin == NULL || !uicc_pin_valid(pin))
        return UICC_PIN_WANTED;
    return verify(c, pin, UICC_PIN_WRONG);
}

/* ---- reading it ---- */

/* What conceals the IMSI; a card that has nothing for it is as good a card. */
static enum uicc_result read_suci(struct uicc_card *c)
{
    struct uicc_fcp fcp;
    struct usim_suci suci;
    enum uicc_result r = read_file(c, UICC_EF_UST);

    if (r)
        return r;
    if (!uicc_ust_has(data(c), UICC_SERVICE_SUCI) || uicc_ust_has(data(c), UICC_SERVICE_SUCI_BY_CARD))
        return UICC_OK;
    r = choose(c, UICC_DF_5GS, &fcp);
    if (!r)
        r = read_file(c, UICC_EF_SUCI_CALC_INFO);
    if (r || uicc_suci_parse(data(c), &suci))
        return r;
    r = read_file(c, UICC_EF_ROUTING);
    if (r == UICC_OK && uicc_routing_parse(data(c), suci.routing))
        return r;
    if (r != UICC_GONE)
        c->id.suci = suci;
    return r;
}

enum uicc_result uicc_card_identity(struct uicc_card *c, uint8_t mnc_len)
{
    struct uicc_fcp fcp;
    enum uicc_result r = read_file(c, UICC_EF_IMSI);

    if (r == UICC_REFUSED && c->sw == UICC_SW_SECURITY && !c->pin_enabled) {
        c->pin_enabled = true;
        return choose_usim(c, &fcp) ? UICC_GONE : UICC_PIN_WANTED;
    }
    if (r)
        return r;
    if (uicc_imsi_parse(data(c), c->id.imsi))
        return UICC_BAD;
    r = read_file(c, UICC_EF_AD);
    if (r == UICC_GONE)
        return r;
    if (r || uicc_ad_mnc_len(data(c), &c->id.mnc_len))
        c->id.mnc_len = mnc_len;
    if (c->id.mnc_len == 0)
        return UICC_NO_MNC;
    if (read_suci(c) == UICC_GONE)
        return UICC_GONE;
    return choose_usim(c, &fcp);
}

/* ---- asking it ---- */

void uicc_card_auth(struct uicc_card *c, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                    struct usim_auth *out)
{
    *out = (struct usim_auth){ .verdict = USIM_UNUSABLE };
    uicc_auth_3g(&c->cmd, rand, autn, c->link.t1);
    if (ask(c) == UICC_OK) {
        if (c->sw == UICC_SW_MAC)
            out->verdict = USIM_MAC_FAILURE;
        else if (c->sw == UICC_SW_OK && uicc_auth_3g_parse(data(c), out))
            out->verdict = USIM_UNUSABLE;
    }
    sec_wipe(c->data, sizeof c->data);
}

/* Only what says for good that the card does not do it is a refusal: the level of the store hangs on it. */
static bool never(uint16_t sw)
{
    return sw == UICC_SW_NO_CONTEXT || sw == UICC_SW_SECURITY || sw == 0x6985 || sw == 0x6A81 ||
           sw == 0x6A86 || sw == 0x6A88 || sw == 0x6D00 || sw == 0x6E00;
}

err uicc_card_gsm(struct uicc_card *c, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
                  uint8_t kc[AKA_KC_LEN])
{
    err e = ERR_IO;

    uicc_auth_gsm(&c->cmd, rand, c->link.t1);
    if (ask(c) == UICC_OK) {
        if (never(c->sw))
            e = ERR_REFUSED;
        else if (c->sw == UICC_SW_OK)
            e = uicc_auth_gsm_parse(data(c), sres, kc);
    }
    sec_wipe(c->data, sizeof c->data);
    return e;
}
