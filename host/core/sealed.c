/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core/sealed.h"

#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/cipher.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

#define PARAMS_MAGIC "HFSPRM1\n"
#define FILE_MAGIC   "HFS1"
#define CONTENTS_OLD 1 /* without a pseudonym */
#define CONTENTS_VER 2
#define PLAIN_MAX    8192
#define IKM_MAX      128

void host_seal_params_make(const struct env *env, struct host_seal_params *out)
{
    env_random(env, out->salt, sizeof out->salt);
    env_random(env, out->rand, sizeof out->rand);
}

void host_seal_params_write(const struct host_seal_params *p, uint8_t out[HOST_SEAL_PARAMS_LEN])
{
    struct wcur w = wcur_of(out, HOST_SEAL_PARAMS_LEN);

    wcur_put(&w, PARAMS_MAGIC, 8);
    wcur_put(&w, p->salt, sizeof p->salt);
    wcur_put(&w, p->rand, sizeof p->rand);
}

err host_seal_params_read(struct span file, struct host_seal_params *out)
{
    struct rcur r = rcur_of(file);
    struct host_seal_params p;

    if (!span_eq(rcur_take(&r, 8), span_of(PARAMS_MAGIC, 8)))
        return ERR_MALFORMED;
    rcur_copy(&r, p.salt, sizeof p.salt);
    rcur_copy(&r, p.rand, sizeof p.rand);
    if (!rcur_end(&r))
        return ERR_MALFORMED;
    *out = p;
    return ERR_OK;
}

/* ikm is the caller's secret. */
static err derive(const struct host_seal_params *p, enum host_seal_level level, struct span ikm,
                  struct host_seal_key *out)
{
    uint8_t prk[HASH_LEN_MAX];
    char hex[2 * sizeof out->index + 1];
    struct span s = span_of(prk, hash_len(HASH_SHA256));
    err e = hkdf_extract(HASH_SHA256, span_of(p->salt, sizeof p->salt), ikm, prk);

    if (!e)
        e = hkdf_expand(HASH_SHA256, s, span_str("hipfa seal key"), out->key, sizeof out->key);
    if (!e)
        e = hkdf_expand(HASH_SHA256, s, span_str("hipfa seal index"), out->index, sizeof out->index);
    sec_wipe(prk, sizeof prk);
    if (e) {
        sec_wipe(out, sizeof *out);
        return e;
    }
    out->level = level;
    hex_encode(span_of(out->index, sizeof out->index), hex);
    memcpy(out->file, hex, sizeof hex);
    memcpy(out->file + sizeof hex - 1, ".sealed", sizeof ".sealed");
    return ERR_OK;
}

err host_seal_key_sim(const struct host_seal_params *p, const struct host_local_key *l,
                      struct host_seal_key *out)
{
    uint8_t ikm[IKM_MAX];
    struct wcur w = wcur_of(ikm, sizeof ikm);
    err e;

    for (size_t i = 0; i < HOST_LOCAL_RANDS; i++) {
        wcur_put(&w, l->sres[i], sizeof l->sres[i]);
        wcur_put(&w, l->kc[i], sizeof l->kc[i]);
    }
    e = derive(p, HOST_SEAL_KEY, wcur_done(&w), out);
    sec_wipe(ikm, sizeof ikm);
    return e;
}

err host_seal_key_gate(const struct host_seal_params *p, const uint8_t platform[HOST_SEAL_KEY_LEN],
                       const struct usim_identity *id, struct host_seal_key *out)
{
    uint8_t ikm[IKM_MAX];
    struct wcur w = wcur_of(ikm, sizeof ikm);
    err e;

    wcur_put(&w, platform, HOST_SEAL_KEY_LEN);
    wcur_span(&w, span_str(id->imsi));
    wcur_u8(&w, 0);
    wcur_span(&w, span_str(id->iccid));
    e = derive(p, HOST_SEAL_GATE, wcur_done(&w), out);
    sec_wipe(ikm, sizeof ikm);
    return e;
}

void host_sealed_done(struct host_sealed *s)
{
    hip_hi_done(&s->hi);
    sec_wipe(s, sizeof *s);
}

/* ---- contents ---- */

static err put_contents(const struct host_sealed *s, struct wcur *w)
{
    uint8_t *der = NULL;
    size_t der_len = 0;
    err e = sig_to_private(s->hi.key, &der, &der_len);

    if (e)
        return e;
    wcur_u8(w, CONTENTS_VER);
    wcur_u8(w, (uint8_t)s->bind);
    wcur_u8(w, s->has_secret);
    wcur_u8(w, (uint8_t)s->n_fa);
    wcur_u64(w, s->bound_until_s);
    wcur_u32(w, s->bound_life_s);
    wcur_u16(w, (uint16_t)der_len);
    wcur_put(w, der, der_len);
    wcur_u8(w, s->fqdn.len);
    wcur_put(w, s->fqdn.wire, s->fqdn.len);
    for (size_t i = 0; i < s->n_fa; i++) {
        wcur_put(w, s->fa[i].hit.b, sizeof s->fa[i].hit.b);
        wcur_u8(w, s->fa[i].name.len);
        wcur_put(w, s->fa[i].name.wire, s->fa[i].name.len);
    }
    if (s->has_secret)
        wcur_put(w, s->secret, sizeof s->secret);
    wcur_u8(w, s->pseudonym_once);
    wcur_u8(w, (uint8_t)strlen(s->pseudonym));
    wcur_put(w, s->pseudonym, strlen(s->pseudonym));
    sec_free(der);
    return wcur_ok(w) ? ERR_OK : ERR_SPACE;
}

