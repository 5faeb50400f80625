/* SPDX-License-Identifier: Apache-2.0
 *
 * The sealed store (docs/sim-binding.md section 10): one file for each SIM, which only that SIM opens.
 *
 * level sim-key:  IKM = SRES_1 | Kc_1 | ... | SRES_4 | Kc_4 of the store's four RANDs, by the card in GSM context
 * level sim-gate: IKM = key of the platform | IMSI | 0 | ICCID
 * PRK = HKDF-Extract(salt of the store, IKM); key = Expand(PRK, "hipfa seal key", 32); file name from Expand(PRK, "hipfa seal index", 16).
 *
 * File: "HFS1" level(1) reserved(3) nonce(24) XChaCha20-Poly1305 of the contents; the first eight octets and the index are authenticated with
 * it, so that a file renamed to another SIM's index, or said to be of another level, does not open.
 */
#pragma once

#include "common/base/cursor.h"
#include "common/base/env.h"
#include "dnsupd/name.h"
#include "hip/hi.h"
#include "host/core/host.h"

#define HOST_SEAL_PARAMS   "seal.params"  /* salt and RANDs of this device, not secret */
#define HOST_SEAL_PLATFORM "platform.key" /* 32 octets, secret; level sim-gate only */
#define HOST_SEAL_SALT     32
#define HOST_SEAL_KEY_LEN  32

struct host_seal_params {
    uint8_t salt[HOST_SEAL_SALT];
    uint8_t rand[HOST_LOCAL_RANDS][AKA_RAND_LEN];
};
#define HOST_SEAL_PARAMS_LEN (8 + HOST_SEAL_SALT + HOST_LOCAL_RANDS * AKA_RAND_LEN)

void host_seal_params_make(const struct env *env, struct host_seal_params *out);
void host_seal_params_write(const struct host_seal_params *p, uint8_t out[HOST_SEAL_PARAMS_LEN]);
MUST_USE err host_seal_params_read(struct span file, struct host_seal_params *out); /* ERR_MALFORMED */

/* Secret: in sec_alloc'ed memory of its owner. */
struct host_seal_key {
    enum host_seal_level level;
    uint8_t key[HOST_SEAL_KEY_LEN];
    uint8_t index[16];
    char file[HOST_FILE_NAME_MAX];
};
MUST_USE err host_seal_key_sim(const struct host_seal_params *p, const struct host_local_key *l,
                               struct host_seal_key *out);
MUST_USE err host_seal_key_gate(const struct host_seal_params *p, const uint8_t platform[HOST_SEAL_KEY_LEN],
                                const struct usim_identity *id, struct host_seal_key *out);

#define HOST_PSEUDONYM_MAX 200

struct host_sealed_fa {
    struct hit hit;
    struct dnsu_name name;
};

/* What is inside. */
struct host_sealed {
    struct hip_hi hi;          /* private key included; owned */
    enum host_bind_state bind; /* NONE, PENDING, BOUND or LOST */
    struct dnsu_name fqdn;
    uint64_t bound_until_s; /* wall clock */
    uint32_t bound_life_s;  /* as granted */
    size_t n_fa;
    struct host_sealed_fa fa[HOST_FAS_MAX]; /* item 18, the answering one first */
    bool has_secret;
    uint8_t secret[32];                     /* item 5, for a later MOVE */
    char pseudonym[HOST_PSEUDONYM_MAX + 1]; /* user name for the next run; "": none */
    bool pseudonym_once;                    /* it may be shown once */
};
void host_sealed_done(struct host_sealed *s); /* wipes */

#define HOST_SEALED_OVERHEAD (8 + 24 + 16)
/* The whole file; out in ordinary memory. ERR_SPACE, ERR_CRYPTO, ERR_MEMORY. */
MUST_USE err host_sealed_write(const struct host_seal_key *k, const struct env *env,
                               const struct host_sealed *s, uint8_t *out, size_t cap, size_t *len);
/* ERR_AUTH: not sealed by this SIM, or tampered with; ERR_MALFORMED. */
MUST_USE err host_sealed_read(const struct host_seal_key *k, struct span file, struct host_sealed *out);
