/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of Osmocom's control interface, as an HLR may send them, and the record in one.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/osmo_ctrl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span whole, struct span s)
{
    if (s.n && (s.p < whole.p || s.p + s.n > whole.p + whole.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct osmo_ctrl_msg m;
    struct osmo_subscriber s;
    if (osmo_ctrl_parse(in, &m) == ERR_OK) {
        inside(in, m.variable);
        inside(in, m.value);
        (void)osmo_ctrl_is_unknown(&m);
        in = m.kind == OSMO_CTRL_REPLY ? m.value : in;
    }
    if (osmo_ctrl_info(in, &s) == ERR_OK &&
        (!imsi_valid(s.imsi) || strspn(s.msisdn, "0123456789") != strlen(s.msisdn)))
        abort();
    return 0;
}
