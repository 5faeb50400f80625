/* SPDX-License-Identifier: Apache-2.0
 *
 * The Initiator (RFC 7401 s6.6, s6.8, s6.10): hip_connect() -> I1 (initiator.c); R1 -> verified into locals, the owner is asked while the puzzle
 * is solved in slices (initiator_r1.c); I2 (initiator_i2.c); R2 -> ESTABLISHED (initiator_r2.c).
 */
#pragma once

#include "hip/core.h"
#include "hip/param_loc.h"
#include "hip/puzzle.h"

#define HIP_I1_PATHS_MAX 6 /* RFC 7401 s6.6.1: three addresses; without and with UDP */

/* What an Initiator holds until R2. */
struct hip_exchange {
    struct hip_path to[HIP_I1_PATHS_MAX];
    size_t n_to;
    struct hip_ids8 groups; /* our DH_GROUP_LIST */
    uint16_t tried_suites;  /* bit n: an identity of HIT suite n asked, and the Responder does not take it */
    struct hip_stored r1;   /* the R1 being answered; p NULL: none yet */
    uint64_t r1_counter;    /* RFC 7401 s6.16 MUST NOT: goes with the exchange */
    struct hip_reg_info info; /* its REG_INFO, as the owner saw it */
    struct hip_solver solver;
    uint64_t solve_until_us;
    struct hip_locator_set set; /* of R1: type 0 (RFC 8047 s4.2.8) */
    bool asked, answered;
    bool
        moved; /* we are elsewhere by now than where our I1 was answered: another R1 of the same generation counts */
    struct hip_contents
        answer; /* for I2; inner points into answer_inner, certs into answer_certs, di into di */
    uint8_t di[HIP_DI_MAX];
    struct hip_stored answer_inner, answer_certs;
};

/* hip_move() in I1-SENT and I2-SENT: I1 goes out from there; an I2 that is under way is given up for the R1 that comes to it (its puzzle is bound to the
 * address that it was asked from), unless its R2 is faster. */
MUST_USE err hip_initiator_move(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *path,
                                uint64_t now, struct hip_actions *out);
void hip_exchange_free(struct hip_exchange *x); /* NULL is fine */

/* What still stands in the way of a new exchange: ERR_EXISTS and its ref, unless it is closing or failed (RFC 7401 s4.4.3: data to send). A CLOSED
 * one stays where it is when `keep`. */
MUST_USE err hip_initiator_room(struct hip_engine *e, const struct hit *local, const struct hit *peer,
                                uint64_t now, struct hip_actions *out, struct hip_ref *ref, bool keep);
/* R1 without our HIT's suite, which lists `theirs`: I1 by another identity of ours, if there is one and the configuration allows it. */
void hip_initiator_restart(struct hip_rx *rx, const struct hip_ids8 *theirs);

/* An opportunistic I1 of this association went to that address (RFC 7401 s4.1.8: such an R1 is matched by address). */
bool hip_initiator_asked(const struct hip_assoc *a, const struct addr *from);
/* hip_answer() for ASK_I2. */
MUST_USE err hip_initiator_answer(struct hip_engine *e, struct hip_assoc *a, const struct hip_answer *w,
                                  uint64_t now, struct hip_actions *out);
/* SOLVE: one slice. */
void hip_initiator_solve(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
/* UDP: the I1s in UDP of this try. */
void hip_initiator_udp(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
/* RETRY in I1-SENT and I2-SENT. */
void hip_initiator_retry(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
