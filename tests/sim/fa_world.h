/* SPDX-License-Identifier: Apache-2.0
 *
 * A world for fa/core: one Forwarding Agent engine, mobile nodes that run the whole SIM binding with software cards and can cheat, and what
 * the FA's jobs ask for: authentication server (the real EAP-AKA' server of aka/), subscriber data, binding store and DNS zone in memory, with the
 * semantics of fa/core/job.h, each of which can be slow, silent, failing or lying. One virtual clock, everything random from one seed.
 */
#pragma once

#include "aka/peer.h"
#include "aka/server.h"
#include "aka/usim_card.h"
#include "fa/core/fa.h"
#include "fa/core/naming.h"
#include "hip/bind_key.h"
#include "hip/bind_param.h"

#define FW_MNS      4
#define FW_AIR      1024
#define FW_PORTS    16
#define FW_JOBS     256
#define FW_ROWS     32
#define FW_SUBS     6
#define FW_CONVS    32
#define FW_S        UINT64_C(1000000)
#define FW_SESSIONS 32

struct fw_card {
    char imsi[16];
    struct usim_card m;
    uint64_t sqn; /* the AuC's */
};

enum fw_cheat {
    MN_HONEST,
    MN_BAD_MAC,      /* BIND_MAC wrong in one bit */
    MN_NO_REQUEST,   /* Challenge-Response without BIND_REQUEST */
    MN_MALFORMED,    /* an unknown item below 128, under a good BIND_MAC */
    MN_ATTEMPT,      /* Attempt 2 first */
    MN_NO_MSK,       /* a relay that has the victim's RES, but not the MSK */
    MN_OTHER_HI,     /* a relay that passes on a BIND_MAC made for the victim's own HI */
    MN_REPLAY,       /* the proof of an earlier run under the new identifier */
    MN_BAD_RES,      /* wrong RES */
    MN_ITEM1_GOOD,   /* binds another HI, proven */
    MN_ITEM1_BAD,    /* ... with a proof by its own key */
    MN_ITEM1_LIFTED, /* ... with a proof by that HI, but of another run */
    MN_OLD_ID,       /* answers under an EAP Identifier that is not outstanding */
    MN_REAUTH,       /* subtype 13 */
    MN_NO_EAP,       /* REG_REQUEST{SIM_BINDING} without an identity */
    MN_SILENT,       /* never answers a challenge */
    MN_BOGUS_INNER,  /* BIND_MAC without a request */
    MN_PASSWORD,     /* takes part in whatever method is proposed */
};

struct fw_mn {
    const char *name;
    struct hip_engine *e;
    struct hip_hi hi, other;
    struct addr addr;
    struct fw_card *card;
    struct hip_actions out;
    struct hip_ref ref;

    enum fw_cheat cheat;
    bool allow_aka;     /* EAP-AKA too */
    char identity[128]; /* Response/Identity; "": from the card */
    const char *wanted[4];
    const char *says;     /* its name, in HOST_ID; NULL: none */
    const char *again[4]; /* asked for when a further attempt is possible */
    uint8_t flags;
    const char *secret, *old_secret;       /* 32 characters: items 5 and 7 */
    const struct hip_hi *old, *old_signer; /* item 6: of this HI, signed by that one */
    bool want_sim, want_rvs;
    uint32_t lifetime_s;
    uint8_t reg_code; /* lifetime asked for; 128: 256 s */

    struct aka_peer *peer;
    struct hip_bind_th *th;
    struct hip_bind_keys *keys;
    uint16_t attempt;
    uint8_t sent_mac[32];
    uint8_t proof[EAP_MAX];
    size_t proof_n;

    /* what came */
    bool up, gone, bound_ok, mac_bad, success, eap_failure, granted_sim, granted_rvs, r2_had_eap;
    int status, notice, fail_sim, fail_rvs, notify; /* -1: none */
    unsigned responses, notices, updates, challenges;
    char fqdn[256], reason[128];
    uint32_t bound_s, wait_s;
    unsigned i1_relayed;

