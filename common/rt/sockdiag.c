/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MAX 8192
#define ALL_STATES 0xffffffffu

struct rt_sockdiag {
    struct mnl_socket *nl;
    unsigned seq;
};

err rt_sockdiag_open(struct rt_sockdiag **out)
{
    struct rt_sockdiag *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return ERR_MEMORY;
    d->nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    if (d->nl == NULL || mnl_socket_bind(d->nl, 0, MNL_SOCKET_AUTOPID) != 0) {
        err e = errno == EPROTONOSUPPORT ? ERR_UNSUPPORTED : ERR_IO;
        rt_sockdiag_close(d);
        return e;
    }
    *out = d;
    return ERR_OK;
}

void rt_sockdiag_close(struct rt_sockdiag *d)
{
    if (d == NULL)
        return;
    if (d->nl != NULL)
        (void)mnl_socket_close(d->nl);
    free(d);
}

/* The kernel reads the two ends of UDP the other way round: as they stand in a packet that comes in, where TCP's are those of the socket. */
static void fill(struct inet_diag_req_v2 *r, uint8_t proto, const struct addr *local, const struct addr *peer)
{
    bool as_packet = proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE;
    const struct addr *a = as_packet ? peer : local, *b = as_packet ? local : peer;

    r->sdiag_protocol = proto;
    r->sdiag_family = local->family == ADDR_V4 ? AF_INET : AF_INET6;
    r->idiag_states = ALL_STATES;
    r->id.idiag_sport = htons(a->port);
    r->id.idiag_dport = htons(b->port);
    memcpy(r->id.idiag_src, a->ip, addr_ip_len(a));
    memcpy(r->id.idiag_dst, b->ip, addr_ip_len(b));
    r->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    r->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

bool rt_sockdiag_takes(struct rt_sockdiag *d, uint8_t proto, const struct addr *local,
                       const struct addr *peer, unsigned ifindex)
{
    _Alignas(struct nlmsghdr) uint8_t buf[ANSWER_MAX] = { 0 };
    struct nlmsghdr *nlh;
    struct inet_diag_req_v2 *r;
    ssize_t n;

    /* What nobody waited for any more. */
    while (recv(mnl_socket_get_fd(d->nl), buf, sizeof(buf), MSG_DONTWAIT) > 0)
        ;
    memset(buf, 0, sizeof(*nlh) + sizeof(*r));
    nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    nlh->nlmsg_seq = ++d->seq;
    r = mnl_nlmsg_put_extra_header(nlh, sizeof(*r));
    fill(r, proto, local, peer);
    r->id.idiag_if = ifindex;
    if (mnl_socket_sendto(d->nl, nlh, nlh->nlmsg_len) < 0)
        return false;
    do
        n = mnl_socket_recvfrom(d->nl, buf, sizeof(buf));
    while (n < 0 && errno == EINTR);
    return n > 0 && mnl_nlmsg_ok(nlh, (int)n) && nlh->nlmsg_seq == d->seq &&
           nlh->nlmsg_type == SOCK_DIAG_BY_FAMILY;
}
