/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

/* LeakSanitizer looks at the process through ptrace when it ends; builds with it are for tests. */
#if defined(__SANITIZE_ADDRESS__)
#define TRACEABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRACEABLE 1
#endif
#endif
#ifndef TRACEABLE
#define TRACEABLE 0
#endif

err rt_sandbox_early(void)
{
    const struct rlimit none = { 0, 0 };

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, TRACEABLE, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR_IO;
    return ERR_OK;
}

err rt_sandbox_caps(const unsigned *keep, size_t n)
{
    if (capng_get_caps_process() != 0)
        return ERR_IO;
    bool had[64] = { false };
    for (size_t i = 0; i < n && i < 64; i++)
        had[i] = capng_have_capability(CAPNG_PERMITTED, keep[i]) != 0;
    capng_clear(CAPNG_SELECT_BOTH);
    for (size_t i = 0; i < n && i < 64; i++)
        if (had[i] &&
            capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, keep[i]))
            return ERR_IO;
    /* The bounding set shrinks only with CAP_SETPCAP; without it there was nothing to gain back (no new privileges). */
    if (capng_apply(CAPNG_SELECT_BOTH) != 0 && capng_apply(CAPNG_SELECT_CAPS) != 0)
        return ERR_IO;
    return ERR_OK;
}

/* What none of the daemons does, nor SQLite, libuv, libunbound, OpenSSL, the C library under them. */
static const int denied[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(syslog),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(personality),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(vhangup),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
};

err rt_sandbox_seccomp(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    err e = ERR_UNSUPPORTED;

    if (f == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
        if (TRACEABLE && denied[i] == SCMP_SYS(ptrace))
            continue;
        int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
        /* A call that this machine's architecture does not have needs no rule. */
        if (r != 0 && r != -EDOM && r != -EFAULT && r != -EINVAL)
            goto out;
    }
    /* The threads that libraries started already are under it too. */
    (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    if (seccomp_load(f) == 0)
        e = ERR_OK;
out:
    seccomp_release(f);
    return e;
}

void rt_sd_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void rt_sd_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void rt_sd_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}
