/* SPDX-License-Identifier: Apache-2.0
 * The IPv4 side of the data plane. First octet: bit 0: what follows is an IPv4 packet of an application, else what came through ESP (next header,
 * payload); bit 1: IPv4 options go along; bit 2: addresses and checksum of the IPv4 header are made right; bit 3: several packets, each behind its length of
 * two octets. What is translated is translated back again. */
#include <stdlib.h>
#include <string.h>

#include "common/base/insum.h"
#include "hip/esp/beet.h"
#include "hip/esp/beet4.h"
#include "host/data.h"
#include "host/v4.h"
#include "host/xlat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hit OWN = { { 0x20, 0x01, 0x00, 0x22, 1 } }, PEER = { { 0x20, 0x01, 0x00, 0x22, 2 } };

static void fill(void *ctx, void *out, size_t n)
{
    memset(out, 7, n);
}

/* To the application: IPv4 alone, whole, with the right checksum. */
static void app_out(void *ctx, const uint8_t *p, size_t n)
{
    struct beet4_packet b;

    if (beet4_parse(span_of(p, n), &b) == ERR_MALFORMED)
        abort();
}

static bool takes(void *ctx, uint8_t proto, const struct addr *local, const struct addr *peer)
{
    return local->family == ADDR_V4;
}

static struct xlat_ends ends(struct host_lsis *lsis, const struct addr *peer)
{
    struct addr own = host_lsi_own(lsis);
    struct xlat_ends e = { .src6 = OWN, .dst6 = PEER };

    memcpy(e.src4, own.ip, 4);
    memcpy(e.dst4, peer->ip, 4);
    return e;
}

/* RFC 791: at 12 and 16 addresses, at 10 the checksum. */
static void mend(uint8_t *ip, size_t n, const struct xlat_ends *e)
{
    size_t head = n ? (size_t)(ip[0] & 15) * 4 : 0;

    if (head < BEET4_HEAD || head > n)
        return;
    memcpy(ip + 12, e->src4, 4);
    memcpy(ip + 16, e->dst4, 4);
    ip[10] = ip[11] = 0;
    uint16_t sum = (uint16_t)~insum_fold(insum_add(0, span_of(ip, head)));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

/* A packet between HITs that an IPv4 one became; the first fragment of an echo goes back only with the length of the whole. */
static void to_hits(const struct xlat_ends *e, const uint8_t *ip6, size_t len)
{
    static uint8_t back[HOST_DATA_PACKET_MAX + XLAT_GROWTH];
    struct beet_packet b;
    size_t again;

    if (beet_parse(span_of(ip6, len), &b) || b.payload.p + b.payload.n != ip6 + len)
        abort();
    if (xlat_6to4(e, span_of(ip6, len), 100, back, sizeof(back), &again) || again > len)
        abort();
}

static void outbound(struct host_v4 *v, struct host_lsis *lsis, const struct addr *peer, uint8_t *ip,
                     size_t n, bool right)
{
    struct xlat_ends e = ends(lsis, peer);
    size_t len;
    bool df;

    if (right)
        mend(ip, n, &e);
    uint8_t *ip6 = host_v4_from_app(v, ip, n, 1, &len, &df);
    for (; ip6; ip6 = host_v4_more(v, 1, &len, &df))
        to_hits(&e, ip6, len);
}

static void inbound(struct host_v4 *v, const uint8_t *p, size_t n)
{
    static uint8_t ip6[BEET_HEAD + HOST_DATA_PACKET_MAX];

    if (n == 0 || beet_header(&PEER, &OWN, p[0], 0xb9, 61, n - 1, ip6))
        return;
    memcpy(ip6 + BEET_HEAD, p + 1, n - 1);
    (void)host_v4_to_app(v, span_of(ip6, BEET_HEAD + n - 1), 1);
}

static void one(struct host_v4 *v, struct host_lsis *lsis, const struct addr *peer, uint8_t flags, uint8_t *p,
                size_t n)
{
    uint8_t *copy = malloc(n ? n : 1); /* so that the sanitizer sees its end */

    if (copy == NULL)
        abort();
    if (n)
        memcpy(copy, p, n);
    if (flags & 1)
        outbound(v, lsis, peer, copy, n, flags & 4);
    else
        inbound(v, copy, n);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct env env = { .random = fill };
    static const struct host_v4_io io = { NULL, app_out, takes };
    const struct host_lsi_conf conf = { .prefix = addr_v4(0xc6130000), .bits = 16 };
    struct host_lsis *lsis;
    struct host_v4 *v;
    struct addr peer;
    uint8_t *copy;

    if (size == 0 || size > 4096)
        return 0;
    lsis = host_lsis_new(&conf);
    v = host_v4_new(&env, &io, lsis, data[0] & 2);
    copy = malloc(size);
    if (lsis == NULL || v == NULL || copy == NULL || host_lsi_give(lsis, &PEER, 1, &peer))
        abort();
    memcpy(copy, data, size);
    host_v4_identity(v, &OWN, true);
    for (size_t at = 1, n; at < size; at += n) {
        n = size - at;
        if (data[0] & 8 && n >= 2) {
            size_t said = (size_t)(copy[at] << 8 | copy[at + 1]);
            at += 2;
            n = said < size - at ? said : size - at;
        }
        one(v, lsis, &peer, data[0], copy + at, n);
    }
    free(copy);
    host_v4_free(v);
    host_lsis_free(lsis);
    return 0;
}
