#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
"""ICMP about HIP packets (RFC 7401 s5.4) on the wire: what both daemons send, over IPv4 and IPv6, how often, and about what never; and that what others
send breaks nothing.

        a  ---- 10.63.1.0/24, fd63:1::/64 ----  r  ---- 10.63.2.0/24, fd63:2::/64 ----  b, and beside it fa
"""
import json
import os
import pathlib
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import attack  # noqa: E402
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import packets, sh, socket_in, wait_for  # noqa: E402

HIP, ESP = 139, 50
VERSION_AT, SENDER_AT = 3, 8
R1_COUNTER, PUZZLE, SOLUTION, DIFFIE_HELLMAN, HIP_CIPHER, HOST_ID, LIST, TRANSFORM, MAC, SIGNATURE = 129, 257, 321, 513, 579, 705, 2049, 4095, 61505, 61697
CLOSE, CLOSE_ACK, ECHO_REQUEST, ECHO_RESPONSE = 18, 19, 897, 961
NETS = {"a": 1, "b": 2, "fa": 3}


def ip(host, six, end=2):
    return f"fd63:{NETS[host]}::{end}" if six else f"10.63.{NETS[host]}.{end}"


def signed(*params):
    """What follows them in each packet that has an association: a MAC and a signature of nobody's."""
    return (*params, attack.param(MAC, bytes(48)), attack.param(SIGNATURE, b"\0\7" + bytes(96)))


