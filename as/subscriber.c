/* SPDX-License-Identifier: Apache-2.0 */
#include "as/subscriber.h"

#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/sqn.h"
#include "as/import.h"
#include "as/progress.h"
#include "as/sub_text.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/loop.h"

static const char usage[] =
    "usage: hipakad --config FILE subscriber add --imsi DIGITS --k HEX (--opc HEX | --op HEX) [--amf HEX] "
    "[--sqn HEX]\n"
    "       hipakad --config FILE subscriber add --algorithm tuak --imsi DIGITS --k HEX (--topc HEX | --top "
    "HEX)\n"
    "               [--res-length 4|8|16] [--iterations N] [--amf HEX] [--sqn HEX]\n"
    "       hipakad --config FILE subscriber import FILE.csv|- [--dry-run] [--skip COLUMN,...] [--json]\n"
    "       hipakad --config FILE subscriber list [--json]\n"
    "       hipakad --config FILE subscriber show IMSI [--json]\n"
    "       hipakad --config FILE subscriber sqn IMSI --sqn HEX\n"
    "       hipakad --config FILE subscriber del|bar|unbar IMSI\n"
    "HEX of a key may be @FILE: its first line, so that the key does not stand on the command line. --imsi "
    "IMSI is the same as IMSI.\n";

struct args {
    const char *imsi; /* or the file to import */
    char *field[SUB__FIELDS];
    const char *skip;
    bool json, dry;
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

/* "--res-length" is the field res_length. */
static char **field_of(struct args *a, const char *option)
{
    for (int f = 0; f < SUB__FIELDS; f++) {
        const char *name = sub_field_name((enum sub_field)f), *o = option + 2;
        while (*name && (*o == *name || (*o == '-' && *name == '_'))) {
            name++;
            o++;
        }
        if (!*name && !*o)
            return &a->field[f];
    }
    return NULL;
}

static int parse(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--dry-run") == 0) {
            *(argv[i][2] == 'j' ? &a->json : &a->dry) = true;
            continue;
        }
        if (argv[i][0] != '-' || strcmp(argv[i], "-") == 0) {
            if (a->imsi)
                return wrong("one word too many", argv[i]);
            a->imsi = argv[i];
            continue;
        }
        char **field = strncmp(argv[i], "--", 2) == 0 ? field_of(a, argv[i]) : NULL;
        if (!field && strcmp(argv[i], "--skip") != 0)
            return wrong("unknown option", argv[i]);
        if (!v)
            return wrong("value missing", argv[i]);
        if (field)
            *field = v;
        else
            a->skip = v;
        i++;
    }
    if (a->field[SUB_imsi])
        a->imsi = a->field[SUB_imsi];
    return 0;
}

static bool is_key(enum sub_field f)
{
    return f == SUB_k || f == SUB_opc || f == SUB_op || f == SUB_topc || f == SUB_top;
}

/* A key from the command line or, behind '@', from a file, into secret memory. The argument is wiped: other users can read command lines. */
static err take_key(char *arg, char **out)
{
    size_t n = 0;
    char why[RT_FILE_WHY_MAX];
    if (arg[0] == '@') {
        uint8_t *text = NULL;
        err e = rt_file_read_secret(arg + 1, 256, &text, &n, why);
        if (e != ERR_OK) {
            fprintf(stderr, "hipakad: %s\n", why);
            return e;
        }
        text[strcspn((char *)text, "\r\n")] = '\0';
        *out = (char *)text;
        return ERR_OK;
    }
    n = strlen(arg);
    *out = sec_alloc(n + 1);
    if (!*out)
        return ERR_MEMORY;
    memcpy(*out, arg, n);
    sec_wipe(arg, n);
    return ERR_OK;
}

