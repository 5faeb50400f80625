/* SPDX-License-Identifier: Apache-2.0
 *
 * AT_IV and AT_ENCR_DATA (RFC 4187 s10.12): attributes under K_encr with AES-128-CBC, padded by AT_PADDING.
 */
#pragma once

#include "aka/attr.h"

#define AKA_IV_LEN ((size_t)16)

/* Writes the inner attributes: aka_wr_attr() and aka_wr_u16() into what this returns. */
struct aka_wr aka_encr_begin(void *buf, size_t cap, uint8_t method);
/* Puts them into w, encrypted; buf gets overwritten. iv: random, never the same twice under one key. A failure shows at aka_wr_end(). */
void aka_wr_encr(struct aka_wr *w, struct aka_wr *inner, const struct aka_keys *k,
                 const uint8_t iv[AKA_IV_LEN]);
/* Opens AT_ENCR_DATA of a message whose AT_MAC was right. *out borrows from plain (EAP_MAX octets), which is the caller's to wipe. Without
 * AT_ENCR_DATA: AKA_R_MISSING_ATTR. */
MUST_USE enum aka_reason aka_encr_open(const struct aka_msg *m, const struct aka_keys *k,
                                       uint8_t plain[EAP_MAX], struct aka_msg *out);
