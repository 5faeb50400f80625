/* SPDX-License-Identifier: Apache-2.0
 * What AKA does with elliptic curves: SUCI, and EAP-AKA' with forward secrecy. */
#include <stdlib.h>
#include <string.h>

#include "aka/fs.h"
#include "aka/suci.h"
#include "cli/hipvec/vec.h"
#include "common/crypto/secret.h"

/* An env that draws one given key. */
struct drawn {
    struct span key;
};

static void draw_key(void *ctx, const char *name, void *out, size_t n)
{
    const struct drawn *d = ctx;
    memset(out, 0, n);
    if (strcmp(name, "dh_private") == 0 && n == d->key.n)
        memcpy(out, d->key.p, n);
}

static void no_random(void *ctx, void *out, size_t n)
{
    memset(out, 0, n);
}

/* ---- SUCI ---- */

static void conceal(struct vec_case *c, const struct suci_key *k, const char *imsi)
{
    struct drawn d = { .key = vec_hex_n(c, "eph_private", 32) };
    struct env env = { .ctx = &d, .random = no_random, .draw = draw_key };
    struct suci_home h = { .id = k->id };
    uint8_t public[SUCI_PUBLIC_MAX], shared[DH_SHARED_MAX];
    char nai[NAI_TEXT_MAX];
    const char *rid = vec_text(c, "rid"), *at = strchr(vec_text(c, "nai"), '@');
    if (!vec_going(c) || strlen(rid) > SUCI_RID_MAX || !at)
        return;
    memcpy(h.rid, rid, strlen(rid));
    if (!vec_step(c, "hn_public",
                  suci_home_set(&h, k->profile, span_of(public, suci_key_public(k, public)))) ||
        !vec_step(c, "nai", suci_make(&h, imsi, (unsigned)strlen(k->plmn) - 3, at + 1, &env, nai)))
        return;
    vec_same_text(c, "nai", nai);
    struct suci_key eph = { .id = 0 };
    if (!vec_step(c, "eph_private", suci_key_set(&eph, k->profile, d.key)))
        return;
    vec_same(c, "eph_public", span_of(public, suci_key_public(&eph, public)));
    if (vec_step(c, "shared", dh_shared(k->key, dh_public(eph.key), shared)))
        vec_same(c, "shared", span_of(shared, 32));
    suci_key_done(&eph);
}

static void suci(struct vec_case *c)
{
    struct suci_key k = { .id = 0 };
    uint8_t public[SUCI_PUBLIC_MAX];
    char imsi[IMSI_MAX + 1] = "";
    const char *profile = vec_text(c, "profile"), *plmn = vec_text(c, "plmn");
    int64_t id = vec_int(c, "hnkey");
    struct span key = vec_hex_n(c, "hn_private", 32);
    if (!vec_going(c))
        return;
    if ((strlen(plmn) != 5 && strlen(plmn) != 6) || id < 0 || id > 255 ||
        (strcmp(profile, "A") != 0 && strcmp(profile, "B") != 0)) {
        vec_malformed(c, "profile, plmn or hnkey");
        return;
    }
    if (!vec_step(c, "hn_private",
                  suci_key_set(&k, profile[0] == 'A' ? SUCI_PROFILE_A : SUCI_PROFILE_B, key)))
        return;
    k.id = (uint8_t)id;
    memcpy(k.plmn, plmn, strlen(plmn));
    vec_same(c, "hn_public", span_of(public, suci_key_public(&k, public)));
    err e = suci_open(&k, 1, span_str(vec_text(c, "nai")), imsi);
    vec_verdict(c, e == ERR_OK);
    if (e == ERR_OK && vec_going(c)) {
        vec_same_text(c, "imsi", imsi);
        if (vec_has(c, "eph_private"))
            conceal(c, &k, imsi);
    }
    suci_key_done(&k);
}

/* ---- forward secrecy ---- */

static void same_keys(struct vec_case *c, const uint8_t *shared)
{
    uint8_t ckp[AKA_CK_LEN], ikp[AKA_IK_LEN];
    struct aka_keys k = { .k_aut_len = 0 };
    struct span name = vec_hex(c, "network_name"), autn = vec_hex_n(c, "autn", 16);
    struct span ck = vec_hex_n(c, "ck", 16), ik = vec_hex_n(c, "ik", 16), id = vec_hex(c, "identity");
    if (!vec_going(c) || !vec_step(c, "ck_prime", aka_prime_ck_ik(ck.p, ik.p, name, autn.p, ckp, ikp)))
        return;
    vec_same(c, "ck_prime", span_of(ckp, 16));
    vec_same(c, "ik_prime", span_of(ikp, 16));
    if (!vec_step(c, "msk", aka_keys_fs(ckp, ikp, shared, id, &k)))
        return;
    vec_same(c, "k_encr", span_of(k.k_encr, sizeof(k.k_encr)));
    vec_same(c, "k_aut", span_of(k.k_aut, k.k_aut_len));
    vec_same(c, "k_re", span_of(k.k_re, sizeof(k.k_re)));
    vec_same(c, "msk", span_of(k.msk, sizeof(k.msk)));
    vec_same(c, "emsk", span_of(k.emsk, sizeof(k.emsk)));
}

/* A key of this side's, its public value, and what the other's makes of it. */
static err side(struct vec_case *c, uint16_t kdf, const char *private, const char *public, const char *other,
                uint8_t shared[AKA_FS_SHARED_LEN])
{
    struct drawn d = { .key = vec_hex_n(c, private, 32) };
    struct env env = { .ctx = &d, .random = no_random, .draw = draw_key };
    uint8_t out[AKA_FS_PUBLIC_MAX];
    struct span peer = vec_hex(c, other);
    if (!vec_going(c))
        return ERR_MALFORMED;
    struct dh_key *k = aka_fs_generate(kdf, &env);
    if (!vec_step(c, private, k ? ERR_OK : ERR_RANGE))
        return ERR_RANGE;
    if (c->valid)
        vec_same(c, public, span_of(out, aka_fs_public(kdf, k, out)));
    err e = aka_fs_shared(kdf, k, peer, shared);
    dh_free(k);
    return e;
}

static void forward_secrecy(struct vec_case *c)
{
    uint8_t shared[AKA_FS_SHARED_LEN];
    int64_t kdf = vec_int(c, "kdf_fs");
    if (!vec_going(c))
        return;
    if (kdf != AKA_FS_X25519 && kdf != AKA_FS_P256) {
        vec_malformed(c, "kdf_fs is %lld", (long long)kdf);
        return;
    }
    err e = side(c, (uint16_t)kdf, "server_private", "server_public", "peer_public", shared);
    vec_verdict(c, e == ERR_OK);
    if (e != ERR_OK || !vec_going(c))
        return;
    vec_same(c, "shared", span_of(shared, sizeof(shared)));
    if (vec_step(c, "shared",
                 side(c, (uint16_t)kdf, "peer_private", "peer_public", "server_public", shared))) {
        vec_same(c, "shared", span_of(shared, sizeof(shared)));
        same_keys(c, shared);
    }
}

const struct vec_family family_ecdhe[] = {
    { "SuciTest", suci, "3GPP TS 33.501 annex C.3; 3GPP TS 23.003 s28.7.3", NULL, true },
    { "EapAkaPrimeFsTest", forward_secrecy, "RFC 9678 s6.3", NULL, true },
    { 0 },
};
