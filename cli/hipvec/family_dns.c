/* SPDX-License-Identifier: Apache-2.0
 * HIP resource records and TSIG. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/vec.h"
#include "dnsupd/hiprr.h"
#include "dnsupd/tsig.h"
#include "hip/hit.h"

#define RDATA_MAX 65535
#define TEXT_MAX  (4 * RDATA_MAX)

static bool record_of(struct vec_case *c, struct dnsu_hiprr *rr)
{
    const json_t *names = vec_array(c, "rvs");
    size_t n = json_array_size(names), at = 0;
    uint8_t *wire = vec_alloc(c, n * DNSU_NAME_MAX);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(names, i));
        struct dnsu_name name;
        if (!text || dnsu_name_from_text(text, &name) != ERR_OK) {
            vec_malformed(c, "rvs %zu is no name", i);
            return false;
        }
        memcpy(wire + at, name.wire, name.len);
        at += name.len;
    }
    *rr = (struct dnsu_hiprr){ .pk_alg = (uint8_t)vec_int(c, "pk_algorithm"),
                               .hit = vec_hex(c, "hit"),
                               .pk = vec_hex(c, "public_key"),
                               .rvs = span_of(wire, at),
                               .n_rvs = n };
    return vec_going(c);
}

/* The HIT that a host computes from the DNS form of a key (RFC 8005 s4.1): ECDSA and EdDSA keys get their curve label back. */
static void hit_of_key(struct vec_case *c, const struct dnsu_hiprr *rr)
{
    uint8_t label[4] = { 0, 1 };
    size_t label_len = 0;
    struct hit h;
    uint8_t suite = 1;
    if (!vec_has(c, "hit_matches_key") || !vec_going(c))
        return;
    if (rr->pk_alg == DNSU_PK_ECDSA) {
        label[1] = rr->pk.n == 64 ? 1 : 2;
        label_len = 2;
        suite = 2;
    } else if (rr->pk_alg == DNSU_PK_EDDSA) {
        label[1] = rr->pk.n == 32 ? 1 : 3;
        label_len = 4;
        suite = 5;
    }
    struct span field = vec_join(c, (struct span[]){ span_of(label, label_len), rr->pk }, 2);
    if (!vec_step(c, "hit", hit_derive(suite, field, &h)))
        return;
    bool match = span_eq(rr->hit, span_of(h.b, 16));
    if (match != vec_true(c, "hit_matches_key")) {
        if (match)
            (void)vec_step(c, "hit_matches_key", ERR_AUTH);
        else
            vec_agree(c, "hit", rr->hit, span_of(h.b, 16));
    }
    if (match)
        vec_same_int(c, "hit_suite", suite);
}

static void line_same(struct vec_case *c, const char *field, const char *type, const char *rdata)
{
    char *line = (char *)vec_alloc(c, TEXT_MAX + DNSU_NAME_TEXT_MAX);
    snprintf(line, TEXT_MAX + DNSU_NAME_TEXT_MAX, "%s IN %s %s", vec_text(c, "owner"), type, rdata);
    vec_same_text(c, field, line);
}

static void hip_rr(struct vec_case *c)
{
    struct dnsu_hiprr made, got;
    struct span want = vec_hex(c, "rdata");
    size_t len = 0;
    if (!vec_going(c) || !record_of(c, &made))
        return;
    uint8_t *buf = vec_alloc(c, RDATA_MAX);
    char *text = (char *)vec_alloc(c, TEXT_MAX);
    if (!vec_step(c, "rdata", dnsu_hiprr_encode(&made, buf, RDATA_MAX, &len)))
        return;
    vec_same(c, "rdata", span_of(buf, len));
    if (!vec_going(c) || !vec_step(c, "rdata", dnsu_hiprr_parse(want, &got)))
        return;
    vec_same_int(c, "pk_algorithm", got.pk_alg);
    vec_same(c, "hit", got.hit);
    vec_same(c, "public_key", got.pk);
    vec_agree(c, "rvs", made.rvs, got.rvs);
    if (vec_step(c, "presentation", dnsu_hiprr_print(&got, text, TEXT_MAX)))
        line_same(c, "presentation", "HIP", text);
    if (vec_step(c, "presentation", dnsu_hiprr_scan(text, buf, RDATA_MAX, &len)))
        vec_agree(c, "rdata of presentation", want, span_of(buf, len));
    if (vec_step(c, "rfc3597", dnsu_generic_print(want, text, TEXT_MAX)))
        line_same(c, "rfc3597", "TYPE55", text);
    hit_of_key(c, &made);
}

