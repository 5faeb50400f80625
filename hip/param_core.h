/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the base exchange and of UPDATE (RFC 7401 s5.2.3-5.2.19). Each decoder takes a parameter's contents (hip_pkt_span) and
 * borrows from them; ERR_MALFORMED (or ERR_FULL: more entries than we hold). Encoders write through hip/build.h.
 */
#pragma once

#include "common/crypto/hash.h"
#include "hip/build.h"

/* R1_COUNTER, s5.2.3: echoed verbatim in I2, Reserved included. */
struct hip_r1_counter {
    uint32_t reserved;
    uint64_t counter;
};
MUST_USE err hip_get_r1_counter(struct span v, struct hip_r1_counter *out);
void hip_put_r1_counter(struct hip_build *b, const struct hip_r1_counter *c);

/* PUZZLE, s5.2.4. i has hash_len(rhash) octets. Lifetime is 2^(lifetime - 32) seconds. */
struct hip_puzzle {
    uint8_t k, lifetime;
    uint16_t opaque;
    struct span i;
};
MUST_USE err hip_get_puzzle(struct span v, enum hash_alg rhash, struct hip_puzzle *out);
void hip_put_puzzle(struct hip_build *b, const struct hip_puzzle *p);
uint64_t hip_puzzle_lifetime_us(uint8_t lifetime); /* UINT64_MAX when beyond counting */

/* SOLUTION, s5.2.5. */
struct hip_solution {
    uint8_t k;
    uint16_t opaque;
    struct span i, j;
};
MUST_USE err hip_get_solution(struct span v, enum hash_alg rhash, struct hip_solution *out);
void hip_put_solution(struct hip_build *b, const struct hip_solution *s);

/* SEQ s5.2.16, ACK s5.2.17. */
#define HIP_ACKS_MAX 32
struct hip_acks {
    size_t n;
    uint32_t id[HIP_ACKS_MAX];
};
MUST_USE err hip_get_seq(struct span v, uint32_t *id);
void hip_put_seq(struct hip_build *b, uint32_t id);
MUST_USE err hip_get_ack(struct span v, struct hip_acks *out);
void hip_put_ack(struct hip_build *b, const struct hip_acks *a);

/* Lists of one-octet ids: DH_GROUP_LIST s5.2.6 (group ids), HIT_SUITE_LIST s5.2.10 (suite ids, shifted out of the
 * high nibble here and back into it; a low nibble that is set is ERR_MALFORMED). Ids past the 16th are not looked at. */
#define HIP_IDS_MAX 16
struct hip_ids8 {
    size_t n;
    uint8_t id[HIP_IDS_MAX];
};
MUST_USE err hip_get_dh_groups(struct span v, struct hip_ids8 *out);
void hip_put_dh_groups(struct hip_build *b, const struct hip_ids8 *l);
MUST_USE err hip_get_hit_suites(struct span v, struct hip_ids8 *out);
void hip_put_hit_suites(struct hip_build *b, const struct hip_ids8 *l);

/* Lists of two-octet ids, the first six (s5.2.8): HIP_CIPHER, TRANSPORT_FORMAT_LIST s5.2.11, and with two octets
 * reserved in front ESP_TRANSFORM (7402 s5.1.2) and NAT_TRAVERSAL_MODE (5770 s5.4). `more`: the list was longer. */
#define HIP_IDS16_MAX 6
struct hip_ids16 {
    size_t n;
    bool more;
    uint16_t id[HIP_IDS16_MAX];
};
/* reserved: octets in front that are zero when sent and ignored. */
MUST_USE err hip_get_ids16(struct span v, size_t reserved, struct hip_ids16 *out);
void hip_put_ids16(struct hip_build *b, uint16_t type, size_t reserved, const struct hip_ids16 *l);
MUST_USE err hip_get_ciphers(struct span v, struct hip_ids16 *out);
void hip_put_ciphers(struct hip_build *b, const struct hip_ids16 *l);
MUST_USE err hip_get_transports(struct span v, struct hip_ids16 *out);
void hip_put_transports(struct hip_build *b, const struct hip_ids16 *l);

/* DIFFIE_HELLMAN, s5.2.7. */
struct hip_dh {
    uint8_t group;
    struct span pub;
};
MUST_USE err hip_get_dh(struct span v, struct hip_dh *out);
void hip_put_dh(struct hip_build *b, const struct hip_dh *d);

/* HOST_ID, s5.2.9. */
enum hip_di_type { HIP_DI_NONE, HIP_DI_FQDN, HIP_DI_NAI };
#define HIP_DI_MAX 255
/* A name: FQDN in wire form (RFC 1035 s3.1, not compressed), or NAI (RFC 7542), at most HIP_DI_MAX octets. */
struct hip_domain_id {
    uint8_t type; /* enum hip_di_type */
    struct span v;
};
/* Of this form; NONE: empty. A NAI: UTF-8 is not looked into, but there is no control octet. */
bool hip_domain_id_ok(const struct hip_domain_id *d);
static inline struct span hip_domain_id_fqdn(const struct hip_domain_id *d)
{
    return d->type == HIP_DI_FQDN ? d->v : (struct span){ 0 };
}
struct hip_host_id {
    struct span hi; /* Algorithm(2) Host Identity: goes into hip_hi_from_wire() */
    uint8_t di_type;
    struct span di;
};
/* NONE when it has no right form. */
static inline struct hip_domain_id hip_host_id_di(const struct hip_host_id *h)
{
    struct hip_domain_id d = { h->di_type, h->di };
    return hip_domain_id_ok(&d) ? d : (struct hip_domain_id){ 0 };
}
MUST_USE err hip_get_host_id(struct span v, struct hip_host_id *out);
void hip_put_host_id(struct hip_build *b, const struct hip_host_id *h);

/* ENCRYPTED, s5.2.18: see hip/encrypted.h. HIP_MAC, HIP_SIGNATURE: see hip/auth.h. */
