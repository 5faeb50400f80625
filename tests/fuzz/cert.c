/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates from strangers. First octet even: length (2) and DER of a CA that is trusted, then CERT parameters as a packet has them; odd: a PEM file. The
 * corpus is made of tests/unit/crypto/made_cert.h's: good, chain of two, unknown CA, expired, critical extension, other types.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/b64.h"
#include "common/crypto/cert.h"
#include "common/crypto/secret.h"
#include "hip/param_cert.h"

#define NOW 1767312000u /* 2026-01-02 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t hit[16] = { 0x20, 0x01, 0, 0x22, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static void must(bool held)
{
    if (!held)
        abort();
}

static bool trust(struct cert_cas *cas, struct span der)
{
    static char text[B64_LEN(CERT_DER_MAX) + 1], pem[2 * sizeof text];
    if (der.n > CERT_DER_MAX)
        return false;
    b64_encode(der, text);
    size_t n = (size_t)snprintf(pem, sizeof pem, "-----BEGIN CERTIFICATE-----\n");
    for (size_t i = 0, len = strlen(text); i < len; i += 64)
        n += (size_t)snprintf(pem + n, sizeof pem - n, "%.64s\n", text + i);
    n += (size_t)snprintf(pem + n, sizeof pem - n, "-----END CERTIFICATE-----\n");
    return cert_cas_add(cas, span_of(pem, n)) == ERR_OK;
}

static void judge(struct span s)
{
    struct rcur c = rcur_of(s);
    struct span ca = rcur_take(&c, rcur_u16(&c)), der[HIP_CERTS_MAX];
    struct hip_cert v[HIP_CERTS_MAX];
    struct cert_cas *cas = NULL;
    uint8_t n;
    uint64_t until = 0;
    size_t at = SIZE_MAX;
    if (!rcur_ok(&c) || hip_certs_group(rcur_rest(&c), v, &n) != ERR_OK)
        return;
    must(n >= 1 && n <= HIP_CERTS_MAX);
    for (uint8_t i = 0; i < n; i++) {
        must(v[i].id == i + 1 && v[i].count == n && v[i].group == v[0].group);
        der[i] = v[i].cert;
    }
    static struct sig_key *key;
    if (!key && crypto_init() == ERR_OK)
        key = sig_generate(SIG_ED25519, 0);
    must(key && cert_cas_new(&cas) == ERR_OK);
    bool trusted = trust(cas, ca);
    enum cert_verdict verdict =
        cert_judge(cas, der, n, &(struct cert_holder){ .address = hit, .key = key }, NOW, &until, &at);
    must(verdict == CERT_GOOD ? trusted && until >= NOW : at < n);
    cert_cas_free(cas);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[4096];
    struct span der[CERT_CHAIN_MAX];
    size_t n = 0, sum = 0;
    if (size == 0)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        judge(rest);
    } else if (cert_from_pem(rest, buf, sizeof buf, der, &n) == ERR_OK) {
        must(n >= 1 && n <= CERT_CHAIN_MAX);
        for (size_t i = 0; i < n; i++)
            sum += der[i].n;
        must(sum <= sizeof buf);
    }
    return 0;
}
