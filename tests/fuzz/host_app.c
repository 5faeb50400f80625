/* SPDX-License-Identifier: Apache-2.0
 * Packets that applications put into the TUN: sealed for a peer with SAs, kept for one without, answered with ICMPv6 when it is unreachable. */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "host/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hit A = { { 0x20, 0x01, 0x00, 0x22, 1 } }, B = { { 0x20, 0x01, 0x00, 0x22, 2 } };

static void fill(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 7, n);
}

static void esp_out(void *ctx, const struct hip_path *path, const struct beet_outer *outer, struct span o)
{
    (void)ctx;
    (void)path;
    if (o.n < ESP_HEAD)
        abort();
}

/* Everything that goes to an application is an IPv6 packet between HITs. */
static void app_out(void *ctx, const uint8_t *p, size_t n)
{
    (void)ctx;
    if (n < 40 || p[0] >> 4 != 6 || (size_t)(p[4] << 8 | p[5]) + 40 != n)
        abort();
}

static void want(void *ctx, const struct hit *peer)
{
    (void)ctx;
    if (!hit_is_valid(peer))
        abort();
}

static void told(void *ctx, struct hip_ref ref)
{
    (void)ctx;
    (void)ref;
}

static void silent(void *ctx, struct hip_ref ref, uint64_t us)
{
    (void)us;
    told(ctx, ref);
}

static void used(void *ctx, struct hip_ref ref, uint64_t octets, uint64_t sent_us)
{
    (void)ctx;
    (void)ref;
    (void)octets;
}

static void due(void *ctx, struct hip_ref ref)
{
    (void)ctx;
    (void)ref;
}

static void rekeyed(void *ctx, struct hip_ref ref, uint32_t spi)
{
    (void)ctx;
    (void)ref;
    (void)spi;
}

static unsigned path_mtu(void *ctx, const struct hip_path *path)
{
    (void)ctx;
    (void)path;
    return 1400;
}

static struct esp_sa *sa(bool out)
{
    static const uint8_t key[20] = { 3 };
    struct esp_sa_params p = {
        .spi = 256, .suite = ESP_AES128_GCM16, .enc = span_of(key, sizeof(key)), .outbound = out
    };
    struct esp_sa *made = NULL;

    return esp_sa_new(&p, &made) ? NULL : made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct env env = { .random = fill };
    static const struct host_data_io io = {
        NULL, esp_out, app_out, want, silent, used, due, rekeyed, path_mtu
    };
    static const struct host_data_limits limits = { .packets = 1 };
    static const struct hip_path path;
    static const struct beet_outer outer = { .tclass = 3 };
    static bool ready;
    struct host_data *d;
    uint8_t *buf;

    if (size > 9000)
        return 0;
    if (!ready && crypto_init())
        abort();
    ready = true;
    d = host_data_new(&env, &io, &limits);
    buf = malloc(size + 2 * HOST_DATA_ROOM);
    if (d == NULL || buf == NULL)
        abort();
    memcpy(buf + HOST_DATA_ROOM, data, size);
    host_data_from_app(d, buf + HOST_DATA_ROOM, size, 1);
    host_data_unreachable(d, &B, 2);
    host_data_up(d, (struct hip_ref){ 1, 1 }, &A, &B, sa(false), sa(true), &path, 2);
    host_data_from_app(d, buf + HOST_DATA_ROOM, size, 3);
    host_data_from_net(d, &outer, span_of(data, size), 4);
    host_data_free(d);
    free(buf);
    return 0;
}
