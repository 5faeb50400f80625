/* SPDX-License-Identifier: Apache-2.0
 *
 * A SUCI out of any text, with a key of each profile in the ring.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/suci.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct suci_key keys[2];

static void begin(void)
{
    static const uint8_t private[32] = { 9, 8, 7 };
    if (keys[0].key)
        return;
    if (crypto_init() != ERR_OK)
        abort();
    for (unsigned i = 0; i < 2; i++) {
        keys[i].id = 27;
        memcpy(keys[i].plmn, "27412", 6);
        if (suci_key_set(&keys[i], i ? SUCI_PROFILE_B : SUCI_PROFILE_A, span_of(private, 32)) != ERR_OK)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char imsi[IMSI_MAX + 1];
    begin();
    if (suci_open(keys, 2, span_of(data, size), imsi) == ERR_OK && !imsi_valid(imsi))
        abort();
    return 0;
}
