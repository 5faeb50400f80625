/* SPDX-License-Identifier: Apache-2.0
 *
 * A SIM vendor's list: any octets as a file, its lines read to the end, the fields of each as a subscriber in the order of SUB_FIELD_LIST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "as/csv.h"
#include "as/sub_text.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void subscriber(const struct csv_line *l)
{
    struct sub_text t = { .field = { NULL } };
    struct auc_sub s;
    struct aka_cred c;
    char why[SUB_WHY_MAX] = "";
    for (size_t i = 0; i < l->n && i < SUB__FIELDS; i++)
        t.field[i] = l->field[i];
    err e = sub_text_read(&t, &s, &c, why);
    if (e == ERR_OK && (!imsi_valid(s.imsi) || aka_cred_check(&c) != ERR_OK))
        abort();
    if (e == ERR_MALFORMED && !why[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32], why[CSV_WHY_MAX];
    struct csv *c = NULL;
    struct csv_line l;
    uint64_t lines = 0;
    err e;
    if (crypto_init() != ERR_OK)
        abort();
    int fd = memfd_create("list", MFD_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (csv_open(path, &c, why) != ERR_OK)
        abort();
    while ((e = csv_next(c, &l, why)) != ERR_NOT_FOUND) {
        if (l.no != ++lines || (e != ERR_OK && e != ERR_MALFORMED))
            abort();
        if (e == ERR_OK)
            subscriber(&l);
    }
    if (csv_at(c) != size)
        abort();
    csv_close(c);
    close(fd);
    return 0;
}
