/* SPDX-License-Identifier: Apache-2.0
 * docs/sim-binding.md section 6. */
#include "fa/core/naming.h"

#include <stdio.h>
#include <string.h>

#define LABEL_CHARS (FA_LABEL_MAX - 1)
#define APPENDED_TO 9 /* numbers appended to a taken name: -2 to -9 */

/* Labels that stand for services or for the operator; nobody gets them. */
static const char *const builtin_reserved[] = {
    "abuse",    "admin",   "administrator", "autoconfig", "autodiscover", "dns",       "fa",   "fa1",
    "ftp",      "gateway", "hip",           "home",       "hostmaster",   "imap",      "info", "ipv4",
    "ipv6",     "isatap",  "localhost",     "mail",       "mta-sts",      "mx",        "noc",  "ns",
    "ns1",      "ns2",     "ns3",           "ntp",        "operator",     "pop",       "pop3", "postmaster",
    "root",     "rvs",     "security",      "sip",        "smtp",         "ssh",       "ssl",  "support",
    "sysadmin", "time",    "tls",           "usenet",     "vpn",          "webmaster", "wlan", "wpad",
    "www",
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool all_digits(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!is_digit(*s))
            return false;
    return true;
}

/* ---- look-alikes ---- */

const char *fa_name_skeleton(const char *label, char out[FA_LABEL_MAX])
{
    size_t n = 0;
    for (const char *p = label; *p && n < LABEL_CHARS; p++) {
        char c = *p;
        if (c == '-')
            continue;
        if (c == '0')
            c = 'o';
        else if (c == '1' || c == 'i')
            c = 'l';
        /* pairs are looked for in what is left after the hyphens are gone: "r-n" looks like "rn" and that like "m" */
        if (n && c == 'n' && out[n - 1] == 'r')
            out[n - 1] = 'm';
        else if (n && c == 'v' && out[n - 1] == 'v')
            out[n - 1] = 'w';
        else
            out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

/* ---- a person's name as a label ---- */

/* Latin letters with marks, by Unicode code point, as plain letters. */
static const struct {
    uint16_t from, to;
    char text[3];
} latin[] = {
    { 0x00c0, 0x00c5, "a" },  { 0x00c6, 0x00c6, "ae" }, { 0x00c7, 0x00c7, "c" },  { 0x00c8, 0x00cb, "e" },
    { 0x00cc, 0x00cf, "i" },  { 0x00d0, 0x00d0, "d" },  { 0x00d1, 0x00d1, "n" },  { 0x00d2, 0x00d6, "o" },
    { 0x00d8, 0x00d8, "o" },  { 0x00d9, 0x00dc, "u" },  { 0x00dd, 0x00dd, "y" },  { 0x00de, 0x00de, "th" },
    { 0x00df, 0x00df, "ss" }, { 0x00e0, 0x00e5, "a" },  { 0x00e6, 0x00e6, "ae" }, { 0x00e7, 0x00e7, "c" },
    { 0x00e8, 0x00eb, "e" },  { 0x00ec, 0x00ef, "i" },  { 0x00f0, 0x00f0, "d" },  { 0x00f1, 0x00f1, "n" },
    { 0x00f2, 0x00f6, "o" },  { 0x00f8, 0x00f8, "o" },  { 0x00f9, 0x00fc, "u" },  { 0x00fd, 0x00fd, "y" },
    { 0x00fe, 0x00fe, "th" }, { 0x00ff, 0x00ff, "y" },  { 0x0100, 0x0105, "a" },  { 0x0106, 0x010d, "c" },
    { 0x010e, 0x0111, "d" },  { 0x0112, 0x011b, "e" },  { 0x011c, 0x0123, "g" },  { 0x0124, 0x0127, "h" },
    { 0x0128, 0x0131, "i" },  { 0x0132, 0x0133, "ij" }, { 0x0134, 0x0135, "j" },  { 0x0136, 0x0138, "k" },
    { 0x0139, 0x0142, "l" },  { 0x0143, 0x014b, "n" },  { 0x014c, 0x0151, "o" },  { 0x0152, 0x0153, "oe" },
    { 0x0154, 0x0159, "r" },  { 0x015a, 0x0161, "s" },  { 0x0162, 0x0167, "t" },  { 0x0168, 0x0173, "u" },
    { 0x0174, 0x0175, "w" },  { 0x0176, 0x0178, "y" },  { 0x0179, 0x017e, "z" },  { 0x017f, 0x017f, "s" },
    { 0x0218, 0x0219, "s" },  { 0x021a, 0x021b, "t" },  { 0x1e9e, 0x1e9e, "ss" },
};

/* The code point at *p, which is moved on. Octets that are not UTF-8 count one by one as U+FFFD. */
static uint32_t utf8_next(const char **p)
{
    const uint8_t *s = (const uint8_t *)*p;
    unsigned more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
    uint32_t c = more == 3 ? s[0] & 7u : more == 2 ? s[0] & 15u : more == 1 ? s[0] & 31u : s[0];
    if (more == 0) {
        (*p)++;
        return s[0] < 0x80 ? s[0] : 0xfffd;
    }
    for (unsigned i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            (*p)++;
            return 0xfffd;
        }
        c = c << 6 | (s[i] & 63u);
    }
    *p += more + 1;
    return c;
}

struct label_out {
    char *s;
    size_t n;
    bool gap; /* a hyphen is due before the next letter */
};

static void label_put(struct label_out *o, const char *text)
{
    if (o->gap && o->n && o->n < LABEL_CHARS)
        o->s[o->n++] = '-';
    o->gap = false;
    for (; *text && o->n < LABEL_CHARS; text++)
        o->s[o->n++] = *text;
}

static void label_put_code(struct label_out *o, uint32_t c)
{
    char one[2] = { 0 };
    if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (c < 0x80 && (is_lower((char)c) || is_digit((char)c))) {
        one[0] = (char)c;
        label_put(o, one);
        return;
    }
    if (c == '\'' || c == 0x2019 ||
        (c >= 0x300 && c <= 0x36f)) /* apostrophes and combining marks leave no gap */
        return;
    for (size_t i = 0; i < sizeof latin / sizeof latin[0]; i++)
        if (c >= latin[i].from && c <= latin[i].to) {
            label_put(o, latin[i].text);
            return;
        }
    o->gap = true;
}

const char *fa_name_of_person(const char *given, const char *surname, char out[FA_LABEL_MAX])
{
    struct label_out o = { .s = out };
    for (const char *p = given; *p;)
        label_put_code(&o, utf8_next(&p));
    o.gap = true;
    for (const char *p = surname; *p;)
        label_put_code(&o, utf8_next(&p));
    while (o.n && out[o.n - 1] == '-')
        o.n--;
    out[o.n] = '\0';
    return out;
}

static bool is_own_person(const struct fa_subscriber *s, const char *label)
{
    char own[FA_LABEL_MAX];
    return *fa_name_of_person(s->given, s->surname, own) && strcmp(own, label) == 0;
}

static bool is_own_number(const struct fa_subscriber *s, const char *label)
{
    for (size_t i = 0; i < s->n_msisdn && i < FA_MSISDN_MAX; i++)
        if (s->msisdn[i][0] && strcmp(s->msisdn[i], label) == 0)
            return true;
    return false;
}

bool fa_name_is_own(const struct fa_subscriber *s, const char *label)
{
    return is_own_person(s, label) || is_own_number(s, label);
}

/* ---- judging one name ---- */

static bool is_label(const char *s)
{
    size_t n = strlen(s);
    if (n < 1 || n > LABEL_CHARS || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-')
            return false;
    return n < 4 || s[2] != '-' || s[3] != '-'; /* RFC 5891 s4.2.3.1; "xn--" is one of them */
}

err fa_name_label(const struct fa_naming *n, const char *name, char label[FA_LABEL_MAX])
{
    const char *dot = strchr(name, '.');
    if (!dot || strcmp(dot + 1, n->domain) != 0)
        return ERR_REFUSED;
    size_t len = (size_t)(dot - name);
    if (len == 0 || len > LABEL_CHARS)
        return ERR_MALFORMED;
    memcpy(label, name, len);
    label[len] = '\0';
    return ERR_OK;
}

const char *fa_name_verdict_text(enum fa_name_verdict v)
{
    switch (v) {
    case FA_NAME_OK:
        return "name may be had";
    case FA_NAME_OWN:
        return "own name";
    case FA_NAME_DOMAIN:
        return "name is not in our domain";
    case FA_NAME_SYNTAX:
        return "name is not a label we give";
    case FA_NAME_RESERVED:
        return "name is reserved";
    case FA_NAME_NUMBER:
        return "number is not the subscriber's";
    case FA_NAME_UNLISTED:
        return "subscriber's record does not allow it in the DNS";
    case FA_NAME_NOT_OWN:
        return "name is not the subscriber's";
    }
    return "unknown verdict";
}

static bool is_reserved(const struct fa_naming *n, const char *label)
{
    for (size_t i = 0; i < sizeof builtin_reserved / sizeof builtin_reserved[0]; i++)
        if (strcmp(builtin_reserved[i], label) == 0)
            return true;
    for (size_t i = 0; i < n->n_reserved; i++)
        if (strcmp(n->reserved[i], label) == 0)
            return true;
    return label[0] == '_';
}

enum fa_name_verdict fa_name_judge(const struct fa_naming *n, const struct fa_subscriber *s, const char *name,
                                   char label[FA_LABEL_MAX])
{
    switch (fa_name_label(n, name, label)) {
    case ERR_OK:
        break;
    case ERR_MALFORMED:
        return FA_NAME_SYNTAX;
    default:
        return FA_NAME_DOMAIN;
    }
    if (!is_label(label))
        return FA_NAME_SYNTAX;
    if (is_reserved(n, label))
        return FA_NAME_RESERVED;
    if (is_own_number(s, label))
        return s->publish_number ? FA_NAME_OWN : FA_NAME_UNLISTED;
    if (all_digits(label))
        return FA_NAME_NUMBER;
    if (is_own_person(s, label))
        return s->publish_name ? FA_NAME_OWN : FA_NAME_UNLISTED;
    return n->own_only ? FA_NAME_NOT_OWN : FA_NAME_OK;
}

/* ---- what to try ---- */

static void opaque_label(const struct env *env, char out[FA_LABEL_MAX])
{
    /* no digits and letters that look alike; 10 of 28 characters are 48 bits */
    static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456";
    uint8_t r[10];
    env_random(env, r, sizeof r);
    out[0] = 'm';
    out[1] = '-';
    for (size_t i = 0; i < sizeof r; i++)
        out[2 + i] = alphabet[r[i] % (sizeof alphabet - 1)];
    out[2 + sizeof r] = '\0';
}

static bool known(const struct fa_candidate *v, size_t n, const char *label)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].label, label) == 0)
            return true;
    return false;
}

