/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/checkcode.h"

#include <string.h>

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

err checkcode_value(const struct checkcode *c, uint8_t out[CHECKCODE_LEN], size_t *len)
{
    if (c->n == 0) {
        *len = 0;
        return ERR_OK;
    }
    err e = hash_once(HASH_SHA256, span_of(c->octets, c->n), out);
    if (e == ERR_OK)
        *len = CHECKCODE_LEN;
    return e;
}

bool checkcode_matches(const struct checkcode *c, const struct aka_msg *m)
{
    uint8_t want[CHECKCODE_LEN];
    size_t n = 0;
    if (!m->has[AKA_AT_CHECKCODE])
        return !c->needed;
    if (checkcode_value(c, want, &n) != ERR_OK)
        return false;
    return m->value[AKA_AT_CHECKCODE].n == n && (n == 0 || sec_equal(m->value[AKA_AT_CHECKCODE].p, want, n));
}
