/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/radius_acct.h"

#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

static const uint8_t no_auth[RADIUS_AUTH_LEN];

/* RFC 2866 s3: MD5(Code | Identifier | Length | 16 zero octets, in a response the Request Authenticator | Attributes | Secret) */
static err authenticator(struct span whole, const uint8_t *auth, struct span secret,
                         uint8_t out[RADIUS_AUTH_LEN])
{
    const struct span in[] = { span_of(whole.p, 4), span_of(auth, RADIUS_AUTH_LEN),
                               span_of(whole.p + RADIUS_HEADER, whole.n - RADIUS_HEADER), secret };
    return hash_spans(HASH_MD5, in, 4, out);
}

static err check(const struct radius_pkt *p, const uint8_t *auth, struct span secret)
{
    uint8_t want[RADIUS_AUTH_LEN];
    err e = authenticator(p->whole, auth, secret, want);
    if (e != ERR_OK)
        return e;
    return sec_equal(want, p->auth, sizeof want) ? ERR_OK : ERR_AUTH;
}

struct radius_wr radius_acct_attrs(void *buf, size_t cap)
{
    return (struct radius_wr){ .c = wcur_of(buf, cap) };
}

struct radius_wr radius_acct_begin(void *buf, size_t cap, enum radius_code code, uint8_t id,
                                   const uint8_t request_auth[RADIUS_AUTH_LEN])
{
    struct radius_wr w = { .c = wcur_of(buf, cap < RADIUS_MAX ? cap : RADIUS_MAX) };
    wcur_u8(&w.c, (uint8_t)code);
    wcur_u8(&w.c, id);
    wcur_u16(&w.c, 0);
    wcur_put(&w.c, request_auth ? request_auth : no_auth, RADIUS_AUTH_LEN);
    return w;
}

void radius_acct_put(struct radius_wr *w, struct span attrs)
{
    wcur_span(&w->c, attrs);
}

err radius_acct_end(struct radius_wr *w, struct span secret, size_t *len)
{
    uint8_t auth[RADIUS_AUTH_LEN];
    if (!wcur_ok(&w->c))
        return ERR_SPACE;
    wcur_patch_u16(&w->c, 2, (uint16_t)wcur_len(&w->c));
    struct span whole = wcur_done(&w->c);
    memcpy(auth, whole.p + 4, sizeof auth);
    err e = authenticator(whole, auth, secret, w->c.base + 4);
    if (e == ERR_OK)
        *len = whole.n;
    return e;
}

err radius_acct_check_request(const struct radius_pkt *p, struct span secret)
{
    return p->code == RADIUS_ACCOUNTING_REQUEST ? check(p, no_auth, secret) : ERR_AUTH;
}

err radius_acct_check_reply(const struct radius_pkt *p, struct span secret, uint8_t request_id,
                            const uint8_t request_auth[RADIUS_AUTH_LEN])
{
    if (p->code != RADIUS_ACCOUNTING_RESPONSE || p->id != request_id)
        return ERR_AUTH;
    return check(p, request_auth, secret);
}
