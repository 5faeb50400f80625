/* SPDX-License-Identifier: Apache-2.0 */
#include "host/schema.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "hip/daemon/suites.h"
#include "host/esp_conf.h"
#include "host/lsi.h"
#include "host/tun.h"

#define MINUTE_US     60000000ll
#define HOUR_US       (60 * MINUTE_US)
#define DAY_US        (24 * HOUR_US)
#define DNS_PORT      53
#define LINE_MTU      1400 /* with BEET and any suite below 1500 on the wire, over IPv4 and IPv6 */
#define PUZZLE_K      10
#define PUZZLE_K_MAX  20 /* solved on the loop: a fraction of a second */
#define STATIC_ASSOCS 256

static const struct rt_conf_row tun_rows[] = {
    { "name", RT_CONF_STR, .min = 1, .max = 15, .def = "hip0", .doc = "name of the device" },
    { "mtu", RT_CONF_INT, .min = HOST_TUN_MTU_MIN, .max = HOST_TUN_MTU_MAX, .def = "1400",
      .doc = "largest packet between HITs (20 octets less between LSIs); on the wire it is up to 65 octets "
             "longer" },
    { 0 },
};

static const struct rt_conf_row lsi_rows[] = {
    { "use", RT_CONF_BOOL, .def = "yes",
      .doc =
          "applications that know only IPv4 find hosts with a HIP RR at Local Scope Identifiers (RFC 9063)" },
    { "prefix", RT_CONF_PREFIX, .def = "198.19.0.0/16",
      .doc = "what they are taken from, on this host only; the first address is our own; between /8 and /20, "
             "and "
             "nothing that this host reaches otherwise" },
    { "ip_options", RT_CONF_ENUM, .choices = "discard|carry", .def = "discard",
      .doc = "IPv4 options of their packets; carry: to peers that understand next header 94 (RFC 7402 "
             "appendix B)" },
    { 0 },
};

static const struct rt_conf_row udp_rows[] = {
    { "port", RT_CONF_INT, .min = 0, .max = 65535, .def = "10500",
      .doc = "of our UDP sockets; 0, or in use: a random one of 49152-65535" },
    { 0 },
};

static const struct rt_conf_row sim_rows[] = {
    { "kind", RT_CONF_ENUM, .choices = "soft|pcsc", .def = "soft",
      .doc = "soft: a software USIM; pcsc: a card in a reader, through pcscd" },
    { "file", RT_CONF_PATH, .doc = "soft: the card: imsi, k, opc ...; only its owner may read it",
      .example = "/etc/hipfa/usim.yaml" },
    { "readers", RT_CONF_LIST, .item = RT_CONF_STR, .max = HOST_READER_PATTERNS_MAX,
      .doc =
          "pcsc: patterns of readers' names, in order of preference; left out: any. One card is in use at a "
          "time; when it goes, the next one",
      .example = "\"ACS*\"" },
    { "pin_file", RT_CONF_PATH,
      .doc = "pcsc: a PIN in each line, or an ICCID and its PIN; only its owner may read it. Without one: "
             "hipctl pin. Never tried when one try is left",
      .example = "/etc/hipfa/sim.pin" },
    { "mnc_length", RT_CONF_INT, .min = 2, .max = 3,
      .doc = "pcsc: digits of the MNC, for an old card that does not say it", .example = "2" },
    { 0 },
};

static const struct rt_conf_row login_rows[] = {
    { "identity", RT_CONF_STR, RT_CONF_REQUIRED, .min = 3, .max = 200, .doc = "who we are, with the realm",
      .example = "laptop-17@staff.operator.example" },
    { "ca", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: who stands for the authentication server",
      .example = "/etc/hipfa/aaa-ca.pem" },
    { "certificate", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM: ours first, then those that lead to its CA",
      .example = "/etc/hipfa/login.pem" },
    { "key", RT_CONF_PATH, RT_CONF_REQUIRED, .doc = "PEM, without a password; only its owner may read it",
      .example = "/etc/hipfa/login.key" },
    { "server_name", RT_CONF_STR, RT_CONF_REQUIRED, .min = 1, .max = 253,
      .doc = "that the authentication server's certificate must carry", .example = "aaa.operator.example" },
    { 0 },
};

