#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
"""Applications that know only IPv4, by Local Scope Identifiers (RFC 9063, RFC 5338): names, TCP, UDP, ping, moves, path MTU, and what is refused.

The lab is that of two_hosts.py; Knot at r knows b's names.
"""
import hashlib
import os
import pathlib
import re
import socket
import sys
import time

from two_hosts import TwoHosts, ip4, ip6
import case
import daemons
from case import check
from lab import packets, sh, socket_in, wait_for
from names import hi, record

ZONE = "hosts.example"
NOBODY = "198.19.200.200"
UDP_ECHO = """\
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7))
while True:
    data, who = s.recvfrom(65535)
    s.sendto(who[0].encode() + b" " + data, who)
"""


class Lsi(TwoHosts):
    # ---- the lab ---------------------------------------------------------------------------------------------------

    def config(self, host, extra=""):
        d = self.lab.path(host, "x")[:-2]
        dns = f"listen: [\"127.0.0.1:53\"], upstream: [\"{ip4('a0', 1)}\"], require_dnssec: no" if host == "a" else "listen: []"
        return daemons.private(f"{d}/hiphostd.yaml", f"state: {d}/state\nresolver: {{ {dns} }}\ncontrol: {{ socket: {d}/ctl }}\nlog: {{ level: debug }}\n{extra}")

    def start_knot(self):
        d = self.lab.path("r", "x")[:-2]
        wire = bytes.fromhex(self.ctl("b", "status")["hi"])
        hit = socket.inet_pton(socket.AF_INET6, self.hit["b"])
        key = wire[4:]  # the HI without its algorithm and the curve's label
        data = bytes([16, 3]) + len(key).to_bytes(2, "big") + hit + key
        hip = f"TYPE55 \\# {len(data)} {data.hex()}"
        other, nowhere = hi()
        pathlib.Path(d, "zone").write_text(f"$ORIGIN {ZONE}.\n$TTL 60\n@ SOA ns hostmaster 1 3600 900 604800 5\n@ NS ns\nns A {ip4('a0', 1)}\n"
                                           f"nowhere {record(nowhere, other, rvs=b'')}\nb {hip}\nb A {ip4('b0')}\nb6 {hip}\nb6 AAAA {ip6('b0')}\nplain A 192.0.2.7\n")
        daemons.private(f"{d}/knot.conf", f"server:\n    rundir: {d}\n    pidfile: {d}/knot.pid\n    listen: {ip4('a0', 1)}@53\n    udp-workers: 1\n"
                        "    tcp-workers: 1\n    background-workers: 1\nlog:\n  - target: stderr\n    any: warning\n"
                        f"database:\n    storage: {d}/db\n    journal-db-max-size: 16M\n    kasp-db-max-size: 8M\n    timer-db-max-size: 8M\n"
                        f"zone:\n  - domain: {ZONE}\n    file: {d}/zone\n    zonefile-sync: -1\n")
        os.makedirs(f"{d}/db", exist_ok=True)
        self.lab.start("r", "knot", "knotd", "-c", f"{d}/knot.conf")
        wait_for("Knot", lambda: "SOA" in self.lab.run("r", "dig", f"@{ip4('a0', 1)}", "+noall", "+answer", "+time=1", "+tries=1", ZONE, "SOA",
                                                       check=False).stdout, 15)

    def set_up(self):
        super().set_up()
        self.stop("a")
        self.start_knot()
        self.lab.etc_file("a", "resolv.conf", "nameserver 127.0.0.1\noptions timeout:8 attempts:1\n")
        self.peers = "interfaces: [a0, a1]\n"
        self.start("a", self.peers)
        self.blob = os.urandom(8 << 20)
        self.sum = hashlib.sha256(self.blob).hexdigest()
        with open(self.lab.path("b", "www", "blob"), "wb") as f:
            f.write(self.blob)
        www = self.lab.path("b", "www")
        self.lab.start("b", "web4", "/usr/bin/python3", "-m", "http.server", "80", "--bind", "0.0.0.0", "--directory", www)
        self.lab.start("b", "web6", "/usr/bin/python3", "-m", "http.server", "8080", "--bind", self.hit["b"], "--directory", www)
        self.lab.start("b", "echo", "/usr/bin/python3", "-c", UDP_ECHO)
        wait_for("the servers", lambda: self.lab.run("b", "ss", "-lntuH").stdout.count("\n") >= 3, 10)

    def resolve(self, name, family="ahostsv4"):
        return {line.split()[0] for line in self.lab.run("a", "getent", family, name, check=False).stdout.splitlines()}

    def counters(self, host="a"):
        return self.ctl(host, "status")["counters"]

    def ping4(self, to, *args, host="a"):
        return self.lab.run(host, "ping", "-4", "-n", "-W", "3", *args, to, check=False, timeout=60)

    def all_of_it(self, r):
        check(r.returncode == 0 and " 0% packet loss" in r.stdout, r.stdout + r.stderr)

    def get(self, name, url, *args):
        out = self.lab.path("a", name)
        r = self.lab.run("a", "curl", "-sS", "--max-time", "60", *args, "-o", out, url, check=False, timeout=70)
        check(r.returncode == 0, f"curl {args} {url}: {r.stderr}")
        check(sh("sha256sum", out).stdout.split()[0] == self.sum, "the checksum is wrong")

    # ---- cases -----------------------------------------------------------------------------------------------------

    def addresses(self):
        self.own = {}
        for host in ("a", "b"):
            st = self.ctl(host, "status")
            self.own[host] = st["lsi"]
            check(st["lsi"] == "198.19.0.1", st["lsi"])
            there = self.lab.ip(host, "addr", "show", "dev", "hip0").stdout
            check(" 198.19.0.1/32 " in there and f" {self.hit[host]}/128 " in there, there)
            check("198.19.0.0/16 dev hip0" in self.lab.ip(host, "route").stdout, "no route for LSIs")
            check(not any(x["address"].startswith("198.") for x in st["addresses"]), f"a locator: {st['addresses']}")

    def names(self):
        """A is the LSI, always the same one, AAAA the HIT, PTR the name; a name without HIP is what its zone says."""
        got = self.resolve(f"b.{ZONE}")
        check(len(got) == 1 and got == self.resolve(f"b6.{ZONE}"), f"{got}, {self.resolve(f'b6.{ZONE}')}")
        self.lsi = got.pop()
        check(self.lsi.startswith("198.19."), self.lsi)
        check(self.resolve(f"b.{ZONE}", "ahostsv6") == {self.hit["b"]}, "no HIT")
        check(self.resolve(f"plain.{ZONE}") == {"192.0.2.7"}, "plain")
        r = self.lab.run("a", "dig", "+noall", "+answer", "-x", self.lsi).stdout
        check(re.search(rf"PTR\s+b6?\.{ZONE}\.", r), r)
        r = self.lab.run("a", "dig", "-x", NOBODY).stdout
        check("NXDOMAIN" in r, r)
        got = self.ctl("a", "resolve", f"b.{ZONE}")
        check(got["lsis"] == [self.lsi], f"{got}")
        ttl = [int(line.split()[1]) for t in ("A", "AAAA") for line in self.lab.run("a", "dig", "+noall", "+answer", f"b.{ZONE}", t).stdout.splitlines()]
        check(len(ttl) == 2 and abs(ttl[0] - ttl[1]) <= 1 and ttl[0] <= 60, f"TTLs {ttl}")
        return f"b is {self.lsi} here"

    def ping_by_lsi(self):
        """The first packet begins the base exchange; TTL and TOS are the application's."""
        self.all_of_it(self.ping4(f"b.{ZONE}", "-c", "3", "-i", "0.2"))
        pcap = self.lab.capture("b", "hip0", "inside")
        self.all_of_it(self.ping4(self.lsi, "-c", "2", "-i", "0.2", "-s", "1352", "-M", "do"))
        self.all_of_it(self.ping4(self.lsi, "-c", "2", "-i", "0.2", "-s", "4000"))
        r = self.ping4(self.lsi, "-c", "1", "-W", "1", "-s", "1353", "-M", "do")
        check("mtu=1380" in r.stdout + r.stderr, r.stdout + r.stderr)
        r = self.lab.run("a", daemons.binary("hipctl"), "--socket", self.lab.path("a", "ctl"), "ping", "-c", "2", "-i", "0.1", self.lsi, check=False)
        check(r.returncode == 0 and "2 sent, 2 answered" in r.stdout, r.stdout + r.stderr)
        peer = next(p for p in self.ctl("a", "peers")["peers"] if p["hit"] == self.hit["b"])
        check(peer["lsi"] == self.lsi, f"{peer}")
        check(os.path.getsize(pcap) > 0, "nothing captured")

    def flows(self, name=f"b.{ZONE}"):
        """TCP and UDP of IPv4-only applications, and of those with HITs, at once; each family to a server of the other."""
        hit = f"[{self.hit['b']}]"
        at_once = self.lab.start("a", "curl6", "curl", "-sS", "--max-time", "60", "-o", self.lab.path("a", "six"), f"http://{hit}:8080/blob")
        self.get("four", f"http://{name}/blob", "-4")
        check(at_once.wait(timeout=60) == 0, self.lab.log_text("curl6"))
        check(sh("sha256sum", self.lab.path("a", "six")).stdout.split()[0] == self.sum, "the checksum is wrong")
        self.get("cross", f"http://{name}:8080/blob", "-4")
        self.get("cross6", f"http://{hit}/blob", "-6")
        seen = self.lab.log_text("web4")
        check(re.search(r"^198\.19\.\d+\.\d+ ", seen, re.M), seen)
        check(self.hit["a"] in self.lab.log_text("web6"), self.lab.log_text("web6"))
        check(self.lab.run("a", "curl", "-4", "-sS", "--max-time", "5", f"http://{name}:81/", check=False).returncode == 7, "port 81 is open")

    def udp(self):
        """Small ones, one without a checksum, one in fragments, one to a port where nobody is."""
        s = socket_in(self.lab, "a", socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(5)
        s.connect((self.lsi, 7))
        for n in (1, 1000, 5000):
            data = os.urandom(n)
            s.send(data)
            who, _, back = s.recv(65535).partition(b" ")
            check(back == data and who.startswith(b"198.19."), f"{n} octets: {who} {len(back)}")
        s.setsockopt(socket.SOL_SOCKET, 11, 1)  # SO_NO_CHECK
        s.send(b"without")
        check(s.recv(100).endswith(b" without"), "no answer to one without a checksum")
        s.close()
        s = socket_in(self.lab, "a", socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(5)
        s.connect((self.lsi, 9))
        s.send(b"x")
        try:
            s.recv(1)
            check(False, "an answer from port 9")
        except ConnectionRefusedError:
            pass
        finally:
            s.close()

    def from_b(self):
        """b never asked for a name: its peer's LSI is what its application saw; the other way by that."""
        peer = next(p for p in self.ctl("b", "peers")["peers"] if p["hit"] == self.hit["a"])
        check(peer["lsi"] and peer["lsi"].startswith("198.19."), f"{peer}")
        self.all_of_it(self.ping4(peer["lsi"], "-c", "2", "-i", "0.2", host="b"))
        return f"a is {peer['lsi']} there"

    def on_the_wire(self):
        seen = [(src, dst, proto) for _, src, dst, proto, _ in packets(self.pcap)]
        check(not any("198.19." in x for s in seen for x in s[:2]), "an LSI on the wire")
        kinds = {p for s, d, p in seen if {s, d} == {ip4("a0"), ip4("b0")}}
        check(kinds == {139, 50}, f"protocols {kinds}")

    def moves(self):
        """a0's addresses go, a1's come, under a download by LSI."""
        out = self.lab.path("a", "moved")
        curl = self.lab.start("a", "curl", "curl", "-4", "-sS", "--limit-rate", "3M", "--max-time", "60", "-o", out, "-w", "%{num_connects}",
                              f"http://{self.lsi}/blob")
        time.sleep(1)
        self.detach("a", "a0")
        self.attach("a", "a1")
        check(curl.wait(timeout=60) == 0, f"curl: {self.lab.log_text('curl')}")
        check(sh("sha256sum", out).stdout.split()[0] == self.sum, "the checksum is wrong")
        check(self.lab.log_text("curl").strip() == "1", f"connections: {self.lab.log_text('curl')}")
        check(self.peer_of_b()["address"] in (ip4("a1"), ip6("a1")), f"{self.peer_of_b()}")
        self.attach("a", "a0")
        self.detach("a", "a1")
        wait_for("b sends to a0", lambda: self.peer_of_b().get("address") in (ip4("a0"), ip6("a0")), 10)

    def echoed(self, s, data):
        s.send(data)
        try:
            return s.recv(65535).endswith(data)
        except TimeoutError:
            return False

    def path_mtu(self):
        """A path that takes less: DF is told how much, without DF it is split; and TCP finds its way."""
        for host, dev in (("r", "rb0"), ("b", "b0")):
            self.lab.ip(host, "link", "set", dev, "mtu", "1340")

        def told():
            r = self.ping4(self.lsi, "-c", "1", "-W", "1", "-M", "do", "-s", "1352")
            m = re.search(r"mtu[=:] ?(\d+)", r.stdout + r.stderr)
            return int(m.group(1)) if m else None
        n = wait_for("fragmentation needed", told, 10, 0.2)
        check(n == 1340 - 20 - 8 - 8 - 16 - 2 + 20, f"told {n}")
        self.all_of_it(self.ping4(self.lsi, "-c", "2", "-i", "0.1", "-M", "do", "-s", str(n - 28)))
        self.lab.ip("a", "route", "flush", "cache")
        s = socket_in(self.lab, "a", socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(1)
        s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_PMTUDISC_DONT: no DF
        s.connect((self.lsi, 7))
        for size in (1330, 4000):
            data = os.urandom(size)
            wait_for(f"{size} octets", lambda: self.echoed(s, data), 10)  # b's stack has to learn what the path takes
        s.close()
        self.get("narrow", f"http://{self.lsi}/blob", "-4")
        for host, dev in (("r", "rb0"), ("b", "b0")):
            self.lab.ip(host, "link", "set", dev, "mtu", "1500")
        return f"{n} octets through 1340"

    def refused(self):
        """Nobody's LSI; a source that is not ours; what is no IPv4 packet; what is not translated."""
        was = self.counters()
        r = self.ping4(NOBODY, "-c", "1")
        check(r.returncode != 0 and "Destination Host Unreachable" in r.stdout, r.stdout + r.stderr)
        r = self.lab.run("a", "curl", "-sS", "--max-time", "20", f"http://{NOBODY}/", check=False)
        check(r.returncode == 7, f"curl: {r.returncode} {r.stderr}")
        self.lab.ip("a", "addr", "add", "198.19.9.9/32", "dev", "lo")
        r = self.ping4(self.lsi, "-c", "1", "-W", "1", "-I", "198.19.9.9")
        self.lab.ip("a", "addr", "del", "198.19.9.9/32", "dev", "lo")
        check(r.returncode != 0, "a packet from another LSI went")
        s = socket_in(self.lab, "a", socket.AF_PACKET, socket.SOCK_DGRAM)
        for p in (b"\x45" + bytes(10), b"\x4f" + bytes(40), b"\x45\0\0\x1c" + bytes(24)):
            s.sendto(p, ("hip0", 0x0800))
        s.close()
        s = socket_in(self.lab, "a", socket.AF_INET, socket.SOCK_RAW, 58)
        for _ in range(2):
            s.sendto(bytes(8), (self.lsi, 0))  # ICMPv6 in IPv4
        s.close()
        now = wait_for("the counters", lambda: (lambda c: c if c["lsi_malformed"] - was["lsi_malformed"] == 3 else None)(self.counters()), 5)
        grew = {k: now[k] - was[k] for k in now if k.startswith("lsi_") and now[k] != was[k]}
        check(grew.get("lsi_unknown", 0) >= 2 and grew.get("lsi_spoofed") == 1 and grew.get("lsi_untranslated") == 2, f"{grew}")

    def unreachable(self):
        """A host with a name and no address: an IPv4 application hears so by ICMP. A restart of a: the same LSI for the same host."""
        r = self.ping4(f"nowhere.{ZONE}", "-c", "1", "-W", "20")
        check(r.returncode != 0 and "Destination Host Unreachable" in r.stdout, r.stdout + r.stderr)
        check(self.counters()["unreachable"] >= 1, "not counted")
        self.stop("a")
        self.start("a", self.peers)
        check(self.resolve(f"b.{ZONE}") == {self.lsi}, "another LSI after a restart")

    def over_ipv6(self):
        self.stop("a")
        self.start("a", self.peers)
        self.lab.run("a", "getent", "ahosts", f"b6.{ZONE}")
        self.all_of_it(self.ping4(f"b6.{ZONE}", "-c", "2", "-i", "0.2"))
        check(self.peer_of_b().get("address") == ip6("a0"), f"{self.peer_of_b()}")
        self.flows(f"b6.{ZONE}")

    def options(self):
        """Left out; carried where both ends are told so."""
        pcap = []
        for how in ("discard", "carry"):
            for host in ("a", "b"):
                self.stop(host)
            self.start("b", f"lsi: {{ ip_options: {how} }}\n")
            self.start("a", f"lsi: {{ ip_options: {how} }}\n" + self.peers)
            self.resolve(f"b.{ZONE}")
            pcap.append(self.lab.capture("b", "hip0", how))
            s = socket_in(self.lab, "a", socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(10)
            s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x94\x04\0\0")  # router alert
            s.connect((self.lsi, 7))
            s.send(b"alert")
            check(s.recv(100).endswith(b" alert"), f"{how}: no answer")
            s.close()
        at = [wait_for(how, lambda p=p: re.findall(rb"([\x45\x46])\0\0[\x21\x25].{6}.{2}\xc6\x13.{2}\xc6\x13\0\x01", open(p, "rb").read(), re.S), 5)
              for how, p in zip(("discard", "carry"), pcap)]
        check(at == [[b"\x45"], [b"\x46"]], f"{at}")

    def off(self):
        self.stop("a")
        self.start("a", "lsi: { use: no }\n" + self.peers)
        check(self.resolve(f"b.{ZONE}") == set(), "an A record")
        check(self.ctl("a", "status")["lsi"] is None, "an LSI")
        check("198.19" not in self.lab.ip("a", "route").stdout, "a route")
        self.all_of_it(self.ping("-c", "1", "-W", "5"))
        self.stop("a")
        p = self.config("a", self.peers)

        def refused(says):
            r = self.lab.run("a", daemons.binary("hiphostd"), "--config", p, check=False)
            check(r.returncode == 1 and says in r.stderr, f"{r.returncode} {r.stderr}, expected {says}")
        self.lab.ip("a", "route", "add", "198.19.0.0/16", "dev", "a0")
        refused("a route for 198.19.0.0/16 is there already")
        self.lab.ip("a", "route", "del", "198.19.0.0/16", "dev", "a0")
        key = pathlib.Path(self.lab.path("a", "state", "lsi.key"))
        check(key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == 16, f"{key.stat()}")
        key.write_bytes(b"short")
        refused("lsi.key: not 16 octets")
        p = self.config("a", "lsi: { prefix: 198.19.0.0/24 }\n")
        r = sh(daemons.binary("hiphostd"), "--config", p, "--check-config", check=False)
        check(r.returncode == 1 and ":5: expected an IPv4 prefix of 8 to 20 bits" in r.stderr, r.stderr)


def body(cases):
    t = Lsi(cases)
    if not cases.case("two hosts up, a name server, IPv4-only servers", t.set_up):
        return
    for title, work in (("each TUN has its LSI and the route", t.addresses), ("names", t.names), ("ping", t.ping_by_lsi), ("TCP, with HITs at the same time", t.flows),
                        ("UDP", t.udp), ("from the other end", t.from_b), ("nothing of it on the wire", t.on_the_wire), ("moves under a download", t.moves),
                        ("path MTU", t.path_mtu), ("what is refused", t.refused), ("a host that cannot be reached; a restart", t.unreachable), ("over IPv6", t.over_ipv6),
                        ("IPv4 options", t.options), ("switched off; what is in the way", t.off), ("the end", t.end)):
        cases.case(title, work)


if __name__ == "__main__":
    sys.exit(case.Cases("lsi", "lsi-").run(body))