    /* relays (addr with a port: exchange in UDP) */
    struct span certs;           /* CERT parameters in I2 */
    uint8_t n_want, want[6];     /* registration types asked for besides */
    struct hip_contents got;     /* of the last R2 or UPDATE with contents; inner empty */
    uint64_t granted;            /* bit for each type below 64 granted, those of lifetime 0 taken off */
    int failed[64];              /* last reason for each type; -1: none */
    struct addr relayed;         /* last RELAYED_ADDRESS of a grant */
    struct addr nat;             /* its NAT shows it there; family ADDR_NONE: there is none */
    bool trust;                  /* hip_relay_trust() when it is up */
    unsigned notes[65536 / 256]; /* NOTIFYs by the high octet of their code */
    uint8_t note_n, note[8];     /* data of the last one, or its beginning */
    unsigned up_count;
    struct hip_ref peer_ref; /* of the last association that is not with the FA */
};

enum fw_as {
    AS_GOOD,
    AS_SILENT,
    AS_DOWN,
    AS_NO_MSK,
    AS_SHORT_MSK,
    AS_OTHER_IMSI,
    AS_NO_IMSI,
    AS_EARLY,
    AS_NO_SUCCESS,
    AS_IDENTITIES, /* asks who it is, and again, and again */
    AS_METHODS,    /* proposes EAP method `proposed` without end */
    AS_PASSWORD,   /* proposes it, and accepts any answer to it */
    AS_RAW         /* says what stands in raw */
};
enum fw_dns {
    DNS_GOOD,
    DNS_SILENT,
    DNS_DOWN,
    DNS_REFUSES,
    DNS_LOST, /* done, but the answer is lost */
    DNS_TWICE /* done, the answer was lost, and the repetition found it in use */
};

struct fw_row {
    struct fa_binding b;
    uint64_t ends_us, seen_us;
};

struct fw_rr {
    char name[FA_NAME_MAX];
    uint16_t n; /* 0: other data */
    uint8_t rdata[FA_RDATA_MAX];
};

struct fw_reserved {
    char name[FA_NAME_MAX], subscriber[FA_ID_MAX];
};

struct fw_conv {
    uint32_t id;
    bool used;
    struct aka_server *s;
};

struct fw_packet {
    uint64_t at_us, order;
    struct hip_path path; /* as the receiver sees it */
    size_t n;
    uint8_t p[HIP_PACKET_MAX];
};

struct fw_job {
    uint64_t at_us, order;
    struct fa_job job;
};

struct fw {
    uint64_t now, seed, rng, order;
    struct env env;
    struct fa_config c;
    struct fa_realm realm[2];
    struct fa_allow allow[2];
    struct fa *fa;
    struct hip_hi fa_hi;
    struct addr fa_addr;
    struct fa_actions *out;
    struct fw_mn mn[FW_MNS];
    size_t n_mn;
    struct addr port[FW_PORTS]; /* relayed ports that are open */
    size_t n_port;
    void (*sent)(struct fw *w, const struct hip_path *path, struct span o); /* told of what the FA sends */
    uint8_t heard[HIP_PACKET_MAX]; /* the last packet that the FA got over the air */
    size_t heard_n;
    uint64_t fa_octets; /* that the FA sent */

    unsigned loss_pm, dup_pm;
    uint64_t delay_us, job_us[FA_JOB__COUNT];
    struct fw_packet *air[FW_AIR];
    size_t n_air;
    struct fw_job *jobs[FW_JOBS];
    size_t n_jobs;

    struct fw_card card[FW_SUBS];
    size_t n_card;
    struct fa_subscriber sub[FW_SUBS];
    size_t n_sub;
    uint64_t epoch[FW_SUBS]; /* of sub[i] */
    struct fw_row row[FW_ROWS];
    size_t n_row;
    uint64_t next_row;
    struct fw_rr zone[FW_ROWS];
    size_t n_zone;
    struct fw_reserved reserved[FW_ROWS];
    size_t n_reserved;
    struct fw_conv conv[FW_CONVS];

