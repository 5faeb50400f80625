/* SPDX-License-Identifier: Apache-2.0 */
#include "as/schema_source.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/gsup.h"
#include "aka/ipa.h"

#define GSUP_PORT 4222

const struct rt_conf_row as_hlr_rows[] = {
    { "name", RT_CONF_STR, RT_CONF_REQUIRED, .min = 1, .max = 63, .doc = "for the log and the counters" },
    { "address", RT_CONF_ENDPOINT, RT_CONF_REQUIRED, .port = GSUP_PORT,
      .doc = "where it listens for GSUP clients (TCP)" },
    { "unit_name", RT_CONF_STR, .min = 1, .max = IPA_NAME_MAX, .def = "hipakad",
      .doc = "what this server is called there (IPA); another one for each hipakad of the same HLR" },
    { "imsi_prefixes", RT_CONF_LIST, .item = RT_CONF_STR, .max = AS_PREFIXES_MAX,
      .doc = "IMSIs that it has: the longest prefix decides; none given: all that nobody else has" },
    { "vectors", RT_CONF_INT, .min = 1, .max = GSUP_TUPLES_MAX, .def = "3",
      .doc = "asked for at a time; those beyond the first are kept for the subscriber's next runs" },
    { "request_time", RT_CONF_DURATION, .min = 100000, .max = 30000000, .def = "2s",
      .doc = "a request that has no answer by then has failed" },
    { "keepalive", RT_CONF_DURATION, .min = 1000000, .max = 600000000, .def = "10s",
      .doc = "PING after so much silence; five seconds without an answer end the connection" },
    { "cache_time", RT_CONF_DURATION, .min = 0, .max = 3600000000, .def = "60s",
      .doc = "vectors are kept that long; 0s: not at all" },
    { "cache_subscribers", RT_CONF_INT, .min = 1, .max = 65536, .def = "256",
      .doc = "of whom vectors are kept" },
    { "outstanding", RT_CONF_INT, .min = 1, .max = 4096, .def = "128",
      .doc = "requests that may wait for it" },
    { 0 },
};

const struct rt_conf_row as_auc_socket_rows[] = {
    { "path", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "UNIX datagram socket" },
    { "method", RT_CONF_ENUM, .def = "aka-prime", .choices = "aka-prime|aka",
      .doc = "what its askers use the vectors for: with the AMF separation bit or without it. hostapd does "
             "not say" },
    { "mode", RT_CONF_STR, .min = 3, .max = 4, .def = "0600", .doc = "of the socket's file, octal" },
    { "group", RT_CONF_STR, .min = 1, .max = 63,
      .doc = "of the socket's file; without it the one of the process" },
    { 0 },
};

static err add_range(struct as_conf *o, const char *prefix, int hlr, const struct rt_conf_node *at, char *why)
{
    if (strspn(prefix, "0123456789") != strlen(prefix) || strlen(prefix) > IMSI_MAX)
        return rt_conf_expected(o->file, at, why, "the first digits of an IMSI, at most %d", IMSI_MAX);
    for (size_t i = 0; i < o->n_ranges; i++)
        if (strcmp(o->ranges[i].prefix, prefix) == 0)
            return rt_conf_expected(o->file, at, why, "IMSI prefixes that nobody above has");
    struct as_range *r = &o->ranges[o->n_ranges++];
    snprintf(r->prefix, sizeof r->prefix, "%s", prefix);
    r->hlr = hlr;
    return ERR_OK;
}

static err load_ranges(struct as_conf *o, const struct rt_conf_node *map, int hlr, char *why)
{
    size_t n = rt_conf_count(map, "imsi_prefixes");
    err e = ERR_OK;
    if (n == 0 && hlr >= 0)
        return add_range(o, "", hlr, rt_conf_get(map, "name"), why);
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        const struct rt_conf_node *item = rt_conf_item(map, "imsi_prefixes", i);
        e = add_range(o, rt_conf_node_str(item), hlr, item, why);
    }
    return e;
}

static err load_hlr(struct as_conf *o, size_t i, const struct rt_conf_node *n, char *why)
{
    struct as_hlr *h = &o->hlrs[i];
    snprintf(h->name, sizeof h->name, "%s", rt_conf_str(n, "name"));
    h->address = *rt_conf_addr(n, "address");
    h->unit = rt_conf_str(n, "unit_name");
    h->vectors = (uint8_t)rt_conf_int(n, "vectors");
    h->outstanding = (uint32_t)rt_conf_int(n, "outstanding");
    h->cache_max = (uint32_t)rt_conf_int(n, "cache_subscribers");
    h->request_us = rt_conf_us(n, "request_time");
    h->keepalive_us = rt_conf_us(n, "keepalive");
    h->cache_us = rt_conf_us(n, "cache_time");
    if (strspn(h->unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
        strlen(h->unit))
        return rt_conf_expected(o->file, rt_conf_get(n, "unit_name"), why,
                                "letters, digits, '-', '_' and '.'");
    return load_ranges(o, n, (int)i, why);
}

static err load_socket(struct as_conf *o, size_t i, const struct rt_conf_node *n, char *why)
{
    struct as_auc_socket *s = &o->sockets[i];
    const char *mode = rt_conf_str(n, "mode"), *group = rt_conf_str(n, "group");
    char *end;
    unsigned long bits = strtoul(mode, &end, 8);
    s->path = rt_conf_str(n, "path");
    s->separated = strcmp(rt_conf_str(n, "method"), "aka-prime") == 0;
    if (*end || mode[0] == '-' || bits > 0777 ||
        (bits & 0002)) /* who may write to it gets subscribers' vectors */
        return rt_conf_expected(o->file, rt_conf_get(n, "mode"), why,
                                "an octal mode, not writable by everybody");
    s->mode = (mode_t)bits;
    if (group) {
        const struct group *g = getgrnam(group);
        if (!g)
            return rt_conf_expected(o->file, rt_conf_get(n, "group"), why, "a group of this system");
        s->has_group = true;
        s->group = g->gr_gid;
    }
    for (size_t j = 0; j < i; j++)
        if (strcmp(o->sockets[j].path, s->path) == 0)
            return rt_conf_expected(o->file, rt_conf_get(n, "path"), why, "a path that no socket above has");
    return ERR_OK;
}

err as_source_load(struct as_conf *o, char *why)
{
    const struct rt_conf_node *root = rt_conf_root(o->file), *store = rt_conf_map(root, "store");
    size_t n_hlrs = rt_conf_count(root, "hlrs"), n_sockets = rt_conf_count(root, "auc_sockets");
    o->ranges = calloc((n_hlrs + 1) * AS_PREFIXES_MAX, sizeof *o->ranges);
    if (!o->ranges)
        return ERR_MEMORY;
    err e = load_ranges(o, store, -1, why);
    for (; o->n_hlrs < n_hlrs && e == ERR_OK; o->n_hlrs++)
        e = load_hlr(o, o->n_hlrs, rt_conf_item(root, "hlrs", o->n_hlrs), why);
    for (; o->n_sockets < n_sockets && e == ERR_OK; o->n_sockets++)
        e = load_socket(o, o->n_sockets, rt_conf_item(root, "auc_sockets", o->n_sockets), why);
    return e;
}
