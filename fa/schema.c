/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fa/schema_hlr.h"
#include "fa/steer.h"
#include "hip/daemon/suites.h"

#define SECOND_US   1000000ll
#define HOUR_US     (3600 * SECOND_US)
#define DAY_US      (24 * HOUR_US)
#define TTL_MAX_S   300 /* docs/sim-binding.md section 6 */
#define RADIUS_PORT 1812
#define RADSEC_PORT 2083
#define DNS_PORT    53
#define ACCT_PORT   1813

static const struct rt_conf_row identity_rows[] = {
    { "file", RT_CONF_PATH, .def = "/var/lib/hipfa/fa/identity.der",
      .doc = "private key, PKCS#8, mode 0600; made on the first start" },
    { "type", RT_CONF_ENUM, .choices = HIPD_IDENTITY_TYPES, .def = "ecdsa-p256",
      .doc = "of a key that is made; dsa (1024 bits) and ecdsa-low are weak; with ecdsa-low, ed25519 and "
             "ed448 there is no binding by SIM" },
    { "say_name", RT_CONF_BOOL, .def = "no",
      .doc = "our name stands beside our identity in R1s (RFC 7401 s5.2.9): whoever sends an I1 reads it" },
    { 0 },
};

static const struct rt_conf_row store_rows[] = {
    { "backend", RT_CONF_ENUM, .choices = "sqlite", .def = "sqlite", .doc = "" },
    { "path", RT_CONF_PATH, .def = "/var/lib/hipfa/fa/bindings.sqlite", .doc = "" },
    { 0 },
};

static const struct rt_conf_row subs_rows[] = {
    { "backend", RT_CONF_ENUM, .choices = "sqlite", .def = "sqlite", .doc = "" },
    { "path", RT_CONF_PATH, .def = "/var/lib/hipfa/fa/subscribers.sqlite", .doc = "" },
    { "hlrs", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = fa_hlr_rows, .max = FA_HLRS_MAX,
      .doc = "where those are looked up that SQLite does not have, by the HLR's control interface" },
    { 0 },
};

static const struct rt_conf_row radsec_rows[] = {
    { "address", RT_CONF_ENDPOINT, RT_CONF_REQUIRED, .port = RADSEC_PORT, .doc = "where it listens",
      .example = "192.0.2.2:2083" },
    { "name", RT_CONF_NAME, .doc = "that its certificate must carry; left out: its address",
      .example = "aaa.operator.example" },
    { "ca", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: whom its certificate must come from",
      .example = "/etc/hipfa/radsec-ca.pem" },
    { "certificate", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: ours, then those that lead to a CA",
      .example = "/etc/hipfa/radsec.pem" },
    { "key", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: its key; only its owner may read it",
      .example = "/etc/hipfa/radsec.key" },
    { 0 },
};

static const struct rt_conf_row realm_rows[] = {
    { "realm", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "of the identities that belong here",
      .example = "wlan.mnc001.mcc001.3gppnetwork.org" },
    { "plmns", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_STR, .min = 1, .max = 8,
      .doc = "MCC and MNC of the IMSIs that may come from here", .example = "\"00101\"" },
    { "servers", RT_CONF_LIST, .item = RT_CONF_ENDPOINT, .port = RADIUS_PORT, .min = 1,
      .max = FA_REALM_SERVERS_MAX,
      .doc = "RADIUS over UDP, best first; the next one is used when one does not answer",
      .example = "192.0.2.2:1812" },
    { "secret_file", RT_CONF_PATH, .doc = "shared secret of `servers`; only its owner may read it",
      .example = "/etc/hipfa/radius.secret" },
    { "radsec", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = radsec_rows, .min = 1, .max = FA_REALM_SERVERS_MAX,
      .doc = "instead of `servers`: RADIUS in TLS 1.2 or 1.3 (RFC 6614), best first" },
    { "methods", RT_CONF_LIST, .item = RT_CONF_ENUM, .choices = "aka-prime|aka|tls", .max = 3,
      .doc = "EAP methods that may bind; left out: aka-prime, and aka where binding.allow_eap_aka says so. "
             "tls: the server names the "
             "subscriber's id in Chargeable-User-Identity" },
    { "trust_eap_identity", RT_CONF_BOOL, .def = "no",
      .doc = "yes only for a server that names no subscriber in Access-Accept" },
    { 0 },
};

