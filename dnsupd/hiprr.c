/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/hiprr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/b64.h"

/* Names back to back; counts them. */
static err count_names(struct span s, size_t *n)
{
    struct rcur c = rcur_of(s);
    struct dnsu_name name;
    size_t k = 0;
    while (rcur_left(&c) > 0) {
        err e = dnsu_name_read(&c, &name);
        if (e != ERR_OK)
            return e;
        k++;
    }
    *n = k;
    return ERR_OK;
}

err dnsu_hiprr_parse(struct span rdata, struct dnsu_hiprr *out)
{
    struct rcur c = rcur_of(rdata);
    struct dnsu_hiprr rr;
    uint8_t hit_len = rcur_u8(&c);
    rr.pk_alg = rcur_u8(&c);
    uint16_t pk_len = rcur_u16(&c);
    rr.hit = rcur_take(&c, hit_len);
    rr.pk = rcur_take(&c, pk_len);
    rr.rvs = rcur_rest(&c);
    if (!rcur_ok(&c))
        return ERR_TRUNCATED;
    if (hit_len == 0 || pk_len == 0) /* both are required fields (RFC 8005 s5) */
        return ERR_MALFORMED;
    err e = count_names(rr.rvs, &rr.n_rvs);
    if (e != ERR_OK)
        return e;
    *out = rr;
    return ERR_OK;
}