/* Length octet and name; length 0: none. */
static err get_name(struct rcur *r, struct dnsu_name *out)
{
    struct span s = rcur_take(r, rcur_u8(r));

    if (s.n == 0) {
        out->len = 0;
        return ERR_OK;
    }
    return dnsu_name_from_wire(s, out);
}

/* Whether it is good once, length octet and text. */
static err get_pseudonym(struct rcur *r, char out[HOST_PSEUDONYM_MAX + 1], bool *once)
{
    uint8_t flag = rcur_u8(r);
    struct span s = rcur_take(r, rcur_u8(r));

    if (flag > 1 || s.n > HOST_PSEUDONYM_MAX || (s.n && memchr(s.p, 0, s.n)))
        return ERR_MALFORMED;
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    *once = flag;
    return ERR_OK;
}

static err get_contents(struct rcur *r, struct host_sealed *s)
{
    uint8_t ver = rcur_u8(r), bind = rcur_u8(r), secret = rcur_u8(r), n_fa = rcur_u8(r);
    struct span der;
    err e;

    if ((ver != CONTENTS_VER && ver != CONTENTS_OLD) || bind > HOST_BIND_LOST || bind == HOST_BIND_RUNNING ||
        secret > 1 || n_fa > HOST_FAS_MAX)
        return ERR_MALFORMED;
    s->bind = (enum host_bind_state)bind;
    s->n_fa = n_fa;
    s->bound_until_s = rcur_u64(r);
    s->bound_life_s = rcur_u32(r);
    der = rcur_take(r, rcur_u16(r));
    e = get_name(r, &s->fqdn);
    for (size_t i = 0; !e && i < s->n_fa; i++) {
        rcur_copy(r, s->fa[i].hit.b, sizeof s->fa[i].hit.b);
        e = get_name(r, &s->fa[i].name);
    }
    s->has_secret = secret;
    if (s->has_secret)
        rcur_copy(r, s->secret, sizeof s->secret);
    if (!e && ver == CONTENTS_VER)
        e = get_pseudonym(r, s->pseudonym, &s->pseudonym_once);
    if (e || !rcur_end(r))
        return ERR_MALFORMED;
    return hip_hi_from_private(der, &s->hi);
}

/* ---- file ---- */

static struct span aad_of(const struct host_seal_key *k, const uint8_t head[8], uint8_t out[24])
{
    memcpy(out, head, 8);
    memcpy(out + 8, k->index, sizeof k->index);
    return span_of(out, 24);
}

err host_sealed_write(const struct host_seal_key *k, const struct env *env, const struct host_sealed *s,
                      uint8_t *out, size_t cap, size_t *len)
{
    uint8_t aad[24], nonce[BOX_NONCE];
    uint8_t *plain = sec_alloc(PLAIN_MAX);
    struct wcur p, w = wcur_of(out, cap);
    uint8_t *box;
    err e;

    if (!plain)
        return ERR_MEMORY;
    p = wcur_of(plain, PLAIN_MAX);
    e = put_contents(s, &p);
    if (e)
        goto out;
    env_random(env, nonce, sizeof nonce);
    wcur_put(&w, FILE_MAGIC, 4);
    wcur_u8(&w, (uint8_t)k->level);
    wcur_zero(&w, 3);
    wcur_put(&w, nonce, sizeof nonce);
    box = wcur_reserve(&w, wcur_len(&p) + BOX_TAG);
    e = box ? box_seal(k->key, nonce, aad_of(k, out, aad), wcur_done(&p), box) : ERR_SPACE;
    if (!e)
        *len = wcur_len(&w);
out:
    sec_free(plain);
    return e;
}

err host_sealed_read(const struct host_seal_key *k, struct span file, struct host_sealed *out)
{
    uint8_t aad[24], nonce[BOX_NONCE];
    struct host_sealed *s = NULL;
    uint8_t *plain = NULL;
    struct rcur r = rcur_of(file), c;
    struct span box;
    err e;

    if (!span_eq(rcur_take(&r, 4), span_of(FILE_MAGIC, 4)))
        return ERR_MALFORMED;
    if (rcur_u8(&r) != k->level)
        return ERR_AUTH;
    rcur_skip(&r, 3);
    rcur_copy(&r, nonce, sizeof nonce);
    box = rcur_rest(&r);
    if (!rcur_ok(&r) || box.n < BOX_TAG || box.n > PLAIN_MAX)
        return ERR_MALFORMED;
    plain = sec_alloc(PLAIN_MAX);
    s = sec_alloc(sizeof *s);
    e = plain && s ? box_open(k->key, nonce, aad_of(k, file.p, aad), box, plain) : ERR_MEMORY;
    if (e)
        goto out;
    c = rcur_of(span_of(plain, box.n - BOX_TAG));
    e = get_contents(&c, s);
    if (!e) {
        *out = *s; /* the key's ownership goes along */
        memset(&s->hi, 0, sizeof s->hi);
    }
out:
    sec_free(plain);
    sec_free(s);
    return e;
}
