/* SPDX-License-Identifier: Apache-2.0
 * hip/auth.c and hip/encrypted.c: what is covered breaks when it changes, what is not covered does not. */
#include "common/crypto/cipher.h"
#include "hip/auth.h"
#include "hip/encrypted.h"
#include "hip/param_core.h"
#include "hip/suite.h"
#include "vec.h"

static const uint8_t key[32] = { [0] = 1, 2, 3, [31] = 9 };
static struct hip_hi rsa, p256, p384;

static int setup(void **s)
{
    if (crypto_init() != ERR_OK || hip_hi_generate(SIG_RSA, 2048, &rsa) != ERR_OK ||
        hip_hi_generate(SIG_ECDSA_P256, 0, &p256) != ERR_OK ||
        hip_hi_generate(SIG_ECDSA_P384, 0, &p384) != ERR_OK)
        return -1;
    return 0;
}

static int teardown(void **s)
{
    hip_hi_done(&rsa);
    hip_hi_done(&p256);
    hip_hi_done(&p384);
    return 0;
}

static struct span key_span(void)
{
    return span_of(key, sizeof(key));
}

static struct span close_packet(struct hip_build *b, uint8_t *buf, const struct hip_hi *from,
                                const struct hip_hi *to)
{
    struct span out;
    hip_build_init(b, buf, HIP_PACKET_MAX, HIP_PKT_CLOSE, &from->hit, &to->hit, 0);
    hip_build_param(b, HIP_PAR_ECHO_REQUEST_SIGNED, span_str("nonce"));
    hip_mac_add(b, HIP_PAR_HIP_MAC, from->rhash, key_span());
    hip_sign_add(b, HIP_PAR_HIP_SIGNATURE, from);
    hip_build_param(b, HIP_PAR_ECHO_REQUEST_UNSIGNED, span_str("by a middlebox"));
    assert_int_equal(hip_build_finish(b, NULL, NULL, &out), ERR_OK);
    return out;
}

/* Flip every octet in turn: MAC and signature hold exactly while it is one they do not cover. */
static void flip_all(const struct hip_hi *from, const struct hip_hi *to)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build b;
    struct hip_pkt k;
    struct span out = close_packet(&b, buf, from, to);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    size_t mac_off = hip_pkt_get(&k, HIP_PAR_HIP_MAC)->off;
    size_t sig_off = hip_pkt_get(&k, HIP_PAR_HIP_SIGNATURE)->off;
    size_t mac_len = hip_pkt_span(&k, HIP_PAR_HIP_MAC).n;
    for (size_t i = 0; i < out.n; i++) {
        uint8_t flip = i == 1 ? 0 : 1; /* Header Length: every parameter would shift */
        bool in_tlv_head =
            (i >= 40 && i < 44) || (i >= mac_off && i < mac_off + 4) || (i >= sig_off && i < sig_off + 4);
        if (!flip || in_tlv_head)
            continue;
        buf[i] ^= flip;
        struct hip_pkt m = k;
        bool counts = i != 4 && i != 5;
        err mac = hip_mac_check(&m, HIP_PAR_HIP_MAC, from->rhash, key_span());
        err sig = hip_sign_check(&m, HIP_PAR_HIP_SIGNATURE, from);
        bool in_mac = (counts && i < mac_off) || (i >= mac_off + 4 && i < mac_off + 4 + mac_len);
        assert_int_equal(mac, in_mac ? ERR_AUTH : ERR_OK);
        if (counts && i < sig_off + 4 + hip_pkt_span(&k, HIP_PAR_HIP_SIGNATURE).n)
            assert_int_equal(sig, ERR_AUTH);
        else
            assert_int_equal(sig, ERR_OK);
        buf[i] ^= flip;
    }
    assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE, to), ERR_AUTH);
    assert_int_equal(hip_mac_check(&k, HIP_PAR_HIP_MAC, from->rhash, span_of(key, 31)), ERR_AUTH);
    assert_int_equal(hip_mac_check(&k, HIP_PAR_HIP_MAC,
                                   from->rhash == HASH_SHA256 ? HASH_SHA384 : HASH_SHA256, key_span()),
                     ERR_AUTH);
    assert_int_equal(hip_mac_check(&k, HIP_PAR_RVS_HMAC, from->rhash, key_span()), ERR_NOT_FOUND);
    assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE_2, from), ERR_NOT_FOUND);
}

