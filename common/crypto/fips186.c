/* SPDX-License-Identifier: Apache-2.0
 *
 * The general-purpose generator of FIPS 186-2 with change notice 1 (appendix 3.1, b = 160, no user input), as RFC 4187 s7
 * and its appendix A use it.
 */
#include <string.h>

#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/crypto/sha1_block.h"

/* G(t, c): the initial state pushed through one block that is c and zeros. */
static void g_function(const uint8_t c[20], uint8_t w[20])
{
    uint8_t block[64] = { 0 };
    uint32_t s[5];
    memcpy(block, c, 20);
    memcpy(s, sha1_initial, sizeof s);
    sha1_block(s, block);
    for (size_t i = 0; i < 5; i++) {
        w[4 * i] = (uint8_t)(s[i] >> 24);
        w[4 * i + 1] = (uint8_t)(s[i] >> 16);
        w[4 * i + 2] = (uint8_t)(s[i] >> 8);
        w[4 * i + 3] = (uint8_t)s[i];
    }
    sec_wipe(block, sizeof block);
    sec_wipe(s, sizeof s);
}

/* key = (1 + key + w) mod 2^160 */
static void step(uint8_t key[20], const uint8_t w[20])
{
    unsigned carry = 1;
    for (int i = 19; i >= 0; i--) {
        carry += (unsigned)key[i] + w[i];
        key[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

err fips186_prf(const uint8_t xkey[20], uint8_t *out, size_t out_len)
{
    uint8_t key[20], w[20];
    memcpy(key, xkey, sizeof key);
    for (size_t done = 0; done < out_len;) {
        size_t n = out_len - done < sizeof w ? out_len - done : sizeof w;
        g_function(key, w);
        memcpy(out + done, w, n);
        step(key, w);
        done += n;
    }
    sec_wipe(key, sizeof key);
    sec_wipe(w, sizeof w);
    return ERR_OK;
}
