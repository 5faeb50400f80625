/* SPDX-License-Identifier: Apache-2.0 */
#include "host/usim_soft.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/usim_card.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"

#define CARD_FILE_MAX 4096
#define SQN_FILE_MAX  2048
#define SQN_MAGIC     "usim-sqn 1"
#define SQN_PATH_MAX  512

struct usim_soft { /* in locked memory */
    struct usim_card m;
    struct usim_identity id;
    bool gsm;
    char sqn_path[SQN_PATH_MAX];
};

/* ---- the card's file ---- */

struct reading {
    struct usim_soft *s;
    const char *path;
    char *why;
    unsigned line;
    bool have_op, have_opc, have_top, have_topc, have_shape;
    size_t k_len;             /* 0: no K yet */
    uint8_t op[TUAK_TOP_LEN]; /* OP or TOP */
};

static err expected(const struct reading *r, const char *what)
{
    (void)snprintf(r->why, RT_FILE_WHY_MAX, "%s:%u: expected %s", r->path, r->line, what);
    return ERR_CONFIG;
}

static bool digits(const char *v, size_t min, size_t max)
{
    size_t n = strlen(v);

    return n >= min && n <= max && strspn(v, "0123456789") == n;
}

static err octets(const struct reading *r, const char *v, size_t want, uint8_t *out)
{
    size_t n = 0;

    if (hex_decode(v, strlen(v), out, want, &n) || n != want)
        return expected(r, want == 16 ? "32 hexadecimal digits" : "64 hexadecimal digits");
    return ERR_OK;
}

static err take_k(struct reading *r, const char *v)
{
    struct aka_cred *c = &r->s->m.cred;

    if (hex_decode(v, strlen(v), c->k, sizeof c->k, &r->k_len) || (r->k_len != 16 && r->k_len != 32))
        return expected(r, "32 hexadecimal digits, or 64 for TUAK");
    return ERR_OK;
}

/* What an algorithm needs. ERR_NOT_FOUND: not a key of this kind. */
static err take_secret(struct reading *r, const char *key, const char *v)
{
    struct aka_cred *c = &r->s->m.cred;

    if (strcmp(key, "algorithm") == 0)
        return aka_alg_parse(v, &c->alg) ? expected(r, "milenage or tuak") : ERR_OK;
    if (strcmp(key, "k") == 0)
        return take_k(r, v);
    if (strcmp(key, "opc") == 0) {
        r->have_opc = true;
        return octets(r, v, AKA_OPC_LEN, c->opc);
    }
    if (strcmp(key, "op") == 0) {
        r->have_op = true;
        return octets(r, v, AKA_OPC_LEN, r->op);
    }
    if (strcmp(key, "topc") == 0) {
        r->have_topc = true;
        return octets(r, v, TUAK_TOP_LEN, c->topc);
    }
    if (strcmp(key, "top") == 0) {
        r->have_top = true;
        return octets(r, v, TUAK_TOP_LEN, r->op);
    }
    if (strcmp(key, "res_length") == 0) {
        if (strcmp(v, "4") != 0 && strcmp(v, "8") != 0 && strcmp(v, "16") != 0)
            return expected(r, "4, 8 or 16");
        c->tuak.res_len = (uint8_t)strtoul(v, NULL, 10);
    } else if (strcmp(key, "iterations") == 0) {
        if (!digits(v, 1, 3) || strtoul(v, NULL, 10) < 1 || strtoul(v, NULL, 10) > TUAK_ITERATIONS_MAX)
            return expected(r, "a number from 1 to 255");
        c->tuak.iterations = (unsigned)strtoul(v, NULL, 10);
    } else {
        return ERR_NOT_FOUND;
    }
    r->have_shape = true;
    return ERR_OK;
}

