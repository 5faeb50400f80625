/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/eap.h"

#include "common/base/cursor.h"

err eap_parse(struct span in, struct eap_pkt *out)
{
    struct rcur c = rcur_of(in);
    struct eap_pkt p = { .code = rcur_u8(&c), .id = rcur_u8(&c) };
    uint16_t len = rcur_u16(&c);
    if (!rcur_ok(&c) || len > in.n) /* RFC 3748 s4: longer than what arrived */
        return ERR_TRUNCATED;
    if (len > EAP_MAX)
        return ERR_RANGE;
    if (p.code < EAP_REQUEST || p.code > EAP_FAILURE)
        return ERR_MALFORMED;
    p.whole = span_of(in.p, len);
    if (p.code == EAP_SUCCESS || p.code == EAP_FAILURE) {
        if (len != 4) /* s4.2 */
            return ERR_MALFORMED;
    } else {
        if (len < 5)
            return ERR_MALFORMED;
        p.type = in.p[4];
        p.data = span_of(in.p + 5, len - 5u);
    }
    *out = p;
    return ERR_OK;
}

size_t eap_write(uint8_t *out, size_t cap, enum eap_code code, uint8_t id, uint8_t type, struct span data)
{
    struct wcur c = wcur_of(out, cap);
    if (data.n > EAP_MAX - 5)
        return 0;
    wcur_u8(&c, (uint8_t)code);
    wcur_u8(&c, id);
    wcur_u16(&c, (uint16_t)(5 + data.n));
    wcur_u8(&c, type);
    wcur_span(&c, data);
    return wcur_ok(&c) ? wcur_len(&c) : 0;
}

size_t eap_write_end(uint8_t *out, size_t cap, enum eap_code code, uint8_t id)
{
    struct wcur c = wcur_of(out, cap);
    wcur_u8(&c, (uint8_t)code);
    wcur_u8(&c, id);
    wcur_u16(&c, 4);
    return wcur_ok(&c) ? wcur_len(&c) : 0;
}