static const struct rt_conf_row fa_rows[] = {
    { "hit", RT_CONF_STR, .max = 45, .doc = "its HIT, which makes it known",
      .example = "\"2001:22:1122:3344:5566:7788:99aa:bbcc\"" },
    { "name", RT_CONF_NAME, .doc = "its domain name", .example = "fa.operator.example" },
    { "addresses", RT_CONF_LIST, .item = RT_CONF_ADDR, .max = HOST_ADDRS_MAX,
      .doc = "where it is; left out: looked up by name", .example = "192.0.2.18" },
    { "network_name", RT_CONF_STR, .max = 64,
      .doc = "accepted from its home network's challenge besides its HIT", .example = "WLAN" },
    { 0 },
};

static const struct rt_conf_row peer_rows[] = {
    { "hit", RT_CONF_STR, RT_CONF_REQUIRED, .max = 45, .doc = "its HIT", .example = "\"2001:22::1\"" },
    { "addresses", RT_CONF_LIST, .item = RT_CONF_ADDR, .max = HOST_ADDRS_MAX,
      .doc = "its addresses, or its rendezvous server's", .example = "192.0.2.50" },
    { "rvs", RT_CONF_NAME, .doc = "name of its rendezvous server, looked up",
      .example = "fa.operator.example" },
    { 0 },
};

static const struct rt_conf_row zone_rows[] = {
    { "zone", RT_CONF_NAME, RT_CONF_REQUIRED, .doc = "its name", .example = "operator.example" },
    { "servers", RT_CONF_LIST, RT_CONF_REQUIRED, .item = RT_CONF_ENDPOINT, .port = DNS_PORT, .min = 1,
      .max = HOST_UPSTREAM_MAX, .doc = "asked directly for it", .example = "192.0.2.2:53" },
    { "anchor_file", RT_CONF_PATH, .doc = "DS or DNSKEY records that its answers are validated from",
      .example = "/etc/hipfa/operator.example.ds" },
    { 0 },
};

static const struct rt_conf_row resolver_rows[] = {
    { "listen", RT_CONF_LIST, .item = RT_CONF_ENDPOINT, .port = DNS_PORT, .max = HOST_LISTEN_MAX,
      .def = "127.0.0.1:53",
      .doc = "for applications: AAAA of a name with a HIP RR is its HIT, A its LSI; []: none" },
    { "upstream", RT_CONF_LIST, .item = RT_CONF_ENDPOINT, .port = DNS_PORT, .max = HOST_UPSTREAM_MAX,
      .doc = "resolvers that are asked for everything else", .example = "192.0.2.2:53" },
    { "zones", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = zone_rows, .max = HOST_ZONES_MAX,
      .doc = "zones whose servers are asked directly" },
    { "root_anchor_file", RT_CONF_PATH, .doc = "trust anchor of the root, for everything outside these zones",
      .example = "/usr/share/dns/root.key" },
    { "require_dnssec", RT_CONF_BOOL, .def = "yes",
      .doc = "a name whose HIP RR is not validated is refused (a bogus one always is)" },
    { 0 },
};

static const struct rt_conf_row suci_rows[] = {
    { "profile", RT_CONF_ENUM, RT_CONF_REQUIRED, .choices = "A|B", .doc = "A: X25519; B: P-256" },
    { "key_id", RT_CONF_INT, RT_CONF_REQUIRED, .min = 0, .max = 255,
      .doc = "the key's number at the home network", .example = "1" },
    { "public_key", RT_CONF_STR, RT_CONF_REQUIRED, .min = 64, .max = 130,
      .doc = "in hexadecimal, as `hipakad suci-key --show` prints it", .example = "5a8d...64 digits" },
    { "routing", RT_CONF_STR, .min = 1, .max = SUCI_RID_MAX, .def = "0",
      .doc = "routing indicator of the home network" },
    { 0 },
};

