/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/akakeys.h"

#include <string.h>

#include "aka/method.h"
#include "common/base/cursor.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define PRF_LEN ((size_t)32)

err aka_prime_ck_ik(const uint8_t ck[AKA_CK_LEN], const uint8_t ik[AKA_IK_LEN], struct span net_name,
                    const uint8_t sqn_xor_ak[6], uint8_t ck_prime[AKA_CK_LEN], uint8_t ik_prime[AKA_IK_LEN])
{
    static const uint8_t fc = 0x20, l1[2] = { 0, 6 };
    if (net_name.n == 0 || net_name.n > UINT16_MAX)
        return ERR_RANGE;
    const uint8_t l0[2] = { (uint8_t)(net_name.n >> 8), (uint8_t)net_name.n };
    const struct span s[] = { span_of(&fc, 1), net_name, span_of(l0, 2), span_of(sqn_xor_ak, 6),
                              span_of(l1, 2) };
    uint8_t key[AKA_CK_LEN + AKA_IK_LEN], out[PRF_LEN];
    memcpy(key, ck, AKA_CK_LEN);
    memcpy(key + AKA_CK_LEN, ik, AKA_IK_LEN);
    err e = hmac_spans(HASH_SHA256, span_of(key, sizeof key), s, 5, out);
    if (e == ERR_OK) {
        memcpy(ck_prime, out, AKA_CK_LEN);
        memcpy(ik_prime, out + AKA_CK_LEN, AKA_IK_LEN);
    }
    sec_wipe(key, sizeof key);
    sec_wipe(out, sizeof out);
    return e;
}

err aka_prf_prime(struct span key, struct span s, uint8_t *out, size_t out_len)
{
    uint8_t t[PRF_LEN], n = 0;
    err e = ERR_OK;
    if (out_len > 255u * PRF_LEN)
        return ERR_RANGE;
    while (out_len > 0 && e == ERR_OK) {
        size_t take = out_len < PRF_LEN ? out_len : PRF_LEN;
        const struct span in[] = { span_of(t, n ? PRF_LEN : 0), s,
                                   span_of(&(uint8_t){ (uint8_t)(n + 1) }, 1) };
        e = hmac_spans(HASH_SHA256, key, in, 3, t);
        if (e != ERR_OK)
            break;
        memcpy(out, t, take);
        out += take;
        out_len -= take;
        n++;
    }
    sec_wipe(t, sizeof t);
    return e;
}

/* One draw, cut into its keys in the order of RFC 9048 s3.3 (AKA': 208 octets) or RFC 4187 s7 (AKA: 160). */
static void cut(const uint8_t *mk, uint8_t k_aut_len, bool k_re, struct aka_keys *k)
{
    memcpy(k->k_encr, mk, AKA_K_ENCR_LEN);
    mk += AKA_K_ENCR_LEN;
    memcpy(k->k_aut, mk, k_aut_len);
    k->k_aut_len = k_aut_len;
    mk += k_aut_len;
    if (k_re) {
        memcpy(k->k_re, mk, AKA_K_RE_LEN);
        mk += AKA_K_RE_LEN;
    }
    memcpy(k->msk, mk, AKA_MSK_LEN);
    memcpy(k->emsk, mk + AKA_MSK_LEN, AKA_EMSK_LEN);
}

err aka_keys_prime(const uint8_t ck_prime[AKA_CK_LEN], const uint8_t ik_prime[AKA_IK_LEN],
                   struct span identity, struct aka_keys *out)
{
    static const char label[] = "EAP-AKA'";
    uint8_t key[AKA_CK_LEN + AKA_IK_LEN], mk[208], s[sizeof label - 1 + EAP_IDENTITY_MAX];
    if (identity.n == 0 || identity.n > EAP_IDENTITY_MAX)
        return ERR_RANGE;
    memcpy(key, ik_prime, AKA_IK_LEN);
    memcpy(key + AKA_IK_LEN, ck_prime, AKA_CK_LEN);
    memcpy(s, label, sizeof label - 1);
    memcpy(s + sizeof label - 1, identity.p, identity.n);
    err e = aka_prf_prime(span_of(key, sizeof key), span_of(s, sizeof label - 1 + identity.n), mk, sizeof mk);
    if (e == ERR_OK) {
        *out = (struct aka_keys){ 0 };
        cut(mk, 32, true, out);
    }
    sec_wipe(key, sizeof key);
    sec_wipe(mk, sizeof mk);
    return e;
}

