/* SPDX-License-Identifier: Apache-2.0
 * Conversations of EAP-AKA and EAP-AKA', and the pieces they are made of. */
#include <stdlib.h>
#include <string.h>

#include "aka/akakeys.h"
#include "aka/attr.h"
#include "aka/sqn.h"
#include "aka/vector.h"
#include "cli/hipvec/vec.h"
#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"

static uint8_t method_of(struct vec_case *c)
{
    int64_t t = vec_int(c, "eap_type");
    if (vec_going(c) && t != EAP_TYPE_AKA && t != EAP_TYPE_AKA_PRIME)
        vec_malformed(c, "eap_type %lld", (long long)t);
    vec_same_text(c, "method", t == EAP_TYPE_AKA ? "EAP-AKA" : "EAP-AKA'");
    return (uint8_t)t;
}

/* What the packets of a conversation show, in order. */
struct seen {
    struct span identity;  /* last AT_IDENTITY, else Response/Identity */
    struct span rounds[8]; /* packets of Identity rounds: what AT_CHECKCODE covers */
    size_t n_rounds;
    struct span rand, autn, res, auts, checkcode, encr; /* the last of each */
    struct span first_rand, first_autn;
    uint16_t kdf; /* of the last challenge; 0: none */
};

static struct span decrypt(struct vec_case *c, struct span key, struct span iv, struct span data)
{
    uint8_t *out = vec_alloc(c, data.n);
    struct cipher *k = key.n == 16 && iv.n == 16 ? cipher_new(CIPHER_AES128_CBC, false, key) : NULL;
    err e = k ? cipher_blocks(k, iv.p, data, out) : ERR_MEMORY;
    cipher_free(k);
    return span_of(out, e == ERR_OK ? data.n : 0);
}

static bool checked_mac(struct vec_case *c, const struct aka_msg *m, struct span extra)
{
    struct aka_keys k = { 0 };
    struct span aut = vec_hex(c, "k_aut");
    if (!m->has[AKA_AT_MAC] || aut.n > sizeof(k.k_aut))
        return true;
    memcpy(k.k_aut, aut.p, aut.n);
    k.k_aut_len = (uint8_t)aut.n;
    return vec_step(c, "AT_MAC", aka_msg_check_mac(m, &k, extra));
}

static void note(struct vec_case *c, struct seen *s, const struct aka_msg *m)
{
    if (m->has[AKA_AT_RAND] && !s->first_rand.n) {
        s->first_rand = m->value[AKA_AT_RAND];
        s->first_autn = m->value[AKA_AT_AUTN];
    }
    if (m->has[AKA_AT_RAND]) {
        s->rand = m->value[AKA_AT_RAND];
        s->autn = m->value[AKA_AT_AUTN];
    }
    if (m->n_kdf)
        s->kdf = m->kdf[0];
    if (m->has[AKA_AT_RES])
        s->res = m->value[AKA_AT_RES];
    if (m->has[AKA_AT_AUTS])
        s->auts = m->value[AKA_AT_AUTS];
    if (m->has[AKA_AT_CHECKCODE])
        s->checkcode = m->value[AKA_AT_CHECKCODE];
    if (m->has[AKA_AT_IDENTITY])
        s->identity = m->value[AKA_AT_IDENTITY];
    if (m->has[AKA_AT_ENCR_DATA] && m->code == EAP_REQUEST)
        s->encr = decrypt(c, vec_hex_or_none(c, "k_encr"), m->value[AKA_AT_IV], m->value[AKA_AT_ENCR_DATA]);
    if (m->subtype == AKA_SUB_IDENTITY && s->n_rounds < 8)
        s->rounds[s->n_rounds++] = m->whole;
}

/* MACs hold only from the accepted challenge on: `from` is its RAND, or nothing for "all of them". */
static void walk(struct vec_case *c, struct seen *s, struct span from, struct span nonce_s)
{
    const json_t *list = vec_array(c, "packets");
    bool keyed = from.n == 0;
    for (size_t i = 0; i < json_array_size(list) && vec_going(c); i++) {
        const json_t *item = json_array_get(list, i);
        struct eap_pkt p;
        struct aka_msg m;
        struct span raw = vec_item(c, item, "packet");
        if (!vec_going(c) || eap_parse(raw, &p) != ERR_OK) {
            vec_malformed(c, "packet %zu is no EAP packet", i);
            return;
        }
        if (p.type == EAP_TYPE_IDENTITY && p.code == EAP_RESPONSE)
            s->identity = p.data;
        if (p.type != EAP_TYPE_AKA && p.type != EAP_TYPE_AKA_PRIME)
            continue;
        if (aka_msg_parse(&p, &m) != AKA_R_OK) {
            (void)vec_step(c, "packets", ERR_MALFORMED);
            return;
        }
        if (m.has[AKA_AT_RAND] && span_eq(m.value[AKA_AT_RAND], from))
            keyed = true;
        note(c, s, &m);
        /* NONCE_S goes into the MAC of the response to a re-authentication (RFC 4187 s9.8). */
        bool answers = m.subtype == AKA_SUB_REAUTH && m.code == EAP_RESPONSE;
        if (keyed)
            (void)checked_mac(c, &m, answers ? nonce_s : span_of(NULL, 0));
    }
}

