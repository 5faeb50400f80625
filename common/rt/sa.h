/* SPDX-License-Identifier: Apache-2.0
 *
 * struct addr and the system's socket addresses.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/addr.h"

/* Fills *out and returns its length, 0 for an address without family. */
socklen_t rt_sa_from_addr(const struct addr *a, struct sockaddr_storage *out);
/* ERR_UNSUPPORTED: neither IPv4 nor IPv6. An IPv4-mapped address becomes IPv4. */
MUST_USE err rt_sa_to_addr(const struct sockaddr *sa, socklen_t len, struct addr *out);
