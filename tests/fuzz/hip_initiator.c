/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole Initiator, at each stage of an exchange with a good peer, meets one packet that nobody made on purpose. See hip_exchange.h.
 * Stages: 0 I1-SENT, 1 opportunistic I1-SENT, 2 owner asked, 3 I2-SENT, 4 ESTABLISHED, 5 just moved, 6 CLOSING.
 */
#include "tests/fuzz/hip_exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void advance(struct sim *s, struct sim_host *mn, struct sim_host *fa, unsigned stage)
{
    static const struct hit null;
    struct hip_path path = sim_path(mn, fa);
    struct hip_ref ref;
    mn->hold = stage == 2;
    if (stage == 0 || stage == 1)
        sim_rule(s, fa, HIP_PKT_R1, SIM_LOSE)->count = 100;
    if (stage == 3)
        sim_rule(s, fa, HIP_PKT_R2, SIM_LOSE)->count = 100;
    if (hip_connect(mn->e, sim_hit(mn), stage == 1 ? &null : sim_hit(fa), &path, 1, s->now, &s->out, &ref) !=
        ERR_OK)
        abort();
    sim_act(s, mn);
    sim_run(s, 500000);
    if (stage < 4)
        return;
    struct hip_contents q = { .response = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    struct addr to = mn->addr[0];
    err r = ERR_OK;
    to.ip[3] = 77;
    path.local = to;
    sim_rule(s, fa, 0, SIM_LOSE)->count = 1000;
    sim_rule(s, mn, 0, SIM_LOSE)->count = 1000;
    if (stage == 5)
        r = hip_move(mn->e, mn->ref, &path, &to, 1, s->now, &s->out);
    sim_act(s, mn);
    if (r == ERR_OK)
        r = hip_update(fa->e, fa->ref, &q, s->now, &s->out);
    sim_act(s, fa);
    if (stage == 6 && r == ERR_OK)
        r = hip_close(mn->e, mn->ref, s->now, &s->out);
    sim_act(s, mn);
    if (r != ERR_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct sim *s = sim_new(7);
    struct sim_host *mn = fuzz_host(s, "mn", 0, "192.0.2.1");
    struct sim_host *fa = fuzz_host(s, "fa", 1, "198.51.100.1");
    advance(s, mn, fa, data[0] % 7);
    struct hip_assoc *peers = hip_assoc_by_pair(fa->e, sim_hit(fa), sim_hit(mn));
    fuzz_feed(s, mn, fa, peers, data, size);
    sim_free(s);
    return 0;
}