static void test_flip_p256(void **s)
{
    flip_all(&p256, &rsa);
}

static void test_flip_p384(void **s)
{
    flip_all(&p384, &p256);
}

static void test_flip_rsa(void **s)
{
    flip_all(&rsa, &p256);
}

static struct span r1_packet(uint8_t *buf)
{
    struct hip_build b;
    struct span out;
    uint8_t i[32] = { 5 };
    struct hip_puzzle z = { .k = 10, .lifetime = 37, .opaque = 0x1234, .i = span_of(i, 32) };
    struct hip_host_id h = { .hi = span_of(rsa.wire, rsa.wire_len) };
    struct hip_dh dh = { .group = 7, .pub = span_of(key, 32) };
    struct hip_ids16 two = { .n = 1, .id = { 2 } }, esp = { .n = 1, .id = { 4095 } };
    struct hip_ids8 g = { .n = 1, .id = { 7 } };
    hip_build_init(&b, buf, HIP_PACKET_MAX, HIP_PKT_R1, &rsa.hit, &p256.hit, 0);
    hip_put_puzzle(&b, &z);
    hip_put_dh_groups(&b, &g);
    hip_put_dh(&b, &dh);
    hip_put_ciphers(&b, &two);
    hip_put_host_id(&b, &h);
    hip_put_hit_suites(&b, &g);
    hip_put_transports(&b, &esp);
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE_2, &rsa);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    return out;
}

/* s5.2.15: receiver's HIT, Opaque and #I may be set after signing; K, Lifetime and everything else may not. */
static void test_signature_2(void **s)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_pkt k;
    struct span out = r1_packet(buf);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE_2, &rsa), ERR_OK);
    assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE_2, &p256), ERR_AUTH);
    size_t puzzle = hip_pkt_get(&k, HIP_PAR_PUZZLE)->off;
    size_t end = hip_pkt_get(&k, HIP_PAR_HIP_SIGNATURE_2)->off;
    for (size_t i = 0; i < end; i++) {
        bool may = (i >= 24 && i < 40) || i == 4 || i == 5 || (i >= puzzle + 6 && i < puzzle + 40);
        if (i == 1 || (i >= 40 && i < 44)) /* lengths and types: another packet */
            continue;
        if (i >= 44 && !may && (i & 7) != 5) /* a sample of the rest: RSA takes its time */
            continue;
        buf[i] ^= 0x40;
        assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE_2, &rsa), may ? ERR_OK : ERR_AUTH);
        buf[i] ^= 0x40;
    }
    buf[puzzle + 4] ^= 1; /* K */
    assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE_2, &rsa), ERR_AUTH);
}

static void test_mac_2(void **s)
{
    uint8_t buf[HIP_PACKET_MAX], r1buf[HIP_PACKET_MAX], other[HIP_PACKET_MAX];
    struct hip_build b;
    struct hip_pkt r1, k;
    struct span out;
    assert_int_equal(hip_pkt_parse(r1_packet(r1buf), &r1), HIP_TAKEN);
    struct span tlv = hip_par_tlv(&r1.p, hip_pkt_get(&r1, HIP_PAR_HOST_ID));
    assert_int_equal(tlv.n % 8, 0);
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_R2, &rsa.hit, &p256.hit, 0);
    hip_mac2_add(&b, HASH_SHA256, key_span(), tlv);
    hip_sign_add(&b, HIP_PAR_HIP_SIGNATURE, &rsa);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    assert_int_equal(hip_mac2_check(&k, HASH_SHA256, key_span(), tlv), ERR_OK);
    assert_int_equal(hip_sign_check(&k, HIP_PAR_HIP_SIGNATURE, &rsa), ERR_OK);
    memcpy(other, tlv.p, tlv.n);
    other[tlv.n - 1] ^= 1; /* even its padding counts: byte for byte as in R1 */
    assert_int_equal(hip_mac2_check(&k, HASH_SHA256, key_span(), span_of(other, tlv.n)), ERR_AUTH);
    assert_int_equal(hip_mac2_check(&k, HASH_SHA256, key_span(), span_of(NULL, 0)), ERR_AUTH);

    /* By hand, from the text of s6.4.1. */
    uint8_t msg[HIP_PACKET_MAX], mac[32];
    memcpy(msg, out.p, 40);
    memcpy(msg + 40, tlv.p, tlv.n);
    msg[1] = (uint8_t)((40 + tlv.n) / 8 - 1);
    msg[4] = msg[5] = 0;
    assert_int_equal(hmac_once(HASH_SHA256, key_span(), span_of(msg, 40 + tlv.n), mac), ERR_OK);
    assert_memory_equal(mac, hip_pkt_span(&k, HIP_PAR_HIP_MAC_2).p, 32);
}

