/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_data.h"

err hip_get_seq_data(struct span v, uint32_t *seq)
{
    return hip_get_seq(v, seq);
}

void hip_put_seq_data(struct hip_build *b, uint32_t seq)
{
    wcur_u32(hip_build_open(b, HIP_PAR_SEQ_DATA), seq);
    hip_build_close(b);
}

err hip_get_ack_data(struct span v, struct hip_acks *out)
{
    return hip_get_ack(v, out);
}

void hip_put_ack_data(struct hip_build *b, const struct hip_acks *a)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_ACK_DATA);
    for (size_t i = 0; i < a->n; i++)
        wcur_u32(w, a->id[i]);
    hip_build_close(b);
}

err hip_get_payload_mic(struct span v, enum hash_alg rhash, struct hip_payload_mic *out)
{
    struct rcur c = rcur_of(v);
    struct hip_payload_mic m = { .next_header = rcur_u8(&c) };
    rcur_skip(&c, 3);
    rcur_copy(&c, m.payload, sizeof(m.payload));
    m.mic = rcur_take(&c, hash_len(rhash));
    if (!rcur_end(&c) || m.mic.n == 0)
        return ERR_MALFORMED;
    *out = m;
    return ERR_OK;
}

void hip_put_payload_mic(struct hip_build *b, const struct hip_payload_mic *m)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_PAYLOAD_MIC);
    wcur_u8(w, m->next_header);
    wcur_zero(w, 3);
    wcur_put(w, m->payload, sizeof(m->payload));
    wcur_span(w, m->mic);
    hip_build_close(b);
}
