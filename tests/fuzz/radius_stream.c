/* SPDX-License-Identifier: Apache-2.0
 *
 * RADIUS packets on a stream, as both ends of RADIUS in TLS cut them (RFC 6613 s2.6.1): each frame is found from its first octets on, whatever pieces it comes in,
 * and is a whole packet or none; what is called a packet by its length has that length.
 */
#include <stdlib.h>

#include "aka/radius.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct radius_pkt p;
    for (size_t at = 0; at < size;) {
        struct span rest = span_of(data + at, size - at);
        size_t n = radius_frame(rest);
        for (size_t have = 0; have <= rest.n && have < RADIUS_MAX; have++) /* the same in pieces */
            if (radius_frame(span_of(rest.p, have)) != (have < 4 ? 0 : n))
                abort();
        if (n == 0 && rest.n >= 4)
            abort();
        if (n == 0 || n == RADIUS_FRAME_BAD || n > rest.n)
            break;
        if (n < RADIUS_HEADER || n > RADIUS_MAX)
            abort();
        if (radius_parse(span_of(rest.p, n), &p) == ERR_OK && p.whole.n != n)
            abort();
        at += n;
    }
    return 0;
}
