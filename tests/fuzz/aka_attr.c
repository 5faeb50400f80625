/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP and its AKA attributes: any octets as a packet, and as the inside of AT_ENCR_DATA. What parses borrows from the packet only.
 */
#include <stdlib.h>

#include "aka/attr.h"
#include "aka/nai.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span whole, struct span s)
{
    if (s.n && (s.p < whole.p || s.n > whole.n || (size_t)(s.p - whole.p) > whole.n - s.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eap_pkt p;
    struct aka_msg m;
    struct aka_nai nai;
    struct span in = span_of(data, size);
    if (eap_parse(in, &p) == ERR_OK && aka_msg_parse(&p, &m) == AKA_R_OK) {
        for (int a = 0; a < AKA_AT__COUNT; a++)
            inside(p.whole, m.value[a]);
        if (m.has[AKA_AT_MAC] && m.mac_off + AKA_AT_MAC_LEN > p.whole.n)
            abort();
        if (m.has[AKA_AT_IDENTITY] && nai_parse(m.value[AKA_AT_IDENTITY], &nai) == ERR_OK &&
            nai.user.n + nai.realm.n > m.value[AKA_AT_IDENTITY].n)
            abort();
    }
    if (aka_encr_parse(in, EAP_TYPE_AKA_PRIME, &m) == AKA_R_OK)
        for (int a = 0; a < AKA_AT__COUNT; a++)
            inside(in, m.value[a]);
    return 0;
}