static const struct rt_conf_row binding_rows[] = {
    { "reveal_imsi", RT_CONF_BOOL, .def = "no", .doc = "also to a Forwarding Agent that is not known" },
    { "allow_eap_aka", RT_CONF_BOOL, .def = "no",
      .doc = "EAP-AKA too, where the home network has no EAP-AKA', and with a known Forwarding Agent only" },
    { "forward_secrecy", RT_CONF_ENUM, .def = "when-offered", .choices = "when-offered|required|off",
      .doc = "a Diffie-Hellman exchange in EAP-AKA' (RFC 9678). required: a home network that does not offer "
             "it is refused" },
    { "suci", RT_CONF_MAP, .rows = suci_rows,
      .doc = "the home network's key: the IMSI is shown under it, to any Forwarding Agent (SUCI, TS 33.501 "
             "Annex C)" },
    { "require", RT_CONF_BOOL, .def = "yes",
      .doc = "use nothing of a Forwarding Agent that does not bind us" },
    { "secret", RT_CONF_BOOL, .def = "yes",
      .doc = "give it a secret that lets us move the name to another HI" },
    { "take_over", RT_CONF_BOOL, .def = "no",
      .doc = "when another host with this SIM has the name and there is no room for a second one, ask for "
             "it; without "
             "that host's secret (hipctl takeover) it is held for a while" },
    { "lifetime", RT_CONF_DURATION, .min = MINUTE_US, .max = 366 * DAY_US,
      .doc = "of a binding, as we ask for it; left out: the Forwarding Agent decides", .example = "30d" },
    { 0 },
};

static const struct rt_conf_row host_id_rows[] = {
    { "name", RT_CONF_STR, .min = 1, .max = HIP_DI_MAX,
      .doc =
          "a domain name, or user@realm, that peers and Forwarding Agents are told, and whoever sends an I1; "
          "what it is worth they have to find out (RFC 7401 s5.2.9)",
      .example = "\"laptop@example.com\"" },
    { "in_clear", RT_CONF_BOOL, .def = "no",
      .doc = "I2 carries our identity where everybody can read it, for firewalls on the way that verify "
             "signatures; else it is encrypted" },
    { 0 },
};

static const struct rt_conf_row control_rows[] = {
    { "socket", RT_CONF_PATH, .def = "/run/hipfa/hiphostd.sock", .doc = "for hipctl" },
    { 0 },
};

static const struct rt_conf_row testing_rows[] = {
    { "key_log", RT_CONF_PATH,
      .doc = "SECRET: every key of HIP and ESP is appended to this file (made with mode 0600), for hipvec "
             "verify "
             "--keys",
      .example = "/run/hipfa/hiphostd.keys" },
    { 0 },
};

static const struct rt_conf_row log_rows[] = {
    { "level", RT_CONF_ENUM, .choices = "error|warn|notice|info|debug", .def = "info",
      .doc = "least important line" },
    { 0 },
};