static err take(struct reading *r, const char *key, const char *v)
{
    struct usim_soft *s = r->s;

    if (strcmp(key, "imsi") == 0) {
        if (!imsi_valid(v))
            return expected(r, "an IMSI of 6 to 15 digits");
        memcpy(s->id.imsi, v, strlen(v) + 1);
    } else if (strcmp(key, "iccid") == 0) {
        if (!digits(v, 1, USIM_ICCID_MAX))
            return expected(r, "an ICCID of at most 20 digits");
        memcpy(s->id.iccid, v, strlen(v) + 1);
    } else if (strcmp(key, "mnc_length") == 0) {
        if (strcmp(v, "2") != 0 && strcmp(v, "3") != 0)
            return expected(r, "2 or 3");
        s->id.mnc_len = (uint8_t)(v[0] - '0');
    } else if (strcmp(key, "gsm") == 0) {
        if (strcmp(v, "yes") != 0 && strcmp(v, "no") != 0)
            return expected(r, "yes or no");
        s->gsm = v[0] == 'y';
    } else if (strcmp(key, "sqn_file") == 0) {
        if (v[0] == 0 || strlen(v) >= sizeof s->sqn_path)
            return expected(r, "a path");
        memcpy(s->sqn_path, v, strlen(v) + 1);
    } else {
        err e = take_secret(r, key, v);
        if (e == ERR_NOT_FOUND)
            return expected(r,
                            "one of imsi, iccid, mnc_length, algorithm, k, opc, op, topc, top, res_length, "
                            "iterations, gsm, sqn_file");
        return e;
    }
    return ERR_OK;
}

static char *trim(char *s)
{
    size_t n;

    while (isblank((unsigned char)*s))
        s++;
    n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = 0;
    return s;
}

/* "key: value", value bare or in quotes, '#' begins a comment behind a blank or at the start. */
static err take_line(struct reading *r, char *line)
{
    char *key = trim(line), *v = strchr(line, ':'), *end;

    if (key[0] == 0 || key[0] == '#' || strcmp(key, "---") == 0)
        return ERR_OK;
    if (!v)
        return expected(r, "key: value");
    *v++ = 0;
    key = trim(key);
    v = trim(v);
    if (*v == '"' || *v == '\'') {
        end = strchr(v + 1, *v);
        if (!end)
            return expected(r, "a closing quote");
        *end = 0;
        v++;
    } else {
        for (end = v; *end; end++)
            if (*end == '#' && (end == v || isblank((unsigned char)end[-1])))
                break;
        *end = 0;
        v = trim(v);
    }
    return take(r, key, v);
}

/* All lines are read: do they make one card? */
static err take_keys(struct reading *r)
{
    struct aka_cred *c = &r->s->m.cred;

    if (r->s->id.imsi[0] == 0)
        return expected(r, "imsi");
    if (c->alg == AKA_ALG_TUAK) {
        if (!r->k_len || r->have_op || r->have_opc || r->have_top == r->have_topc)
            return expected(r, "for algorithm tuak: k, and one of topc and top");
        c->tuak.k_len = (uint8_t)r->k_len;
        return r->have_top && tuak_topc(&c->tuak, c->k, r->op, c->topc) ? ERR_CRYPTO : aka_cred_check(c);
    }
    if (r->k_len != AKA_K_LEN || r->have_top || r->have_topc || r->have_shape || r->have_op == r->have_opc)
        return expected(r, "for algorithm milenage: k of 32 digits, and one of opc and op");
    return r->have_op && milenage_opc(c->k, r->op, c->opc) ? ERR_CRYPTO : ERR_OK;
}

static err take_file(struct reading *r, char *text)
{
    err e = ERR_OK;
    char *next;

    for (char *line = text; line && !e; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        r->line++;
        e = take_line(r, line);
    }
    if (e)
        return e;
    return take_keys(r);
}

static err read_card(struct usim_soft *s, const char *path, char *why)
{
    struct reading r = { .s = s, .path = path, .why = why };
    uint8_t *text = NULL;
    size_t len;
    err e = rt_file_read_secret(path, CARD_FILE_MAX, &text, &len, why);

    if (e)
        return e;
    s->gsm = true;
    s->m.cred.tuak = TUAK_SHAPE_DEFAULT;
    s->id.mnc_len = 2;
    e = strlen((char *)text) == len ? take_file(&r, (char *)text) : expected(&r, "text");
    sec_wipe(r.op, sizeof r.op);
    sec_free(text);
    if (!e && s->sqn_path[0] == 0 &&
        snprintf(s->sqn_path, sizeof s->sqn_path, "%s.sqn", path) >= (int)sizeof s->sqn_path)
        e = expected(&r, "a shorter path");
    return e;
}

