/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates that the host registers with (RFC 8002), from a file.
 */
#pragma once

#include "common/rt/file.h"

#define HOST_CERTS_MAX 1200 /* beside our HI they must fit in an I2 */

/* The certificates of a PEM file, ours first, as CERT parameters (host_config.certs). ERR_NOT_FOUND: none in it; ERR_SPACE, ERR_FULL: too long;
 * ERR_MALFORMED, ERR_IO. why: one line. */
MUST_USE err host_certificate_open(const char *path, uint8_t tlvs[HOST_CERTS_MAX], struct span *out,
                                   char why[RT_FILE_WHY_MAX]);