err aka_keys_plain(const uint8_t ck[AKA_CK_LEN], const uint8_t ik[AKA_IK_LEN], struct span identity,
                   struct aka_keys *out)
{
    uint8_t mk[20], stream[160];
    const struct span in[] = { identity, span_of(ik, AKA_IK_LEN), span_of(ck, AKA_CK_LEN) };
    err e = hash_spans(HASH_SHA1, in, 3, mk);
    if (e == ERR_OK)
        e = fips186_prf(mk, stream, sizeof stream);
    if (e == ERR_OK) {
        *out = (struct aka_keys){ 0 };
        cut(stream, 16, false, out);
        memcpy(out->mk, mk, sizeof mk);
    }
    sec_wipe(mk, sizeof mk);
    sec_wipe(stream, sizeof stream);
    return e;
}

static err reauth_prime(const struct aka_keys *k, const struct span *in, uint8_t out[128])
{
    static const char label[] = "EAP-AKA' re-auth";
    uint8_t s[sizeof label - 1 + EAP_IDENTITY_MAX + 2 + AKA_NONCE_S_LEN];
    struct wcur w = wcur_of(s, sizeof s);
    wcur_put(&w, label, sizeof label - 1);
    for (size_t i = 0; i < 3; i++)
        wcur_span(&w, in[i]);
    return aka_prf_prime(span_of(k->k_re, sizeof k->k_re), wcur_done(&w), out, 128);
}

static err reauth_plain(const struct aka_keys *k, const struct span *in, uint8_t out[128])
{
    uint8_t xkey[20];
    const struct span all[] = { in[0], in[1], in[2], span_of(k->mk, sizeof k->mk) };
    err e = hash_spans(HASH_SHA1, all, 4, xkey);
    if (e == ERR_OK)
        e = fips186_prf(xkey, out, 128);
    sec_wipe(xkey, sizeof xkey);
    return e;
}

err aka_keys_reauth(uint8_t method, struct aka_keys *k, struct span identity, uint16_t counter,
                    const uint8_t nonce_s[AKA_NONCE_S_LEN])
{
    const uint8_t count[2] = { (uint8_t)(counter >> 8), (uint8_t)counter };
    const struct span in[] = { identity, span_of(count, 2), span_of(nonce_s, AKA_NONCE_S_LEN) };
    uint8_t out[AKA_MSK_LEN + AKA_EMSK_LEN];
    if (identity.n == 0 || identity.n > EAP_IDENTITY_MAX)
        return ERR_RANGE;
    err e = method == EAP_TYPE_AKA_PRIME ? reauth_prime(k, in, out) : reauth_plain(k, in, out);
    if (e == ERR_OK) {
        memcpy(k->msk, out, AKA_MSK_LEN);
        memcpy(k->emsk, out + AKA_MSK_LEN, AKA_EMSK_LEN);
    }
    sec_wipe(out, sizeof out);
    return e;
}

err aka_mac(uint8_t method, const struct aka_keys *k, struct span packet, size_t mac_off, struct span extra,
            uint8_t out[AKA_AT_MAC_LEN])
{
    static const uint8_t zero[AKA_AT_MAC_LEN];
    uint8_t full[HASH_LEN_MAX];
    const struct aka_method *how = aka_method_of_type(method);
    if (!how || packet.n < AKA_AT_MAC_LEN || mac_off > packet.n - AKA_AT_MAC_LEN)
        return ERR_RANGE;
    size_t after = mac_off + AKA_AT_MAC_LEN;
    const struct span in[] = { span_of(packet.p, mac_off), span_of(zero, sizeof zero),
                               span_of(packet.p + after, packet.n - after), extra };
    err e = hmac_spans(how->hash, span_of(k->k_aut, k->k_aut_len), in, 4, full);
    if (e == ERR_OK)
        memcpy(out, full, AKA_AT_MAC_LEN);
    sec_wipe(full, sizeof full);
    return e;
}
