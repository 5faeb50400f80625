/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/uicc.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/secret.h"

#define INS_VERIFY       0x20
#define INS_AUTHENTICATE 0x88
#define INS_SELECT       0xA4
#define INS_READ_BINARY  0xB0
#define INS_READ_RECORD  0xB2
#define INS_GET_RESPONSE 0xC0

#define SELECT_BY_FID  0x00
#define SELECT_BY_NAME 0x04
#define SELECT_FCP     0x04 /* P2: answer with the FCP template */
#define RECORD_BY_NO   0x04 /* P2 of READ RECORD: absolute */
#define CONTEXT_GSM    0x80 /* P2 of AUTHENTICATE (TS 31.102 s7.1.2.1): of the application, GSM context */
#define CONTEXT_3G     0x81

#define TAG_FCP        0x62
#define TAG_FILE_SIZE  0x80
#define TAG_DESCRIPTOR 0x82
#define TAG_PIN_STATUS 0xC6
#define TAG_PS_DO      0x90
#define TAG_USAGE      0x95
#define TAG_KEY_REF    0x83
#define TAG_APP        0x61 /* in EF_DIR */
#define TAG_AID        0x4F
#define TAG_3G_OK      0xDB
#define TAG_3G_SYNC    0xDC
#define TAG_SCHEMES    0xA0 /* in EF_SUCI_Calc_Info */
#define TAG_KEYS       0xA1
#define TAG_KEY_ID     0x80
#define TAG_KEY        0x81

#define LINEAR_FIXED 0x02 /* structure, in the file descriptor octet's low three bits */
#define PIN1_MAX \
    0x08 /* key references 01 to 08: PIN of application 1 to 8; 11: the universal PIN (TS 102 221 s9.5.1) */
#define PIN_UNIVERSAL 0x11
#define KEYS_MAX      8

static const uint8_t usim_aid[] = { 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02 }; /* TS 101 220 Annex E */

/* ---- commands ---- */

static void head(struct uicc_cmd *c, uint8_t ins, uint8_t p1, uint8_t p2)
{
    *c = (struct uicc_cmd){ .b = { 0x00, ins, p1, p2 }, .n = 4 };
}

static void put_data(struct uicc_cmd *c, const void *p, size_t n)
{
    c->b[c->n++] = (uint8_t)n;
    memcpy(c->b + c->n, p, n);
    c->n += n;
}

static void put_le(struct uicc_cmd *c, uint8_t n)
{
    c->b[c->n++] = n;
    c->le = true;
}

void uicc_select(struct uicc_cmd *c, enum uicc_fid fid, bool t1)
{
    const uint8_t id[2] = { (uint8_t)(fid >> 8), (uint8_t)fid };

    head(c, INS_SELECT, SELECT_BY_FID, SELECT_FCP);
    put_data(c, id, sizeof id);
    if (t1)
        put_le(c, 0);
}

void uicc_select_aid(struct uicc_cmd *c, struct span aid, bool t1)
{
    head(c, INS_SELECT, SELECT_BY_NAME, SELECT_FCP);
    put_data(c, aid.p, aid.n < UICC_AID_MAX ? aid.n : UICC_AID_MAX);
    if (t1)
        put_le(c, 0);
}

void uicc_read_binary(struct uicc_cmd *c, uint16_t offset, uint8_t n)
{
    head(c, INS_READ_BINARY, (uint8_t)(offset >> 8 & 0x7F), (uint8_t)offset);
    put_le(c, n);
}

void uicc_read_record(struct uicc_cmd *c, uint8_t record, uint8_t n)
{
    head(c, INS_READ_RECORD, record, RECORD_BY_NO);
    put_le(c, n);
}

bool uicc_pin_valid(const char *pin)
{
    size_t n = strnlen(pin, UICC_PIN_MAX + 1);

    return n >= UICC_PIN_MIN && n <= UICC_PIN_MAX && strspn(pin, "0123456789") == n;
}

void uicc_verify(struct uicc_cmd *c, uint8_t ref, const char *pin)
{
    uint8_t padded[UICC_PIN_MAX];

    head(c, INS_VERIFY, 0, ref);
    if (pin == NULL) {
        c->b[c->n++] = 0; /* Lc, or P3: no PIN */
        return;
    }
    memset(padded, 0xFF, sizeof padded);
    memcpy(padded, pin, strnlen(pin, sizeof padded));
    put_data(c, padded, sizeof padded);
    sec_wipe(padded, sizeof padded);
}

