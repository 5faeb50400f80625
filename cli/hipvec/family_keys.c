/* SPDX-License-Identifier: Apache-2.0
 * HKDF, KEYMAT, and the keys of the SIM binding. */
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/vec.h"
#include "hip/bind_key.h"
#include "hip/keymat.h"
#include "hip/suite.h"

static void hkdf(struct vec_case *c)
{
    enum hash_alg h = vec_hash(c, "hash");
    struct span ikm = vec_hex(c, "ikm"), salt = vec_hex_or_none(c, "salt"), info = vec_hex_or_none(c, "info");
    int64_t len = vec_int(c, "L");
    uint8_t prk[HASH_LEN_MAX];
    if (!vec_going(c))
        return;
    if (len < 0 || len > 1 << 20) {
        vec_malformed(c, "L out of range");
        return;
    }
    if (!vec_step(c, "prk", hkdf_extract(h, salt, ikm, prk)))
        return;
    uint8_t *out = vec_alloc(c, (size_t)len);
    err e = hkdf_expand(h, span_of(prk, hash_len(h)), info, out, (size_t)len);
    vec_verdict(c, e == ERR_OK); /* L above 255 hashes is refused (RFC 5869 s2.3) */
    vec_same(c, "prk", span_of(prk, hash_len(h)));
    if (c->valid)
        vec_same(c, "okm", span_of(out, (size_t)len));
}

struct keymat_in {
    enum hash_alg h;
    struct span kij, i, j;
    struct hit a, b;
};

static bool read_in(struct vec_case *c, const char *secret, const char *hit_a, const char *hit_b,
                    struct keymat_in *in)
{
    in->h = vec_hash(c, "rhash");
    in->kij = vec_hex(c, secret);
    in->i = vec_hex(c, "i");
    in->j = vec_hex(c, "j");
    memcpy(in->a.b, vec_hex_n(c, hit_a, 16).p, 16);
    memcpy(in->b.b, vec_hex_n(c, hit_b, 16).p, 16);
    if (vec_going(c) && (in->i.n != hash_len(in->h) || in->j.n != in->i.n))
        vec_malformed(c, "#I or #J has not the length of the hash");
    return vec_going(c);
}

static struct hip_keymat *keymat_of(struct vec_case *c, const struct keymat_in *in)
{
    struct hip_keymat *k = NULL;
    (void)vec_step(c, "keymat", hip_keymat_new(in->h, in->kij, in->i, in->j, &in->a, &in->b, &k));
    return k;
}

static void keymat(struct vec_case *c)
{
    struct keymat_in in;
    struct span want = vec_hex(c, "keymat");
    if (!read_in(c, "shared_secret", "hit_i", "hit_r", &in))
        return;
    if (vec_has(c, "L"))
        vec_same_int(c, "L", (int64_t)want.n);
    if (want.n > HIP_KEYMAT_LEN) {
        vec_skip(c, "KEYMAT of more than %d octets", HIP_KEYMAT_LEN);
        return;
    }
    struct hip_keymat *k = keymat_of(c, &in);
    uint8_t *out = vec_alloc(c, want.n);
    if (k && vec_step(c, "keymat", hip_keymat_draw(k, out, want.n))) {
        if (c->valid)
            vec_same(c, "keymat", span_of(out, want.n));
        else
            vec_verdict(c, span_eq(want, span_of(out, want.n)));
    }
    hip_keymat_free(k);
}

/* Order of RFC 7401 s6.5 and RFC 7402 s7; lengths from the registries, also of suites that only have a name here. */
static void draw_in_order(struct vec_case *c, struct hip_keymat *k, size_t enc, size_t mac, size_t esp_enc,
                          size_t esp_auth)
{
    const struct {
        const char *name;
        size_t n;
    } order[] = { { "hip_gl_encr", enc },     { "hip_gl_integ", mac },    { "hip_lg_encr", enc },
                  { "hip_lg_integ", mac },    { "esp_gl_encr", esp_enc }, { "esp_gl_auth", esp_auth },
                  { "esp_lg_encr", esp_enc }, { "esp_lg_auth", esp_auth } };
    for (size_t i = 0; i < 8 && vec_going(c); i++) {
        uint8_t *p = vec_alloc(c, order[i].n);
        if (i == 4)
            vec_same_int(c, "keymat_index", (int64_t)hip_keymat_index(k));
        if (vec_step(c, order[i].name, hip_keymat_draw(k, p, order[i].n)))
            vec_same(c, order[i].name, span_of(p, order[i].n));
    }
}

