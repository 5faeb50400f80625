/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet as it comes from anybody: parsed whole, every decoder over every parameter, all authentication checks with
 * keys that do not fit, the same octets as bare TLVs inside ENCRYPTED, and a writer that goes on behind what parsed.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "hip/auth.h"
#include "hip/encrypted.h"
#include "hip/param_cert.h"
#include "hip/param_data.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/param_reg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sink;

#define TRY(call) sink += (unsigned)(call)

static void host_id(struct span v)
{
    struct hip_host_id h;
    struct hip_hi hi;
    uint8_t alg;
    struct span pk;
    if (hip_get_host_id(v, &h) != ERR_OK || hip_hi_from_wire(h.hi, &hi) != ERR_OK)
        return;
    if (hip_hi_to_dns(&hi, &alg, &pk) == ERR_OK) {
        struct hip_hi again;
        if (hip_hi_from_dns(alg, pk, &again) != ERR_OK || !hit_eq(&again.hit, &hi.hit))
            abort();
        hip_hi_done(&again);
    }
    hip_hi_done(&hi);
}

static void lists(struct span v)
{
    struct hip_ids8 a;
    struct hip_ids16 b;
    TRY(hip_get_dh_groups(v, &a));
    TRY(hip_get_hit_suites(v, &a));
    TRY(hip_get_ciphers(v, &b));
    TRY(hip_get_transports(v, &b));
    TRY(hip_get_esp_transform(v, &b));
    TRY(hip_get_nat_modes(v, &b));
}

static void registration(struct span v)
{
    struct hip_reg_info i;
    struct hip_reg_list l;
    struct hip_reg_fail f;
    TRY(hip_get_reg_info(v, &i));
    TRY(hip_get_reg_list(v, &l));
    TRY(hip_get_reg_failed(v, &f));
}

static void addresses(struct span v)
{
    static struct hip_locator_set s;
    struct addr a;
    struct hip_via via;
    struct hip_transport_addr t;
    struct hip_peer_permission p;
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build b;
    struct span out;
    TRY(hip_get_from(v, &a));
    TRY(hip_get_via_rvs(v, &via));
    TRY(hip_get_transport_addr(v, &t));
    TRY(hip_get_peer_permission(v, &p));
    if (hip_get_locator_set(v, &s) == ERR_OK) { /* what was read can be written */
        hip_build_inner(&b, buf, sizeof(buf));
        hip_put_locator_set(&b, &s);
        if (hip_build_inner_finish(&b, &out) != ERR_OK || out.n != hip_tlv_len(v.n))
            abort();
    }
}

static void numbers(struct span v)
{
    struct hip_r1_counter c;
    struct hip_puzzle p;
    struct hip_solution s;
    struct hip_acks a;
    struct hip_dh d;
    struct hip_esp_info e;
    struct hip_payload_mic m;
    uint32_t n;
    TRY(hip_get_r1_counter(v, &c));
    TRY(hip_get_puzzle(v, HASH_SHA256, &p));
    TRY(hip_get_solution(v, HASH_SHA384, &s));
    TRY(hip_get_seq(v, &n));
    TRY(hip_get_ack(v, &a));
    TRY(hip_get_dh(v, &d));
    TRY(hip_get_esp_info(v, &e));
    TRY(hip_get_payload_mic(v, HASH_SHA256, &m));
    TRY(hip_get_u32(v, &n));
}

static void opaque(struct span v)
{
    static const uint8_t key[32];
    struct hip_notification n;
    struct hip_cert c;
    struct hip_params in;
    uint8_t out[HIP_PACKET_MAX];
    struct span inner;
    TRY(hip_get_notification(v, &n));
    TRY(hip_get_cert(v, &c));
    if (hip_encrypted_open(v, 2, span_of(key, 16), out, sizeof(out), &inner) == ERR_OK)
        TRY(hip_inner_parse(inner, &in, NULL));
}

static void every_decoder(struct span v)
{
    host_id(v);
    lists(v);
    registration(v);
    addresses(v);
    numbers(v);
    opaque(v);
}

static void whole(struct span octets)
{
    static const uint8_t key[32];
    struct addr a = addr_v4(0xc0000201), b = addr_v4(0xc0000202);
    struct hip_pkt k;
    struct hip_build w;
    uint8_t buf[HIP_PACKET_MAX];
    struct span out;
    if (hip_pkt_parse(octets, &k) != HIP_TAKEN)
        return;
    TRY(hip_checksum_ok(&k, &a, &b));
    for (size_t i = 0; i < k.p.n; i++)
        every_decoder(k.p.par[i].v);
    if (hip_mac_check(&k, HIP_PAR_HIP_MAC, HASH_SHA256, span_of(key, 32)) == ERR_OK ||
        hip_mac_check(&k, HIP_PAR_RVS_HMAC, HASH_SHA384, span_of(key, 32)) == ERR_OK)
        sink++;
    const struct hip_par *host = hip_pkt_get(&k, HIP_PAR_HOST_ID);
    TRY(hip_mac2_check(&k, HASH_SHA256, span_of(key, 32), host ? hip_par_tlv(&k.p, host) : span_of(key, 0)));
    hip_build_resume(&w, buf, sizeof(buf), &k);
    hip_put_echo_responses(&w, &k.p, HIP_PAR_ECHO_REQUEST_UNSIGNED);
    hip_put_from(&w, &a);
    if (hip_build_finish(&w, &a, &b, &out) == ERR_OK) {
        struct hip_pkt again;
        int d = hip_pkt_parse(out, &again);
        if (d != HIP_TAKEN && d != HIP_DROP_PARAM_COUNT)
            abort();
        if (d == HIP_TAKEN && !hip_checksum_ok(&again, &a, &b))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct hip_params in;
    if (!ready && crypto_init() != ERR_OK)
        abort();
    ready = true;
    struct span s = span_of(data, size);
    whole(s);
    if (hip_inner_parse(s, &in, NULL) == HIP_TAKEN)
        for (size_t i = 0; i < in.n; i++)
            every_decoder(in.par[i].v);
    if (size <= 2048)
        every_decoder(s);
    return 0;
}
