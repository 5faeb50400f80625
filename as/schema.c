/* SPDX-License-Identifier: Apache-2.0 */
#include "as/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aka/pseudonym.h"
#include "as/schema_radsec.h"
#include "as/schema_source.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"

#define SECRET_MAX 256
#define SECRET_MIN \
    6 /* the shortest that anybody should type; docs/sim-binding.md s9 wants 32 random octets beyond one host */

#define METHOD_CHOICES "aka-prime|aka"

static const struct rt_conf_row client_rows[] = {
    { "name", RT_CONF_STR, RT_CONF_REQUIRED, .min = 1, .max = 63, .doc = "for the log and the counters" },
    { "address", RT_CONF_ADDR, .doc = "where its requests over UDP come from", .example = "192.0.2.18" },
    { "certificate", RT_CONF_STR, .min = 1, .max = TLS_NAME_MAX - 1,
      .doc = "name on the certificate that it shows over TLS (radsec), from wherever it comes",
      .example = "fa.operator.example" },
    { "secret_file", RT_CONF_PATH, .example = "/etc/hipfa/radius.secret",
      .doc = "RADIUS secret, with address; only its owner may read it; a final newline does not count" },
    { "nas_identifiers", RT_CONF_LIST, .item = RT_CONF_STR, .max = AS_NAS_MAX,
      .doc = "what NAS-Identifier may say, * for anything: a request that says something else, or nothing, "
             "is refused. HIP: and a "
             "HIT of hits may always stand there. Not given: anything" },
    { "hits", RT_CONF_LIST, .item = RT_CONF_ADDR, .max = AS_HITS_MAX,
      .doc = "HITs of the Forwarding Agents that this client may be: named to the SIM in AT_KDF_INPUT as "
             "HIP:<32 hexadecimal digits>" },
    { "methods", RT_CONF_LIST, .item = RT_CONF_ENUM, .choices = METHOD_CHOICES, .min = 1,
      .max = AKA_METHODS_MAX, .doc = "EAP methods for this client in the place of those below" },
    { 0 },
};

static const struct rt_conf_row identity_rows[] = {
    { "pseudonyms", RT_CONF_BOOL, .def = "yes",
      .doc = "give out pseudonyms: the subscriber under a key, so that nothing of them is stored here" },
    { "pseudonym_key_time", RT_CONF_DURATION, .min = 3600000000, .max = 31536000000000, .def = "30d",
      .doc = "one key makes pseudonyms that long" },
    { "pseudonym_keys", RT_CONF_INT, .min = 1, .max = PSEUDONYM_PERIODS, .def = "12",
      .doc =
          "older keys that still open; an older pseudonym is answered by asking for the permanent identity" },
    { "reauthentications", RT_CONF_INT, .min = 0, .max = 65534, .def = "16",
      .doc = "fast re-authentications in a row before a full one; 0: none. Never for a Forwarding Agent" },
    { "reauthentication_time", RT_CONF_DURATION, .min = 1000000, .max = 86400000000, .def = "1h",
      .doc = "an identity for it is good that long, once; a subscriber that is barred meanwhile is noticed "
             "after it" },
    { "reauthentication_contexts", RT_CONF_INT, .min = 1, .max = 65536, .def = "2048",
      .doc = "kept at a time, in locked memory; the oldest goes first" },
    { 0 },
};

static const struct rt_conf_row testing_rows[] = {
    { "offer_kdf", RT_CONF_INT, .min = 2, .max = 65535,
      .doc = "a key derivation function of AKA' that is offered before the default one, though it is not to "
             "be had: shows "
             "the negotiation of AT_KDF" },
    { 0 },
};

static const struct rt_conf_row store_rows[] = {
    { "path", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "SQLite file with the subscribers" },
    { "key_file", RT_CONF_PATH, RT_CONF_REQUIRED,
      .doc = "K and OPc are encrypted under it; mode 0600; made when neither it nor the store is there" },
    { "imsi_prefixes", RT_CONF_LIST, .item = RT_CONF_STR, .max = AS_PREFIXES_MAX,
      .doc = "IMSIs that are looked up here although an HLR below has a shorter prefix of them; those that "
             "no HLR "
             "has are looked up here in any case" },
    { 0 },
};

