/* SPDX-License-Identifier: Apache-2.0
 *
 * A virtual mobile node that binds once, as docs/sim-binding.md section 1 draws it: its own host identity, a software card, one HIP engine. It checks
 * what it is given (the FA's HI, AUTN, BIND_MAC, the name, the grant of both types) and says how it ended. No I/O and no clock of its own.
 */
#pragma once

#include "aka/usim_card.h"
#include "hip/engine.h"

#define BIND_MN_REALM "wlan.mnc001.mcc001.3gppnetwork.org"

#define BIND_MN_END_LIST(X) \
    X(RUNNING, "running") \
    X(BOUND, "bound") \
    X(PENDING, "name pending") \
    X(REFUSED, "refused by BIND_RESPONSE") \
    X(BAD_MAC, "BIND_MAC wrong") \
    X(BAD_RESPONSE, "BIND_RESPONSE not as asked for") \
    X(REG_FAILED, "registration failed") \
    X(EAP_FAILED, "EAP failed") \
    X(CARD, "the card refuses the challenge") \
    X(ASSOCIATION, "association ended") \
    X(LATE, "not in time")

enum bind_mn_end {
#define X(name, text) BIND_MN_##name,
    BIND_MN_END_LIST(X)
#undef X
        BIND_MN__ENDS
};
const char *bind_mn_end_text(enum bind_mn_end e);

struct bind_mn;

struct bind_mn_config {
    const struct env *env;
    struct hit fa;            /* whom to speak to, */
    struct hip_path path;     /* from where to where; ports 0: protocol 139 */
    const char *domain;       /* of the names */
    struct hip_actions *acts; /* empty between calls: all of one thread share it */
    void (*send)(void *ctx, const struct hip_path *path, struct span octets);
    void *ctx;
};

/* Subscriber number n: IMSI 00101 and ten digits, its keys (bind_mn_keys), the name load-n<n>. */
struct bind_mn *bind_mn_new(const struct bind_mn_config *c, uint64_t n);
void bind_mn_free(struct bind_mn *m); /* NULL is fine */
/* I1 leaves. */
void bind_mn_start(struct bind_mn *m, uint64_t now);
enum bind_mn_end bind_mn_input(struct bind_mn *m, const struct hip_path *path, struct span octets,
                               uint64_t now);
enum bind_mn_end bind_mn_timeout(struct bind_mn *m, uint64_t now);
uint64_t bind_mn_deadline(const struct bind_mn *m);
const struct hit *bind_mn_hit(const struct bind_mn *m);
/* More of how it ended, "" when there is nothing; how far it came when it has not ended. */
const char *bind_mn_why(const struct bind_mn *m);

/* K and OPc of subscriber n, a hash of its number: the load program and who provisions the subscribers need not tell each other. */
void bind_mn_keys(uint64_t n, uint8_t k[AKA_K_LEN], uint8_t opc[AKA_OPC_LEN]);
void bind_mn_imsi(uint64_t n, char out[IMSI_MAX + 1]);
