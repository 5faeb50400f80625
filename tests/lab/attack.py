# SPDX-License-Identifier: Apache-2.0
"""Packets that no daemon of ours would send: HIP and ESP made by hand, with any source address, from inside a host of a Lab."""

import ipaddress
import os
import socket
import struct

from lab import socket_in

I1, R1, I2, R2, UPDATE, NOTIFY = 1, 2, 3, 4, 16, 17
RELAY_TO, DH_GROUP_LIST, SEQ, CANDIDATE_PRIORITY = 64002, 511, 385, 4700
MARKER = bytes(4)


def param(kind, contents):
    return struct.pack("!HH", kind, len(contents)) + contents + bytes(-(4 + len(contents)) % 8)


def hip(kind, sender, receiver, *params):
    """A HIP packet as it stands in UDP: checksum 0. sender, receiver: HITs as text."""
    body = ipaddress.ip_address(sender).packed + ipaddress.ip_address(receiver).packed + b"".join(params)
    return struct.pack("!BBBBHH", 59, (8 + len(body)) // 8 - 1, kind, 0x21, 0, 0) + body


def i1(sender, receiver):
    return hip(I1, sender, receiver, param(DH_GROUP_LIST, b"\7\10"))


def relay_to(address, port):
    where = ipaddress.ip_address(address)
    mapped = where.packed if where.version == 6 else bytes(10) + b"\xff\xff" + where.packed
    return param(RELAY_TO, struct.pack("!HBB", port, 17, 0) + mapped)


def random_hit():
    return str(ipaddress.ip_address(bytes.fromhex("20010022") + os.urandom(12)))


def checksum(data):
    data += bytes(len(data) % 2)
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return ~n & 0xFFFF


def pseudo(src, dst, proto, n):
    """The pseudo-header of a packet of n octets (RFC 8200 s8.1; for IPv4 that of UDP)."""
    s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    return s.packed + d.packed + (struct.pack("!IHBB", n, 0, 0, proto) if s.version == 6 else struct.pack("!BBH", 0, proto, n))


def with_checksum(src, dst, packet):
    """A HIP packet as protocol 139 has it (RFC 7401 s5.1.1)."""
    return packet[:4] + struct.pack("!H", checksum(pseudo(src, dst, 139, len(packet)) + packet)) + packet[6:]


def params(packet):
    """(type, contents) of a HIP packet, without its IP header."""
    pos, end = 40, 8 * packet[1] + 8
    while pos + 4 <= end:
        kind, n = struct.unpack("!HH", packet[pos:pos + 4])
        yield kind, packet[pos + 4:pos + 4 + n]
        pos += (4 + n + 7) // 8 * 8


class Attacker:
    """IPv4 packets with any header, out of one host."""

    def __init__(self, lab, host):
        self.s = socket_in(lab, host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def ip(self, proto, src, dst, payload):
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
        self.s.sendto(head + payload, (dst, 0))

    def udp(self, src, sport, dst, dport, payload):
        """Without a UDP checksum, which IPv4 allows."""
        self.ip(17, src, dst, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload)

    def hip_udp(self, src, sport, dst, packet, dport=10500):
        self.udp(src, sport, dst, dport, MARKER + packet)

    def hip_raw(self, src, dst, packet):
        """Protocol 139, with the right checksum."""
        self.ip(139, src, dst, with_checksum(src, dst, packet))

    def esp(self, src, sport, dst, spi, octets=100, dport=10500, seq=1):
        self.udp(src, sport, dst, dport, struct.pack("!II", spi, seq) + os.urandom(octets))


class Watch:
    """Packets and octets (IP header and all) that leave or reach a host, by address; nftables counters that nobody else uses."""

    def __init__(self, lab, host, addresses):
        self.lab, self.host = lab, host
        self.names = {a: f"to_{i}" for i, a in enumerate(addresses)}
        counters = "".join(f"    counter {n} {{ }}\n    counter from_{n} {{ }}\n" for n in self.names.values())
        out = "".join(f"        ip daddr {a} counter name {n}\n" for a, n in self.names.items())
        into = "".join(f"        ip saddr {a} counter name from_{n}\n" for a, n in self.names.items())
        lab.run(host, "nft", "-f", "-", input=f"""\
table ip watch
delete table ip watch
table ip watch {{
{counters}    chain out {{
        type filter hook output priority filter;
{out}    }}
    chain in {{
        type filter hook input priority filter;
{into}    }}
}}
""")

    def counts(self):
        import json
        listed = json.loads(self.lab.run(self.host, "nft", "-j", "list", "counters", "table", "ip", "watch").stdout)["nftables"]
        by = {c["counter"]["name"]: (c["counter"]["packets"], c["counter"]["bytes"]) for c in listed if "counter" in c}
        return {a: {"out": by[n], "in": by[f"from_{n}"]} for a, n in self.names.items()}