static int add(struct auc *auc, const struct args *a)
{
    struct sub_text t = { .field = { NULL } };
    struct auc_sub s;
    char *keys[SUB__FIELDS] = { NULL }, why[SUB_WHY_MAX] = "";
    err e = ERR_OK;
    for (int f = 0; f < SUB__FIELDS && e == ERR_OK; f++) {
        if (a->field[f] && is_key((enum sub_field)f))
            e = take_key(a->field[f], &keys[f]);
        t.field[f] = keys[f] ? keys[f] : a->field[f];
    }
    t.field[SUB_imsi] = a->imsi;
    struct aka_cred *c = e == ERR_OK ? sec_alloc(sizeof *c) : NULL;
    if (c)
        e = sub_text_read(&t, &s, c, why);
    else if (e == ERR_OK)
        e = ERR_MEMORY;
    int r = e == ERR_OK ? 0 : e == ERR_MALFORMED ? wrong(why, NULL) : failed(e, NULL);
    if (r == 0) {
        s.added_s = rt_wall_s();
        e = auc_add(auc, &s, c);
        r = e == ERR_OK ? 0 : failed(e, s.imsi);
    }
    sec_free(c);
    for (int f = 0; f < SUB__FIELDS; f++)
        sec_free(keys[f]);
    return r;
}

static int raise_sqn(struct auc *auc, const struct args *a)
{
    uint8_t six[AKA_SQN_LEN];
    size_t n = 0;
    const char *v = a->field[SUB_sqn];
    if (!v || hex_decode(v, strlen(v), six, sizeof six, &n) != ERR_OK || n != sizeof six)
        return wrong("expected --sqn with 12 hexadecimal digits", NULL);
    err e = auc_raise(auc, a->imsi, sqn_get(six));
    if (e == ERR_RANGE) {
        fprintf(stderr, "hipakad: %s: its SQN is higher already; it only rises\n", a->imsi);
        return 1;
    }
    return e == ERR_OK ? 0 : failed(e, a->imsi);
}

static json_t *as_json(const struct auc_sub *s)
{
    char amf[5], sqn[13];
    uint8_t b[6];
    sqn_put(s->sqn, b);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "imsi", s->imsi, "status",
                     s->barred ? "barred" : "active", "algorithm", aka_alg_name(s->alg), "amf",
                     hex_encode(span_of(s->amf, 2), amf), "sqn", hex_encode(span_of(b, 6), sqn), "added",
                     (json_int_t)s->added_s, "used", (json_int_t)s->used_s);
}

