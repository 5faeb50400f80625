/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/checkcode.h"

#include <string.h>

#include "aka/method.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"

err checkcode_add(struct checkcode *c, struct span packet)
{
    if (packet.n > sizeof c->octets - c->n)
        return ERR_SPACE;
    memcpy(c->octets + c->n, packet.p, packet.n);
    c->n += packet.n;
    return ERR_OK;
}

void checkcode_reset(struct checkcode *c)
{
    c->n = 0;
    c->needed = false;
}

err checkcode_value(const struct checkcode *c, uint8_t method, uint8_t out[CHECKCODE_MAX], size_t *len)
{
    const struct aka_method *how = aka_method_of_type(method);
    if (!how)
        return ERR_RANGE;
    if (c->n == 0) {
        *len = 0;
        return ERR_OK;
    }
    err e = hash_once(how->hash, span_of(c->octets, c->n), out);
    if (e == ERR_OK)
        *len = hash_len(how->hash);
    return e;
}

/* RFC 4187 s10.13 MUST: verified where it is there; demanded where the Identity messages had what we did not understand. */
bool checkcode_matches(const struct checkcode *c, const struct aka_msg *m)
{
    uint8_t want[CHECKCODE_MAX];
    size_t n = 0;
    if (!m->has[AKA_AT_CHECKCODE])
        return !c->needed;
    if (checkcode_value(c, m->method, want, &n) != ERR_OK)
        return false;
    return m->value[AKA_AT_CHECKCODE].n == n && (n == 0 || sec_equal(m->value[AKA_AT_CHECKCODE].p, want, n));
}
