/* SPDX-License-Identifier: Apache-2.0
 *
 * A control relay (RFC 9028 s4.5) and its client meet one packet that nobody made on purpose. Input: stage(1) flags(1) which(1) octets, as in
 * hip_exchange.h. Stages: 0 the server passes it on to its client, who takes it; 1 the server is asked where a client's packet wants to go, and
 * passes it on; 2 the client gets it with RELAY_FROM and a right RELAY_HMAC behind it, whatever a server would have said; 3 the
 * same, and what authenticates it is the Initiator's; 4 the server, as a rendezvous server (RFC 8004), relays it to its client.
 */
#include "hip/nat.h"
#include "hip/param_nat.h"
#include "tests/fuzz/hip_exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TO_CLIENT, FROM_CLIENT, RECEIVED, SIGNED, RENDEZVOUS, STAGES };

struct world {
    struct sim *s;
    struct sim_host *fa, *mn, *cn, *rc;
    struct hip_ref at_fa,
        at_rvs; /* the server's associations with mn, and with rc, which is no host in UDP */
};

static struct sim_host *host(struct sim *s, const char *name, int key, const char *addr, bool server)
{
    struct hip_config c = sim_config();
    c.puzzle_k = 1;
    c.relay_server = server;
    c.nat_modes[0] = HIP_NAT_ICE_HIP_UDP;
    c.nat_modes[1] = HIP_NAT_UDP_ENCAPSULATION;
    return sim_host(s, name, &c, key, addr);
}

/* mn is registered at fa; cn has an association with mn through it, and one I1 more is under way. */
static struct world make(void)
{
    struct world w = { .s = sim_new(9) };
    w.fa = host(w.s, "fa", 1, "198.51.100.1", true);
    w.mn = host(w.s, "mn", 0, "192.0.2.1", false);
    w.cn = host(w.s, "cn", 2, "203.0.113.7", false);
    w.rc = host(w.s, "rc", 4, "192.0.2.9", false);
    w.fa->relays = true;
    struct hip_ref at_mn = sim_connect_udp(w.s, w.mn, w.fa, w.fa);
    sim_run(w.s, 500000);
    w.at_fa = w.fa->ref;
    (void)sim_connect(w.s, w.rc, w.fa);
    sim_run(w.s, 500000);
    w.at_rvs = w.fa->ref;
    if (hip_relay_trust(w.mn->e, at_mn, true) != ERR_OK)
        abort();
    (void)sim_connect_udp(w.s, w.cn, w.mn, w.fa);
    sim_run(w.s, 500000);
    struct hip_contents q = { .request = { .present = true, .lifetime = 100, .n = 1, .type = { 1 } } };
    if (hip_update(w.mn->e, w.mn->ref, &q, w.s->now, &w.s->out) != ERR_OK)
        abort();
    sim_act(w.s, w.mn);
    return w;
}

static size_t packet_of(const struct world *w, const uint8_t *data, size_t size,
                        uint8_t buf[HIP_PACKET_MAX + 64])
{
    const struct sim_packet *real = sim_sent(w->s, data[2]);
    size_t n = size - 3 < HIP_PACKET_MAX ? size - 3 : HIP_PACKET_MAX;
    memcpy(buf, data + 3, n);
    if ((data[1] & FUZZ_XOR) && real) {
        for (size_t i = 0; i < real->n; i++)
            buf[i] ^= real->p[i];
        n = real->n;
    }
    return n;
}

static void serve(struct world *w, unsigned stage, struct span packet)
{
    struct hip_path in = sim_udp_path(w->fa, w->cn), on = in, raw = sim_path(w->fa, w->cn);
    bool check;
    if (stage == RENDEZVOUS)
        (void)hip_relay_i1(w->fa->e, w->at_rvs, &raw, packet, w->s->now, &w->s->out);
    else if (stage == TO_CLIENT)
        (void)hip_relay_to_client(w->fa->e, w->at_fa, &in, NULL, packet, w->s->now, &w->s->out);
    else if (hip_relay_wants(packet, &on.peer, &check) == HIP_TAKEN)
        (void)hip_relay_from_client(w->fa->e, &on, packet, w->s->now, &w->s->out);
    for (size_t i = 0; i < w->s->out.n; i++) { /* what leaves is whole */
        struct hip_pkt k;
        if (hip_pkt_parse(w->s->out.v[i].send.octets, &k) != HIP_TAKEN)
            abort();
    }
}

static void receive(struct world *w, bool sign, uint8_t *p, size_t n)
{
    const struct hip_assoc *server = hip_assoc_by_ref(w->fa->e, w->at_fa);
    struct hip_path path = sim_udp_path(w->mn, w->fa), cn = sim_udp_path(w->cn, w->fa);
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build b;
    struct hip_pkt k;
    struct span out;
    if (sign)
        fuzz_sign(w->cn, hip_assoc_by_pair(w->cn->e, sim_hit(w->cn), sim_hit(w->mn)), p, &n);
    if (hip_pkt_parse(span_of(p, n), &k) != HIP_TAKEN || k.raw.n > HIP_PACKET_MAX)
        return;
    hip_build_resume(&b, buf, sizeof buf, &k);
    hip_put_transport_addr(&b, HIP_PAR_RELAY_FROM, &(struct hip_transport_addr){ 17, cn.local });
    hip_mac_add(&b, HIP_PAR_RELAY_HMAC, server->rhash, hip_key_mac(&server->keys.secrets->hip.out));
    if (hip_build_finish(&b, NULL, NULL, &out) == ERR_OK)
        (void)sim_inject(w->s, w->mn, &path, out);
    sim_run(w->s, UINT64_C(40000000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world server; /* a server keeps nothing of what it passes on: one will do */
    uint8_t buf[HIP_PACKET_MAX + 64] = { 0 };
    if (size < 3)
        return 0;
    unsigned stage = data[0] % STAGES;
    bool served = stage == TO_CLIENT || stage == FROM_CLIENT || stage == RENDEZVOUS;
    if (!server.s)
        server = make();
    struct world w = served ? server : make();
    size_t n = packet_of(&w, data, size, buf);
    uint8_t *copy = malloc(n ? n : 1); /* of exactly this size: the sanitizer sees a read past its end */
    if (!copy)
        abort();
    memcpy(copy, buf, n);
    if (served) {
        serve(&w, stage, span_of(copy, n));
        hip_actions_reset(&w.s->out);
    } else {
        receive(&w, stage == SIGNED, buf, n);
        sim_free(w.s);
    }
    free(copy);
    return 0;
}
