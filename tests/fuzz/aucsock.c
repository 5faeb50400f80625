/* SPDX-License-Identifier: Apache-2.0
 *
 * hostapd's AuC protocol: lines of anybody who may write to the socket; the source answers every other one. Every answer is one whole line.
 */
#include <stdlib.h>
#include <string.h>

#include "as/aucsock.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct source_ref asked;
static bool have;

static bool on_send(void *ctx, const struct aucsock_peer *to, struct span line)
{
    if (line.n < sizeof "SIM-RESP-AUTH 123456 FAILURE" - 1 || line.n >= AUCSOCK_LINE_MAX ||
        memchr(line.p, '\n', line.n) ||
        (memcmp(line.p, "AKA-RESP-AUTH ", 14) != 0 && memcmp(line.p, "SIM-RESP-AUTH ", 14) != 0))
        abort();
    return true;
}

static bool on_ask(void *ctx, const struct source_req *r)
{
    if (!imsi_valid(r->imsi) || !r->rand != !r->auts)
        abort();
    asked = r->ref;
    have = true;
    return true;
}

static const struct aucsock_ops ops = { .send = on_send, .ask = on_ask };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    struct aucsock_peer peer = { 0 };
    struct aka_vector v = { .res_len = 8 };
    struct span rest = span_of(data, size);
    uint64_t now = 1;
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    have = false;
    memset(v.rand, 0x11, sizeof v.rand);
    struct aucsock *s = aucsock_new(&ops, NULL, 1, 0, true);
    if (!s)
        abort();
    for (unsigned i = 0; rest.n; i++) { /* a datagram a line */
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) + 1 : rest.n;
        aucsock_input(s, &peer, span_of(rest.p, n), now);
        rest = span_sub(rest, n, rest.n - n);
        if (have && i % 2 == 0)
            aucsock_answer(s, &asked, i % 8 ? AKA_AUC_OK : AKA_AUC_UNKNOWN, &v, now);
        if (aucsock_open(s) > AUCSOCK_OPEN_MAX)
            abort();
        now += 400000;
    }
    aucsock_free(s);
    return 0;
}
