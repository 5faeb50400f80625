/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/gsup.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/secret.h"

enum iei {
    IE_IMSI = 0x01,
    IE_CAUSE = 0x02,
    IE_AUTH_TUPLE = 0x03,
    IE_RAND = 0x20,
    IE_SRES = 0x21,
    IE_KC = 0x22,
    IE_IK = 0x23,
    IE_CK = 0x24,
    IE_AUTN = 0x25,
    IE_AUTS = 0x26,
    IE_RES = 0x27,
    IE_CURRENT_RAT = 0x2a,
    IE_SESSION_ID = 0x30,
    IE_SESSION_STATE = 0x31,
    IE_TUPLES_WANTED = 0x52,
};

#define RAT_EUTRAN_SGS 3
#define SESSION_BEGIN  1

/* What one tuple has. */
enum { HAS_RAND = 1, HAS_AUTN = 2, HAS_RES = 4, HAS_CK = 8, HAS_IK = 16, HAS_GSM = 32, HAS_AKA = 31 };

/* ---- writing ---- */

static void put_ie(struct wcur *w, enum iei tag, const void *v, size_t n)
{
    wcur_u8(w, (uint8_t)tag);
    wcur_u8(w, (uint8_t)n);
    wcur_put(w, v, n);
}

/* Two digits in an octet, the first one low; an odd number of them ends with 1111 (TS 24.008 s10.5.1.4). */
static void put_imsi(struct wcur *w, const char *imsi)
{
    uint8_t bcd[(IMSI_MAX + 1) / 2];
    size_t n = strlen(imsi);
    for (size_t i = 0; i < n; i += 2) {
        unsigned low = (unsigned)(imsi[i] - '0'), high = i + 1 < n ? (unsigned)(imsi[i + 1] - '0') : 0xfu;
        bcd[i / 2] = (uint8_t)(high << 4 | low);
    }
    put_ie(w, IE_IMSI, bcd, (n + 1) / 2);
}

size_t gsup_write_auth(uint8_t *out, size_t cap, const struct gsup_auth_request *r)
{
    static const uint8_t rat = RAT_EUTRAN_SGS, begin = SESSION_BEGIN;
    uint8_t session[4] = { (uint8_t)(r->session >> 24), (uint8_t)(r->session >> 16),
                           (uint8_t)(r->session >> 8), (uint8_t)r->session };
    struct wcur w = wcur_of(out, cap);
    if (!imsi_valid(r->imsi) || r->tuples < 1 || r->tuples > GSUP_TUPLES_MAX || !r->session ||
        !r->rand != !r->auts)
        return 0;
    wcur_u8(&w, GSUP_AUTH_REQUEST);
    put_imsi(&w, r->imsi);
    if (r->auts) {
        put_ie(&w, IE_RAND, r->rand, AKA_RAND_LEN);
        put_ie(&w, IE_AUTS, r->auts, AKA_AUTS_LEN);
    }
    if (r->separated)
        put_ie(&w, IE_CURRENT_RAT, &rat, sizeof rat);
    put_ie(&w, IE_SESSION_ID, session, sizeof session);
    put_ie(&w, IE_SESSION_STATE, &begin, sizeof begin);
    put_ie(&w, IE_TUPLES_WANTED, &r->tuples, sizeof r->tuples);
    return wcur_done(&w).n;
}

/* ---- reading ---- */

static bool get_imsi(struct span v, char imsi[IMSI_MAX + 1])
{
    size_t n = 0;
    if (v.n == 0 || v.n > (IMSI_MAX + 1) / 2)
        return false;
    for (size_t i = 0; i < 2 * v.n; i++) {
        unsigned digit = i % 2 ? v.p[i / 2] >> 4 : v.p[i / 2] & 0xfu;
        if (digit == 0xf && i == 2 * v.n - 1)
            break;
        if (digit > 9 || n == IMSI_MAX)
            return false;
        imsi[n++] = (char)('0' + digit);
    }
    imsi[n] = 0;
    return imsi_valid(imsi);
}

/* Takes a value of exactly n octets that has not been seen yet. */
static bool take(uint8_t *into, size_t n, struct span v, unsigned *seen, unsigned bit)
{
    if (v.n != n || (*seen & bit))
        return false;
    memcpy(into, v.p, n);
    *seen |= bit;
    return true;
}

