/* SPDX-License-Identifier: Apache-2.0
 *
 * The UNIX datagram socket of as/aucsock.h.
 */
#pragma once

#include "as/aucsock.h"

struct aucsock_io;

/* Binds conf->path with its mode and group. A file there that nobody is bound to any more is replaced; a living one is ERR_EXISTS. conf, env are
 * borrowed; ask is aucsock_ops.ask with its context. ERR_IO, ERR_MEMORY, ERR_RANGE (the path is too long). */
MUST_USE err aucsock_io_open(struct rt_loop *l, const struct as_auc_socket *conf, uint32_t who, unsigned ind,
                             bool (*ask)(void *ctx, const struct source_req *r), void *ctx,
                             struct aucsock_io **out);
void aucsock_io_close(struct aucsock_io *io); /* removes the file; NULL is fine */
void aucsock_io_answer(struct aucsock_io *io, const struct source_ref *ref, enum aka_server_auc what,
                       const struct aka_vector *v);
json_t *aucsock_io_status(const struct aucsock_io *io);
