/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/keylog.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/items.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"

#define WORDS_MAX 8
#define WORD_MAX  (2 * HIP_HI_MAX + 1)
#define LINES_MAX 65536 /* of each kind */

int keylog_side(const struct hit *sender, const struct hit *receiver)
{
    return hit_cmp(sender, receiver) > 0 ? 0 : 1;
}

struct line {
    size_t n;
    struct span word[WORDS_MAX];
};

static void split(struct span s, struct line *l)
{
    l->n = 0;
    for (size_t i = 0; i < s.n && l->n < WORDS_MAX;) {
        while (i < s.n && isspace(s.p[i]))
            i++;
        size_t from = i;
        while (i < s.n && !isspace(s.p[i]))
            i++;
        if (i > from)
            l->word[l->n++] = span_of(s.p + from, i - from);
    }
}

static bool is(struct span w, const char *text)
{
    return span_eq(w, span_str(text));
}

static bool text_of(struct span w, char *out, size_t cap)
{
    if (w.n >= cap)
        return false;
    memcpy(out, w.p, w.n);
    out[w.n] = '\0';
    return true;
}

static bool a_hit(struct span w, struct hit *out)
{
    char text[HIT_TEXT_MAX];
    return text_of(w, text, sizeof text) && hit_parse(text, out) == ERR_OK;
}

static bool a_number(struct span w, int base, uint32_t max, uint32_t *out)
{
    char text[16], *end;
    if (w.n == 0 || !isxdigit(w.p[0]) || !text_of(w, text, sizeof text))
        return false;
    unsigned long v = strtoul(text, &end, base);
    *out = (uint32_t)v;
    return *end == '\0' && v <= max;
}

static bool a_key(struct span w, struct log_key *out)
{
    size_t n = 0;
    if (!is(w, "-") && hex_decode((const char *)w.p, w.n, out->b, sizeof out->b, &n) != ERR_OK)
        return false;
    out->n = (uint8_t)n;
    out->known = true;
    return true;
}

/* The array one longer where its length is a power of two. NULL: out of memory. Old octets are wiped before they are given back. */
static void *grown(void *p, size_t n, size_t size)
{
    if (n & (n - 1))
        return p;
    uint8_t *more = n < LINES_MAX ? calloc(n ? 2 * n : 1, size) : NULL;
    if (more && n) {
        memcpy(more, p, n * size);
        sec_wipe(p, n * size);
        free(p);
    }
    return more;
}

/* ---- HIP ---- */

static struct log_key *slot_of(struct log_assoc *a, struct span name)
{
    if (is(name, "hip_gl_enc"))
        return &a->enc[0];
    if (is(name, "hip_gl_mac"))
        return &a->mac[0];
    if (is(name, "hip_lg_enc"))
        return &a->enc[1];
    return is(name, "hip_lg_mac") ? &a->mac[1] : NULL;
}

/* Into the newest exchange of this pair that has no such key yet; the same line again (both hosts' logs in one file) changes nothing. */
static err put_hip(struct keylog *k, const struct log_assoc *like, struct span name,
                   const struct log_key *key)
{
    struct log_assoc *a = NULL;
    for (size_t i = k->assocs; i-- > 0;) {
        struct log_assoc *b = &k->assoc[i];
        struct log_key *s = slot_of(b, name);
        if (!hit_eq(&b->i, &like->i) || !hit_eq(&b->r, &like->r) || b->cipher != like->cipher)
            continue;
        if (s->known && s->n == key->n && memcmp(s->b, key->b, key->n) == 0)
            return ERR_OK;
        if (!s->known && !a)
            a = b;
    }
    if (!a) {
        void *p = grown(k->assoc, k->assocs, sizeof *k->assoc);
        if (!p)
            return ERR_MEMORY;
        k->assoc = p;
        a = &k->assoc[k->assocs++];
        *a = *like;
    }
    *slot_of(a, name) = *key;
    return ERR_OK;
}

static err hip_line(struct keylog *k, const struct line *l)
{
    struct log_assoc a = { 0 };
    struct log_key key = { 0 };
    uint32_t cipher;
    if (l->n != 6 || !a_hit(l->word[1], &a.i) || !a_hit(l->word[2], &a.r) ||
        !a_number(l->word[3], 10, UINT16_MAX, &cipher) || !slot_of(&a, l->word[4]) ||
        !a_key(l->word[5], &key))
        return ERR_MALFORMED;
    a.cipher = (uint16_t)cipher;
    err e = put_hip(k, &a, l->word[4], &key);
    sec_wipe(&key, sizeof key);
    return e;
}

/* ---- ESP ---- */

