/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/radius.h"

#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define MPPE_SALT 2
#define MPPE_MAX  (MPPE_SALT + 15 * 16) /* what a vendor attribute can hold in whole blocks */

/* ---- reading ---- */

err radius_parse(struct span in, struct radius_pkt *out)
{
    struct rcur c = rcur_of(in);
    struct radius_pkt p = { .code = rcur_u8(&c), .id = rcur_u8(&c) };
    uint16_t len = rcur_u16(&c);
    if (!rcur_ok(&c) || in.n < RADIUS_HEADER || len > in.n)
        return ERR_TRUNCATED;
    if (len < RADIUS_HEADER || len > RADIUS_MAX)
        return ERR_MALFORMED;
    p.auth = in.p + 4;
    p.whole = span_of(in.p, len);
    p.attrs = span_of(in.p + RADIUS_HEADER, (size_t)len - RADIUS_HEADER);
    unsigned authenticators = 0;
    struct rcur a = rcur_of(p.attrs);
    while (rcur_left(&a)) {
        uint8_t type = rcur_u8(&a), n = rcur_u8(&a);
        if (n < 2 || rcur_left(&a) < n - 2u)
            return ERR_MALFORMED;
        if (type == RADIUS_MESSAGE_AUTHENTICATOR) {
            authenticators++;
            if (n != 2 + RADIUS_AUTH_LEN)
                return ERR_MALFORMED;
        }
        rcur_skip(&a, n - 2u);
    }
    if (!rcur_ok(&a) || authenticators > 1)
        return ERR_MALFORMED;
    *out = p;
    return ERR_OK;
}

size_t radius_frame(struct span in)
{
    if (in.n < 4)
        return 0;
    size_t n = (size_t)in.p[2] << 8 | in.p[3];
    return n < RADIUS_HEADER || n > RADIUS_MAX ? RADIUS_FRAME_BAD : n;
}

bool radius_next(const struct radius_pkt *p, size_t *pos, struct radius_attr *out)
{
    if (p->attrs.n < 2 || *pos > p->attrs.n - 2)
        return false;
    const uint8_t *a = p->attrs.p + *pos;
    *out = (struct radius_attr){ .type = a[0], .value = span_of(a + 2, a[1] - 2u) };
    *pos += a[1];
    return true;
}

