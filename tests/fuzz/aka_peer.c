/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole run of the EAP-AKA' peer, of EAP-AKA too in some: the input is a row of EAP packets, each behind a two-octet length, and the card accepts every challenge.
 * No packet may bring out RES or the MSK: the fuzzer does not know the card's keys.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/peer.h"
#include "common/base/cursor.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void card_says(struct usim_auth *a, uint8_t how)
{
    *a = (struct usim_auth){ .verdict = how % 4, .res_len = 8 };
    memset(a->res, 0x11, sizeof a->res);
    memset(a->ck, 0x22, sizeof a->ck);
    memset(a->ik, 0x33, sizeof a->ik);
}

static void fixed_random(void *ctx, void *out, size_t n)
{
    memset(out, 1, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    static const struct env env = { .random = fixed_random };
    struct rcur c = rcur_of(span_of(data, size));
    struct aka_peer_action act;
    struct usim_auth a;
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    struct aka_peer *p = aka_peer_new();
    if (!p)
        abort();
    uint8_t how = rcur_u8(&c);
    if (how & 0x10)
        aka_peer_allow_aka(p);
    if (!(how & 0x08))
        aka_peer_forward_secrecy(p, &env, how & 0x20);
    if (how & 0x80 && aka_peer_start(p, span_str("6001010000000001@wlan"), &act) != ERR_OK)
        abort();
    while (rcur_ok(&c) && rcur_left(&c) > 2) {
        uint16_t n = rcur_u16(&c);
        struct span pkt = rcur_take(&c, n < rcur_left(&c) ? n : rcur_left(&c));
        aka_peer_input(p, pkt, &act);
        for (int i = 0; i < 3; i++) {
            if (act.type == AKA_PEER_IDENTITY)
                aka_peer_identity(p, span_str(how & 0x40 ? "" : "6001010000000001@wlan"), &act);
            if (act.type == AKA_PEER_CHALLENGE && how & 0x20)
                aka_peer_refuse_name(p, &act);
            if (act.type == AKA_PEER_CHALLENGE) {
                card_says(&a, how);
                aka_peer_card(p, &a, &act);
            }
        }
        if (act.type == AKA_PEER_SUCCESS || aka_peer_msk(p) || aka_peer_pseudonym(p).n ||
            (act.type == AKA_PEER_SEND && act.proof))
            abort();
        if (act.type == AKA_PEER_SEND && (act.octets.n < 5 || act.octets.n > EAP_MAX))
            abort();
    }
    aka_peer_free(p);
    return 0;
}