err dnsu_hiprr_rvs(const struct dnsu_hiprr *rr, size_t i, struct dnsu_name *out)
{
    struct rcur c = rcur_of(rr->rvs);
    struct dnsu_name n;
    for (size_t k = 0; rcur_left(&c) > 0; k++) {
        err e = dnsu_name_read(&c, &n);
        if (e != ERR_OK)
            return e;
        if (k == i) {
            *out = n;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

err dnsu_hiprr_encode(const struct dnsu_hiprr *rr, void *buf, size_t cap, size_t *len)
{
    struct wcur w = wcur_of(buf, cap);
    size_t n;
    if (rr->hit.n == 0 || rr->hit.n > UINT8_MAX || rr->pk.n == 0 || rr->pk.n > UINT16_MAX)
        return ERR_RANGE;
    if (count_names(rr->rvs, &n) != ERR_OK)
        return ERR_MALFORMED;
    wcur_u8(&w, (uint8_t)rr->hit.n);
    wcur_u8(&w, rr->pk_alg);
    wcur_u16(&w, (uint16_t)rr->pk.n);
    wcur_span(&w, rr->hit);
    wcur_span(&w, rr->pk);
    wcur_span(&w, rr->rvs);
    if (!wcur_ok(&w))
        return ERR_SPACE;
    *len = wcur_len(&w);
    return ERR_OK;
}

/* ---- text ---- */

struct text {
    char *p;
    size_t left;
    bool failed;
};

static void put(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    if (t->failed)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(t->p, t->left, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= t->left) {
        t->failed = true;
        return;
    }
    t->p += n;
    t->left -= (size_t)n;
}

err dnsu_hiprr_print(const struct dnsu_hiprr *rr, char *out, size_t cap)
{
    struct text t = { .p = out, .left = cap };
    put(&t, "( %u ", rr->pk_alg);
    for (size_t i = 0; i < rr->hit.n; i++)
        put(&t, "%02X", rr->hit.p[i]);
    put(&t, " ");
    if (t.failed || t.left < B64_LEN(rr->pk.n) + 1)
        return ERR_SPACE;
    b64_encode(rr->pk, t.p);
    t.p += B64_LEN(rr->pk.n);
    t.left -= B64_LEN(rr->pk.n);
    for (size_t i = 0; i < rr->n_rvs; i++) {
        struct dnsu_name n;
        char name[DNSU_NAME_TEXT_MAX];
        if (dnsu_hiprr_rvs(rr, i, &n) != ERR_OK)
            return ERR_MALFORMED;
        put(&t, " %s", dnsu_name_text(&n, name));
    }
    put(&t, " )");
    return t.failed ? ERR_SPACE : ERR_OK;
}

err dnsu_generic_print(struct span rdata, char *out, size_t cap)
{
    struct text t = { .p = out, .left = cap };
    put(&t, "\\# %zu%s", rdata.n, rdata.n ? " " : "");
    if (t.failed || t.left < 2 * rdata.n + 1)
        return ERR_SPACE;
    hex_encode(rdata, t.p);
    return ERR_OK;
}

struct token {
    const char *p;
    size_t n;
};

/* Next word; parentheses count as blanks unless a backslash stands before them (RFC 1035 s5.1). */
static bool word(const char **at, struct token *out)
{
    static const char blanks[] = " \t\r\n()";
    const char *p = *at + strspn(*at, blanks);
    out->p = p;
    while (*p && !strchr(blanks, *p))
        p += p[0] == '\\' && p[1] ? 2 : 1;
    out->n = (size_t)(p - out->p);
    *at = p;
    return out->n > 0;
}

static err number(struct token t, unsigned max, unsigned *out)
{
    unsigned v = 0;
    if (t.n == 0 || t.n > 5)
        return ERR_MALFORMED;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return ERR_MALFORMED;
        v = v * 10 + (unsigned)(t.p[i] - '0');
    }
    if (v > max)
        return ERR_MALFORMED;
    *out = v;
    return ERR_OK;
}

static err scan_generic(const char *at, uint8_t *buf, size_t cap, size_t *len)
{
    struct token t;
    unsigned want;
    size_t n = 0, k;
    if (!word(&at, &t) || number(t, UINT16_MAX, &want) != ERR_OK)
        return ERR_MALFORMED;
    while (word(&at, &t)) { /* the octets may stand in several words of whole octets */
        err e = hex_decode(t.p, t.n, buf + n, cap - n, &k);
        if (e != ERR_OK)
            return e;
        n += k;
    }
    struct dnsu_hiprr rr;
    if (n != want)
        return ERR_MALFORMED;
    err e = dnsu_hiprr_parse(span_of(buf, n), &rr);
    if (e == ERR_OK)
        *len = n;
    return e == ERR_OK ? ERR_OK : ERR_MALFORMED;
}

static err scan_names(const char *at, uint8_t *buf, size_t cap, size_t *used)
{
    struct token t;
    size_t o = 0;
    while (word(&at, &t)) {
        char name[DNSU_NAME_TEXT_MAX];
        struct dnsu_name n;
        if (t.n >= sizeof name)
            return ERR_MALFORMED;
        memcpy(name, t.p, t.n);
        name[t.n] = 0;
        if (dnsu_name_from_text(name, &n) != ERR_OK)
            return ERR_MALFORMED;
        if (n.len > cap - o)
            return ERR_SPACE;
        memcpy(buf + o, n.wire, n.len);
        o += n.len;
    }
    *used = o;
    return ERR_OK;
}

err dnsu_hiprr_scan(const char *text, void *buf, size_t cap, size_t *len)
{
    uint8_t *b = buf;
    struct token alg, hit, pk;
    unsigned a;
    size_t hit_len, pk_len, rvs_len;
    const char *at = text;
    if (!word(&at, &alg))
        return ERR_MALFORMED;
    if (alg.n == 2 && !memcmp(alg.p, "\\#", 2))
        return scan_generic(at, b, cap, len);
    if (number(alg, UINT8_MAX, &a) != ERR_OK || !word(&at, &hit) || !word(&at, &pk))
        return ERR_MALFORMED;
    if (cap < 4)
        return ERR_SPACE;
    err e = hex_decode(hit.p, hit.n, b + 4, cap - 4, &hit_len);
    if (e == ERR_OK)
        e = b64_decode(pk.p, pk.n, b + 4 + hit_len, cap - 4 - hit_len, &pk_len);
    if (e != ERR_OK)
        return e;
    if (hit_len == 0 || hit_len > UINT8_MAX || pk_len == 0 || pk_len > UINT16_MAX)
        return ERR_MALFORMED;
    size_t o = 4 + hit_len + pk_len;
    e = scan_names(at, b + o, cap - o, &rvs_len);
    if (e != ERR_OK)
        return e;
    b[0] = (uint8_t)hit_len;
    b[1] = (uint8_t)a;
    b[2] = (uint8_t)(pk_len >> 8);
    b[3] = (uint8_t)pk_len;
    *len = o + rvs_len;
    return ERR_OK;
}
