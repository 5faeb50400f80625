/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/subs_cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/rt/loop.h"
#include "fa/store_sqlite.h"
#include "fa/subs_sqlite.h"

static const char usage[] =
    "usage: hipfad --config FILE subscriber add --imsi DIGITS [--id ID] [--given NAME] [--surname NAME] "
    "[--msisdn DIGITS]...\n"
    "              [--address TEXT] [--publish yes|no] [--publish-name yes|no] [--publish-number yes|no]\n"
    "              [--status active|suspended] [--devices N] [--lifetime SECONDS]\n"
    "       hipfad --config FILE subscriber list [--json]\n"
    "       hipfad --config FILE subscriber show ID|IMSI [--json]\n"
    "       hipfad --config FILE subscriber del ID|IMSI\n";

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "hipfad: %s%s%s\n%s", what, word ? ": " : "", word ? word : "", usage);
    return 2;
}

/* ---- add ---- */

static bool put_text(char *out, size_t cap, const char *v)
{
    if (strlen(v) >= cap)
        return false;
    for (const char *p = v; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    memcpy(out, v, strlen(v) + 1);
    return true;
}

static bool put_choice(bool *out, const char *v, const char *yes, const char *no)
{
    *out = strcmp(v, yes) == 0;
    return *out || strcmp(v, no) == 0;
}

static bool put_number(uint64_t *out, const char *v, uint64_t max)
{
    char *end;
    if (*v < '0' || *v > '9')
        return false;
    *out = strtoull(v, &end, 10);
    return *end == 0 && *out <= max;
}

static bool put_msisdn(struct fa_subscriber *s, const char *v)
{
    if (*v == '+')
        v++;
    return s->n_msisdn < FA_MSISDN_MAX && put_text(s->msisdn[s->n_msisdn++], sizeof s->msisdn[0], v);
}

/* One option with its value. */
static bool put_option(struct fa_subscriber *s, const char *o, const char *v)
{
    uint64_t n = 0;
    bool ok;
    if (strcmp(o, "--imsi") == 0)
        return put_text(s->imsi, sizeof s->imsi, v);
    if (strcmp(o, "--id") == 0)
        return put_text(s->id, sizeof s->id, v);
    if (strcmp(o, "--given") == 0)
        return put_text(s->given, sizeof s->given, v);
    if (strcmp(o, "--surname") == 0)
        return put_text(s->surname, sizeof s->surname, v);
    if (strcmp(o, "--address") == 0)
        return put_text(s->postal, sizeof s->postal, v);
    if (strcmp(o, "--msisdn") == 0)
        return put_msisdn(s, v);
    if (strcmp(o, "--status") == 0)
        return put_choice(&s->active, v, "active", "suspended");
    if (strcmp(o, "--publish-name") == 0)
        return put_choice(&s->publish_name, v, "yes", "no");
    if (strcmp(o, "--publish-number") == 0)
        return put_choice(&s->publish_number, v, "yes", "no");
    if (strcmp(o, "--publish") == 0) {
        ok = put_choice(&s->publish_name, v, "yes", "no");
        s->publish_number = s->publish_name;
        return ok;
    }
    if (strcmp(o, "--devices") == 0) {
        ok = put_number(&n, v, 64) && n >= 1;
        s->devices_max = (uint16_t)n;
        return ok;
    }
    if (strcmp(o, "--lifetime") == 0) {
        ok = put_number(&n, v, UINT32_MAX);
        s->lifetime_max_s = (uint32_t)n;
        return ok;
    }
    return false;
}

static int cmd_add(struct subs_sqlite *db, int argc, char **argv)
{
    struct fa_subscriber s = { .active = true, .devices_max = 1 };
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc)
            return wrong("a value is missing behind", argv[i]);
        if (!put_option(&s, argv[i], argv[i + 1]))
            return wrong("unknown option or bad value", argv[i]);
    }
    if (!s.imsi[0])
        return wrong("--imsi is needed", NULL);
    err e = subs_sqlite_add(db, &s);
    if (e == ERR_EXISTS)
        fprintf(stderr, "hipfad: this id, IMSI or number is there already\n");
    else if (e == ERR_MALFORMED)
        return wrong("IMSI: 6-15 digits, numbers: 3-15 digits, id: letters, digits, - _ . @", NULL);
    else if (e != ERR_OK)
        fprintf(stderr, "hipfad: subscriber not added: %s\n", err_text(e));
    else
        printf("%s\n", s.id);
    return e == ERR_OK ? 0 : 1;
}

/* ---- list, show ---- */

/* The names that the binding store has for this subscriber; an empty array when there is no store yet. */
static json_t *names_of(const char *store_path, const char *id)
{
    json_t *names = json_array();
    struct stat st;
    struct store store;
    char why[SQL_WHY_MAX];
    if (stat(store_path, &st) != 0 || store_sqlite_open(store_path, rt_wall_s, &store, why) != ERR_OK)
        return names;
    struct fa_job job = { .type = FA_JOB_FIND, .find.by = FA_FIND_SUBSCRIBER };
    struct store_answer *a = calloc(1, sizeof *a);
    snprintf(job.find.text, sizeof job.find.text, "%s", id);
    if (a && store.ops->run(store.ctx, &job, a) == ERR_OK)
        for (uint8_t i = 0; i < a->n; i++)
            json_array_append_new(names, json_string(a->v[i].name));
    free(a);
    store.ops->close(store.ctx);
    return names;
}

