/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/steer.h"

#include <string.h>

#define MARKER_LEN 4
#define HIP_LEN    40 /* header, RFC 7401 s5.1 */
#define OFF_HITS   8  /* sender's, then receiver's */
#define MIX        0x9e3779b1u

/* ---- in C ---- */

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t mix(uint32_t acc, uint32_t w, uint32_t seed)
{
    acc = ((w ^ acc) + seed) * MIX;
    return acc ^ acc >> 15;
}

unsigned fa_steer_hit(const struct fa_steer *s, const struct hit *client)
{
    uint32_t acc = 0;
    for (size_t i = 0; i < 4; i++)
        acc = mix(acc, word(client->b + 4 * i), s->seed[i]);
    return acc % s->workers;
}

unsigned fa_steer_esp(const struct fa_steer *s, uint32_t spi)
{
    return mix(0, spi, s->seed[0]) % s->workers;
}

bool fa_steer_ours(const struct fa_steer *s, const struct hit *hit)
{
    bool ours = hit_is_null(hit);
    for (size_t i = 0; i < s->n_own; i++)
        ours |= hit_eq(hit, &s->own[i]);
    return ours;
}

unsigned fa_steer_hip(const struct fa_steer *s, struct span packet)
{
    struct hit from, to;
    if (packet.n < HIP_LEN)
        return 0;
    memcpy(from.b, packet.p + OFF_HITS, sizeof from.b);
    memcpy(to.b, packet.p + OFF_HITS + sizeof from.b, sizeof to.b);
    return fa_steer_hit(s, fa_steer_ours(s, &to) ? &from : &to);
}

unsigned fa_steer_udp(const struct fa_steer *s, struct span payload)
{
    if (payload.n < MARKER_LEN)
        return 0;
    uint32_t spi = word(payload.p);
    return spi ? fa_steer_esp(s, spi)
               : fa_steer_hip(s, span_of(payload.p + MARKER_LEN, payload.n - MARKER_LEN));
}

/* ---- as classic BPF ---- */

/* The eight words of the two HITs lie in the program's memory, the sender's first. X is the accumulator of mix(). */
#define M_SENDER   0
#define M_RECEIVER 4

static void op(struct fa_steer_prog *p, uint16_t code, uint32_t k)
{
    p->v[p->n++] = (struct sock_filter)BPF_STMT(code, k);
}

static void jump(struct fa_steer_prog *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->v[p->n++] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
}

/* The word is in A. */
static void op_mix(struct fa_steer_prog *p, uint32_t seed)
{
    op(p, BPF_ALU | BPF_XOR | BPF_X, 0);
    op(p, BPF_ALU | BPF_ADD | BPF_K, seed); /* NOLINT(misc-redundant-expression): both are 0 */
    op(p, BPF_ALU | BPF_MUL | BPF_K, MIX);
    op(p, BPF_MISC | BPF_TAX, 0);
    op(p, BPF_ALU | BPF_RSH | BPF_K, 15);
    op(p, BPF_ALU | BPF_XOR | BPF_X, 0);
    op(p, BPF_MISC | BPF_TAX, 0);
}

/* What is done with the number of the worker, in A. */
static void op_end(const struct fa_steer *s, struct fa_steer_prog *p, int only)
{
    op(p, BPF_ALU | BPF_MOD | BPF_K, s->workers);
    if (only < 0) {
        op(p, BPF_RET | BPF_A, 0);
        return;
    }
    jump(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)only, 0, 1);
    op(p, BPF_RET | BPF_K, UINT32_MAX);
    op(p, BPF_RET | BPF_K, 0);
}

/* What is too short for its kind is worker 0's. */
static void op_first(struct fa_steer_prog *p, int only)
{
    op(p, BPF_RET | BPF_K, only < 0 || only > 0 ? 0 : UINT32_MAX);
}

static void op_hit(const struct fa_steer *s, struct fa_steer_prog *p, uint32_t at, int only)
{
    op(p, BPF_LDX | BPF_IMM, 0);
    for (uint32_t i = 0; i < 4; i++) {
        op(p, BPF_LD | BPF_MEM, at + i);
        op_mix(p, s->seed[i]);
    }
    op(p, BPF_MISC | BPF_TXA, 0);
    op_end(s, p, only);
}

/* mode BPF_ABS, or BPF_IND with X; at: where the HIP header begins. */
static void op_hip(const struct fa_steer *s, struct fa_steer_prog *p, uint16_t mode, uint32_t at, int only)
{
    static const struct hit null = { 0 };
    size_t to_sender[FA_STEER_OWN_MAX + 1];
    for (uint32_t i = 0; i < 8; i++) {
        op(p, BPF_LD | BPF_W | mode, at + OFF_HITS + 4 * i);
        op(p, BPF_ST, M_SENDER + i);
    }
    for (size_t c = 0; c <= s->n_own; c++) {
        const struct hit *h = c ? &s->own[c - 1] : &null;
        for (uint32_t i = 0; i < 4; i++) {
            op(p, BPF_LD | BPF_MEM, M_RECEIVER + i);
            jump(p, BPF_JMP | BPF_JEQ | BPF_K, word(h->b + 4 * i), 0, (uint8_t)(2 * (3 - i) + 1));
        }
        to_sender[c] = p->n;
        op(p, BPF_JMP | BPF_JA, 0);
    }
    op_hit(s, p, M_RECEIVER, only);
    for (size_t c = 0; c <= s->n_own; c++)
        p->v[to_sender[c]].k = (uint32_t)(p->n - to_sender[c] - 1);
    op_hit(s, p, M_SENDER, only);
}

void fa_steer_udp_prog(const struct fa_steer *s, struct fa_steer_prog *out)
{
    out->n = 0;
    op(out, BPF_LD | BPF_W | BPF_LEN, 0);
    jump(out, BPF_JMP | BPF_JGE | BPF_K, MARKER_LEN, 1, 0);
    op_first(out, -1);
    op(out, BPF_LD | BPF_W | BPF_ABS, 0);
    size_t test = out->n;
    jump(out, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0);
    op(out, BPF_LDX | BPF_IMM, 0);
    op_mix(out, s->seed[0]);
    op_end(s, out, -1);
    out->v[test].jt = (uint8_t)(out->n - test - 1);
    op(out, BPF_LD | BPF_W | BPF_LEN, 0);
    jump(out, BPF_JMP | BPF_JGE | BPF_K, MARKER_LEN + HIP_LEN, 1, 0);
    op_first(out, -1);
    op_hip(s, out, BPF_ABS, MARKER_LEN, -1);
}

void fa_steer_raw_prog(const struct fa_steer *s, bool v4, unsigned worker, struct fa_steer_prog *out)
{
    out->n = 0;
    if (v4)
        op(out, BPF_LDX | BPF_B | BPF_MSH, 0); /* length of the IP header */
    else
        op(out, BPF_LDX | BPF_IMM, 0);
    op(out, BPF_LD | BPF_W | BPF_LEN, 0);
    op(out, BPF_ALU | BPF_SUB | BPF_X, 0);
    jump(out, BPF_JMP | BPF_JGE | BPF_K, HIP_LEN, 1, 0);
    op_first(out, (int)worker);
    op_hip(s, out, BPF_IND, 0, (int)worker);
}
