/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/suci.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/cipher.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define PRIVATE_LEN 32
#define SHARED_LEN  32

/* What a SUCI says, before anything is believed. */
struct fields {
    unsigned id;
    enum suci_profile profile;
    uint8_t public[SUCI_PUBLIC_MAX];
    size_t public_n;
    uint8_t cipher[SUCI_CIPHER_MAX];
    size_t cipher_n;
    uint8_t mac[SUCI_MAC_LEN];
    struct span realm;
};

static size_t public_len(enum suci_profile p)
{
    return p == SUCI_PROFILE_A ? 32 : DH_P256_SHORT;
}

/* ---- the key schedule ---- */

struct schedule { /* secret */
    uint8_t shared[SHARED_LEN];
    uint8_t okm[64]; /* encryption key, first counter block, MAC key */
};
#define OKM_KEY 0
#define OKM_ICB 16
#define OKM_MAC 32

/* ANSI X9.63 with SHA-256 (SEC 1 s3.6.1); SharedInfo is the ephemeral public key as it is sent (TS 33.501 C.3.4). */
static err derive(struct schedule *s, struct span public_key)
{
    err e = ERR_OK;
    for (uint8_t i = 1; i <= 2 && e == ERR_OK; i++) {
        const uint8_t counter[4] = { 0, 0, 0, i };
        const struct span in[] = { span_of(s->shared, SHARED_LEN), span_of(counter, 4), public_key };
        e = hash_spans(HASH_SHA256, in, 3, s->okm + (size_t)32 * (i - 1u));
    }
    return e;
}

/* AES-128 in counter mode: either direction. */
static err crypt(const struct schedule *s, struct span in, uint8_t *out)
{
    struct cipher *c = cipher_new(CIPHER_AES128_CTR, true, span_of(s->okm + OKM_KEY, 16));
    err e = c ? cipher_blocks(c, s->okm + OKM_ICB, in, out) : ERR_CRYPTO;
    cipher_free(c);
    return e;
}

static err tag(const struct schedule *s, struct span cipher, uint8_t out[SUCI_MAC_LEN])
{
    uint8_t whole[32];
    err e = hmac_once(HASH_SHA256, span_of(s->okm + OKM_MAC, 32), cipher, whole);
    if (e == ERR_OK)
        memcpy(out, whole, SUCI_MAC_LEN);
    return e;
}

/* ---- MSIN in BCD: the first digit in the low half (TS 24.501 s9.11.3.4), 0xf behind an odd number of them ---- */

static size_t bcd_put(const char *digits, uint8_t *out)
{
    size_t n = strlen(digits);
    for (size_t i = 0; i < n; i += 2)
        out[i / 2] = (uint8_t)((digits[i] - '0') | (i + 1 < n ? digits[i + 1] - '0' : 0xf) << 4);
    return (n + 1) / 2;
}

static bool bcd_get(const uint8_t *in, size_t n, char *out)
{
    size_t d = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t low = in[i] & 0xf, high = in[i] >> 4;
        if (low > 9 || (high > 9 && (high != 0xf || i + 1 != n)))
            return false;
        out[d++] = (char)('0' + low);
        if (high <= 9)
            out[d++] = (char)('0' + high);
    }
    out[d] = '\0';
    return true;
}

/* ---- the text ---- */

static bool starts(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && memcmp(s.p, word, n) == 0;
}

bool suci_is(struct span nai)
{
    return nai.n > 5 && starts(nai, "type") && nai.p[4] >= '0' && nai.p[4] <= '9';
}

/* Takes "word" and what follows it up to the next '.' or the end off *user. */
static bool part(struct span *user, const char *word, struct span *value)
{
    size_t w = strlen(word);
    if (!starts(*user, word))
        return false;
    const uint8_t *dot = memchr(user->p + w, '.', user->n - w);
    size_t n = dot ? (size_t)(dot - user->p) : user->n;
    *value = span_of(user->p + w, n - w);
    *user = dot ? span_of(dot + 1, user->n - n - 1) : span_of(user->p + n, 0);
    return true;
}

static bool number(struct span s, size_t max_digits, unsigned *out)
{
    unsigned v = 0;
    if (s.n == 0 || s.n > max_digits)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = 10 * v + (unsigned)(s.p[i] - '0');
    }
    *out = v;
    return true;
}

static bool octets(struct span text, uint8_t *out, size_t max, size_t *n)
{
    return text.n && hex_decode((const char *)text.p, text.n, out, max, n) == ERR_OK && *n > 0;
}