static const struct rt_conf_row limit_rows[] = {
    { "conversations", RT_CONF_INT, .min = 1, .max = 65536, .def = "1024", .doc = "open at a time" },
    { "conversation_time", RT_CONF_DURATION, .min = 1000000, .max = 600000000, .def = "60s",
      .doc = "from its first packet to its end" },
    { "duplicate_time", RT_CONF_DURATION, .min = 1000000, .max = 60000000, .def = "10s",
      .doc = "a repeated request is answered from memory that long, while there is room for four requests of "
             "each conversation" },
    { 0 },
};

static const struct rt_conf_row control_rows[] = {
    { "socket", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "UNIX stream socket for hipctl" },
    { 0 },
};

static const struct rt_conf_row log_rows[] = {
    { "level", RT_CONF_ENUM, .def = "info", .choices = "error|warn|notice|info|debug", .doc = "how much" },
    { "imsi", RT_CONF_ENUM, .def = "hashed", .choices = "hashed|clear",
      .doc = "identities of subscribers as keyed hashes, or as they are" },
    { 0 },
};

const struct rt_conf_row as_schema[] = {
    { "listen", RT_CONF_LIST, .item = RT_CONF_ENDPOINT, .min = 1, .max = AS_LISTEN_MAX, .port = 1812,
      .doc = "RADIUS over UDP", .example = "192.0.2.2:1812" },
    { "radsec", RT_CONF_MAP, .rows = as_radsec_rows, .doc = "RADIUS in TLS 1.2 or 1.3 (RFC 6614)" },
    { "clients", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_MAP, .rows = client_rows, .min = 1,
      .max = AS_CLIENTS_MAX, .doc = "who may ask" },
    { "network_name", RT_CONF_STR, .min = 1, .max = AKA_NET_NAME_MAX, .def = "WLAN",
      .doc = "AT_KDF_INPUT for a client that is no Forwarding Agent" },
    { "methods", RT_CONF_LIST, .item = RT_CONF_ENUM, .choices = METHOD_CHOICES, .min = 1,
      .max = AKA_METHODS_MAX,
      .doc =
          "EAP methods, best first; not given: aka-prime. Where aka-prime is one of them each AKA challenge "
          "says that it was to be had (AT_BIDDING)" },
    { "forward_secrecy", RT_CONF_ENUM, .def = "offered", .choices = "offered|required|off",
      .doc = "EAP-AKA' with a Diffie-Hellman exchange (RFC 9678): X25519 or P-256. required: a peer that "
             "does not take part is refused" },
    { "ask_identity", RT_CONF_BOOL, .def = "no",
      .doc = "always ask by AKA-Identity, even when the first identity would do (one round trip more)" },
    { "result_indications", RT_CONF_BOOL, .def = "no",
      .doc = "offer AT_RESULT_IND: a protected word of success before EAP Success, for a peer that wants it "
             "(one "
             "round trip more)" },
    { "identities", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = identity_rows,
      .doc = "what a subscriber is called besides by the IMSI" },
    { "suci_keys", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = as_suci_rows, .max = AS_SUCI_MAX,
      .doc = "keys of the home network for identities that are concealed under them (SUCI)" },
    { "store", RT_CONF_MAP, RT_CONF_REQUIRED, .rows = store_rows, .doc = "the AuC" },
    { "hlrs", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = as_hlr_rows, .max = AS_HLRS_MAX,
      .doc = "HLRs that have the vectors of ranges of IMSIs, by GSUP" },
    { "auc_sockets", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = as_auc_socket_rows, .max = AS_SOCKETS_MAX,
      .doc = "where hostapd asks for vectors (eap_sim_db=unix:PATH)" },
    { "limits", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = limit_rows, .doc = "bounds" },
    { "control", RT_CONF_MAP, RT_CONF_REQUIRED, .rows = control_rows, .doc = "control socket" },
    { "log", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = log_rows, .doc = "the log" },
    { "testing", RT_CONF_MAP, .rows = testing_rows, .doc = "never on a server that anybody depends on" },
    { 0 },
};

