/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/keyset.h"

#include <string.h>

#include "common/crypto/secret.h"
#include "hip/suite.h"

/* Kij goes straight into KEYMAT. */
static err make_keymat(const struct hip_keyset_args *g, struct hip_keymat **out)
{
    uint8_t kij[DH_SHARED_MAX];
    err r = dh_shared(g->dh, g->peer_dh, kij);
    if (r == ERR_OK)
        r = hip_keymat_new(g->rhash, span_of(kij, dh_secret_len(g->dh)), g->i, g->j, g->own, g->peer, out);
    sec_wipe(kij, sizeof kij);
    return r;
}

static err draw(const struct hip_keyset_args *g, struct hip_keyset *k)
{
    struct hip_secrets *s = k->secrets;
    const struct hip_cipher_suite *hip = hip_cipher_suite(g->cipher);
    const struct hip_esp_suite *esp = hip_esp_suite(g->esp_suite);
    if (!hip || !esp)
        return ERR_UNSUPPORTED;
    err r = hip_keymat_expect(k->keymat,
                              2 * ((size_t)hip->key_len + hash_len(g->rhash) + esp->enc_len + esp->auth_len));
    if (r == ERR_OK)
        r = hip_keymat_hip_keys(k->keymat, g->cipher, g->own, g->peer, &s->hip);
    if (r != ERR_OK)
        return r;
    k->esp_index = (uint16_t)hip_keymat_index(k->keymat);
    r = hip_keymat_esp_keys(k->keymat, g->esp_suite, g->own, g->peer, &s->esp);
    if (r == ERR_OK && g->exports)
        r = hip_keymat_export(k->keymat, "HIP-EXPORT sim-binding", s->exported, sizeof s->exported);
    return r;
}

err hip_keyset_make(const struct hip_keyset_args *g, struct hip_keyset *out)
{
    struct hip_keyset k = { .secrets = sec_alloc(sizeof *k.secrets) };
    err r = k.secrets ? make_keymat(g, &k.keymat) : ERR_MEMORY;
    if (r == ERR_OK)
        r = draw(g, &k);
    if (r == ERR_OK)
        r = hip_stored_set(&k.peer_dh, g->peer_dh);
    if (r != ERR_OK) {
        hip_keyset_done(&k);
        return r;
    }
    hip_keymat_close(k.keymat);
    k.exports = g->exports;
    k.dh = dh_share(g->dh);
    k.ij_len = (uint8_t)g->i.n;
    memcpy(k.i, g->i.p, g->i.n); /* hip_keymat_new() saw that both have the length of RHASH */
    memcpy(k.j, g->j.p, g->j.n);
    *out = k;
    return ERR_OK;
}

err hip_keyset_renewed(const struct hip_keyset *k, const struct hip_keyset_args *g, struct hip_keymat **out)
{
    struct hip_keyset_args a = *g;
    a.i = span_of(k->i, k->ij_len);
    a.j = span_of(k->j, k->ij_len);
    struct hip_keymat *m = NULL;
    err r = make_keymat(&a, &m);
    if (r != ERR_OK)
        return r;
    hip_keymat_close(m);
    *out = m;
    return ERR_OK;
}

void hip_keyset_done(struct hip_keyset *k)
{
    hip_keymat_free(k->keymat);
    sec_free(k->secrets);
    dh_free(k->dh);
    hip_stored_clear(&k->peer_dh);
    *k = (struct hip_keyset){ 0 };
}
