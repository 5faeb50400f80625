/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/fsm.h"

#include "hip/ice.h"

static int no_association(struct hip_rx *rx)
{
    return HIP_DROP_NO_ASSOCIATION;
}

static int wrong_state(struct hip_rx *rx)
{
    return HIP_DROP_WRONG_STATE;
}

/* RFC 7401 s6.8 step 1, s6.10 MUST: R1 in I1-SENT and I2-SENT alone, R2 in I2-SENT; dropped elsewhere without a word. */
enum column { I1, R1, I2, R2, UPDATE, NOTIFY, CLOSE, CLOSE_ACK, COLUMNS };

/* clang-format off */
static hip_handler *const table[HIP_STATE__COUNT][COLUMNS] = {
    /*                      I1                R1             I2                R2              UPDATE              NOTIFY              CLOSE              CLOSE_ACK */
    [HIP_UNASSOCIATED] = { hip_i1_answer,   no_association, hip_i2_receive,  no_association, no_association,     no_association,     no_association,    no_association },
    [HIP_I1_SENT]      = { hip_i1_crossing, hip_r1_first,   hip_i2_receive,  wrong_state,    wrong_state,        wrong_state,        hip_close_former,  hip_close_former },
    [HIP_I2_SENT]      = { hip_i1_answer,   hip_r1_again,   hip_i2_crossing, hip_r2_receive, hip_ice_early,      hip_notify_receive, hip_close_receive, wrong_state },
    [HIP_R2_SENT]      = { hip_i1_answer,   wrong_state,    hip_i2_receive,  wrong_state,    hip_update_receive, hip_notify_receive, hip_close_receive, wrong_state },
    [HIP_ESTABLISHED]  = { hip_i1_answer,   wrong_state,    hip_i2_established, wrong_state,    hip_update_receive, hip_notify_receive, hip_close_receive, wrong_state },
    [HIP_CLOSING]      = { hip_i1_answer,   wrong_state,    hip_i2_receive,  wrong_state,    wrong_state,        wrong_state,        hip_close_receive, hip_close_ack_receive },
    [HIP_CLOSED]       = { hip_i1_answer,   wrong_state,    hip_i2_receive,  wrong_state,    wrong_state,        wrong_state,        hip_close_receive, hip_close_ack_receive },
    [HIP_E_FAILED]     = { hip_i1_answer,   wrong_state,    hip_i2_receive,  wrong_state,    wrong_state,        wrong_state,        wrong_state,       wrong_state },
};
/* clang-format on */

static int column_of(uint8_t type)
{
    switch (type) {
    case HIP_PKT_I1:
        return I1;
    case HIP_PKT_R1:
        return R1;
    case HIP_PKT_I2:
        return I2;
    case HIP_PKT_R2:
        return R2;
    case HIP_PKT_UPDATE:
        return UPDATE;
    case HIP_PKT_NOTIFY:
        return NOTIFY;
    case HIP_PKT_CLOSE:
        return CLOSE;
    case HIP_PKT_CLOSE_ACK:
        return CLOSE_ACK;
    default:
        return -1;
    }
}

static int unknown_packet(struct hip_rx *rx)
{
    return HIP_DROP_UNKNOWN_PACKET;
}

hip_handler *hip_fsm_handler(const struct hip_rx *rx)
{
    int c = column_of(rx->pkt.type);
    return c < 0 ? unknown_packet : table[rx->a ? rx->a->state : HIP_UNASSOCIATED][c];
}