void uicc_auth_3g(struct uicc_cmd *c, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                  bool t1)
{
    uint8_t data[2 + AKA_RAND_LEN + AKA_AUTN_LEN] = { AKA_RAND_LEN };

    memcpy(data + 1, rand, AKA_RAND_LEN);
    data[1 + AKA_RAND_LEN] = AKA_AUTN_LEN;
    memcpy(data + 2 + AKA_RAND_LEN, autn, AKA_AUTN_LEN);
    head(c, INS_AUTHENTICATE, 0, CONTEXT_3G);
    put_data(c, data, sizeof data);
    if (t1)
        put_le(c, 0);
}

void uicc_auth_gsm(struct uicc_cmd *c, const uint8_t rand[AKA_RAND_LEN], bool t1)
{
    uint8_t data[1 + AKA_RAND_LEN] = { AKA_RAND_LEN };

    memcpy(data + 1, rand, AKA_RAND_LEN);
    head(c, INS_AUTHENTICATE, 0, CONTEXT_GSM);
    put_data(c, data, sizeof data);
    if (t1)
        put_le(c, 0);
}

void uicc_get_response(struct uicc_cmd *c, uint8_t n)
{
    head(c, INS_GET_RESPONSE, 0, 0);
    put_le(c, n);
}

void uicc_with_le(struct uicc_cmd *c, uint8_t n)
{
    if (c->le)
        c->b[c->n - 1] = n;
    else if (c->n < sizeof c->b)
        put_le(c, n);
}

/* ---- answers ---- */

err uicc_answer_parse(struct span octets, struct uicc_answer *out)
{
    if (octets.n < 2)
        return ERR_TRUNCATED;
    out->data = span_of(octets.p, octets.n - 2);
    out->sw = (uint16_t)(octets.p[octets.n - 2] << 8 | octets.p[octets.n - 1]);
    return ERR_OK;
}

/* One BER-TLV with a tag of one octet and a length of at most three. false: the end, or what is none (then failed). */
static bool tlv(struct rcur *r, uint8_t *tag, struct span *value)
{
    size_t n;

    if (rcur_left(r) == 0)
        return false;
    *tag = rcur_u8(r);
    n = rcur_u8(r);
    if (n == 0x81)
        n = rcur_u8(r);
    else if (n == 0x82)
        n = rcur_u16(r);
    else if (n >= 0x80)
        rcur_fail(r);
    *value = rcur_take(r, n);
    return rcur_ok(r);
}

/* PIN status template (TS 102 221 s11.1.1.4.10): a bit for each key reference that follows, the first one's first; a usage qualifier stands before its
 * reference. The PIN of the application counts, or the universal one where it stands in for it. */
static void pin_status(struct span s, struct uicc_fcp *out)
{
    struct rcur r = rcur_of(s);
    struct span v, bits = { NULL, 0 };
    uint8_t tag, usage = 0;
    size_t i = 0;

    while (tlv(&r, &tag, &v)) {
        bool enabled;
        if (tag == TAG_PS_DO)
            bits = v;
        else if (tag == TAG_USAGE && v.n == 1)
            usage = v.p[0];
        if (tag != TAG_KEY_REF || v.n != 1)
            continue;
        enabled = i / 8 < bits.n && bits.p[i / 8] & 0x80 >> i % 8;
        if (v.p[0] >= 1 && v.p[0] <= PIN1_MAX && !out->pin_enabled) {
            out->pin_known = true;
            out->pin_enabled = enabled;
            out->pin_ref = v.p[0];
        } else if (v.p[0] == PIN_UNIVERSAL && enabled && usage && !out->pin_enabled) {
            out->pin_known = out->pin_enabled = true;
            out->pin_ref = PIN_UNIVERSAL;
        }
        usage = 0;
        i++;
    }
}

