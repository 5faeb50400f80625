#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
# check: full 120 --all
"""ESP between two hosts: transforms (--all: each one), new keys under load, what the outer header says, paths that take less (RFC 7402).

The lab is that of two_hosts.py.
"""
import re
import struct
import sys

import two_hosts
from two_hosts import TwoHosts, ip4, ip6
import case
from case import check
from lab import wait_for

SUITES = ("aes128-gcm8", "aes128-ccm16", "aes256-cbc-sha256")
AUTH_ONLY = ("null-sha256", "aes128-gmac")
if "--all" in sys.argv[1:]:
    SUITES += ("aes128-gcm16", "aes128-ccm8", "aes128-cbc-sha256")
    AUTH_ONLY += ("aes128-cmac96",)


def esp_headers(path):
    """(source, TOS, TTL, DF, fragment) of every ESP packet over IPv4 in a pcap."""
    data = open(path, "rb").read()
    pos = 24
    while pos + 16 <= len(data):
        cap = struct.unpack("<I", data[pos + 8:pos + 12])[0]
        frame = data[pos + 16:pos + 16 + cap]
        pos += 16 + cap
        if frame[12:14] == b"\x08\x00" and frame[23] == 50:
            flags = struct.unpack(">H", frame[20:22])[0]
            yield ".".join(map(str, frame[26:30])), frame[15], frame[22], bool(flags & 0x4000), bool(flags & 0x3fff)


def fragments(path):
    """IPv4 and IPv6 fragments of ESP in a pcap."""
    data = open(path, "rb").read()
    pos, n4, n6 = 24, sum(s[4] for s in esp_headers(path)), 0
    while pos + 16 <= len(data):
        cap = struct.unpack("<I", data[pos + 8:pos + 12])[0]
        frame = data[pos + 16:pos + 16 + cap]
        pos += 16 + cap
        n6 += frame[12:14] == b"\x86\xdd" and frame[20] == 44 and frame[54] == 50
    return n4, n6