static json_t *to_json(const struct fa_subscriber *s, const char *store_path)
{
    json_t *numbers = json_array();
    for (uint8_t i = 0; i < s->n_msisdn; i++)
        json_array_append_new(numbers, json_string(s->msisdn[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:i, s:I, s:o}", "id", s->id, "imsi",
                     s->imsi, "status", s->active ? "active" : "suspended", "given", s->given, "surname",
                     s->surname, "address", s->postal, "msisdn", numbers, "publish_name", s->publish_name,
                     "publish_number", s->publish_number, "devices_max", (int)s->devices_max,
                     "lifetime_max_s", (json_int_t)s->lifetime_max_s, "names", names_of(store_path, s->id));
}

static int print_json(json_t *j)
{
    int bad = !j || json_dumpf(j, stdout, JSON_INDENT(2)) != 0 || printf("\n") < 0;
    json_decref(j);
    return bad;
}

static int cmd_list(struct subs_sqlite *db, const char *store_path, bool json)
{
    struct subs subs = subs_sqlite_ops(db);
    char id[FA_ID_MAX] = "";
    json_t *all = json_array();
    err e;
    if (!json)
        printf("%-12s %-16s %-10s %-24s %s\n", "ID", "IMSI", "STATUS", "NAME", "MSISDN");
    while ((e = subs_sqlite_next(db, id)) == ERR_OK) {
        struct fa_subscriber s;
        if (subs.ops->get(subs.ctx, "", id, &s) != ERR_OK)
            continue; /* deleted meanwhile */
        if (json) {
            json_array_append_new(all, to_json(&s, store_path));
            continue;
        }
        char name[2 * FA_TEXT_MAX];
        snprintf(name, sizeof name, "%s %s", s.given, s.surname);
        printf("%-12s %-16s %-10s %-24s %s\n", s.id, s.imsi, s.active ? "active" : "suspended", name,
               s.n_msisdn ? s.msisdn[0] : "");
    }
    if (e != ERR_NOT_FOUND)
        fprintf(stderr, "hipfad: %s\n", err_text(e));
    int bad = json ? print_json(json_pack("{s:O}", "subscribers", all)) : 0;
    json_decref(all);
    return bad || e != ERR_NOT_FOUND;
}

/* By id or, if it is all digits and no id, by IMSI. */
static err find(struct subs_sqlite *db, const char *word, struct fa_subscriber *out)
{
    struct subs subs = subs_sqlite_ops(db);
    if (!word[0])
        return ERR_NOT_FOUND;
    err e = subs.ops->get(subs.ctx, "", word, out);
    return e == ERR_NOT_FOUND ? subs.ops->get(subs.ctx, word, "", out) : e;
}

static int cmd_show(struct subs_sqlite *db, const char *store_path, const char *word, bool json)
{
    struct fa_subscriber s;
    err e = find(db, word, &s);
    if (e != ERR_OK) {
        fprintf(stderr, "hipfad: subscriber %s: %s\n", word, err_text(e));
        return 1;
    }
    json_t *j = to_json(&s, store_path);
    if (json)
        return print_json(j);
    printf("id              %s\nIMSI            %s\nstatus          %s\nname            %s %s\naddress       "
           "  %s\n",
           s.id, s.imsi, s.active ? "active" : "suspended", s.given, s.surname, s.postal);
    for (uint8_t i = 0; i < s.n_msisdn; i++)
        printf("MSISDN          %s\n", s.msisdn[i]);
    printf("publish name    %s\npublish number  %s\ndevices         %u\n", s.publish_name ? "yes" : "no",
           s.publish_number ? "yes" : "no", s.devices_max);
    size_t i;
    json_t *name;
    json_array_foreach (json_object_get(j, "names"), i, name)
        printf("holds           %s\n", json_string_value(name));
    json_decref(j);
    return 0;
}

static int cmd_del(struct subs_sqlite *db, const char *word)
{
    struct fa_subscriber s;
    err e = find(db, word, &s);
    if (e == ERR_OK)
        e = subs_sqlite_del(db, s.id);
    if (e != ERR_OK)
        fprintf(stderr, "hipfad: subscriber %s: %s\n", word, err_text(e));
    return e == ERR_OK ? 0 : 1;
}

int subs_cmd(const char *subs_path, const char *store_path, int argc, char **argv)
{
    struct subs_sqlite *db = NULL;
    char why[SQL_WHY_MAX];
    if (argc < 1)
        return wrong("which?", NULL);
    bool add = strcmp(argv[0], "add") == 0, json = argc > 1 && strcmp(argv[argc - 1], "--json") == 0;
    int words = argc - json;
    bool list = strcmp(argv[0], "list") == 0 && words == 1;
    bool show = strcmp(argv[0], "show") == 0 && words == 2;
    bool del = strcmp(argv[0], "del") == 0 && argc == 2;
    if (!add && !list && !show && !del)
        return wrong("no such use", argv[0]);
    err e = subs_sqlite_open(subs_path, true, rt_wall_s, &db, why);
    if (e != ERR_OK) {
        fprintf(stderr, "hipfad: %s\n", why);
        return 1;
    }
    int status = add    ? cmd_add(db, argc, argv)
                 : list ? cmd_list(db, store_path, json)
                 : show ? cmd_show(db, store_path, argv[1], json)
                        : cmd_del(db, argv[1]);
    subs_sqlite_close(db);
    return status;
}