err uicc_fcp_parse(struct span data, struct uicc_fcp *out)
{
    struct rcur r = rcur_of(data), in;
    struct uicc_fcp f = { 0 };
    struct span v;
    uint8_t tag;

    if (!tlv(&r, &tag, &v) || tag != TAG_FCP)
        return ERR_MALFORMED;
    in = rcur_of(v);
    while (tlv(&in, &tag, &v)) {
        if (tag == TAG_FILE_SIZE && v.n == 2) {
            f.size = (uint16_t)(v.p[0] << 8 | v.p[1]);
        } else if (tag == TAG_FILE_SIZE && v.n == 1) {
            f.size = v.p[0];
        } else if (tag == TAG_DESCRIPTOR && v.n == 5 && (v.p[0] & 0x07) == LINEAR_FIXED && v.p[2] == 0) {
            f.record_len = v.p[3];
            f.records = v.p[4];
        } else if (tag == TAG_PIN_STATUS) {
            pin_status(v, &f);
        }
    }
    if (!rcur_ok(&in))
        return ERR_MALFORMED;
    *out = f;
    return ERR_OK;
}

/* A length octet that says n, then n octets. */
static void take_exact(struct rcur *r, uint8_t *out, uint8_t n)
{
    if (rcur_u8(r) != n)
        rcur_fail(r);
    rcur_copy(r, out, n);
}

err uicc_auth_3g_parse(struct span data, struct usim_auth *out)
{
    struct rcur r = rcur_of(data);
    struct usim_auth a = { .verdict = USIM_SYNC_FAILURE };
    uint8_t tag = rcur_u8(&r), kc[AKA_KC_LEN];
    err e = ERR_MALFORMED;

    if (tag == TAG_3G_SYNC) {
        take_exact(&r, a.auts, sizeof a.auts);
    } else if (tag == TAG_3G_OK) {
        a.verdict = USIM_AUTHENTICATED;
        a.res_len = rcur_u8(&r);
        if (a.res_len < AKA_RES_MIN || a.res_len > AKA_RES_MAX)
            goto out;
        rcur_copy(&r, a.res, a.res_len);
        take_exact(&r, a.ck, sizeof a.ck);
        take_exact(&r, a.ik, sizeof a.ik);
        if (rcur_left(&r)) /* service 27: the GSM key as well, of no use to us */
            take_exact(&r, kc, sizeof kc);
    } else {
        goto out;
    }
    if (rcur_end(&r)) {
        *out = a;
        e = ERR_OK;
    }
out:
    sec_wipe(kc, sizeof kc);
    sec_wipe(&a, sizeof a);
    return e;
}

err uicc_auth_gsm_parse(struct span data, uint8_t sres[AKA_SRES_LEN], uint8_t kc[AKA_KC_LEN])
{
    uint8_t got[AKA_SRES_LEN + AKA_KC_LEN];
    struct rcur r = rcur_of(data);
    err e = ERR_MALFORMED;

    take_exact(&r, got, AKA_SRES_LEN);
    take_exact(&r, got + AKA_SRES_LEN, AKA_KC_LEN);
    if (rcur_end(&r)) {
        memcpy(sres, got, AKA_SRES_LEN);
        memcpy(kc, got + AKA_SRES_LEN, AKA_KC_LEN);
        e = ERR_OK;
    }
    sec_wipe(got, sizeof got);
    return e;
}

/* ---- files ---- */

