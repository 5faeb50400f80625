/* SPDX-License-Identifier: Apache-2.0
 *
 * hiphostd's configuration: the schema, and what it says as values of the programs' own types. Everything borrows from the
 * loaded file, which lives as long as the process.
 */
#pragma once

#include "common/rt/conf.h"
#include "host/core/host.h"
#include "host/data.h"
#include "host/login_card.h"
#include "host/usim_pcsc.h"

#define HOST_IFACES_MAX    16
#define HOST_LISTEN_MAX    4
#define HOST_UPSTREAM_MAX  4
#define HOST_ZONES_MAX     8
#define HOST_AUTH_ONLY_MAX 64
#define HOST_IDLE_MAX      64

enum host_sim_conf { HOST_SIM_CONF_NONE, HOST_SIM_CONF_SOFT, HOST_SIM_CONF_PCSC, HOST_SIM_CONF_LOGIN };

struct host_zone_conf {
    const char *zone;
    struct addr server[HOST_UPSTREAM_MAX];
    size_t n_server;
    const char *anchor_file; /* NULL: answers from it are insecure */
};

struct host_settings {
    const char *state; /* folder */
    enum sig_type hi_type;
    unsigned hi_bits;
    bool anonymous;                /* the identity without a SIM */
    struct dnsu_name host_id_name; /* core.hip.di points to it */
    const char *iface[HOST_IFACES_MAX];
    size_t n_iface;
    const char *tun_name;
    unsigned tun_mtu;
    bool lsi; /* for applications that know only IPv4 */
    struct addr lsi_prefix;
    uint8_t lsi_bits;
    bool lsi_options;
    struct host_data_limits rekey;
    struct hit auth_only[HOST_AUTH_ONLY_MAX]; /* RFC 7402 s3.3.5 */
    size_t n_auth_only;
    struct hip_idle idle[HOST_IDLE_MAX]; /* RFC 7402 s3.3.7 */
    bool fragment;                       /* outer IPv4 packets without DF */
    uint16_t udp_port;                   /* 0: any of 49152-65535 */
    enum host_sim_conf sim;
    const char *sim_file;    /* SOFT */
    struct login_conf login; /* LOGIN */
    struct usim_pcsc_conf pcsc;
    struct addr listen[HOST_LISTEN_MAX];
    size_t n_listen; /* 0: no stub resolver */
    struct addr upstream[HOST_UPSTREAM_MAX];
    size_t n_upstream; /* 0: no DNS at all */
    struct host_zone_conf zone[HOST_ZONES_MAX];
    size_t n_zone;
    const char *root_anchor; /* NULL: what is outside the zones above is not validated */
    const char *socket;
    enum log_level level;
    const char *certificate; /* NULL: none */
    const char *key_log;     /* NULL: keys go nowhere */
    struct host_fa_conf fa[HOST_FAS_MAX];
    struct host_peer_conf peer[HOST_STATIC_MAX];
    struct host_config core; /* env and hi are set later; points into this struct */
};

extern const struct rt_conf_row host_schema[];

/* out must stay where it is. ERR_CONFIG with FILE:LINE in why. */
MUST_USE err host_settings_read(const struct rt_conf *c, struct host_settings *out,
                                char why[RT_CONF_WHY_MAX]);
