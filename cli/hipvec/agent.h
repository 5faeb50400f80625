/* SPDX-License-Identifier: Apache-2.0
 *
 * A party of a world that is a Forwarding Agent (fa/core): registrar and data relay (RFC 9028 s4.1, s4.12) for one client, with one relayed port. It has
 * no subscribers; the client may register because its HIT is on the list of those that may.
 */
#pragma once

#include "fa/core/fa.h"

/* What a relay may hold and carry; 0: no limit of its own. */
struct agent_limits {
    uint32_t permissions;     /* flows in its table */
    uint8_t per_client;       /* permissions of one client */
    uint32_t client_packet_s; /* relayed ESP */
    uint64_t client_bit_s, total_bit_s;
};

struct agent_conf {
    struct hip_config hip; /* env as well */
    struct addr addr;
    uint16_t port; /* relayed */
    struct hit client;
    struct agent_limits limits;
};

struct agent;
struct agent *agent_new(const struct agent_conf *c); /* NULL: a suite that is not supported */
void agent_free(struct agent *a);
err agent_identity(struct agent *a, const struct hip_hi *hi, uint64_t r1_counter, uint64_t now);
/* Its associations, to look at. */
struct hip_engine *agent_hip(struct agent *a);
uint64_t agent_deadline(const struct agent *a);
void agent_timeout(struct agent *a, uint64_t now, struct hip_actions *out);

/* What came, HIP or ESP; HIP packets to be sent are appended to `out`. Drop reason: also of a permission that an UPDATE asked for in vain, though the
 * UPDATE itself was taken. *on: the way on of ESP that is relayed, unchanged; else its family is ADDR_NONE. */
int agent_input(struct agent *a, const struct hip_path *path, bool esp, struct span octets, uint64_t now,
                struct hip_actions *out, struct hip_path *on);

/* What the client has of it. */
struct agent_holds {
    uint8_t n_port, n_flow;
    struct addr port[FA_CLIENT_PORTS_MAX];
    struct fa_flow flow[FA_CLIENT_FLOWS_MAX];
};
void agent_look(const struct agent *a, struct agent_holds *out);
bool agent_holds_eq(const struct agent_holds *a, const struct agent_holds *b);
