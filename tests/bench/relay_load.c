/* SPDX-License-Identifier: Apache-2.0
 *
 * The other parts of tests/bench/relay-user: a sender, a sink, and the bare relay that ours is held against.
 *
 *   relay_load send TO PORT FROM_PORT FLOWS SIZE BURST SECONDS esp|channel plain|gso
 *   relay_load sink PORT SECONDS
 *   relay_load bare PORT TO TO_PORT WORKERS
 *
 * send: FLOWS sockets from FROM_PORT on; bursts of BURST datagrams of one flow after the other, as fast as they go. esp: SIZE octets that begin with
 * SPI 0x1000 + flow; channel: the same behind a ChannelData header (RFC 8656 s12.4). sink: what came in SECONDS. bare: recvmmsg and
 * sendmmsg of 64, every datagram to one place, nothing looked at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH     64
#define FLOWS_MAX 64
#define SLOT      (65536 + 1600)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in at(const char *ip, const char *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    if (ip && inet_pton(AF_INET, ip, &a.sin_addr) != 1)
        exit(2);
    return a;
}

static int udp_at(uint16_t port, bool group)
{
    int one = 1, buffer = 4 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
    if (group)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror("bind");
        exit(1);
    }
    return fd;
}

/* ---- send ---- */

static int send_main(char **v)
{
    struct sockaddr_in to = at(v[0], v[1]);
    unsigned flows = (unsigned)atoi(v[3]), burst = (unsigned)atoi(v[5]);
    size_t size = (size_t)atoi(v[4]), head = strcmp(v[7], "channel") == 0 ? 4 : 0;
    bool gso = strcmp(v[8], "gso") == 0;
    static uint8_t pkt[FLOWS_MAX][65536];
    static struct mmsghdr m[FLOWS_MAX][BATCH];
    static struct iovec iov[FLOWS_MAX];
    int fd[FLOWS_MAX], seg = (int)(size + head);
    uint64_t sent = 0, calls = 0;
    if (flows == 0 || flows > FLOWS_MAX || burst == 0 || burst > BATCH || (size + head) * burst > 65000)
        burst = (unsigned)(65000 / (size + head));
    for (unsigned f = 0; f < flows; f++) {
        fd[f] = udp_at((uint16_t)(atoi(v[2]) + (int)f), false);
        if (connect(fd[f], (struct sockaddr *)&to, sizeof to) != 0)
            exit(1);
        for (unsigned i = 0; i < burst; i++) {
            uint8_t *p = pkt[f] + i * (size + head);
            uint32_t spi = htonl(0x1000 + f);
            uint16_t channel = htons(0x4000), len = htons((uint16_t)size);
            if (head) {
                memcpy(p, &channel, 2);
                memcpy(p + 2, &len, 2);
            }
            memcpy(p + head, &spi, 4);
            m[f][i].msg_hdr = (struct msghdr){ .msg_iov = &iov[f], .msg_iovlen = 1 };
        }
        iov[f] = (struct iovec){ pkt[f], (size + head) * (gso ? burst : 1) };
        if (gso)
            setsockopt(fd[f], SOL_UDP, UDP_SEGMENT, &seg, sizeof seg);
    }
    double t0 = now(), end = t0 + atof(v[6]);
    while (now() < end)
        for (unsigned f = 0; f < flows; f++, calls++) {
            int n = sendmmsg(fd[f], m[f], gso ? 1 : burst, 0);
            if (n > 0)
                sent += gso ? burst : (unsigned)n;
        }
    printf("{\"sent\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent, now() - t0);
    return 0;
}

/* ---- sink ---- */

static int sink_main(char **v)
{
    int one = 1, fd = udp_at((uint16_t)atoi(v[0]), false);
    setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one);
    static struct mmsghdr m[BATCH];
    static struct iovec iov[BATCH];
    static char ctl[BATCH][64];
    uint8_t *data = malloc((size_t)BATCH * SLOT);
    uint64_t n = 0, octets = 0;
    double end = now() + atof(v[1]), first = 0, last = 0;
    printf("ready\n");
    fflush(stdout);
    for (unsigned i = 0; i < BATCH; i++)
        iov[i] = (struct iovec){ data + (size_t)i * SLOT, 65536 };
    for (double t; (t = now()) < end;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, 20) <= 0)
            continue;
        for (unsigned i = 0; i < BATCH; i++)
            m[i].msg_hdr = (struct msghdr){
                .msg_iov = &iov[i], .msg_iovlen = 1, .msg_control = ctl[i], .msg_controllen = sizeof ctl[i]
            };
        int got = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++) {
            int seg = 0;
            for (struct cmsghdr *c = CMSG_FIRSTHDR(&m[i].msg_hdr); c; c = CMSG_NXTHDR(&m[i].msg_hdr, c))
                if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
                    memcpy(&seg, CMSG_DATA(c), sizeof seg);
            octets += m[i].msg_len;
            n += seg > 0 ? (m[i].msg_len + (unsigned)seg - 1) / (unsigned)seg : 1;
        }
        if (got > 0) {
            last = now();
            first = first > 0 ? first : t;
        }
    }
    printf("{\"packets\": %llu, \"octets\": %llu, \"seconds\": %.6f}\n", (unsigned long long)n,
           (unsigned long long)octets, last - first);
    return 0;
}

/* ---- bare ---- */

static struct sockaddr_in bare_to;
static uint16_t bare_port;

static void *bare_run(void *arg)
{
    int in = udp_at(bare_port, true), out = udp_at(0, false);
    struct mmsghdr m[BATCH], o[BATCH];
    struct iovec iov[BATCH], oiov[BATCH];
    struct sockaddr_in from[BATCH];
    uint8_t *data = malloc((size_t)BATCH * 3136);
    for (;;) {
        for (unsigned i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){ data + (size_t)i * 3136, 2048 };
            m[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &iov[i], .msg_iovlen = 1
            };
        }
        int n = recvmmsg(in, m, BATCH, MSG_WAITFORONE, NULL);
        if (n <= 0)
            continue;
        for (int i = 0; i < n; i++) {
            oiov[i] = (struct iovec){ iov[i].iov_base, m[i].msg_len };
            o[i].msg_hdr = (struct msghdr){
                .msg_name = &bare_to, .msg_namelen = sizeof bare_to, .msg_iov = &oiov[i], .msg_iovlen = 1
            };
        }
        for (int done = 0; done < n;) {
            int k = sendmmsg(out, o + done, (unsigned)(n - done), 0);
            done += k > 0 ? k : 1;
        }
    }
    return arg;
}

static int bare_main(char **v)
{
    pthread_t t;
    bare_port = (uint16_t)atoi(v[0]);
    bare_to = at(v[1], v[2]);
    for (int i = 1; i < atoi(v[3]); i++)
        pthread_create(&t, NULL, bare_run, NULL);
    bare_run(NULL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 11 && strcmp(argv[1], "send") == 0)
        return send_main(argv + 2);
    if (argc == 4 && strcmp(argv[1], "sink") == 0)
        return sink_main(argv + 2);
    if (argc == 6 && strcmp(argv[1], "bare") == 0)
        return bare_main(argv + 2);
    return 2;
}
