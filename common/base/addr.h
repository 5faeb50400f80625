/* SPDX-License-Identifier: Apache-2.0
 *
 * An IP address with an optional port as a value. No socket headers: common/rt converts.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
    uint8_t ip[16]; /* network order; IPv4 in the first four octets, the rest zero */
    uint16_t port;  /* host order; 0 = none */
    uint8_t family; /* enum addr_family */
    uint32_t scope; /* interface index of a link-local address, else 0 */
};

#define ADDR_TEXT_MAX 64

/* "192.0.2.1", "2001:db8::1", with port "192.0.2.1:53", "[2001:db8::1]:53". ERR_MALFORMED. */
MUST_USE err addr_parse(const char *text, struct addr *out);
/* Text form; the port only when it is not zero. Returns out. */
const char *addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]);
bool addr_eq(const struct addr *a, const struct addr *b);      /* address, port and scope */
bool addr_same_ip(const struct addr *a, const struct addr *b); /* address only */
size_t addr_ip_len(const struct addr *a);                      /* 4, 16, or 0 */
struct addr addr_v4(uint32_t host_order);
struct addr addr_v6(const uint8_t ip[16]);
/* 16 octets, IPv4 as IPv4-mapped IPv6 (::ffff:a.b.c.d), and back. */
void addr_to_mapped(const struct addr *a, uint8_t out[16]);
struct addr addr_from_mapped(const uint8_t in[16]);
bool addr_is_link_local(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
bool addr_is_multicast(const struct addr *a); /* IPv4 broadcast 255.255.255.255 counts too */
bool addr_is_unspecified(const struct addr *a);
bool addr_is_private(const struct addr *a); /* RFC 1918, fc00::/7 */
/* First `bits` bits equal, families equal. */
bool addr_in_prefix(const struct addr *a, const struct addr *prefix, unsigned bits);
