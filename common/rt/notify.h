/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams to a program of the operator's that listens on a UNIX socket: what a daemon may not do itself (it runs nothing, common/rt/sandbox.h), the
 * program does: mail, SMS, a ticket. Nobody waits for it: what it is not there for is counted and gone. Any thread may send.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

struct rt_notify;

/* path: the program's datagram socket; it need not be there yet. ERR_RANGE: longer than a socket's path may be; ERR_IO, ERR_MEMORY. */
MUST_USE err rt_notify_open(const char *path, struct rt_notify **out);
void rt_notify_close(struct rt_notify *n); /* NULL is fine */
void rt_notify_send(struct rt_notify *n, struct span datagram);
uint64_t rt_notify_lost(const struct rt_notify *n); /* that nobody took */
