/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole conversation of the EAP-AKA' server: the input is a row of EAP packets, each behind a two-octet length; the AuC has a vector whose
 * keys the fuzzer does not know. Nothing may end in success.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/server.h"
#include "common/base/cursor.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fixed_random(void *ctx, void *out, size_t n)
{
    memset(out, 0, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    static const struct env env = { .random = fixed_random };
    struct aka_server_config conf = { .env = &env, .net_name = "WLAN" };
    struct aka_server_action act = { 0 };
    struct aka_vector v = { .res_len = 8 };
    struct rcur c = rcur_of(span_of(data, size));
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    memset(v.ck, 0x44, sizeof v.ck);
    memset(v.res, 0x55, sizeof v.res);
    v.autn[6] = AKA_AMF_SEP;
    uint8_t how = rcur_u8(&c);
    conf.ask_identity = how & 1;
    struct aka_server *s = aka_server_new(&conf);
    if (!s)
        abort();
    if (how & 2)
        aka_server_start(s, &act);
    while (rcur_ok(&c) && rcur_left(&c) > 2) {
        uint16_t n = rcur_u16(&c);
        aka_server_input(s, rcur_take(&c, n < rcur_left(&c) ? n : rcur_left(&c)), &act);
        if (act.type == AKA_SERVER_VECTOR) {
            if (!imsi_valid(act.imsi))
                abort();
            aka_server_vector(s, how & 4 ? AKA_AUC_UNKNOWN : AKA_AUC_OK, &v, &act);
        }
        if (act.type == AKA_SERVER_ACCEPT || aka_server_msk(s))
            abort();
        if (act.octets.n > EAP_MAX)
            abort();
    }
    aka_server_free(s);
    return 0;
}