static const struct rt_conf_row zone_rows[] = {
    { "domain", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "subscribers' names lie directly below it",
      .example = "operator.example" },
    { "zone", RT_CONF_NAME, .doc = "apex of the zone that holds it; left out: the domain",
      .example = "operator.example" },
    { "primary", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_ENDPOINT, .port = DNS_PORT, .min = 1,
      .max = FA_PRIMARIES_MAX, .doc = "server that takes the updates", .example = "192.0.2.2:53" },
    { "key_name", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "of the TSIG key",
      .example = "fa1.operator.example" },
    { "key_algorithm", RT_CONF_ENUM, .choices = "hmac-sha256|hmac-sha512", .def = "hmac-sha256", .doc = "" },
    { "key_file", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "base64; only its owner may read it",
      .example = "/etc/hipfa/tsig.key" },
    { "ttl", RT_CONF_DURATION, .min = SECOND_US, .max = TTL_MAX_S * SECOND_US, .def = "300s",
      .doc = "of our records" },
    { "own_records", RT_CONF_BOOL, .def = "yes", .doc = "keep A and AAAA of our own name as well" },
    { 0 },
};

static const struct rt_conf_row naming_rows[] = {
    { "reserved", RT_CONF_LIST, .item = RT_CONF_STR, .max = FA_RESERVED_MAX, .doc = "labels that nobody gets",
      .example = "www, mail" },
    { "own_names_only", RT_CONF_BOOL, .def = "no",
      .doc = "only what the subscriber's name or numbers yield" },
    { 0 },
};

static const struct rt_conf_row binding_rows[] = {
    { "lifetime", RT_CONF_DURATION, .min = 60 * SECOND_US, .max = 366 * DAY_US, .def = "30d", .doc = "" },
    { "lifetime_max", RT_CONF_DURATION, .min = 60 * SECOND_US, .max = 366 * DAY_US, .def = "90d",
      .doc = "the longest that a host may ask for" },
    { "reauthenticate", RT_CONF_STR, .max = 32, .def = "never",
      .doc = "never, on-access-change (another access_prefix or /64), or every N hours: when a bound host is "
             "asked for "
             "a new run" },
    { "access_prefix", RT_CONF_INT, .min = 8, .max = 32, .def = "24",
      .doc = "bits of an IPv4 address by which two of them are of one access, for reauthenticate: "
             "on-access-change" },
    { "takeover_hold", RT_CONF_DURATION, .min = 0, .max = 366 * DAY_US, .def = "24h",
      .doc = "a host that asks for the name of another one with the same SIM, without a proof of that one, "
             "waits until "
             "that one was not registered for so long; 0s: it does not wait" },
    { "allow_eap_aka", RT_CONF_BOOL, .def = "no", .doc = "EAP-AKA besides EAP-AKA'" },
    { 0 },
};

static const struct rt_conf_row accounting_rows[] = {
    { "servers", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_ENDPOINT, .port = ACCT_PORT, .min = 1,
      .max = ACCT_SERVERS_MAX, .doc = "RADIUS (RFC 2866); the next one is used when one does not answer",
      .example = "192.0.2.2:1813" },
    { "secret_file", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "shared secret; only its owner may read it",
      .example = "/etc/hipfa/radius.secret" },
    { "interim", RT_CONF_DURATION, .min = 10 * SECOND_US, .max = DAY_US, .def = "10min",
      .doc = "between two Interim-Updates of a session" },
    { "queue_max", RT_CONF_INT, .min = 16, .max = 10000000, .def = "100000",
      .doc =
          "records that wait on disk while no server answers; Interim-Updates go first when there are more" },
    { "path", RT_CONF_PATH, .def = "/var/lib/hipfa/fa/accounting.sqlite", .doc = "the queue" },
    { 0 },
};

#define REG_TYPES "rendezvous|control-relay|data-relay|candidate-discovery"

static const struct rt_conf_row allow_rows[] = {
    { "hit", RT_CONF_STR, RT_CONF_REQUIRED, .max = 45, .doc = "", .example = "\"2001:22::1\"" },
    { "types", RT_CONF_LIST, .item = RT_CONF_ENUM, .choices = REG_TYPES, .max = HIP_REG_TYPES_MAX,
      .doc = "what it may register for; left out: all of these" },
    { 0 },
};

