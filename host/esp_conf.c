/* SPDX-License-Identifier: Apache-2.0 */
#include "host/esp_conf.h"

#include <string.h>

#include "hip/esp/sa.h"
#include "hip/suite.h"

#define SECOND_US 1000000ll
#define DAY_US    (86400 * SECOND_US)

static const struct {
    uint16_t id;
    const char *name;
} suites[] = {
    { ESP_NULL_SHA256, "null-sha256" },
    { ESP_AES128_CBC_SHA256, "aes128-cbc-sha256" },
    { ESP_AES256_CBC_SHA256, "aes256-cbc-sha256" },
    { ESP_AES128_CCM8, "aes128-ccm8" },
    { ESP_AES128_CCM16, "aes128-ccm16" },
    { ESP_AES128_GCM8, "aes128-gcm8" },
    { ESP_AES128_GCM16, "aes128-gcm16" },
    { ESP_AES128_CMAC96, "aes128-cmac96" },
    { ESP_AES128_GMAC, "aes128-gmac" },
};

#define IDLE_MIN (10 * SECOND_US)
#define IDLE_MAX (30 * DAY_US)

static const struct rt_conf_row idle_rows[] = {
    { "hit", RT_CONF_STR, RT_CONF_REQUIRED, .max = 45, .doc = "", .example = "\"2001:22::1\"" },
    { "idle", RT_CONF_DURATION, RT_CONF_REQUIRED, .min = IDLE_MIN, .max = IDLE_MAX, .doc = "",
      .example = "1h" },
    { 0 },
};

/* Half of what a key may do at all (hip/esp/sa.h) is the most that may be asked for. */
const struct rt_conf_row host_esp_rows[] = {
    { "suites", RT_CONF_LIST, .item = RT_CONF_ENUM, .min = 1, .max = 6,
      .choices = "null-sha256|aes128-cbc-sha256|aes256-cbc-sha256|aes128-ccm8|aes128-ccm16|aes128-gcm8|"
                 "aes128-gcm16|aes128-cmac96|aes128-gmac",
      .def = "aes128-gcm16, aes128-cbc-sha256, aes256-cbc-sha256",
      .doc = "ESP transforms, best first; at least one that encrypts, for the Forwarding Agent" },
    { "authentication_only", RT_CONF_LIST, .item = RT_CONF_STR, .max = HOST_AUTH_ONLY_MAX,
      .doc = "HITs of peers with whom those of the suites that do not encrypt may be used (null-sha256, "
             "aes128-cmac96, aes128-gmac); left out: with nobody",
      .example = "\"2001:22::1\"" },
    { "rekey_packets", RT_CONF_INT, .min = 100, .max = INT64_C(1) << 31, .def = "1073741824",
      .doc = "in one direction, then new keys; aes128-gcm8 has them after 33554432 at the latest" },
    { "rekey_octets", RT_CONF_INT, .min = 100000, .max = INT64_C(1) << 37, .def = "68719476736",
      .doc = "of payload in one direction, then new keys" },
    { "rekey_age", RT_CONF_DURATION, .min = 10 * SECOND_US, .max = 30 * DAY_US, .def = "8h",
      .doc = "of keys; the first packet after it brings new ones" },
    { "rekey_dh", RT_CONF_BOOL, .def = "yes",
      .doc = "new keys come from a new Diffie-Hellman; no: from the old one for as long as that lasts" },
    { "idle", RT_CONF_DURATION, .min = IDLE_MIN, .max = IDLE_MAX, .def = "15min",
      .doc = "without packets, then an association is closed" },
    { "idle_peers", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = idle_rows, .max = HOST_IDLE_MAX,
      .doc = "peers with whom it is another time" },
    { "path_mtu", RT_CONF_ENUM, .choices = "discover|fragment", .def = "discover",
      .doc = "discover: IPv4 packets carry DF, applications are told what the path takes; fragment: without "
             "DF, for networks that lose the messages this needs" },
    { 0 },
};

const char *host_esp_suite_name(uint16_t id)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        if (suites[i].id == id)
            return suites[i].name;
    return "";
}

