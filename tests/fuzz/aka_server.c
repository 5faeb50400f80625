/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole conversation of the EAP-AKA and AKA' server: the input is a row of EAP packets, each behind a two-octet length; the AuC has a vector
 * whose keys the fuzzer does not know, and so has the earlier authentication that an identity for fast re-authentication goes back to. Nothing may
 * end in success.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/server.h"
#include "common/base/cursor.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fixed_random(void *ctx, void *out, size_t n)
{
    memset(out, 1, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    static const struct env env = { .random = fixed_random };
    struct aka_server_config conf = { .env = &env, .net_name = "WLAN" };
    struct aka_server_action act = { 0 };
    struct aka_vector v = { .res_len = 8 };
    struct aka_reauth re = { .counter = 1, .imsi = "001010000000001", .net_name = "WLAN" };
    struct aka_who who = { .kind = AKA_WHO_UNKNOWN, .imsi = "001010000000001", .reauth = &re };
    struct rcur c = rcur_of(span_of(data, size));
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    memset(v.ck, 0x44, sizeof v.ck);
    memset(v.res, 0x55, sizeof v.res);
    memset(re.keys.k_aut, 0x66, sizeof re.keys.k_aut);
    uint8_t how = rcur_u8(&c);
    conf.ask_identity = how & 1;
    conf.ask_who = how & 8;
    conf.result_ind = how & 16;
    if (how & 32)
        memcpy(conf.methods, (const uint8_t[]){ EAP_TYPE_AKA_PRIME, EAP_TYPE_AKA }, 2);
    if (how & 64)
        memcpy(conf.kdf, (const uint16_t[]){ 9, AKA_KDF_DEFAULT }, 2 * sizeof *conf.kdf);
    if (how & 96) /* forward secrecy, with one or both of its functions */
        memcpy(conf.fs, (const uint16_t[]){ AKA_FS_X25519, AKA_FS_P256 },
               (how & 32 ? 2 : 1) * sizeof *conf.fs);
    conf.fs_required = how & 4;
    who.kind = how & 128 ? AKA_WHO_REAUTH : (enum aka_who_kind)(how >> 1 & 1);
    struct aka_server *s = aka_server_new(&conf);
    if (!s)
        abort();
    if (how & 2)
        aka_server_start(s, &act);
    while (rcur_ok(&c) && rcur_left(&c) > 2) {
        uint16_t n = rcur_u16(&c);
        aka_server_input(s, rcur_take(&c, n < rcur_left(&c) ? n : rcur_left(&c)), &act);
        if (act.type == AKA_SERVER_WHO) {
            re.method = aka_server_method(s)->type;
            re.keys.k_aut_len = aka_server_method(s)->k_aut_len;
            aka_server_issue(s, span_str("7x"), span_str("8x@wlan"));
            aka_server_who(s, &who, &act);
        }
        if (act.type == AKA_SERVER_VECTOR) {
            if (!imsi_valid(act.imsi) || act.want == AKA_WANT_STATUS)
                abort();
            v.autn[6] = act.want == AKA_WANT_SEPARATED ? AKA_AMF_SEP : 0;
            aka_server_issue(s, span_str("7x"), span_str("8x@wlan"));
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
