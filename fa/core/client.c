/* SPDX-License-Identifier: Apache-2.0
 * Clients of the control and data relay (RFC 9028): their ports and permissions. */
#include "fa/core/core.h"
#include "hip/drop.h"

err fa_clients_init(struct fa *f)
{
    struct fa_flows_config c = f->c.relay.table;
    f->flows = f->c.relay.flows;
    if (f->flows)
        return ERR_OK;
    if (!f->c.relay.data) /* nothing will stand in it */
        c.flows = c.clients = 1;
    env_random(f->c.env, c.seed, sizeof c.seed);
    f->flows = fa_flows_new(&c);
    f->own_flows = true;
    return f->flows ? ERR_OK : ERR_MEMORY;
}

void fa_clients_done(struct fa *f)
{
    if (f->own_flows)
        fa_flows_free(f->flows);
}

struct fa_flows *fa_flow_table(struct fa *f)
{
    return f->flows;
}

/* No type of the relays is offered yet: there are no clients. */
int fa_relayed_input(struct fa *f, const struct hip_path *path, struct span octets, uint64_t now,
                     struct fa_actions *out)
{
    f->st.not_relayed[HIP_DROP_NOT_REGISTERED]++;
    return HIP_DROP_NOT_REGISTERED;
}

void fa_port_failed(struct fa *f, const struct addr *port, uint64_t now, struct fa_actions *out)
{
}

bool fa_client_next(const struct fa *f, size_t *pos, struct fa_client *out)
{
    return false;
}

bool fa_client_flow(const struct fa *f, const struct hit *client, size_t i, struct fa_flow *out)
{
    return false;
}
