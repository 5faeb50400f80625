/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside common/crypto only: OpenSSL's headers. Its type ERR_STATE would collide with our error of that name
 * (common/base/err.h), so it gets another name here; nothing of ours uses it.
 */
#pragma once

#define ERR_STATE OSSL_ERR_STATE
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#undef ERR_STATE
