/* SPDX-License-Identifier: Apache-2.0
 *
 * What a registration costs in memory: an entry of the directory (fa/core/directory.h), with as many of them as configured, and beside it an association
 * of the HIP engine, after real base exchanges, and what fa/core keeps of its host. For tests/bench/relay-user --memory.
 *
 *   memory ENTRIES ASSOCIATIONS
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "fa/core/core.h"
#include "fa/core/directory.h"

static struct env env;

/* Resident, and in use by malloc, octets. Locked memory (libsodium's) is in the first only. */
struct used {
    size_t resident, heap;
};

static struct used used(void)
{
    char line[256];
    struct used u = { .heap = mallinfo2().uordblks + mallinfo2().hblkhd };
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            u.resident = (size_t)strtoull(line + 6, NULL, 10) * 1024;
    if (f)
        (void)fclose(f);
    return u;
}

/* ---- the directory ---- */

static size_t directory(uint32_t n, struct used *grown)
{
    static const uint8_t seed[16] = { 1 };
    struct used before = used();
    struct fa_directory *d = fa_directory_new(n, 2, seed);
    if (!d)
        exit(1);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct fa_dir_entry e = {
            .expires_us = 1, .owner = (uint16_t)(i % 2), .kinds = FA_DIR_CONTROL, .key_len = 32
        };
        env_random(&env, e.hit.b, sizeof e.hit.b);
        e.local = e.peer = addr_v4(0x0a000000 + i);
        refused += fa_directory_put(d, &e) != ERR_OK;
    }
    struct used after = used();
    *grown = (struct used){ after.resident - before.resident, after.heap - before.heap };
    size_t each = fa_directory_entry_octets(d);
    fprintf(stderr, "%u entries, %u refused\n", n, refused);
    fa_directory_free(d);
    return each;
}

/* ---- associations ---- */

static struct hip_engine *engine(struct hip_hi *hi, uint32_t max)
{
    struct hip_config c = { .env = &env,
                            .assoc_max = max,
                            .dh_groups = { 7 },
                            .ciphers = { 2 },
                            .esp_suites = { 8 },
                            .puzzle_k = 0 };
    struct hip_engine *e = hip_engine_new(&c);
    if (!e || hip_hi_generate(SIG_ECDSA_P256, 0, hi) != ERR_OK ||
        hip_identity_add(e, hi, 1, 1000000) != ERR_OK)
        exit(1);
    return e;
}

static void answer(struct hip_engine *e, const struct hip_action *a, uint64_t now, struct hip_actions *out)
{
    struct hip_answer yes = { .accept = true };
    if (hip_answer(e, a->ref, &yes, now, out) != ERR_OK)
        exit(1);
}

/* The packets of one base exchange, by hand. */
static void exchange(struct hip_engine *server, const struct hit *to, uint32_t number)
{
    static struct hip_actions acts[2][2];
    struct hip_hi hi = { 0 };
    struct hip_engine *side[2] = { engine(&hi, 2), server };
    struct addr ip[2] = { addr_v4(0x0a000000 + number), addr_v4(0xc0000201) };
    struct hip_path path = { .local = ip[0], .peer = ip[1] };
    struct hip_ref ref;
    uint64_t now = 2000000 + number;
    size_t fill[2] = { 0, 0 };
    for (int i = 0; i < 2; i++)
        hip_actions_reset(&acts[i][0]), hip_actions_reset(&acts[i][1]);
    if (hip_connect(side[0], &hi.hit, to, &path, 1, now, &acts[0][0], &ref) != ERR_OK)
        exit(1);
    for (int more = 1; more;) {
        more = 0;
        for (int i = 0; i < 2; i++) {
            struct hip_actions *from = &acts[i][fill[i]], *own = &acts[i][fill[i] ^= 1];
            hip_actions_reset(own);
            for (size_t k = 0; k < from->n; k++, more = 1) {
                const struct hip_action *a = &from->v[k];
                struct hip_path back = { .local = a->send.path.peer, .peer = a->send.path.local };
                if (a->type == HIP_ACT_SEND)
                    (void)hip_input(side[!i], &back, a->send.octets, now, &acts[!i][fill[!i]]);
                else if (a->type == HIP_ACT_ASK_I2 || a->type == HIP_ACT_ASK_R2)
                    answer(side[i], a, now, own);
            }
            hip_actions_reset(from);
        }
        if (hip_deadline(side[0]) <= now) { /* its puzzle */
            hip_timeout(side[0], now, &acts[0][fill[0]]);
            more = 1;
        }
    }
    hip_engine_free(side[0]);
    hip_hi_done(&hi);
}

static struct used associations(uint32_t n)
{
    struct hip_hi hi = { 0 };
    struct hip_engine *server = engine(&hi, n + 200);
    struct hit to = hi.hit;
    for (uint32_t i = 0; i < 100; i++)
        exchange(server, &to, i);
    struct used before = used();
    for (uint32_t i = 0; i < n; i++)
        exchange(server, &to, 100 + i);
    struct used after = used();
    size_t pos = 0, there = 0;
    struct hip_assoc_view v;
    while (hip_assoc_next(server, &pos, &v))
        there += v.state == HIP_R2_SENT || v.state == HIP_ESTABLISHED;
    if (there != n + 100) {
        fprintf(stderr, "%zu of %u associations\n", there, n + 100);
        exit(1);
    }
    hip_engine_free(server);
    hip_hi_done(&hi);
    return (struct used){ (after.resident - before.resident) / n, (after.heap - before.heap) / n };
}

int main(int argc, char **argv)
{
    uint32_t n = argc == 3 ? (uint32_t)atoi(argv[1]) : 0, m = argc == 3 ? (uint32_t)atoi(argv[2]) : 0;
    struct used d;
    if (n == 0 || m == 0 || crypto_init() != ERR_OK)
        return 2;
    env = rt_env((struct log){ 0 });
    struct used a = associations(m);
    size_t each = directory(n, &d);
    printf("{\"directory_entries\": %u, \"directory_octets_each\": %zu, \"directory_resident_each\": %zu, "
           "\"associations\": %u, "
           "\"association_heap_each\": %zu, \"association_resident_each\": %zu, \"guest_octets\": %zu, "
           "\"relay_client_octets\": %zu}\n",
           n, each, d.resident / n, m, a.heap, a.resident, sizeof(struct fa_guest),
           sizeof(struct fa_relayed));
    return 0;
}
