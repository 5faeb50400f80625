/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of the SIM binding (docs/sim-binding.md section 3): the transcript of a run, and what follows from it, the association's exporter key and
 * MSK. SHA-256 throughout. Keys live in locked memory and are wiped when freed.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"
#include "hip/hit.h"

#define HIP_BIND_KEY_LEN 32
#define HIP_BIND_TH_LEN  32
#define HIP_MSK_LEN      64

/* ---- transcript: both HIs, then every EAP packet of the run once, in order ---- */
struct hip_bind_th;

/* hi_mn, hi_fa: Algorithm(2) and Host Identity. NULL: out of memory or a HI longer than 65535. */
struct hip_bind_th *hip_bind_th_new(struct span hi_mn, struct span hi_fa);
void hip_bind_th_free(struct hip_bind_th *t); /* NULL is fine */
/* The Length octets of one EAP packet. A failure sticks and comes out of hip_bind_th_get(). */
void hip_bind_th_add(struct hip_bind_th *t, struct span eap);
/* The value so far; packets may follow. */
MUST_USE err hip_bind_th_get(const struct hip_bind_th *t, uint8_t out[HIP_BIND_TH_LEN]);

/* ---- K and what hangs on it ---- */
struct hip_bind_keys;

/* export_key: 32 octets of hip_assoc_export(). The caller wipes msk and export_key right after. NULL: no memory, or the computation failed. */
struct hip_bind_keys *hip_bind_keys_new(const uint8_t export_key[HIP_BIND_KEY_LEN],
                                        const uint8_t msk[HIP_MSK_LEN], const uint8_t th[HIP_BIND_TH_LEN]);
void hip_bind_keys_free(struct hip_bind_keys *k); /* wipes; NULL is fine */
const uint8_t *hip_bind_keys_th(const struct hip_bind_keys *k);

/* BIND_MAC of the MN's request, and of the FA's response, which covers the request's. p: hip_bind_inner.p. */
MUST_USE err hip_bind_mac_mn(const struct hip_bind_keys *k, uint32_t update_id, struct span p,
                             uint8_t out[HIP_BIND_KEY_LEN]);
MUST_USE err hip_bind_mac_fa(const struct hip_bind_keys *k, uint32_t update_id,
                             const uint8_t request_mac[HIP_BIND_KEY_LEN], struct span p,
                             uint8_t out[HIP_BIND_KEY_LEN]);
/* Secret of item 5 or 7: masks and unmasks, in and out may be the same. */
MUST_USE err hip_bind_mask(const struct hip_bind_keys *k, uint16_t attempt, uint8_t item_type,
                           const uint8_t in[HIP_BIND_KEY_LEN], uint8_t out[HIP_BIND_KEY_LEN]);

/* What is signed to prove possession of a HI: "hipfa hi" | TH | its HIT (item 2), "hipfa old" | TH | HIT to bind (item 6). Returns the length. */
#define HIP_BIND_PROOF_MAX 64
size_t hip_bind_proof_msg(bool old, const uint8_t th[HIP_BIND_TH_LEN], const struct hit *hit,
                          uint8_t out[HIP_BIND_PROOF_MAX]);
