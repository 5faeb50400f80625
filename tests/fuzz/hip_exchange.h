/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two fuzz targets of whole exchanges share. Input: stage(1) flags(1) which(1) and then octets:
 *
 *   flags 0x01  the octets are XORed onto a packet that the peer really sent in this run (which: its packet type), else they are the packet
 *   flags 0x02  the checksum is made right
 *   flags 0x04  HIP_MAC(_2) and HIP_SIGNATURE(_2) are made again with the peer's keys, so that what they protect is reached
 *
 * The exchange is the same in every run: keys, randomness and time are the simulator's.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "hip/auth.h"
#include "hip/core.h"
#include "tests/sim/sim.h"

#define FUZZ_XOR      0x01
#define FUZZ_CHECKSUM 0x02
#define FUZZ_AUTH     0x04

/* The packet again, what authenticates it made new by `from`; left as it is when it does not parse. */
static void fuzz_sign(struct sim_host *from, struct hip_assoc *a, uint8_t *p, size_t *n)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_pkt k;
    struct hip_build b;
    struct span out;
    if (hip_pkt_parse(span_of(p, *n), &k) != HIP_TAKEN)
        return;
    hip_build_init(&b, buf, sizeof buf, (enum hip_pkt_type)k.type, &k.sender, &k.receiver, k.controls);
    for (size_t i = 0; i < k.p.n; i++) {
        const struct hip_par *par = &k.p.par[i];
        bool keyed = a && a->keys.secrets;
        struct span mac = keyed ? hip_key_mac(&a->keys.secrets->hip.out) : span_of(NULL, 0);
        if (par->type == HIP_PAR_HIP_MAC && keyed)
            hip_mac_add(&b, HIP_PAR_HIP_MAC, a->rhash, mac);
        else if (par->type == HIP_PAR_HIP_MAC_2 && keyed)
            hip_mac2_add(&b, a->rhash, mac, span_of(a->id->tlv, a->id->tlv_len));
        else if (par->type == HIP_PAR_HIP_SIGNATURE || par->type == HIP_PAR_HIP_SIGNATURE_2)
            hip_sign_add(&b, par->type, &from->hi);
        else
            hip_build_param(&b, par->type, par->v);
    }
    if (hip_build_finish(&b, NULL, NULL, &out) != ERR_OK)
        return;
    memcpy(p, out.p, out.n);
    *n = out.n;
}

/* One packet to `victim` as if `peer` had sent it. */
static inline void fuzz_packet(struct sim *s, struct sim_host *victim, struct sim_host *peer,
                               struct hip_assoc *peers, uint8_t flags, uint8_t which, struct span octets)
{
    uint8_t buf[HIP_PACKET_MAX + 64] = { 0 };
    const struct sim_packet *real = sim_sent(s, which);
    struct hip_path path = sim_path(victim, peer);
    size_t n = octets.n < HIP_PACKET_MAX ? octets.n : HIP_PACKET_MAX;
    if (n)
        memcpy(buf, octets.p, n);
    if ((flags & FUZZ_XOR) && real) {
        for (size_t i = 0; i < real->n; i++)
            buf[i] ^= real->p[i];
        n = real->n;
    }
    if (flags & FUZZ_AUTH)
        fuzz_sign(peer, peers, buf, &n);
    if ((flags & FUZZ_CHECKSUM) && n >= HIP_HEADER_LEN)
        hip_set_checksum(buf, n, &path.peer, &path.local);
    /* A copy of exactly this size: the sanitizer sees a read past its end. */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, buf, n);
    (void)sim_inject(s, victim, &path, span_of(copy, n));
    free(copy);
}

/* The same from stage(1) flags(1) which(1) octets; then all timers run out. */
static inline void fuzz_feed(struct sim *s, struct sim_host *victim, struct sim_host *peer,
                             struct hip_assoc *peers, const uint8_t *data, size_t size)
{
    fuzz_packet(s, victim, peer, peers, data[1], data[2], span_of(data + 3, size - 3));
    sim_run(s, UINT64_C(300000000));
}

static inline struct sim_host *fuzz_host(struct sim *s, const char *name, int key, const char *addr)
{
    struct hip_config c = sim_config();
    c.offer = (struct hip_reg_offer){ .min = 91, .max = 150, .n = 1, .type = { 1 } };
    c.puzzle_k = 1;
    return sim_host(s, name, &c, key, addr);
}
