/* SPDX-License-Identifier: Apache-2.0
 *
 * What we send is written by ldns (update.c); what comes in is read here, before anything of it is verified. ldns_wire2pkt() of ldns 1.8.3 takes
 * messages with octets left over, names whose pointers lead forwards or into the header, and several TSIGs or one that is not last; it
 * refuses a whole message for the RDATA of any record in it; it says no offsets, which TSIG needs; and it makes two allocations and
 * a longer array for each field: one TXT record of 60,000 octets took it two seconds and 700 megabytes.
 */
#include "dnsupd/msg.h"

#include <string.h>

static const char *const rcodes[] = { "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                      "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE" };

const char *dnsu_rcode_name(unsigned rcode)
{
    return rcode < sizeof rcodes / sizeof *rcodes ? rcodes[rcode] : "RCODE";
}

err dnsu_reader_init(struct dnsu_reader *r, struct span wire)
{
    struct rcur c = rcur_of(wire);
    struct dnsu_hdr h = { 0 };
    h.id = rcur_u16(&c);
    uint16_t flags = rcur_u16(&c);
    for (int i = 0; i < 4; i++)
        h.count[i] = rcur_u16(&c);
    if (!rcur_ok(&c))
        return ERR_TRUNCATED;
    h.qr = flags >> 15;
    h.opcode = flags >> 11 & 15;
    h.aa = flags >> 10 & 1;
    h.tc = flags >> 9 & 1;
    h.rcode = flags & 15;
    *r = (struct dnsu_reader){ .wire = wire, .hdr = h, .at = DNSU_HDR_LEN };
    return ERR_OK;
}

/* The name at r->at, decompressed. Each pointer leads to before where the run of labels it ends began, so the way
 * back is finite (RFC 1035 s4.1.4: "a prior occurrence"). */
static bool name_at(struct dnsu_reader *r, struct dnsu_name *out)
{
    size_t at = r->at, run = r->at, len = 0, after = 0;
    for (;;) {
        if (at >= r->wire.n)
            return false;
        uint8_t l = r->wire.p[at];
        if (l >= 0xc0) {
            if (at + 1 >= r->wire.n)
                return false;
            size_t to = (size_t)(l & 0x3f) << 8 | r->wire.p[at + 1];
            if (to >= run || to < DNSU_HDR_LEN)
                return false;
            if (!after)
                after = at + 2;
            at = run = to;
            continue;
        }
        if (l > 63 || len + 1u + l > DNSU_NAME_MAX || at + 1u + l > r->wire.n)
            return false;
        memcpy(out->wire + len, r->wire.p + at, 1u + l);
        len += 1u + l;
        at += 1u + l;
        if (l == 0)
            break;
    }
    out->len = (uint8_t)len;
    r->at = after ? after : at;
    return true;
}

static bool fail(struct dnsu_reader *r)
{
    r->failed = true;
    return false;
}

bool dnsu_reader_question(struct dnsu_reader *r, struct dnsu_question *out)
{
    if (r->failed || r->section != 0 || r->done == r->hdr.count[0])
        return false;
    if (!name_at(r, &out->name))
        return fail(r);
    struct rcur c = rcur_of(span_sub(r->wire, r->at, 4));
    out->type = rcur_u16(&c);
    out->cls = rcur_u16(&c);
    if (!rcur_end(&c))
        return fail(r);
    r->at += 4;
    r->done++;
    return true;
}

bool dnsu_reader_next(struct dnsu_reader *r, struct dnsu_rec *out)
{
    struct dnsu_question q;
    while (r->section == 0 && dnsu_reader_question(r, &q))
        ;
    while (!r->failed && r->section < 4 && r->done == r->hdr.count[r->section]) {
        r->section++;
        r->done = 0;
    }
    if (r->failed || r->section == 4)
        return false;
    out->at = r->at;
    if (!name_at(r, &out->owner))
        return fail(r);
    struct rcur c = rcur_of(span_of(r->wire.p + r->at, r->wire.n - r->at));
    out->type = rcur_u16(&c);
    out->cls = rcur_u16(&c);
    out->ttl = rcur_u32(&c);
    out->rdata = rcur_take(&c, rcur_u16(&c));
    if (!rcur_ok(&c))
        return fail(r);
    r->at = r->wire.n - rcur_left(&c);
    r->done++;
    out->end = r->at;
    out->section = r->section;
    out->last = r->done == r->hdr.count[r->section];
    return true;
}

bool dnsu_reader_end(const struct dnsu_reader *r)
{
    return !r->failed && r->section == 4 && r->at == r->wire.n;
}
