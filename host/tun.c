/* SPDX-License-Identifier: Apache-2.0 */
#include "host/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define READ_ROUNDS 64 /* packets taken before others on the loop get their turn */
#define HIT_BITS    128
#define LSI_BITS    32
#define PREFIX_BITS 28

unsigned if_nametoindex(const char *name); /* <net/if.h> and <linux/if.h> do not go together */

struct host_tun {
    int fd;
    unsigned index;
    char name[IFNAMSIZ];
    struct rt_poll *poll;
    struct rt_netlink *nl;
    host_tun_fn fn;
    void *ctx;
    uint8_t buf[HOST_TUN_HEAD + HOST_TUN_MTU_MAX + HOST_TUN_HEAD];
};

static void on_ready(void *ctx, int events)
{
    struct host_tun *t = ctx;

    (void)events;
    for (int i = 0; i < READ_ROUNDS; i++) {
        ssize_t n = read(t->fd, t->buf + HOST_TUN_HEAD, HOST_TUN_MTU_MAX);
        if (n <= 0)
            return;
        t->fn(t->ctx, t->buf + HOST_TUN_HEAD, (size_t)n);
    }
}

static err say(err e, char *why, const char *name, const char *what)
{
    (void)snprintf(why, HOST_TUN_WHY_MAX, "%s: %s: %s", name, what, errno ? strerror(errno) : err_text(e));
    return e;
}

static err open_device(const char *name, int *out, char *why)
{
    struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    int fd;

    if (strlen(name) >= sizeof(ifr.ifr_name)) {
        errno = ENAMETOOLONG;
        return say(ERR_RANGE, why, name, "TUN");
    }
    memcpy(ifr.ifr_name, name, strlen(name));
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return say(errno == EACCES || errno == EPERM ? ERR_REFUSED : ERR_IO, why, name, "/dev/net/tun");
    if (ioctl(fd, TUNSETIFF, &ifr) != 0) {
        err e = errno == EPERM ? ERR_REFUSED : errno == EBUSY ? ERR_EXISTS : ERR_IO;
        (void)say(e, why, name, "TUN");
        close(fd);
        return e;
    }
    *out = fd;
    return ERR_OK;
}

/* A machine without IPv6 elsewhere may have it switched off for new devices; there must be none but HITs on it. */
static void set_proc(const char *name, const char *key, const char *value)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", name, key);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, value, strlen(value));
    close(fd);
}

static err set_up(struct host_tun *t, unsigned mtu)
{
    const struct addr hits = { .ip = { 0x20, 0x01, 0x00, 0x20 }, .family = ADDR_V6 };
    err e = rt_netlink_link_up(t->nl, t->index, mtu);

    if (e == ERR_OK)
        e = rt_netlink_route_add(t->nl, t->index, &hits, PREFIX_BITS, NULL, 0);
    return e;
}

err host_tun_open(struct rt_loop *l, struct rt_netlink *nl, const char *name, unsigned mtu, host_tun_fn fn,
                  void *ctx, struct host_tun **out, char why[HOST_TUN_WHY_MAX])
{
    struct host_tun *t = calloc(1, sizeof(*t));
    err e;

    if (t == NULL)
        return ERR_MEMORY;
    t->fd = -1;
    t->nl = nl;
    t->fn = fn;
    t->ctx = ctx;
    e = open_device(name, &t->fd, why);
    if (e)
        goto fail;
    t->index = if_nametoindex(name);
    (void)snprintf(t->name, sizeof(t->name), "%s", name);
    set_proc(name, "disable_ipv6", "0");
    set_proc(name, "addr_gen_mode", "1");
    errno = 0;
    e = set_up(t, mtu);
    if (e == ERR_EXISTS)
        (void)snprintf(why, HOST_TUN_WHY_MAX,
                       "%s: a route for 2001:20::/28 is there already: another HIP daemon?", name);
    else if (e)
        (void)say(e, why, name, "link and route");
    if (e)
        goto fail;
    t->poll = rt_poll_new(l, t->fd, on_ready, t);
    if (t->poll == NULL) {
        e = say(ERR_MEMORY, why, name, "watching it");
        goto fail;
    }
    rt_poll_want(t->poll, RT_READABLE);
    *out = t;
    return ERR_OK;
fail:
    host_tun_close(t);
    return e;
}

void host_tun_close(struct host_tun *t)
{
    if (t == NULL)
        return;
    rt_poll_free(t->poll);
    if (t->fd >= 0)
        close(t->fd);
    free(t);
}

err host_tun_lsi(struct host_tun *t, const struct addr *own, const struct addr *prefix, uint8_t bits,
                 unsigned mtu, char why[HOST_TUN_WHY_MAX])
{
    char text[ADDR_TEXT_MAX];
    err e = rt_netlink_addr_add(t->nl, t->index, own, LSI_BITS);

    errno = 0;
    if (e == ERR_OK)
        e = rt_netlink_route_add(t->nl, t->index, prefix, bits, own, mtu);
    if (e == ERR_EXISTS)
        (void)snprintf(why, HOST_TUN_WHY_MAX,
                       "%s: a route for %s/%u is there already: lsi: prefix takes another one, lsi: use none",
                       t->name, addr_format(prefix, text), bits);
    else if (e)
        (void)say(e, why, t->name, "LSI and its route");
    return e;
}

err host_tun_addr(struct host_tun *t, const struct hit *hit, bool add)
{
    struct addr a = addr_v6(hit->b);
    err e;

    if (!add)
        return rt_netlink_addr_del(t->nl, t->index, &a, HIT_BITS);
    e = rt_netlink_addr_add(t->nl, t->index, &a, HIT_BITS);
    return e == ERR_EXISTS ? ERR_OK : e;
}

void host_tun_write(struct host_tun *t, const uint8_t *packet, size_t len)
{
    (void)!write(t->fd, packet, len);
}

unsigned host_tun_index(const struct host_tun *t)
{
    return t->index;
}