/* RFC 8004 s4.2.1: RVS_HMAC covers FROM; a wrong one is told from a missing one. */
static void test_rvs_hmac(void **s)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build b;
    struct hip_pkt k;
    struct span out;
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I1, &rsa.hit, &p256.hit, 0);
    hip_build_param(&b, HIP_PAR_DH_GROUP_LIST, span_str("\x07"));
    hip_build_param(&b, HIP_PAR_FROM, span_of(rsa.hit.b, 16));
    hip_mac_add(&b, HIP_PAR_RVS_HMAC, HASH_SHA384, key_span());
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    assert_int_equal(hip_pkt_parse(out, &k), HIP_TAKEN);
    assert_int_equal(hip_mac_check(&k, HIP_PAR_RVS_HMAC, HASH_SHA384, key_span()), ERR_OK);
    buf[hip_pkt_get(&k, HIP_PAR_FROM)->off + 19] ^= 1;
    assert_int_equal(hip_mac_check(&k, HIP_PAR_RVS_HMAC, HASH_SHA384, key_span()), ERR_AUTH);
    buf[hip_pkt_get(&k, HIP_PAR_FROM)->off + 19] ^= 1;
    buf[hip_pkt_get(&k, HIP_PAR_RVS_HMAC)->off + 4] ^= 1;
    assert_int_equal(hip_mac_check(&k, HIP_PAR_RVS_HMAC, HASH_SHA384, key_span()), ERR_AUTH);
    assert_int_equal(hip_mac_check(&k, HIP_PAR_RELAY_HMAC, HASH_SHA384, key_span()), ERR_NOT_FOUND);
}

static void seal_open(uint16_t cipher, size_t key_len, size_t inner_len)
{
    uint8_t buf[HIP_PACKET_MAX], inner[512], out[HIP_PACKET_MAX], seed = 1;
    struct env env = { .ctx = &seed, .random = counting_random };
    struct hip_build b, in;
    struct span tlvs, packet, got;
    uint8_t body[512];
    memset(body, 0x5a, sizeof(body));
    hip_build_inner(&in, inner, sizeof(inner));
    hip_build_param(&in, HIP_PAR_EAP_PAYLOAD, span_of(body, inner_len));
    assert_int_equal(hip_build_inner_finish(&in, &tlvs), ERR_OK);
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I2, &rsa.hit, &p256.hit, 0);
    hip_encrypted_add(&b, cipher, span_of(key, key_len), &env, tlvs);
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &packet), ERR_OK);
    size_t len = (size_t)(packet.p[42] << 8 | packet.p[43]);
    assert_int_equal(len, 4 + 16 + tlvs.n + 16 - tlvs.n % 16); /* a whole block when aligned */
    struct span v = span_of(packet.p + 44, len);
    assert_int_equal(hip_encrypted_open(v, cipher, span_of(key, key_len), out, sizeof(out), &got), ERR_OK);
    assert_true(span_eq(got, tlvs));
    assert_int_equal(hip_encrypted_open(v, cipher, span_of(key, key_len - 1), out, sizeof(out), &got),
                     ERR_RANGE);
    assert_int_equal(hip_encrypted_open(v, cipher, span_of(key, key_len), out, len - 21, &got), ERR_SPACE);
    assert_int_equal(
        hip_encrypted_open(span_of(v.p, len - 1), cipher, span_of(key, key_len), out, sizeof(out), &got),
        ERR_MALFORMED);
    assert_int_equal(
        hip_encrypted_open(span_of(v.p, 20), cipher, span_of(key, key_len), out, sizeof(out), &got),
        ERR_MALFORMED);
    assert_int_equal(hip_encrypted_open(v, 3, span_of(key, 0), out, sizeof(out), &got), ERR_UNSUPPORTED);
}

