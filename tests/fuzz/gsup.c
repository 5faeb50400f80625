/* SPDX-License-Identifier: Apache-2.0
 *
 * What an HLR may send: IPA frames one behind the other, GSUP in those that say so. An answer that is taken has whole vectors and a subscriber.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/gsup.h"
#include "aka/ipa.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(struct span body)
{
    struct gsup_auth a;
    memset(&a, 0xa5, sizeof a);
    if (gsup_parse_auth(body, &a) != ERR_OK) {
        if (a.type != 0xa5 || a.n_tuples != 0xa5)
            abort();
        return;
    }
    if (!imsi_valid(a.imsi) || a.n_tuples + a.n_gsm > GSUP_TUPLES_MAX)
        abort();
    for (unsigned i = 0; i < a.n_tuples; i++)
        if (a.v[i].res_len < AKA_RES_MIN || a.v[i].res_len > AKA_RES_MAX)
            abort();
    uint8_t b[GSUP_REQUEST_MAX];
    struct gsup_auth_request r = { .imsi = a.imsi, .tuples = 1, .session = 1 };
    if (gsup_write_auth(b, sizeof b, &r) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    struct span rest = span_of(data, size);
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    for (size_t n; (n = ipa_frame(rest)) != 0 && n <= rest.n; rest = span_sub(rest, n, rest.n - n)) {
        struct ipa_pkt p;
        if (ipa_parse(span_of(rest.p, n), &p) != ERR_OK)
            continue;
        if (p.body.n > n || (p.body.n && (p.body.p < rest.p || p.body.p + p.body.n > rest.p + n)))
            abort();
        if (p.stream == IPA_OSMO && p.type == IPA_EXT_GSUP)
            message(p.body);
    }
    message(span_of(data, size));
    return 0;
}
