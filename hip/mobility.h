/* SPDX-License-Identifier: Apache-2.0
 *
 * The peer's locators (RFC 8046 s5, RFC 8047 s5): what it listed, what is known of each, and which one signalling and data use.
 *
 * A LOCATOR_SET lists all that are in use; the others become DEPRECATED. New ones are UNVERIFIED until an ECHO_REQUEST_SIGNED sent there comes back
 * (s5.4): the preferred one is checked at once, the others one after the other (HIP_CHECK_PACE_US). Data goes to the preferred locator when it
 * is ACTIVE, else to another ACTIVE one, else, within the peer's credit (s5.6), to an UNVERIFIED one; to a DEPRECATED one never. Signalling
 * changes to ACTIVE locators only.
 *
 * An ACTIVE locator that falls silent is checked again; it is UNVERIFIED when the first try is not answered, so that another ACTIVE one takes over.
 *
 * Associations whose signalling goes through a relay of ours (path.to) are not steered from here: connectivity checks are (RFC 9028).
 */
#pragma once

#include "hip/core.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"

#define HIP_CHECK_PACE_US UINT64_C(100000)

/* The address of the base exchange is ACTIVE and unbounded (s5.1). */
void hip_mobility_begin(struct hip_assoc *a);
/* May this LOCATOR_SET be used, its type 1 locators being of this SPI? HIP_TAKEN or a drop reason; changes nothing. */
MUST_USE int hip_mobility_check(const struct hip_locator_set *set, const uint32_t *spi);
/* Takes it, from the UPDATE with this id; starts a check when the preferred locator needs one (that UPDATE acknowledges). */
void hip_mobility_take(struct hip_rx *rx, const struct hip_locator_set *set, uint32_t id);
/* LOCATOR_SET of R1, I2 or R2, empty when there is none; spi NULL: type 0 alone. HIP_TAKEN or a drop reason. */
MUST_USE int hip_mobility_read(const struct hip_pkt *k, const uint32_t *spi, struct hip_locator_set *out);
/* The exchange is over: lifetimes and checks begin. */
void hip_mobility_start(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
/* Takes one out of R1, I2 or R2, behind hip_mobility_begin() (RFC 8047 s4.2.8). */
void hip_mobility_learn(struct hip_engine *e, struct hip_assoc *a, const struct hip_locator_set *set,
                        uint64_t now);
/* An UPDATE that carried a check was acknowledged with this echo. False: without the right one. */
bool hip_mobility_echo_ok(const struct hip_assoc *a, uint32_t id, struct span echo);
void hip_mobility_verified(struct hip_rx *rx, uint32_t id);
/* Our LOCATOR_SET's UPDATE went other ways too, or its ACK has no echo: it proves nothing of the address it was first sent to. */
void hip_mobility_void(struct hip_assoc *a, uint32_t id);
/* The first try of a check was not answered; none was. */
void hip_mobility_doubt(struct hip_engine *e, struct hip_assoc *a, uint32_t id, uint64_t now,
                        struct hip_actions *out);
void hip_mobility_failed(struct hip_engine *e, struct hip_assoc *a, uint32_t id, uint64_t now,
                         struct hip_actions *out);
/* A new UPDATE came: when it is from an UNVERIFIED locator whose check had failed, that is checked again. */
void hip_mobility_heard(struct hip_rx *rx);
/* Nothing comes from where data or signalling goes: check it, and what could take its place. */
void hip_mobility_silent(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
/* VERIFY: the next locator in turn. LOCATOR: lifetimes that ended. */
void hip_mobility_next(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
void hip_mobility_expire(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);

/* ---- for hip/move.c and hip/update.c ---- */

/* Which of our addresses reaches this one; false: none of its family. */
bool hip_mobility_way(const struct hip_assoc *a, const struct addr *peer, struct hip_path *out);
/* The best of the peer's locators of this family; false: none that is of use. */
bool hip_mobility_reach(const struct hip_assoc *a, uint8_t family, struct addr *out);
/* The locator at this address, NULL: not known. */
struct hip_peer_locator *hip_mobility_find(struct hip_assoc *a, const struct addr *addr);
/* A locator that our owner prefers and the peer has not named: UNVERIFIED. NULL: no place. */
struct hip_peer_locator *hip_mobility_add(struct hip_assoc *a, const struct addr *addr);
/* Data and signalling to where they belong by now; SA_PATH and MOVED when that is elsewhere. hint NULL, or the path that a packet came over. */
void hip_mobility_settle(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *hint, uint64_t now,
                         struct hip_actions *out);

/* Our addresses changed: checks that came from one that is gone begin again, those by an UPDATE that was cancelled end. */
void hip_mobility_requeue(struct hip_engine *e, struct hip_assoc *a);
/* Our SPI is another one now: the peer knows that from before still, checks that name one yet older begin again. */
void hip_mobility_rekeyed(struct hip_engine *e, struct hip_assoc *a, uint32_t was, uint64_t now,
                          struct hip_actions *out);
/* Only data. */
void hip_mobility_settle_data(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *hint,
                              uint64_t now, struct hip_actions *out);

/* hip/cba.c: the peer's credit, aged; all of it, and then there is none. */
void hip_credit_add(struct hip_assoc *a, uint64_t octets, uint64_t now);
uint64_t hip_credit_take(struct hip_assoc *a, uint64_t now);
