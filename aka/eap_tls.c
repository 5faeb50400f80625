/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/eap_tls.h"

#include <string.h>

#include "common/base/cursor.h"

enum { FLAG_LENGTH = 0x80, FLAG_MORE = 0x40, FLAG_START = 0x20 };

err eap_tls_parse(struct span data, struct eap_tls *out)
{
    struct rcur c = rcur_of(data);
    uint8_t flags = rcur_u8(&c);
    struct eap_tls t = { .start = flags & FLAG_START,
                         .more = flags & FLAG_MORE,
                         .has_total = flags & FLAG_LENGTH };
    if (t.has_total)
        t.total = rcur_u32(&c);
    t.piece = rcur_rest(&c);
    if (!rcur_ok(&c) || t.total > EAP_TLS_TOTAL_MAX || (t.has_total && t.piece.n > t.total) ||
        (t.more && t.piece.n == 0))
        return ERR_MALFORMED;
    *out = t;
    return ERR_OK;
}

size_t eap_tls_write(uint8_t *out, size_t cap, enum eap_code code, uint8_t id, const struct eap_tls *t)
{
    uint8_t data[EAP_MAX];
    struct wcur w = wcur_of(data, sizeof data);
    wcur_u8(&w, (uint8_t)((t->has_total ? FLAG_LENGTH : 0) | (t->more ? FLAG_MORE : 0) |
                          (t->start ? FLAG_START : 0)));
    if (t->has_total)
        wcur_u32(&w, t->total);
    wcur_span(&w, t->piece);
    return wcur_ok(&w) ? eap_write(out, cap, code, id, EAP_TYPE_TLS, wcur_done(&w)) : 0;
}