const struct rt_conf_row host_schema[] = {
    { "state", RT_CONF_PATH, .def = "/var/lib/hipfa/host",
      .doc = "folder of our own HI and of the sealed stores, one for each SIM; mode 0700" },
    { "identity_type", RT_CONF_ENUM, .choices = HIPD_IDENTITY_TYPES, .def = "ecdsa-p256",
      .doc = "of HIs that we make; dsa (1024 bits) and ecdsa-low are weak; ecdsa-low, ed25519 and ed448 are "
             "not bound by a SIM" },
    { "suites", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = hipd_suite_rows,
      .doc = "what base exchanges may agree on" },
    { "interfaces", RT_CONF_LIST, .item = RT_CONF_STR, .max = HOST_IFACES_MAX,
      .doc = "or patterns of them, in order of preference; left out: every interface with a global address",
      .example = "\"wlan*\", umts0" },
    { "tun", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = tun_rows,
      .doc = "device that applications' packets go through" },
    { "lsi", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = lsi_rows, .doc = "IPv4 for applications" },
    { "esp", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = host_esp_rows,
      .doc = "how applications' packets are protected (RFC 7402)" },
    { "nat", RT_CONF_ENUM, .choices = "auto|off|always", .def = "auto",
      .doc = "auto: exchanges are tried over IP protocol 139 and over UDP; off: never over UDP; always: over "
             "UDP alone" },
    { "udp", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = udp_rows, .doc = "HIP and ESP in UDP, through NATs" },
    { "announce_private", RT_CONF_BOOL, .def = "yes",
      .doc = "private addresses of ours are candidates that peers are told, encrypted: two hosts behind one "
             "NAT find each other by them" },
    { "sim", RT_CONF_MAP, .rows = sim_rows, .doc = "leave out for a host without a SIM" },
    { "certificate_login", RT_CONF_MAP, .rows = login_rows,
      .doc = "instead of a SIM: EAP-TLS, at Forwarding Agents whose HIT is known" },
    { "forwarding_agents", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = fa_rows, .max = HOST_FAS_MAX,
      .doc = "who binds us and relays to us, best first; each needs a hit, a name, or addresses" },
    { "find_fa", RT_CONF_BOOL, .def = "yes",
      .doc = "with a SIM and no forwarding_agents: the SIM's home network is asked for one, as "
             "hip-fa.mncMNC.mccMCC.pub.3gppnetwork.org" },
    { "names", RT_CONF_LIST, .item = RT_CONF_NAME, .max = HOST_NAMES_MAX,
      .doc = "what we would like to be called, best first", .example = "matti-virtanen.operator.example" },
    { "label", RT_CONF_STR, .min = 1, .max = 63, .doc = "of this device, shown only", .example = "phone" },
    { "binding", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = binding_rows, .doc = "how we are bound by the SIM" },
    { "resolver", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = resolver_rows, .doc = "names" },
    { "peers", RT_CONF_LIST, .item = RT_CONF_MAP, .rows = peer_rows, .max = HOST_STATIC_MAX,
      .doc = "hosts that are found without the DNS" },
    { "accept", RT_CONF_ENUM, .choices = "any|known|none", .def = "any",
      .doc = "who may connect to us: any host, those configured or looked up, nobody" },
    { "anonymous", RT_CONF_BOOL, .def = "no",
      .doc = "the identity that we have without a SIM is published nowhere: our packets say so, and nobody "
             "is to "
             "keep it" },
    { "refuse_anonymous", RT_CONF_BOOL, .def = "no",
      .doc = "take no association that a host begins whose identity is published nowhere, nor one with such "
             "a host "
             "where we asked for nobody in particular" },
    { "host_id", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = host_id_rows,
      .doc = "what stands beside our identity, and who can read it, where no SIM speaks for us" },
    { "announce_all", RT_CONF_BOOL, .def = "no",
      .doc = "tell peers every address we have, not the preferred one alone" },
    { "registration", RT_CONF_DURATION, .min = 10000000, .max = DAY_US, .def = "10min",
      .doc = "lifetime of a registration, as we ask for it" },
    { "certificate", RT_CONF_PATH,
      .doc =
          "PEM file: an X.509 certificate with the HIT of our identity in its subjectAltName, or without a "
          "HIT "
          "and of our key, then those "
          "that "
          "lead to a CA that Forwarding Agents trust (RFC 8002); goes with registrations that no SIM speaks "
          "for, 1200 octets at most in all; read once, at the start",
      .example = "/etc/hipfa/host.pem" },
    { "control", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = control_rows, .doc = "control socket" },
    { "log", RT_CONF_MAP, RT_CONF_DEFAULTED, .rows = log_rows, .doc = "log, to stderr" },
    { "testing", RT_CONF_MAP, .rows = testing_rows,
      .doc = "never where anybody's traffic is to stay secret" },
    { 0 },
};

/* ---- values ---- */

static err read_hit(const struct rt_conf *c, const struct rt_conf_node *map, struct hit *out, char *why)
{
    const struct rt_conf_node *n = rt_conf_get(map, "hit");

    if (n == NULL)
        return ERR_OK;
    if (hit_parse(rt_conf_node_str(n), out) || !hit_is_valid(out))
        return rt_conf_expected(c, n, why,
                                "hit to be a host identity tag (inside 2001:20::/28), not \"%.46s\"",
                                rt_conf_node_str(n));
    return ERR_OK;
}

