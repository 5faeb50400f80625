/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/fs.h"

#include <string.h>

#include "common/crypto/secret.h"

bool aka_fs_known(uint16_t kdf)
{
    return kdf == AKA_FS_X25519 || kdf == AKA_FS_P256;
}

static enum dh_group group_of(uint16_t kdf)
{
    return kdf == AKA_FS_X25519 ? DH_X25519 : DH_P256;
}

static size_t public_len(uint16_t kdf)
{
    return kdf == AKA_FS_X25519 ? 32 : DH_P256_SHORT; /* s6.1 */
}

struct dh_key *aka_fs_generate(uint16_t kdf, const struct env *env)
{
    return aka_fs_known(kdf) ? dh_generate(group_of(kdf), env) : NULL;
}

size_t aka_fs_public(uint16_t kdf, const struct dh_key *k, uint8_t out[AKA_FS_PUBLIC_MAX])
{
    if (kdf == AKA_FS_X25519)
        memcpy(out, dh_public(k).p, 32);
    else
        dh_p256_shorten(dh_public(k).p, out);
    return public_len(kdf);
}

/* RFC 9678 s6.3 MUST: what is no public key of the group is refused; of X25519 a secret of zeros as well. */
err aka_fs_shared(uint16_t kdf, const struct dh_key *k, struct span value, uint8_t out[AKA_FS_SHARED_LEN])
{
    uint8_t xy[64];
    size_t n = public_len(kdf);
    if (!aka_fs_known(kdf) || value.n < n || value.n > n + 3)
        return ERR_MALFORMED;
    for (size_t i = n; i < value.n; i++)
        if (value.p[i])
            return ERR_MALFORMED;
    if (kdf == AKA_FS_X25519)
        return dh_shared(k, span_of(value.p, n), out);
    err e = dh_p256_expand(span_of(value.p, n), xy);
    return e == ERR_OK ? dh_shared(k, span_of(xy, sizeof xy), out) : e;
}

/* MK_ECDHE = PRF'(IK' | CK' | SHARED_SECRET, "EAP-AKA' FS" | Identity): K_re, MSK, EMSK (s6.3). */
err aka_keys_fs(const uint8_t ck_prime[AKA_CK_LEN], const uint8_t ik_prime[AKA_IK_LEN],
                const uint8_t shared[AKA_FS_SHARED_LEN], struct span identity, struct aka_keys *out)
{
    static const char label[] = "EAP-AKA' FS";
    struct work {
        struct aka_keys keys;
        uint8_t key[AKA_IK_LEN + AKA_CK_LEN + AKA_FS_SHARED_LEN];
        uint8_t mk[AKA_K_RE_LEN + AKA_MSK_LEN + AKA_EMSK_LEN];
    } *w = sec_alloc(sizeof *w);
    uint8_t s[sizeof label - 1 + EAP_IDENTITY_MAX];
    if (!w)
        return ERR_MEMORY;
    err e = aka_keys_prime(ck_prime, ik_prime, identity,
                           &w->keys); /* K_encr, K_aut; judges the identity's length */
    if (e != ERR_OK)
        goto out;
    memcpy(w->key, ik_prime, AKA_IK_LEN);
    memcpy(w->key + AKA_IK_LEN, ck_prime, AKA_CK_LEN);
    memcpy(w->key + AKA_IK_LEN + AKA_CK_LEN, shared, AKA_FS_SHARED_LEN);
    memcpy(s, label, sizeof label - 1);
    memcpy(s + sizeof label - 1, identity.p, identity.n);
    e = aka_prf_prime(span_of(w->key, sizeof w->key), span_of(s, sizeof label - 1 + identity.n), w->mk,
                      sizeof w->mk);
    if (e != ERR_OK)
        goto out;
    memcpy(w->keys.k_re, w->mk, AKA_K_RE_LEN);
    memcpy(w->keys.msk, w->mk + AKA_K_RE_LEN, AKA_MSK_LEN);
    memcpy(w->keys.emsk, w->mk + AKA_K_RE_LEN + AKA_MSK_LEN, AKA_EMSK_LEN);
    *out = w->keys;
out:
    sec_free(w);
    return e;
}
