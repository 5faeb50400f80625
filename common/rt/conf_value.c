/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/conf_int.h"

#define NAME_MAX_OCTETS 253
#define STR_MAX_DEFAULT 255

static const struct {
    const char *unit;
    int64_t us;
} units[] = { { "us", 1 },         { "ms", 1000 },      { "s", 1000000 },
              { "min", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 } };
#define N_UNITS (sizeof(units) / sizeof(units[0]))

const char *conf_type_name(enum rt_conf_type t)
{
    static const char *const names[] = { "",         "text",   "path",    "name",         "integer",
                                         "yes/no",   "choice", "address", "address:port", "address/length",
                                         "duration", "map",    "list" };
    return names[t];
}

void conf_duration_text(int64_t us, char *out, size_t cap)
{
    size_t u = 0;

    for (size_t i = 0; i < N_UNITS; i++)
        if (us % units[i].us == 0 && us >= units[i].us)
            u = i;
    (void)snprintf(out, cap, "%" PRId64 "%s", us / units[u].us, units[u].unit);
}

static bool in_range(int64_t v, const struct rt_conf_row *row, enum rt_conf_type type)
{
    bool bounded = row->type == type && (row->min != 0 || row->max != 0);
    return !bounded || (v >= row->min && v <= row->max);
}

static bool read_int(const char *text, int64_t *out, const char **end)
{
    char *e;

    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
        return false;
    errno = 0;
    *out = strtoll(text, &e, 10);
    *end = e;
    return errno == 0;
}

static bool read_duration(const char *text, int64_t *out)
{
    const char *end;
    int64_t v;

    if (!read_int(text, &v, &end) || v < 0)
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < N_UNITS; i++)
        if (strcmp(end, units[i].unit) == 0)
            return !__builtin_mul_overflow(v, units[i].us, out);
    *out = 0;
    return v == 0 && *end == '\0';
}

static bool read_bool(const char *text, int64_t *out)
{
    if (strcasecmp(text, "yes") == 0 || strcasecmp(text, "true") == 0)
        *out = 1;
    else if (strcasecmp(text, "no") == 0 || strcasecmp(text, "false") == 0)
        *out = 0;
    else
        return false;
    return true;
}

static bool read_enum(const char *text, const char *choices)
{
    size_t len = strlen(text);

    for (const char *c = choices; *c != '\0'; c += strcspn(c, "|"), c += *c == '|') {
        if (strcspn(c, "|") == len && memcmp(c, text, len) == 0)
            return len > 0;
    }
    return false;
}

/* Letters, digits, hyphen and underscore in labels of 1 to 63 octets; lower-cased in place. */
static bool read_name(char *text)
{
    size_t len = strlen(text), label = 0;

    if (len > 1 && text[len - 1] == '.')
        text[--len] = '\0';
    if (len == 0 || len > NAME_MAX_OCTETS)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return false;
        if (++label > 63)
            return false;
        text[i] = (char)tolower((unsigned char)text[i]);
    }
    return label > 0;
}

static bool read_prefix(const char *text, struct rt_conf_node *n)
{
    char copy[ADDR_TEXT_MAX];
    const char *slash = strchr(text, '/'), *end;
    int64_t len;

    if (slash == NULL || (size_t)(slash - text) >= sizeof(copy))
        return false;
    memcpy(copy, text, (size_t)(slash - text));
    copy[slash - text] = '\0';
    if (addr_parse(copy, &n->addr) || n->addr.port != 0 || !read_int(slash + 1, &len, &end) || *end != '\0' ||
        len < 0 || len > (int64_t)addr_ip_len(&n->addr) * 8)
        return false;
    n->prefix_len = (uint8_t)len;
    return true;
}

