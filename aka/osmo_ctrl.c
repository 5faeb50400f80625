/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/osmo_ctrl.h"

#include <stdio.h>
#include <string.h>

size_t osmo_ctrl_variable(char *out, size_t cap, enum osmo_by by, const char *digits)
{
    size_t n_digits = strlen(digits);
    bool good = by == OSMO_BY_IMSI ? imsi_valid(digits)
                                   : strspn(digits, "0123456789") == n_digits &&
                                         n_digits >= OSMO_MSISDN_MIN && n_digits <= OSMO_MSISDN_MAX;
    int n =
        good ? snprintf(out, cap, "subscriber.by-%s-%s.info", by == OSMO_BY_IMSI ? "imsi" : "msisdn", digits)
             : 0;
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t osmo_ctrl_write_info(char *out, size_t cap, uint32_t id, enum osmo_by by, const char *digits)
{
    char what[OSMO_CTRL_GET_MAX];
    if (id == 0 || id > INT32_MAX || osmo_ctrl_variable(what, sizeof what, by, digits) == 0)
        return 0;
    int n = snprintf(out, cap, "GET %u %s", (unsigned)id, what);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

/* Octets up to the next `stop` or the end; *rest goes behind it. */
static struct span word(struct span *rest, char stop)
{
    const uint8_t *at = rest->n ? memchr(rest->p, stop, rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    struct span w = span_of(rest->p, n);
    size_t used = at ? n + 1 : n;
    *rest = span_sub(*rest, used, rest->n - used);
    return w;
}

static bool is(struct span s, const char *text)
{
    return span_eq(s, span_str(text));
}

static bool digits(struct span s, size_t max, char *out)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

static bool number(struct span s, uint32_t *out)
{
    char text[10];
    uint32_t n = 0;
    if (!digits(s, 9, text))
        return false;
    for (const char *p = text; *p; p++)
        n = n * 10 + (uint32_t)(*p - '0');
    *out = n;
    return true;
}

err osmo_ctrl_parse(struct span text, struct osmo_ctrl_msg *out)
{
    struct osmo_ctrl_msg m = { .kind = OSMO_CTRL_OTHER };
    struct span rest = text, id;
    if (text.n == 0 || text.n > OSMO_CTRL_TEXT_MAX || memchr(text.p, 0, text.n))
        return ERR_MALFORMED;
    struct span verb = word(&rest, ' ');
    m.kind = is(verb, "GET_REPLY") ? OSMO_CTRL_REPLY : is(verb, "ERROR") ? OSMO_CTRL_ERROR : OSMO_CTRL_OTHER;
    if (m.kind == OSMO_CTRL_OTHER) {
        *out = m;
        return ERR_OK;
    }
    id = word(&rest, ' ');
    m.has_id = number(id, &m.id);
    if (!m.has_id && (m.kind == OSMO_CTRL_REPLY || !is(id, "err")))
        return ERR_MALFORMED;
    if (m.kind == OSMO_CTRL_REPLY) {
        m.variable = word(&rest, ' ');
        if (m.variable.n == 0)
            return ERR_MALFORMED;
    }
    m.value = rest;
    *out = m;
    return ERR_OK;
}

bool osmo_ctrl_is_unknown(const struct osmo_ctrl_msg *m)
{
    return m->kind == OSMO_CTRL_ERROR && is(m->value, "No such subscriber.");
}

enum { SEEN_IMSI = 1, SEEN_MSISDN = 2, SEEN_PS = 4 };

static bool first(unsigned *seen, unsigned bit)
{
    bool yes = !(*seen & bit);
    *seen |= bit;
    return yes;
}

static bool field(struct span key, struct span value, struct osmo_subscriber *s, unsigned *seen)
{
    if (is(key, "imsi"))
        return first(seen, SEEN_IMSI) && digits(value, IMSI_MAX, s->imsi) && imsi_valid(s->imsi);
    if (is(key, "msisdn"))
        return first(seen, SEEN_MSISDN) && (is(value, "none") || digits(value, OSMO_MSISDN_MAX, s->msisdn));
    if (is(key, "nam_ps")) {
        s->packet_services = is(value, "1");
        return first(seen, SEEN_PS) && (is(value, "1") || is(value, "0"));
    }
    return true;
}

err osmo_ctrl_info(struct span value, struct osmo_subscriber *out)
{
    struct osmo_subscriber s = { 0 };
    unsigned seen = 0;
    while (value.n) {
        struct span line = word(&value, '\n'), key = word(&line, '\t');
        if (!field(key, line, &s, &seen))
            return ERR_MALFORMED;
    }
    if (!(seen & SEEN_IMSI) || !(seen & SEEN_PS))
        return ERR_MALFORMED;
    *out = s;
    return ERR_OK;
}
