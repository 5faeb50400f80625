/* SPDX-License-Identifier: Apache-2.0
 * Milenage and TUAK, the tokens made from Milenage, and the key derivation of EAP-AKA'. */
#include <stdlib.h>
#include <string.h>

#include "aka/akakeys.h"
#include "aka/milenage.h"
#include "aka/sqn.h"
#include "aka/tuak.h"
#include "aka/vector.h"
#include "cli/hipvec/vec.h"

static bool cred_of(struct vec_case *c, struct aka_cred *cred)
{
    *cred = (struct aka_cred){ .alg = AKA_ALG_MILENAGE };
    memcpy(cred->k, vec_hex_n(c, "k", AKA_K_LEN).p, AKA_K_LEN);
    memcpy(cred->opc, vec_hex_n(c, "opc", AKA_OPC_LEN).p, AKA_OPC_LEN);
    return vec_going(c);
}

static void milenage(struct vec_case *c)
{
    struct milenage_out o;
    struct span k = vec_hex_n(c, "k", 16), rand = vec_hex_n(c, "rand", 16), sqn = vec_hex_n(c, "sqn", 6),
                amf = vec_hex_n(c, "amf", 2);
    uint8_t opc[16];
    if (vec_going(c) && vec_has(c, "op")) {
        if (vec_step(c, "opc", milenage_opc(k.p, vec_hex_n(c, "op", 16).p, opc)))
            vec_same(c, "opc", span_of(opc, 16));
    } else {
        memcpy(opc, vec_hex_n(c, "opc", 16).p, 16);
    }
    if (!vec_going(c) || !vec_step(c, "f1", milenage_run(k.p, opc, rand.p, sqn.p, amf.p, &o)))
        return;
    vec_same(c, "f1", span_of(o.mac_a, sizeof(o.mac_a)));
    vec_same(c, "f1star", span_of(o.mac_s, sizeof(o.mac_s)));
    vec_same(c, "f2", span_of(o.res, sizeof(o.res)));
    vec_same(c, "f3", span_of(o.ck, sizeof(o.ck)));
    vec_same(c, "f4", span_of(o.ik, sizeof(o.ik)));
    vec_same(c, "f5", span_of(o.ak, sizeof(o.ak)));
    vec_same(c, "f5star", span_of(o.ak_star, sizeof(o.ak_star)));
    if (vec_has(c, "sres") || vec_has(c, "kc")) {
        uint8_t sres[AKA_SRES_LEN], kc[AKA_KC_LEN];
        struct aka_cred cred = { .alg = AKA_ALG_MILENAGE };
        memcpy(cred.k, k.p, AKA_K_LEN);
        memcpy(cred.opc, opc, sizeof(opc));
        if (vec_step(c, "sres", aka_gsm(&cred, rand.p, sres, kc))) {
            vec_same(c, "sres", span_of(sres, sizeof(sres)));
            vec_same(c, "kc", span_of(kc, sizeof(kc)));
        }
    }
}

static void same_sqn(struct vec_case *c, const char *name, uint64_t sqn)
{
    uint8_t six[AKA_SQN_LEN];
    sqn_put(sqn, six);
    vec_same(c, name, span_of(six, sizeof(six)));
}

/* AUTN opened as a card does, and made again as an AuC does. */
static void open_and_make(struct vec_case *c, const struct aka_cred *cred)
{
    struct aka_vector v = { 0 }, made;
    struct span rand = vec_hex_n(c, "rand", 16), autn = vec_hex_n(c, "autn", 16);
    uint64_t sqn = 0;
    if (!vec_going(c))
        return;
    err e = aka_autn_open(cred, rand.p, autn.p, &sqn, &v);
    vec_verdict(c, e == ERR_OK);
    if (e != ERR_OK || !vec_going(c))
        return;
    same_sqn(c, "sqn", sqn);
    vec_same(c, "amf", span_of(autn.p + 6, 2));
    vec_same(c, "res", span_of(v.res, v.res_len));
    vec_same(c, "ck", span_of(v.ck, sizeof(v.ck)));
    vec_same(c, "ik", span_of(v.ik, sizeof(v.ik)));
    if (vec_step(c, "autn", aka_vector_make(cred, sqn, autn.p + 6, rand.p, &made)))
        vec_same(c, "autn", span_of(made.autn, sizeof(made.autn)));
}

static void autn(struct vec_case *c)
{
    struct aka_cred cred;
    if (cred_of(c, &cred))
        open_and_make(c, &cred);
}

static void auts(struct vec_case *c)
{
    struct aka_cred cred;
    uint8_t made[AKA_AUTS_LEN];
    uint64_t sqn = 0;
    bool ok = cred_of(c, &cred);
    struct span rand = vec_hex_n(c, "rand", 16), token = vec_hex_n(c, "auts", AKA_AUTS_LEN);
    if (!ok || !vec_going(c))
        return;
    err e = aka_auts_open(&cred, rand.p, token.p, &sqn);
    vec_verdict(c, e == ERR_OK);
    if (e != ERR_OK || !vec_going(c))
        return;
    same_sqn(c, "sqn", sqn);
    if (vec_step(c, "auts", aka_auts_make(&cred, rand.p, sqn, made)))
        vec_same(c, "auts", span_of(made, sizeof(made)));
}

