/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/schema_hlr.h"

#include <stdio.h>
#include <string.h>

#define CTRL_PORT 4259
#define HOUR_US   3600000000 /* docs/sim-binding.md s7: an active subscriber is remembered no longer */

const struct rt_conf_row fa_hlr_rows[] = {
    { "name", RT_CONF_STR, RT_CONF_REQUIRED, .min = 1, .max = 63, .doc = "for the log and the counters",
      .example = "home" },
    { "address", RT_CONF_ENDPOINT, RT_CONF_REQUIRED, .port = CTRL_PORT,
      .doc = "its control interface (TCP), on a closed network: it has no authentication",
      .example = "192.0.2.7:4259" },
    { "imsi_prefixes", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_STR, .min = 1,
      .max = FA_HLR_PREFIXES_MAX, .doc = "IMSIs that it has; the longest prefix decides",
      .example = "\"00101\"" },
    { "publish_number", RT_CONF_BOOL, .def = "no",
      .doc = "the MSISDN may be a name, if the host asks for it" },
    { "devices", RT_CONF_INT, .min = 1, .max = 64, .def = "1", .doc = "bound at a time, of one subscriber" },
    { "lifetime_max", RT_CONF_DURATION, .min = 0, .max = 31536000000000, .def = "0s",
      .doc = "of a binding; 0s: as for all" },
    { "request_time", RT_CONF_DURATION, .min = 100000, .max = 5000000, .def = "400ms",
      .doc = "a question that has no answer by then has failed; R2 waits for half a second" },
    { "remember", RT_CONF_DURATION, .min = 0, .max = HOUR_US, .def = "10min",
      .doc = "when it cannot be reached, its last word on a subscriber counts that long" },
    { 0 },
};

static err read_prefixes(struct fa_settings *s, struct fa_hlr *h, const struct rt_conf_node *map, char *why)
{
    for (size_t i = 0; i < rt_conf_count(map, "imsi_prefixes"); i++) {
        const struct rt_conf_node *n = rt_conf_item(map, "imsi_prefixes", i);
        const char *p = rt_conf_node_str(n);
        bool good = *p && strspn(p, "0123456789") == strlen(p) && strlen(p) < FA_IMSI_MAX;
        for (size_t k = 0; good && k <= s->n_hlr; k++)
            for (size_t j = 0; good && j < s->hlr[k].n_prefix; j++)
                good = strcmp(s->hlr[k].prefix[j], p) != 0;
        if (!good)
            return rt_conf_expected(s->conf, n, why, "the first digits of an IMSI, each prefix once");
        snprintf(h->prefix[h->n_prefix++], FA_IMSI_MAX, "%s", p);
    }
    return ERR_OK;
}

err fa_hlrs_read(struct fa_settings *s, const struct rt_conf_node *subscribers, char *why)
{
    err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < rt_conf_count(subscribers, "hlrs"); i++) {
        const struct rt_conf_node *map = rt_conf_item(subscribers, "hlrs", i);
        struct fa_hlr *h = &s->hlr[s->n_hlr];
        snprintf(h->name, sizeof h->name, "%s", rt_conf_str(map, "name"));
        for (size_t k = 0; k < s->n_hlr; k++)
            if (strcmp(s->hlr[k].name, h->name) == 0)
                return rt_conf_expected(s->conf, rt_conf_get(map, "name"), why,
                                        "a name that no HLR above has");
        h->address = *rt_conf_addr(map, "address");
        h->publish_number = rt_conf_bool(map, "publish_number");
        h->devices_max = (uint16_t)rt_conf_int(map, "devices");
        h->lifetime_max_s = (uint32_t)(rt_conf_us(map, "lifetime_max") / 1000000);
        h->request_us = rt_conf_us(map, "request_time");
        h->remember_us = rt_conf_us(map, "remember");
        e = read_prefixes(s, h, map, why);
        s->n_hlr++;
    }
    return e;
}
