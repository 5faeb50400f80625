/* SPDX-License-Identifier: Apache-2.0
 *
 * Control socket: UNIX stream, mode 0600, one JSON object a line. Request {"cmd":"status", ...}; answer
 * {"ok":true, ...} or {"ok":false,"error":"..."}. A request may be answered later (a look-up, a thread's job);
 * answers of one connection go out in the order in which they are given. Bounds: a line, the connections, the open
 * requests and the unread output of a connection; who exceeds one is told if possible and cut off.
 */
#pragma once

#include <jansson.h>

#include "common/rt/loop.h"

#define RT_CTL_LINE_MAX     16384                     /* request */
#define RT_CTL_REPLY_MAX    ((size_t)8 * 1024 * 1024) /* answer, and output a client has not read */
#define RT_CTL_CLIENTS_MAX  32
#define RT_CTL_REQUESTS_MAX 16 /* open ones of a connection */

struct rt_ctl;
struct rt_ctl_req; /* one request that waits for its answer */

/* cmd is the request's "cmd"; args is the whole object, borrowed until it returns. The request must be answered exactly
 * once, inside or later, with rt_ctl_reply or rt_ctl_error, also when its client has gone meanwhile. */
typedef void (*rt_ctl_fn)(void *ctx, struct rt_ctl_req *req, const char *cmd, const json_t *args);

/* An old socket file at `path` that nobody listens on is replaced; a living one is ERR_EXISTS. ERR_IO. */
MUST_USE err rt_ctl_open(struct rt_loop *l, const char *path, rt_ctl_fn fn, void *ctx, struct rt_ctl **out);
/* Removes the socket file. Requests still open may be answered afterwards, into nothing. */
void rt_ctl_close(struct rt_ctl *c); /* NULL is fine */
/* Takes body over (an object, NULL for none); "ok":true is added. */
void rt_ctl_reply(struct rt_ctl_req *req, json_t *body);
void rt_ctl_error(struct rt_ctl_req *req, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Client: one request, one answer, blocking (hipctl). request is not taken over. The answer has "ok". ERR_NOT_FOUND: no daemon
 * there; ERR_REFUSED: no permission; ERR_TIMEOUT; ERR_MALFORMED; ERR_IO. */
MUST_USE err rt_ctl_call(const char *path, const json_t *request, unsigned timeout_ms, json_t **out);
