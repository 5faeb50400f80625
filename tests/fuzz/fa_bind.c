/* SPDX-License-Identifier: Apache-2.0
 *
 * The Forwarding Agent's side of the SIM binding against a host that has a good association and says anything in it, and an authentication server
 * that says anything: UPDATEs with arbitrary registration lists and inner parameters, under right HIP_MAC and signature, and Access-Challenge, -Accept
 * and -Reject with arbitrary contents. Without an honest run nothing may be bound, and nothing may stay open.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "tests/sim/fa_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 24

static void raw_update(struct fw *w, struct fw_mn *m, struct rcur *c)
{
    struct hip_contents k = { .request = { .lifetime = rcur_u8(c) } };
    k.request.n = rcur_u8(c) % 4;
    k.request.present = k.request.n != 0;
    for (size_t i = 0; i < k.request.n; i++)
        k.request.type[i] = rcur_u8(c);
    k.inner = rcur_take(c, rcur_u16(c) % 600);
    (void)!fw_raw_update(w, m, &k); /* too many outstanding: refused */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rcur c = rcur_of(span_of(data, size));
    if (size < 4)
        return 0;
    struct fw *w = fw_new(7);
    struct fw_mn *m = fw_mn(w, "mn", "192.0.2.9", &w->card[0]);
    uint8_t start = rcur_u8(&c);
    fw_start(w);
    m->wanted[0] = "matti-virtanen.operator.example";
    m->cheat = MN_SILENT; /* what it says comes from the data */
    m->want_sim = start & 1;
    w->as = start & 2 ? AS_RAW : AS_GOOD;
    w->raw = span_sub(span_of(data, size), size / 2, size - size / 2);
    fw_connect(w, m);
    fw_run(w, FW_S);
    for (int i = 0; i < STEPS_MAX && rcur_left(&c) && !m->gone && m->up; i++) {
        uint8_t op = rcur_u8(&c);
        if (op % 4 == 0)
            fw_run(w, (uint64_t)(op + 1) * 40000);
        else
            raw_update(w, m, &c);
        fw_run(w, 20000);
    }
    fw_run(w, 70 * FW_S);
    struct fa_stats s;
    fa_stats_get(w->fa, &s);
    if (w->n_zone || w->n_row || w->booked || s.runs_open || s.transactions_open || w->saw_clear_imsi)
        abort();
    fw_free(w);
    return 0;
}
