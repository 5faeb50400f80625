/* SPDX-License-Identifier: Apache-2.0
 *
 * The sealed store: the input as seal parameters, as a file, and (sealed well) as the contents of one.
 */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/cipher.h"
#include "common/crypto/secret.h"
#include "host/core/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(void *ctx, void *out, size_t n)
{
    memset(out, 0x5c, n);
}

static void read_it(const struct host_seal_key *k, struct span file)
{
    static const struct env env = { .random = fill };
    struct host_sealed s;
    uint8_t again[HOST_FILE_MAX];
    size_t n;

    if (host_sealed_read(k, file, &s))
        return;
    if (!sig_has_private(s.hi.key) || s.n_fa > HOST_FAS_MAX ||
        host_sealed_write(k, &env, &s, again, sizeof again, &n))
        abort();
    host_sealed_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static const uint8_t nonce[BOX_NONCE] = { 1 };
    struct host_seal_params params;
    struct host_seal_key k = { .level = HOST_SEAL_KEY };
    uint8_t file[HOST_FILE_MAX] = { 'H', 'F', 'S', '1', HOST_SEAL_KEY }, aad[24];

    if (!ready && crypto_init())
        abort();
    ready = true;
    if (size > HOST_FILE_MAX - HOST_SEALED_OVERHEAD)
        return 0;
    if (!host_seal_params_read(span_of(data, size), &params)) {
        uint8_t again[HOST_SEAL_PARAMS_LEN];
        host_seal_params_write(&params, again);
        if (size != sizeof again || memcmp(again, data, size) != 0)
            abort();
    }
    read_it(&k, span_of(data, size));
    memcpy(aad, file, 8);
    memcpy(aad + 8, k.index, sizeof k.index);
    memcpy(file + 8, nonce, sizeof nonce);
    if (box_seal(k.key, nonce, span_of(aad, sizeof aad), span_of(data, size), file + 32))
        abort();
    read_it(&k, span_of(file, size + HOST_SEALED_OVERHEAD));
    return 0;
}
