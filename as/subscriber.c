/* SPDX-License-Identifier: Apache-2.0 */
#include "as/subscriber.h"

#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/sqn.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/loop.h"

static const char usage[] = "usage: hipakad --config FILE subscriber add --imsi DIGITS --k HEX (--opc HEX | "
                            "--op HEX) [--amf HEX] [--sqn HEX]\n"
                            "       hipakad --config FILE subscriber list [--json]\n"
                            "       hipakad --config FILE subscriber show IMSI [--json]\n"
                            "       hipakad --config FILE subscriber del|bar|unbar IMSI\n"
                            "HEX of a key may be @FILE: its first line, so that the key does not stand on "
                            "the command line. --imsi IMSI is "
                            "the same as IMSI.\n";

struct args {
    const char *imsi;
    char *k, *opc, *op;
    const char *amf, *sqn;
    bool json;
};

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "hipakad: %s%s%s\n%s", what, word ? ": " : "", word ? word : "", usage);
    return 2;
}

static int failed(err e, const char *imsi)
{
    fprintf(stderr, "hipakad: %s%s%s\n", imsi ? imsi : "", imsi ? ": " : "", err_text(e));
    return 1;
}

static int parse(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--json") == 0) {
            a->json = true;
            continue;
        }
        if (argv[i][0] != '-') {
            if (a->imsi)
                return wrong("one IMSI expected", argv[i]);
            a->imsi = argv[i];
            continue;
        }
        if (!v)
            return wrong("value missing", argv[i]);
        if (strcmp(argv[i], "--imsi") == 0)
            a->imsi = v;
        else if (strcmp(argv[i], "--k") == 0)
            a->k = v;
        else if (strcmp(argv[i], "--opc") == 0)
            a->opc = v;
        else if (strcmp(argv[i], "--op") == 0)
            a->op = v;
        else if (strcmp(argv[i], "--amf") == 0)
            a->amf = v;
        else if (strcmp(argv[i], "--sqn") == 0)
            a->sqn = v;
        else
            return wrong("unknown option", argv[i]);
        i++;
    }
    return 0;
}

static bool hex_fixed(const char *text, size_t len, uint8_t *out, size_t n)
{
    size_t got = 0;
    return hex_decode(text, len, out, n, &got) == ERR_OK && got == n;
}

/* A key from the command line or, behind '@', from a file. The argument is wiped: other users can read command lines. */
static bool take_key(char *arg, uint8_t out[16])
{
    bool ok = false;
    if (arg[0] == '@') {
        uint8_t *text = NULL;
        size_t n = 0;
        char why[RT_FILE_WHY_MAX];
        if (rt_file_read_secret(arg + 1, 256, &text, &n, why) != ERR_OK) {
            fprintf(stderr, "hipakad: %s\n", why);
            return false;
        }
        ok = hex_fixed((char *)text, strcspn((char *)text, "\r\n"), out, 16);
        sec_free(text);
        return ok;
    }
    ok = hex_fixed(arg, strlen(arg), out, 16);
    sec_wipe(arg, strlen(arg));
    return ok;
}

static int keys_of(const struct args *a, struct aka_cred *c)
{
    uint8_t op[16];
    if (!take_key(a->k, c->k))
        return wrong("expected 32 hexadecimal digits", "--k");
    if (a->opc)
        return take_key(a->opc, c->opc) ? 0 : wrong("expected 32 hexadecimal digits", "--opc");
    int r = take_key(a->op, op) ? 0 : wrong("expected 32 hexadecimal digits", "--op");
    if (r == 0 && milenage_opc(c->k, op, c->opc) != ERR_OK)
        r = failed(ERR_CRYPTO, NULL);
    sec_wipe(op, sizeof op);
    return r;
}

static int add(struct auc *auc, const struct args *a)
{
    struct auc_sub s = { .amf = { AKA_AMF_SEP, 0 }, .added_s = rt_wall_s() };
    uint8_t sqn[6] = { 0 };
    if (!a->imsi || !imsi_valid(a->imsi))
        return wrong("expected --imsi with 6 to 15 digits", NULL);
    if (!a->k || !a->opc == !a->op)
        return wrong("expected --k, and one of --opc and --op", NULL);
    if (a->amf && !hex_fixed(a->amf, strlen(a->amf), s.amf, 2))
        return wrong("expected 4 hexadecimal digits", "--amf");
    if (a->sqn && !hex_fixed(a->sqn, strlen(a->sqn), sqn, 6))
        return wrong("expected 12 hexadecimal digits", "--sqn");
    s.sqn = sqn_get(sqn);
    snprintf(s.imsi, sizeof s.imsi, "%s", a->imsi);
    struct aka_cred *c = sec_alloc(sizeof *c);
    if (!c)
        return failed(ERR_MEMORY, NULL);
    int r = keys_of(a, c);
    if (r == 0) {
        err e = auc_add(auc, &s, c);
        r = e == ERR_OK ? 0 : failed(e, s.imsi);
    }
    sec_free(c);
    return r;
}