static const struct rt_conf_row registration_rows[] = {
    { "min", RT_CONF_DURATION, .min = SECOND_US, .max = 24 * HOUR_US, .def = "10s",
      .doc = "shortest lifetime" },
    { "max", RT_CONF_DURATION, .min = SECOND_US, .max = 24 * HOUR_US, .def = "1h",
      .doc = "longest lifetime" },
    { "required", RT_CONF_BOOL, .def = "no", .doc = "no association for who asks for no registration" },
    { "by_zone", RT_CONF_BOOL, .def = "no",
      .doc =
          "also hosts that a partner bound: whose HIP record in the domain names us, as the zone's primary "
          "says at each registration" },
    { "allow", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = allow_rows, .max = FA_ALLOW_MAX,
      .doc = "hosts that may register without a SIM" },
    { "ca", RT_CONF_LIST, .item = RT_CONF_PATH, .max = FA_CA_MAX,
      .doc =
          "also hosts that bring an X.509 certificate with their HIT in its subjectAltName, or without a HIT "
          "and of their key (RFC 8002): PEM "
          "files of the CAs that we trust; read once, at the start; revocation lists are not looked at",
      .example = "/etc/hipfa/hosts-ca.pem" },
    { "certificate_types", RT_CONF_LIST, .item = RT_CONF_ENUM, .choices = REG_TYPES, .max = HIP_REG_TYPES_MAX,
      .doc = "what these may register for; left out: all of these" },
    { 0 },
};

static const struct rt_conf_row relay_rows[] = {
    { "control", RT_CONF_BOOL, .def = "yes", .doc = "HIP for hosts behind NATs (RELAY_UDP_HIP)" },
    { "data", RT_CONF_BOOL, .def = "yes", .doc = "ESP for them (RELAY_UDP_ESP)" },
    { "port_first", RT_CONF_INT, .min = 1024, .max = 65535, .def = "20000",
      .doc = "relayed ports are drawn from here" },
    { "port_last", RT_CONF_INT, .min = 1024, .max = 65535, .def = "29999", .doc = "to here" },
    { "ports_per_client", RT_CONF_INT, .min = 1, .max = FA_CLIENT_PORTS_MAX, .def = "4", .doc = "" },
    { "flows_per_client", RT_CONF_INT, .min = 1, .max = FA_CLIENT_FLOWS_MAX, .def = "64",
      .doc = "permissions: peers and SAs" },
    { "flows", RT_CONF_INT, .min = 16, .max = 4000000, .def = "16384", .doc = "permissions of all clients" },
    { "client_kbit", RT_CONF_INT, .min = 0, .max = 100000000, .def = "100000",
      .doc = "kbit/s of ESP for a client, both directions; 0: no limit" },
    { "client_packets", RT_CONF_INT, .min = 0, .max = 100000000, .def = "50000",
      .doc = "packets a second for a client; 0: no limit" },
    { "total_kbit", RT_CONF_INT, .min = 0, .max = 1000000000, .def = "10000000",
      .doc = "kbit/s of ESP for all; 0: no limit" },
    { "i1_per_second", RT_CONF_INT, .min = 1, .max = 1000000, .def = "10",
      .doc = "relayed I1s, by IPv4 address or IPv6 /64" },
    { "i1_per_client", RT_CONF_INT, .min = 1, .max = 1000000, .def = "50",
      .doc = "relayed I1s a second to one client" },
    { "control_per_client", RT_CONF_INT, .min = 1, .max = 1000000, .def = "200",
      .doc = "other HIP packets a second to and from one client" },
    { "forbidden", RT_CONF_LIST, .item = RT_CONF_PREFIX, .max = FA_FORBIDDEN_MAX,
      .doc = "networks that nothing is relayed to: our own", .example = "10.0.0.0/8, \"fd00::/8\"" },
    { 0 },
};

static const struct rt_conf_row limit_rows[] = {
    { "puzzle", RT_CONF_INT, .min = 0, .max = 20, .def = "10",
      .doc = "#K; at least 10 where a SIM binding is offered" },
    { "associations", RT_CONF_INT, .min = 1, .max = 1000000, .def = "16384", .doc = "" },
    { "registrations", RT_CONF_INT, .min = 1, .max = 1000000, .def = "65536", .doc = "" },
    { "runs", RT_CONF_INT, .min = 1, .max = 65536, .def = "4096", .doc = "SIM bindings under way" },
    { "runs_per_source", RT_CONF_INT, .min = 1, .max = 65536, .def = "16",
      .doc = "by IPv4 address or IPv6 /64" },
    { "runs_per_identity", RT_CONF_INT, .min = 1, .max = 65536, .def = "3",
      .doc = "runs of one identity by hosts that are not bound, one after the other without success" },
    { "identity_pause", RT_CONF_DURATION, .min = SECOND_US, .max = DAY_US, .def = "300s",
      .doc = "then one in this time until one succeeds; a host that is bound has a budget of its own" },
    { "new_runs_per_minute", RT_CONF_INT, .min = 1, .max = 65536, .def = "10",
      .doc = "by IPv4 address or IPv6 /64" },
    { "r1_per_second", RT_CONF_INT, .min = 0, .max = 1000000, .def = "100",
      .doc = "by IPv4 address or IPv6 /64; 0: no limit" },
    { "requests_per_second", RT_CONF_INT, .min = 1, .max = 1000000, .def = "100",
      .doc = "to the authentication servers of one realm; a run of EAP-AKA' takes two" },
    { 0 },
};

