/* SPDX-License-Identifier: Apache-2.0 */
#undef OPENSSL_NO_DEPRECATED /* ldns's headers name RSA and DSA */
#include <ldns/ldns.h>
#include <string.h>

#include "tests/unit/dnsupd/opinion.h"

bool opinion_rdata(const char *presentation, const uint8_t *rdata, size_t len)
{
    ldns_rr *rr = NULL;
    if (ldns_rr_new_frm_str(&rr, presentation, 0, NULL, NULL) != LDNS_STATUS_OK)
        return false;
    ldns_buffer *b = ldns_buffer_new(65536);
    bool same = b && ldns_rr_rdata2buffer_wire(b, rr) == LDNS_STATUS_OK && ldns_buffer_position(b) == len &&
                memcmp(ldns_buffer_begin(b), rdata, len) == 0;
    ldns_buffer_free(b);
    ldns_rr_free(rr);
    return same;
}

bool opinion_update(const uint8_t *msg, size_t len)
{
    ldns_pkt *p = NULL;
    if (ldns_wire2pkt(&p, msg, len) != LDNS_STATUS_OK)
        return false;
    bool update = ldns_pkt_get_opcode(p) == LDNS_PACKET_UPDATE;
    ldns_pkt_free(p);
    return update;
}
