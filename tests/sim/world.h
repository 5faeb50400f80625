/* SPDX-License-Identifier: Apache-2.0
 *
 * A world for host/core: hosts with cards, files, addresses on links, a DNS, and a small Forwarding Agent that can lie; one virtual clock; air
 * that loses, doubles and reorders. Everything random comes from one seed (SEED=n in the environment replays it).
 *
 * ESP goes through the same air under the SAs that the hosts were given, so a test can ask whether a datagram arrives.
 */
#pragma once

#include "aka/pseudonym.h"
#include "aka/server.h"
#include "aka/suci.h"
#include "aka/usim_card.h"
#include "hip/bind_key.h"
#include "hip/bind_param.h"
#include "hip/esp/seal.h"
#include "host/core/host.h"
#include "tests/sim/nat.h"

#define W_NODES 6
#define W_AIR   2048
#define W_NATS  3
#define W_S     UINT64_C(1000000)
#define W_MS    UINT64_C(1000)

struct world;
struct w_core; /* fa/core in this world: tests/sim/core_fa.h */
struct w_node;

/* ---- cards and the home network ---- */

struct w_card {
    struct usim_identity id;
    struct usim_card m;
    err refuses;    /* what it answers to who it is */
    bool gsm;       /* answers in GSM context */
    uint64_t sqn;   /* the AuC's */
    unsigned asked; /* AUTHENTICATE */
};

/* ---- the small FA ---- */

enum w_lie {
    W_HONEST,
    W_BAD_MAC,   /* BIND_MAC of the response wrong */
    W_NO_MAC,    /* missing */
    W_OTHER_HI,  /* item 19 is another key */
    W_OTHER_HIT, /* item 18 begins with another HIT */
    W_ATTEMPT,   /* another Attempt, under a good MAC */
    W_SILENT,    /* no answer to the proof */
    W_NET_NAME,  /* AT_KDF_INPUT names another FA */
    W_NO_201,    /* does not offer SIM binding */
    W_NO_AS,     /* authentication server not reached: REG_FAILED 1 */
    W_LATE,      /* the challenge comes in an UPDATE */
    W_MD5,       /* another method instead of the challenge */
};

struct w_bound {
    struct hit hit;
    struct dnsu_name name;
};

struct w_run {
    bool open;
    struct hit mn;
    struct hip_ref ref;
    struct aka_server *eap;
    struct hip_bind_th *th;
    struct hip_bind_keys *keys;
    uint16_t attempts;
    bool late;
    uint8_t eap_out[EAP_MAX];
    size_t eap_n;
};

struct w_fa {
    struct hip_engine *e;
    struct hip_hi hi, other;
    struct dnsu_name name;
    struct hip_actions out;
    enum w_lie lie;
    uint8_t status; /* of the next BIND_RESPONSEs, while status_n */
    unsigned status_n;
    uint32_t wait_s, lifetime_s, reg_s;
    uint8_t offer_max;         /* lifetime coding in REG_INFO */
    struct hip_reg_list asked; /* the last REG_REQUEST */
    struct w_bound bound[8];   /* outlives a restart */
    size_t n_bound;
    struct w_bound reg[8];
    struct hip_ref reg_ref[8];
    size_t n_reg;
    struct w_run run;
    struct aka_server_config as; /* of the home network, but env, net_name and fs */
    bool no_fs;                  /* it does not offer forward secrecy */
    unsigned fs_runs;            /* runs that ended well with it */
    struct pseudonym_keys names; /* it gives out pseudonyms when period_s is set */
    char said[4][NAI_TEXT_MAX];  /* identities of the run, in order: Response/Identity, AT_IDENTITY */
    size_t n_said;
    bool no_names;        /* it gives out none, and still knows those of before */
    struct suci_key suci; /* it opens SUCIs under this one when profile is set */
    bool strip_prime;     /* somebody between us and the home network answers AKA' with Nak, wanting AKA */
    bool heard_imsi;      /* some run's EAP told us the IMSI */
    unsigned runs, binds, relayed, refreshed;
    bool saw_imsi; /* the IMSI stood in a packet in clear */
    /* Changes what goes into R2 and UPDATEs, BIND_MAC and all already in it; what cannot be sent then is not. */
    void (*twist)(void *ctx, struct hip_contents *c);
    void *twist_ctx;
    struct hip_bind_request last_request;
    size_t last_wanted;
};

/* ---- nodes ---- */

struct w_addr {
    struct addr addr;
    unsigned link, rank;
    bool up;
};

struct w_file {
    char name[HOST_FILE_NAME_MAX];
    uint8_t b[HOST_FILE_MAX];
    size_t n;
};

struct w_sa {
    bool used;
    struct hit peer;
    struct hip_ref ref;
    struct esp_sa *in, *out;
    struct hip_path path;
};

struct w_node {
    const char *name;
    struct w_addr addr[6];
    size_t n_addr;
    bool down; /* neither sends nor receives */
    struct w_fa *fa;
    struct w_core *core;
    const struct w_node_ops *ops; /* neither a host nor the small FA: what it does itself */
    void *own;

