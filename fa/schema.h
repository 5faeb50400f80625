/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration of hipfad: its keys as a table, and what they say as values.
 */
#pragma once

#include "common/base/log.h"
#include "common/crypto/sig.h"
#include "common/rt/conf.h"
#include "fa/acct.h"
#include "fa/core/fa.h"

#define FA_REALMS_MAX        16
#define FA_REALM_SERVERS_MAX 4
#define FA_ALLOW_MAX         256
#define FA_CA_MAX            16
#define FA_RESERVED_MAX      256
#define FA_PRIMARIES_MAX     4
#define FA_FORBIDDEN_MAX     64
#define FA_PATH_MAX          1024
#define FA_HLRS_MAX          8
#define FA_HLR_PREFIXES_MAX  32

extern const struct rt_conf_row fa_schema[];

/* A server that is spoken to by RADIUS in TLS. */
struct fa_radsec {
    struct addr address;
    const char *name; /* that its certificate carries; NULL: its address */
    const char *ca_file, *certificate_file, *key_file;
};

/* Either kind, best first. */
struct fa_realm_servers {
    uint8_t n;
    struct addr server[FA_REALM_SERVERS_MAX];
    const char *secret_file;
    uint8_t n_radsec;
    struct fa_radsec radsec[FA_REALM_SERVERS_MAX];
};

/* An HLR that has the data of subscribers that SQLite does not have (fa/subs_hlr.h). */
struct fa_hlr {
    char name[64];
    struct addr address;
    size_t n_prefix; /* of IMSIs */
    char prefix[FA_HLR_PREFIXES_MAX][FA_IMSI_MAX];
    bool publish_number;
    uint16_t devices_max;
    uint32_t lifetime_max_s;
    uint64_t request_us, remember_us;
};

/* Borrows texts from the configuration: valid as long as `conf` is, which belongs to it. */
struct fa_settings {
    struct rt_conf *conf;

    char name[FA_NAME_MAX];
    uint8_t n_addr;
    struct addr addr[FA_ADDRS_MAX];
    uint16_t udp_port; /* 0: no UDP */
    unsigned workers;  /* 0: as many as there are processors */

    size_t n_partner;
    const char *partner[FA_PARTNERS_MAX];

    const char *identity_file;
    enum sig_type identity_type;
    unsigned identity_bits;
    bool say_name; /* in HOST_ID of R1s */
    struct hip_config
        suites; /* dh_groups, ciphers, null_encrypt, rsa_bits_min, refuse_dsa, hit_suites alone */

    const char *store_path, *subs_path;
    size_t n_hlr;
    struct fa_hlr hlr[FA_HLRS_MAX];

    size_t n_realms;
    struct fa_realm realm[FA_REALMS_MAX];
    struct fa_realm_servers realm_servers[FA_REALMS_MAX]; /* same index */
    bool allow_eap_aka;

    uint8_t n_acct_server; /* 0: nothing is accounted for */
    struct addr acct_server[ACCT_SERVERS_MAX];
    const char *acct_secret_file, *acct_path;
    uint32_t interim_s, acct_queue_max;

    char domain[FA_NAME_MAX];
    char zone[FA_NAME_MAX]; /* apex of the zone that holds the domain; the domain itself unless configured */
    uint8_t n_primary;
    struct addr primary[FA_PRIMARIES_MAX];
    const char *key_name, *key_algorithm, *key_file;
    uint32_t ttl_s;
    bool own_records; /* keep the FA's own A and AAAA in the zone */

    size_t n_reserved;
    const char *reserved[FA_RESERVED_MAX];
    bool own_names_only;

    uint32_t binding_s, binding_max_s, takeover_hold_s;
    const char *hook; /* NULL: none */
    uint32_t reg_min_s, reg_max_s;
    bool reg_required;
    bool reauth_on_access;
    uint8_t access_prefix; /* bits, IPv4 */
    uint32_t reauth_s;     /* 0: not by time */
    bool by_zone;          /* hosts that a partner bound may register */
    size_t n_allow;
    struct fa_allow allow[FA_ALLOW_MAX];
    size_t n_ca;
    const char *ca[FA_CA_MAX]; /* PEM files */
    uint8_t n_cert_type;
    uint8_t cert_type[HIP_REG_TYPES_MAX];

    struct fa_relay_config relay; /* fa_settings_relay() */
    struct fa_prefix forbidden[FA_FORBIDDEN_MAX];

    uint8_t puzzle_k;
    uint32_t assoc_max, registrations_max, runs_max, runs_per_source, new_runs_per_minute;
    uint32_t runs_per_identity, identity_pause_s;
    uint32_t r1_per_second;       /* and source; 0: no limit */
    uint32_t requests_per_second; /* for each realm */

    const char *socket;
    enum log_level level;
    const char *key_log; /* NULL: keys go nowhere */
    bool imsi_clear;     /* subscribers' ids as they are in the log */
};

/* Reads and checks everything that can be checked without touching the system. why: "FILE:LINE: expected ...". ERR_CONFIG, ERR_IO, ERR_MEMORY. */
MUST_USE err fa_settings_load(const char *path, struct fa_settings *out, char why[RT_CONF_WHY_MAX]);
/* The relays' part of the engine's configuration; borrows from s. */
void fa_settings_relay(const struct fa_settings *s, struct fa_relay_config *out);
void fa_settings_done(struct fa_settings *s);
