/* SPDX-License-Identifier: Apache-2.0
 *
 * hipakad's configuration: the schema, and what main() works with. Secrets of the clients are read from their files, into secret memory.
 */
#pragma once

#include "aka/akakeys.h"
#include "aka/method.h"
#include "as/suci_conf.h"
#include "common/base/addr.h"
#include "common/base/log.h"
#include "common/rt/conf.h"

#define AS_LISTEN_MAX  8
#define AS_CLIENTS_MAX 256
#define AS_HITS_MAX    64
#define AS_NAS_MAX     16

struct as_client {
    char name[64];
    struct addr address; /* port 0: any */
    uint8_t *secret;     /* sec_alloc'ed */
    size_t secret_n;
    struct addr hits[AS_HITS_MAX]; /* Forwarding Agents that this client may be, as IPv6 addresses */
    size_t n_hits;
    const char *nas[AS_NAS_MAX]; /* patterns of NAS-Identifier; none: anything */
    size_t n_nas;
    uint8_t methods[AKA_METHODS_MAX]; /* EAP types, best first; 0 ends */
};

struct as_conf {
    struct rt_conf *file;
    struct addr listen[AS_LISTEN_MAX];
    size_t n_listen;
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