static err load_secret(struct as_client *c, const char *path, const struct rt_conf *f,
                       const struct rt_conf_node *n, char *why)
{
    char reason[RT_FILE_WHY_MAX] = "";
    err e = rt_file_read_secret(path, SECRET_MAX, &c->secret, &c->secret_n, reason);
    if (e != ERR_OK)
        return rt_conf_expected(f, n, why, "a secret file: %s", reason);
    while (c->secret_n > 0 && (c->secret[c->secret_n - 1] == '\n' || c->secret[c->secret_n - 1] == '\r'))
        c->secret_n--;
    if (c->secret_n < SECRET_MIN)
        return rt_conf_expected(f, n, why, "a secret of at least %d octets in %s", SECRET_MIN, path);
    return ERR_OK;
}

/* A method twice says nothing. */
static err load_methods(const struct rt_conf *f, const struct rt_conf_node *n, uint8_t out[AKA_METHODS_MAX],
                        char *why)
{
    for (size_t i = 0; i < rt_conf_count(n, "methods"); i++) {
        const struct rt_conf_node *item = rt_conf_item(n, "methods", i);
        uint8_t type = aka_method_of_name(rt_conf_node_str(item))->type;
        if (memchr(out, type, i))
            return rt_conf_expected(f, item, why, "each method once");
        out[i] = type;
    }
    return ERR_OK;
}

static err load_client(struct as_conf *o, size_t i, const struct rt_conf_node *n, char *why)
{
    struct as_client *c = &o->clients[i];
    snprintf(c->name, sizeof c->name, "%s", rt_conf_str(n, "name"));
    err ways = as_client_ways(o, i, n, why);
    if (ways != ERR_OK)
        return ways;
    c->n_hits = rt_conf_count(n, "hits");
    for (size_t j = 0; j < c->n_hits; j++) {
        const struct rt_conf_node *h = rt_conf_item(n, "hits", j);
        c->hits[j] = *rt_conf_node_addr(h);
        if (c->hits[j].family != ADDR_V6)
            return rt_conf_expected(o->file, h, why, "a HIT, written as an IPv6 address");
    }
    c->n_nas = rt_conf_count(n, "nas_identifiers");
    for (size_t j = 0; j < c->n_nas; j++)
        c->nas[j] = rt_conf_node_str(rt_conf_item(n, "nas_identifiers", j));
    memcpy(c->methods, o->methods, sizeof c->methods);
    if (rt_conf_count(n, "methods")) {
        memset(c->methods, 0, sizeof c->methods);
        err e = load_methods(o->file, n, c->methods, why);
        if (e != ERR_OK)
            return e;
    }
    return c->address.family == ADDR_NONE
               ? ERR_OK
               : load_secret(c, rt_conf_str(n, "secret_file"), o->file, rt_conf_get(n, "secret_file"), why);
}

static void load_identities(struct as_conf *o, const struct rt_conf_node *n)
{
    if (rt_conf_bool(n, "pseudonyms"))
        o->pseudonym_us = rt_conf_us(n, "pseudonym_key_time");
    o->pseudonym_periods = (uint32_t)rt_conf_int(n, "pseudonym_keys");
    o->reauth_times = (uint16_t)rt_conf_int(n, "reauthentications");
    o->reauth_us = rt_conf_us(n, "reauthentication_time");
    if (o->reauth_times)
        o->reauth_max = (uint32_t)rt_conf_int(n, "reauthentication_contexts");
}

static err load_suci(struct as_conf *o, const struct rt_conf_node *root, char *why)
{
    for (size_t i = 0; i < rt_conf_count(root, "suci_keys"); i++) {
        const struct rt_conf_node *n = rt_conf_item(root, "suci_keys", i);
        err e = as_suci_load(o->file, n, &o->suci[i], why);
        if (e != ERR_OK)
            return e;
        o->n_suci++;
        for (size_t j = 0; j < i; j++)
            if (o->suci[j].id == o->suci[i].id && o->suci[j].profile == o->suci[i].profile &&
                strcmp(o->suci[j].plmn, o->suci[i].plmn) == 0)
                return rt_conf_expected(o->file, rt_conf_get(n, "id"), why,
                                        "an id that no key above has for this profile and home network");
    }
    return ERR_OK;
}