static size_t read_addrs(const struct rt_conf_node *map, const char *key, struct addr *out, size_t cap)
{
    size_t n = rt_conf_count(map, key);

    for (size_t i = 0; i < n && i < cap; i++)
        out[i] = *rt_conf_node_addr(rt_conf_item(map, key, i));
    return n < cap ? n : cap;
}

static err read_sim(const struct rt_conf *c, const struct rt_conf_node *m, struct host_settings *s, char *why)
{
    if (m == NULL)
        return ERR_OK;
    s->sim = strcmp(rt_conf_str(m, "kind"), "pcsc") == 0 ? HOST_SIM_CONF_PCSC : HOST_SIM_CONF_SOFT;
    s->sim_file = rt_conf_str(m, "file");
    s->pcsc.n_reader = rt_conf_count(m, "readers");
    for (size_t i = 0; i < s->pcsc.n_reader; i++)
        s->pcsc.reader[i] = rt_conf_node_str(rt_conf_item(m, "readers", i));
    s->pcsc.pin_file = rt_conf_str(m, "pin_file");
    s->pcsc.mnc_length = (uint8_t)rt_conf_int(m, "mnc_length");
    if (s->sim == HOST_SIM_CONF_SOFT && s->sim_file == NULL)
        return rt_conf_expected(c, m, why, "file of the software USIM");
    if (s->sim == HOST_SIM_CONF_SOFT && (s->pcsc.n_reader || s->pcsc.pin_file || s->pcsc.mnc_length))
        return rt_conf_expected(c, m, why, "readers, pin_file and mnc_length only with kind: pcsc");
    if (s->sim == HOST_SIM_CONF_PCSC && s->sim_file != NULL)
        return rt_conf_expected(c, rt_conf_get(m, "file"), why, "no file with kind: pcsc");
    return ERR_OK;
}

static err read_login(const struct rt_conf *c, const struct rt_conf_node *m, struct host_settings *s,
                      char *why)
{
    if (m == NULL)
        return ERR_OK;
    if (s->sim != HOST_SIM_CONF_NONE)
        return rt_conf_expected(c, m, why, "certificate_login or sim, not both");
    s->sim = HOST_SIM_CONF_LOGIN;
    s->login = (struct login_conf){ .identity = rt_conf_str(m, "identity"),
                                    .ca = rt_conf_str(m, "ca"),
                                    .certificate = rt_conf_str(m, "certificate"),
                                    .key = rt_conf_str(m, "key"),
                                    .server_name = rt_conf_str(m, "server_name") };
    if (strchr(s->login.identity, '@') == NULL)
        return rt_conf_expected(c, rt_conf_get(m, "identity"), why, "NAME@REALM");
    return ERR_OK;
}

static err read_fas(const struct rt_conf *c, struct host_settings *s, char *why)
{
    const struct rt_conf_node *root = rt_conf_root(c);
    size_t n = rt_conf_count(root, "forwarding_agents");

    for (size_t i = 0; i < n; i++) {
        const struct rt_conf_node *m = rt_conf_item(root, "forwarding_agents", i);
        struct host_fa_conf *f = &s->fa[i];
        err e = read_hit(c, m, &f->hit, why);
        if (e)
            return e;
        f->name = rt_conf_str(m, "name");
        f->network_name = rt_conf_str(m, "network_name");
        f->n_addr = read_addrs(m, "addresses", f->addr, HOST_ADDRS_MAX);
        if (f->name == NULL && f->n_addr == 0)
            return rt_conf_expected(c, m, why, "a name or addresses of the Forwarding Agent");
    }
    s->core.fa = s->fa;
    s->core.n_fa = n;
    return ERR_OK;
}

static err read_peers(const struct rt_conf *c, struct host_settings *s, char *why)
{
    const struct rt_conf_node *root = rt_conf_root(c);
    size_t n = rt_conf_count(root, "peers");

    for (size_t i = 0; i < n; i++) {
        const struct rt_conf_node *m = rt_conf_item(root, "peers", i);
        struct host_peer_conf *p = &s->peer[i];
        err e = read_hit(c, m, &p->hit, why);
        if (e)
            return e;
        p->rvs = rt_conf_str(m, "rvs");
        p->n_addr = read_addrs(m, "addresses", p->addr, HOST_ADDRS_MAX);
        if (p->rvs == NULL && p->n_addr == 0)
            return rt_conf_expected(c, m, why, "addresses or the rvs of the peer");
        for (size_t j = 0; j < i; j++)
            if (hit_eq(&s->peer[j].hit, &p->hit))
                return rt_conf_expected(c, m, why, "each peer only once");
    }
    s->core.peer = s->peer;
    s->core.n_peer = n;
    return ERR_OK;
}