static void draw_as_host(struct vec_case *c, struct hip_keymat *k, const struct keymat_in *in,
                         uint16_t cipher, uint16_t esp)
{
    struct hip_keys hk = { 0 }, ek = { 0 };
    bool a_greater = hit_cmp(&in->a, &in->b) > 0;
    const struct hit *g = a_greater ? &in->a : &in->b, *l = a_greater ? &in->b : &in->a;
    if (!vec_step(c, "hip keys", hip_keymat_hip_keys(k, cipher, g, l, &hk)))
        return;
    vec_same_int(c, "keymat_index", (int64_t)hip_keymat_index(k));
    if (!vec_step(c, "esp keys", hip_keymat_esp_keys(k, esp, g, l, &ek)))
        return;
    vec_same(c, "hip_gl_encr", hip_key_enc(&hk.out));
    vec_same(c, "hip_gl_integ", hip_key_mac(&hk.out));
    vec_same(c, "hip_lg_encr", hip_key_enc(&hk.in));
    vec_same(c, "hip_lg_integ", hip_key_mac(&hk.in));
    vec_same(c, "esp_gl_encr", hip_key_enc(&ek.out));
    vec_same(c, "esp_gl_auth", hip_key_mac(&ek.out));
    vec_same(c, "esp_lg_encr", hip_key_enc(&ek.in));
    vec_same(c, "esp_lg_auth", hip_key_mac(&ek.in));
}

static void keymat_draw(struct vec_case *c)
{
    struct keymat_in in;
    int64_t cipher = vec_int(c, "hip_cipher"), esp = vec_int(c, "esp_suite");
    const struct hip_cipher_suite *cs = hip_cipher_suite((uint16_t)cipher);
    const struct hip_esp_suite *es = hip_esp_suite((uint16_t)esp);
    if (!read_in(c, "shared_secret", "hit_i", "hit_r", &in))
        return;
    if (!cs || !es) {
        vec_skip(c, "HIP cipher %lld with ESP suite %lld", (long long)cipher, (long long)esp);
        return;
    }
    struct span all = vec_hex_or_none(c, "keymat");
    struct hip_keymat *k = keymat_of(c, &in), *whole = vec_going(c) ? keymat_of(c, &in) : NULL;
    if (k && whole) {
        uint8_t *p = vec_alloc(c, all.n);
        if (vec_step(c, "keymat", hip_keymat_draw(whole, p, all.n)))
            vec_same(c, "keymat", span_of(p, all.n));
        if (vec_has(c, "L"))
            vec_same_int(c, "L", (int64_t)all.n);
        if (cs->supported && es->supported)
            draw_as_host(c, k, &in, cs->id, es->id);
        else
            draw_in_order(c, k, cs->key_len, hash_len(in.h), es->enc_len, es->auth_len);
    }
    hip_keymat_free(k);
    hip_keymat_free(whole);
}

/* K, K_mn and K_fa stay inside hip/bind_key: they are derived here from the formulas, what hangs on them through it. */
static void derived(struct vec_case *c, struct span exported, struct span msk, struct span th)
{
    uint8_t k[32], kx[32];
    static const struct {
        const char *label, *field;
    } two[] = { { "hipfa mn", "k_mn" }, { "hipfa fa", "k_fa" } };
    if (!vec_step(c, "k", hkdf_extract(HASH_SHA256, exported, msk, k)))
        return;
    vec_same(c, "k", span_of(k, 32));
    for (size_t i = 0; i < 2 && vec_going(c); i++) {
        struct span info = vec_join(c, (struct span[]){ span_str(two[i].label), th }, 2);
        if (vec_step(c, two[i].field, hkdf_expand(HASH_SHA256, span_of(k, 32), info, kx, 32)))
            vec_same(c, two[i].field, span_of(kx, 32));
    }
}