class Icmp:
    def __init__(self, cases):
        self.lab = cases.lab
        self.hit, self.raw = {}, {}

    # ---- the lab ---------------------------------------------------------------------------------------------------

    def set_up(self):
        self.lab.add_host("r", forward=True)
        for host in NETS:
            self.lab.add_host(host)
            self.lab.link("r", f"r{host}", [f"{ip(host, False, 1)}/24", f"{ip(host, True, 1)}/64"], host, "eth0",
                          [f"{ip(host, False)}/24", f"{ip(host, True)}/64"])
            self.lab.route(host, "default", ip(host, False, 1))
            self.lab.route(host, "default", ip(host, True, 1))
        self.pcap = {host: self.lab.capture("r", f"r{host}", host) for host in NETS}
        for six in (False, True):
            self.raw[six] = socket_in(self.lab, "r", socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, HIP)
            self.raw[six].settimeout(5)
        self.start_host("b")
        self.start_host("a", f"peers: [ {{ hit: \"{self.hit['b']}\", addresses: [{ip('b', False)}] }} ]\n")
        self.start_fa()

    def started(self, host, program, conf):
        self.lab.start(host, program + host, daemons.binary(program), "--config", daemons.private(self.lab.path(host, "yaml"), conf))
        self.hit[host] = wait_for(f"{program} in {host}", lambda: self.ctl(host, "status"), 15)["hit"]

    def start_host(self, host, extra=""):
        self.started(host, "hiphostd", f"state: {self.lab.path(host, 'state')}\nresolver: {{ listen: [] }}\nnat: off\n"
                     f"control: {{ socket: {self.lab.path(host, 'ctl')} }}\n{extra}")

    def start_fa(self):
        d = os.path.dirname(self.lab.path("fa", "x"))
        key = daemons.private(f"{d}/tsig.key", "bm9ib2R5J3Mga2V5\n")
        self.started("fa", "hipfad", f"""\
name: fa.operator.example
addresses: [{ip('fa', False)}, "{ip('fa', True)}"]
identity: {{ file: {d}/identity.der }}
store: {{ path: {d}/bindings.sqlite }}
subscribers: {{ path: {d}/subscribers.sqlite }}
zone: {{ domain: operator.example, primary: ["{ip('fa', False)}:53"], key_name: fa.operator.example, key_file: {key}, own_records: no }}
workers: 1
control: {{ socket: {d}/ctl }}
""")

    def ctl(self, host, *args):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path(host, "ctl"), "--json", *args, check=False)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def send(self, host, six, packet):
        """From r, with the right checksum unless it has one already."""
        src, dst = ip(host, six, 1), ip(host, six)
        if packet[4:6] == bytes(2):
            packet = attack.with_checksum(src, dst, packet)
        self.raw[six].sendto(packet, (dst, 0))
        return packet

    def heard(self, host, six, since):
        """ICMP from this host to r."""
        proto = 58 if six else 1
        return [p for _, s, d, k, p in list(packets(self.pcap[host]))[since:]
                if k == proto and s == ip(host, six) and d == ip(host, six, 1) and (not six or p[0] < 128)]

    def mark(self, host):
        return len(list(packets(self.pcap[host])))

    # ---- what is sent ------------------------------------------------------------------------------------------------

    def points(self, host, six, packet, at):
        """One Parameter Problem about this packet, which it quotes, at this octet of it."""
        since = self.mark(host)
        packet = self.send(host, six, packet)
        wait_for("an ICMP message", lambda: self.heard(host, six, since), 10)
        time.sleep(0.1)
        came = self.heard(host, six, since)
        head = 40 if six else 20
        check(len(came) == 1, f"{len(came)} messages")
        p = came[0]
        check((p[0], p[1]) == ((4, 0) if six else (12, 0)), f"type {p[0]} code {p[1]}")
        where = int.from_bytes(p[4:8], "big") if six else p[4]
        check(where == head + at, f"points at {where}, not {head + at}")
        check(p[8 + head:] == packet[:len(p) - 8 - head] and len(p) > 8 + head + at, "quotes something else")
        sum6 = attack.pseudo(ip(host, six), ip(host, six, 1), 58, len(p)) if six else b""
        check(attack.checksum(sum6 + p) == 0, "its checksum is wrong")

    def silent(self, host, six, *what):
        """About none of these; a packet behind them shows that they were looked at."""
        since = self.mark(host)
        for packet in what:
            self.send(host, six, packet)
        self.version(host, six)
        came = self.heard(host, six, since)
        check(len(came) == 1, f"{len(came) - 1} messages, of type {came[0][0]}")

    def packet(self, host, kind, *params):
        return attack.hip(kind, attack.random_hit(), self.hit[host], *params)

    def version(self, host, six):
        p = self.packet(host, attack.I1, attack.param(attack.DH_GROUP_LIST, b"\7"))
        self.points(host, six, p[:3] + b"\x11" + p[4:], VERSION_AT)

    def strangers(self, host, six):
        """UPDATE, CLOSE and CLOSE_ACK of an association that is not there."""
        for kind, first in ((attack.UPDATE, attack.param(attack.SEQ, bytes(4))), (CLOSE, attack.param(ECHO_REQUEST, bytes(8))),
                            (CLOSE_ACK, attack.param(ECHO_RESPONSE, bytes(8)))):
            self.points(host, six, self.packet(host, kind, *signed(first)), SENDER_AT)

    def r1(self, host, six, sender):
        self.send(host, six, attack.hip(attack.I1, sender, self.hit[host], attack.param(attack.DH_GROUP_LIST, b"\7")))
        while True:
            p = self.raw[six].recvfrom(65535)[0]
            p = p if six else p[(p[0] & 15) * 4:]
            if p[2] == attack.R1:
                return dict(attack.params(p))

    def puzzle(self, host, six):
        """An I2 that quotes the puzzle of a real R1 and solves it wrongly: at the beginning of #J (s5.4.3)."""
        sender = attack.random_hit()
        r1 = self.r1(host, six, sender)
        z = r1[PUZZLE]
        n = len(z) - 4  # of #I, and of #J
        counter = [attack.param(R1_COUNTER, r1[R1_COUNTER])] if R1_COUNTER in r1 else []
        before = attack.hip(attack.I2, sender, self.hit[host], *counter)
        i2 = attack.hip(attack.I2, sender, self.hit[host], *counter, attack.param(SOLUTION, z + bytes(n)),
                        attack.param(DIFFIE_HELLMAN, b"\7\0\x40" + bytes(64)), attack.param(HIP_CIPHER, b"\0\2"),
                        attack.param(HOST_ID, struct.pack("!HHH", 66, 0, 7) + b"\0\1" + bytes(64)), attack.param(LIST, b"\x0f\xff"),
                        *signed(attack.param(TRANSFORM, b"\0\0\0\7")))
        self.points(host, six, i2, len(before) + 4 + len(z))

    def never(self, host, six):
        """A wrong checksum (s5.4.2), and R1, I2, R2 and NOTIFY without what they need (s5.4.4)."""
        spoilt = bytearray(attack.with_checksum(ip(host, six, 1), ip(host, six), self.packet(host, CLOSE, *signed(attack.param(ECHO_REQUEST, bytes(8))))))
        spoilt[5] ^= 1
        spoilt[4] |= 1  # not "none yet"
        self.silent(host, six, bytes(spoilt), *(self.packet(host, kind, *signed()) for kind in (attack.R1, attack.I2, attack.R2, attack.NOTIFY)))

    def rate(self, host, six):
        since, began = self.mark(host), time.monotonic()
        p = self.packet(host, attack.I1, attack.param(attack.DH_GROUP_LIST, b"\7"))
        p = p[:3] + b"\x11" + p[4:]
        for _ in range(300):
            self.send(host, six, p)
        wait_for("ICMP messages", lambda: len(self.heard(host, six, since)) >= 5, 10)
        time.sleep(0.5)
        n, most = len(self.heard(host, six, since)), 20 + 10 * (time.monotonic() - began)
        check(5 <= n <= most, f"{n} messages about 300 packets")
        return f"{n} about 300 packets"

    # ---- what comes --------------------------------------------------------------------------------------------------

    def state(self, host, other):
        p = next(p for p in self.ctl(host, "peers")["peers"] if p["hit"] == self.hit[other])
        return {k: p[k] for k in ("state", "address", "spi_in", "spi_out") if k in p}

    def ping(self, count):
        r = self.lab.run("a", "ping", "-6", "-n", "-c", str(count), "-i", "0.1", "-W", "3", self.hit["b"], check=False)
        check(r.returncode == 0 and " 0% packet loss" in r.stdout, r.stdout + r.stderr)

    def errors(self):
        """Whatever a router says of a packet of an association's, the association goes on (s5.4: informational)."""
        self.ping(3)
        before, since = (self.state("a", "b"), self.state("b", "a")), self.mark("a")
        icmp = socket_in(self.lab, "r", socket.AF_INET, socket.SOCK_RAW, 1)
        mine = [(k, p) for _, s, _, k, p in packets(self.pcap["a"]) if s == ip("a", False) and k in (HIP, ESP)]
        quoted = {k: next(p for q, p in reversed(mine) if q == k) for k in (HIP, ESP)}
        sent = 0
        for proto, payload in quoted.items():
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 63, proto, 0, socket.inet_aton(ip("a", False)), socket.inet_aton(ip("b", False)))
            head = head[:10] + struct.pack("!H", attack.checksum(head)) + head[12:]
            for kind, code in ((3, 0), (3, 1), (3, 2), (3, 3), (3, 9), (3, 10), (3, 13), (4, 0), (11, 0), (11, 1), (12, 0), (12, 1)):
                body = bytes([kind, code, 0, 0, 28 if kind == 12 else 0, 0, 0, 0]) + head + payload[:520]
                icmp.sendto(body[:2] + struct.pack("!H", attack.checksum(body)) + body[4:], (ip("a", False), 0))
                sent += 1
        time.sleep(0.3)
        self.ping(10)
        check((self.state("a", "b"), self.state("b", "a")) == before, f"{before} became {self.state('a', 'b')}, {self.state('b', 'a')}")
        kinds = {p[2] for _, _, _, k, p in list(packets(self.pcap["a"]))[since:] if k == HIP}
        check(not kinds & {attack.I1, attack.I2, CLOSE}, f"packet types {kinds} after the errors")
        return f"{sent} errors, {before[0].get('state')}"


def body(cases):
    t = Icmp(cases)
    t.set_up()
    for host in ("b", "fa"):
        for six in (False, True):
            name = f"{'hipfad' if host == 'fa' else 'hiphostd'}, IPv{6 if six else 4}"
            cases.case(f"{name}: another version", t.version, host, six)
            cases.case(f"{name}: no association", t.strangers, host, six)
            cases.case(f"{name}: a puzzle not solved", t.puzzle, host, six)
            cases.case(f"{name}: about nothing else", t.never, host, six)
        cases.case(f"{'hipfad' if host == 'fa' else 'hiphostd'}: within a rate", t.rate, host, True)
    cases.case("errors that come in break nothing", t.errors)


if __name__ == "__main__":
    case.main("icmp", "ic-", body)
