/* SPDX-License-Identifier: Apache-2.0
 * HITs, puzzles, checksums. */
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/vec.h"
#include "common/base/addr.h"
#include "hip/hi.h"
#include "hip/pkt.h"
#include "hip/puzzle.h"
#include "hip/suite.h"

/* The Host Identity field from the key's parts, where the vector gives them. */
static void host_identity_parts(struct vec_case *c)
{
    if (vec_has(c, "rsa_n") && vec_has(c, "rsa_e")) {
        struct span e = vec_hex(c, "rsa_e"), n = vec_hex(c, "rsa_n");
        uint8_t len1[1] = { (uint8_t)e.n }, len3[3] = { 0, (uint8_t)(e.n >> 8), (uint8_t)e.n };
        struct span len = e.n <= 255 ? span_of(len1, 1) : span_of(len3, 3); /* RFC 3110 s2 */
        vec_same(c, "host_identity", vec_join(c, (struct span[]){ len, e, n }, 3));
    } else if (vec_has(c, "xy") && vec_has(c, "curve")) {
        int64_t v = vec_int(c, "curve");
        uint8_t curve[2] = { (uint8_t)(v >> 8), (uint8_t)v };
        vec_same(c, "host_identity", vec_join(c, (struct span[]){ span_of(curve, 2), vec_hex(c, "xy") }, 2));
    } else if (vec_has(c, "key") && vec_has(c, "curve")) { /* EdDSA: RFC 9374 s3.4.1 */
        int64_t v = vec_int(c, "curve");
        uint8_t label[4] = { (uint8_t)(v >> 8), (uint8_t)v };
        vec_same(c, "host_identity", vec_join(c, (struct span[]){ span_of(label, 4), vec_hex(c, "key") }, 2));
    }
}

static void hit_with_context_as_s(struct vec_case *c, struct span hi)
{
    static const uint8_t context_id[16] = { 0xf0, 0xef, 0xf0, 0x2f, 0xbf, 0xf4, 0x3d, 0x0f,
                                            0xe7, 0x93, 0x0c, 0x3c, 0x6e, 0x61, 0x74, 0xea };
    uint8_t alt[16] = { 0x20, 0x01, 0x00, 0x25 };
    if (vec_step(c, "hit_alt", cshake128(span_of(context_id, 16), &hi, 1, alt + 4, 12)))
        vec_same(c, "hit_alt", span_of(alt, 16));
}

static void orchid(struct vec_case *c)
{
    int64_t suite = vec_int(c, "hit_suite");
    struct span hi = vec_hex(c, "host_identity"), want = vec_hex_n(c, "hit", 16);
    const struct hip_hit_suite *s = suite > 0 && suite < 16 ? hip_hit_suite((uint8_t)suite) : NULL;
    char text[HIT_TEXT_MAX];
    struct hit h;

    if (!vec_going(c))
        return;
    if (!s || !s->supported) {
        vec_skip(c, "HIT suite %lld%s%s", (long long)suite, s ? " " : "", s ? s->name : "");
        return;
    }
    if (s->id == 2)
        vec_same_int(c, "hi_algorithm", HIP_HI_ECDSA);
    else if (s->id == 3)
        vec_same_int(c, "hi_algorithm", HIP_HI_ECDSA_LOW);
    else if (s->id == 5)
        vec_same_int(c, "hi_algorithm", HIP_HI_EDDSA);
    else if (vec_has(c, "rsa_n"))
        vec_same_int(c, "hi_algorithm", HIP_HI_RSA);
    host_identity_parts(c);
    if (!vec_step(c, "hit", hit_derive(s->id, hi, &h)))
        return;
    if (!c->valid) {
        vec_verdict(c, memcmp(h.b, want.p, 16) == 0);
        return;
    }
    vec_same(c, "hit", span_of(h.b, 16));
    vec_same_text(c, "hit_text", hit_format(&h, text));
    if (s->id == 5 &&
        vec_has(
            c,
            "hit_alt")) /* what it would be with the Context ID as cSHAKE128's S; nobody uses it that we know */
        hit_with_context_as_s(c, hi);
}

/* A HHIT is no HIT of HIPv2 (2001:30::/28 for 2001:20::/28), so the library has none: prefix, RAA, HDA and suite in 64 bits, then
 * cSHAKE128(those | key) of 64 bits with the Context ID as S (RFC 9374 s3.5.2.1). */
