/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries of applications and the answers that the stub resolver gives itself (RFC 1035 s4; EDNS: RFC 6891).
 */
#pragma once

#include "common/base/addr.h"
#include "common/base/err.h"
#include "dnsupd/msg.h"
#include "hip/hit.h"

#define STUB_TYPE_PTR  12
#define STUB_TTL_PTR   60
#define STUB_REPLY_MAX 1232 /* what we make ourselves always fits */

struct stub_query {
    uint16_t id;
    bool rd, cd;
    bool edns;
    uint16_t udp_size; /* what the asker takes over UDP; 512 without EDNS */
    struct dnsu_question q;
    size_t question_end; /* offset behind the question */
};

/* One standard query with one question. ERR_TRUNCATED: not even a header; ERR_MALFORMED: answer FORMERR;
 * ERR_UNSUPPORTED: another opcode, answer NOTIMP; ERR_REFUSED: it is a response, say nothing. */
MUST_USE err stub_query_parse(struct span msg, struct stub_query *out);

/* Header only: for what did not parse. len 0 when there is no id to answer to. */
size_t stub_answer_bare(struct span msg, unsigned rcode, uint8_t *out, size_t cap);
/* No records. msg is the query that q was parsed from. */
size_t stub_answer_empty(struct span msg, const struct stub_query *q, unsigned rcode, uint8_t *out,
                         size_t cap);
/* AAAA records of these HITs. */
size_t stub_answer_hits(struct span msg, const struct stub_query *q, const struct hit *hit, size_t n,
                        uint32_t ttl, uint8_t *out, size_t cap);
/* A records of these LSIs. */
size_t stub_answer_lsis(struct span msg, const struct stub_query *q, const struct addr *lsi, size_t n,
                        uint32_t ttl, uint8_t *out, size_t cap);
size_t stub_answer_ptr(struct span msg, const struct stub_query *q, const struct dnsu_name *name,
                       uint8_t *out, size_t cap);

/* "...ip6.arpa." of a HIT: true and the HIT. */
bool stub_reverse_hit(const struct dnsu_name *name, struct hit *out);
/* "d.c.b.a.in-addr.arpa.": true and the address. */
bool stub_reverse_ip4(const struct dnsu_name *name, struct addr *out);
