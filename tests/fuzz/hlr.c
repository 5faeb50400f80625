/* SPDX-License-Identifier: Apache-2.0
 *
 * The GSUP client against an HLR that says anything: the input is a row of steps, an octet what (ask, time passes, connection lost), or frames of the
 * HLR's behind a length. An answer is good only with vectors of the kind that was asked for, and nothing grows.
 */
#include <stdlib.h>
#include <string.h>

#include "as/hlr.h"
#include "common/base/cursor.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ASKED 4

static bool waits[256], separated[256], status[256];
static bool inside;

static void zeros(void *ctx, void *out, size_t n)
{
    memset(out, 0, n);
}
static const struct env env = { .random = zeros };

static err on_send(void *ctx, struct span o)
{
    return o.n ? ERR_OK : ERR_RANGE;
}

static void nothing(void *ctx)
{
}

static void on_answer(void *ctx, const struct source_ref *ref, enum aka_server_auc what,
                      const struct aka_vector *v)
{
    if (inside || ref->slot > 255 || !waits[ref->slot])
        abort();
    waits[ref->slot] = false;
    if ((what == AKA_AUC_OK && !status[ref->slot]) != (v != NULL))
        abort();
    if (v && (aka_autn_separated(v->autn) != separated[ref->slot] || v->res_len < AKA_RES_MIN))
        abort();
}

static const struct hlr_ops ops = {
    .send = on_send, .settled = nothing, .reset = nothing, .answer = on_answer
};

static void ask(struct hlr *h, uint8_t slot, bool sep, bool resync, bool only_status, uint64_t now)
{
    static const uint8_t rand[16], auts[14];
    struct source_req r = { .ref = { .slot = slot },
                            .imsi = slot & 1 ? "001010000000001" : "001010000000002",
                            .want = only_status ? AKA_WANT_STATUS
                                    : sep       ? AKA_WANT_SEPARATED
                                                : AKA_WANT_PLAIN,
                            .rand = resync ? rand : NULL,
                            .auts = resync ? auts : NULL };
    if (waits[slot])
        return;
    separated[slot] = sep;
    status[slot] = only_status;
    inside = true;
    waits[slot] = hlr_ask(h, &r, now);
    inside = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    const struct as_hlr conf = { .name = "fuzz",
                                 .unit = "us",
                                 .vectors = 3,
                                 .outstanding = ASKED,
                                 .cache_max = 1,
                                 .request_us = 2000000,
                                 .keepalive_us = 10000000,
                                 .cache_us = 5000000 };
    struct rcur c = rcur_of(span_of(data, size));
    uint64_t now = 1;
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    memset(waits, 0, sizeof waits);
    struct hlr *h = hlr_new(&conf, &env, &ops, NULL);
    if (!h)
        abort();
    hlr_up(h, now);
    hlr_input(h, span_of("\x00\x01\xfe\x04", 4), now);
    while (rcur_left(&c)) {
        uint8_t what = rcur_u8(&c);
        if (what < 0x80) {
            ask(h, what & 15, (what & 16) != 0, (what & 96) == 32, (what & 64) != 0, now);
        } else if (what < 0xc0) {
            now += (uint64_t)(what & 0x3f) * 250000;
        } else if (what < 0xd0) {
            hlr_down(h, ERR_IO, now);
            if (what & 1)
                hlr_up(h, now);
        } else {
            uint16_t n = rcur_u16(&c);
            hlr_input(h, rcur_take(&c, n < rcur_left(&c) ? n : rcur_left(&c)), now);
        }
        if (hlr_deadline(h) <= now)
            hlr_timeout(h, now);
        if (hlr_deadline(h) <= now || hlr_waiting(h) > ASKED || hlr_cached(h) > 4)
            abort();
    }
    hlr_free(h);
    return 0;
}
