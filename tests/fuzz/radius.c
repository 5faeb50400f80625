/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS packets as both sides read them.
 */
#include <stdlib.h>

#include "aka/radius_acct.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    static const uint8_t auth[RADIUS_AUTH_LEN];
    struct radius_pkt p;
    struct radius_attr a;
    struct span v, secret = span_str("fuzz");
    uint8_t eap[1020], msk[64];
    size_t n = 0, total = 0;
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    if (radius_parse(span_of(data, size), &p) != ERR_OK)
        return 0;
    for (size_t pos = 0; radius_next(&p, &pos, &a);)
        total += 2 + a.value.n;
    if (total != p.attrs.n)
        abort();
    if (radius_eap(&p, eap, sizeof eap, &n) == ERR_OK && n > sizeof eap)
        abort();
    (void)!radius_find_vendor(&p, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, &v);
    (void)!radius_msk(&p, secret, auth, msk);
    (void)!radius_check_request(&p, secret);
    (void)!radius_check_reply(&p, secret, p.id, auth);
    (void)!radius_acct_check_request(&p, secret);
    (void)!radius_acct_check_reply(&p, secret, p.id, auth);
    return 0;
}
