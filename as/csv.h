/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of comma-separated values that may hold keys, read in bounded secret memory. The dialect: printable ASCII without blanks and without
 * quotes, LF or CR LF, no empty lines; the first line names the columns.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define CSV_FIELDS_MAX 32
#define CSV_LINE_MAX   1024
#define CSV_WHY_MAX    512

struct csv;

struct csv_line {
    uint64_t no; /* from 1 */
    size_t n;
    char *field[CSV_FIELDS_MAX]; /* borrowed until the next call */
};

/* path "-": standard input. A file must be its owner's alone (mode 0600). ERR_NOT_FOUND, ERR_REFUSED, ERR_IO, ERR_MEMORY. */
MUST_USE err csv_open(const char *path, struct csv **out, char why[CSV_WHY_MAX]);
void csv_close(struct csv *c); /* wipes; NULL is fine */
/* ERR_NOT_FOUND: no line is left. ERR_MALFORMED: this line is not of the dialect, out->no is set; the next call goes on behind it. ERR_IO. */
MUST_USE err csv_next(struct csv *c, struct csv_line *out, char why[CSV_WHY_MAX]);
uint64_t csv_size(const struct csv *c); /* octets of the file; 0: not known */
uint64_t csv_at(const struct csv *c);   /* octets read */
