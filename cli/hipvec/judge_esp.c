/* SPDX-License-Identifier: Apache-2.0
 * ESP packets under the keys of a log. */
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/facts.h"
#include "cli/hipvec/judge_part.h"
#include "common/base/cursor.h"
#include "hip/esp/seal.h"

/* The packet opened in place in p. The window is of no interest here (a capture may hold a packet twice): it is set right in front of the
 * number that came. */
static err open_one(const struct log_sa *k, uint8_t *p, size_t n, struct esp_opened *o)
{
    struct rcur c = rcur_of(span_of(p, n));
    rcur_skip(&c, 4);
    uint32_t seq = rcur_u32(&c);
    struct esp_sa_params q = { .spi = k->spi,
                               .suite = k->suite,
                               .enc = span_of(k->enc.b, k->enc.n),
                               .auth = span_of(k->auth.b, k->auth.n),
                               .seq = seq ? seq - 1 : 0 };
    struct esp_sa *sa;
    err e = esp_sa_new(&q, &sa);
    if (e != ERR_OK)
        return e;
    e = esp_open(sa, p, n, o);
    esp_sa_free(sa);
    return e;
}

/* Tries every SA of this SPI. ERR_NOT_FOUND: there is none. */
static err open_item(const struct judge *j, size_t item, uint8_t *out, struct esp_opened *o,
                     const struct log_sa **sa)
{
    struct span s = j->it->v[item].octets;
    uint32_t spi;
    err e = ERR_NOT_FOUND;
    if (!esp_spi(s, &spi))
        return ERR_TRUNCATED;
    for (size_t i = 0; j->keys && i < j->keys->sas; i++) {
        const struct log_sa *k = &j->keys->sa[i];
        if (k->spi != spi)
            continue;
        memcpy(out, s.p, s.n);
        err r = open_one(k, out, s.n, o);
        if (r == ERR_OK) {
            *sa = k;
            return ERR_OK;
        }
        if (e != ERR_AUTH)
            e = r;
    }
    return e;
}

bool judge_esp_open(struct judge *j, size_t i, uint8_t *out, struct span *payload, uint8_t *next_header)
{
    struct esp_opened o;
    const struct log_sa *sa;
    if (j->it->v[i].kind != ITEM_ESP || open_item(j, i, out, &o, &sa) != ERR_OK)
        return false;
    *payload = span_of(o.payload, o.len);
    *next_header = o.next_header;
    return true;
}

const struct log_sa *judge_sa(const struct judge *j, size_t i)
{
    struct span s = j->it->v[i].octets;
    struct esp_opened o;
    const struct log_sa *sa = NULL;
    uint8_t *copy = j->it->v[i].kind == ITEM_ESP ? malloc(s.n ? s.n : 1) : NULL;
    if (copy && open_item(j, i, copy, &o, &sa) != ERR_OK)
        sa = NULL;
    free(copy);
    return sa;
}

static bool logged(const struct judge *j, const struct hit *from, const struct hit *to)
{
    for (size_t i = 0; j->keys && i < j->keys->sas; i++)
        if (hit_eq(&j->keys->sa[i].from, from) && hit_eq(&j->keys->sa[i].to, to))
            return true;
    return false;
}

/* Do two hosts talk HIP between these addresses whose SAs are in the key log? Then an SPI that is not has been altered, or is nobody's. */
static bool flow_logged(const struct judge *j, size_t item)
{
    const struct item *x = &j->it->v[item];
    for (size_t i = 0; i < j->n; i++) {
        const struct item *y = &j->it->v[j->fact[i].item];
        if (addr_eq(&x->src, &y->src) && addr_eq(&x->dst, &y->dst) &&
            logged(j, &j->fact[i].from, &j->fact[i].to))
            return true;
    }
    return false;
}

void judge_esp(struct judge *j, size_t item, struct verdict *v)
{
    struct span s = j->it->v[item].octets;
    struct esp_opened o;
    const struct log_sa *sa;
    uint8_t *copy = malloc(s.n ? s.n : 1);
    err e = copy ? open_item(j, item, copy, &o, &sa) : ERR_MEMORY;
    switch (e) {
    case ERR_OK:
        good(v, CHECK_ICV);
        good(v, CHECK_ESP_FORM);
        break;
    case ERR_AUTH:
        say(v, CHECK_ICV, SAID_WRONG, "wrong under the keys of its SPI (RFC 4303 s3.4.4, RFC 7402 s5.1.2)");
        break;
    case ERR_REPLAY:
        say(v, CHECK_ESP_FORM, SAID_WRONG, "sequence number 0 (RFC 4303 s3.3.3)");
        break;
    case ERR_TRUNCATED:
    case ERR_MALFORMED:
        say(v, CHECK_ESP_FORM, SAID_WRONG, "%s",
            e == ERR_TRUNCATED ? "too short" : "length or padding (RFC 4303 s2.4)");
        break;
    case ERR_NOT_FOUND:
        if (flow_logged(j, item))
            say(v, CHECK_ICV, SAID_WRONG,
                "its SPI is none of the key log's, which has the SAs of the hosts at these addresses");
        else
            say(v, CHECK_ICV, SAID_CANNOT_TELL, "no key of its SPI");
        break;
    default:
        say(v, CHECK_ICV, SAID_CANNOT_TELL, "a transform that is not here");
        break;
    }
    free(copy);
}