static json_t *as_json(const struct auc_sub *s)
{
    char amf[5], sqn[13];
    uint8_t b[6];
    sqn_put(s->sqn, b);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "imsi", s->imsi, "status",
                     s->barred ? "barred" : "active", "algorithm", "milenage", "amf",
                     hex_encode(span_of(s->amf, 2), amf), "sqn", hex_encode(span_of(b, 6), sqn), "added",
                     (json_int_t)s->added_s, "used", (json_int_t)s->used_s);
}

static bool collect(void *ctx, const struct auc_sub *s)
{
    json_array_append_new(ctx, as_json(s));
    return true;
}

static const char *when(json_t *t, char out[32])
{
    time_t at = (time_t)json_integer_value(t);
    struct tm tm;
    if (at == 0 || !gmtime_r(&at, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, 32, "never");
    return out;
}

static void print_rows(const json_t *list)
{
    char added[32], used[32];
    printf("%-15s  %-6s  %-4s  %-12s  %-20s  %s\n", "IMSI", "STATUS", "AMF", "SQN", "ADDED", "LAST VECTOR");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        printf("%-15s  %-6s  %-4s  %-12s  %-20s  %s\n", json_string_value(json_object_get(o, "imsi")),
               json_string_value(json_object_get(o, "status")), json_string_value(json_object_get(o, "amf")),
               json_string_value(json_object_get(o, "sqn")), when(json_object_get(o, "added"), added),
               when(json_object_get(o, "used"), used));
    }
}

static int list(struct auc *auc, const struct args *a)
{
    json_t *rows = json_array();
    err e = auc_list(auc, collect, rows);
    if (e == ERR_OK && a->json) {
        json_dumpf(rows, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (e == ERR_OK) {
        print_rows(rows);
    }
    json_decref(rows);
    return e == ERR_OK ? 0 : failed(e, NULL);
}

static int show(struct auc *auc, const struct args *a)
{
    struct auc_sub s;
    err e = auc_get(auc, a->imsi, &s);
    if (e != ERR_OK)
        return failed(e, a->imsi);
    json_t *o = as_json(&s), *rows = json_array();
    json_array_append(rows, o);
    if (a->json) {
        json_dumpf(o, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_rows(rows);
    }
    json_decref(rows);
    json_decref(o);
    return 0;
}

static int change(struct auc *auc, const char *what, const struct args *a)
{
    err e =
        strcmp(what, "del") == 0 ? auc_del(auc, a->imsi) : auc_bar(auc, a->imsi, strcmp(what, "bar") == 0);
    return e == ERR_OK ? 0 : failed(e, a->imsi);
}

static err make_folder(const char *path, char *why)
{
    char copy[4096];
    if (strlen(path) >= sizeof copy)
        return ERR_RANGE;
    snprintf(copy, sizeof copy, "%s", path);
    return rt_dir_make(dirname(copy), why);
}

err as_open_auc(const struct as_conf *conf, const struct env *env, struct auc **out, char why[AUC_WHY_MAX])
{
    err e = make_folder(conf->store_path, why);
    if (e == ERR_OK)
        e = make_folder(conf->key_path, why);
    return e == ERR_OK ? auc_open(conf->store_path, conf->key_path, env, out, why) : e;
}

int as_subscriber(const struct as_conf *conf, const struct env *env, int argc, char **argv)
{
    static const char *const words[] = { "add", "list", "show", "del", "bar", "unbar" };
    struct args a = { 0 };
    struct auc *auc = NULL;
    char why[AUC_WHY_MAX];
    size_t w = 0;
    while (argc > 0 && w < sizeof words / sizeof *words && strcmp(argv[0], words[w]) != 0)
        w++;
    if (argc < 1 || w == sizeof words / sizeof *words)
        return wrong("expected add, list, show, del, bar or unbar", argc ? argv[0] : NULL);
    int r = parse(&a, argc, argv);
    if (r)
        return r;
    if (w >= 2 && !a.imsi)
        return wrong("expected an IMSI", NULL);
    if (as_open_auc(conf, env, &auc, why) != ERR_OK) {
        fprintf(stderr, "hipakad: %s\n", why);
        return 1;
    }
    r = w == 0 ? add(auc, &a) : w == 1 ? list(auc, &a) : w == 2 ? show(auc, &a) : change(auc, argv[0], &a);
    auc_close(auc);
    return r;
}