static uint16_t suite_id(const char *name)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        if (strcmp(suites[i].name, name) == 0)
            return suites[i].id;
    return 0;
}

static err read_suites(const struct rt_conf *c, const struct rt_conf_node *esp, struct host_settings *out,
                       char *why)
{
    struct hip_config *h = &out->core.hip;
    size_t n = rt_conf_count(esp, "suites");
    bool encrypts = false;

    for (size_t i = 0; i < n; i++) {
        const struct rt_conf_node *item = rt_conf_item(esp, "suites", i);
        uint16_t id = suite_id(rt_conf_node_str(item));
        if (hip_has16(h->esp_suites, i, id))
            return rt_conf_expected(c, item, why, "each suite only once");
        if (hip_esp_suite(id)->auth_only && out->n_auth_only == 0)
            return rt_conf_expected(
                c, item, why, "authentication_only to say for which peers, beside %s, which does not encrypt",
                rt_conf_node_str(item));
        encrypts |= !hip_esp_suite(id)->auth_only;
        h->esp_suites[i] = id;
    }
    if (!encrypts)
        return rt_conf_expected(c, rt_conf_get(esp, "suites"), why, "a suite that encrypts as well");
    return ERR_OK;
}

static err read_hit(const struct rt_conf *c, const struct rt_conf_node *item, struct hit *out, char *why)
{
    if (hit_parse(rt_conf_node_str(item), out) == ERR_OK && hit_is_valid(out))
        return ERR_OK;
    return rt_conf_expected(c, item, why, "a host identity tag (inside 2001:20::/28), not \"%.46s\"",
                            rt_conf_node_str(item));
}

static err read_idle(const struct rt_conf *c, const struct rt_conf_node *esp, struct host_settings *out,
                     char *why)
{
    size_t n = rt_conf_count(esp, "idle_peers");

    for (size_t i = 0; i < n; i++) {
        const struct rt_conf_node *item = rt_conf_item(esp, "idle_peers", i);
        err e = read_hit(c, rt_conf_get(item, "hit"), &out->idle[i].peer, why);
        if (e)
            return e;
        for (size_t k = 0; k < i; k++)
            if (hit_eq(&out->idle[k].peer, &out->idle[i].peer))
                return rt_conf_expected(c, item, why, "each peer only once");
        out->idle[i].us = rt_conf_us(item, "idle");
    }
    out->core.hip.idle = out->idle;
    out->core.hip.n_idle = n;
    return ERR_OK;
}

static err read_auth_only(const struct rt_conf *c, const struct rt_conf_node *esp, struct host_settings *out,
                          char *why)
{
    out->n_auth_only = rt_conf_count(esp, "authentication_only");
    for (size_t i = 0; i < out->n_auth_only; i++) {
        err e = read_hit(c, rt_conf_item(esp, "authentication_only", i), &out->auth_only[i], why);
        if (e)
            return e;
    }
    out->core.hip.auth_only = out->auth_only;
    out->core.hip.n_auth_only = out->n_auth_only;
    return ERR_OK;
}

err host_esp_conf_read(const struct rt_conf *c, struct host_settings *out, char why[RT_CONF_WHY_MAX])
{
    const struct rt_conf_node *esp = rt_conf_map(rt_conf_root(c), "esp");
    err e = read_auth_only(c, esp, out, why);

    if (e == ERR_OK)
        e = read_suites(c, esp, out, why);
    if (e == ERR_OK)
        e = read_idle(c, esp, out, why);
    if (e)
        return e;
    out->rekey = (struct host_data_limits){ .packets = (uint64_t)rt_conf_int(esp, "rekey_packets"),
                                            .octets = (uint64_t)rt_conf_int(esp, "rekey_octets"),
                                            .age_us = rt_conf_us(esp, "rekey_age") };
    out->core.rekey_dh = rt_conf_bool(esp, "rekey_dh");
    out->core.hip.ual_us = rt_conf_us(esp, "idle");
    out->fragment = strcmp(rt_conf_str(esp, "path_mtu"), "fragment") == 0;
    return ERR_OK;
}