static const struct rt_conf_row control_rows[] = {
    { "socket", RT_CONF_PATH, .def = "/run/hipfa/hipfad.sock", .doc = "for hipctl" },
    { 0 },
};

static const struct rt_conf_row testing_rows[] = {
    { "key_log", RT_CONF_PATH,
      .doc = "SECRET: every key of HIP and ESP is appended to this file (made with mode 0600), for hipvec "
             "verify "
             "--keys",
      .example = "/run/hipfa/hipfad.keys" },
    { 0 },
};

static const struct rt_conf_row log_rows[] = {
    { "level", RT_CONF_ENUM, .choices = "error|warn|notice|info|debug", .def = "info",
      .doc = "least important line" },
    { "imsi", RT_CONF_ENUM, .choices = "hashed|clear", .def = "hashed", .doc = "subscribers in log lines" },
    { 0 },
};

const struct rt_conf_row fa_schema[] = {
    { "name", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "our own name; its A and AAAA are kept in the zone",
      .example = "fa.operator.example" },
    { "addresses", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_ADDR, .min = 1, .max = FA_ADDRS_MAX,
      .doc = "where we speak HIP (IP protocol 139), and what is published at our name",
      .example = "192.0.2.18, \"2001:db8:20::2\"" },
    { "udp_port", RT_CONF_INT, .min = 0, .max = 65535, .def = "10500",
      .doc = "where we speak HIP and ESP in UDP; 0: not at all" },
    { "partners", RT_CONF_LIST, .item = RT_CONF_NAME, .max = FA_PARTNERS_MAX,
      .doc =
          "other Forwarding Agents of ours at which our hosts register as well, best first: HIP records name "
          "us, then them",
      .example = "fa2.operator.example" },
    { "workers", RT_CONF_STR, .def = "auto", .max = 4,
      .doc = "threads that serve; auto: one for each processor, or 1 to 64" },
    { "identity", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = identity_rows, .doc = "our host identity" },
    { "suites", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = hipd_suite_rows,
      .doc = "what base exchanges may agree on" },
    { "store", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = store_rows,
      .doc = "bindings, names, booking and audit records" },
    { "subscribers", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = subs_rows,
      .doc = "who the subscribers are (hipfad subscriber add)" },
    { "realms", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = realm_rows, .max = FA_REALMS_MAX,
      .doc = "home networks and their authentication servers" },
    { "zone", RT_CONF_MAP, RT_CONF_REQUIRED, .rows = zone_rows, .doc = "where names are published" },
    { "naming", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = naming_rows, .doc = "which names are given" },
    { "binding", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = binding_rows, .doc = "binding by SIM" },
    { "accounting", RT_CONF_MAP, .rows = accounting_rows,
      .doc = "sessions of bound hosts, told to servers that bill them; left out: nobody is told" },
    { "registration", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = registration_rows,
      .doc = "lifetimes that we grant" },
    { "relay", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = relay_rows,
      .doc = "relays for registered hosts, in UDP (RFC 9028)" },
    { "limits", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = limit_rows, .doc = "what strangers may cost us" },
    { "control", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = control_rows, .doc = "control socket" },
    { "hook", RT_CONF_PATH, .max = 107,
      .doc = "UNIX datagram socket of a program of yours that is told of takeovers, moved names, bindings "
             "and alarms, a "
             "line of JSON each; what it is not there for is lost",
      .example = "/run/hipfa/hook.sock" },
    { "log", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = log_rows, .doc = "log, to stderr" },
    { "testing", RT_CONF_MAP, .rows = testing_rows,
      .doc = "never where anybody's traffic is to stay secret" },
    { 0 },
};

/* ---- values ---- */

static uint32_t seconds(const struct rt_conf_node *map, const char *key)
{
    return (uint32_t)(rt_conf_us(map, key) / (uint64_t)SECOND_US);
}

static void copy_name(char out[FA_NAME_MAX], const char *text)
{
    size_t n = text ? strnlen(text, FA_NAME_MAX - 1) : 0;
    if (n)
        memcpy(out, text, n);
    out[n] = 0;
}

