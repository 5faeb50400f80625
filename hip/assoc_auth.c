/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/assoc_auth.h"

#include "hip/auth.h"
#include "hip/encrypted.h"
#include "hip/reg.h"

int hip_contents_open(const struct hip_rx *rx, uint8_t *plain, struct hip_contents *out)
{
    const struct hip_assoc *a = rx->a;
    struct hip_contents c = { 0 };
    if (hip_pkt_has(&rx->pkt, HIP_PAR_ENCRYPTED)) {
        struct hip_params p;
        if (hip_encrypted_open(hip_pkt_span(&rx->pkt, HIP_PAR_ENCRYPTED), a->cipher,
                               hip_key_enc(&a->keys.secrets->hip.in), plain, HIP_PACKET_MAX,
                               &c.inner) != ERR_OK ||
            hip_inner_parse(c.inner, &p, NULL) != HIP_TAKEN)
            return HIP_DROP_BAD_ENCRYPTED;
    }
    int drop = hip_reg_read(&rx->pkt.p, &c);
    if (drop == HIP_TAKEN)
        *out = c;
    return drop;
}

int hip_auth_check(struct hip_rx *rx)
{
    const struct hip_assoc *a = rx->a;
    if (!a->keys.secrets || !a->peer_hi.key)
        return HIP_DROP_WRONG_STATE;
    if (hip_mac_check(&rx->pkt, HIP_PAR_HIP_MAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.in)) != ERR_OK)
        return HIP_DROP_BAD_HIP_MAC;
    if (hip_sign_check(&rx->pkt, HIP_PAR_HIP_SIGNATURE, &a->peer_hi) != ERR_OK)
        return HIP_DROP_BAD_SIGNATURE;
    rx->proven = true;
    return HIP_TAKEN;
}

void hip_auth_add(struct hip_build *b, const struct hip_assoc *a)
{
    hip_mac_add(b, HIP_PAR_HIP_MAC, a->rhash, hip_key_mac(&a->keys.secrets->hip.out));
    hip_sign_add(b, HIP_PAR_HIP_SIGNATURE, &a->id->hi);
}