/* MK is not an output of AKA'; K_re is not one of AKA. */
void vec_aka_keys(struct vec_case *c, bool prime)
{
    uint8_t ckp[AKA_CK_LEN], ikp[AKA_IK_LEN];
    struct aka_keys k = { 0 };
    struct span ck = vec_hex_n(c, "ck", 16), ik = vec_hex_n(c, "ik", 16), id = vec_hex(c, "identity");
    if (!vec_going(c))
        return;
    if (prime) {
        struct span name = vec_hex(c, "network_name"), autn_v = vec_hex_n(c, "autn", 16);
        if (!vec_going(c) || !vec_step(c, "ck_prime", aka_prime_ck_ik(ck.p, ik.p, name, autn_v.p, ckp, ikp)))
            return;
        vec_same(c, "ck_prime", span_of(ckp, 16));
        vec_same(c, "ik_prime", span_of(ikp, 16));
        if (!vec_step(c, "k_encr", aka_keys_prime(ckp, ikp, id, &k)))
            return;
        vec_same(c, "k_re", span_of(k.k_re, sizeof(k.k_re)));
    } else {
        if (!vec_step(c, "mk", aka_keys_plain(ck.p, ik.p, id, &k)))
            return;
        vec_same(c, "mk", span_of(k.mk, sizeof(k.mk)));
    }
    vec_same(c, "k_encr", span_of(k.k_encr, sizeof(k.k_encr)));
    vec_same(c, "k_aut", span_of(k.k_aut, k.k_aut_len));
    vec_same(c, "msk", span_of(k.msk, sizeof(k.msk)));
    vec_same(c, "emsk", span_of(k.emsk, sizeof(k.emsk)));
}

/* Where K is given the vector is made from it as well. */
void vec_aka_vector(struct vec_case *c)
{
    struct aka_cred cred;
    if (vec_has(c, "k") && cred_of(c, &cred))
        open_and_make(c, &cred);
}

static uint8_t small(struct vec_case *c, const char *name)
{
    int64_t v = vec_int(c, name);
    if (v < 0 || v > 255)
        vec_malformed(c, "%s is %lld", name, (long long)v);
    return (uint8_t)v;
}

static void tuak_outputs(struct vec_case *c, const struct tuak_shape *s, const uint8_t *k,
                         const uint8_t *topc)
{
    struct span rand = vec_hex_n(c, "rand", 16), sqn = vec_hex_n(c, "sqn", 6), amf = vec_hex_n(c, "amf", 2);
    struct tuak_out o;
    if (!vec_going(c) || !vec_step(c, "f1", tuak_run(s, k, topc, rand.p, sqn.p, amf.p, &o)))
        return;
    vec_same(c, "f1", span_of(o.mac_a, s->mac_len));
    vec_same(c, "f1star", span_of(o.mac_s, s->mac_len));
    vec_same(c, "f2", span_of(o.res, s->res_len));
    vec_same(c, "f3", span_of(o.ck, s->ck_len));
    vec_same(c, "f4", span_of(o.ik, s->ik_len));
    vec_same(c, "f5", span_of(o.ak, sizeof(o.ak)));
    vec_same(c, "f5star", span_of(o.ak_star, sizeof(o.ak_star)));
}

static void tuak(struct vec_case *c)
{
    struct span k = vec_hex(c, "k");
    struct tuak_shape s = { .k_len = k.n <= TUAK_KEY_MAX ? (uint8_t)k.n : 0,
                            .mac_len = small(c, "macLen"),
                            .res_len = small(c, "resLen"),
                            .ck_len = small(c, "ckLen"),
                            .ik_len = small(c, "ikLen"),
                            .iterations = small(c, "keccakIterations") };
    uint8_t topc[TUAK_TOP_LEN];
    if (vec_going(c) && vec_has(c, "top")) {
        if (vec_step(c, "topc", tuak_topc(&s, k.p, vec_hex_n(c, "top", TUAK_TOP_LEN).p, topc)))
            vec_same(c, "topc", span_of(topc, TUAK_TOP_LEN));
    } else {
        memcpy(topc, vec_hex_n(c, "topc", TUAK_TOP_LEN).p, TUAK_TOP_LEN);
    }
    if (vec_going(c))
        tuak_outputs(c, &s, k.p, topc);
}

static void aka_prime(struct vec_case *c)
{
    vec_aka_vector(c);
    if (vec_going(c))
        vec_aka_keys(c, true);
}

const struct vec_family family_aka[] = {
    { "MilenageTest", milenage, "3GPP TS 35.206 s4.1", NULL },
    { "MilenageAutnTest", autn, "3GPP TS 33.102 s6.3.2, s6.3.3", NULL, true },
    { "MilenageAutsTest", auts, "3GPP TS 33.102 s6.3.3, s6.3.5", NULL, true },
    { "TuakTest", tuak, "3GPP TS 35.231 s6", NULL },
    { "EapAkaPrimeTest", aka_prime, "RFC 9048 s3.3, s3.4; 3GPP TS 33.402 annex A.2", NULL },
    { 0 },
};
