/* SPDX-License-Identifier: Apache-2.0
 * A second opinion: ldns on the same octets. In a file of its own, since OpenSSL's headers and ours share names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The record in presentation form has this RDATA. */
bool opinion_rdata(const char *presentation, const uint8_t *rdata, size_t len);
/* The message parses and is an UPDATE. */
bool opinion_update(const uint8_t *msg, size_t len);
