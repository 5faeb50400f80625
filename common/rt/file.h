/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files, read and written. `why` gets one line for people: which file, what is wrong with it.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define RT_FILE_WHY_MAX 384

/* A file that holds a secret: regular, owned by us (or root), no bit set for group or others; at most max octets.
 * *out is sec_alloc'ed (sec_free), with a NUL behind its *len octets. ERR_NOT_FOUND, ERR_REFUSED, ERR_RANGE, ERR_IO. */
MUST_USE err rt_file_read_secret(const char *path, size_t max, uint8_t **out, size_t *len,
                                 char why[RT_FILE_WHY_MAX]);
/* The same without the demands on owner and mode; *out is malloc'ed. */
MUST_USE err rt_file_read(const char *path, size_t max, uint8_t **out, size_t *len,
                          char why[RT_FILE_WHY_MAX]);
/* Beside it, fsync, rename, fsync of the folder: after a crash there is the old or the new one, whole. Mode 0600. */
MUST_USE err rt_file_write(const char *path, struct span data, char why[RT_FILE_WHY_MAX]);
/* Folder with mode 0700 if it is not there (one level). */
MUST_USE err rt_dir_make(const char *path, char why[RT_FILE_WHY_MAX]);
