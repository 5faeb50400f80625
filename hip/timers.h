/* SPDX-License-Identifier: Apache-2.0
 *
 * The timer events of an association, all of them. An association has one place in the engine's heap, at the
 * earliest of its events.
 *
 *   SOLVE    The next slice of the puzzle search (RFC 7401 s6.8 step 12): due at once as long as there is something to solve.
 *   RETRY    An I1, I2 or CLOSE has not been answered: send it again, doubling the wait up to a minute. I1 and I2 rtx_tries times, then
 *            E-FAILED (RFC 7401 s6.6, s6.8 step 18); CLOSE until UAL + MSL, then UNASSOCIATED (s4.4.3), of which the owner hears nothing: for
 *            it the association is gone after rtx_tries.
 *   ASK      The owner has not answered ASK_I2 or ASK_R2 within HIP_ASK_US: give the exchange up.
 *   EC       R2-SENT and no sign of life: the exchange is taken as complete (RFC 7401 s4.4.2, "EC timeout"), after as long as an
 *            Initiator goes on sending I2.
 *   UPDATE   The earliest of the outstanding UPDATEs has not been acknowledged: send it again, doubling; then CLOSE (s6.11).
 *   ACK      The owner has not answered an UPDATE within ack_delay_us: a bare ACK.
 *   IDLE     Nothing was sent or received for hip_ual() (UAL): CLOSE.
 *   LOCATOR  The lifetime of a peer's locator ended: DEPRECATED (RFC 8046 s5.1).
 *   VERIFY   The next of the peer's locators may be checked (RFC 8046 s5.4); they are paced.
 *   UDP      The I1s in UDP follow those without (RFC 9028 s4.7.2): udp_after_us after each try of theirs.
 *   KEEPALIVE  A UDP path carried nothing for keepalive_us: NOTIFY NAT_KEEPALIVE (RFC 9028 s4.10).
 *   CHECK    Connectivity checks: the next one, a retransmission, a nomination, another round (RFC 9028 s4.6).
 *   PROBE    hip_probe() was not answered.
 *   LINGER   CLOSED was kept for UAL + 2 MSL to answer repeated CLOSEs, E-FAILED for HIP_FAILED_US: forget it.
 */
#pragma once

#include "common/base/heap.h"

enum hip_timer {
    HIP_TIMER_SOLVE,
    HIP_TIMER_RETRY,
    HIP_TIMER_ASK,
    HIP_TIMER_EC,
    HIP_TIMER_UPDATE,
    HIP_TIMER_ACK,
    HIP_TIMER_IDLE,
    HIP_TIMER_LOCATOR,
    HIP_TIMER_VERIFY,
    HIP_TIMER_LINGER,
    HIP_TIMER_UDP,
    HIP_TIMER_KEEPALIVE,
    HIP_TIMER_CHECK,
    HIP_TIMER_PROBE,
    HIP_TIMER__COUNT
};

#define HIP_ASK_US    UINT64_C(15000000)
#define HIP_MSL_US    UINT64_C(120000000) /* RFC 7401 s4.4.1 */
#define HIP_FAILED_US UINT64_C(10000000)  /* E-FAILED is left after */

struct hip_timers {
    struct heap_node node;
    uint64_t due[HIP_TIMER__COUNT];
};

void hip_timers_init(struct hip_timers *t);
/* Start, move or (HEAP_NEVER) stop one event. The heap has room for every association, so this cannot fail. */
void hip_timer_set(struct heap *h, struct hip_timers *t, enum hip_timer which, uint64_t at_us);
void hip_timers_stop(struct heap *h, struct hip_timers *t);
static inline bool hip_timer_on(const struct hip_timers *t, enum hip_timer which)
{
    return t->due[which] != HEAP_NEVER;
}
/* An event that is due at `now`, stopped as it is returned; HIP_TIMER__COUNT: none. */
enum hip_timer hip_timer_take(struct heap *h, struct hip_timers *t, uint64_t now);
const char *hip_timer_name(enum hip_timer which);
/* first * 2^tries, saturating at a minute and a bit. */
uint64_t hip_backoff(uint64_t first_us, unsigned tries);
