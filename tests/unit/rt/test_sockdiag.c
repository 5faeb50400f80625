/* SPDX-License-Identifier: Apache-2.0
 * Which socket a packet would go to, as the kernel says. On the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rt/sockdiag.h"

#define PEER_PORT 40000

static struct addr loop(bool v6, uint16_t port)
{
    struct addr a = v6 ? (struct addr){ .family = ADDR_V6, .ip = { [15] = 1 } } : addr_v4(0x7f000001);

    a.port = port;
    return a;
}

/* A socket on a port that the kernel chose; only6: for IPv6 alone. */
static int bound(int family, int type, int only6, uint16_t *port)
{
    struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in a4 = { .sin_family = AF_INET };
    bool v6 = family == AF_INET6;
    struct sockaddr *a = v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
    socklen_t len = v6 ? sizeof(a6) : sizeof(a4);
    int fd = socket(family, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (v6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6)), 0);
    assert_int_equal(bind(fd, a, len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, a, &len), 0);
    *port = ntohs(v6 ? a6.sin6_port : a4.sin_port);
    return fd;
}

static void takes(void **state)
{
    static const struct {
        int family, type, only6;
        bool v4, v6;
    } rows[] = {
        { AF_INET, SOCK_STREAM, 0, true, false }, { AF_INET6, SOCK_STREAM, 1, false, true },
        { AF_INET6, SOCK_STREAM, 0, true, true }, { AF_INET, SOCK_DGRAM, 0, true, false },
        { AF_INET6, SOCK_DGRAM, 1, false, true }, { AF_INET6, SOCK_DGRAM, 0, true, true },
    };
    struct rt_sockdiag *d = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t proto = rows[i].type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
        uint16_t port;
        int fd = bound(rows[i].family, rows[i].type, rows[i].only6, &port);
        for (int v6 = 0; v6 < 2; v6++) {
            struct addr local = loop(v6, port), peer = loop(v6, PEER_PORT);
            assert_int_equal(rt_sockdiag_takes(d, proto, &local, &peer, 0), v6 ? rows[i].v6 : rows[i].v4);
            /* Not the other way round, not for another protocol. */
            assert_false(rt_sockdiag_takes(d, proto, &peer, &local, 0));
            assert_false(
                rt_sockdiag_takes(d, proto == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP, &local, &peer, 0));
        }
        close(fd);
        for (int v6 = 0; v6 < 2; v6++) {
            struct addr local = loop(v6, port), peer = loop(v6, PEER_PORT);
            assert_false(rt_sockdiag_takes(d, proto, &local, &peer, 0));
        }
    }
}

/* One that is connected takes what its peer sends, and nobody else's. */
static void connected(void **state)
{
    struct rt_sockdiag *d = *state;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PEER_PORT) };
    uint16_t port;
    int fd = bound(AF_INET, SOCK_DGRAM, 0, &port);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    struct addr local = loop(false, port), peer = loop(false, PEER_PORT);
    assert_true(rt_sockdiag_takes(d, IPPROTO_UDP, &local, &peer, 0));
    peer.port++;
    assert_false(rt_sockdiag_takes(d, IPPROTO_UDP, &local, &peer, 0));
    close(fd);
}

static int opened(void **state)
{
    struct rt_sockdiag *d = NULL;

    if (rt_sockdiag_open(&d) != ERR_OK)
        return -1;
    *state = d;
    return 0;
}

static int closed(void **state)
{
    rt_sockdiag_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes),
        cmocka_unit_test(connected),
    };
    return cmocka_run_group_tests(tests, opened, closed);
}