static size_t read_addrs(const struct rt_conf_node *map, const char *key, struct addr *out, size_t cap)
{
    size_t n = rt_conf_count(map, key);
    for (size_t i = 0; i < n && i < cap; i++)
        out[i] = *rt_conf_node_addr(rt_conf_item(map, key, i));
    return n < cap ? n : cap;
}

static bool is_plmn(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return s[n] == 0 && (n == 5 || n == 6);
}

/* What is not encrypted must never be what the other kind falls back to. */
static err read_servers(const struct fa_settings *s, const struct rt_conf_node *map,
                        struct fa_realm_servers *v, char *why)
{
    v->n = (uint8_t)read_addrs(map, "servers", v->server, FA_REALM_SERVERS_MAX);
    v->secret_file = rt_conf_str(map, "secret_file");
    for (size_t i = 0; i < rt_conf_count(map, "radsec"); i++) {
        const struct rt_conf_node *n = rt_conf_item(map, "radsec", i);
        v->radsec[v->n_radsec++] = (struct fa_radsec){ .address = *rt_conf_addr(n, "address"),
                                                       .name = rt_conf_str(n, "name"),
                                                       .ca_file = rt_conf_str(n, "ca"),
                                                       .certificate_file = rt_conf_str(n, "certificate"),
                                                       .key_file = rt_conf_str(n, "key") };
    }
    if ((v->n == 0) == (v->n_radsec == 0))
        return rt_conf_expected(s->conf, rt_conf_get(map, "realm"), why, "servers or radsec, one of the two");
    if ((v->n == 0) != (v->secret_file == NULL))
        return rt_conf_expected(s->conf, rt_conf_get(map, "realm"), why,
                                "secret_file with servers, and without them none");
    return ERR_OK;
}

static err read_realm(struct fa_settings *s, const struct rt_conf_node *map, char *why)
{
    struct fa_realm *r = &s->realm[s->n_realms];
    struct fa_realm_servers *v = &s->realm_servers[s->n_realms];
    copy_name(r->realm, rt_conf_str(map, "realm"));
    for (size_t i = 0; i < s->n_realms; i++)
        if (strcmp(s->realm[i].realm, r->realm) == 0)
            return rt_conf_expected(s->conf, rt_conf_get(map, "realm"), why,
                                    "each realm once, \"%s\" is there already", r->realm);
    for (size_t i = 0; i < rt_conf_count(map, "plmns"); i++) {
        const struct rt_conf_node *n = rt_conf_item(map, "plmns", i);
        if (!is_plmn(rt_conf_node_str(n)))
            return rt_conf_expected(s->conf, n, why, "MCC and MNC, 5 or 6 digits, not \"%s\"",
                                    rt_conf_node_str(n));
        memcpy(r->plmn[r->n_plmn++], rt_conf_node_str(n), strlen(rt_conf_node_str(n)) + 1);
    }
    for (size_t i = 0; i < rt_conf_count(map, "methods"); i++) {
        const char *m = rt_conf_node_str(rt_conf_item(map, "methods", i));
        r->methods |= strcmp(m, "tls") == 0   ? FA_METHOD_TLS
                      : strcmp(m, "aka") == 0 ? FA_METHOD_AKA
                                              : FA_METHOD_AKA_PRIME;
    }
    r->trust_eap_identity = rt_conf_bool(map, "trust_eap_identity");
    s->n_realms++;
    return read_servers(s, map, v, why);
}

/* name is zone, or lies below it */
static bool lies_in(const char *name, const char *zone)
{
    size_t n = strlen(name), z = strlen(zone);
    return n >= z && strcmp(name + n - z, zone) == 0 && (n == z || name[n - z - 1] == '.');
}

static err read_zone(struct fa_settings *s, const struct rt_conf_node *root, char *why)
{
    const struct rt_conf_node *z = rt_conf_map(root, "zone");
    copy_name(s->domain, rt_conf_str(z, "domain"));
    copy_name(s->zone, rt_conf_has(z, "zone") ? rt_conf_str(z, "zone") : s->domain);
    s->n_primary = (uint8_t)read_addrs(z, "primary", s->primary, FA_PRIMARIES_MAX);
    s->key_name = rt_conf_str(z, "key_name");
    s->key_algorithm = rt_conf_str(z, "key_algorithm");
    s->key_file = rt_conf_str(z, "key_file");
    s->ttl_s = seconds(z, "ttl");
    s->own_records = rt_conf_bool(z, "own_records");
    if (!lies_in(s->domain, s->zone))
        return rt_conf_expected(s->conf, rt_conf_get(z, "zone"), why, "a zone that holds the domain \"%s\"",
                                s->domain);
    if (s->own_records && !lies_in(s->name, s->zone))
        return rt_conf_expected(s->conf, rt_conf_get(root, "name"), why,
                                "a name in the zone \"%s\" (or own_records: no)", s->zone);
    return ERR_OK;
}