/* label-2 to label-9, the label cut so that they fit. */
static size_t numbered(const struct fa_naming *n, const char *label, struct fa_candidate *out, size_t have,
                       size_t cap)
{
    for (int k = 2; k <= APPENDED_TO && have < cap; k++) {
        struct fa_candidate c = { .own = false };
        int len = snprintf(c.label, sizeof c.label, "%.*s-%d", LABEL_CHARS - 2, label, k);
        if (len > 0 && is_label(c.label) && !is_reserved(n, c.label) && !known(out, have, c.label))
            out[have++] = c;
    }
    return have;
}

size_t fa_name_candidates(const struct fa_naming *n, const struct fa_subscriber *s,
                          const char (*wanted)[FA_NAME_MAX], size_t n_wanted, const struct env *env,
                          struct fa_candidate out[FA_CANDIDATES_MAX], enum fa_name_verdict *why)
{
    size_t have = 0;
    if (n_wanted == 0) {
        for (; have < 3; have++) {
            opaque_label(env, out[have].label);
            out[have].own = false;
        }
        return have;
    }
    for (size_t i = 0; i < n_wanted && have < FA_CANDIDATES_MAX; i++) {
        struct fa_candidate c;
        enum fa_name_verdict v = fa_name_judge(n, s, wanted[i], c.label);
        if (i == 0)
            *why = v;
        c.own = v == FA_NAME_OWN;
        if ((v == FA_NAME_OK || v == FA_NAME_OWN) && !known(out, have, c.label))
            out[have++] = c;
    }
    /* A number is never changed by appending to it. */
    if (have && !all_digits(out[0].label))
        have = numbered(n, out[0].label, out, have, FA_CANDIDATES_MAX);
    return have;
}

