/* SPDX-License-Identifier: Apache-2.0
 *
 * TSIG (RFC 8945): a DNS message signed with a shared secret, requests and replies. Times are seconds since 1970, passed in.
 */
#pragma once

#include "common/crypto/hash.h"
#include "dnsupd/msg.h"

#define DNSU_TSIG_FUDGE_S 300 /* RFC 8945 s10 */
#define DNSU_TSIG_MAX     (DNSU_NAME_MAX * 2 + 10 + 16 + HASH_LEN_MAX + 6)

/* TSIG error codes (s3) */
enum {
    DNSU_TSIG_ERR_BADSIG = 16,
    DNSU_TSIG_ERR_BADKEY = 17,
    DNSU_TSIG_ERR_BADTIME = 18,
    DNSU_TSIG_ERR_BADTRUNC = 22
};

struct dnsu_tsig_key {
    struct dnsu_name name; /* lower case */
    enum hash_alg alg;
    uint8_t *secret; /* locked memory, ours */
    size_t secret_len;
    uint8_t mac_min; /* shortest MAC taken from the other side; 0: all of the hash (s5.2.4 policy) */
};

/* alg: "hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha1" (s6). ERR_MALFORMED, ERR_UNSUPPORTED, ERR_MEMORY. */
MUST_USE err dnsu_tsig_key_init(struct dnsu_tsig_key *k, const char *name, const char *alg,
                                struct span secret);
MUST_USE err dnsu_tsig_key_init_b64(struct dnsu_tsig_key *k, const char *name, const char *alg,
                                    const char *secret_b64);
void dnsu_tsig_key_done(struct dnsu_tsig_key *k);

struct dnsu_tsig_mac {
    uint8_t len;
    uint8_t v[HASH_LEN_MAX];
};

/* Fields of a TSIG record; spans borrow from the message. */
struct dnsu_tsig {
    struct dnsu_name key, alg;
    uint64_t time_signed;
    uint16_t fudge;
    struct span mac;
    uint16_t original_id;
    uint16_t error;
    struct span other;
    size_t at; /* where the record begins in the message */
};

enum dnsu_tsig_verdict {
    DNSU_TSIG_GOOD,
    DNSU_TSIG_MISSING,  /* no TSIG in the message: a format error where one is expected (s5.4) */
    DNSU_TSIG_FORMERR,  /* misplaced, several, unparsable, or a MAC of impossible length */
    DNSU_TSIG_BADKEY,   /* key name or algorithm is not this key's */
    DNSU_TSIG_UNSIGNED, /* empty MAC with an error code (s5.2): a hint, never an answer */
    DNSU_TSIG_BADSIG,
    DNSU_TSIG_BADTIME,
    DNSU_TSIG_BADTRUNC, /* MAC right but shorter than key->mac_min */
};
const char *dnsu_tsig_verdict_name(enum dnsu_tsig_verdict v);

/* MAC over message (without TSIG, ID already the original one) and the variables of t (key, alg, time_signed, fudge, error, other) (s4.3).
 * request_mac empty: a request. */
MUST_USE err dnsu_tsig_digest(const struct dnsu_tsig_key *k, struct span request_mac, struct span message,
                              const struct dnsu_tsig *t, struct dnsu_tsig_mac *out);
/* Appends a TSIG to the message of *len octets in buf and counts it. mac_out goes into the check of the reply (or, for a reply, nowhere). ERR_SPACE. */
MUST_USE err dnsu_tsig_sign(const struct dnsu_tsig_key *k, uint8_t *buf, size_t cap, size_t *len,
                            uint64_t now_s, struct span request_mac, struct dnsu_tsig_mac *mac_out);
/* Checks in the order of s5.2: form, key, MAC (constant time), time, truncation. out, when not NULL, is what the record says; believe it only
 * after DNSU_TSIG_GOOD. */
enum dnsu_tsig_verdict dnsu_tsig_verify(const struct dnsu_tsig_key *k, struct span msg,
                                        struct span request_mac, uint64_t now_s, struct dnsu_tsig *out);