/* Each once, none of them ourselves, and all of them short enough to stand in one record. */
static err read_partners(struct fa_settings *s, const struct rt_conf_node *root, char *why)
{
    size_t wire = strlen(s->name) + 2;
    for (size_t i = 0; i < rt_conf_count(root, "partners"); i++) {
        const struct rt_conf_node *n = rt_conf_item(root, "partners", i);
        const char *name = rt_conf_node_str(n);
        wire += strlen(name) + 2;
        bool twice = strcmp(name, s->name) == 0;
        for (size_t k = 0; k < s->n_partner; k++)
            twice |= strcmp(name, s->partner[k]) == 0;
        if (twice)
            return rt_conf_expected(s->conf, n, why, "the names of other Forwarding Agents, each once");
        if (wire > FA_RVS_WIRE_MAX)
            return rt_conf_expected(s->conf, n, why, "shorter names: a HIP record has room for %d octets",
                                    FA_RVS_WIRE_MAX);
        s->partner[s->n_partner++] = name;
    }
    return ERR_OK;
}

/* Registration types by name (REG_TYPES); none named: all of them. */
static uint8_t read_types(const struct rt_conf_node *map, const char *key, uint8_t out[HIP_REG_TYPES_MAX])
{
    uint8_t n = 0;
    static const struct {
        const char *name;
        uint8_t type;
    } types[] = { { "rendezvous", FA_REG_RENDEZVOUS },
                  { "control-relay", FA_REG_RELAY_HIP },
                  { "data-relay", FA_REG_RELAY_ESP },
                  { "candidate-discovery", FA_REG_DISCOVERY } };
    size_t given = rt_conf_count(map, key);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        bool listed = given == 0;
        for (size_t i = 0; i < given; i++)
            listed |= strcmp(rt_conf_node_str(rt_conf_item(map, key, i)), types[t].name) == 0;
        if (listed)
            out[n++] = types[t].type;
    }
    return n;
}

static err read_allow(struct fa_settings *s, const struct rt_conf_node *map, char *why)
{
    struct fa_allow *a = &s->allow[s->n_allow];
    const struct rt_conf_node *n = rt_conf_get(map, "hit");
    if (hit_parse(rt_conf_node_str(n), &a->hit) != ERR_OK || !hit_is_valid(&a->hit))
        return rt_conf_expected(s->conf, n, why, "a host identity tag (inside 2001:20::/28), not \"%.46s\"",
                                rt_conf_node_str(n));
    a->n = read_types(map, "types", a->type);
    s->n_allow++;
    return ERR_OK;
}

static uint32_t milli(const struct rt_conf_node *map, const char *key)
{
    return (uint32_t)rt_conf_int(map, key) * 1000;
}

static err read_relay(struct fa_settings *s, const struct rt_conf_node *root, char *why)
{
    const struct rt_conf_node *r = rt_conf_map(root, "relay");
    struct fa_relay_config *c = &s->relay;
    c->control = c->discovery = s->udp_port && rt_conf_bool(r, "control");
    c->data = s->udp_port && rt_conf_bool(r, "data");
    c->port_first = (uint16_t)rt_conf_int(r, "port_first");
    c->port_last = (uint16_t)rt_conf_int(r, "port_last");
    if (c->port_last < c->port_first)
        return rt_conf_expected(s->conf, rt_conf_get(r, "port_last"), why, "port_last not below port_first");
    if (s->udp_port >= c->port_first && s->udp_port <= c->port_last)
        return rt_conf_expected(s->conf, rt_conf_get(r, "port_first"), why,
                                "ports without udp_port %u among them", s->udp_port);
    c->table = (struct fa_flows_config){
        .flows = (uint32_t)rt_conf_int(r, "flows"),
        .clients = s->registrations_max,
        .hip_port = s->udp_port,
        .client_bit_s = (uint64_t)rt_conf_int(r, "client_kbit") * 1000,
        .total_bit_s = (uint64_t)rt_conf_int(r, "total_kbit") * 1000,
        .client_packet_s = (uint32_t)rt_conf_int(r, "client_packets"),
    };
    c->n_local = s->n_addr;
    memcpy(c->local, s->addr, sizeof c->local);
    c->ports_per_client = (uint8_t)rt_conf_int(r, "ports_per_client");
    c->flows_per_client = (uint8_t)rt_conf_int(r, "flows_per_client");
    c->i1_per_source_milli = milli(r, "i1_per_second");
    c->i1_per_client_milli = milli(r, "i1_per_client");
    c->control_per_client_milli = milli(r, "control_per_client");
    for (size_t i = 0; i < rt_conf_count(r, "forbidden"); i++) {
        const struct rt_conf_node *n = rt_conf_item(r, "forbidden", i);
        s->forbidden[c->n_forbidden++] =
            (struct fa_prefix){ .net = *rt_conf_node_addr(n), .bits = (uint8_t)rt_conf_node_prefix_len(n) };
    }
    return ERR_OK;
}

