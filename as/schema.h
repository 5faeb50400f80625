/* SPDX-License-Identifier: Apache-2.0
 *
 * hipakad's configuration: the schema, and what main() works with. Secrets of the clients are read from their files, into secret memory.
 */
#pragma once

#include <sys/types.h>

#include "aka/akakeys.h"
#include "aka/method.h"
#include "aka/nai.h"
#include "as/suci_conf.h"
#include "common/base/addr.h"
#include "common/base/log.h"
#include "common/crypto/tls.h"
#include "common/rt/conf.h"

#define AS_LISTEN_MAX       8
#define AS_CLIENTS_MAX      256
#define AS_HITS_MAX         64
#define AS_NAS_MAX          16
#define AS_HLRS_MAX         16
#define AS_SOCKETS_MAX      4
#define AS_RADSEC_CONNS_MAX 1024
#define AS_PREFIXES_MAX     64 /* of one HLR, or of the store */

struct as_client {
    char name[64];
    struct addr address; /* port 0: any; family NONE: not over UDP */
    uint8_t *secret;     /* sec_alloc'ed; of UDP */
    size_t secret_n;
    const char *certificate;       /* name on the certificate that it shows over TLS; NULL: not over TLS */
    struct addr hits[AS_HITS_MAX]; /* Forwarding Agents that this client may be, as IPv6 addresses */
    size_t n_hits;
    const char *nas[AS_NAS_MAX]; /* patterns of NAS-Identifier; none: anything */
    size_t n_nas;
    uint8_t methods[AKA_METHODS_MAX]; /* EAP types, best first; 0 ends */
};

/* An HLR that has vectors (as/hlr.h). */
struct as_hlr {
    char name[64];
    struct addr address;
    const char *unit;     /* what we are called there */
    uint8_t vectors;      /* asked for at a time */
    uint32_t outstanding; /* requests that may wait */
    uint32_t cache_max;   /* subscribers of which vectors are kept */
    uint64_t request_us, keepalive_us, cache_us;
};

/* IMSIs that begin with `prefix` are in the HLR of this index, or with -1 in the store. */
struct as_range {
    char prefix[IMSI_MAX + 1];
    int hlr;
};

/* A socket for hostapd's eap_sim_db (as/aucsock.h). */
struct as_auc_socket {
    const char *path;
    bool separated; /* vectors for AKA' */
    mode_t mode;
    bool has_group;
    gid_t group;
};

/* RADIUS in TLS; n_listen 0: none. */
struct as_radsec_conf {
    struct addr listen[AS_LISTEN_MAX];
    size_t n_listen;
    struct tls_ctx *tls;
    size_t connections; /* at a time */
    uint64_t idle_us;
};

struct as_conf {
    struct rt_conf *file;
    struct addr listen[AS_LISTEN_MAX];
    size_t n_listen;
    struct as_radsec_conf radsec;
    struct as_client *clients;
    size_t n_clients;
    const char *net_name;
    bool ask_identity, result_ind;
    bool forward_secrecy, fs_required;
    uint8_t methods[AKA_METHODS_MAX];  /* as of a client */
    uint64_t pseudonym_us;             /* one key serves that long; 0: no pseudonyms */
    uint32_t pseudonym_periods;        /* older keys that still open */
    uint32_t reauth_max;               /* contexts of fast re-authentication; 0: none */
    uint64_t reauth_us;                /* of one */
    uint16_t reauth_times;             /* in a row */
    uint16_t offer_kdf;                /* testing: offered before the default one; 0: nothing */
    struct suci_key suci[AS_SUCI_MAX]; /* keys for concealed identities */
    size_t n_suci;
    const char *store_path, *key_path;
    struct as_hlr hlrs[AS_HLRS_MAX];
    size_t n_hlrs;
    struct as_range *ranges;
    size_t n_ranges;
    struct as_auc_socket sockets[AS_SOCKETS_MAX];
    size_t n_sockets;
    const char *ctl_path;
    uint32_t conversations_max;
    uint64_t conversation_us; /* from its first packet to its end */
    uint64_t duplicate_us;    /* how long an answer is kept for a repeated request */
    enum log_level log_level;
    bool imsi_clear;
};

/* why gets one line for people (RT_CONF_WHY_MAX octets). *out is calloc.ed. The secret files must be readable. ERR_CONFIG, ERR_IO, ERR_MEMORY. */
MUST_USE err as_conf_load(const char *path, struct as_conf **out, char *why);
void as_conf_free(struct as_conf *c); /* wipes; NULL is fine */
extern const struct rt_conf_row as_schema[];
