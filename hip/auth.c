/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/auth.h"

#include <string.h>

#include "common/crypto/secret.h"

/* The header as it counts, RFC 7401 s6.4.1, s6.4.2 MUST: checksum zero, Header Length of `len` octets. */
static void header_of(const uint8_t *packet, size_t len, uint8_t out[HIP_HEADER_LEN])
{
    memcpy(out, packet, HIP_HEADER_LEN);
    out[1] = (uint8_t)(len / 8 - 1);
    out[4] = out[5] = 0;
}

/* HMAC over `n` octets of the packet, and `tail` behind them (HIP_MAC_2), which Header Length counts too. */
static err mac_over(enum hash_alg rhash, struct span key, const uint8_t *packet, size_t n, struct span tail,
                    uint8_t out[HASH_LEN_MAX])
{
    uint8_t header[HIP_HEADER_LEN];
    if (n < HIP_HEADER_LEN || n + tail.n > HIP_PACKET_MAX)
        return ERR_RANGE;
    header_of(packet, n + tail.n, header);
    struct span in[3] = {
        span_of(header, sizeof(header)),
        span_of(packet + HIP_HEADER_LEN, n - HIP_HEADER_LEN),
        tail,
    };
    return hmac_spans(rhash, key, in, 3, out);
}

static void add_mac(struct hip_build *b, uint16_t type, enum hash_alg rhash, struct span key,
                    struct span tail)
{
    uint8_t mac[HASH_LEN_MAX];
    if (b->failed != ERR_OK || !wcur_ok(&b->w))
        return;
    err e = b->is_open || b->inner ? ERR_STATE : mac_over(rhash, key, b->w.base, hip_build_len(b), tail, mac);
    if (e != ERR_OK) {
        b->failed = e;
        return;
    }
    hip_build_param(b, type, span_of(mac, hash_len(rhash)));
}

static err check_mac(const struct hip_pkt *k, uint16_t type, enum hash_alg rhash, struct span key,
                     struct span tail)
{
    uint8_t mac[HASH_LEN_MAX];
    const struct hip_par *p = hip_pkt_get(k, type);
    if (!p)
        return ERR_NOT_FOUND;
    err e = mac_over(rhash, key, k->raw.p, p->off, tail, mac);
    if (e != ERR_OK)
        return e;
    size_t n = hash_len(rhash); /* RFC 7401 s5.2.12, s5.2.13 MUST: its natural length */
    return p->v.n == n && n && sec_equal(mac, p->v.p, n) ? ERR_OK : ERR_AUTH;
}

void hip_mac_add(struct hip_build *b, uint16_t type, enum hash_alg rhash, struct span key)
{
    add_mac(b, type, rhash, key, span_of(NULL, 0));
}

err hip_mac_check(const struct hip_pkt *k, uint16_t type, enum hash_alg rhash, struct span key)
{
    return check_mac(k, type, rhash, key, span_of(NULL, 0));
}

void hip_mac2_add(struct hip_build *b, enum hash_alg rhash, struct span key, struct span host_id_tlv)
{
    add_mac(b, HIP_PAR_HIP_MAC_2, rhash, key, host_id_tlv);
}

err hip_mac2_check(const struct hip_pkt *k, enum hash_alg rhash, struct span key, struct span host_id_tlv)
{
    return check_mac(k, HIP_PAR_HIP_MAC_2, rhash, key, host_id_tlv);
}

/* What may differ between the R1 that was signed ahead and the R1 that is sent (RFC 7401 s5.2.15 MUST). */
static void blank_r1(uint8_t *msg, size_t n)
{
    memset(msg + 24, 0, 16);
    size_t off = HIP_HEADER_LEN;
    while (off + 4 <= n) {
        unsigned type = (unsigned)msg[off] << 8 | msg[off + 1];
        size_t len = (size_t)msg[off + 2] << 8 | msg[off + 3];
        size_t tlv = hip_tlv_len(len);
        if (tlv > n - off)
            return;
        if (type == HIP_PAR_PUZZLE && len >= 4)
            memset(msg + off + 6, 0, len - 2); /* Opaque and #I; K and Lifetime stay signed */
        off += tlv;
    }
}

static struct span signed_octets(uint16_t type, const uint8_t *packet, size_t n, uint8_t msg[HIP_PACKET_MAX])
{
    memcpy(msg, packet, n);
    header_of(packet, n, msg);
    if (type == HIP_PAR_HIP_SIGNATURE_2)
        blank_r1(msg, n);
    return span_of(msg, n);
}

void hip_sign_add(struct hip_build *b, uint16_t type, const struct hip_hi *own)
{
    uint8_t msg[HIP_PACKET_MAX], sig[SIG_LEN_MAX + 2];
    size_t n = 0;
    if (b->failed != ERR_OK || !wcur_ok(&b->w))
        return;
    if (b->is_open || b->inner) {
        b->failed = ERR_STATE;
        return;
    }
    struct span m = signed_octets(type, b->w.base, hip_build_len(b), msg);
    b->failed = hip_hi_sign(own, m, sig, sizeof(sig), &n);
    if (b->failed == ERR_OK)
        hip_build_param(b, type, span_of(sig, n));
}

err hip_sign_check(const struct hip_pkt *k, uint16_t type, const struct hip_hi *peer)
{
    uint8_t msg[HIP_PACKET_MAX];
    const struct hip_par *p = hip_pkt_get(k, type);
    if (!p)
        return ERR_NOT_FOUND;
    return hip_hi_verify(peer, signed_octets(type, k->raw.p, p->off, msg), p->v);
}
