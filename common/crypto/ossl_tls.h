/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: OpenSSL's headers for TLS, with the same care for a name as in ossl.h.
 */
#pragma once

#include "common/crypto/ossl.h"

#define ERR_STATE OSSL_ERR_STATE
#include <openssl/ssl.h>
#undef ERR_STATE
