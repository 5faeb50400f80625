/* SPDX-License-Identifier: Apache-2.0
 * What applications send to the stub resolver, and the answers made from it: each must itself be a DNS message. */
#include <stdlib.h>

#include "host/stub_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_message(const uint8_t *p, size_t n)
{
    struct dnsu_reader r;
    struct dnsu_question q;
    struct dnsu_rec rec;

    if (n == 0)
        return;
    if (dnsu_reader_init(&r, span_of(p, n)) || !r.hdr.qr)
        abort();
    while (dnsu_reader_question(&r, &q))
        ;
    while (dnsu_reader_next(&r, &rec))
        ;
    if (r.failed || !dnsu_reader_end(&r))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span msg = span_of(data, size);
    uint8_t out[STUB_REPLY_MAX];
    struct stub_query q;
    struct hit hit[2] = { { { 1 } }, { { 2 } } };
    struct addr lsi[2] = { addr_v4(1), addr_v4(2) };

    is_message(out, stub_answer_bare(msg, DNSU_RC_FORMERR, out, sizeof(out)));
    if (stub_query_parse(msg, &q))
        return 0;
    if (q.question_end > size)
        abort();
    is_message(out, stub_answer_empty(msg, &q, DNSU_RC_SERVFAIL, out, sizeof(out)));
    is_message(out, stub_answer_hits(msg, &q, hit, 2, 60, out, sizeof(out)));
    is_message(out, stub_answer_ptr(msg, &q, &q.q.name, out, sizeof(out)));
    is_message(out, stub_answer_lsis(msg, &q, lsi, 2, 60, out, sizeof(out)));
    (void)stub_reverse_hit(&q.q.name, hit);
    (void)stub_reverse_ip4(&q.q.name, lsi);
    return 0;
}