static void read_resolver(const struct rt_conf_node *m, struct host_settings *s)
{
    s->n_listen = read_addrs(m, "listen", s->listen, HOST_LISTEN_MAX);
    s->n_upstream = read_addrs(m, "upstream", s->upstream, HOST_UPSTREAM_MAX);
    s->root_anchor = rt_conf_str(m, "root_anchor_file");
    s->core.require_dnssec = rt_conf_bool(m, "require_dnssec");
    s->n_zone = rt_conf_count(m, "zones");
    for (size_t i = 0; i < s->n_zone; i++) {
        const struct rt_conf_node *z = rt_conf_item(m, "zones", i);
        s->zone[i].zone = rt_conf_str(z, "zone");
        s->zone[i].anchor_file = rt_conf_str(z, "anchor_file");
        s->zone[i].n_server = read_addrs(z, "servers", s->zone[i].server, HOST_UPSTREAM_MAX);
    }
}

static void read_engine(struct hip_config *h)
{
    h->assoc_max = STATIC_ASSOCS;
    h->tell = true;
    h->puzzle_k = PUZZLE_K;
    h->puzzle_k_max = PUZZLE_K_MAX;
}

static void read_nat(const struct rt_conf_node *root, struct host_settings *s)
{
    const char *nat = rt_conf_str(root, "nat");

    s->udp_port = (uint16_t)rt_conf_int(rt_conf_map(root, "udp"), "port");
    s->core.nat = strcmp(nat, "off") == 0      ? HOST_NAT_OFF
                  : strcmp(nat, "always") == 0 ? HOST_NAT_ALWAYS
                                               : HOST_NAT_AUTO;
    s->core.hide_private = !rt_conf_bool(root, "announce_private");
}

static err read_identity_type(const struct rt_conf *c, struct host_settings *s, char why[RT_CONF_WHY_MAX])
{
    const struct rt_conf_node *root = rt_conf_root(c);

    s->hi_type = hip_hi_kind_named(rt_conf_str(root, "identity_type"), &s->hi_bits);
    s->core.hi_type = s->hi_type;
    s->core.hi_bits = s->hi_bits;
    /* docs/sim-binding.md section 6 */
    if (s->sim != HOST_SIM_CONF_NONE &&
        (s->hi_type == SIG_ECDSA_SECP160R1 || s->hi_type == SIG_ED25519 || s->hi_type == SIG_ED448))
        return rt_conf_expected(
            c, rt_conf_get(root, "identity_type"), why,
            "rsa, dsa, ecdsa-p256 or ecdsa-p384 beside a SIM: only HIT suites 1 and 2 are bound");
    return ERR_OK;
}

/* user@realm, or a domain name. */
static err read_host_id(const struct rt_conf *c, struct host_settings *s, char why[RT_CONF_WHY_MAX])
{
    const struct rt_conf_node *root = rt_conf_root(c), *m = rt_conf_map(root, "host_id");
    const char *name = rt_conf_str(m, "name");
    struct hip_domain_id *di = &s->core.hip.di;
    const char *at;

    s->core.hip.host_id_in_clear = rt_conf_bool(m, "in_clear");
    if (s->sim_file != NULL && (name != NULL || s->core.hip.host_id_in_clear))
        return rt_conf_expected(c, rt_conf_get(root, "host_id"), why,
                                "neither name nor in_clear beside a SIM: what it says is encrypted");
    if (name == NULL)
        return ERR_OK;
    if (s->anonymous)
        return rt_conf_expected(c, rt_conf_get(m, "name"), why, "no name of an anonymous identity");
    at = strrchr(name, '@'); /* RFC 7542 s2.2: the realm is a domain name, too */
    if (dnsu_name_from_text(at != NULL ? at + 1 : name, &s->host_id_name) == ERR_OK)
        *di = at != NULL ? (struct hip_domain_id){ HIP_DI_NAI, span_str(name) }
                         : (struct hip_domain_id){ HIP_DI_FQDN, dnsu_name_span(&s->host_id_name) };
    if (di->type == HIP_DI_NONE || !hip_domain_id_ok(di))
        return rt_conf_expected(c, rt_conf_get(m, "name"), why, "a domain name or user@realm");
    return ERR_OK;
}

