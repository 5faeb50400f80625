/* SPDX-License-Identifier: Apache-2.0
 *
 * Local Scope Identifiers (RFC 9063 s4.4, RFC 5338): 32-bit handles of Host Identities for applications that know only IPv4. They are valid on this host
 * and never leave it. A table of HIT and LSI, both ways.
 *
 * Our own is the first address of the prefix. A peer's is drawn from its HIT by a keyed hash, the next draw where somebody else has it: with the same key
 * it is the same after a restart, and nobody without it can look for a HIT that is given the LSI of another one. One is given when it is first needed and
 * kept for HOST_LSI_KEEP_US after its last use; when the table is full the one that has not been used for longest, and so long, makes room.
 */
#pragma once

#include "common/base/addr.h"
#include "hip/hit.h"

#define HOST_LSI_MAX     1024 /* peers */
#define HOST_LSI_KEEP_US UINT64_C(3600000000)
#define HOST_LSI_KEY_LEN 16
#define HOST_LSI_BITS_MIN \
    8 /* length of the prefix: 4096 addresses at least, so that a draw finds a free one */
#define HOST_LSI_BITS_MAX 20

struct host_lsi_conf {
    struct addr prefix; /* IPv4; bits behind it zero */
    unsigned bits;
    uint8_t key[HOST_LSI_KEY_LEN];
    uint8_t seed[2][16]; /* of the tables */
};

struct host_lsis;
/* NULL: out of memory. */
struct host_lsis *host_lsis_new(const struct host_lsi_conf *c);
void host_lsis_free(struct host_lsis *t); /* NULL is fine */

struct addr host_lsi_own(const struct host_lsis *t);
bool host_lsi_in(const struct host_lsis *t, const struct addr *a); /* inside the prefix */
/* The LSI of a peer, given now if it has none. ERR_FULL: no entry may go yet. */
MUST_USE err host_lsi_give(struct host_lsis *t, const struct hit *hit, uint64_t now, struct addr *out);
/* The one it has, which is no use of it; false: none. */
bool host_lsi_find(const struct host_lsis *t, const struct hit *hit, struct addr *out);
/* Whose LSI it is; now 0: this is no use of it. false: nobody's. */
bool host_lsi_hit(struct host_lsis *t, const struct addr *lsi, uint64_t now, struct hit *out);
size_t host_lsi_count(const struct host_lsis *t);