static const char *when(uint64_t s, char out[32])
{
    time_t at = (time_t)s;
    struct tm tm;
    if (at == 0 || !gmtime_r(&at, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, 32, "never");
    return out;
}

static void print_head(void)
{
    printf("%-15s  %-6s  %-9s  %-4s  %-12s  %-20s  %s\n", "IMSI", "STATUS", "ALGORITHM", "AMF", "SQN",
           "ADDED", "LAST VECTOR");
}

static void print_row(const struct auc_sub *s)
{
    char amf[5], sqn[13], added[32], used[32];
    uint8_t six[AKA_SQN_LEN];
    sqn_put(s->sqn, six);
    printf("%-15s  %-6s  %-9s  %-4s  %-12s  %-20s  %s\n", s->imsi, s->barred ? "barred" : "active",
           aka_alg_name(s->alg), hex_encode(span_of(s->amf, AKA_AMF_LEN), amf),
           hex_encode(span_of(six, 6), sqn), when(s->added_s, added), when(s->used_s, used));
}

static void print_json(const struct auc_sub *s)
{
    json_t *o = as_json(s);
    json_dumpf(o, stdout, JSON_INDENT(2));
    json_decref(o);
}

/* One by one as they come: there may be millions. */
struct listing {
    bool json, any;
};

static bool list_one(void *ctx, const struct auc_sub *s)
{
    struct listing *l = ctx;
    if (l->json) {
        fputs(l->any ? ",\n" : "", stdout);
        print_json(s);
    } else {
        print_row(s);
    }
    l->any = true;
    return !ferror(stdout);
}

static int list(struct auc *auc, const struct args *a)
{
    struct listing l = { .json = a->json };
    if (a->json)
        puts("[");
    else
        print_head();
    err e = auc_list(auc, list_one, &l);
    if (a->json)
        puts(l.any ? "\n]" : "]");
    return e == ERR_OK ? 0 : failed(e, NULL);
}

static int show(struct auc *auc, const struct args *a)
{
    struct auc_sub s;
    err e = auc_get(auc, a->imsi, &s);
    if (e != ERR_OK)
        return failed(e, a->imsi);
    if (a->json) {
        print_json(&s);
        putchar('\n');
    } else {
        print_head();
        print_row(&s);
    }
    return 0;
}

static int change(struct auc *auc, const char *what, const struct args *a)
{
    err e =
        strcmp(what, "del") == 0 ? auc_del(auc, a->imsi) : auc_bar(auc, a->imsi, strcmp(what, "bar") == 0);
    return e == ERR_OK ? 0 : failed(e, a->imsi);
}

static int import(struct auc *auc, const struct args *a)
{
    const struct import_wish w = { .path = a->imsi, .skip = a->skip, .dry = a->dry, .json = a->json };
    return as_import(auc, &w);
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

static int dispatch(struct auc *auc, const char *word, const struct args *a)
{
    if (strcmp(word, "add") == 0)
        return add(auc, a);
    if (strcmp(word, "import") == 0)
        return import(auc, a);
    if (strcmp(word, "list") == 0)
        return list(auc, a);
    if (strcmp(word, "show") == 0)
        return show(auc, a);
    if (strcmp(word, "sqn") == 0)
        return raise_sqn(auc, a);
    return change(auc, word, a);
}

int as_subscriber(const struct as_conf *conf, const struct env *env, int argc, char **argv)
{
    static const char *const words[] = { "add", "list", "import", "show", "sqn", "del", "bar", "unbar" };
    struct args a = { 0 };
    struct auc *auc = NULL;
    char why[AUC_WHY_MAX];
    size_t w = 0;
    while (argc > 0 && w < sizeof words / sizeof *words && strcmp(argv[0], words[w]) != 0)
        w++;
    if (argc < 1 || w == sizeof words / sizeof *words)
        return wrong("expected add, import, list, show, sqn, del, bar or unbar", argc ? argv[0] : NULL);
    int r = parse(&a, argc, argv);
    if (r)
        return r;
    if (w >= 2 && !a.imsi)
        return wrong(w == 2 ? "expected a file, or - for standard input" : "expected an IMSI", NULL);
    if (as_open_auc(conf, env, &auc, why) != ERR_OK) {
        fprintf(stderr, "hipakad: %s\n", why);
        return 1;
    }
    r = dispatch(auc, words[w], &a);
    auc_close(auc);
    return r;
}

static void show_rotation(void *ctx, uint64_t done, uint64_t of)
{
    progress_show(ctx, done, of, done);
}

int as_rotate_key(const struct as_conf *conf, const struct env *env, int argc)
{
    struct auc *auc = NULL;
    char why[AUC_WHY_MAX];
    struct progress bar;
    const struct auc_rotation how = { .progress = show_rotation, .ctx = &bar };
    if (argc != 1) {
        fprintf(stderr, "usage: hipakad --config FILE rotate-key\n");
        return 2;
    }
    err e = as_open_auc(conf, env, &auc, why);
    if (e == ERR_OK) {
        if (auc_rotating(auc))
            puts("going on with the rotation that was begun");
        progress_begin(&bar, "rotate-key");
        e = auc_rotate(auc, &how, why);
        progress_end(&bar);
    }
    if (e == ERR_OK)
        printf("%s is a new key; the old one opens nothing any more\n", conf->key_path);
    else
        fprintf(stderr, "hipakad: %s\n", why);
    auc_close(auc);
    return e == ERR_OK ? 0 : 1;
}