static err read_suci(const struct rt_conf *c, const struct rt_conf_node *m, struct suci_home *out, char *why)
{
    uint8_t key[65];
    size_t n = 0;
    const char *hex = rt_conf_str(m, "public_key"), *rid = rt_conf_str(m, "routing");

    if (!m)
        return ERR_OK;
    out->id = (uint8_t)rt_conf_int(m, "key_id");
    snprintf(out->rid, sizeof out->rid, "%s", rid);
    if (strspn(rid, "0123456789") != strlen(rid))
        return rt_conf_expected(c, rt_conf_get(m, "routing"), why, "1 to 4 digits");
    if (hex_decode(hex, strlen(hex), key, sizeof key, &n) != ERR_OK ||
        suci_home_set(out, rt_conf_str(m, "profile")[0] == 'A' ? SUCI_PROFILE_A : SUCI_PROFILE_B,
                      span_of(key, n)) != ERR_OK)
        return rt_conf_expected(c, rt_conf_get(m, "public_key"), why,
                                "a public key of this profile in hexadecimal: 32 octets (A), 33 or 65 (B)");
    return ERR_OK;
}

static void read_binding(const struct rt_conf_node *root, struct host_settings *s)
{
    const struct rt_conf_node *m = rt_conf_map(root, "binding");
    size_t n = rt_conf_count(root, "names");

    for (size_t i = 0; i < n; i++)
        s->core.want[i] = rt_conf_node_str(rt_conf_item(root, "names", i));
    s->core.label = rt_conf_str(root, "label");
    s->core.reveal_imsi = rt_conf_bool(m, "reveal_imsi");
    s->core.allow_eap_aka = rt_conf_bool(m, "allow_eap_aka");
    s->core.no_fs = strcmp(rt_conf_str(m, "forward_secrecy"), "off") == 0;
    s->core.require_fs = strcmp(rt_conf_str(m, "forward_secrecy"), "required") == 0;
    s->core.no_binding_ok = !rt_conf_bool(m, "require");
    s->core.forget_secret = !rt_conf_bool(m, "secret");
    s->core.take_over = rt_conf_bool(m, "take_over");
    s->core.want_lifetime_s = (uint32_t)(rt_conf_us(m, "lifetime") / 1000000);
    s->core.reg_lifetime_s = (uint32_t)(rt_conf_us(root, "registration") / 1000000);
}

static err read_lsi(const struct rt_conf *c, struct host_settings *s, char *why)
{
    const struct rt_conf_node *m = rt_conf_map(rt_conf_root(c), "lsi");
    const struct addr *p = rt_conf_addr(m, "prefix");
    uint32_t behind;

    s->lsi = rt_conf_bool(m, "use");
    s->lsi_options = strcmp(rt_conf_str(m, "ip_options"), "carry") == 0;
    s->lsi_prefix = *p;
    s->lsi_bits = (uint8_t)rt_conf_prefix_len(m, "prefix");
    behind = UINT32_MAX >> (s->lsi_bits < 32 ? s->lsi_bits : 31);
    if (p->family != ADDR_V4 || s->lsi_bits < HOST_LSI_BITS_MIN || s->lsi_bits > HOST_LSI_BITS_MAX ||
        addr_is_multicast(p) || addr_is_loopback(p) || p->ip[0] == 0 ||
        ((uint32_t)p->ip[0] << 24 | (uint32_t)p->ip[1] << 16 | (uint32_t)p->ip[2] << 8 | p->ip[3]) & behind)
        return rt_conf_expected(
            c, rt_conf_get(m, "prefix"), why,
            "an IPv4 prefix of %d to %d bits, no loopback or multicast, with nothing behind it",
            HOST_LSI_BITS_MIN, HOST_LSI_BITS_MAX);
    return ERR_OK;
}

