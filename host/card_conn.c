/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card_conn.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto/secret.h"

#define PIN_FILE_MAX 4096

/* ---- PINs ---- */

const char *pins_for(const struct pins *p, const char *iccid)
{
    const char *any = NULL;

    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].iccid[0] == 0)
            any = any ? any : p->v[i].pin;
        else if (strcmp(p->v[i].iccid, iccid) == 0)
            return p->v[i].pin;
    }
    return any;
}

/* "PIN" or "ICCID PIN" */
static err take_pin(struct pins *p, const char *a, const char *b)
{
    const char *pin = b ? b : a;

    if (p->n == PINS_MAX || !uicc_pin_valid(pin) || (b && strlen(a) > USIM_ICCID_MAX))
        return ERR_CONFIG;
    memcpy(p->v[p->n].pin, pin, strlen(pin) + 1);
    if (b)
        memcpy(p->v[p->n].iccid, a, strlen(a) + 1);
    p->n++;
    return ERR_OK;
}

static err take_line(struct pins *p, char *line)
{
    static const char blank[] = " \t\r";
    char *save = NULL, *a = strtok_r(line, blank, &save), *b;

    if (a == NULL || a[0] == '#')
        return ERR_OK;
    b = strtok_r(NULL, blank, &save);
    return b != NULL && strtok_r(NULL, blank, &save) != NULL ? ERR_CONFIG : take_pin(p, a, b);
}

err pins_read(struct pins *p, const char *path, char why[RT_FILE_WHY_MAX])
{
    uint8_t *text = NULL;
    unsigned at = 0;
    char *next;
    size_t len;
    err e = rt_file_read_secret(path, PIN_FILE_MAX, &text, &len, why);

    if (e)
        return e;
    for (char *line = (char *)text; line != NULL && !e; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        at++;
        e = take_line(p, line);
    }
    sec_free(text);
    if (e)
        (void)snprintf(why, RT_FILE_WHY_MAX,
                       "%.300s:%u: expected PIN, or ICCID and PIN; a PIN has 4 to 8 digits", path, at);
    return e;
}

/* ---- a card ---- */

void card_let_go(struct card_conn *c)
{
    if (c->connected)
        (void)SCardDisconnect(c->card, SCARD_RESET_CARD);
    c->connected = false;
    if (c->has_context)
        (void)SCardReleaseContext(c->pcsc);
    c->has_context = false;
    sec_wipe(&c->uicc, sizeof(c->uicc));
}

static err transmit(void *ctx, struct span cmd, uint8_t *out, size_t cap, size_t *n)
{
    struct card_conn *c = ctx;
    const SCARD_IO_REQUEST *pci = c->uicc.link.t1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
    DWORD len = (DWORD)cap;

    c->rv = SCardTransmit(c->card, pci, cmd.p, (DWORD)cmd.n, NULL, out, &len);
    if (c->rv != SCARD_S_SUCCESS)
        return ERR_IO;
    *n = len;
    return ERR_OK;
}

static bool dial(struct card_conn *c, const char *reader, bool *t1)
{
    DWORD protocol = 0;

    card_let_go(c);
    c->rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c->pcsc);
    if (c->rv != SCARD_S_SUCCESS)
        return false;
    c->has_context = true;
    c->rv = SCardConnect(c->pcsc, reader, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                         &c->card, &protocol);
    if (c->rv != SCARD_S_SUCCESS)
        return false;
    c->connected = true;
    *t1 = protocol == SCARD_PROTOCOL_T1;
    return true;
}

enum uicc_result card_bring_up(struct card_conn *c, const char *reader, const char *typed,
                               const struct pins *pins, uint8_t mnc_len)
{
    struct uicc_link link = { .transmit = transmit, .ctx = c };
    enum uicc_result r;

    if (!dial(c, reader, &link.t1))
        return UICC_GONE;
    r = uicc_card_open(&c->uicc, &link);
    for (int turn = 0; !r && turn < 2; turn++) {
        r = uicc_card_pin(&c->uicc, typed ? typed : pins_for(pins, c->uicc.id.iccid));
        if (r)
            break;
        r = uicc_card_identity(&c->uicc, mnc_len);
        if (r != UICC_PIN_WANTED || turn)
            break;
        r = UICC_OK; /* only now it said that it has a PIN */
    }
    return r;
}

const char *card_conn_said(LONG rv)
{
    switch (rv) {
    case SCARD_E_SHARING_VIOLATION:
        return "another program has the card";
    case SCARD_E_NO_SERVICE:
    case SCARD_E_SERVICE_STOPPED:
        return "pcscd does not answer";
    case SCARD_W_UNRESPONSIVE_CARD:
    case SCARD_W_UNPOWERED_CARD:
    case SCARD_E_PROTO_MISMATCH:
    case SCARD_W_UNSUPPORTED_CARD:
        return "card does not answer a reset";
    default:
        return uicc_result_text(UICC_GONE);
    }
}
