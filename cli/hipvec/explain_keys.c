/* SPDX-License-Identifier: Apache-2.0
 * Diffie-Hellman, KEYMAT, keys, puzzle (RFC 7401 s6.3, s6.5; RFC 7402 s6.10, s7). */
#include <stdio.h>
#include <string.h>

#include "cli/hipvec/explain_priv.h"
#include "common/base/hex.h"
#include "common/crypto/dh.h"

struct span x_keep(struct explaining *x, struct span s)
{
    uint8_t *p = vec_alloc(x->c, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

/* ---- which private key belongs to a public one ---- */

static bool is_of(const struct hip_dh_suite *s, struct span scalar, struct span pub)
{
    struct dh_key *k = dh_from_private(s->group, scalar);
    bool same = k && span_eq(dh_public(k), pub);
    dh_free(k);
    return same;
}

/* The value that this draw became: bits above the order's are taken off (common/crypto/dh.h). Empty: another key. */
static struct span scalar_of(struct explaining *x, const struct hip_dh_suite *s, struct span drawn,
                             struct span pub)
{
    if (drawn.n == 0)
        return drawn;
    struct span v = x_keep(x, drawn);
    for (unsigned bits = 8; bits; bits--) {
        uint8_t first = (uint8_t)(drawn.p[0] & 0xff >> (8 - bits));
        if (bits < 8 && first == v.p[0])
            continue;
        *(uint8_t *)v.p = first;
        if (is_of(s, v, pub))
            return v;
    }
    return span_of(NULL, 0);
}

static struct span given_hex(struct explaining *x, const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    size_t n = 0, len = text ? strlen(text) : 0;
    uint8_t *p = vec_alloc(x->c, len / 2);
    if (!text || hex_decode(text, len, p, len / 2, &n) != ERR_OK)
        return span_of(NULL, 0);
    return span_of(p, n);
}

static const json_t *given(const struct explaining *x, const char *name)
{
    const json_t *v = json_object_get(x->in->given, name);
    return v ? v : json_object_get(x->in->given_group, name);
}

static struct span private_of(struct explaining *x, enum who who, uint8_t group, struct span pub)
{
    static const char *const parties[] = { "initiator", "responder", "rvs" };
    const struct draws *d = &x_party(x, who)->draws;
    const struct hip_dh_suite *s = hip_dh_suite(group);
    struct span v;
    size_t i;
    json_t *k;
    if (!s || !s->supported)
        return span_of(NULL, 0);
    for (size_t n = 0; n < d->n; n++)
        if (strcmp(d->v[n].name, "dh_private") == 0) {
            v = scalar_of(x, s, d->v[n].v, pub);
            if (v.n)
                return v;
        }
    v = given_hex(x, given(x, parties[who]), "dh_private");
    if (v.n && is_of(s, v, pub))
        return v;
    json_array_foreach (given(x, "keymats"), i, k) {
        v = given_hex(x, k, "dh_private_i");
        if (v.n && is_of(s, v, pub))
            return v;
        v = given_hex(x, k, "dh_private_r");
        if (v.n && is_of(s, v, pub))
            return v;
    }
    return span_of(NULL, 0);
}

/* Kij from the one private key that is known; else as the file has it, where nobody's is. */
static struct span secret(struct explaining *x, struct xk *k)
{
    const struct hip_dh_suite *s = hip_dh_suite(k->group);
    bool ours = k->priv_a.n != 0;
    struct span priv = ours ? k->priv_a : k->priv_b;
    size_t i;
    json_t *g;
    if (!s || !s->supported)
        return span_of(NULL, 0);
    if (!priv.n) {
        json_array_foreach (given(x, "keymats"), i, g)
            if (json_is_string(json_object_get(g, "name")) &&
                strcmp(json_string_value(json_object_get(g, "name")), k->name) == 0)
                return given_hex(x, g, "kij");
        return span_of(NULL, 0);
    }
    struct dh_key *d = dh_from_private(s->group, priv);
    uint8_t *out = vec_alloc(x->c, DH_SHARED_MAX);
    err e = d ? dh_shared(d, ours ? k->pub_b : k->pub_a, out) : ERR_CRYPTO;
    dh_free(d);
    return span_of(out, e == ERR_OK ? s->shared_len : 0);
}

/* ---- KEYMAT ---- */

static void make_mat(struct explaining *x, struct xk *k)
{
    const struct hit *a = &x_party(x, k->a)->hi.hit, *b = &x_party(x, k->b)->hi.hit;
    size_t n = hash_len(k->rhash);
    k->kij = secret(x, k);
    memcpy(k->info, hit_cmp(a, b) < 0 ? a->b : b->b, 16);
    memcpy(k->info + 16, hit_cmp(a, b) < 0 ? b->b : a->b, 16);
    k->has_mat =
        k->kij.n && n && hkdf_extract(k->rhash, k->salt, k->kij, k->prk) == ERR_OK &&
        hkdf_expand(k->rhash, span_of(k->prk, n), span_of(k->info, 32), k->mat, sizeof k->mat) == ERR_OK;
}

static struct xk *new_xk(struct explaining *x, const struct pair *p)
{
    if (x->n_xk == XK_MAX)
        return NULL;
    struct xk *k = (struct xk *)(void *)vec_alloc(x->c, sizeof *k + 16);
    k->a = p->a;
    k->b = p->b;
    k->rhash = p->rhash;
    x->xk[x->n_xk++] = k;
    return k;
}

static void draw(struct xk *k, const char *name, size_t n)
{
    struct xk *root = k->of ? k->of : k;
    size_t off = k->n_keys ? k->key[k->n_keys - 1].off + k->key[k->n_keys - 1].n : k->index;
    k->key[k->n_keys].name = name;
    k->key[k->n_keys].off = off;
    k->key[k->n_keys++].n = n;
    if (off + n > root->used)
        root->used = off + n;
}

static void draw_hip(struct xk *k)
{
    const struct hip_cipher_suite *c = hip_cipher_suite(k->cipher);
    size_t enc = c ? c->key_len : 0, mac = hash_len(k->rhash);
    draw(k, "hip_gl_enc", enc);
    draw(k, "hip_gl_mac", mac);
    draw(k, "hip_lg_enc", enc);
    draw(k, "hip_lg_mac", mac);
}

static void draw_esp(struct xk *k)
{
    const struct hip_esp_suite *s = hip_esp_suite(k->esp_suite);
    if (!s)
        return;
    draw(k, "esp_gl_enc", s->enc_len);
    draw(k, "esp_gl_auth", s->auth_len);
    draw(k, "esp_lg_enc", s->enc_len);
    draw(k, "esp_lg_auth", s->auth_len);
}

static void name_base(struct explaining *x, struct xk *k)
{
    unsigned n = 0;
    const char *what = k->a == WHO_RVS || k->b == WHO_RVS ? "rvs" : "base";
    for (size_t i = 0; i + 1 < x->n_xk; i++)
        n += strncmp(x->xk[i]->name, what, strlen(what)) == 0 && !strstr(x->xk[i]->name, "rekey");
    if (n)
        snprintf(k->name, sizeof k->name, "%s %u", what, n + 1);
    else
        snprintf(k->name, sizeof k->name, "%s", what);
}

void x_keys_base(struct explaining *x, struct pair *p, struct span i2_pub, uint16_t cipher,
                 uint16_t esp_suite)
{
    struct xk *k = new_xk(x, p);
    if (!k)
        return;
    name_base(x, k);
    k->group = p->r1_dh.group;
    k->cipher = cipher;
    k->esp_suite = esp_suite;
    k->pub_a = i2_pub;
    k->pub_b = p->r1_dh.pub;
    k->priv_a = private_of(x, k->a, k->group, k->pub_a);
    k->priv_b = private_of(x, k->b, k->group, k->pub_b);
    k->salt = vec_join(x->c, (struct span[]){ p->solution.i, p->solution.j }, 2);
    make_mat(x, k);
    draw_hip(k);
    draw_esp(k);
    p->hip = p->esp = k;
    p->rekeys = 0;
    p->half[0].on = p->half[1].on = false;
}

static void rekeyed(struct explaining *x, struct pair *p)
{
    struct half *a = &p->half[0], *b = &p->half[1];
    struct xk *k = new_xk(x, p), *was = p->esp->of ? p->esp->of : p->esp;
    if (!k)
        return;
    const char *rvs = p->a == WHO_RVS || p->b == WHO_RVS ? "rvs " : "";
    snprintf(k->name, sizeof k->name, "%srekey %u", rvs, ++p->rekeys);
    k->cipher = p->hip->cipher;
    k->esp_suite = p->hip->esp_suite;
    k->index = a->index > b->index ? a->index : b->index;
    if (a->pub.n || b->pub.n) { /* RFC 7402 s6.10 step 1: a new KEYMAT, the half that is not new as before */
        k->index = 0;
        k->group = was->group;
        k->salt = was->salt;
        k->pub_a = a->pub.n ? a->pub : was->pub_a;
        k->pub_b = b->pub.n ? b->pub : was->pub_b;
        k->priv_a = private_of(x, k->a, k->group, k->pub_a);
        k->priv_b = private_of(x, k->b, k->group, k->pub_b);
        make_mat(x, k);
    } else {
        k->of = was;
    }
    draw_esp(k);
    p->esp = k;
    p->spi[0] = a->spi;
    p->spi[1] = b->spi;
    x_sa(x, p->a, p->b, a->spi, k);
    x_sa(x, p->b, p->a, b->spi, k);
    a->on = b->on = false;
}

void x_keys_rekey(struct explaining *x, struct pair *p, enum who from, uint32_t old_spi, uint32_t new_spi,
                  size_t index, const struct hip_dh *dh)
{
    struct half *h = &p->half[from == p->b];
    if (old_spi == new_spi || old_spi == 0 || new_spi == 0 || !p->esp)
        return; /* gratuitous, or no rekey */
    if (new_spi == p->spi[from == p->b])
        return; /* a retransmission */
    *h = (struct half){ .on = true, .spi = new_spi, .index = index };
    if (dh) {
        h->group = dh->group;
        h->pub = dh->pub;
    }
    if (p->half[0].on && p->half[1].on)
        rekeyed(x, p);
}

void x_sa(struct explaining *x, enum who at, enum who from, uint32_t spi, struct xk *k)
{
    if (x->n_sa < SA_MAX && k)
        x->sa[x->n_sa++] = (struct sa){ .at = at, .from = from, .spi = spi, .keys = k };
}

struct span x_key(const struct explaining *x, const struct xk *k, enum who from, bool esp, bool auth,
                  const char **name)
{
    enum who peer = from == k->a ? k->b : k->a;
    bool greater = hit_cmp(&x_party(x, from)->hi.hit, &x_party(x, peer)->hi.hit) > 0;
    const struct xk *root = k->of ? k->of : k;
    char want[16];
    snprintf(want, sizeof want, "%s_%s_%s", esp ? "esp" : "hip", greater ? "gl" : "lg",
             !auth ? "enc"
             : esp ? "auth"
                   : "mac");
    for (size_t i = 0; i < k->n_keys; i++)
        if (strcmp(k->key[i].name, want) == 0) {
            *name = k->key[i].name;
            return span_of(root->mat + k->key[i].off, root->has_mat ? k->key[i].n : 0);
        }
    *name = "";
    return span_of(NULL, 0);
}

json_t *x_keymat_json(const struct xk *k)
{
    const struct xk *root = k->of ? k->of : k;
    json_t *o = json_object(), *keys = json_array();
    put_text(o, "name", k->name);
    json_object_set_new(o, "between", json_pack("[s, s]", who_name(k->a), who_name(k->b)));
    if (k->of) {
        put_text(o, "of", k->of->name);
    } else {
        put_int(o, "dh_group", k->group);
        if (k->priv_a.n)
            put_hex(o, "dh_private_i", k->priv_a);
        put_hex(o, "dh_public_i", k->pub_a);
        if (k->priv_b.n)
            put_hex(o, "dh_private_r", k->priv_b);
        put_hex(o, "dh_public_r", k->pub_b);
        put_hex(o, "kij", k->kij);
        put_hex(o, "salt", k->salt);
        put_hex(o, "info", span_of(k->info, 32));
        put_hex(o, "prk", span_of(k->prk, k->has_mat ? hash_len(k->rhash) : 0));
        put_hex(o, "keymat", span_of(k->mat, k->has_mat && k->used <= MAT_MAX ? k->used : 0));
    }
    put_int(o, "keymat_index", (json_int_t)k->index);
    for (size_t i = 0; i < k->n_keys && root->has_mat && k->key[i].off + k->key[i].n <= MAT_MAX; i++) {
        json_t *v = json_object();
        put_text(v, "name", k->key[i].name);
        put_int(v, "offset", (json_int_t)k->key[i].off);
        put_hex(v, "value", span_of(root->mat + k->key[i].off, k->key[i].n));
        json_array_append_new(keys, v);
    }
    json_object_set_new(o, "keys", keys);
    return o;
}

json_t *x_puzzle_json(struct explaining *x, const struct pair *p)
{
    const struct hip_solution *s = &p->solution;
    const struct hit *a = &x_party(x, p->a)->hi.hit, *b = &x_party(x, p->b)->hi.hit;
    uint8_t opaque[2] = { (uint8_t)(s->opaque >> 8), (uint8_t)s->opaque }, h[HASH_LEN_MAX];
    struct span in = vec_join(x->c, (struct span[]){ s->i, span_of(a->b, 16), span_of(b->b, 16), s->j }, 4);
    json_t *o = json_object();
    json_object_set_new(o, "between", json_pack("[s, s]", who_name(p->a), who_name(p->b)));
    put_int(o, "k", s->k);
    put_int(o, "lifetime", p->puzzle.lifetime);
    put_hex(o, "opaque", span_of(opaque, 2));
    put_hex(o, "i", s->i);
    put_hex(o, "j", s->j);
    put_hex(o, "hash_input", in);
    if (hash_once(p->rhash, in, h) == ERR_OK)
        put_hex(o, "hash", span_of(h, hash_len(p->rhash)));
    return o;
}
