/* SPDX-License-Identifier: Apache-2.0
 * What explain.c, explain_keys.c and explain_esp.c share. */
#pragma once

#include "cli/hipvec/explain.h"
#include "hip/param_core.h"
#include "hip/suite.h"

#define XK_MAX  12
#define SA_MAX  24
#define MAT_MAX 2048

/* One KEYMAT, or what a rekey drew from an earlier one. */
struct xk {
    char name[24];
    struct xk *of; /* a rekey that goes on with this one's KEYMAT; NULL: has its own */
    enum who a, b; /* Initiator and Responder of the base exchange */
    enum hash_alg rhash;
    uint8_t group;
    uint16_t cipher, esp_suite;
    struct span priv_a, pub_a, priv_b, pub_b, kij, salt;
    uint8_t info[32], prk[HASH_LEN_MAX], mat[MAT_MAX];
    bool has_mat;
    size_t index, used; /* first octet drawn for keys; octets of mat that are drawn */
    struct {
        const char *name;
        size_t off, n;
    } key[8];
    size_t n_keys;
};

/* Half of a rekey that is under way. */
struct half {
    bool on;
    uint32_t spi;
    size_t index;
    uint8_t group;
    struct span pub; /* empty: none */
};

/* Two hosts, and the exchange between them that came last. */
struct pair {
    bool on;
    enum who a, b; /* Initiator, Responder */
    enum hash_alg rhash;
    struct span host_id_tlv; /* as in R1 */
    struct hip_puzzle puzzle;
    struct hip_solution solution;
    struct hip_dh r1_dh;
    uint32_t spi[2]; /* inbound at a, b */
    struct half half[2];
    struct xk *hip, *esp; /* keys in force; esp: the newest ones */
    unsigned rekeys;
};

struct sa {
    enum who at, from;
    uint32_t spi;
    struct xk *keys;
};

struct explaining {
    struct vec_case *c;
    const struct explain_in *in;
    struct explained *out;
    struct pair pair[WHO_PARTIES][WHO_PARTIES]; /* [smaller][greater] */
    struct xk *xk[XK_MAX];
    size_t n_xk;
    struct sa sa[SA_MAX];
    size_t n_sa;
    size_t at; /* packet that is looked at */
};

const struct party *x_party(const struct explaining *x, enum who w);
struct pair *x_pair(struct explaining *x, enum who a, enum who b);
struct span x_keep(struct explaining *x, struct span s);
/* path: behind packets[n]. */
void x_remark(struct explaining *x, const char *path, struct span expected, struct span got);

/* ---- explain_keys.c ---- */
/* I2 was seen: the KEYMAT of the exchange, from whichever private key is known. */
void x_keys_base(struct explaining *x, struct pair *p, struct span i2_pub, uint16_t cipher,
                 uint16_t esp_suite);
/* An UPDATE with ESP_INFO: half of a rekey; with the other half there are new keys. */
void x_keys_rekey(struct explaining *x, struct pair *p, enum who from, uint32_t old_spi, uint32_t new_spi,
                  size_t index, const struct hip_dh *dh);
/* "hip_gl_enc" or what of it is this sender's; *name is set. Empty: not known. */
struct span x_key(const struct explaining *x, const struct xk *k, enum who from, bool esp, bool auth,
                  const char **name);
void x_sa(struct explaining *x, enum who at, enum who from, uint32_t spi, struct xk *k);
json_t *x_keymat_json(const struct xk *k);
json_t *x_puzzle_json(struct explaining *x, const struct pair *p);

/* ---- explain_esp.c ---- */
void x_esp(struct explaining *x, const struct event *e, json_t *packet);