void fa_settings_relay(const struct fa_settings *s, struct fa_relay_config *out)
{
    *out = s->relay;
    out->forbidden = s->forbidden;
}

/* never | on-access-change | every N hours */
static err read_reauthenticate(struct fa_settings *s, const struct rt_conf_node *b, char *why)
{
    const char *t = rt_conf_str(b, "reauthenticate");
    unsigned hours = 0;
    char rest[8] = "", more = 0;
    if (strcmp(t, "on-access-change") == 0) {
        s->reauth_on_access = true;
    } else if (strcmp(t, "never") != 0) {
        int n = sscanf(t, "every %4u hour%1[s]%c", &hours, rest, &more);
        bool one = strcmp(t, "every 1 hour") == 0;
        if ((!one && n != 2) || hours < 1 || hours > 8784)
            return rt_conf_expected(s->conf, rt_conf_get(b, "reauthenticate"), why,
                                    "never, on-access-change or every N hours (1 to 8784), not \"%s\"", t);
        s->reauth_s = hours * 3600;
    }
    return ERR_OK;
}

static err read_registration(struct fa_settings *s, const struct rt_conf_node *root, char *why)
{
    const struct rt_conf_node *b = rt_conf_map(root, "binding"), *r = rt_conf_map(root, "registration");
    s->binding_s = seconds(b, "lifetime");
    s->binding_max_s = seconds(b, "lifetime_max");
    s->takeover_hold_s = seconds(b, "takeover_hold");
    s->allow_eap_aka = rt_conf_bool(b, "allow_eap_aka");
    s->access_prefix = (uint8_t)rt_conf_int(b, "access_prefix");
    err bad = read_reauthenticate(s, b, why);
    if (bad != ERR_OK)
        return bad;
    if (s->binding_max_s < s->binding_s)
        return rt_conf_expected(s->conf, rt_conf_get(b, "lifetime_max"), why,
                                "lifetime_max not below lifetime");
    s->reg_required = rt_conf_bool(r, "required");
    s->reg_min_s = seconds(r, "min");
    s->reg_max_s = seconds(r, "max");
    s->by_zone = rt_conf_bool(r, "by_zone");
    if (s->reg_max_s < s->reg_min_s)
        return rt_conf_expected(s->conf, rt_conf_get(r, "max"), why, "max not below min");
    for (size_t i = 0; i < rt_conf_count(r, "ca"); i++)
        s->ca[s->n_ca++] = rt_conf_node_str(rt_conf_item(r, "ca", i));
    s->n_cert_type = read_types(r, "certificate_types", s->cert_type);
    err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < rt_conf_count(r, "allow"); i++)
        e = read_allow(s, rt_conf_item(r, "allow", i), why);
    return e;
}

/* "auto" or a number */
static err read_workers(struct fa_settings *s, const struct rt_conf_node *root, char *why)
{
    const char *text = rt_conf_str(root, "workers");
    char *end;
    if (strcmp(text, "auto") == 0)
        return ERR_OK;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || !isdigit((unsigned char)*text) || n < 1 || n > FA_WORKERS_MAX)
        return rt_conf_expected(s->conf, rt_conf_get(root, "workers"), why, "auto, or 1 to %d workers",
                                FA_WORKERS_MAX);
    s->workers = (unsigned)n;
    return ERR_OK;
}

static err read_identity(struct fa_settings *s, const struct rt_conf_node *root, char why[RT_CONF_WHY_MAX])
{
    const struct rt_conf_node *i = rt_conf_map(root, "identity");
    s->identity_file = rt_conf_str(i, "file");
    s->say_name = rt_conf_bool(i, "say_name");
    s->identity_type = hip_hi_kind_named(rt_conf_str(i, "type"), &s->identity_bits);
    /* docs/sim-binding.md section 1 */
    if (rt_conf_count(root, "realms") && (s->identity_type == SIG_ECDSA_SECP160R1 ||
                                          s->identity_type == SIG_ED25519 || s->identity_type == SIG_ED448))
        return rt_conf_expected(
            s->conf, rt_conf_get(i, "type"), why,
            "rsa, dsa, ecdsa-p256 or ecdsa-p384 beside realms: SIM binding is of HIT suites 1 and 2");
    return ERR_OK;
}

