/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole Responder, at each stage of an exchange with a good peer, meets one packet that nobody made on purpose. See hip_exchange.h.
 * Stages: 0 nothing yet, 1 R1 given, 2 owner asked, 3 R2-SENT, 4 ESTABLISHED with UPDATEs under way, 5 CLOSING, 6 CLOSED,
 * 7 the peer is its rendezvous server, 8 the peer announces its locators.
 */
#include "tests/fuzz/hip_exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An I1 of a third host, relayed by mn: it is what mn sent last. */
static void relayed_i1(struct sim *s, struct sim_host *mn, const struct sim_host *fa)
{
    struct hip_path in = { .local = mn->addr[0], .peer = mn->addr[0] };
    uint8_t buf[HIP_PACKET_MAX];
    struct hit third = *sim_hit(mn);
    struct hip_build b;
    struct span i1;
    in.peer.ip[3] = 99;
    third.b[15] ^= 1;
    hip_build_init(&b, buf, sizeof buf, HIP_PKT_I1, &third, sim_hit(fa), 0);
    hip_put_dh_groups(&b, &(struct hip_ids8){ .n = 2, .id = { 7, 8 } });
    if (hip_build_finish(&b, &in.peer, &in.local, &i1) != ERR_OK ||
        hip_relay_i1(mn->e, mn->ref, &in, i1, s->now, &s->out) != HIP_TAKEN)
        abort();
    sim_act(s, mn);
}

static void advance(struct sim *s, struct sim_host *fa, struct sim_host *mn, unsigned stage)
{
    static const uint8_t eap[16] = { 0x80, 0x20, 0, 8, 1, 0, 0, 0, 2, 0, 0, 4 };
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } },
                              .inner = span_of(eap, sizeof eap) };
    err r = ERR_OK;
    if (stage == 0)
        return;
    if (stage == 1)
        sim_rule(s, mn, HIP_PKT_I2, SIM_LOSE)->count = 100;
    fa->hold = stage == 2;
    fa->asked = (struct hip_ref){ 0 };
    (void)sim_connect(s, mn, fa);
    sim_run(s, 500000);
    if (stage < 4)
        return;
    hip_sa_used(fa->e, fa->ref, s->now, &s->out);
    sim_act(s, fa);
    /* Everything later is lost, so that what was sent is there to be changed. */
    sim_rule(s, mn, 0, SIM_LOSE)->count = 1000;
    if (stage == 7)
        r = hip_rvs_trust(fa->e, fa->ref, true);
    if (stage == 7)
        relayed_i1(s, mn, fa);
    struct addr to = mn->addr[0];
    struct hip_path path = { .local = to, .peer = fa->addr[0] };
    if (r == ERR_OK)
        r = stage == 8 ? hip_move(mn->e, mn->ref, &path, &to, 1, s->now, &s->out)
                       : hip_update(mn->e, mn->ref, &q, s->now, &s->out);
    sim_act(s, mn);
    struct sim_packet update = *sim_sent(s, HIP_PKT_UPDATE);
    if (r == ERR_OK)
        r = hip_update(fa->e, fa->ref, &q, s->now, &s->out);
    sim_act(s, fa);
    if ((stage == 5 || stage == 6) && r == ERR_OK)
        r = hip_close(fa->e, fa->ref, s->now, &s->out);
    sim_act(s, fa);
    if (stage <= 6 && r == ERR_OK)
        r = hip_close(mn->e, mn->ref, s->now, &s->out);
    sim_act(s, mn);
    if (stage == 6)
        (void)sim_inject(s, fa, &(struct hip_path){ fa->addr[0], mn->addr[0] },
                         span_of(sim_sent(s, HIP_PKT_CLOSE)->p, sim_sent(s, HIP_PKT_CLOSE)->n));
    s->last[HIP_PKT_UPDATE] = update;
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
    advance(s, fa, mn, data[0] % 9);
    struct hip_assoc *peers = hip_assoc_by_pair(mn->e, sim_hit(mn), sim_hit(fa));
    fuzz_feed(s, fa, mn, peers, data, size);
    sim_free(s);
    return 0;
}
