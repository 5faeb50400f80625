/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/nai.h"

#include <stdio.h>
#include <string.h>

#include "aka/method.h"

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

enum nai_kind nai_kind(const struct aka_nai *n)
{
    const struct aka_method *m = aka_method_of_lead(n->lead);
    if (n->imsi[0])
        return NAI_PERMANENT;
    if (m && n->lead == m->pseudonym)
        return NAI_PSEUDONYM;
    return m && n->lead == m->reauth ? NAI_REAUTH : NAI_OTHER;
}

bool imsi_valid(const char *imsi)
{
    size_t n = strnlen(imsi, IMSI_MAX + 1);
    if (n < IMSI_MIN || n > IMSI_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!digit((uint8_t)imsi[i]))
            return false;
    return true;
}

static err home(const char *label, const char *imsi, unsigned mnc_len, const char *domain,
                char out[NAI_TEXT_MAX])
{
    if (!imsi_valid(imsi) || (mnc_len != 2 && mnc_len != 3))
        return ERR_RANGE;
    /* TS 23.003 s19.2: a two-digit MNC is written with a leading zero. */
    int n = snprintf(out, NAI_TEXT_MAX, "%s.mnc%s%.*s.mcc%.3s.%s", label, mnc_len == 2 ? "0" : "",
                     (int)mnc_len, imsi + 3, imsi, domain);
    return n > 0 && n < NAI_TEXT_MAX ? ERR_OK : ERR_SPACE;
}

err nai_home_realm(const char *imsi, unsigned mnc_len, char out[NAI_TEXT_MAX])
{
    return home("wlan", imsi, mnc_len, "3gppnetwork.org", out);
}

err nai_home_fa(const char *imsi, unsigned mnc_len, char out[NAI_TEXT_MAX])
{
    return home("hip-fa", imsi, mnc_len, "pub.3gppnetwork.org", out);
}

err nai_permanent(char lead, const char *imsi, unsigned mnc_len, const char *realm, char out[NAI_TEXT_MAX])
{
    char own[NAI_TEXT_MAX];
    err e = nai_home_realm(imsi, mnc_len, own);
    if (e != ERR_OK)
        return e;
    int n = snprintf(out, NAI_TEXT_MAX, "%c%s@%s", lead, imsi, realm ? realm : own);
    return n > 0 && n < NAI_TEXT_MAX ? ERR_OK : ERR_SPACE;
}

err nai_parse(struct span text, struct aka_nai *out)
{
    struct aka_nai n = { .imsi = "" };
    if (text.n == 0 || text.n >= NAI_TEXT_MAX || memchr(text.p, 0, text.n))
        return ERR_MALFORMED;
    const uint8_t *at = memchr(text.p, '@', text.n);
    n.user = span_of(text.p, at ? (size_t)(at - text.p) : text.n);
    n.realm = at ? span_of(at + 1, text.n - n.user.n - 1) : span_of(NULL, 0);
    n.lead = n.user.n ? n.user.p[0] : 0;
    if ((n.lead == NAI_AKA || n.lead == NAI_AKA_PRIME) && n.user.n - 1 >= IMSI_MIN &&
        n.user.n - 1 <= IMSI_MAX) {
        size_t i = 1;
        while (i < n.user.n && digit(n.user.p[i]))
            i++;
        if (i == n.user.n)
            memcpy(n.imsi, n.user.p + 1, n.user.n - 1);
    }
    *out = n;
    return ERR_OK;
}
