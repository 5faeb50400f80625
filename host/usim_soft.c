/* SPDX-License-Identifier: Apache-2.0 */
#include "host/usim_soft.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/usim_milenage.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"

#define CARD_FILE_MAX 4096
#define SQN_FILE_MAX  2048
#define SQN_MAGIC     "usim-sqn 1"
#define SQN_PATH_MAX  512

struct usim_soft { /* in locked memory */
    struct usim_milenage m;
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
    bool have_k, have_op, have_opc;
    uint8_t op[AKA_OPC_LEN];
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

static err octets16(const struct reading *r, const char *v, uint8_t out[16])
{
    size_t n = 0;

    if (hex_decode(v, strlen(v), out, 16, &n) || n != 16)
        return expected(r, "32 hexadecimal digits");
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
    } else if (strcmp(key, "k") == 0) {
        r->have_k = true;
        return octets16(r, v, s->m.cred.k);
    } else if (strcmp(key, "opc") == 0) {
        r->have_opc = true;
        return octets16(r, v, s->m.cred.opc);
    } else if (strcmp(key, "op") == 0) {
        r->have_op = true;
        return octets16(r, v, r->op);
    } else if (strcmp(key, "gsm") == 0) {
        if (strcmp(v, "yes") != 0 && strcmp(v, "no") != 0)
            return expected(r, "yes or no");
        s->gsm = v[0] == 'y';
    } else if (strcmp(key, "sqn_file") == 0) {
        if (v[0] == 0 || strlen(v) >= sizeof s->sqn_path)
            return expected(r, "a path");
        memcpy(s->sqn_path, v, strlen(v) + 1);
    } else {
        return expected(r, "one of imsi, iccid, mnc_length, k, opc, op, gsm, sqn_file");
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
    if (r->s->id.imsi[0] == 0 || !r->have_k || r->have_op == r->have_opc)
        return expected(r, "imsi, k, and one of opc and op");
    if (r->have_op && milenage_opc(r->s->m.cred.k, r->op, r->s->m.cred.opc))
        return ERR_CRYPTO;
    return ERR_OK;
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

    usim_milenage_authenticate(&s->m, rand, autn, out);
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

    return s->gsm ? usim_milenage_gsm(&s->m, rand, sres, kc) : ERR_REFUSED;
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