static void test_encrypted(void **s)
{
    for (size_t n = 0; n < 70; n += 3) {
        seal_open(2, 16, n);
        seal_open(4, 32, n);
    }
    uint8_t buf[HIP_PACKET_MAX];
    struct hip_build b;
    struct span out;
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I2, &rsa.hit, &p256.hit, 0);
    hip_encrypted_add(&b, 3, span_of(key, 0), NULL, span_of(key, 8)); /* reserved */
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_UNSUPPORTED);
}

/* NULL-ENCRYPT: Reserved and the TLVs as they are, no IV, no padding (RFC 7401 s5.2.18). */
static void test_null_encrypt(void **s)
{
    uint8_t buf[HIP_PACKET_MAX], plain[64];
    struct hip_build b;
    struct span out, got;
    hip_build_init(&b, buf, sizeof(buf), HIP_PKT_I2, &rsa.hit, &p256.hit, 0);
    hip_encrypted_add(&b, HIP_CIPHER_NULL, span_of(key, 0), NULL, span_of(key, 24));
    assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
    assert_int_equal(out.n, 40 + 4 + 4 + 24);
    assert_int_equal(buf[42] << 8 | buf[43], 4 + 24);
    assert_memory_equal(buf + 44, "\0\0\0\0", 4);
    assert_memory_equal(buf + 48, key, 24);
    struct span v = span_of(buf + 44, 28);
    assert_int_equal(hip_encrypted_open(v, HIP_CIPHER_NULL, span_of(key, 0), plain, sizeof plain, &got),
                     ERR_OK);
    assert_true(span_eq(got, span_of(key, 24)));
    assert_int_equal(hip_encrypted_open(v, HIP_CIPHER_NULL, span_of(key, 16), plain, sizeof plain, &got),
                     ERR_RANGE);
    assert_int_equal(hip_encrypted_open(v, HIP_CIPHER_NULL, span_of(key, 0), plain, 23, &got), ERR_SPACE);
    assert_int_equal(
        hip_encrypted_open(span_sub(v, 0, 4), HIP_CIPHER_NULL, span_of(key, 0), plain, sizeof plain, &got),
        ERR_MALFORMED);
}

/* s5.2.18: Reserved is zero, and each packet has an IV of its own out of the source of randomness. */
static void test_encrypted_iv(void **s)
{
    uint8_t buf[2][HIP_PACKET_MAX], seed = 1;
    struct env env = { .ctx = &seed, .random = counting_random };
    struct span out;
    for (size_t i = 0; i < 2; i++) {
        struct hip_build b;
        hip_build_init(&b, buf[i], sizeof(buf[i]), HIP_PKT_I2, &rsa.hit, &p256.hit, 0);
        hip_encrypted_add(&b, 2, span_of(key, 16), &env, span_of(key, 8));
        assert_int_equal(hip_build_finish(&b, NULL, NULL, &out), ERR_OK);
        assert_memory_equal(buf[i] + 44, "\0\0\0\0", 4);
    }
    assert_memory_not_equal(buf[0] + 48, buf[1] + 48, 16);
    assert_memory_not_equal(buf[0] + 64, buf[1] + 64, 16);
}

/* A sender that leaves the padding out when the TLVs end on a block (s5.2.18 can be read so). */
static void test_unpadded(void **s)
{
    uint8_t v[4 + 16 + 32] = { 0 }, out[64];
    struct span got;
    struct octets in = unhex("80200008010000000200000400000000"
                             "8026000800000000"
                             "0000000000000000");
    struct cipher *c = cipher_new(CIPHER_AES128_CBC, true, span_of(key, 16));
    memset(v + 4, 9, 16);
    assert_int_equal(cipher_blocks(c, v + 4, sp(&in), v + 20), ERR_OK);
    cipher_free(c);
    assert_int_equal(hip_encrypted_open(span_of(v, sizeof(v)), 2, span_of(key, 16), out, sizeof(out), &got),
                     ERR_OK);
    assert_true(span_eq(got, sp(&in)));
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(test_flip_p256),    cmocka_unit_test(test_flip_p384),
        cmocka_unit_test(test_flip_rsa),     cmocka_unit_test(test_signature_2),
        cmocka_unit_test(test_mac_2),        cmocka_unit_test(test_rvs_hmac),
        cmocka_unit_test(test_encrypted),    cmocka_unit_test(test_unpadded),
        cmocka_unit_test(test_encrypted_iv), cmocka_unit_test(test_null_encrypt),
    };
    return cmocka_run_group_tests(t, setup, teardown);
}
