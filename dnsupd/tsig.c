/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/tsig.h"

#include <string.h>

#include "common/crypto/b64.h"
#include "common/crypto/secret.h"

static const struct {
    const char *name;
    enum hash_alg alg;
} algs[] = {
    { "hmac-sha256", HASH_SHA256 },
    { "hmac-sha512", HASH_SHA512 },
    { "hmac-sha384", HASH_SHA384 },
    { "hmac-sha1", HASH_SHA1 },
};

static const char *const verdicts[] = { "good",     "missing", "format error", "BADKEY",
                                        "unsigned", "BADSIG",  "BADTIME",      "BADTRUNC" };

const char *dnsu_tsig_verdict_name(enum dnsu_tsig_verdict v)
{
    return (unsigned)v < sizeof verdicts / sizeof *verdicts ? verdicts[v] : "?";
}

/* The algorithm's name in canonical wire form. */
static err alg_name(enum hash_alg a, struct dnsu_name *out)
{
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        if (algs[i].alg == a)
            return dnsu_name_from_text(algs[i].name, out);
    return ERR_UNSUPPORTED;
}

err dnsu_tsig_key_init(struct dnsu_tsig_key *k, const char *name, const char *alg, struct span secret)
{
    struct dnsu_tsig_key n = { 0 };
    struct dnsu_name want, have;
    if (dnsu_name_from_text(name, &n.name) != ERR_OK || dnsu_name_from_text(alg, &want) != ERR_OK ||
        secret.n == 0)
        return ERR_MALFORMED;
    dnsu_name_lower(&n.name);
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        if (alg_name(algs[i].alg, &have) == ERR_OK && dnsu_name_eq(&want, &have))
            n.alg = algs[i].alg;
    if (n.alg == HASH_NONE)
        return ERR_UNSUPPORTED;
    n.secret = sec_alloc(secret.n);
    if (!n.secret)
        return ERR_MEMORY;
    memcpy(n.secret, secret.p, secret.n);
    n.secret_len = secret.n;
    *k = n;
    return ERR_OK;
}

err dnsu_tsig_key_init_b64(struct dnsu_tsig_key *k, const char *name, const char *alg, const char *secret_b64)
{
    size_t len = strlen(secret_b64), n;
    uint8_t *buf = sec_alloc(len + 1);
    if (!buf)
        return ERR_MEMORY;
    err e = b64_decode(secret_b64, len, buf, len + 1, &n);
    if (e == ERR_OK)
        e = dnsu_tsig_key_init(k, name, alg, span_of(buf, n));
    sec_free(buf);
    return e;
}

void dnsu_tsig_key_done(struct dnsu_tsig_key *k)
{
    sec_free(k->secret);
    *k = (struct dnsu_tsig_key){ 0 };
}

/* The message in two parts: its header may have to be put back to what the signer had. */
static err digest(const struct dnsu_tsig_key *k, struct span request_mac, struct span head, struct span body,
                  const struct dnsu_tsig *t, struct dnsu_tsig_mac *out)
{
    uint8_t pre[2], vars[2 * DNSU_NAME_MAX + 2 + 4 + 6 + 2 + 2 + 2];
    struct dnsu_name key = t->key, alg = t->alg;
    dnsu_name_lower(&key);
    dnsu_name_lower(&alg);
    if (request_mac.n > HASH_LEN_MAX || t->other.n > UINT16_MAX)
        return ERR_RANGE;
    struct wcur p = wcur_of(pre, sizeof pre);
    wcur_u16(&p, (uint16_t)request_mac.n);
    struct wcur w = wcur_of(vars, sizeof vars); /* TSIG variables (s4.3.3) */
    wcur_span(&w, dnsu_name_span(&key));
    wcur_u16(&w, DNSU_CLASS_ANY);
    wcur_u32(&w, 0);
    wcur_span(&w, dnsu_name_span(&alg));
    wcur_u48(&w, t->time_signed);
    wcur_u16(&w, t->fudge);
    wcur_u16(&w, t->error);
    wcur_u16(&w, (uint16_t)t->other.n);
    if (!wcur_ok(&w))
        return ERR_SPACE;
    struct span in[6] = {
        span_of(pre, request_mac.n ? sizeof pre : 0), request_mac, head, body, wcur_done(&w), t->other
    };
    err e = hmac_spans(k->alg, span_of(k->secret, k->secret_len), in, 6, out->v);
    out->len = e == ERR_OK ? (uint8_t)hash_len(k->alg) : 0;
    return e;
}

err dnsu_tsig_digest(const struct dnsu_tsig_key *k, struct span request_mac, struct span message,
                     const struct dnsu_tsig *t, struct dnsu_tsig_mac *out)
{
    return digest(k, request_mac, message, (struct span){ 0 }, t, out);
}