class Esp(TwoHosts):
    def up(self, ours, theirs, to=None, more="", their_more=""):
        """Both hosts anew, with these suites."""
        for host in ("a", "b"):
            if self.lab.alive(host):
                self.stop(host)
        allow = {h: f", authentication_only: [\"{self.hit[o]}\"]" for h, o in (("a", "b"), ("b", "a"))}
        self.start("b", f"esp: {{ suites: [{theirs}]{allow['b']}{their_more} }}\n")
        self.start("a", f"esp: {{ suites: [{ours}]{allow['a']}{more} }}\n" + (self.peers.replace(ip4("b0"), f"\"{to}\"") if to else self.peers))

    def peer_of_a(self):
        return next(p for p in self.ctl("a", "peers")["peers"] if p["hit"] == self.hit["b"])

    def all_of_it(self, *args):
        r = self.ping(*args)
        check(r.returncode == 0 and " 0% packet loss" in r.stdout, r.stdout + r.stderr)
        return r

    # ---- cases -----------------------------------------------------------------------------------------------------

    def transforms(self):
        for suite in SUITES + AUTH_ONLY:
            self.up(suite + (", aes128-gcm16" if suite in AUTH_ONLY else ""), ", ".join(dict.fromkeys((suite, "aes128-cbc-sha256"))))
            self.all_of_it("-c", "3", "-i", "0.01", "-W", "3", "-s", "700")
            check(self.peer_of_a()["esp"] == suite, f"{suite} wanted: {self.peer_of_a()}")
        return f"{len(SUITES + AUTH_ONLY)} of them"

    def by_policy(self):
        """One that only authenticates, with a peer that has it for somebody else."""
        self.stop("a")
        self.stop("b")
        self.start("b", f"esp: {{ suites: [null-sha256, aes128-gcm8], authentication_only: [\"{two_hosts.NOBODY}\"] }}\n")
        self.start("a", f"esp: {{ suites: [aes128-gcm16, null-sha256, aes128-gcm8], authentication_only: [\"{two_hosts.NOBODY}\"] }}\n" + self.peers)
        self.all_of_it("-c", "2", "-i", "0.01", "-W", "3")
        check(self.peer_of_a()["esp"] == "aes128-gcm8", f"{self.peer_of_a()}")

    def new_keys(self):
        """Every 100 packets, while packets go both ways."""
        self.up("aes128-gcm16", "aes128-gcm16", more=", rekey_packets: 100")
        self.all_of_it("-c", "1", "-W", "3")
        spis = {(p["spi_in"], p["spi_out"]) for p in [self.peer_of_a()]}
        for _ in range(4):
            self.all_of_it("-c", "150", "-i", "0.004", "-W", "2")
            p = self.peer_of_a()
            spis.add((p["spi_in"], p["spi_out"]))
        p, asked = self.peer_of_a(), self.ctl("a", "status")["counters"]["rekeys_asked"]
        check(len(spis) == 5, f"SPIs {spis}")
        check(p["received"] >= 601 and p["sent"] >= 601, f"counters went back: {p}")
        check(4 <= asked <= 8, f"asked for {asked} times")
        return f"{asked} times in 600 packets each way, none lost"

    def new_keys_under_load(self):
        """Every 2000 packets of a TCP connection: no packet is refused for its SPI or its keys."""
        self.up("aes128-gcm16", "aes128-gcm16", more=", rekey_packets: 2000", their_more=", rekey_packets: 2000")
        self.all_of_it("-c", "1", "-W", "3")
        said = self.download()
        self.lab.stop("web")
        a, b = (self.ctl(h, "status")["counters"] for h in ("a", "b"))
        asked = a["rekeys_asked"] + b["rekeys_asked"]
        for c in (a, b):
            check(c["esp_no_spi"] == 0 and c["esp_bad"] == 0, f"{c}")
        check(asked >= 8, f"asked for {asked} times")
        return f"{asked} times; {said}"

    def outer_header(self):
        """EF and ECT(0), marked by the router as congestion experienced; b's answer copies what b's application got."""
        pcap = self.lab.capture("r", "rb0", "mark")
        self.lab.run("r", "nft", "add table ip t; add chain ip t f { type filter hook forward priority 0; }; "
                     "add rule ip t f oifname rb0 ip protocol 50 ip ecn set ce")
        self.all_of_it("-c", "2", "-i", "0.2", "-W", "3", "-Q", "0xba", "-t", "30")
        self.lab.run("r", "nft", "delete", "table", "ip", "t")
        seen = wait_for("both ways", lambda: (lambda s: s if len(s) >= 4 else None)(list(esp_headers(pcap))), 5)
        out = [s for s in seen if s[0] == ip4("a0")]
        back = [s for s in seen if s[0] == ip4("b0")]
        check(all(s[1] == 0xbb and s[2] == 29 and s[3] for s in out), f"to b: {out}")
        check(all(s[1] == 0xbb for s in back), f"from b: {back}")

    def mtu(self, n):
        self.lab.ip("r", "link", "set", "rb0", "mtu", str(n))
        self.lab.ip("b", "link", "set", "b0", "mtu", str(n))

    def told(self):
        """What ping hears is too big for the path."""
        def look():
            r = self.ping("-c", "1", "-W", "1", "-M", "do", "-s", "1352")
            m = re.search(r"mtu[=:] ?(\d+)", r.stdout + r.stderr)
            return int(m.group(1)) if m else None
        return wait_for("packet too big", look, 10, 0.2)

    def path_mtu(self):
        self.mtu(1340)
        n = self.told()
        check(n == 1340 - 20 - 8 - 8 - 16 - 2 + 40, f"told {n}")
        self.all_of_it("-c", "3", "-i", "0.05", "-W", "3", "-M", "do", "-s", str(n - 48))
        check(self.ping("-c", "1", "-W", "1", "-M", "do", "-s", str(n - 47)).returncode != 0, "one octet more went")
        self.ping("-c", "1", "-W", "1", "-s", "4000")  # b's stack has to hear of it too
        self.all_of_it("-c", "3", "-i", "0.05", "-W", "3", "-s", "4000")  # fragments inside
        check(self.ctl("a", "status")["counters"]["too_big"] >= 1, "not counted")
        return f"{n} octets through 1340"

    def fragments_outside(self):
        """Below what IPv6 promises inside: packets of 1280 octets go, in fragments, over either version."""
        said = []
        pcap = self.lab.capture("b", "b0", "frag")
        for to, outer in ((None, 1290), (ip6("b0"), 1280)):
            self.up("aes128-gcm16", "aes128-gcm16", to)
            self.mtu(outer)
            self.all_of_it("-c", "1", "-W", "3")
            wait_for("packets of 1280 octets", lambda: self.ping("-c", "1", "-W", "1", "-M", "do", "-s", "1232").returncode == 0, 10, 0.2)
            self.all_of_it("-c", "5", "-i", "0.05", "-W", "3", "-M", "do", "-s", "1232")
            n = self.told()
            check(n == 1280, f"told {n}")
            said.append(self.peer_of_a()["address"])
        self.mtu(1500)
        n4, n6 = fragments(pcap)
        check(n4 >= 10 and n6 >= 10, f"{n4} IPv4 fragments, {n6} IPv6 fragments")
        return f"to {' and '.join(said)}; {n4} and {n6} fragments"

    def over_udp(self):
        for host in ("a", "b"):
            self.stop(host)
        self.start("b", "nat: always\n")
        self.start("a", "nat: always\n" + self.peers)
        self.all_of_it("-c", "3", "-i", "0.05", "-W", "3", "-M", "do", "-s", "1352", "-Q", "0xba", "-t", "30")
        self.mtu(1340)
        n = self.told()
        self.mtu(1500)
        check(n == (1340 - 20 - 8 - 8 - 8 - 16) // 4 * 4 - 2 + 40, f"told {n}")
        return f"{self.peer_of_a()['data_to']}: {n} octets through 1340"

    def without_df(self):
        """path_mtu: fragment: routers do it, nobody is told."""
        self.up("aes128-gcm16", "aes128-gcm16", more=", path_mtu: fragment", their_more=", path_mtu: fragment")
        self.all_of_it("-c", "1", "-W", "3")
        pcap = self.lab.capture("a", "a0", "nodf")
        self.lab.ip("a", "route", "flush", "cache")
        self.mtu(1310)
        self.all_of_it("-c", "3", "-i", "0.05", "-W", "3", "-M", "do", "-s", "1352")
        self.mtu(1500)
        out = wait_for("packets", lambda: [s for s in esp_headers(pcap) if s[0] == ip4("a0")], 5)
        check(out and not any(s[3] for s in out), f"DF: {out}")


def body(cases):
    t = Esp(cases)
    if not cases.case("two hosts up", t.set_up):
        return
    for title, work in (("transforms", t.transforms), ("authentication alone, by policy", t.by_policy), ("new keys", t.new_keys),
                        ("new keys under a download", t.new_keys_under_load), ("traffic class, ECN and hop limit", t.outer_header), ("path MTU", t.path_mtu), ("fragments outside", t.fragments_outside),
                        ("without DF", t.without_df), ("over UDP", t.over_udp), ("the end", t.end)):
        cases.case(title, work)


if __name__ == "__main__":
    sys.exit(case.Cases("esp", "esp-").run(body))
