/* SPDX-License-Identifier: Apache-2.0
 *
 * Things that people and configurations write. The first octet chooses: 0 address and port, 1 HIT, 2 domain name, 3 RDATA of a HIP record, 4 an
 * NAI, 5 hexadecimal. What is read is written again and must be read as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/nai.h"
#include "common/base/addr.h"
#include "common/base/hex.h"
#include "dnsupd/hiprr.h"
#include "hip/hit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void address(const char *text)
{
    struct addr a, b;
    char out[ADDR_TEXT_MAX];
    if (addr_parse(text, &a) == ERR_OK)
        must(addr_parse(addr_format(&a, out), &b) == ERR_OK && addr_eq(&a, &b));
}

static void hit(const char *text)
{
    struct hit a, b;
    char out[HIT_TEXT_MAX];
    if (hit_parse(text, &a) == ERR_OK)
        must(hit_parse(hit_format(&a, out), &b) == ERR_OK && hit_eq(&a, &b));
}

static void name(const char *text)
{
    struct dnsu_name a, b;
    char out[DNSU_NAME_TEXT_MAX];
    if (dnsu_name_from_text(text, &a) != ERR_OK)
        return;
    must(dnsu_name_from_wire(dnsu_name_span(&a), &b) == ERR_OK && dnsu_name_eq(&a, &b));
    must(dnsu_name_from_text(dnsu_name_text(&a, out), &b) == ERR_OK && dnsu_name_eq(&a, &b));
}

static void record(const char *text)
{
    static uint8_t wire[65536], again[65536];
    static char out[4 * 65536];
    struct dnsu_hiprr rr;
    size_t n, m;
    if (dnsu_hiprr_scan(text, wire, sizeof wire, &n) != ERR_OK)
        return;
    if (dnsu_generic_print(span_of(wire, n), out, sizeof out) != ERR_OK ||
        dnsu_hiprr_scan(out, again, sizeof again, &m) != ERR_OK || n != m || memcmp(wire, again, n) != 0)
        abort();
    if (dnsu_hiprr_parse(span_of(wire, n), &rr) != ERR_OK)
        return; /* the generic form holds anything */
    must(dnsu_hiprr_print(&rr, out, sizeof out) == ERR_OK &&
         dnsu_hiprr_scan(out, again, sizeof again, &m) == ERR_OK && n == m && memcmp(wire, again, n) == 0);
}

static void identity(struct span s)
{
    struct aka_nai nai;
    if (nai_parse(s, &nai) == ERR_OK)
        must(nai.user.n + nai.realm.n <= s.n);
}

static void digits(const char *text, size_t len)
{
    uint8_t out[4096];
    char again[2 * sizeof out + 1];
    size_t n;
    if (hex_decode(text, len, out, sizeof out, &n) != ERR_OK)
        return;
    hex_encode(span_of(out, n), again);
    must(strncasecmp(again, text, 2 * n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1);
    if (!text)
        abort();
    switch (data[0] % 6) {
    case 0:
        address(text);
        break;
    case 1:
        hit(text);
        break;
    case 2:
        name(text);
        break;
    case 3:
        record(text);
        break;
    case 4:
        identity(span_of(data + 1, size - 1));
        break;
    default:
        digits(text, strlen(text));
        break;
    }
    free(text);
    return 0;
}
