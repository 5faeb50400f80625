/* SPDX-License-Identifier: Apache-2.0
 *
 * fa/core in the world of tests/sim/world.h, with what its jobs need: a binding store in memory that keeps to the words of fa/core/job.h, subscriber
 * data, an authentication server, and the world's DNS as the zone. What is in the store and the zone outlives a restart.
 */
#pragma once

#include "fa/core/fa.h"
#include "tests/sim/world.h"

#define W_ROWS 16

struct w_pending {
    bool used;
    uint64_t at_us;
    struct fa_job job;
};

struct w_conv { /* one RADIUS conversation */
    bool used;
    uint8_t state[8];
    struct aka_server *eap;
};

struct w_core {
    struct fa *f;
    struct fa_config c;
    struct fa_realm realm;
    struct hip_hi hi;
    struct fa_actions out;
    uint64_t life; /* restarts: jobs of an earlier life are never answered */

    /* what outlives a restart */
    struct fa_binding row[W_ROWS]; /* id 0: free */
    uint64_t row_end_us[W_ROWS];
    uint64_t next_id, epoch;
    struct fa_subscriber sub[4];
    size_t n_sub;

    struct w_conv conv[8];
    struct w_pending job[64];
    bool as_down, dns_down, db_down, bad_msk;
    int writes_left; /* then the process is gone (-1: never) */
    unsigned writes, booked, audits, alarms, as_asked, dns_asked, relayed, relayed_esp, dropped_esp;
    unsigned events[FA_EVENT__COUNT];
};

struct w_node *w_core_new(struct world *w, const char *name, const char *addr, const char *fqdn);
/* A subscriber of the operator with this card. */
struct fa_subscriber *w_core_subscriber(struct w_node *n, const struct w_card *c, const char *given,
                                        const char *surname);
/* Before it is started: it relays as well (RFC 9028). */
void w_core_relay(struct w_node *n);
void w_core_start(struct world *w, struct w_node *n);
/* The process ends without a word and begins anew. */
void w_core_restart(struct world *w, struct w_node *n);
/* The socket at this relayed address breaks. */
void w_core_port_breaks(struct world *w, struct w_node *n, const struct addr *port);
struct host_fa_conf w_core_conf(const struct w_node *n);
/* The row with this name; NULL: none. */
const struct fa_binding *w_core_row(const struct w_node *n, const char *name);
/* Every name in the zone is a bound row's, and every bound row's record stands in the zone. */
bool w_core_consistent(const struct world *w, const struct w_node *n);