static void read_accounting(struct fa_settings *s, const struct rt_conf_node *root)
{
    const struct rt_conf_node *a = rt_conf_map(root, "accounting");
    if (!a)
        return;
    s->n_acct_server = (uint8_t)read_addrs(a, "servers", s->acct_server, ACCT_SERVERS_MAX);
    s->acct_secret_file = rt_conf_str(a, "secret_file");
    s->acct_path = rt_conf_str(a, "path");
    s->interim_s = seconds(a, "interim");
    s->acct_queue_max = (uint32_t)rt_conf_int(a, "queue_max");
}

static void read_rest(struct fa_settings *s, const struct rt_conf_node *root)
{
    const struct rt_conf_node *n = rt_conf_map(root, "naming"), *l = rt_conf_map(root, "limits");
    s->store_path = rt_conf_str(rt_conf_map(root, "store"), "path");
    s->subs_path = rt_conf_str(rt_conf_map(root, "subscribers"), "path");
    for (size_t i = 0; i < rt_conf_count(n, "reserved") && i < FA_RESERVED_MAX; i++)
        s->reserved[s->n_reserved++] = rt_conf_node_str(rt_conf_item(n, "reserved", i));
    s->own_names_only = rt_conf_bool(n, "own_names_only");
    s->puzzle_k = (uint8_t)rt_conf_int(l, "puzzle");
    s->assoc_max = (uint32_t)rt_conf_int(l, "associations");
    s->registrations_max = (uint32_t)rt_conf_int(l, "registrations");
    s->runs_max = (uint32_t)rt_conf_int(l, "runs");
    s->runs_per_source = (uint32_t)rt_conf_int(l, "runs_per_source");
    s->runs_per_identity = (uint32_t)rt_conf_int(l, "runs_per_identity");
    s->identity_pause_s = seconds(l, "identity_pause");
    s->new_runs_per_minute = (uint32_t)rt_conf_int(l, "new_runs_per_minute");
    s->r1_per_second = (uint32_t)rt_conf_int(l, "r1_per_second");
    s->requests_per_second = (uint32_t)rt_conf_int(l, "requests_per_second");
    s->socket = rt_conf_str(rt_conf_map(root, "control"), "socket");
    s->hook = rt_conf_str(root, "hook");
    s->key_log = rt_conf_str(rt_conf_map(root, "testing"), "key_log");
    s->imsi_clear = strcmp(rt_conf_str(rt_conf_map(root, "log"), "imsi"), "clear") == 0;
    if (log_level_parse(rt_conf_str(rt_conf_map(root, "log"), "level"), &s->level) != ERR_OK)
        s->level = LOG_LV_INFO; /* the schema has only levels that parse */
}

err fa_settings_load(const char *path, struct fa_settings *out, char why[RT_CONF_WHY_MAX])
{
    memset(out, 0, sizeof *out);
    err e = rt_conf_load(path, fa_schema, &out->conf, why);
    if (e != ERR_OK)
        return e;
    const struct rt_conf_node *root = rt_conf_root(out->conf);
    copy_name(out->name, rt_conf_str(root, "name"));
    out->n_addr = (uint8_t)read_addrs(root, "addresses", out->addr, FA_ADDRS_MAX);
    out->udp_port = (uint16_t)rt_conf_int(root, "udp_port");
    e = read_workers(out, root, why);
    if (e == ERR_OK)
        e = read_identity(out, root, why);
    read_rest(out, root);
    read_accounting(out, root);
    for (size_t i = 0; e == ERR_OK && i < rt_conf_count(root, "realms"); i++)
        e = read_realm(out, rt_conf_item(root, "realms", i), why);
    if (e == ERR_OK)
        e = fa_hlrs_read(out, rt_conf_map(root, "subscribers"), why);
    if (e == ERR_OK)
        e = hipd_suites_read(out->conf, rt_conf_map(root, "suites"), &out->suites, why);
    if (e == ERR_OK)
        e = read_zone(out, root, why);
    if (e == ERR_OK)
        e = read_partners(out, root, why);
    if (e == ERR_OK)
        e = read_registration(out, root, why);
    if (e == ERR_OK)
        e = read_relay(out, root, why);
    if (e != ERR_OK)
        fa_settings_done(out);
    return e;
}

void fa_settings_done(struct fa_settings *s)
{
    rt_conf_free(s->conf);
    memset(s, 0, sizeof *s);
}
