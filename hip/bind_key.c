/* SPDX-License-Identifier: Apache-2.0
 * docs/sim-binding.md section 3. */
#include "hip/bind_key.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/crypto/sha256_run.h"

/* ---- transcript ---- */

struct hip_bind_th {
    struct sha256_run *run;
    err failed;
};

static void th_put(struct hip_bind_th *t, struct span s)
{
    if (t->failed == ERR_OK)
        t->failed = sha256_run_add(t->run, s);
}

static void th_put_hi(struct hip_bind_th *t, struct span hi)
{
    uint8_t len[2] = { (uint8_t)(hi.n >> 8), (uint8_t)hi.n };
    th_put(t, span_of(len, sizeof len));
    th_put(t, hi);
}

struct hip_bind_th *hip_bind_th_new(struct span hi_mn, struct span hi_fa)
{
    static const char label[] = "hipfa sim-binding 1"; /* its NUL is part of the input */
    if (hi_mn.n > UINT16_MAX || hi_fa.n > UINT16_MAX)
        return NULL;
    struct hip_bind_th *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->run = sha256_run_new();
    if (!t->run) {
        free(t);
        return NULL;
    }
    th_put(t, span_of(label, sizeof label));
    th_put_hi(t, hi_mn);
    th_put_hi(t, hi_fa);
    return t;
}

void hip_bind_th_free(struct hip_bind_th *t)
{
    if (!t)
        return;
    sha256_run_free(t->run);
    free(t);
}

void hip_bind_th_add(struct hip_bind_th *t, struct span eap)
{
    th_put(t, eap);
}

err hip_bind_th_get(const struct hip_bind_th *t, uint8_t out[HIP_BIND_TH_LEN])
{
    return t->failed != ERR_OK ? t->failed : sha256_run_get(t->run, out);
}

/* ---- keys ---- */

struct hip_bind_keys {
    uint8_t k[HIP_BIND_KEY_LEN];
    uint8_t mn[HIP_BIND_KEY_LEN];
    uint8_t fa[HIP_BIND_KEY_LEN];
    uint8_t th[HIP_BIND_TH_LEN];
};

#define INFO_MAX 64

/* label | TH | tail, for HKDF-Expand under K. */
static err expand(const struct hip_bind_keys *k, const char *label, struct span tail,
                  uint8_t out[HIP_BIND_KEY_LEN])
{
    uint8_t info[INFO_MAX];
    size_t n = strlen(label);
    if (n + sizeof k->th + tail.n > sizeof info)
        return ERR_SPACE;
    memcpy(info, label, n);
    memcpy(info + n, k->th, sizeof k->th);
    n += sizeof k->th;
    if (tail.n)
        memcpy(info + n, tail.p, tail.n);
    return hkdf_expand(HASH_SHA256, span_of(k->k, sizeof k->k), span_of(info, n + tail.n), out,
                       HIP_BIND_KEY_LEN);
}

struct hip_bind_keys *hip_bind_keys_new(const uint8_t export_key[HIP_BIND_KEY_LEN],
                                        const uint8_t msk[HIP_MSK_LEN], const uint8_t th[HIP_BIND_TH_LEN])
{
    struct hip_bind_keys *k = sec_alloc(sizeof *k);
    if (!k)
        return NULL;
    memcpy(k->th, th, sizeof k->th);
    err e = hkdf_extract(HASH_SHA256, span_of(export_key, HIP_BIND_KEY_LEN), span_of(msk, HIP_MSK_LEN), k->k);
    if (e == ERR_OK)
        e = expand(k, "hipfa mn", span_of(NULL, 0), k->mn);
    if (e == ERR_OK)
        e = expand(k, "hipfa fa", span_of(NULL, 0), k->fa);
    if (e != ERR_OK) {
        sec_free(k);
        return NULL;
    }
    return k;
}

void hip_bind_keys_free(struct hip_bind_keys *k)
{
    sec_free(k);
}

const uint8_t *hip_bind_keys_th(const struct hip_bind_keys *k)
{
    return k->th;
}

/* HMAC-SHA-256(key, Update ID | middle | P) */
static err bind_mac(const uint8_t key[HIP_BIND_KEY_LEN], uint32_t update_id, struct span middle,
                    struct span p, uint8_t out[HIP_BIND_KEY_LEN])
{
    uint8_t id[4] = { (uint8_t)(update_id >> 24), (uint8_t)(update_id >> 16), (uint8_t)(update_id >> 8),
                      (uint8_t)update_id };
    struct span in[] = { span_of(id, sizeof id), middle, p };
    return hmac_spans(HASH_SHA256, span_of(key, HIP_BIND_KEY_LEN), in, 3, out);
}

err hip_bind_mac_mn(const struct hip_bind_keys *k, uint32_t update_id, struct span p,
                    uint8_t out[HIP_BIND_KEY_LEN])
{
    return bind_mac(k->mn, update_id, span_of(NULL, 0), p, out);
}

err hip_bind_mac_fa(const struct hip_bind_keys *k, uint32_t update_id,
                    const uint8_t request_mac[HIP_BIND_KEY_LEN], struct span p, uint8_t out[HIP_BIND_KEY_LEN])
{
    return bind_mac(k->fa, update_id, span_of(request_mac, HIP_BIND_KEY_LEN), p, out);
}

err hip_bind_mask(const struct hip_bind_keys *k, uint16_t attempt, uint8_t item_type,
                  const uint8_t in[HIP_BIND_KEY_LEN], uint8_t out[HIP_BIND_KEY_LEN])
{
    uint8_t tail[3] = { (uint8_t)(attempt >> 8), (uint8_t)attempt, item_type };
    uint8_t mask[HIP_BIND_KEY_LEN];
    err e = expand(k, "hipfa secret", span_of(tail, sizeof tail), mask);
    if (e == ERR_OK)
        for (size_t i = 0; i < sizeof mask; i++)
            out[i] = in[i] ^ mask[i];
    sec_wipe(mask, sizeof mask);
    return e;
}

size_t hip_bind_proof_msg(bool old, const uint8_t th[HIP_BIND_TH_LEN], const struct hit *hit,
                          uint8_t out[HIP_BIND_PROOF_MAX])
{
    const char *label = old ? "hipfa old" : "hipfa hi";
    size_t n = strlen(label);
    memcpy(out, label, n);
    memcpy(out + n, th, HIP_BIND_TH_LEN);
    memcpy(out + n + HIP_BIND_TH_LEN, hit->b, sizeof hit->b);
    return n + HIP_BIND_TH_LEN + sizeof hit->b;
}