/* A SIM is bound by somebody, who is configured or can be found. */
static err check_found(const struct rt_conf *c, const struct host_settings *s, char *why)
{
    const struct rt_conf_node *root = rt_conf_root(c);

    if (s->sim == HOST_SIM_CONF_NONE || s->core.n_fa != 0)
        return ERR_OK;
    if (!s->core.find_fa)
        return rt_conf_expected(c, rt_conf_get(root, "sim"), why,
                                "forwarding_agents beside a SIM, or find_fa: somebody to be bound by");
    if (s->n_upstream == 0 && s->n_zone == 0)
        return rt_conf_expected(c, rt_conf_get(root, "sim"), why,
                                "forwarding_agents beside a SIM, or resolver.upstream to find one by");
    return ERR_OK;
}

err host_settings_read(const struct rt_conf *c, struct host_settings *out, char why[RT_CONF_WHY_MAX])
{
    const struct rt_conf_node *root = rt_conf_root(c), *tun = rt_conf_map(root, "tun");
    const char *accept = rt_conf_str(root, "accept");
    err e;

    memset(out, 0, sizeof(*out));
    out->state = rt_conf_str(root, "state");
    out->n_iface = rt_conf_count(root, "interfaces");
    for (size_t i = 0; i < out->n_iface; i++)
        out->iface[i] = rt_conf_node_str(rt_conf_item(root, "interfaces", i));
    out->tun_name = rt_conf_str(tun, "name");
    out->tun_mtu = (unsigned)rt_conf_int(tun, "mtu");
    e = read_sim(c, rt_conf_map(root, "sim"), out, why);
    if (e == ERR_OK)
        e = read_login(c, rt_conf_map(root, "certificate_login"), out, why);
    if (e == ERR_OK)
        e = read_lsi(c, out, why);
    if (e == ERR_OK)
        e = read_fas(c, out, why);
    if (e == ERR_OK)
        e = read_peers(c, out, why);
    if (e == ERR_OK)
        e = read_identity_type(c, out, why);
    if (e == ERR_OK)
        e = hipd_suites_read(c, rt_conf_map(root, "suites"), &out->core.hip, why);
    if (e)
        return e;
    read_resolver(rt_conf_map(root, "resolver"), out);
    out->core.find_fa = rt_conf_bool(root, "find_fa");
    e = check_found(c, out, why);
    if (e)
        return e;
    out->anonymous = rt_conf_bool(root, "anonymous");
    if (out->anonymous && out->sim != HOST_SIM_CONF_NONE)
        return rt_conf_expected(c, rt_conf_get(root, "anonymous"), why,
                                "no beside a SIM: the identity of a SIM is bound to a name");
    read_binding(root, out);
    e = read_suci(c, rt_conf_map(rt_conf_map(root, "binding"), "suci"), &out->core.suci, why);
    if (e)
        return e;
    read_engine(&out->core.hip);
    e = read_host_id(c, out, why);
    if (e == ERR_OK)
        e = host_esp_conf_read(c, out, why);
    if (e)
        return e;
    read_nat(root, out);
    out->core.announce_all = rt_conf_bool(root, "announce_all");
    out->anonymous = rt_conf_bool(root, "anonymous");
    out->core.hip.refuse_anonymous = rt_conf_bool(root, "refuse_anonymous");
    out->core.accept = strcmp(accept, "any") == 0     ? HOST_ACCEPT_ANY
                       : strcmp(accept, "known") == 0 ? HOST_ACCEPT_KNOWN
                                                      : HOST_ACCEPT_NONE;
    out->socket = rt_conf_str(rt_conf_map(root, "control"), "socket");
    out->certificate = rt_conf_str(root, "certificate");
    out->key_log = rt_conf_str(rt_conf_map(root, "testing"), "key_log");
    return log_level_parse(rt_conf_str(rt_conf_map(root, "log"), "level"), &out->level);
}
