/* SPDX-License-Identifier: Apache-2.0
 *
 * A HipBexTest between its JSON and a world: parties, script, packets. Reading complains through the case (VEC_MALFORMED, VEC_SKIP).
 */
#pragma once

#include "cli/hipvec/explain.h"

#define SCRIPT_MAX 48

struct script {
    struct step step[SCRIPT_MAX];
    size_t n;
};

/* The member of the test, or of its group; NULL. */
const json_t *bex_get(const struct vec_case *c, const char *name);
/* The octets of a member in hexadecimal; of the case's memory. Absent: empty. */
/* As fqdn or nai; none: nothing. */
void bex_put_di(json_t *o, struct hip_domain_id d);
struct span bex_hex(struct vec_case *c, const json_t *o, const char *name);

/* Parties as they stand in the file, engines not begun. Private keys and draws where they are given. NULL: the case says why. */
struct world *bex_read_world(struct vec_case *c);
/* All that a replay takes is there: private keys, draws and a script. */
bool bex_can_replay(const struct vec_case *c, const struct world *w);
bool bex_begin(struct world *w);
void bex_read_script(struct vec_case *c, struct script *out);
/* One packet; wire and addresses. */
void bex_read_packet(struct vec_case *c, const json_t *o, struct event *out);

/* Of a test with `bad`: what the receiver can take then, and what is put in. */
void bex_read_limits(struct vec_case *c, struct party_limits *out);
void bex_read_inject(struct vec_case *c, struct inject *out);

/* ---- writing ---- */
/* Party, script: complete objects. x: what explain() made of the party; its members are taken into the right order. */
json_t *bex_party_json(const struct party *p, json_t *x);
json_t *bex_script_json(const struct script *s);
json_t *bex_suite_json(const struct world *w, enum who responder);
/* A whole test without tcId and comment. */
void bex_put_test(json_t *test, const struct world *w, const struct script *s, struct explained *x);
