/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/hit.h"

#include <string.h>

#include "common/base/addr.h"
#include "common/crypto/hash.h"
#include "hip/suite.h"

/* RFC 7401 s3.2: the Context ID of HITs. */
static const uint8_t context_id[16] = { 0xf0, 0xef, 0xf0, 0x2f, 0xbf, 0xf4, 0x3d, 0x0f,
                                        0xe7, 0x93, 0x0c, 0x3c, 0x6e, 0x61, 0x74, 0xea };

bool hit_eq(const struct hit *a, const struct hit *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int hit_cmp(const struct hit *a, const struct hit *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool hit_is_null(const struct hit *h)
{
    static const struct hit null;
    return hit_eq(h, &null);
}

/* RFC 7343 s2 MUST: the prefix of ORCHIDv2; RFC 7401 s3.2. */
bool hit_is_valid(const struct hit *h)
{
    return h->b[0] == 0x20 && h->b[1] == 0x01 && h->b[2] == 0x00 && (h->b[3] & 0xf0) == 0x20;
}

uint8_t hit_suite(const struct hit *h)
{
    return h->b[3] & 0x0f;
}

const char *hit_format(const struct hit *h, char out[HIT_TEXT_MAX])
{
    struct addr a = addr_v6(h->b);
    char text[ADDR_TEXT_MAX];
    addr_format(&a, text);
    memcpy(out, text, HIT_TEXT_MAX - 1);
    out[HIT_TEXT_MAX - 1] = 0;
    return out;
}

err hit_parse(const char *text, struct hit *out)
{
    struct addr a;
    err e = addr_parse(text, &a);
    if (e != ERR_OK)
        return e;
    if (a.family != ADDR_V6 || a.port || a.scope)
        return ERR_MALFORMED;
    memcpy(out->b, a.ip, sizeof(out->b));
    return ERR_OK;
}

#define HASHED 12 /* octets of the HIT that come from the hash */

/* Encode_96: the middle 96 bits of H(Context ID | input) (RFC 7343 s2). A hash whose output can have any length gives 96 bits in the first place,
 * there is nothing to take the middle of (RFC 9374 s3.5.2.1). */
static err hash_96(enum hash_alg h, struct span host_identity, uint8_t out[HASHED])
{
    const struct span in[2] = { span_of(context_id, sizeof(context_id)), host_identity };
    uint8_t digest[HASH_LEN_MAX];
    if (h == HASH_CSHAKE128)
        return cshake128(span_of(NULL, 0), in, 2, out, HASHED);
    err e = hash_spans(h, in, 2, digest);
    if (e == ERR_OK)
        memcpy(out, digest + (hash_len(h) - HASHED) / 2, HASHED);
    return e;
}

/* RFC 7343 s2 MUST: 28 bits of prefix, OGA, 96 bits of hash. */
err hit_derive(uint8_t suite, struct span host_identity, struct hit *out)
{
    const struct hip_hit_suite *s = hip_hit_suite(suite);
    const uint8_t prefix[4] = { 0x20, 0x01, 0x00, (uint8_t)(0x20 | suite) };
    struct hit h;
    if (!s || !s->supported)
        return ERR_UNSUPPORTED;
    err e = hash_96(s->rhash, host_identity, h.b + sizeof(prefix));
    if (e != ERR_OK)
        return e;
    memcpy(h.b, prefix, sizeof(prefix));
    *out = h;
    return ERR_OK;
}
