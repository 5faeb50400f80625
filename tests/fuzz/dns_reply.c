/* SPDX-License-Identifier: Apache-2.0
 *
 * A DNS message from outside: read, verified, taken as the answer to a query, and given to an open transaction. What is not signed
 * with the key must never end the transaction; the fuzzer does not have the key.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "dnsupd/lookup.h"
#include "dnsupd/txn.h"
#include "dnsupd/update.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WALL 1700000000u

static struct dnsu_tsig_key key;
static struct dnsu_name name;

static void must(bool held)
{
    if (!held)
        abort();
}

static void zeros(void *ctx, void *out, size_t n)
{
    memset(out, 0, n);
}

static void transaction(struct span in)
{
    static const struct env env = { .random = zeros };
    struct dnsu_txn_config c = {
        .env = &env, .key = &key, .n_servers = 1, .server = { { .family = ADDR_V4, .port = 53 } }
    };
    struct dnsu_txn_acts a;
    uint8_t q[300], r[1 << 16];
    size_t n;
    must(dnsu_query_build(q, sizeof q, &n, 0, &name, DNSU_TYPE_HIP) == ERR_OK);
    struct dnsu_txn *t = dnsu_txn_new(&c, span_of(q, n), (struct span){ 0 });
    must(t != NULL);
    dnsu_txn_start(t, 1, WALL, &a);
    must(a.n == 1 && a.v[0].type == DNSU_ACT_UDP);
    if (in.n <= sizeof r && in.n >= 2) { /* as if it knew the ID */
        memcpy(r, in.p, in.n);
        memcpy(r, a.v[0].message.p, 2);
        dnsu_txn_input(t, &c.server[0], span_of(r, in.n), 2, WALL, &a);
        must(a.n == 0);
    }
    dnsu_txn_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct dnsu_tsig sig;
    struct dnsu_set set;
    uint8_t rcode;
    if (!key.secret) {
        must(crypto_init() == ERR_OK);
        must(dnsu_tsig_key_init(&key, "fa1.hip-update.example.com", "hmac-sha256",
                                span_str("not what the corpus has")) == ERR_OK);
        must(dnsu_name_from_text("host.example.com", &name) == ERR_OK);
    }
    must(dnsu_tsig_verify(&key, in, (struct span){ 0 }, WALL, &sig) != DNSU_TSIG_GOOD);
    if (dnsu_reply_set(in, &name, DNSU_TYPE_HIP, &set, &rcode) == ERR_OK && set.n) {
        struct dnsu_hip_found f;
        if (dnsu_hip_judge(DNSU_SECURE, set.rdata, set.n, set.ttl, &f) == ERR_OK)
            must(f.n + f.malformed == set.n);
    }
    transaction(in);
    return 0;
}
