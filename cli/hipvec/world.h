/* SPDX-License-Identifier: Apache-2.0
 *
 * Two HIP engines, and a third one as rendezvous server, with owners that answer as they are configured, in virtual time over links of ten
 * milliseconds that lose nothing. One of the two may be a Forwarding Agent (agent.h) instead. All that is random comes from each party's draws (draws.h), so a script gives the same packets wherever it is run.
 *
 * A world is made of parties; a script's steps are carried out one after the other; `event` is then what arrived, in that order.
 */
#pragma once

#include "cli/hipvec/agent.h"
#include "cli/hipvec/draws.h"
#include "hip/drop.h"
#include "hip/engine.h"
#include "hip/esp/sa.h"
#include "hip/esp/seal.h"

enum who { WHO_I, WHO_R, WHO_RVS, WHO_PARTIES, WHO_X = WHO_PARTIES, WHO_NONE };
const char *who_name(enum who w); /* "I", "R", "RVS", "X", "" */
enum who who_of(const char *name);

struct party_conf {
    uint8_t dh_groups[8];
    uint16_t ciphers[6], esp_suites[6], nat_modes[4]; /* 0 ends */
    uint8_t puzzle_k;
    bool tell; /* NOTIFYs about what was dropped */
    uint64_t r1_counter;
    uint8_t di_type, di_len; /* of the domain identifier in HOST_ID of its I2; HIP_DI_NONE: none */
    uint8_t di[HIP_DI_MAX];
    struct hip_reg_info offer;
    struct hip_reg_list request;
    uint16_t relayed_port; /* a Forwarding Agent: what it relays at; 0: it is none */
};

/* What a party can take, where it is less than a script needs. */
struct party_limits {
    uint32_t associations; /* 0: eight */
    uint32_t r1_per_s;     /* to one source; 0: any number */
    bool full;             /* its list of actions has no room */
    struct agent_limits relay;
};
static inline struct hip_domain_id conf_di(const struct party_conf *c)
{
    return (struct hip_domain_id){ c->di_type, span_of(c->di, c->di_len) };
}
/* false: of no right form (RFC 7401 s5.2.9). */
bool conf_set_di(struct party_conf *c, uint8_t type, struct span v);

#define WORLD_SAS 16

struct world_sa {
    enum who peer;
    bool outbound;
    struct esp_sa *sa; /* owned */
};

struct party {
    bool present;
    struct hip_hi hi; /* owned */
    struct addr addr; /* as it begins */
    struct addr here; /* now */
    struct party_conf conf;
    struct party_limits limits;
    struct draws draws;
    struct env env;
    struct hip_engine *e; /* owned, or agent's */
    struct agent *agent;  /* NULL: no Forwarding Agent; owned */
    struct addr relayed;  /* what such a one gave it */
    struct world_sa sa[WORLD_SAS];
    size_t n_sa;
    uint16_t echoes; /* ESP: echo requests and replies sent */
};

enum step_do {
    DO_CONNECT,
    DO_CONNECT_BOTH,
    DO_CONNECT_OPPORTUNISTIC, /* to the NULL HIT */
    DO_ESP,
    DO_UPDATE,
    DO_UPDATE_BOTH,
    DO_MOVE,
    DO_REKEY,
    DO_REKEY_BOTH,
    DO_REKEY_DH,
    DO_REKEY_DH_BOTH,
    DO_NOTIFY,
    DO_CLOSE,
    DO_CLOSE_BOTH,
    DO_PERMIT, /* ask the data relay to let a peer through (RFC 9028 s4.12.1) */
    DO__COUNT
};
const char *step_name(enum step_do d);
enum step_do step_of(const char *name); /* DO__COUNT: none */

struct step {
    enum step_do what;
    enum who at, to, by;      /* to, by: WHO_NONE where they do not say */
    struct addr addr;         /* DO_MOVE; DO_PERMIT: the peer */
    uint32_t spi_out, spi_in; /* DO_PERMIT */
};

#define WORLD_PACKET_MAX (HIP_PACKET_MAX + 128)

struct outcome {
    int drop; /* hip/drop.h; of ESP at a host: HIP_TAKEN or HIP_DROP_INTERNAL */
    enum hip_state state
        [WHO_PARTIES]; /* [WHO_I], [WHO_R]: of I and R with each other; [WHO_RVS]: of the server with R */
};

struct event {
    enum who from, to;
    bool esp;
    struct hip_path path; /* as the receiver sees it */
    struct span wire;     /* owned by the world */
    struct outcome outcome;
};

/* A packet that comes so many times; what becomes of it is not asked. */
struct burst {
    struct event packet;
    unsigned times;
};

#define BURSTS_MAX 8

/* A packet of somebody's own, and what became of it. */
struct inject {
    enum who to;
    struct hip_path path; /* as the receiver sees it */
    struct span wire;
    bool esp;
    size_t after;                    /* when so many packets have arrived */
    bool instead;                    /* of the next one, which is lost */
    struct burst before[BURSTS_MAX]; /* at once before it */
    size_t n_before;
    bool done;
    struct outcome before_it, outcome;
    uint16_t notify;    /* of the NOTIFY that it made the receiver send; 0: none */
    unsigned acks;      /* UPDATEs with nothing but ACK that it sent at once */
    unsigned answers;   /* other packets */
    struct hip_path on; /* the way that it was relayed; ADDR_NONE: it was not */
    bool
        touched; /* something else of the receiver's association with its peer is not as it was, or of what its relay holds */
};

struct world_flight;

struct world {
    struct party party[WHO_PARTIES];
    bool udp;
    uint64_t now, order;
    struct world_flight *air; /* in the order of arrival; owned */
    struct event *event;
    size_t n_events, cap_events;
    struct inject *inject; /* NULL: none; the caller's */
    const char *failed;    /* first thing that did not go as a script needs it: text */
    struct hip_actions out;
};

struct world *world_new(bool udp);
void world_free(struct world *w);
/* After hi, addr, conf and draws were filled in: its engine. False: w->failed. */
bool world_begin(struct world *w, enum who who);
/* One step, and all that follows from it until nothing is left to happen within half a second. */
bool world_step(struct world *w, const struct step *s);
/* After the last step: what is to be injected behind the last packet. */
void world_end(struct world *w);

/* Who has this HIT; WHO_NONE. */
enum who world_by_hit(const struct world *w, const uint8_t hit[16]);
enum who world_by_addr(const struct world *w, const struct addr *a);
