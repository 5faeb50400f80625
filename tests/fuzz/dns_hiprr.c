/* SPDX-License-Identifier: Apache-2.0
 * HIP RDATA: what parses survives encoding, printing and scanning unchanged. The first octet chooses: RDATA, or text to scan. */
#include <stdlib.h>
#include <string.h>

#include "dnsupd/hiprr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void rdata(struct span in)
{
    static uint8_t buf[1 << 16];
    static char text[1 << 19];
    struct dnsu_hiprr rr;
    size_t n;
    if (dnsu_hiprr_parse(in, &rr) != ERR_OK)
        return;
    must(dnsu_hiprr_encode(&rr, buf, sizeof buf, &n) == ERR_OK && span_eq(span_of(buf, n), in));
    must(dnsu_hiprr_print(&rr, text, sizeof text) == ERR_OK);
    must(dnsu_hiprr_scan(text, buf, sizeof buf, &n) == ERR_OK && span_eq(span_of(buf, n), in));
    must(dnsu_generic_print(in, text, sizeof text) == ERR_OK);
    must(dnsu_hiprr_scan(text, buf, sizeof buf, &n) == ERR_OK && span_eq(span_of(buf, n), in));
}

static void text(struct span in)
{
    uint8_t buf[512];
    struct dnsu_hiprr rr;
    size_t n;
    char *s = malloc(in.n + 1);
    must(s != NULL);
    if (in.n)
        memcpy(s, in.p, in.n);
    s[in.n] = 0;
    if (dnsu_hiprr_scan(s, buf, sizeof buf, &n) == ERR_OK)
        must(dnsu_hiprr_parse(span_of(buf, n), &rr) == ERR_OK);
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        text(span_of(data + 1, size - 1));
    else
        rdata(span_of(data + 1, size - 1));
    return 0;
}
