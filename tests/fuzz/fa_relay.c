/* SPDX-License-Identifier: Apache-2.0
 *
 * The relays against everybody: packets of any form and from anywhere at port 10500, at protocol 139 and at a relayed port, ESP of any SPI, and a
 * registered client that asks for anything under right HIP_MAC and signature. Whatever comes: what is sent goes to the client, back to where the
 * packet came from, or where the client said, and never where nothing may go; and when the client is gone, nothing of it is left.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "hip/build.h"
#include "tests/sim/fa_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 32

static struct addr source;   /* of the packet at hand */
static struct addr own_mn;   /* where the client is registered */
static const struct fw *the; /* world */

static struct addr at(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a) != ERR_OK)
        abort();
    return a;
}

static struct addr address(uint8_t n)
{
    static const char *const text[] = {
        "198.51.100.7:4500", "198.51.100.7:4501", "203.0.113.9:777", "192.0.2.1:10500", "127.0.0.1:53",
        "224.0.0.1:9",       "10.1.2.3:9",        "[2001:db8::9]:9", "203.0.113.9",     "255.255.255.255:9",
    };
    return n == 255 && the->n_port ? the->port[0] : at(text[n % (sizeof text / sizeof text[0])]);
}

static void sent(struct fw *w, const struct hip_path *path, struct span o)
{
    const struct addr *to = &path->peer;
    bool ours = addr_same_ip(to, &w->fa_addr);
    if (addr_is_loopback(to) || addr_is_multicast(to) || addr_is_unspecified(to) || addr_is_link_local(to) ||
        to->ip[0] == 10 || (ours && !fw_port_open(w, to))) {
        if (!addr_eq(to, &source)) /* an answer goes back to anywhere: one for one */
            abort();
    } else if (!addr_eq(to, &own_mn) && !addr_eq(to, &source) && !addr_eq(&own_mn, &source)) {
        abort();
    }
    if (o.n > HIP_PACKET_MAX)
        abort();
}

static struct hit hit_of(const struct fw *w, uint8_t n)
{
    return n % 4 == 0   ? w->mn[0].hi.hit
           : n % 4 == 1 ? w->mn[1].hi.hit
           : n % 4 == 2 ? w->fa_hi.hit
                        : w->mn[0].other.hit;
}

static void packet(struct fw *w, struct rcur *c)
{
    uint8_t buf[HIP_PACKET_MAX] = { 0 };
    uint8_t where = rcur_u8(c), form = rcur_u8(c);
    struct hip_path p = { .local = w->fa_addr, .peer = address(rcur_u8(c)) };
    p.local.port = where % 3 == 0 ? 10500 : where % 3 == 1 ? 0 : w->n_port ? w->port[0].port : 20001;
    if (p.local.port == 0)
        p.peer.port = 0;
    struct span o = rcur_take(c, rcur_u16(c) % 400);
    if (form & 1) { /* a header with known HITs before it */
        struct hit from = hit_of(w, form >> 1), to = hit_of(w, form >> 3);
        struct hip_build b;
        hip_build_init(&b, buf, sizeof buf, form >> 5 ? form >> 5 : HIP_PKT_UPDATE, &from, &to, 0);
        if (hip_build_finish(&b, NULL, NULL, &(struct span){ 0 }) != ERR_OK)
            abort();
        size_t n = o.n / 8 * 8;
        if (n)
            memcpy(buf + HIP_HEADER_LEN, o.p, n);
        buf[1] = (uint8_t)((HIP_HEADER_LEN + n) / 8 - 1);
        o = span_of(buf, HIP_HEADER_LEN + n);
    }
    source = p.peer;
    (void)fw_input(w, &p, o);
}

static void esp(struct fw *w, struct rcur *c)
{
    struct fa_relay_in in = { .local = w->fa_addr, .from = address(rcur_u8(c)) };
    struct fa_relay_out out;
    in.local.port = rcur_u8(c) & 1 || !w->n_port ? 10500 : w->port[0].port;
    in.spi = rcur_u8(c) & 1 ? 0x1111 : rcur_u32(c);
    in.len = rcur_u16(c);
    if (fa_relay_esp(fa_flow_table(w->fa), &in, w->now, &out) != HIP_TAKEN)
        return;
    if (out.out ? !addr_eq(&in.from, &own_mn) : !addr_eq(&out.to, &own_mn))
        abort();
}

static void client(struct fw *w, struct fw_mn *m, struct rcur *c)
{
    struct hip_contents k = { .request = { .lifetime = rcur_u8(c), .n = rcur_u8(c) % 4 } };
    k.request.present = k.request.n != 0;
    for (size_t i = 0; i < k.request.n; i++)
        k.request.type[i] = rcur_u8(c) % 6;
    uint8_t more = rcur_u8(c);
    if (more & 1)
        k.relayed = address(rcur_u8(c));
    if (more & 2) {
        k.has_permission = true;
        k.permission = (struct hip_peer_permission){ .protocol = 17,
                                                     .relayed = address(255),
                                                     .peer = address(rcur_u8(c)),
                                                     .spi_out = 0x1111 + rcur_u8(c) % 3,
                                                     .spi_in = 0x2222 + rcur_u8(c) % 3 };
    }
    source = own_mn;
    (void)!fw_raw_update(w, m, &k); /* too many outstanding: refused */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rcur c = rcur_of(span_of(data, size));
    if (size < 4)
        return 0;
    struct fw *w = fw_new(7);
    struct fa_prefix forbidden = { at("10.0.0.0"), 8 };
    the = w;
    own_mn = source = at("198.51.100.7:4500");
    w->c.reg_max_s = 16;
    w->c.relay = (struct fa_relay_config){ .control = true,
                                           .data = true,
                                           .discovery = true,
                                           .port_first = 20000,
                                           .port_last = 20003,
                                           .n_local = 1,
                                           .local = { w->fa_addr },
                                           .forbidden = &forbidden,
                                           .n_forbidden = 1,
                                           .table = { .flows = 16, .clients = 4 } };
    struct fw_mn *m = fw_mn(w, "mn", "198.51.100.7:4500", NULL);
    fw_mn(w, "cn", "203.0.113.9:777", NULL);
    m->want_rvs = false;
    m->n_want = 2;
    m->want[0] = FA_REG_RELAY_HIP;
    m->want[1] = FA_REG_RELAY_ESP;
    w->allow[0] = (struct fa_allow){ .hit = m->hi.hit, .n = 4, .type = { 1, 2, 3, 4 } };
    w->c.n_allow = 1;
    fw_start(w);
    fw_connect(w, m);
    fw_run(w, FW_S);
    w->sent = sent;
    for (int i = 0; i < STEPS_MAX && rcur_left(&c) && !m->gone && m->up; i++) {
        uint8_t op = rcur_u8(&c);
        switch (op % 4) {
        case 0:
            source = own_mn;
            fw_run(w, (uint64_t)(op + 1) * 40000);
            break;
        case 1:
            packet(w, &c);
            break;
        case 2:
            esp(w, &c);
            break;
        default:
            client(w, m, &c);
        }
    }
    w->sent = NULL;
    fw_run(w, 20 * FW_S);
    struct fa_stats s;
    fa_stats_get(w->fa, &s);
    if (s.clients || s.ports_open || s.flows || w->n_port || s.registrations)
        abort();
    fw_free(w);
    return 0;
}
