/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses of this machine HIP may use: kept by netlink, ranked by the configuration's list of interfaces.
 *
 * An address counts once its link is up, has carrier, and has a default route of its family in any table (then packets can leave). Where no
 * address of the family has one, everybody is on the link, and addresses count after a short while without. Link-local addresses, HITs, and the TUN never count.
 */
#pragma once

#include "common/rt/loop.h"
#include "common/rt/netlink.h"
#include "host/core/host.h"

struct host_ifaces;

/* Called from the loop, and from host_ifaces_start(), with all usable addresses whenever the set changed. */
typedef void (*host_ifaces_fn)(void *ctx, const struct host_addr *v, size_t n);

/* names: interfaces or patterns (wlan*, as a shell has them) in order of preference; links of one pattern rank the same; n_names 0: every interface, in the order of their numbers. Copied. */
MUST_USE err host_ifaces_new(struct rt_loop *l, const char *const *names, size_t n_names, host_ifaces_fn fn,
                             void *ctx, struct host_ifaces **out);
void host_ifaces_free(struct host_ifaces *i); /* NULL is fine */
struct rt_netlink *host_ifaces_netlink(struct host_ifaces *i);
/* Look at what there is, from now on without the link `except` (the TUN). */
MUST_USE err host_ifaces_start(struct host_ifaces *i, unsigned except);
/* Best from now on, before the configured order; "" or NULL: the configured order again. ERR_NOT_FOUND: no such interface. */
MUST_USE err host_ifaces_prefer(struct host_ifaces *i, const char *name);
/* Number and name of the link that has this address; 0, "" when none has. */
unsigned host_ifaces_of(const struct host_ifaces *i, const struct addr *a);
const char *host_ifaces_name(const struct host_ifaces *i, unsigned index);
