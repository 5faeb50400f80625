/* SPDX-License-Identifier: Apache-2.0
 *
 * What `hipvec gen` is asked for: a suite, kinds, a family; and the world and script that follow from it.
 */
#pragma once

#include "cli/hipvec/bexfile.h"

enum gen_kind {
    GEN_REGISTRATION = 1 << 0,
    GEN_RENDEZVOUS = 1 << 1,
    GEN_SIMULTANEOUS = 1 << 2,
    GEN_UPDATE = 1 << 3,
    GEN_MOVE = 1 << 4,
    GEN_REKEY = 1 << 5,
    GEN_REKEY_DH = 1 << 6,
    GEN_NOTIFY = 1 << 7,
    GEN_CLOSE = 1 << 8,
    GEN_RELAY = 1 << 9,
    GEN_OPPORTUNISTIC = 1 << 10,
    GEN_DATA_RELAY = 1 << 11,
};

struct gen_key {
    const char *name;
    uint8_t hit_suite;
    enum sig_type type;
    unsigned bits;
};

struct gen_plan {
    uint8_t dh_group;
    uint16_t cipher, esp_suite;
    const struct gen_key *responder, *initiator; /* host identities */
    unsigned kinds;
    bool v6, udp;
    bool tell;               /* both ends say NOTIFY about what they drop */
    uint8_t di_type, di_len; /* the Initiator's name; HIP_DI_NONE: a FQDN where it registers, else none */
    uint8_t di[HIP_DI_MAX];
    bool wide; /* both ends have all suites, those of the plan first */
    struct span seed;
};

/* "7/2/P-256/8", "NIST-P-256/AES-128-CBC/2/AES-GCM-16": what went wrong, or NULL. */
const char *gen_suite(const char *text, struct gen_plan *out);
const struct gen_key *gen_key(const char *name); /* NULL: not known, or not supported */
/* "mn.example.org", "mn@example.org": false: neither a name nor an NAI. */
bool gen_name(const char *text, struct gen_plan *out);
/* "update,rekey": false: a kind that there is not. */
bool gen_kinds(const char *text, unsigned *out);
void gen_list(void); /* everything that is supported, to stdout */

struct world *gen_world(const struct gen_plan *p); /* engines begun; NULL: out of what a seed can make */
void gen_script(const struct gen_plan *p, struct script *out);
json_t *gen_flags(const struct gen_plan *p);