static err put_esp(struct keylog *k, const struct log_sa *like, bool enc, const struct log_key *key)
{
    struct log_sa *s = NULL;
    for (size_t i = k->sas; i-- > 0;) {
        struct log_sa *b = &k->sa[i];
        struct log_key *slot = enc ? &b->enc : &b->auth;
        if (b->spi != like->spi || b->suite != like->suite || !hit_eq(&b->from, &like->from) ||
            !hit_eq(&b->to, &like->to))
            continue;
        if (slot->known && slot->n == key->n && memcmp(slot->b, key->b, key->n) == 0)
            return ERR_OK;
        if (!slot->known && !s)
            s = b;
    }
    if (!s) {
        void *p = grown(k->sa, k->sas, sizeof *k->sa);
        if (!p)
            return ERR_MEMORY;
        k->sa = p;
        s = &k->sa[k->sas++];
        *s = *like;
    }
    *(enc ? &s->enc : &s->auth) = *key;
    return ERR_OK;
}

static err esp_line(struct keylog *k, const struct line *l)
{
    struct log_sa s = { 0 };
    struct log_key key = { 0 };
    uint32_t suite;
    if (l->n != 7 || l->word[1].n != 8 || !a_number(l->word[1], 16, UINT32_MAX, &s.spi) ||
        !a_hit(l->word[2], &s.from) || !a_hit(l->word[3], &s.to) ||
        !a_number(l->word[4], 10, UINT16_MAX, &suite) || !a_key(l->word[6], &key))
        return ERR_MALFORMED;
    s.suite = (uint16_t)suite;
    bool gl = keylog_side(&s.from, &s.to) == 0;
    bool enc = is(l->word[5], gl ? "esp_gl_enc" : "esp_lg_enc");
    bool auth = is(l->word[5], gl ? "esp_gl_auth" : "esp_lg_auth");
    err e = enc || auth ? put_esp(k, &s, enc, &key) : ERR_MALFORMED;
    sec_wipe(&key, sizeof key);
    return e;
}

/* ---- HI ---- */

static err hi_line(struct keylog *k, const struct line *l)
{
    struct log_hi h = { 0 };
    struct hip_hi hi;
    size_t n = 0;
    if (l->n != 3 || !a_hit(l->word[1], &h.hit) ||
        hex_decode((const char *)l->word[2].p, l->word[2].n, h.wire, sizeof h.wire, &n) != ERR_OK)
        return ERR_MALFORMED;
    h.n = (uint16_t)n;
    err e = hip_hi_from_wire(span_of(h.wire, n), &hi);
    if (e == ERR_UNSUPPORTED)
        return ERR_OK; /* nothing that we could check with it */
    bool fits = e == ERR_OK && hit_eq(&hi.hit, &h.hit);
    if (e == ERR_OK)
        hip_hi_done(&hi);
    if (!fits)
        return ERR_MALFORMED;
    void *p = grown(k->hi, k->his, sizeof *k->hi);
    if (!p)
        return ERR_MEMORY;
    k->hi = p;
    k->hi[k->his++] = h;
    return ERR_OK;
}

static err one_line(struct keylog *k, struct span s)
{
    struct line l;
    split(s, &l);
    if (l.n == 0 || l.word[0].p[0] == '#')
        return ERR_OK;
    if (is(l.word[0], "HIP"))
        return hip_line(k, &l);
    if (is(l.word[0], "ESP"))
        return esp_line(k, &l);
    return is(l.word[0], "HI") ? hi_line(k, &l) : ERR_MALFORMED;
}

err keylog_parse(struct keylog *k, struct span text, char why[160])
{
    size_t line = 1;
    for (size_t at = 0; at < text.n; line++) {
        const uint8_t *nl = memchr(text.p + at, '\n', text.n - at);
        size_t n = nl ? (size_t)(nl - text.p) - at : text.n - at;
        err e = one_line(k, span_of(text.p + at, n));
        if (e != ERR_OK) {
            snprintf(why, 160, "line %zu: %s", line,
                     e == ERR_MALFORMED ? "not a line of a key log" : err_text(e));
            return e;
        }
        at += n + 1;
    }
    return ERR_OK;
}

err keylog_load(struct keylog *k, const char *path, char why[160])
{
    uint8_t *p = NULL;
    size_t n = 0;
    err e = read_file(path, &p, &n);
    if (e != ERR_OK) {
        snprintf(why, 160, "%s", e == ERR_IO ? "cannot be read" : err_text(e));
        return e;
    }
    e = keylog_parse(k, span_of(p, n), why);
    sec_wipe(p, n);
    free(p);
    return e;
}

void keylog_done(struct keylog *k)
{
    if (k->assoc)
        sec_wipe(k->assoc, k->assocs * sizeof *k->assoc);
    if (k->sa)
        sec_wipe(k->sa, k->sas * sizeof *k->sa);
    free(k->assoc);
    free(k->sa);
    free(k->hi);
    memset(k, 0, sizeof *k);
}
