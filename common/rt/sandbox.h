/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon gives up. Order: rt_sandbox_early() first thing in main(); sockets, TUN, files opened; rt_sandbox_caps();
 * rt_sandbox_seccomp() last. And the notices to systemd (nothing happens when it did not start us).
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

/* No core file, not dumpable (no ptrace by the same user, no memory in /proc), no new privileges, umask 077. ERR_IO.
 * A build with AddressSanitizer stays traceable: its leak check works that way. */
MUST_USE err rt_sandbox_early(void);
/* Keep these capabilities (CAP_NET_ADMIN ... of linux/capability.h) and drop all others for good. ERR_IO. */
MUST_USE err rt_sandbox_caps(const unsigned *keep, size_t n);
/* Refuse (EPERM) system calls that no daemon of ours needs: exec, ptrace, mount, modules, keyrings, bpf, other processes'
 * memory, setting clocks and users ... Files, sockets, threads stay as they are. ERR_UNSUPPORTED: kernel without seccomp. */
MUST_USE err rt_sandbox_seccomp(void);

void rt_sd_ready(const char *status);
void rt_sd_status(const char *status);
void rt_sd_stopping(void);