err dnsu_tsig_sign(const struct dnsu_tsig_key *k, uint8_t *buf, size_t cap, size_t *len, uint64_t now_s,
                   struct span request_mac, struct dnsu_tsig_mac *mac_out)
{
    struct dnsu_reader r;
    struct dnsu_tsig t = { .key = k->name, .time_signed = now_s, .fudge = DNSU_TSIG_FUDGE_S };
    struct dnsu_tsig_mac mac;
    err e = dnsu_reader_init(&r, span_of(buf, *len));
    if (e == ERR_OK)
        e = alg_name(k->alg, &t.alg);
    if (e == ERR_OK)
        e = dnsu_tsig_digest(k, request_mac, span_of(buf, *len), &t, &mac);
    if (e != ERR_OK)
        return e;
    if (cap < *len || r.hdr.count[3] == UINT16_MAX)
        return ERR_SPACE;
    struct wcur w = wcur_of(buf + *len, cap - *len);
    wcur_span(&w, dnsu_name_span(&t.key));
    wcur_u16(&w, DNSU_TYPE_TSIG);
    wcur_u16(&w, DNSU_CLASS_ANY);
    wcur_u32(&w, 0);
    wcur_u16(&w, (uint16_t)(t.alg.len + 6 + 2 + 2 + mac.len + 6));
    wcur_span(&w, dnsu_name_span(&t.alg));
    wcur_u48(&w, t.time_signed);
    wcur_u16(&w, t.fudge);
    wcur_u16(&w, mac.len);
    wcur_put(&w, mac.v, mac.len);
    wcur_u16(&w, r.hdr.id);
    wcur_u32(&w, 0); /* error, other len */
    if (!wcur_ok(&w))
        return ERR_SPACE;
    uint16_t ar = (uint16_t)(r.hdr.count[3] + 1);
    buf[10] = (uint8_t)(ar >> 8);
    buf[11] = (uint8_t)ar;
    *len += wcur_len(&w);
    *mac_out = mac;
    return ERR_OK;
}

/* The one TSIG at the end of the additional section (s5.1, s5.2). */
static enum dnsu_tsig_verdict find(struct span msg, struct dnsu_tsig *out)
{
    struct dnsu_reader r;
    struct dnsu_rec rec;
    bool found = false;
    if (dnsu_reader_init(&r, msg) != ERR_OK)
        return DNSU_TSIG_FORMERR;
    while (dnsu_reader_next(&r, &rec)) {
        if (rec.type != DNSU_TYPE_TSIG)
            continue;
        if (rec.section != 3 || !rec.last || rec.cls != DNSU_CLASS_ANY || rec.ttl != 0)
            return DNSU_TSIG_FORMERR;
        struct rcur c = rcur_of(rec.rdata);
        *out = (struct dnsu_tsig){ .key = rec.owner, .at = rec.at };
        if (dnsu_name_read(&c, &out->alg) != ERR_OK)
            return DNSU_TSIG_FORMERR;
        out->time_signed = rcur_u48(&c);
        out->fudge = rcur_u16(&c);
        out->mac = rcur_take(&c, rcur_u16(&c));
        out->original_id = rcur_u16(&c);
        out->error = rcur_u16(&c);
        out->other = rcur_take(&c, rcur_u16(&c));
        if (!rcur_end(&c))
            return DNSU_TSIG_FORMERR;
        found = true;
    }
    if (!dnsu_reader_end(&r))
        return DNSU_TSIG_FORMERR;
    return found ? DNSU_TSIG_GOOD : DNSU_TSIG_MISSING;
}

/* The MAC over the message as it was before the TSIG went in: ID, count and end as the signer had them. */
static err digest_received(const struct dnsu_tsig_key *k, struct span msg, struct span request_mac,
                           const struct dnsu_tsig *t, struct dnsu_tsig_mac *out)
{
    uint8_t hdr[DNSU_HDR_LEN];
    memcpy(hdr, msg.p, sizeof hdr);
    uint16_t ar = (uint16_t)((hdr[10] << 8 | hdr[11]) - 1);
    hdr[0] = (uint8_t)(t->original_id >> 8);
    hdr[1] = (uint8_t)t->original_id;
    hdr[10] = (uint8_t)(ar >> 8);
    hdr[11] = (uint8_t)ar;
    return digest(k, request_mac, span_of(hdr, sizeof hdr), span_of(msg.p + sizeof hdr, t->at - sizeof hdr),
                  t, out);
}

static enum dnsu_tsig_verdict check(const struct dnsu_tsig_key *k, struct span msg, struct span request_mac,
                                    uint64_t now_s, const struct dnsu_tsig *t)
{
    struct dnsu_name alg;
    struct dnsu_tsig_mac mac;
    size_t full = hash_len(k->alg), least = full / 2 < 10 ? 10 : full / 2;
    if (!dnsu_name_eq(&t->key, &k->name) || alg_name(k->alg, &alg) != ERR_OK || !dnsu_name_eq(&t->alg, &alg))
        return DNSU_TSIG_BADKEY;
    if (t->mac.n == 0 && t->error != 0)
        return DNSU_TSIG_UNSIGNED;
    if (t->mac.n > full || t->mac.n < least) /* s5.2.2.1 */
        return DNSU_TSIG_FORMERR;
    if (digest_received(k, msg, request_mac, t, &mac) != ERR_OK || !sec_equal(mac.v, t->mac.p, t->mac.n))
        return DNSU_TSIG_BADSIG;
    uint64_t off = now_s > t->time_signed ? now_s - t->time_signed : t->time_signed - now_s;
    if (off > t->fudge)
        return DNSU_TSIG_BADTIME;
    if (t->mac.n < (k->mac_min ? k->mac_min : full))
        return DNSU_TSIG_BADTRUNC;
    return DNSU_TSIG_GOOD;
}

enum dnsu_tsig_verdict dnsu_tsig_verify(const struct dnsu_tsig_key *k, struct span msg,
                                        struct span request_mac, uint64_t now_s, struct dnsu_tsig *out)
{
    struct dnsu_tsig t = { 0 };
    enum dnsu_tsig_verdict v = find(msg, &t);
    if (v == DNSU_TSIG_GOOD)
        v = check(k, msg, request_mac, now_s, &t);
    if (out)
        *out = t;
    return v;
}
