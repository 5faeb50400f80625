/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of HIP_DATA (RFC 6078 s4): SEQ_DATA, ACK_DATA, PAYLOAD_MIC. TRANSACTION_ID is opaque: hip_pkt_span().
 */
#pragma once

#include "common/crypto/hash.h"
#include "hip/param_core.h"

MUST_USE err hip_get_seq_data(struct span v, uint32_t *seq);
void hip_put_seq_data(struct hip_build *b, uint32_t seq);
MUST_USE err hip_get_ack_data(struct span v, struct hip_acks *out);
void hip_put_ack_data(struct hip_build *b, const struct hip_acks *a);

struct hip_payload_mic {
    uint8_t next_header;
    uint8_t payload[8]; /* the last eight octets of the payload */
    struct span mic;    /* hash_len(rhash) octets */
};
MUST_USE err hip_get_payload_mic(struct span v, enum hash_alg rhash, struct hip_payload_mic *out);
void hip_put_payload_mic(struct hip_build *b, const struct hip_payload_mic *m);