    struct host *h;
    struct host_config c;
    struct host_actions out;
    struct hit id; /* zero: none */
    struct w_card *card;
    struct w_file file[6];
    size_t n_file;
    bool disk_full;
    struct w_sa sa[16];
    struct hit queued; /* a datagram waits for this HIT */
    bool waiting;
    unsigned rx, sent, unreachable; /* datagrams */
    uint64_t rx_us;
    unsigned events[16]; /* by enum host_event */
    char text[16][HOST_TEXT_MAX];
    unsigned id_up, id_down;
    unsigned probed; /* PROBED so far, and the last one: */
    err probed_e;
    uint32_t probed_rtt_us;
    struct hip_path probed_path;
    uint64_t ticket; /* of the last RESOLVED */
    err resolved_e;
    size_t resolved_n;
    struct hit resolved[HOST_RESOLVED_MAX];
    unsigned lookups;
};

struct w_name {
    struct dnsu_name name;
    uint8_t rdata[1024];
    size_t rdata_n; /* 0: no HIP record */
    struct addr addr[4];
    size_t n_addr;
    enum dnsu_security security;
    uint32_t ttl;
};

struct w_packet;
struct w_job;

struct world {
    uint64_t now, seed, rng, order, unix_s;
    struct env env;
    unsigned loss_pm, dup_pm, reorder_pm;
    uint64_t delay_us;
    struct w_node node[W_NODES];
    size_t n_node;
    struct w_card *card[4];
    size_t n_card;
    struct w_name dns[8];
    size_t n_dns;
    bool dns_down;
    struct sim_nat nat[W_NATS]; /* what lies inside one is reached only through it */
    size_t n_nat;
    /* true: this packet is lost. As the outside sees it. */
    bool (*lose)(void *ctx, const struct hip_path *path, bool esp);
    void *lose_ctx;
    struct w_packet *air[W_AIR];
    size_t n_air;
    struct w_job *job[256];
    size_t n_job;
};

struct world *w_new(uint64_t seed);
void w_free(struct world *w);
uint64_t w_random(struct world *w);
uint64_t w_seed(uint64_t otherwise);

/* ---- making ---- */
struct host_config w_config(void);
/* Not started yet: addresses first. c->env is set here. */
struct w_node *w_host(struct world *w, const char *name, const struct host_config *c);
void w_start(struct world *w, struct w_node *n);
/* The daemon is stopped hard and started again; files stay. */
void w_restart(struct world *w, struct w_node *n);
struct w_node *w_fa_new(struct world *w, const char *name, const char *addr, const char *fqdn);
/* Everything but the bindings is forgotten; packets meanwhile are lost. */
void w_fa_restart(struct world *w, struct w_node *n);
struct host_fa_conf w_fa_conf(const struct w_node *fa); /* HIT and addresses */
struct w_card *w_card_new(struct world *w, const char *imsi, uint8_t k);

/* Add, or up again; then tell the host. */
void w_addr_up(struct world *w, struct w_node *n, const char *addr, unsigned link, unsigned rank);
void w_addr_down(struct world *w, struct w_node *n, const char *addr);
void w_card_in(struct world *w, struct w_node *n, struct w_card *c);
void w_card_out(struct world *w, struct w_node *n);
struct w_name *w_dns(struct world *w, const char *name);
void w_dns_addr(struct world *w, const char *name, const char *addr);
/* HIP record of this HI; rvs NULL: none. */
void w_dns_hip(struct world *w, const char *name, const struct hip_hi *hi, const char *rvs);

struct sim_nat *w_nat(struct world *w, enum sim_nat_kind mapping, enum sim_nat_kind filtering,
                      const char *outside, const char *prefix, unsigned bits);

/* ---- doing ---- */
void w_run(struct world *w, uint64_t us);
/* Until this is true, at most us. */
bool w_until(struct world *w, uint64_t us, bool (*done)(const struct world *w, void *arg), void *arg);
/* A datagram from one host to the other's HIT; a moment later w_arrived() knows. */
void w_send(struct world *w, struct w_node *from, const struct hit *to);
/* Sends and says whether it arrived within us. */
bool w_ping(struct world *w, struct w_node *from, struct w_node *to, uint64_t us);
/* Traffic to that peer has had no answer for so long. */
void w_silent(struct world *w, struct w_node *n, const struct hit *peer, uint64_t us);
/* What the host knows of this peer. false: nothing. */
bool w_peer(const struct w_node *n, const struct hit *peer, struct host_peer_view *out);
/* One probe; counted in n->probed when it is over. */
void w_probe(struct world *w, struct w_node *n, const struct hit *peer);
void w_resolve(struct world *w, struct w_node *n, const char *name);
void w_jobs_lost(struct world *w); /* jobs on their way are never answered */
struct host_status w_status(const struct world *w, const struct w_node *n);
void w_act(struct world *w, struct w_node *n); /* carry out n->out */
void w_fly(struct world *w, const struct w_node *from, const struct hip_path *path, uint8_t proto,
           struct span octets);

/* ---- nodes of other kinds: the real FA (core_fa.c), attackers ---- */
struct w_node_ops {
    void (*input)(struct world *w, struct w_node *n, const struct hip_path *path, struct span octets);
    void (*esp)(struct world *w, struct w_node *n, const struct hip_path *path,
                struct span octets); /* NULL: none is taken */
    uint64_t (*deadline)(const struct w_node *n);
    void (*fire)(struct world *w, struct w_node *n);
    void (*done)(struct w_node *n);
};

/* ---- the small FA's own part (small_fa.c) ---- */
void w_fa_input(struct world *w, struct w_node *n, const struct hip_path *path, struct span octets);
void w_fa_act(struct world *w, struct w_node *n);
void w_fa_engine(struct world *w, struct w_node *n); /* a new engine with its identity */
void w_fa_done(struct w_fa *f);
void w_fa_notice(struct world *w, struct w_node *n, const struct hit *mn, uint8_t status);