err uicc_dir_usim(struct span record, uint8_t aid[UICC_AID_MAX], size_t *n)
{
    struct rcur r = rcur_of(record), in;
    struct span v;
    uint8_t tag;

    if (!tlv(&r, &tag, &v) || tag != TAG_APP)
        return ERR_NOT_FOUND;
    in = rcur_of(v);
    while (tlv(&in, &tag, &v)) {
        if (tag != TAG_AID || v.n < sizeof usim_aid || v.n > UICC_AID_MAX ||
            !span_eq(span_of(v.p, sizeof usim_aid), span_of(usim_aid, sizeof usim_aid)))
            continue;
        memcpy(aid, v.p, v.n);
        *n = v.n;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

struct span uicc_usim_aid(void)
{
    return span_of(usim_aid, sizeof usim_aid);
}

/* Half-octets from the given one on, low ones first, up to n digits; F ends them. How many; cap + 1: not digits. */
static size_t bcd(struct span s, size_t from, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = from; i < 2 * s.n; i++) {
        uint8_t d = i % 2 ? s.p[i / 2] >> 4 : s.p[i / 2] & 0x0F;
        if (d == 0x0F)
            break;
        if (d > 9 || n == cap)
            return cap + 1;
        out[n++] = (char)('0' + d);
    }
    out[n] = 0;
    return n;
}

/* TS 31.102 s4.2.2: length of what follows; the first half-octet is 9 for an odd number of digits, 1 for an even one. */
err uicc_imsi_parse(struct span file, char imsi[IMSI_MAX + 1])
{
    char text[IMSI_MAX + 1];
    struct span s;
    size_t n;

    if (file.n < 2 || file.p[0] < 1 || file.p[0] > 8 || (size_t)file.p[0] + 1 > file.n)
        return ERR_MALFORMED;
    s = span_of(file.p + 1, file.p[0]);
    n = bcd(s, 1, text, IMSI_MAX);
    if ((s.p[0] & 0x0F) != (n % 2 ? 0x09 : 0x01) || n != 2 * s.n - (n % 2 ? 1 : 2) || !imsi_valid(text))
        return ERR_MALFORMED;
    memcpy(imsi, text, n + 1);
    return ERR_OK;
}

err uicc_iccid_parse(struct span file, char iccid[USIM_ICCID_MAX + 1])
{
    char text[USIM_ICCID_MAX + 1];
    size_t n = bcd(file, 0, text, USIM_ICCID_MAX);

    if (n == 0 || n > USIM_ICCID_MAX)
        return ERR_MALFORMED;
    memcpy(iccid, text, n + 1);
    return ERR_OK;
}

err uicc_ad_mnc_len(struct span file, uint8_t *mnc_len)
{
    uint8_t n = file.n >= 4 ? file.p[3] & 0x0F : 0;

    if (n != 2 && n != 3)
        return ERR_NOT_FOUND;
    *mnc_len = n;
    return ERR_OK;
}

bool uicc_ust_has(struct span file, unsigned service)
{
    unsigned bit = service - 1;

    return service && bit / 8 < file.n && file.p[bit / 8] >> bit % 8 & 1;
}

struct suci_keys {
    size_t n;
    struct {
        uint8_t id;
        struct span key;
    } v[KEYS_MAX];
};

/* Identifier and key in turns. */
static err suci_keys(struct span s, struct suci_keys *out)
{
    struct rcur r = rcur_of(s);
    struct span v;
    uint8_t tag;
    bool id = false;

    out->n = 0;
    while (tlv(&r, &tag, &v)) {
        if (tag == TAG_KEY_ID && v.n == 1 && !id && out->n < KEYS_MAX) {
            out->v[out->n].id = v.p[0];
            id = true;
        } else if (tag == TAG_KEY && id) {
            out->v[out->n++].key = v;
            id = false;
        } else {
            return ERR_MALFORMED;
        }
    }
    return rcur_ok(&r) && !id ? ERR_OK : ERR_MALFORMED;
}

err uicc_suci_parse(struct span file, struct usim_suci *out)
{
    struct rcur r = rcur_of(file);
    struct suci_keys keys = { 0 };
    struct span v, schemes = { NULL, 0 };
    uint8_t tag;

    while (rcur_left(&r) && r.p[0] != 0xFF && tlv(&r, &tag, &v)) {
        if (tag == TAG_SCHEMES)
            schemes = v;
        else if (tag == TAG_KEYS && suci_keys(v, &keys))
            return ERR_MALFORMED;
    }
    if (!rcur_ok(&r) || schemes.n % 2)
        return ERR_MALFORMED;
    for (size_t i = 0; i < schemes.n; i += 2) {
        uint8_t scheme = schemes.p[i], k = schemes.p[i + 1]; /* the key's place in the list, from 1 */
        size_t want = scheme == USIM_SUCI_A ? USIM_SUCI_KEY_A : scheme == USIM_SUCI_B ? USIM_SUCI_KEY_B : 0;
        if (!want || k == 0 || k > keys.n || keys.v[k - 1].key.n != want)
            continue;
        *out = (struct usim_suci){ .scheme = (enum usim_suci_scheme)scheme,
                                   .key_id = keys.v[k - 1].id,
                                   .key_len = (uint8_t)want,
                                   .routing = "0" };
        memcpy(out->key, keys.v[k - 1].key.p, want);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

/* TS 31.102 s4.4.11.11: two octets of digits; all F: not set. */
err uicc_routing_parse(struct span file, char routing[USIM_ROUTING_MAX + 1])
{
    char text[USIM_ROUTING_MAX + 1];
    size_t n = file.n >= 2 ? bcd(span_of(file.p, 2), 0, text, USIM_ROUTING_MAX) : USIM_ROUTING_MAX + 1;

    if (n > USIM_ROUTING_MAX)
        return ERR_MALFORMED;
    memcpy(routing, n ? text : "0", n ? n + 1 : 2);
    return ERR_OK;
}