err radius_find(const struct radius_pkt *p, uint8_t type, struct span *value)
{
    struct radius_attr a;
    for (size_t pos = 0; radius_next(p, &pos, &a);)
        if (a.type == type) {
            *value = a.value;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

size_t radius_count(const struct radius_pkt *p, uint8_t type)
{
    struct radius_attr a;
    size_t n = 0;
    for (size_t pos = 0; radius_next(p, &pos, &a);)
        n += a.type == type;
    return n;
}

/* RFC 2865 s5.26: vendor id, then sub-attributes of type, length, value. A broken one ends the walk of its attribute. */
err radius_find_vendor(const struct radius_pkt *p, uint32_t vendor, uint8_t type, struct span *value)
{
    struct radius_attr a;
    for (size_t pos = 0; radius_next(p, &pos, &a);) {
        if (a.type != RADIUS_VENDOR_SPECIFIC)
            continue;
        struct rcur c = rcur_of(a.value);
        if (rcur_u32(&c) != vendor)
            continue;
        while (rcur_ok(&c) && rcur_left(&c) >= 2) {
            uint8_t t = rcur_u8(&c), n = rcur_u8(&c);
            if (n < 2)
                break;
            struct span v = rcur_take(&c, n - 2u);
            if (rcur_ok(&c) && t == type) {
                *value = v;
                return ERR_OK;
            }
        }
    }
    return ERR_NOT_FOUND;
}

err radius_eap(const struct radius_pkt *p, uint8_t *buf, size_t cap, size_t *len)
{
    struct wcur w = wcur_of(buf, cap);
    struct radius_attr a;
    bool began = false, ended = false;
    for (size_t pos = 0; radius_next(p, &pos, &a);) {
        if (a.type != RADIUS_EAP_MESSAGE) {
            ended = began;
            continue;
        }
        if (ended) /* RFC 3579 s3.1: consecutive */
            return ERR_MALFORMED;
        began = true;
        wcur_span(&w, a.value);
    }
    if (!began)
        return ERR_NOT_FOUND;
    if (!wcur_ok(&w))
        return ERR_SPACE;
    *len = wcur_len(&w);
    return ERR_OK;
}

/* ---- authenticators ---- */

/* HMAC-MD5 over the packet with `auth` in the authenticator field and zeros in Message-Authenticator's value at ma_off
 * (RFC 3579 s3.2). */
static err message_authenticator(struct span whole, const uint8_t *auth, size_t ma_off, struct span secret,
                                 uint8_t out[RADIUS_AUTH_LEN])
{
    static const uint8_t zero[RADIUS_AUTH_LEN];
    size_t after = ma_off + RADIUS_AUTH_LEN;
    const struct span in[] = { span_of(whole.p, 4), span_of(auth, RADIUS_AUTH_LEN),
                               span_of(whole.p + RADIUS_HEADER, ma_off - RADIUS_HEADER),
                               span_of(zero, sizeof zero), span_of(whole.p + after, whole.n - after) };
    return hmac_spans(HASH_MD5, secret, in, 5, out);
}

static err check_ma(const struct radius_pkt *p, const uint8_t *auth, struct span secret)
{
    struct span ma;
    uint8_t want[RADIUS_AUTH_LEN];
    err e = radius_find(p, RADIUS_MESSAGE_AUTHENTICATOR, &ma);
    if (e != ERR_OK)
        return e;
    e = message_authenticator(p->whole, auth, (size_t)(ma.p - p->whole.p), secret, want);
    if (e != ERR_OK)
        return e;
    return sec_equal(want, ma.p, sizeof want) ? ERR_OK : ERR_AUTH;
}

/* RFC 2865 s3: MD5(Code | ID | Length | Request Authenticator | Attributes | Secret) */
static err response_authenticator(struct span whole, const uint8_t *request_auth, struct span secret,
                                  uint8_t out[RADIUS_AUTH_LEN])
{
    const struct span in[] = { span_of(whole.p, 4), span_of(request_auth, RADIUS_AUTH_LEN),
                               span_of(whole.p + RADIUS_HEADER, whole.n - RADIUS_HEADER), secret };
    return hash_spans(HASH_MD5, in, 4, out);
}

err radius_check_request(const struct radius_pkt *p, struct span secret)
{
    return check_ma(p, p->auth, secret);
}

static err check_response(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                          const uint8_t request_auth[RADIUS_AUTH_LEN])
{
    uint8_t want[RADIUS_AUTH_LEN];
    if (p->id != request_id)
        return ERR_AUTH;
    err e = response_authenticator(p->whole, request_auth, secret, want);
    if (e != ERR_OK)
        return e;
    return sec_equal(want, p->auth, sizeof want) ? ERR_OK : ERR_AUTH;
}

err radius_check_reply(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                       const uint8_t request_auth[RADIUS_AUTH_LEN])
{
    err e = check_response(p, secret, request_id, request_auth);
    return e == ERR_OK ? check_ma(p, request_auth, secret) : e;
}

err radius_check_status_reply(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                              const uint8_t request_auth[RADIUS_AUTH_LEN])
{
    err e = radius_check_reply(p, secret, request_id, request_auth);
    return e == ERR_NOT_FOUND ? check_response(p, secret, request_id, request_auth) : e;
}

/* ---- writing ---- */

struct radius_wr radius_wr_begin(void *buf, size_t cap, enum radius_code code, uint8_t id,
                                 const uint8_t auth[RADIUS_AUTH_LEN])
{
    static const uint8_t zero[RADIUS_AUTH_LEN];
    struct radius_wr w = { .c = wcur_of(buf, cap < RADIUS_MAX ? cap : RADIUS_MAX) };
    wcur_u8(&w.c, (uint8_t)code);
    wcur_u8(&w.c, id);
    wcur_u16(&w.c, 0);
    wcur_put(&w.c, auth, RADIUS_AUTH_LEN);
    radius_wr_attr(&w, RADIUS_MESSAGE_AUTHENTICATOR, span_of(zero, sizeof zero));
    return w;
}

void radius_wr_attr(struct radius_wr *w, uint8_t type, struct span value)
{
    if (value.n == 0 || value.n > RADIUS_VALUE_MAX) {
        w->c.failed = true;
        return;
    }
    wcur_u8(&w->c, type);
    wcur_u8(&w->c, (uint8_t)(2 + value.n));
    wcur_span(&w->c, value);
}

void radius_wr_u32(struct radius_wr *w, uint8_t type, uint32_t value)
{
    const uint8_t v[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                          (uint8_t)value };
    radius_wr_attr(w, type, span_of(v, sizeof v));
}

void radius_wr_vendor(struct radius_wr *w, uint32_t vendor, uint8_t type, struct span value)
{
    if (value.n == 0 || value.n > RADIUS_VENDOR_MAX) {
        w->c.failed = true;
        return;
    }
    wcur_u8(&w->c, RADIUS_VENDOR_SPECIFIC);
    wcur_u8(&w->c, (uint8_t)(2 + 4 + 2 + value.n));
    wcur_u32(&w->c, vendor);
    wcur_u8(&w->c, type);
    wcur_u8(&w->c, (uint8_t)(2 + value.n));
    wcur_span(&w->c, value);
}

void radius_wr_eap(struct radius_wr *w, struct span eap)
{
    if (eap.n == 0)
        w->c.failed = true;
    for (size_t off = 0; off < eap.n; off += RADIUS_VALUE_MAX) {
        size_t n = eap.n - off < RADIUS_VALUE_MAX ? eap.n - off : RADIUS_VALUE_MAX;
        radius_wr_attr(w, RADIUS_EAP_MESSAGE, span_of(eap.p + off, n));
    }
}

/* RFC 2548 s2.4.2: b(1) = MD5(S | R | A), b(i) = MD5(S | c(i-1)); c(i) = p(i) xor b(i). `block` is plain on input, cipher on output when
 * encrypting, the other way round when not; *prev follows the cipher text. */
static err mppe_block(struct span secret, const struct span *prev, size_t n_prev, uint8_t pad[16])
{
    struct span in[3] = { secret };
    for (size_t i = 0; i < n_prev; i++)
        in[1 + i] = prev[i];
    return hash_spans(HASH_MD5, in, 1 + n_prev, pad);
}

static err mppe_run(const uint8_t *in, uint8_t *out, size_t n, bool encrypt, struct span secret,
                    const uint8_t *request_auth, const uint8_t salt[MPPE_SALT])
{
    uint8_t pad[16];
    err e = ERR_OK;
    for (size_t off = 0; off < n && e == ERR_OK; off += 16) {
        const struct span first[] = { span_of(request_auth, RADIUS_AUTH_LEN), span_of(salt, MPPE_SALT) };
        const struct span later[] = { span_of((encrypt ? out : in) + off - (off ? 16 : 0), 16) };
        e = mppe_block(secret, off ? later : first, off ? 1 : 2, pad);
        for (size_t i = 0; e == ERR_OK && i < 16; i++)
            out[off + i] = in[off + i] ^ pad[i];
    }
    sec_wipe(pad, sizeof pad);
    return e;
}

/* Does another MPPE attribute of this packet carry the salt? */
static bool salt_used(const struct radius_wr *w, const uint8_t salt[MPPE_SALT])
{
    struct radius_pkt p = { .attrs = span_of(w->c.base + RADIUS_HEADER, wcur_len(&w->c) - RADIUS_HEADER) };
    struct radius_attr a;
    for (size_t pos = 0; radius_next(&p, &pos, &a);) {
        struct rcur c = rcur_of(a.value);
        if (a.type == RADIUS_VENDOR_SPECIFIC && a.value.n >= 8 && rcur_u32(&c) == RADIUS_VENDOR_MS &&
            a.value.p[6] == salt[0] && a.value.p[7] == salt[1])
            return true;
    }
    return false;
}

void radius_wr_mppe(struct radius_wr *w, uint8_t type, struct span key, struct span secret,
                    const uint8_t request_auth[RADIUS_AUTH_LEN], const struct env *env)
{
    uint8_t plain[MPPE_MAX] = { 0 }, value[MPPE_MAX];
    size_t n = (1 + key.n + 15) / 16 * 16;
    if (!wcur_ok(&w->c) || key.n == 0 || MPPE_SALT + n > sizeof value) {
        w->c.failed = true;
        return;
    }
    do {
        env_random(env, value, MPPE_SALT);
        value[0] |= 0x80;
    } while (salt_used(w, value));
    plain[0] = (uint8_t)key.n;
    memcpy(plain + 1, key.p, key.n);
    if (mppe_run(plain, value + MPPE_SALT, n, true, secret, request_auth, value) != ERR_OK)
        w->c.failed = true;
    else
        radius_wr_vendor(w, RADIUS_VENDOR_MS, type, span_of(value, MPPE_SALT + n));
    sec_wipe(plain, sizeof plain);
}

err radius_wr_end(struct radius_wr *w, struct span secret, size_t *len)
{
    const size_t ma_off = RADIUS_HEADER + 2;
    uint8_t auth[RADIUS_AUTH_LEN];
    if (!wcur_ok(&w->c))
        return ERR_SPACE;
    wcur_patch_u16(&w->c, 2, (uint16_t)wcur_len(&w->c));
    struct span whole = wcur_done(&w->c);
    memcpy(auth, whole.p + 4, sizeof auth); /* the Request Authenticator, until the packet is done */
    err e = message_authenticator(whole, auth, ma_off, secret, w->c.base + ma_off);
    if (e == ERR_OK && whole.p[0] != RADIUS_ACCESS_REQUEST && whole.p[0] != RADIUS_STATUS_SERVER)
        e = response_authenticator(whole, auth, secret, w->c.base + 4);
    if (e == ERR_OK)
        *len = whole.n;
    return e;
}

err radius_request_again(uint8_t *request, size_t n, uint8_t id, const uint8_t auth[RADIUS_AUTH_LEN],
                         struct span secret)
{
    const size_t ma_off = RADIUS_HEADER + 2; /* radius_wr_begin() put it there */
    request[1] = id;
    memcpy(request + 4, auth, RADIUS_AUTH_LEN);
    return message_authenticator(span_of(request, n), auth, ma_off, secret, request + ma_off);
}

/* ---- keys ---- */

err radius_mppe_open(struct span value, struct span secret, const uint8_t request_auth[RADIUS_AUTH_LEN],
                     uint8_t *key, size_t cap, size_t *len)
{
    uint8_t plain[RADIUS_VALUE_MAX];
    if (value.n < MPPE_SALT + 16 || (value.n - MPPE_SALT) % 16 || value.n - MPPE_SALT > sizeof plain ||
        !(value.p[0] & 0x80))
        return ERR_MALFORMED;
    size_t n = value.n - MPPE_SALT;
    err e = mppe_run(value.p + MPPE_SALT, plain, n, false, secret, request_auth, value.p);
    if (e != ERR_OK)
        goto out;
    if (plain[0] > n - 1)
        e = ERR_MALFORMED;
    else if (plain[0] > cap)
        e = ERR_SPACE;
    if (e == ERR_OK) {
        memcpy(key, plain + 1, plain[0]);
        *len = plain[0];
    }
out:
    sec_wipe(plain, sizeof plain);
    return e;
}

err radius_msk(const struct radius_pkt *p, struct span secret, const uint8_t request_auth[RADIUS_AUTH_LEN],
               uint8_t msk[64])
{
    static const uint8_t types[] = { RADIUS_MS_MPPE_RECV, RADIUS_MS_MPPE_SEND };
    uint8_t both[2 * RADIUS_MPPE_KEY];
    err e = ERR_OK;
    for (size_t i = 0; i < 2 && e == ERR_OK; i++) {
        struct span v;
        size_t n = 0;
        e = radius_find_vendor(p, RADIUS_VENDOR_MS, types[i], &v);
        if (e == ERR_OK)
            e = radius_mppe_open(v, secret, request_auth, both + i * RADIUS_MPPE_KEY, RADIUS_MPPE_KEY, &n);
        if (e == ERR_SPACE || (e == ERR_OK && n != RADIUS_MPPE_KEY))
            e = ERR_RANGE;
    }
    if (e == ERR_OK)
        memcpy(msk, both, sizeof both);
    sec_wipe(both, sizeof both);
    return e;
}