static err load_all(struct as_conf *o, char *why)
{
    const struct rt_conf_node *root = rt_conf_root(o->file);
    const struct rt_conf_node *store = rt_conf_map(root, "store"), *limits = rt_conf_map(root, "limits"),
                              *log = rt_conf_map(root, "log");
    o->n_listen = rt_conf_count(root, "listen");
    for (size_t i = 0; i < o->n_listen; i++)
        o->listen[i] = *rt_conf_node_addr(rt_conf_item(root, "listen", i));
    o->net_name = rt_conf_str(root, "network_name");
    o->ask_identity = rt_conf_bool(root, "ask_identity");
    o->result_ind = rt_conf_bool(root, "result_indications");
    o->forward_secrecy = strcmp(rt_conf_str(root, "forward_secrecy"), "off") != 0;
    o->fs_required = strcmp(rt_conf_str(root, "forward_secrecy"), "required") == 0;
    load_identities(o, rt_conf_map(root, "identities"));
    o->offer_kdf = (uint16_t)rt_conf_int(rt_conf_map(root, "testing"), "offer_kdf");
    o->store_path = rt_conf_str(store, "path");
    o->key_path = rt_conf_str(store, "key_file");
    o->ctl_path = rt_conf_str(rt_conf_map(root, "control"), "socket");
    o->conversations_max = (uint32_t)rt_conf_int(limits, "conversations");
    o->conversation_us = rt_conf_us(limits, "conversation_time");
    o->duplicate_us = rt_conf_us(limits, "duplicate_time");
    o->imsi_clear = strcmp(rt_conf_str(log, "imsi"), "clear") == 0;
    if (strncmp(o->net_name, "HIP:", 4) ==
        0) /* such a name vouches for a Forwarding Agent: only a client's entry does that */
        return rt_conf_expected(o->file, rt_conf_get(root, "network_name"), why,
                                "a network name that does not begin with HIP:");
    if (o->n_listen == 0 && !rt_conf_has(root, "radsec"))
        return rt_conf_expected(o->file, NULL, why, "listen or radsec, or both");
    err e = log_level_parse(rt_conf_str(log, "level"), &o->log_level);
    if (e == ERR_OK && rt_conf_has(root, "radsec"))
        e = as_radsec_load(o, rt_conf_map(root, "radsec"), why);
    if (e == ERR_OK)
        e = load_methods(o->file, root, o->methods, why);
    if (!o->methods[0])
        o->methods[0] = EAP_TYPE_AKA_PRIME;
    o->n_clients = rt_conf_count(root, "clients");
    o->clients = calloc(o->n_clients, sizeof *o->clients);
    if (!o->clients)
        return ERR_MEMORY;
    for (size_t i = 0; i < o->n_clients && e == ERR_OK; i++)
        e = load_client(o, i, rt_conf_item(root, "clients", i), why);
    if (e == ERR_OK)
        e = load_suci(o, root, why);
    return e == ERR_OK ? as_source_load(o, why) : e;
}

err as_conf_load(const char *path, struct as_conf **out, char *why)
{
    struct as_conf *o = calloc(1, sizeof *o);
    snprintf(why, RT_CONF_WHY_MAX, "out of memory");
    if (!o)
        return ERR_MEMORY;
    err e = rt_conf_load(path, as_schema, &o->file, why);
    if (e == ERR_OK)
        e = load_all(o, why);
    if (e == ERR_OK)
        *out = o;
    else
        as_conf_free(o);
    return e;
}

void as_conf_free(struct as_conf *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->clients && i < c->n_clients; i++)
        sec_free(c->clients[i].secret);
    tls_ctx_free(c->radsec.tls);
    free(c->clients);
    for (size_t i = 0; i < c->n_suci; i++)
        suci_key_done(&c->suci[i]);
    free(c->ranges);
    rt_conf_free(c->file);
    free(c);
}