static err parse(struct span nai, struct fields *out)
{
    struct aka_nai a;
    struct fields f = { .id = 0 };
    struct span user, v;
    unsigned type = 0, scheme = 0, rid = 0;
    size_t mac_n = 0;
    if (!suci_is(nai))
        return ERR_NOT_FOUND;
    if (nai_parse(nai, &a) != ERR_OK)
        return ERR_MALFORMED;
    user = a.user;
    f.realm = a.realm;
    if (!part(&user, "type", &v) || !number(v, 1, &type))
        return ERR_MALFORMED;
    if (type != 0)
        return ERR_UNSUPPORTED;
    if (!part(&user, "rid", &v) || !number(v, SUCI_RID_MAX, &rid) || !part(&user, "schid", &v) ||
        !number(v, 2, &scheme))
        return ERR_MALFORMED;
    if (scheme != SUCI_PROFILE_A && scheme != SUCI_PROFILE_B) /* 0: the null scheme */
        return ERR_UNSUPPORTED;
    f.profile = (enum suci_profile)scheme;
    if (!part(&user, "hnkey", &v) || !number(v, 3, &f.id) || f.id > UINT8_MAX || !part(&user, "ecckey", &v) ||
        !octets(v, f.public, sizeof f.public, &f.public_n) || f.public_n != public_len(f.profile) ||
        !part(&user, "cip", &v) || !octets(v, f.cipher, sizeof f.cipher, &f.cipher_n) ||
        !part(&user, "mac", &v) || !octets(v, f.mac, sizeof f.mac, &mac_n) || mac_n != SUCI_MAC_LEN || user.n)
        return ERR_MALFORMED;
    *out = f;
    return ERR_OK;
}

/* "...mnc015.mcc234.3gppnetwork.org"; false: the realm names no home network. */
static bool realm_plmn(struct span realm, char mcc[4], char mnc[4])
{
    static const char end[] = ".3gppnetwork.org";
    size_t tail = sizeof "mnc015.mcc234.3gppnetwork.org" - 1;
    unsigned v;
    if (realm.n < tail || memcmp(realm.p + realm.n - sizeof end + 1, end, sizeof end - 1) != 0)
        return false;
    const uint8_t *p = realm.p + realm.n - tail;
    if (memcmp(p, "mnc", 3) != 0 || memcmp(p + 6, ".mcc", 4) != 0 || !number(span_of(p + 3, 3), 3, &v) ||
        !number(span_of(p + 10, 3), 3, &v) || (realm.n > tail && p[-1] != '.'))
        return false;
    snprintf(mnc, 4, "%.3s", (const char *)p + 3);
    snprintf(mcc, 4, "%.3s", (const char *)p + 10);
    return true;
}

static bool same_home(struct span realm, const char *plmn)
{
    char mcc[4], mnc[4], want[4];
    if (!realm_plmn(realm, mcc, mnc))
        return true;
    snprintf(want, sizeof want, "%s%s", strlen(plmn) == 5 ? "0" : "", plmn + 3); /* TS 23.003 s28.2 */
    return memcmp(mcc, plmn, 3) == 0 && strcmp(mnc, want) == 0;
}

/* ---- the home network ---- */

err suci_key_set(struct suci_key *k, enum suci_profile p, struct span private_key)
{
    struct dh_key *d = private_key.n == PRIVATE_LEN
                           ? dh_from_private(p == SUCI_PROFILE_A ? DH_X25519 : DH_P256, private_key)
                           : NULL;
    if (!d)
        return ERR_RANGE;
    k->profile = p;
    k->key = d;
    return ERR_OK;
}

void suci_key_done(struct suci_key *k)
{
    dh_free(k->key);
    *k = (struct suci_key){ .id = 0 };
}

size_t suci_key_public(const struct suci_key *k, uint8_t out[SUCI_PUBLIC_MAX])
{
    if (k->profile == SUCI_PROFILE_A)
        memcpy(out, dh_public(k->key).p, 32);
    else
        dh_p256_shorten(dh_public(k->key).p, out);
    return public_len(k->profile);
}

static err agree(const struct dh_key *key, enum suci_profile p, struct span public_key, struct schedule *s)
{
    uint8_t xy[64];
    if (p == SUCI_PROFILE_A)
        return dh_shared(key, public_key, s->shared);
    err e = dh_p256_expand(public_key, xy);
    return e == ERR_OK ? dh_shared(key, span_of(xy, sizeof xy), s->shared) : e;
}

/* ERR_AUTH before anything is made of what was concealed. */
static err reveal(const struct suci_key *k, const struct fields *f, char imsi[IMSI_MAX + 1])
{
    uint8_t want[SUCI_MAC_LEN], plain[SUCI_CIPHER_MAX];
    char text[SUCI_PLMN_MAX + 2 * SUCI_CIPHER_MAX + 1];
    struct span public_key = span_of(f->public, f->public_n), cipher = span_of(f->cipher, f->cipher_n);
    struct schedule *s = sec_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    err e = agree(k->key, f->profile, public_key, s);
    if (e == ERR_OK)
        e = derive(s, public_key);
    if (e == ERR_OK)
        e = tag(s, cipher, want);
    if (e == ERR_OK && !sec_equal(want, f->mac, SUCI_MAC_LEN))
        e = ERR_AUTH;
    if (e == ERR_OK)
        e = crypt(s, cipher, plain);
    if (e == ERR_OK) {
        size_t n = strlen(k->plmn);
        memcpy(text, k->plmn, n);
        e = bcd_get(plain, f->cipher_n, text + n) && imsi_valid(text) ? ERR_OK : ERR_MALFORMED;
    }
    if (e == ERR_OK)
        memcpy(imsi, text, strlen(text) + 1);
    sec_free(s);
    return e == ERR_RANGE ? ERR_MALFORMED : e;
}

