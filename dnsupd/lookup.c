/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/lookup.h"

const char *dnsu_security_name(enum dnsu_security s)
{
    static const char *const names[] = { "secure", "insecure", "bogus" };
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "?";
}

err dnsu_reply_set(struct span reply, const struct dnsu_name *name, uint16_t type, struct dnsu_set *out,
                   uint8_t *rcode)
{
    struct dnsu_reader r;
    struct dnsu_question q;
    struct dnsu_rec rec;
    struct dnsu_set set = { .type = type };
    err e = dnsu_reader_init(&r, reply);
    if (e != ERR_OK)
        return e;
    if (!r.hdr.qr || r.hdr.opcode != DNSU_OP_QUERY || r.hdr.count[0] != 1 || !dnsu_reader_question(&r, &q))
        return ERR_MALFORMED;
    if (!dnsu_name_eq(&q.name, name) || q.type != type || q.cls != DNSU_CLASS_IN)
        return ERR_NOT_FOUND;
    if (r.hdr.tc)
        return ERR_TRUNCATED;
    if (r.hdr.rcode != DNSU_RC_NOERROR && r.hdr.rcode != DNSU_RC_NXDOMAIN)
        return ERR_REFUSED;
    while (dnsu_reader_next(&r, &rec)) {
        if (rec.section != 1 || rec.type != type || rec.cls != DNSU_CLASS_IN ||
            !dnsu_name_eq(&rec.owner, name))
            continue;
        if (set.n == DNSU_SET_MAX)
            return ERR_FULL;
        if (set.n == 0 || rec.ttl < set.ttl)
            set.ttl = rec.ttl;
        set.rdata[set.n++] = rec.rdata;
    }
    if (!dnsu_reader_end(&r))
        return ERR_MALFORMED;
    *out = set;
    *rcode = r.hdr.rcode;
    return ERR_OK;
}

bool dnsu_set_has(const struct dnsu_set *s, struct span rdata)
{
    for (size_t i = 0; i < s->n; i++)
        if (span_eq(s->rdata[i], rdata))
            return true;
    return false;
}

bool dnsu_set_eq(const struct dnsu_set *a, const struct dnsu_set *b)
{
    if (a->n != b->n || (a->n && a->type != b->type))
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!dnsu_set_has(b, a->rdata[i]) || !dnsu_set_has(a, b->rdata[i]))
            return false;
    return true;
}

err dnsu_hip_judge(enum dnsu_security security, const struct span *rdata, size_t n, uint32_t ttl,
                   struct dnsu_hip_found *out)
{
    struct dnsu_hip_found f = { .security = security, .ttl = ttl };
    if (security == DNSU_BOGUS)
        return ERR_AUTH;
    for (size_t i = 0; i < n && f.n < DNSU_SET_MAX; i++) {
        if (dnsu_hiprr_parse(rdata[i], &f.rr[f.n]) == ERR_OK)
            f.n++;
        else
            f.malformed++;
    }
    if (f.n == 0)
        return ERR_NOT_FOUND;
    *out = f;
    return ERR_OK;
}
