/* SPDX-License-Identifier: Apache-2.0
 *
 * Host identities from others. The first octet chooses: 0 a HOST_ID parameter, 1 Algorithm and Host Identity, 2 the DNS form (then one octet:
 * algorithm), 3 a PKCS#8 file of our own. What parses has a HIT and a wire form that parse to the same, a DNS form where there is one, and
 * refuses or accepts the input's tail as a signature.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/hi.h"
#include "hip/param_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct hip_hi *a, struct hip_hi *b)
{
    if (!hit_eq(&a->hit, &b->hit) || a->alg != b->alg || a->suite != b->suite)
        abort();
    hip_hi_done(b);
}

static void use(struct hip_hi *h, struct span tail)
{
    struct hip_hi again;
    uint8_t sig[2 + 512], alg;
    struct span pk;
    if (hip_hi_from_wire(span_of(h->wire, h->wire_len), &again) != ERR_OK)
        abort();
    same(h, &again);
    if (hip_hi_copy(h, &again) != ERR_OK)
        abort();
    same(h, &again);
    if (hip_hi_to_dns(h, &alg, &pk) == ERR_OK) {
        if (hip_hi_from_dns(alg, pk, &again) != ERR_OK)
            abort();
        same(h, &again);
    }
    size_t n = tail.n < sizeof sig - 2 ? tail.n : sizeof sig - 2;
    sig[0] = (uint8_t)(h->alg >> 8);
    sig[1] = (uint8_t)h->alg;
    if (n)
        memcpy(sig + 2, tail.p + tail.n - n, n);
    (void)!hip_hi_verify(h, span_str("what is signed"), span_of(sig, 2 + n));
    hip_hi_done(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct hip_hi h;
    struct hip_host_id id;
    if (!ready && crypto_init() != ERR_OK)
        abort();
    ready = true;
    if (size < 2)
        return 0;
    struct span s = span_of(data + 1, size - 1);
    err e = ERR_MALFORMED;
    switch (data[0] % 4) {
    case 0:
        if (hip_get_host_id(s, &id) == ERR_OK)
            e = hip_hi_from_wire(id.hi, &h);
        break;
    case 1:
        e = hip_hi_from_wire(s, &h);
        break;
    case 2:
        e = hip_hi_from_dns(data[1], span_sub(s, 1, s.n - 1), &h);
        break;
    default:
        e = hip_hi_from_private(s, &h);
        break;
    }
    if (e == ERR_OK)
        use(&h, s);
    return 0;
}