static void macs(struct vec_case *c, struct hip_bind_keys *keys)
{
    uint8_t zero[32] = { 0 }, out[32];
    struct span p_mn = vec_hex(c, "p_mn"), p_fa = vec_hex(c, "p_fa"), req = vec_hex_n(c, "bind_mac_mn", 32);
    uint32_t id_mn = (uint32_t)vec_int(c, "update_id_mn"), id_fa = (uint32_t)vec_int(c, "update_id_fa");
    uint16_t attempt = (uint16_t)vec_int(c, "attempt");
    uint8_t item = (uint8_t)vec_int(c, "item_type");
    if (!vec_going(c))
        return;
    if (vec_step(c, "mask", hip_bind_mask(keys, attempt, item, zero, out)))
        vec_same(c, "mask", span_of(out, 32));
    if (vec_step(c, "bind_mac_mn", hip_bind_mac_mn(keys, id_mn, p_mn, out)))
        vec_same(c, "bind_mac_mn", span_of(out, 32));
    if (vec_step(c, "bind_mac_fa", hip_bind_mac_fa(keys, id_fa, req.p, p_fa, out)))
        vec_same(c, "bind_mac_fa", span_of(out, 32));
}

static bool transcript(struct vec_case *c, uint8_t th[32])
{
    const json_t *eap = vec_array(c, "eap");
    struct hip_bind_th *t = hip_bind_th_new(vec_hex(c, "hi_mn"), vec_hex(c, "hi_fa"));
    for (size_t i = 0; t && i < json_array_size(eap); i++)
        hip_bind_th_add(t, vec_item(c, json_array_get(eap, i), "eap"));
    err e = t && vec_going(c) ? hip_bind_th_get(t, th) : ERR_MEMORY;
    hip_bind_th_free(t);
    if (vec_step(c, "th", e))
        vec_same(c, "th", span_of(th, 32));
    return vec_going(c);
}

static void sim_binding(struct vec_case *c)
{
    struct keymat_in in;
    uint8_t prk[HASH_LEN_MAX], exported[32], th[32];
    struct span msk = vec_hex_n(c, "msk", 64);
    if (!read_in(c, "kij", "hit_mn", "hit_fa", &in))
        return;
    struct span salt = vec_join(c, (struct span[]){ in.i, in.j }, 2);
    if (vec_step(c, "prk", hkdf_extract(in.h, salt, in.kij, prk)))
        vec_same(c, "prk", span_of(prk, hash_len(in.h)));
    struct hip_keymat *k = keymat_of(c, &in);
    if (k && vec_step(c, "export", hip_keymat_export(k, "HIP-EXPORT sim-binding", exported, 32)))
        vec_same(c, "export", span_of(exported, 32));
    hip_keymat_free(k);
    if (!vec_going(c) || !transcript(c, th))
        return;
    derived(c, span_of(exported, 32), msk, span_of(th, 32));
    struct hip_bind_keys *keys = hip_bind_keys_new(exported, msk.p, th);
    if (vec_step(c, "k", keys ? ERR_OK : ERR_MEMORY))
        macs(c, keys);
    hip_bind_keys_free(keys);
}

const struct vec_family family_keys[] = {
    { "HkdfTest", hkdf, "RFC 5869 s2", NULL, true },
    { "KeymatTest", keymat, "RFC 7401 s6.5", NULL, true },
    { "KeymatDrawTest", keymat_draw, "RFC 7401 s6.5, RFC 7402 s7", NULL },
    { "SimBindingTest", sim_binding, "docs/sim-binding.md section 3", NULL },
    { 0 },
};
