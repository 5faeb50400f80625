/* SPDX-License-Identifier: Apache-2.0 */
#include "as/schema_radsec.h"

#include <stdlib.h>
#include <strings.h>

#include "common/crypto/secret.h"
#include "common/rt/file.h"

const struct rt_conf_row as_radsec_rows[] = {
    { "listen", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_ENDPOINT, .min = 1, .max = AS_LISTEN_MAX,
      .port = 2083, .doc = "TCP", .example = "192.0.2.2:2083" },
    { "ca", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: whom clients' certificates must come from",
      .example = "/etc/hipfa/radsec-ca.pem" },
    { "certificate", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: ours, then those that lead to a CA",
      .example = "/etc/hipfa/radsec.pem" },
    { "key", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: its key; only its owner may read it",
      .example = "/etc/hipfa/radsec.key" },
    { "connections", RT_CONF_INT, .min = 1, .max = AS_RADSEC_CONNS_MAX, .def = "256",
      .doc = "at a time; when there are more, those that show no certificate make room" },
    { "idle_time", RT_CONF_DURATION, .min = 10000000, .max = 86400000000, .def = "10min",
      .doc = "a connection on which nothing comes for so long is closed" },
    { 0 },
};

err as_client_ways(struct as_conf *o, size_t i, const struct rt_conf_node *n, char *why)
{
    struct as_client *c = &o->clients[i];
    const struct rt_conf_node *name = rt_conf_get(n, "name");
    if (rt_conf_has(n, "address"))
        c->address = *rt_conf_addr(n, "address");
    c->certificate = rt_conf_str(n, "certificate");
    if (rt_conf_has(n, "address") != rt_conf_has(n, "secret_file"))
        return rt_conf_expected(o->file, name, why, "address and secret_file, or neither");
    if (!rt_conf_has(n, "address") && !c->certificate)
        return rt_conf_expected(o->file, name, why,
                                "address and secret_file, or certificate, or all of them");
    for (size_t j = 0; j < i; j++) {
        const struct as_client *k = &o->clients[j];
        if (c->address.family != ADDR_NONE && addr_same_ip(&k->address, &c->address))
            return rt_conf_expected(o->file, rt_conf_get(n, "address"), why,
                                    "an address that no client above has");
        if (c->certificate && k->certificate && strcasecmp(c->certificate, k->certificate) == 0)
            return rt_conf_expected(o->file, rt_conf_get(n, "certificate"), why,
                                    "a certificate that no client above has");
    }
    return ERR_OK;
}

/* One PEM file of radsec. */
static err load_pem(const struct as_conf *o, const struct rt_conf_node *map, const char *key, bool secret,
                    uint8_t **out, struct span *pem, char *why)
{
    char reason[RT_FILE_WHY_MAX] = "";
    size_t n = 0;
    const char *path = rt_conf_str(map, key);
    err e = secret ? rt_file_read_secret(path, TLS_PEM_MAX, out, &n, reason)
                   : rt_file_read(path, TLS_PEM_MAX, out, &n, reason);
    if (e != ERR_OK)
        return rt_conf_expected(o->file, rt_conf_get(map, key), why, "a file in PEM: %s", reason);
    *pem = span_of(*out, n);
    return ERR_OK;
}

err as_radsec_load(struct as_conf *o, const struct rt_conf_node *map, char *why)
{
    struct tls_conf t = { .server = true, .least = TLS_1_2, .most = TLS_1_3 };
    uint8_t *ca = NULL, *certificate = NULL, *key = NULL;
    char reason[TLS_WHY_MAX];
    o->radsec.n_listen = rt_conf_count(map, "listen");
    for (size_t i = 0; i < o->radsec.n_listen; i++)
        o->radsec.listen[i] = *rt_conf_node_addr(rt_conf_item(map, "listen", i));
    o->radsec.connections = (size_t)rt_conf_int(map, "connections");
    o->radsec.idle_us = rt_conf_us(map, "idle_time");
    err e = load_pem(o, map, "ca", false, &ca, &t.ca_pem, why);
    if (e == ERR_OK)
        e = load_pem(o, map, "certificate", false, &certificate, &t.cert_pem, why);
    if (e == ERR_OK)
        e = load_pem(o, map, "key", true, &key, &t.key_pem, why);
    if (e == ERR_OK && tls_ctx_new(&t, &o->radsec.tls, reason) != ERR_OK)
        e = rt_conf_expected(o->file, rt_conf_get(map, "certificate"), why,
                             "certificates and a key that fit together: %s", reason);
    free(ca);
    free(certificate);
    sec_free(key);
    return e;
}
