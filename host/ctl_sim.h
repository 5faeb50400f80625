/* SPDX-License-Identifier: Apache-2.0
 *
 * Control socket: sim {"show":"imsi"}: readers and the cards in them, the IMSI as a keyed hash unless it is asked for; pin {"pin":..., "reader":...}:
 * a card's PIN, answered when the card has been asked.
 */
#pragma once

#include "common/rt/ctl.h"
#include "host/worker.h"

struct host_ctl_sim {
    struct host_worker *worker;
    struct usim_pcsc *readers; /* NULL: the card is software, or there is none */
    uint8_t key[16];           /* of the hashes, of this process */
};
void host_ctl_sim_init(struct host_ctl_sim *c, struct host_worker *w, const struct env *env,
                       struct usim_pcsc *readers);
/* false: another command. */
bool host_ctl_sim_command(struct host_ctl_sim *c, struct rt_ctl_req *req, const char *cmd,
                          const json_t *args);