static void hip_rr_parse(struct vec_case *c)
{
    struct span rdata = vec_hex(c, "rdata");
    struct dnsu_hiprr rr;
    if (vec_going(c))
        vec_verdict(c, dnsu_hiprr_parse(rdata, &rr) == ERR_OK);
}

/* ---- TSIG ---- */

static bool key_of(struct vec_case *c, struct dnsu_tsig_key *k)
{
    const char *name = vec_text(c, "key_name"), *alg = vec_text(c, "algorithm");
    struct span secret = vec_hex(c, "key");
    if (!vec_going(c))
        return false;
    err e = dnsu_tsig_key_init(k, name, alg, secret);
    if (e == ERR_UNSUPPORTED)
        vec_skip(c, "TSIG algorithm %s", alg);
    else if (e != ERR_OK)
        vec_malformed(c, "key_name, algorithm or key: %s", err_text(e));
    else
        k->mac_min = 10; /* truncation is a verifier's policy (RFC 8945 s5.2.4): none here */
    return e == ERR_OK;
}

/* A truncated MAC in the vector is the beginning of the whole one. */
static void digest(struct vec_case *c, const struct dnsu_tsig_key *k)
{
    struct span req = vec_hex_or_none(c, "request_mac"), want = vec_hex(c, "mac");
    struct span other = vec_hex_or_none(c, "other"), m = vec_hex(c, "message_to_digest");
    struct dnsu_tsig f = { .time_signed = (uint64_t)vec_int(c, "time_signed"),
                           .fudge = (uint16_t)vec_int(c, "fudge"),
                           .error = (uint16_t)vec_int(c, "error"),
                           .other = other };
    struct dnsu_tsig_mac mac;
    if (!vec_going(c))
        return;
    if (dnsu_name_from_text(vec_text(c, "key_name"), &f.key) != ERR_OK ||
        dnsu_name_from_text(vec_text(c, "algorithm"), &f.alg) != ERR_OK) {
        vec_malformed(c, "key_name or algorithm is no name");
        return;
    }
    if (vec_step(c, "mac", dnsu_tsig_digest(k, req, m, &f, &mac)))
        vec_same(c, "mac", span_of(mac.v, want.n && want.n < mac.len ? want.n : mac.len));
}

/* The names that the vectors use: RFC 8945's error, or the RCODE. */
static const char *say(enum dnsu_tsig_verdict v)
{
    if (v == DNSU_TSIG_MISSING || v == DNSU_TSIG_FORMERR)
        return "FORMERR";
    return v == DNSU_TSIG_GOOD ? "" : dnsu_tsig_verdict_name(v);
}

static void tsig_verify(struct vec_case *c)
{
    struct dnsu_tsig_key k;
    struct dnsu_tsig got;
    if (!key_of(c, &k))
        return;
    struct span m = vec_hex(c, "message"), req = vec_hex_or_none(c, "request_mac");
    enum dnsu_tsig_verdict v = dnsu_tsig_verify(&k, m, req, (uint64_t)vec_int(c, "now"), &got);
    vec_verdict(c, v == DNSU_TSIG_GOOD);
    vec_same_text(c, "expect", say(v));
    if (v == DNSU_TSIG_GOOD && vec_going(c)) {
        vec_same(c, "mac", got.mac);
        vec_same(c, "other", got.other);
        vec_same_int(c, "time_signed", (int64_t)got.time_signed);
        vec_same_int(c, "fudge", got.fudge);
        vec_same_int(c, "original_id", got.original_id);
        vec_same_int(c, "error", got.error);
        digest(c, &k);
    }
    dnsu_tsig_key_done(&k);
}

static void tsig_mac(struct vec_case *c)
{
    struct dnsu_tsig_key k;
    if (!key_of(c, &k))
        return;
    digest(c, &k);
    dnsu_tsig_key_done(&k);
}

const struct vec_family family_dns[] = {
    { "HipRrTest", hip_rr, "RFC 8005 s5, s6; RFC 3597 s5", NULL },
    { "HipRrParseTest", hip_rr_parse, "RFC 8005 s5", NULL, true },
    { "TsigVerifyTest", tsig_verify, "RFC 8945 s4.3, s5.2", NULL, true },
    { "TsigMacTest", tsig_mac, "RFC 8945 s4.3", NULL },
    { 0 },
};
