/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/ipa.h"

#include <string.h>

#include "common/base/cursor.h"

enum idtag { TAG_SERIAL = 0, TAG_UNIT_NAME = 1, TAG_UNIT_ID = 8 };

size_t ipa_frame(struct span in)
{
    return in.n < IPA_HEAD_LEN ? 0 : IPA_HEAD_LEN + ((size_t)in.p[0] << 8 | in.p[1]);
}

err ipa_parse(struct span frame, struct ipa_pkt *out)
{
    struct rcur c = rcur_of(frame);
    struct ipa_pkt p = { 0 };
    size_t n = rcur_u16(&c);
    p.stream = rcur_u8(&c);
    if (!rcur_ok(&c))
        return ERR_TRUNCATED;
    if (n != rcur_left(&c))
        return ERR_MALFORMED;
    if (p.stream == IPA_OSMO || p.stream == IPA_CCM)
        p.type = rcur_u8(&c);
    if (!rcur_ok(&c))
        return ERR_MALFORMED;
    p.body = rcur_rest(&c);
    *out = p;
    return ERR_OK;
}

size_t ipa_write(uint8_t *out, size_t cap, enum ipa_stream stream, uint8_t type, struct span body)
{
    struct wcur w = wcur_of(out, cap);
    if (body.n > IPA_BODY_MAX)
        return 0;
    wcur_u16(&w, (uint16_t)(1 + body.n));
    wcur_u8(&w, (uint8_t)stream);
    wcur_u8(&w, type);
    wcur_span(&w, body);
    return wcur_done(&w).n;
}

/* Values end with a NUL, which counts. */
static void put_tag(struct wcur *w, enum idtag tag, const char *value)
{
    size_t n = strlen(value) + 1;
    wcur_u16(w, (uint16_t)(1 + n));
    wcur_u8(w, (uint8_t)tag);
    wcur_put(w, value, n);
}

size_t ipa_write_id(uint8_t *out, size_t cap, const char *name)
{
    uint8_t body[3 * 4 + sizeof "0/0/0" + 2 * (IPA_NAME_MAX + 1)];
    struct wcur w = wcur_of(body, sizeof body);
    if (strlen(name) > IPA_NAME_MAX)
        return 0;
    put_tag(&w, TAG_UNIT_ID, "0/0/0");
    put_tag(&w, TAG_UNIT_NAME, name);
    put_tag(&w, TAG_SERIAL, name);
    return wcur_ok(&w) ? ipa_write(out, cap, IPA_CCM, IPA_ID_RESP, wcur_done(&w)) : 0;
}