/* ---- sequence numbers: a line of magic, then 32 decimal numbers ---- */

static err save_sqn(const struct usim_soft *s, char why[RT_FILE_WHY_MAX])
{
    char text[SQN_FILE_MAX];
    size_t n = (size_t)snprintf(text, sizeof text, "%s\n", SQN_MAGIC);

    for (unsigned i = 0; i < SQN_IND_COUNT && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%" PRIu64 "\n", s->m.sqn.seq[i]);
    if (n >= sizeof text)
        return ERR_SPACE;
    return rt_file_write(s->sqn_path, span_of(text, n), why);
}

static err parse_sqn(struct usim_soft *s, char *text)
{
    char *p = text, *end = p;

    if (strncmp(p, SQN_MAGIC "\n", sizeof SQN_MAGIC) != 0)
        return ERR_MALFORMED;
    p += sizeof SQN_MAGIC;
    for (unsigned i = 0; i < SQN_IND_COUNT; i++) {
        unsigned long long v = isdigit((unsigned char)*p) ? strtoull(p, &end, 10) : ULLONG_MAX;
        if (v > SQN_SEQ_MAX || *end != '\n')
            return ERR_MALFORMED;
        s->m.sqn.seq[i] = v;
        p = end + 1;
    }
    return *p ? ERR_MALFORMED : ERR_OK;
}

/* A file that is not there is a new card. One that does not parse is not: numbers taken once would be taken again. */
static err load_sqn(struct usim_soft *s, char why[RT_FILE_WHY_MAX])
{
    uint8_t *text = NULL;
    size_t len;
    err e = rt_file_read_secret(s->sqn_path, SQN_FILE_MAX, &text, &len, why);

    sqn_usim_init(&s->m.sqn);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return e;
    e = strlen((char *)text) == len ? parse_sqn(s, (char *)text) : ERR_MALFORMED;
    sec_free(text);
    if (e) {
        (void)snprintf(why, RT_FILE_WHY_MAX, "%.300s: not a file of sequence numbers", s->sqn_path);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

/* ---- the card ---- */

static err identity(void *ctx, struct usim_identity *out, char why[USIM_WHY_MAX])
{
    const struct usim_soft *s = ctx;

    *out = s->id;
    return ERR_OK;
}

static void authenticate(void *ctx, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                         struct usim_auth *out)
{
    struct usim_soft *s = ctx;
    char why[RT_FILE_WHY_MAX];

    usim_card_authenticate(&s->m, rand, autn, out);
    /* A number that is not on disk could be replayed after a crash: no answer then. */
    if (out->verdict == USIM_AUTHENTICATED && save_sqn(s, why)) {
        sec_wipe(out, sizeof *out);
        out->verdict = USIM_UNUSABLE;
    }
}

static err gsm(void *ctx, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
               uint8_t kc[AKA_KC_LEN])
{
    const struct usim_soft *s = ctx;

    return s->gsm ? usim_card_gsm(&s->m, rand, sres, kc) : ERR_REFUSED;
}

static const struct usim_ops ops = { .identity = identity, .authenticate = authenticate, .gsm = gsm };

err usim_soft_open(const char *path, struct usim_soft **out, struct usim *card, char why[RT_FILE_WHY_MAX])
{
    struct usim_soft *s = sec_alloc(sizeof *s);
    err e;

    if (!s) {
        (void)snprintf(why, RT_FILE_WHY_MAX, "%s: no locked memory", path);
        return ERR_MEMORY;
    }
    e = read_card(s, path, why);
    if (!e)
        e = load_sqn(s, why);
    if (e) {
        usim_soft_close(s);
        return e;
    }
    *out = s;
    *card = (struct usim){ .ops = &ops, .ctx = s };
    return ERR_OK;
}

void usim_soft_close(struct usim_soft *s)
{
    sec_free(s);
}