    enum fw_as as;
    struct fw_named { /* what Access-Accept names, where a test says so; else the IMSI as CUI */
        const char *imsi, *cui, *user;
    } named;
    uint16_t as_realm; /* of the last request */
    uint8_t as_method; /* EAP type of the home network; 0: AKA' */
    uint8_t proposed;  /* EAP type; 0: MD5 */
    struct span raw;   /* used up from the front */
    enum fw_dns dns;
    bool own_name;
    /* job number `fail_at` (from 1, those with a result) fails without being done; `lose_at` is done and never answered; at `stop_at` the FA
     * dies: done, no answer, and nothing after it */
    unsigned n_done, fail_at, lose_at, stop_at;
    bool stopped;
    void (*before)(struct fw *w, const struct fa_job *j); /* called before a job is done */

    unsigned asked[FA_JOB__COUNT], event[FA_EVENT__COUNT], audits, booked, reg_up, reg_down;
    char last_alarm[FA_TEXT_MAX], last_audit[FA_TEXT_MAX];
    bool suspended[FW_SUBS];
    uint64_t held_row; /* a takeover that was asked for, */
    uint8_t held_hit[16];
    enum fa_hold_says hold_says; /* and what the operator says of it */
    struct fa_tell told;         /* the last FA_ACT_TELL */
    unsigned tells;
    struct span as_user, as_class; /* of Access-Accept, as in struct fa_result */
    uint8_t charged_hit[16];       /* the last FA_JOB_CHARGE */
    struct fa_charge charged;
    struct fa_session session[FW_SESSIONS]; /* FA_ACT_SESSION, as they came */
    size_t n_session;
    bool saw_clear_imsi;
    int drop;
};

struct fw *fw_new(
    uint64_t
        seed); /* FA fa.operator.example at 192.0.2.1, realm of MCC 001 MNC 01, two subscribers; not started */
void fw_free(struct fw *w);
void fw_start(struct fw *w); /* makes the FA of w->c */
/* The FA's process ends at once and another one begins, with the same store and zone. */
void fw_restart(struct fw *w);
struct fw_mn *fw_mn(struct fw *w, const char *name, const char *addr, struct fw_card *card);
void fw_mn_kind(struct fw *w, struct fw_mn *m, enum sig_type t); /* another HI, of this kind */
void fw_mn_x962(struct fw *w, struct fw_mn *m);                  /* its HI gets a leading 0x04 */
void fw_connect(struct fw *w, struct fw_mn *m);
/* An UPDATE with these contents, whatever they are. */
err fw_raw_update(struct fw *w, struct fw_mn *m, const struct hip_contents *c);
/* Another run on the same association. */
void fw_run_again(struct fw *w, struct fw_mn *m);
void fw_unbind(struct fw *w, struct fw_mn *m);
void fw_renew(struct fw *w, struct fw_mn *m);
/* An I1 of somebody else's for the HIT of m, sent to the FA. */
int fw_i1_for(struct fw *w, const struct fw_mn *from, const struct hit *to);
void fw_run(struct fw *w, uint64_t us);
struct fw_rr *fw_zone(struct fw *w, const char *name);
struct fw_rr *fw_zone_put(struct fw *w, const char *name, struct span rdata);
const struct fw_row *fw_row_of(const struct fw *w, const char *name);
size_t fw_rows(const struct fw *w, enum fa_binding_state s);
/* What must hold when everything is quiet: each bound row's record is in the zone, each HIP record in the zone has its row, nothing is open. NULL: it
 * holds; else what does not. */
const char *fw_inconsistent(struct fw *w);
/* These octets reach the FA now, by protocol 139, port 10500 or a relayed port. The drop reason. */
int fw_input(struct fw *w, const struct hip_path *path, struct span o);
bool fw_port_open(const struct fw *w, const struct addr *port);
void fw_act_mn(struct fw *w, struct fw_mn *m); /* carry out m->out */
void fw_act(struct fw *w);                     /* carry out w->out */