static void checkcode(struct vec_case *c, const struct seen *s, uint8_t method)
{
    uint8_t d[HASH_LEN_MAX];
    enum hash_alg h = method == EAP_TYPE_AKA_PRIME ? HASH_SHA256 : HASH_SHA1;
    if (!vec_has(c, "checkcode") || !vec_going(c))
        return;
    if (s->n_rounds && vec_step(c, "checkcode", hash_spans(h, s->rounds, s->n_rounds, d)))
        vec_same(c, "checkcode", span_of(d, hash_len(h)));
    if (s->checkcode.n)
        vec_agree(c, "AT_CHECKCODE", vec_hex(c, "checkcode"), s->checkcode);
}

static void full(struct vec_case *c)
{
    struct seen s = { 0 };
    uint8_t method = method_of(c);
    vec_aka_vector(c);
    if (vec_going(c))
        vec_aka_keys(c, method == EAP_TYPE_AKA_PRIME);
    if (!vec_going(c))
        return;
    walk(c, &s, vec_hex(c, "rand"), span_of(NULL, 0));
    vec_same(c, "identity", s.identity);
    vec_same(c, "rand", s.rand);
    vec_same(c, "autn", s.autn);
    vec_same(c, "res", s.res);
    vec_same(c, "encr_plaintext", s.encr);
    vec_same_int(c, "kdf", s.kdf);
    checkcode(c, &s, method);
}

static void resync(struct vec_case *c)
{
    struct seen s = { 0 };
    struct aka_cred cred = { .alg = AKA_ALG_MILENAGE };
    uint8_t six[AKA_SQN_LEN];
    uint64_t sqn = 0;
    full(c);
    if (!vec_going(c))
        return;
    walk(c, &s, vec_hex(c, "rand"), span_of(NULL, 0));
    vec_same(c, "rejected_rand", s.first_rand);
    vec_same(c, "rejected_autn", s.first_autn);
    vec_same(c, "auts", s.auts);
    memcpy(cred.k, vec_hex_n(c, "k", 16).p, 16);
    memcpy(cred.opc, vec_hex_n(c, "opc", 16).p, 16);
    struct span rand = vec_hex_n(c, "rejected_rand", 16), token = vec_hex_n(c, "auts", AKA_AUTS_LEN);
    if (!vec_going(c) || !vec_step(c, "auts", aka_auts_open(&cred, rand.p, token.p, &sqn)))
        return;
    sqn_put(sqn, six);
    vec_same(c, "sqn_ms", span_of(six, sizeof(six)));
}

static void reject(struct vec_case *c)
{
    struct aka_cred cred = { .alg = AKA_ALG_MILENAGE };
    struct aka_vector v;
    struct seen s = { 0 };
    uint64_t sqn;
    struct span rand = vec_hex_n(c, "rand", 16), autn = vec_hex_n(c, "autn", 16);
    memcpy(cred.k, vec_hex_n(c, "k", 16).p, 16);
    memcpy(cred.opc, vec_hex_n(c, "opc", 16).p, 16);
    if (!vec_going(c))
        return;
    vec_verdict(c, aka_autn_open(&cred, rand.p, autn.p, &sqn, &v) == ERR_OK);
    walk(c, &s, span_of(rand.p, 1), span_of(NULL, 0)); /* no key to check a MAC with */
    vec_same(c, "rand", s.rand);
    vec_same(c, "autn", s.autn);
}

/* RFC 4187 s7: XKEY' = SHA-1(identity | counter | NONCE_S | MK); RFC 9048 s3.3: PRF'(K_re, "EAP-AKA' re-auth" | identity | counter | NONCE_S). */
static void reauth_keys(struct vec_case *c, uint8_t method, struct span nonce)
{
    struct span id = vec_hex(c, "identity"), counter = vec_hex_n(c, "counter", 2);
    uint8_t out[128], xkey[20];
    if (!vec_going(c))
        return;
    if (method == EAP_TYPE_AKA_PRIME) {
        struct span s = vec_join(c, (struct span[]){ span_str("EAP-AKA' re-auth"), id, counter, nonce }, 4);
        if (!vec_step(c, "msk", aka_prf_prime(vec_hex_n(c, "k_re", 32), s, out, sizeof(out))))
            return;
    } else {
        struct span in[4] = { id, counter, nonce, vec_hex_n(c, "mk", 20) };
        if (!vec_going(c) || !vec_step(c, "xkey", hash_spans(HASH_SHA1, in, 4, xkey)))
            return;
        vec_same(c, "xkey", span_of(xkey, 20));
        if (!vec_step(c, "msk", fips186_prf(xkey, out, sizeof(out))))
            return;
    }
    vec_same(c, "msk", span_of(out, 64));
    vec_same(c, "emsk", span_of(out + 64, 64));
}

