/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA' with forward secrecy, the peer's side (RFC 9678).
 */
#include <string.h>

#include "aka/peer_priv.h"
#include "common/crypto/secret.h"

void aka_peer_forward_secrecy(struct aka_peer *p, const struct env *env, bool required)
{
    p->fs_env = env;
    p->fs_required = required;
}

bool aka_peer_fs(const struct aka_peer *p)
{
    return p->have_keys && p->fs_used;
}

static bool same(const struct aka_peer *p, const uint16_t *list, uint8_t n)
{
    return p->n_fs == n && memcmp(p->fs, list, n * sizeof *list) == 0;
}

static bool twice(const uint16_t *list, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++)
        for (uint8_t j = 0; j < i; j++)
            if (list[i] == list[j])
                return true;
    return false;
}

/* RFC 9678 s6.2 MUST: a list changes by our own choice in front of it, and by nothing else; nothing stands in it twice. */
static enum peer_fs list_ok(const struct aka_peer *p, const struct aka_msg *m)
{
    if (p->fs_chosen)
        return m->n_kdf_fs && m->kdf_fs[0] == p->fs_now && same(p, m->kdf_fs + 1, (uint8_t)(m->n_kdf_fs - 1))
                   ? PEER_FS_GO_ON
                   : PEER_FS_ERROR;
    if (p->n_fs)
        return same(p, m->kdf_fs, m->n_kdf_fs) ? PEER_FS_GO_ON : PEER_FS_ERROR;
    return twice(m->kdf_fs, m->n_kdf_fs) ? PEER_FS_REJECT : PEER_FS_GO_ON;
}

/* A key that comes again with another challenge is not fresh (RFC 9678 s6.1). */
static bool stale(struct aka_peer *p, const struct aka_msg *m)
{
    struct span value = m->value[AKA_AT_PUB_ECDHE];
    const uint8_t *rand = m->value[AKA_AT_RAND].p;
    if (value.n > sizeof p->fs_seen)
        return false; /* of no function that we know */
    bool again = p->fs_seen_n && value.n == p->fs_seen_n && memcmp(value.p, p->fs_seen, value.n) == 0 &&
                 memcmp(rand, p->fs_rand, sizeof p->fs_rand) != 0;
    memcpy(p->fs_seen, value.p, value.n);
    p->fs_seen_n = value.n;
    memcpy(p->fs_rand, rand, sizeof p->fs_rand);
    return again;
}

static enum peer_fs without(struct aka_peer *p)
{
    p->fs_now = AKA_FS_NONE;
    return p->fs_required ? PEER_FS_REJECT : PEER_FS_GO_ON; /* s6.5.4 */
}

enum peer_fs aka_peer_fs_judge(struct aka_peer *p, const struct aka_msg *m)
{
    if (!p->fs_env)
        return PEER_FS_GO_ON;
    if (!m->n_kdf_fs ||
        !m->has[AKA_AT_PUB_ECDHE]) /* RFC 9678 s6.5.3 MUST: one without the other is neither */
        return p->n_fs ? PEER_FS_ERROR : without(p);
    enum peer_fs r = list_ok(p, m);
    if (r != PEER_FS_GO_ON)
        return r;
    if (stale(p, m))
        return PEER_FS_ERROR;
    memcpy(p->fs, m->kdf_fs, sizeof p->fs); /* with our choice in front, if we made one */
    p->n_fs = m->n_kdf_fs;
    p->fs_chosen = false;
    if (aka_fs_known(m->kdf_fs[0])) {
        p->fs_now = m->kdf_fs[0];
        return PEER_FS_GO_ON;
    }
    for (uint8_t i = 1; i < m->n_kdf_fs; i++)
        if (aka_fs_known(m->kdf_fs[i])) {
            p->fs_now = m->kdf_fs[i];
            p->fs_chosen = true;
            return PEER_FS_CHOOSE;
        }
    return without(p);
}

/* RFC 9678 s6.1 MUST: a fresh key; wiped when its secret is in the keys (s7.1 MUST). */
err aka_peer_fs_keys(struct aka_peer *p, const struct aka_msg *m, const uint8_t ck_prime[AKA_CK_LEN],
                     const uint8_t ik_prime[AKA_IK_LEN], uint8_t out[AKA_FS_PUBLIC_MAX], size_t *n)
{
    struct dh_key *k = aka_fs_generate(p->fs_now, p->fs_env);
    uint8_t *shared = sec_alloc(AKA_FS_SHARED_LEN);
    err e = k && shared ? aka_fs_shared(p->fs_now, k, m->value[AKA_AT_PUB_ECDHE], shared) : ERR_MEMORY;
    if (e == ERR_OK)
        e = aka_keys_fs(ck_prime, ik_prime, shared, span_of(p->identity, p->identity_n), &p->keys);
    if (e == ERR_OK) {
        *n = aka_fs_public(p->fs_now, k, out);
        p->fs_used = true;
    }
    sec_free(shared);
    dh_free(k);
    return e;
}
