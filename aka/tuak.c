/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/tuak.h"

#include <string.h>

#include "common/crypto/keccak.h"
#include "common/crypto/secret.h"

/* Where the fields stand in the permutation's input and output, in octets (TS 35.231 s6). The standard counts the bits of its fields from the
 * most significant, Keccak those of its state from the least significant one of each octet: a field goes in with its octets reversed. */
enum {
    AT_TOP = 0,
    AT_INSTANCE = 32,
    AT_NAME = 33,
    AT_RAND = 40,
    AT_AMF = 56,
    AT_SQN = 58,
    AT_KEY = 64,
    AT_PAD = 96,
    AT_PAD_END = 135
};
enum { AT_MAC = 0, AT_RES = 0, AT_CK = 32, AT_IK = 64, AT_AK = 96 };

/* INSTANCE (s6.2 to s6.5): which function, then the lengths that go into it. */
#define F1      0x00
#define F1_STAR 0x80
#define F2345   0x40
#define F5_STAR 0xc0
#define CK_256  0x04
#define IK_256  0x02
#define KEY_256 0x01

static const uint8_t name[7] = { 'T', 'U', 'A', 'K', '1', '.', '0' };

/* What one call works with; in secret memory: the state is as good as the key. */
struct work {
    uint8_t state[KECCAK_STATE];
    struct tuak_out all;
};

static void put(struct work *w, unsigned at, const uint8_t *field, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->state[at + i] = field[n - 1 - i];
}

static void take(const struct work *w, unsigned at, uint8_t *field, size_t n)
{
    for (size_t i = 0; i < n; i++)
        field[n - 1 - i] = w->state[at + i];
}

/* Bits 2 to 4 of INSTANCE say how long MAC or RES is: 64, 128, 256 bits have a bit each, 32 none. */
static uint8_t length_bits(size_t n)
{
    return n == 8 ? 0x08 : n == 16 ? 0x10 : n == 32 ? 0x20 : 0;
}

static uint8_t key_bit(const struct tuak_shape *s)
{
    return s->k_len == 32 ? KEY_256 : 0;
}

static bool one_or_other(size_t n)
{
    return n == 16 || n == 32;
}

static bool shape_ok(const struct tuak_shape *s)
{
    return one_or_other(s->k_len) && one_or_other(s->ck_len) && one_or_other(s->ik_len) && s->res_len &&
           (s->res_len == 4 || length_bits(s->res_len)) && length_bits(s->mac_len) && s->iterations >= 1 &&
           s->iterations <= TUAK_ITERATIONS_MAX;
}

/* What all functions have in common: the operator's value, the function, the name, the key and the padding of a sponge of rate 1088. */
static void begin(struct work *w, const struct tuak_shape *s, uint8_t instance, const uint8_t *top,
                  const uint8_t *k)
{
    memset(w->state, 0, sizeof(w->state));
    put(w, AT_TOP, top, TUAK_TOP_LEN);
    w->state[AT_INSTANCE] = instance | key_bit(s);
    put(w, AT_NAME, name, sizeof(name));
    put(w, AT_KEY, k, s->k_len);
    w->state[AT_PAD] = 0x1f;
    w->state[AT_PAD_END] = 0x80;
}

static void permute(struct work *w, const struct tuak_shape *s)
{
    for (unsigned i = 0; i < s->iterations; i++)
        keccak_f1600(w->state);
}

err tuak_topc(const struct tuak_shape *s, const uint8_t *k, const uint8_t top[TUAK_TOP_LEN],
              uint8_t topc[TUAK_TOP_LEN])
{
    if (!one_or_other(s->k_len) || s->iterations < 1 || s->iterations > TUAK_ITERATIONS_MAX)
        return ERR_RANGE;
    struct work *w = sec_alloc(sizeof(*w));
    if (!w)
        return ERR_MEMORY;
    begin(w, s, 0, top, k);
    permute(w, s);
    take(w, AT_TOP, topc, TUAK_TOP_LEN);
    sec_free(w);
    return ERR_OK;
}

struct input {
    const uint8_t *k, *topc, *rand, *sqn, *amf;
};

/* f1 and f1* (s6.2, s6.3): the only functions that see SQN and AMF. */
static void mac(struct work *w, const struct tuak_shape *s, const struct input *in, uint8_t function,
                uint8_t *out)
{
    begin(w, s, function | length_bits(s->mac_len), in->topc, in->k);
    put(w, AT_RAND, in->rand, AKA_RAND_LEN);
    put(w, AT_AMF, in->amf, AKA_AMF_LEN);
    put(w, AT_SQN, in->sqn, AKA_SQN_LEN);
    permute(w, s);
    take(w, AT_MAC, out, s->mac_len);
}

/* f2 to f5 out of one permutation (s6.4). */
static void response(struct work *w, const struct tuak_shape *s, const struct input *in)
{
    uint8_t instance = F2345 | length_bits(s->res_len);
    if (s->ck_len == 32)
        instance |= CK_256;
    if (s->ik_len == 32)
        instance |= IK_256;
    begin(w, s, instance, in->topc, in->k);
    put(w, AT_RAND, in->rand, AKA_RAND_LEN);
    permute(w, s);
    take(w, AT_RES, w->all.res, s->res_len);
    take(w, AT_CK, w->all.ck, s->ck_len);
    take(w, AT_IK, w->all.ik, s->ik_len);
    take(w, AT_AK, w->all.ak, AKA_AK_LEN);
}

/* f5* (s6.5): no lengths in its INSTANCE. */
static void resync_ak(struct work *w, const struct tuak_shape *s, const struct input *in)
{
    begin(w, s, F5_STAR, in->topc, in->k);
    put(w, AT_RAND, in->rand, AKA_RAND_LEN);
    permute(w, s);
    take(w, AT_AK, w->all.ak_star, AKA_AK_LEN);
}

err tuak_run(const struct tuak_shape *s, const uint8_t *k, const uint8_t topc[TUAK_TOP_LEN],
             const uint8_t rand[AKA_RAND_LEN], const uint8_t sqn[AKA_SQN_LEN], const uint8_t amf[AKA_AMF_LEN],
             struct tuak_out *out)
{
    const struct input in = { k, topc, rand, sqn, amf };
    if (!shape_ok(s))
        return ERR_RANGE;
    struct work *w = sec_alloc(sizeof(*w));
    if (!w)
        return ERR_MEMORY;
    mac(w, s, &in, F1, w->all.mac_a);
    mac(w, s, &in, F1_STAR, w->all.mac_s);
    response(w, s, &in);
    resync_ak(w, s, &in);
    *out = w->all;
    sec_free(w);
    return ERR_OK;
}