static void reauth(struct vec_case *c)
{
    struct seen s = { 0 };
    struct aka_msg in;
    uint8_t method = method_of(c);
    struct span nonce = vec_hex_n(c, "nonce_s", 16);
    reauth_keys(c, method, nonce);
    if (!vec_going(c))
        return;
    walk(c, &s, span_of(NULL, 0), nonce);
    vec_same(c, "identity", s.identity);
    vec_same(c, "encr_plaintext", s.encr);
    if (!vec_going(c) || !vec_step(c, "encr_plaintext",
                                   aka_encr_parse(s.encr, method, &in) == AKA_R_OK ? ERR_OK : ERR_MALFORMED))
        return;
    uint8_t counter[2] = { (uint8_t)(in.u16[AKA_AT_COUNTER] >> 8), (uint8_t)in.u16[AKA_AT_COUNTER] };
    vec_same(c, "counter", span_of(counter, 2));
    vec_same(c, "nonce_s", in.value[AKA_AT_NONCE_S]);
}

/* AT_MAC = HMAC(K_aut, packet with the MAC as zeros | extra), 16 octets. Without mac_offset the MAC ends the packet. */
static void eap_mac(struct vec_case *c)
{
    struct span packet = vec_hex(c, "packet"), extra = vec_hex_or_none(c, "extra"), aut = vec_hex(c, "k_aut");
    enum hash_alg h = vec_hash(c, "digest");
    struct aka_keys k = { 0 };
    uint8_t mac[AKA_AT_MAC_LEN];
    if (!vec_going(c))
        return;
    size_t off = vec_has(c, "mac_offset") ? (size_t)vec_int(c, "mac_offset") : packet.n - 16;
    if (packet.n < 16 || off > packet.n - 16 || aut.n > sizeof(k.k_aut)) {
        vec_malformed(c, "mac_offset or k_aut out of range");
        return;
    }
    memcpy(k.k_aut, aut.p, aut.n);
    k.k_aut_len = (uint8_t)aut.n;
    uint8_t method = h == HASH_SHA1 ? EAP_TYPE_AKA : EAP_TYPE_AKA_PRIME;
    if (!vec_step(c, "at_mac", aka_mac(method, &k, packet, off, extra, mac)))
        return;
    vec_verdict(c, sec_equal(mac, packet.p + off, sizeof(mac)));
    if (c->valid)
        vec_same(c, "at_mac", span_of(mac, sizeof(mac)));
}

static void fips186(struct vec_case *c)
{
    struct span xkey = vec_hex_n(c, "xkey", 20), want = vec_hex(c, "output");
    uint8_t *out = vec_alloc(c, want.n);
    if (vec_going(c) && vec_step(c, "output", fips186_prf(xkey.p, out, want.n)))
        vec_same(c, "output", span_of(out, want.n));
}

static void encr_data(struct vec_case *c)
{
    struct span key = vec_hex_n(c, "k_encr", 16), iv = vec_hex_n(c, "iv", 16), in = vec_hex(c, "plaintext");
    if (!vec_going(c))
        return;
    uint8_t *out = vec_alloc(c, in.n);
    struct cipher *k = cipher_new(CIPHER_AES128_CBC, true, key);
    if (vec_step(c, "ciphertext", k ? cipher_blocks(k, iv.p, in, out) : ERR_MEMORY))
        vec_same(c, "ciphertext", span_of(out, in.n));
    cipher_free(k);
}

const struct vec_family family_eap[] = {
    { "EapAkaTest", full, "RFC 4187 s7, s10; RFC 9048 s3", NULL },
    { "EapAkaReauthTest", reauth, "RFC 4187 s5, s7; RFC 9048 s3.3", NULL },
    { "EapAkaResyncTest", resync, "RFC 4187 s6.3.1; 3GPP TS 33.102 s6.3.5", NULL },
    { "EapAkaRejectTest", reject, "RFC 4187 s6.3.1; 3GPP TS 33.102 s6.3.3", NULL, true },
    { "EapMacTest", eap_mac, "RFC 4187 s10.15, RFC 9048 s3.4.2", NULL, true },
    { "Fips186PrfTest", fips186, "RFC 4186 appendix B", NULL },
    { "EapEncrDataTest", encr_data, "RFC 4187 s10.12", NULL },
    { 0 },
};