err suci_open(const struct suci_key *keys, size_t n, struct span nai, char imsi[IMSI_MAX + 1])
{
    struct fields f;
    err e = parse(nai, &f);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < n; i++)
        if (keys[i].id == f.id && keys[i].profile == f.profile && same_home(f.realm, keys[i].plmn))
            return reveal(&keys[i], &f, imsi);
    return ERR_REFUSED;
}

/* ---- the subscriber ---- */

err suci_home_set(struct suci_home *h, enum suci_profile p, struct span key)
{
    if (p == SUCI_PROFILE_A) {
        if (key.n != 32)
            return ERR_RANGE;
        memcpy(h->public, key.p, 32);
    } else if (key.n == 65 && key.p[0] == 4) {
        uint8_t point[DH_P256_SHORT], xy[64]; /* once there and back: is it on the curve? */
        dh_p256_shorten(key.p + 1, point);
        if (dh_p256_expand(span_of(point, sizeof point), xy) != ERR_OK || memcmp(xy, key.p + 1, 64) != 0)
            return ERR_RANGE;
        memcpy(h->public, xy, 64);
    } else if (dh_p256_expand(key, h->public) != ERR_OK) {
        return ERR_RANGE;
    }
    h->profile = p;
    return ERR_OK;
}

static err conceal(const struct suci_home *h, struct dh_key *eph, const char *msin, struct fields *f)
{
    uint8_t plain[SUCI_CIPHER_MAX];
    bool a = h->profile == SUCI_PROFILE_A;
    f->cipher_n = bcd_put(msin, plain);
    f->public_n = public_len(h->profile);
    if (a)
        memcpy(f->public, dh_public(eph).p, 32);
    else
        dh_p256_shorten(dh_public(eph).p, f->public);
    struct schedule *s = sec_alloc(sizeof *s);
    if (!s)
        return ERR_MEMORY;
    err e = dh_shared(eph, span_of(h->public, a ? 32 : 64), s->shared);
    if (e == ERR_OK)
        e = derive(s, span_of(f->public, f->public_n));
    if (e == ERR_OK)
        e = crypt(s, span_of(plain, f->cipher_n), f->cipher);
    if (e == ERR_OK)
        e = tag(s, span_of(f->cipher, f->cipher_n), f->mac);
    sec_free(s);
    return e;
}

static err write_nai(const struct suci_home *h, const struct fields *f, const char *realm,
                     char out[NAI_TEXT_MAX])
{
    char key[2 * SUCI_PUBLIC_MAX + 1], cip[2 * SUCI_CIPHER_MAX + 1], mac[2 * SUCI_MAC_LEN + 1];
    int n = snprintf(out, NAI_TEXT_MAX, "type0.rid%s.schid%d.hnkey%u.ecckey%s.cip%s.mac%s@%s",
                     h->rid[0] ? h->rid : "0", (int)h->profile, h->id,
                     hex_encode(span_of(f->public, f->public_n), key),
                     hex_encode(span_of(f->cipher, f->cipher_n), cip),
                     hex_encode(span_of(f->mac, SUCI_MAC_LEN), mac), realm);
    return n > 0 && n < NAI_TEXT_MAX ? ERR_OK : ERR_SPACE;
}

err suci_make(const struct suci_home *h, const char *imsi, unsigned mnc_len, const char *realm,
              const struct env *env, char out[NAI_TEXT_MAX])
{
    char home[48];
    unsigned v = 0;
    struct fields f = { .id = 0 };
    if (!imsi_valid(imsi) || (mnc_len != 2 && mnc_len != 3) || strlen(imsi) <= 3 + mnc_len ||
        (h->rid[0] && !number(span_str(h->rid), SUCI_RID_MAX, &v)))
        return ERR_RANGE;
    snprintf(home, sizeof home, "5gc.mnc%s%.*s.mcc%.3s.3gppnetwork.org", mnc_len == 2 ? "0" : "",
             (int)mnc_len, imsi + 3, imsi);
    struct dh_key *eph = dh_generate(h->profile == SUCI_PROFILE_A ? DH_X25519 : DH_P256, env);
    err e = eph ? conceal(h, eph, imsi + 3 + mnc_len, &f) : ERR_CRYPTO;
    dh_free(eph);
    if (e == ERR_OK)
        e = write_nai(h, &f, realm ? realm : home, out);
    return e;
}
