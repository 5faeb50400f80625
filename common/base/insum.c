/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/insum.h"

uint32_t insum_add(uint32_t sum, struct span s)
{
    sum = insum_fold(sum);
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        sum += (uint32_t)(s.p[i] << 8 | s.p[i + 1]);
        if (sum >> 31)
            sum = insum_fold(sum);
    }
    if (s.n & 1)
        sum += (uint32_t)s.p[s.n - 1] << 8;
    return sum;
}

uint16_t insum_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

uint16_t insum_adjust(uint16_t stands, uint32_t was, uint32_t is)
{
    uint32_t sum = (uint16_t)~stands;

    sum += (uint16_t)~insum_fold(was);
    sum += insum_fold(is);
    return (uint16_t)~insum_fold(sum);
}