static bool take_res(struct aka_vector *t, struct span v, unsigned *seen)
{
    if (v.n < AKA_RES_MIN || v.n > AKA_RES_MAX || !take(t->res, v.n, v, seen, HAS_RES))
        return false;
    t->res_len = (uint8_t)v.n;
    return true;
}

/* One tuple; *t is the place of the next one and stays as it is (zeros) when there is none for AKA in it. */
static err get_tuple(struct span tuple, struct gsup_auth *out)
{
    struct rcur c = rcur_of(tuple);
    struct aka_vector *t = &out->v[out->n_tuples];
    unsigned seen = 0;
    bool ok = true;
    while (ok && rcur_left(&c)) {
        uint8_t tag = rcur_u8(&c);
        struct span v = rcur_take(&c, rcur_u8(&c));
        if (!rcur_ok(&c))
            return ERR_TRUNCATED;
        if (tag == IE_RAND)
            ok = take(t->rand, AKA_RAND_LEN, v, &seen, HAS_RAND);
        else if (tag == IE_AUTN)
            ok = take(t->autn, AKA_AUTN_LEN, v, &seen, HAS_AUTN);
        else if (tag == IE_CK)
            ok = take(t->ck, AKA_CK_LEN, v, &seen, HAS_CK);
        else if (tag == IE_IK)
            ok = take(t->ik, AKA_IK_LEN, v, &seen, HAS_IK);
        else if (tag == IE_RES)
            ok = take_res(t, v, &seen);
        else if (tag == IE_SRES || tag == IE_KC)
            seen |= HAS_GSM;
    }
    if (!ok)
        return ERR_MALFORMED;
    if ((seen & HAS_AKA) == HAS_AKA) {
        out->n_tuples++;
        return ERR_OK;
    }
    if (seen & (HAS_AKA & ~(unsigned)HAS_RAND) ||
        !(seen & HAS_GSM)) /* part of a quintet is no tuple at all */
        return ERR_MALFORMED;
    memset(t, 0, sizeof *t);
    out->n_gsm++;
    return ERR_OK;
}

static bool take_u32(struct span v, uint32_t *into)
{
    struct rcur c = rcur_of(v);
    *into = rcur_u32(&c);
    return rcur_end(&c);
}

static err get_element(uint8_t tag, struct span v, struct gsup_auth *out)
{
    switch (tag) {
    case IE_IMSI:
        return ERR_MALFORMED; /* it comes first, and once */
    case IE_CAUSE:
        if (out->has_cause || v.n != 1)
            return ERR_MALFORMED;
        out->has_cause = true;
        out->cause = v.p[0];
        return ERR_OK;
    case IE_SESSION_ID:
        if (out->has_session || !take_u32(v, &out->session))
            return ERR_MALFORMED;
        out->has_session = true;
        return ERR_OK;
    case IE_AUTH_TUPLE:
        return out->n_tuples + out->n_gsm < GSUP_TUPLES_MAX ? get_tuple(v, out) : ERR_MALFORMED;
    default:
        return ERR_OK;
    }
}

static err parse(struct span msg, struct gsup_auth *out)
{
    struct rcur c = rcur_of(msg);
    err e = ERR_OK;
    out->type = rcur_u8(&c);
    uint8_t first = rcur_u8(&c);
    struct span imsi = rcur_take(&c, rcur_u8(&c));
    if (!rcur_ok(&c))
        return ERR_TRUNCATED;
    if (first != IE_IMSI || !get_imsi(imsi, out->imsi))
        return ERR_MALFORMED;
    if (out->type != GSUP_AUTH_RESULT && out->type != GSUP_AUTH_ERROR)
        return ERR_OK;
    while (e == ERR_OK && rcur_left(&c)) {
        uint8_t tag = rcur_u8(&c);
        struct span v = rcur_take(&c, rcur_u8(&c));
        e = rcur_ok(&c) ? get_element(tag, v, out) : ERR_TRUNCATED;
    }
    return e;
}

err gsup_parse_auth(struct span msg, struct gsup_auth *out)
{
    struct gsup_auth *a = msg.n <= GSUP_MSG_MAX ? sec_alloc(sizeof *a) : NULL;
    if (!a)
        return msg.n <= GSUP_MSG_MAX ? ERR_MEMORY : ERR_MALFORMED;
    err e = parse(msg, a);
    if (e == ERR_OK)
        *out = *a;
    sec_free(a);
    return e;
}