/* ---- wire form ---- */

err fa_name_from_wire(struct span wire, char out[FA_NAME_MAX])
{
    size_t at = 0, n = 0;
    char name[FA_NAME_MAX];
    for (;;) {
        if (at >= wire.n)
            return ERR_MALFORMED;
        size_t len = wire.p[at++];
        if (len == 0)
            break;
        if (len > LABEL_CHARS || at + len > wire.n || n + len + 2 > sizeof name)
            return ERR_MALFORMED;
        if (n)
            name[n++] = '.';
        for (size_t i = 0; i < len; i++) {
            char c = (char)wire.p[at + i];
            if (!is_lower(c) && !is_digit(c) && c != '-' && c != '_')
                return ERR_MALFORMED;
            name[n++] = c;
        }
        at += len;
    }
    if (at != wire.n || n == 0)
        return ERR_MALFORMED;
    name[n] = '\0';
    memcpy(out, name, n + 1);
    return ERR_OK;
}

size_t fa_name_to_wire(const char *name, uint8_t out[255])
{
    size_t n = 0;
    if (!*name)
        return 0;
    for (const char *p = name;;) {
        const char *dot = strchr(p, '.');
        size_t len = dot ? (size_t)(dot - p) : strlen(p);
        if (len == 0 || len > LABEL_CHARS || n + len + 2 > 255)
            return 0;
        out[n++] = (uint8_t)len;
        memcpy(out + n, p, len);
        n += len;
        if (!dot)
            break;
        p = dot + 1;
    }
    out[n++] = 0;
    return n;
}