static bool read_text(const char *text, enum rt_conf_type type, const struct rt_conf_row *row,
                      const char *folder, struct rt_conf_node *n)
{
    size_t len = strlen(text);
    bool ok = true;

    if (type == RT_CONF_PATH && text[0] != '/' && folder[0] != '\0') {
        if (len == 0)
            return false;
        if (asprintf(&n->str, "%s/%s", folder, text) < 0)
            abort();
        return true;
    }
    n->str = strdup(text);
    if (n->str == NULL)
        abort();
    if (type == RT_CONF_PATH)
        ok = len > 0;
    else if (type == RT_CONF_STR && row->type == RT_CONF_STR)
        ok = (int64_t)len >= row->min && (int64_t)len <= (row->max ? row->max : STR_MAX_DEFAULT);
    else if (type == RT_CONF_STR)
        ok = len > 0 && len <= STR_MAX_DEFAULT;
    else if (type == RT_CONF_NAME)
        ok = read_name(n->str);
    else
        ok = read_enum(text, row->choices ? row->choices : "");
    if (!ok) {
        free(n->str);
        n->str = NULL;
    }
    return ok;
}

bool conf_value(const char *text, enum rt_conf_type type, const struct rt_conf_row *row, const char *folder,
                struct rt_conf_node *n)
{
    const char *end;

    n->type = type;
    switch (type) {
    case RT_CONF_INT:
        return read_int(text, &n->num, &end) && *end == '\0' && in_range(n->num, row, type);
    case RT_CONF_BOOL:
        return read_bool(text, &n->num);
    case RT_CONF_DURATION:
        return read_duration(text, &n->num) && in_range(n->num, row, type);
    case RT_CONF_ADDR:
        return addr_parse(text, &n->addr) == ERR_OK && n->addr.port == 0;
    case RT_CONF_ENDPOINT:
        if (addr_parse(text, &n->addr))
            return false;
        if (n->addr.port == 0)
            n->addr.port = row->port;
        return n->addr.port != 0;
    case RT_CONF_PREFIX:
        return read_prefix(text, n);
    case RT_CONF_STR:
    case RT_CONF_PATH:
    case RT_CONF_NAME:
    case RT_CONF_ENUM:
        return read_text(text, type, row, folder, n);
    case RT_CONF_END:
    case RT_CONF_MAP:
    case RT_CONF_LIST:
        break;
    }
    return false;
}

void conf_describe(enum rt_conf_type type, const struct rt_conf_row *row, char *out, size_t cap)
{
    bool bounded = row->type == type && (row->min != 0 || row->max != 0);
    char lo[32], hi[32];

    switch (type) {
    case RT_CONF_INT:
        if (bounded)
            (void)snprintf(out, cap, "an integer from %" PRId64 " to %" PRId64, row->min, row->max);
        else
            (void)snprintf(out, cap, "an integer");
        break;
    case RT_CONF_DURATION:
        conf_duration_text(row->min, lo, sizeof(lo));
        conf_duration_text(row->max, hi, sizeof(hi));
        if (bounded)
            (void)snprintf(out, cap, "a duration from %s to %s", row->min ? lo : "0", hi);
        else
            (void)snprintf(out, cap, "a duration such as 500ms, 5s, 2min, 1h, 30d");
        break;
    case RT_CONF_ENUM:
        (void)snprintf(out, cap, "one of %s", row->choices ? row->choices : "");
        break;
    case RT_CONF_STR:
        (void)snprintf(out, cap, "text of %" PRId64 " to %" PRId64 " octets",
                       row->type == type ? row->min : 1,
                       row->type == type && row->max ? row->max : STR_MAX_DEFAULT);
        break;
    case RT_CONF_ENDPOINT:
        (void)snprintf(out, cap, "an IP address with port (192.0.2.1:53, [2001:db8::1]:53)");
        break;
    default: {
        static const char *const what[] = {
            [RT_CONF_PATH] = "a path",
            [RT_CONF_NAME] = "a domain name",
            [RT_CONF_BOOL] = "yes or no",
            [RT_CONF_ADDR] = "an IP address",
            [RT_CONF_PREFIX] = "a prefix (2001:db8::/32)",
            [RT_CONF_MAP] = "a map",
            [RT_CONF_LIST] = "a list",
        };
        (void)snprintf(out, cap, "%s", what[type]);
        break;
    }
    }
}
