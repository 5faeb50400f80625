/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/daemon/suites.h"

#include <string.h>

#include "hip/suite.h"

const struct rt_conf_row hipd_suite_rows[] = {
    { "dh_groups", RT_CONF_LIST, .item = RT_CONF_ENUM, .min = 1, .max = 7, .def = "nist-p-256, nist-p-384",
      .choices = "nist-p-256|nist-p-384|nist-p-521|modp-2048|modp-3072|modp-1536|secp160r1",
      .doc = "Diffie-Hellman groups, best first; modp-1536 and secp160r1 are weak" },
    { "ciphers", RT_CONF_LIST, .item = RT_CONF_ENUM, .min = 1, .max = 2, .def = "aes-128-cbc, aes-256-cbc",
      .choices = "aes-128-cbc|aes-256-cbc", .doc = "of what is encrypted in HIP packets, best first" },
    { "ecdsa_low", RT_CONF_BOOL, .def = "no",
      .doc = "speak to hosts whose identity is ECDSA_LOW (SECP160R1 and SHA-1, which is weak)" },
    { "rsa_bits_min", RT_CONF_INT, .min = 1024, .max = 4096, .def = "2048",
      .doc = "of the key of a host whose identity is RSA; below 2048 is weak" },
    { "dsa", RT_CONF_BOOL, .def = "no",
      .doc = "speak to hosts whose identity is DSA (1024 bits, which is weak)" },
    { "null_encrypt", RT_CONF_BOOL, .def = "no",
      .doc = "FOR TESTING ONLY: NULL-ENCRYPT before the ciphers: what should be secret in HIP packets is "
             "not, and nobody is bound by a SIM" },
    { 0 },
};

static err twice(const struct rt_conf *c, const struct rt_conf_node *at, const char *what, char *why)
{
    return rt_conf_expected(c, at, why, "each of %s once", what);
}

err hipd_suites_read(const struct rt_conf *c, const struct rt_conf_node *map, struct hip_config *out,
                     char why[RT_CONF_WHY_MAX])
{
    static const uint8_t usual[] = { 1, 2, 5 };
    uint8_t groups[8] = { 0 };
    uint16_t ciphers[6] = { 0 };
    size_t n = rt_conf_count(map, "dh_groups"), at = 0;
    for (size_t i = 0; i < n; i++) {
        groups[i] = hip_dh_named(rt_conf_node_str(rt_conf_item(map, "dh_groups", i)));
        if (hip_has8(groups, i, groups[i]))
            return twice(c, rt_conf_get(map, "dh_groups"), "dh_groups", why);
    }
    out->rsa_bits_min = (uint16_t)rt_conf_int(map, "rsa_bits_min");
    out->refuse_dsa = !rt_conf_bool(map, "dsa");
    out->null_encrypt = rt_conf_bool(map, "null_encrypt");
    if (out->null_encrypt)
        ciphers[at++] = HIP_CIPHER_NULL;
    for (size_t i = 0; i < rt_conf_count(map, "ciphers"); i++) {
        uint16_t id = hip_cipher_named(rt_conf_node_str(rt_conf_item(map, "ciphers", i)));
        if (hip_has16(ciphers, at, id))
            return twice(c, rt_conf_get(map, "ciphers"), "ciphers", why);
        ciphers[at++] = id;
    }
    memcpy(out->dh_groups, groups, sizeof groups);
    memcpy(out->ciphers, ciphers, sizeof ciphers);
    memset(out->hit_suites, 0, sizeof out->hit_suites);
    memcpy(out->hit_suites, usual, sizeof usual);
    if (rt_conf_bool(map, "ecdsa_low"))
        out->hit_suites[sizeof usual] = 3;
    return ERR_OK;
}