static void hhit(struct vec_case *c)
{
    struct span want = vec_hex_n(c, "hhit", 16), key = vec_hex(c, "key"), s = vec_hex_n(c, "context_id", 16);
    struct hit h;
    char text[HIT_TEXT_MAX];
    if (!vec_going(c))
        return;
    memcpy(h.b, want.p, 8);
    const struct span in[] = { span_of(h.b, 8), key };
    if (!vec_step(c, "hhit", cshake128(s, in, 2, h.b + 8, 8)))
        return;
    vec_same(c, "hash_input", vec_join(c, in, 2));
    vec_same_int(c, "hit_suite", h.b[7]);
    if (!c->valid) {
        vec_verdict(c, memcmp(h.b, want.p, 16) == 0);
        return;
    }
    vec_same(c, "hhit", span_of(h.b, 16));
    vec_same_text(c, "hhit_text", hit_format(&h, text));
}

static struct hit hit_of(struct vec_case *c, const char *name)
{
    struct hit h;
    memcpy(h.b, vec_hex_n(c, name, 16).p, 16);
    return h;
}

/* Lowest-order k bits, right-aligned in as few octets as hold them. */
static struct span low_bits(struct vec_case *c, struct span digest, unsigned k)
{
    size_t n = (k + 7) / 8;
    uint8_t *p = vec_alloc(c, n);
    if (n == 0 || n > digest.n)
        return span_of(p, 0);
    memcpy(p, digest.p + digest.n - n, n);
    if (k % 8)
        p[0] &= (uint8_t)((1u << (k % 8)) - 1);
    return span_of(p, n);
}

static void puzzle(struct vec_case *c)
{
    enum hash_alg rhash = vec_hash(c, "rhash");
    struct span i = vec_hex(c, "i"), j = vec_hex(c, "j");
    struct hit hi = hit_of(c, "hit_i"), hr = hit_of(c, "hit_r");
    int64_t k = vec_int(c, "k");
    uint8_t d[HASH_LEN_MAX];
    if (!vec_going(c))
        return;
    if (k < 0 || k > 255 || i.n != hash_len(rhash) || j.n != i.n) {
        vec_malformed(c, "k, i or j out of range for the hash");
        return;
    }
    err e = hip_puzzle_check(rhash, (uint8_t)k, i, &hi, &hr, j);
    vec_verdict(c, e == ERR_OK);
    struct span in[4] = { i, span_of(hi.b, 16), span_of(hr.b, 16), j };
    if (!vec_step(c, "digest", hash_spans(rhash, in, 4, d)))
        return;
    vec_same(c, "digest", span_of(d, hash_len(rhash)));
    vec_same(c, "ltrunc", low_bits(c, span_of(d, hash_len(rhash)), (unsigned)k));
}

static void checksum(struct vec_case *c)
{
    struct addr src, dst;
    struct span p = vec_hex(c, "packet");
    if (!vec_going(c))
        return;
    if (vec_int(c, "protocol") != HIP_IP_PROTO) {
        vec_skip(c, "checksum of protocol %lld", (long long)vec_int(c, "protocol"));
        return;
    }
    if (addr_parse(vec_text(c, "src"), &src) != ERR_OK || addr_parse(vec_text(c, "dst"), &dst) != ERR_OK ||
        src.family != dst.family || p.n < HIP_HEADER_LEN || p.n != ((size_t)p.p[1] + 1) * 8) {
        vec_malformed(c, "addresses or packet do not parse");
        return;
    }
    vec_same_text(c, "family", src.family == ADDR_V4 ? "ipv4" : "ipv6");
    struct hip_pkt k = { .raw = p, .checksum = (uint16_t)(p.p[4] << 8 | p.p[5]) };
    uint16_t sum = hip_checksum(&src, &dst, p);
    if (c->valid) {
        uint8_t got[2] = { (uint8_t)(sum >> 8), (uint8_t)sum };
        vec_same(c, "checksum", span_of(got, 2));
    }
    vec_verdict(c, hip_checksum_ok(&k, &src, &dst));
}

const struct vec_family family_hip[] = {
    { "OrchidTest", orchid, "RFC 7343 s2, RFC 7401 s3.2", NULL, true },
    { "HhitTest", hhit, "RFC 9374 s3.5", NULL, true },
    { "PuzzleTest", puzzle, "RFC 7401 s4.1.2, s6.3", NULL, true },
    { "HipChecksumTest", checksum, "RFC 7401 s5.1.1", NULL, true },
    { 0 },
};
