/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/complain.h"

#include "hip/notify.h"
#include "hip/suite.h"

static const struct bucket_rate all_initiators = { .per_second_milli = 20000, .burst = 40 };

/* The Initiator's R1 has lists of which none fits; an I2 chose what no list of ours had. 0: nothing is said. */
static uint16_t about_choice(bool r1, int drop)
{
    switch (drop) {
    case HIP_DROP_BAD_CIPHER:
        return r1 ? HIP_NTF_NO_HIP_PROPOSAL_CHOSEN : HIP_NTF_INVALID_HIP_CIPHER_CHOSEN;
    case HIP_DROP_BAD_TRANSPORT: /* RFC 7402 s5.1.2, s6.5 */
        return r1 ? HIP_NTF_NO_ESP_PROPOSAL_CHOSEN : HIP_NTF_INVALID_ESP_TRANSFORM_CHOSEN;
    case HIP_DROP_DH_DOWNGRADE: /* BAD_DH: hip_complain_group() */
        return r1 ? HIP_NTF_NO_DH_PROPOSAL_CHOSEN : 0;
    case HIP_DROP_UNSUPPORTED_SUITE:
        return r1 ? HIP_NTF_UNSUPPORTED_HIT_SUITE : 0;
    default:
        return 0;
    }
}

static uint16_t about_i2(int drop)
{
    switch (drop) {
    case HIP_DROP_BAD_HIP_MAC:
        return HIP_NTF_HIP_MAC_FAILED;
    case HIP_DROP_BAD_SIGNATURE:
        return HIP_NTF_AUTHENTICATION_FAILED;
    case HIP_DROP_BAD_ENCRYPTED:
        return HIP_NTF_ENCRYPTION_FAILED;
    case HIP_DROP_HI_MISMATCH:
        return HIP_NTF_INVALID_HIT;
    case HIP_DROP_ASSOC_FULL:
        return HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY;
    default:
        return about_choice(false, drop);
    }
}

/* R2, UPDATE, CLOSE and CLOSE_ACK. */
static uint16_t about_peers(const struct hip_rx *rx, int drop)
{
    switch (drop) {
    case HIP_DROP_BAD_CHECKSUM:
        return HIP_NTF_CHECKSUM_FAILED;
    case HIP_DROP_UNKNOWN_CRITICAL:
        return HIP_NTF_UNSUPPORTED_CRITICAL_PARAMETER_TYPE;
    case HIP_DROP_BAD_HIP_MAC:
    case HIP_DROP_BAD_HIP_MAC_2:
        return HIP_NTF_HIP_MAC_FAILED;
    case HIP_DROP_BAD_SIGNATURE:
        return HIP_NTF_AUTHENTICATION_FAILED;
    case HIP_DROP_BAD_ENCRYPTED:
        return rx->proven ? HIP_NTF_ENCRYPTION_FAILED : 0;
    case HIP_DROP_PARAM_MALFORMED: /* RFC 7401 s5.2.19 MUST: only when MAC and signature were right, and without details */
        return rx->proven ? HIP_NTF_INVALID_SYNTAX : 0;
    default:
        return 0;
    }
}

static void say(struct hip_rx *rx, struct bucket *b, const struct bucket_rate *rate, uint16_t code)
{
    uint8_t type[2] = { (uint8_t)(rx->pkt.bad_type >> 8), (uint8_t)rx->pkt.bad_type };
    bool critical = code == HIP_NTF_UNSUPPORTED_CRITICAL_PARAMETER_TYPE;
    struct span data = span_of(type, critical ? sizeof type : 0);
    if (hip_notify_len(rx->id, data.n) > rx->pkt.raw.n || !bucket_take(b, rate, 1, rx->now))
        return;
    if (hip_notify_to(rx->e, rx->id, &rx->pkt.sender, rx->path, code, data, rx->out) != ERR_OK)
        rx->e->counters[HIP_DROP_INTERNAL]++;
}

/* The association of a packet that was dropped before anybody looked for it. */
static bool find_peer(struct hip_rx *rx)
{
    if (!rx->pkt.raw.p)
        return false;
    if (!rx->id)
        rx->id = hip_identity_find(rx->e, &rx->pkt.receiver);
    if (rx->id && !rx->a)
        rx->a = hip_assoc_by_pair(rx->e, &rx->id->hi.hit, &rx->pkt.sender);
    return rx->a && rx->a->peer_hi.key && hip_path_eq(rx->path, &rx->a->path);
}

static void about_associations(struct hip_rx *rx, int drop)
{
    uint16_t code = about_peers(rx, drop);
    if (code == 0 || !find_peer(rx))
        return;
    if (drop == HIP_DROP_UNKNOWN_CRITICAL && !hip_checksum_ok(&rx->pkt, &rx->path->peer, &rx->path->local))
        return;
    say(rx, &rx->a->told, &hip_told_rate, code);
}

void hip_complain_init(struct hip_engine *e)
{
    bucket_init(&e->complaints, &all_initiators, 0);
}

void hip_complain(struct hip_rx *rx, int drop)
{
    if (!rx->e->cfg.tell)
        return;
    uint16_t code;
    switch (rx->pkt.type) {
    case HIP_PKT_R1:
        code = about_choice(true, drop);
        if (rx->proven && code)
            say(rx, &rx->a->told, &hip_told_rate, code);
        break;
    case HIP_PKT_I2:
        code = about_i2(drop);
        if (rx->proven && code)
            say(rx, &rx->e->complaints, &all_initiators, code);
        break;
    case HIP_PKT_R2:
    case HIP_PKT_UPDATE:
    case HIP_PKT_CLOSE:
    case HIP_PKT_CLOSE_ACK:
        about_associations(rx, drop);
        break;
    default: /* I1: no solution; NOTIFY: never about one (s5.2.19) */
        break;
    }
}

void hip_complain_group(struct hip_rx *rx)
{
    if (!rx->e->cfg.tell)
        return;
    if (rx->pkt.type == HIP_PKT_R1)
        say(rx, &rx->a->told, &hip_told_rate, HIP_NTF_NO_DH_PROPOSAL_CHOSEN);
    else
        say(rx, &rx->e->complaints, &all_initiators, HIP_NTF_INVALID_DH_CHOSEN);
}

void hip_complain_not(struct hip_rx *rx, struct hip_assoc *embryo)
{
    if (rx->e->cfg.tell && hip_path_eq(rx->path, &embryo->path))
        say(rx, &embryo->told, &hip_told_rate, HIP_NTF_I2_ACKNOWLEDGEMENT);
}
