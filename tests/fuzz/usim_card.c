/* SPDX-License-Identifier: Apache-2.0
 *
 * The software USIM's files. The first octet chooses: 0 the card, 1 the sequence numbers beside a good card.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crypto/secret.h"
#include "host/usim_soft.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good[] = "imsi: \"001010000000001\"\nk: 465b5ce8b199b49faa5f0a2ee238a6bc\n"
                           "opc: cd63cb71954a9f4e48a5994e37a02baf\n";

static char dir[32], card[64], numbers[64];

static void clean(void)
{
    (void)unlink(card);
    (void)unlink(numbers);
    (void)rmdir(dir);
}

static void put(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n)
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usim_soft *s;
    struct usim u;
    char why[RT_FILE_WHY_MAX] = "";
    if (size == 0)
        return 0;
    if (!dir[0]) {
        snprintf(dir, sizeof dir, "/tmp/fuzz-card-XXXXXX");
        if (crypto_init() != ERR_OK || !mkdtemp(dir))
            abort();
        snprintf(card, sizeof card, "%s/card", dir);
        snprintf(numbers, sizeof numbers, "%s/card.sqn", dir);
        (void)atexit(clean);
    }
    (void)unlink(numbers);
    if (data[0] % 2)
        put(numbers, data + 1, size - 1);
    put(card, data[0] % 2 ? (const void *)good : data + 1, data[0] % 2 ? sizeof good - 1 : size - 1);
    if (usim_soft_open(card, &s, &u, why) == ERR_OK)
        usim_soft_close(s);
    else if (!why[0])
        abort();
    return 0;
}
