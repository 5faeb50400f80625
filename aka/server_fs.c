/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA' with forward secrecy, the server's side (RFC 9678).
 */
#include <string.h>

#include "aka/server_priv.h"
#include "common/crypto/secret.h"

/* RFC 9678 s7.1 MUST: nothing stays from which the keys of a run could be had again. */
void aka_srv_fs_wipe(struct aka_server *s)
{
    dh_free(s->fs_key);
    s->fs_key = NULL;
    sec_wipe(s->ck_prime, sizeof s->ck_prime);
    sec_wipe(s->ik_prime, sizeof s->ik_prime);
}

/* RFC 9678 s6.1 MUST: a fresh value for each run; here each challenge has its own. */
static err fresh_key(struct aka_server *s)
{
    dh_free(s->fs_key);
    s->fs_key = aka_fs_generate(s->fs[0], s->conf.env);
    return s->fs_key ? ERR_OK : ERR_CRYPTO;
}

err aka_srv_fs_begin(struct aka_server *s)
{
    if (s->method->type != EAP_TYPE_AKA_PRIME || !s->conf.fs[0])
        return ERR_OK;
    if (!s->n_fs) { /* a list that the peer has changed stays changed, after a resynchronisation too */
        memcpy(s->fs, s->conf.fs, sizeof s->conf.fs);
        while (s->n_fs < AKA_SERVER_KDFS && s->fs[s->n_fs])
            s->n_fs++;
    }
    return fresh_key(s);
}

/* RFC 9678 s6.2, s6.5.3 MUST: one list, and a key for its first function. */
void aka_srv_fs_write(const struct aka_server *s, struct aka_wr *w)
{
    uint8_t public[AKA_FS_PUBLIC_MAX];
    if (!s->fs_key)
        return;
    for (uint8_t i = 0; i < s->n_fs; i++)
        aka_wr_u16(w, AKA_AT_KDF_FS, s->fs[i]);
    aka_wr_attr(w, AKA_AT_PUB_ECDHE, span_of(public, aka_fs_public(s->fs[0], s->fs_key, public)));
}

/* RFC 9678 s6.2 MUST: one that was offered, not the first one, once, and nothing else in the message. */
enum aka_reason aka_srv_fs_choose(struct aka_server *s, const struct aka_msg *m)
{
    bool offered = false;
    for (uint8_t i = 1; i < s->n_fs; i++)
        offered |= s->fs[i] == m->kdf_fs[0];
    if (m->n_kdf_fs != 1 || m->has[AKA_AT_RES] || m->has[AKA_AT_PUB_ECDHE] || m->n_kdf || s->fs_chosen ||
        !s->fs_key || !offered)
        return AKA_R_FS;
    memmove(s->fs + 1, s->fs, s->n_fs * sizeof *s->fs);
    s->fs[0] = m->kdf_fs[0];
    s->n_fs++;
    s->fs_chosen = true;
    return fresh_key(s) == ERR_OK ? AKA_R_OK : AKA_R_INTERNAL;
}

/* Our own key sent back to us is nobody's. */
static bool reflected(const struct aka_server *s, struct span value)
{
    uint8_t own[AKA_FS_PUBLIC_MAX];
    size_t n = aka_fs_public(s->fs[0], s->fs_key, own);
    return value.n >= n && memcmp(value.p, own, n) == 0;
}

enum aka_reason aka_srv_fs_keys(struct aka_server *s, const struct aka_msg *m)
{
    struct span value = m->value[AKA_AT_PUB_ECDHE];
    if (!s->fs_key) /* not offered: whatever the peer says of it is for nobody */
        return s->conf.fs_required && s->method->type == EAP_TYPE_AKA_PRIME ? AKA_R_FS : AKA_R_OK;
    if (!m->has[AKA_AT_PUB_ECDHE]) /* RFC 9678 s6.5.4 MUST: refused where the operator demands it */
        return s->conf.fs_required || s->fs_chosen ? AKA_R_FS : AKA_R_OK;
    uint8_t *shared = sec_alloc(AKA_FS_SHARED_LEN);
    if (!shared)
        return AKA_R_INTERNAL;
    err e = reflected(s, value) ? ERR_RANGE : aka_fs_shared(s->fs[0], s->fs_key, value, shared);
    if (e == ERR_OK)
        e = aka_keys_fs(s->ck_prime, s->ik_prime, shared, span_of(s->identity.octets, s->identity.n),
                        &s->keys);
    sec_free(shared);
    s->fs_used = e == ERR_OK;
    return e == ERR_OK ? AKA_R_OK : e == ERR_MEMORY ? AKA_R_INTERNAL : AKA_R_FS;
}
