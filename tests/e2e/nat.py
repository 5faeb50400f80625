#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
# check: full 1500 --all
"""The NAT matrix with the real daemons: mn behind one box, cn behind another (tests/lab/boxes.py; tests/e2e/nat_boxes.py proves the boxes).

For each pair: cn reaches mn by its name, with a ping and with a download whose checksum is right, and `hipctl peers` says direct where the two boxes allow
it, else relayed, with a reason. Counters tell whether that is true: nftables counters in `fa` and hipfad's own see the octets of the download go
through the FA when relayed, and none of them when direct.

    nat.py [--all] [--only PATTERN]     --all: every pair, and the NATs that forget
"""
import argparse
import hashlib
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import boxes  # noqa: E402
from case import check  # noqa: E402
from lab import LabError, attach, detach, wait_for  # noqa: E402

PAIRED = ("masquerade", "symmetric", "port-filter", "address-filter", "full-cone")
SOME = (("masquerade", "masquerade"), ("symmetric", "masquerade"), ("port-filter", "address-filter"), ("symmetric", "address-filter"),
        ("full-cone", "symmetric"), ("symmetric", "symmetric"))
BLOB = 1 << 20


def lets_in(a, b):
    """Can a packet from behind box kind a, sent to where the FA sees the host behind b, get in, once that host has sent likewise?"""
    a, b = boxes.KINDS[a], boxes.KINDS[b]
    if b.filter == "any":
        return True
    return b.mapping != "random" and (b.filter == "address" or a.mapping != "random")


def expected(a, b):
    return "direct" if lets_in(a, b) or lets_in(b, a) else "relayed"


class Matrix:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = {"mn": daemons.DEMO_SUBSCRIBER,
                    "cn": daemons.Subscriber(imsi="001010000000002", k="0123456789abcdef0123456789abcdef", opc="fedcba9876543210fedcba9876543210",
                                             given="Second", surname="Card", msisdn="358401234568")}
        self.fqdn = {h: f"{s.label}.{daemons.ZONE}" for h, s in self.sub.items()}

    def set_up(self):
        self.boxes = boxes.nat_topology(self.lab)
        for s in self.sub.values():
            self.op.realms[s.realm] = s.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        for s in self.sub.values():
            self.op.add_subscriber(s)
        self.op.start_fa()
        boxes.count_esp(self.lab)
        self.blob = os.urandom(BLOB)
        self.sum = hashlib.sha256(self.blob).hexdigest()

    # ---- one pair ----------------------------------------------------------------------------------------------------

    def begin(self, mn, cn, sims=("mn", "cn"), access="umts"):
        """Both boxes new, both hosts started, mn bound. Returns mn's status."""
        self.end()
        for name, kind in ((access, mn), ("nat2", cn)):
            self.boxes[name].udp_blocked = False
            self.boxes[name].become(kind)
            self.boxes[name].restart()
        for a in ("umts", "wlan"):
            detach(self.lab, a)
        attach(self.lab, access, boxes.PRIVATE)
        for host in ("mn", "cn"):
            self.op.start_host(host, sim=self.sub[host] if host in sims else None)
        self.status = self.op.wait_bound("mn", self.fqdn["mn"], 40)
        if "cn" in sims:
            self.op.wait_bound("cn", self.fqdn["cn"], 40)
        self.op.wait_registered_at(self.status["hit"], [self.boxes[access].public], 20)
        return self.status

    def end(self):
        if self.lab.alive("web"):
            self.lab.stop("web")
        for host in ("mn", "cn"):
            if self.lab.alive(f"hiphostd-{host}"):
                self.op.stop_host(host)

    def ping(self, count=3, host="cn", to="mn", wait=5):
        return self.lab.run(host, "ping", "-6", "-n", "-c", count, "-i", "0.2", "-W", wait, self.fqdn[to], check=False, timeout=60)

    def peer(self, host="cn", of="mn"):
        hit = self.status["hit"] if of == "mn" else self.op.ctl(of, "status")["hit"]
        return self.op.peer(host, hit) or {}

    def wait_path(self, want, timeout=20, host="cn", of="mn"):
        """Until `hipctl peers` says this path; meanwhile a ping, as an application's packets would do. Its view of the peer."""
        def there():
            self.ping(1, wait=1)
            p = self.peer(host, of)
            return p if p.get("path") == want else None
        try:
            return wait_for(f"{host} says that its path to {of} is {want}", there, timeout, 0.1)
        except LabError as e:
            raise LabError(f"{e}; it says {self.peer(host, of)}") from None

    def wait_both(self, want, timeout=20):
        self.wait_path(want, timeout)
        self.wait_path(want, timeout, host="mn", of="cn")

    def relayed_octets(self):
        """(nftables: octets of ESP in UDP into the FA, out of it; hipfad: octets relayed)"""
        n = boxes.esp_counts(self.lab)
        return n["esp_udp_in"][1], n["esp_udp_out"][1], self.op.relayed_octets()

    def download(self, path, to="mn", host="cn"):
        """The blob from mn to cn; whether it went through the FA is measured."""
        self.op.serve(to, self.blob)
        before = self.relayed_octets()
        got = self.op.fetch(host, self.fqdn[to])
        self.lab.stop("web")
        check(got == self.sum, "the download's checksum is wrong")
        grown = [b - a for a, b in zip(before, self.relayed_octets())]
        if path == "relayed":
            check(min(grown) > BLOB, f"{BLOB} octets came, the FA's counters grew by {grown}")
        else:
            check(max(grown) < BLOB // 20, f"direct, and yet the FA's counters grew by {grown}")
        return grown

    def pair(self, mn, cn, sims=("mn", "cn"), want=None):
        want = want or expected(mn, cn)
        self.begin(mn, cn, sims)
        t = time.monotonic()
        r = self.ping()
        first = time.monotonic() - t
        check(r.returncode == 0, f"ping: {r.stdout}{r.stderr}")
        p = self.wait_path(want)
        took = time.monotonic() - t
        check(p.get("why"), f"no reason: {p}")
        back = self.wait_path(want, host="mn", of="cn")
        check(back.get("why"), f"no reason at mn: {back}")
        grown = self.download(want)
        return f"{want} after {took:.1f} s (three pings {first:.1f} s; {p['why']}); {BLOB} octets, {grown[0]} through the FA"

    # ---- the other cases ---------------------------------------------------------------------------------------------

    def no_direct(self):
        boxes.no_direct_path(self.lab)
        try:
            return self.pair("full-cone", "full-cone", want="relayed")
        finally:
            boxes.no_direct_path(self.lab, False)

    def silent(self):
        """The direct path dies under traffic: the relay carries it within seconds; and the direct path is taken back."""
        self.begin("masquerade", "masquerade")
        check(self.ping().returncode == 0, "no ping")
        self.wait_both("direct")
        boxes.no_direct_path(self.lab)
        try:
            t = time.monotonic()
            self.wait_both("relayed", 30)
            check(self.ping().returncode == 0, "no ping through the relay")
            left = time.monotonic() - t
            self.download("relayed")
        finally:
            boxes.no_direct_path(self.lab, False)
        t = time.monotonic()
        self.wait_both("direct", 90)
        self.download("direct")
        return f"relayed {left:.1f} s after the direct path died, direct {time.monotonic() - t:.1f} s after it was back"

    def opened(self):
        """Two symmetric NATs: relayed; one is opened: direct."""
        self.begin("symmetric", "symmetric")
        check(self.ping().returncode == 0, "no ping")
        self.wait_both("relayed")
        self.boxes["nat2"].become("open")
        t = time.monotonic()
        self.wait_both("direct", 90)
        took = time.monotonic() - t
        self.download("direct")
        return f"direct {took:.1f} s after cn's NAT was opened"

    def moved(self):
        """mn goes from behind one NAT to behind another under a download."""
        self.begin("masquerade", "masquerade")
        check(self.ping().returncode == 0, "no ping")
        self.wait_both("direct")
        self.boxes["wlan"].become("symmetric")
        big = os.urandom(400_000 * 20)
        self.op.serve("mn", big)
        curl = self.op.start_slow_fetch("cn", self.fqdn["mn"])
        time.sleep(2)
        detach(self.lab, "umts")
        attach(self.lab, "wlan", boxes.PRIVATE)
        t = time.monotonic()
        wait_for("cn reaches mn behind the other NAT", lambda: self.ping(1, wait=1).returncode == 0, 30, 0.1)
        took = time.monotonic() - t
        self.wait_path(expected("symmetric", "masquerade"))
        check(curl.wait(timeout=120) == 0, f"curl: {self.lab.log_text('slow-curl')}")
        sha, connections = self.op.slow_fetch_result("cn")
        check(sha == hashlib.sha256(big).hexdigest() and connections == 1, f"checksum or connections ({connections})")
        return f"first ping after {took:.1f} s"

    def renumbered(self):
        """mn's NAT restarts with another address under a ping."""
        self.begin("masquerade", "masquerade")
        check(self.ping().returncode == 0, "no ping")
        self.wait_both("direct")
        box = self.boxes["umts"]
        old = (box.public, box.gateway)
        try:
            box.renumber(*boxes.SPARE["umts"])
            t = time.monotonic()
            wait_for("cn reaches mn behind the renumbered NAT", lambda: self.ping(1, wait=1).returncode == 0, 60, 0.1)
            took = time.monotonic() - t
            self.op.wait_registered_at(self.status["hit"], [box.public], 60)
            self.wait_both("direct", 60)
            self.download("direct")
        finally:
            self.end()
            box.renumber(*old)
        return f"first ping after {took:.1f} s"

    def forgetful(self, idle):
        """Nothing is said for longer than the NATs remember: keepalives keep mn reachable, by cn and by a newcomer."""
        self.begin("forgetful", "forgetful")
        check(self.ping().returncode == 0, "no ping")
        self.wait_both("direct")
        time.sleep(idle)
        r = self.ping(2, wait=2)
        check(r.returncode == 0, f"after {idle} s: {r.stdout}")
        check(self.peer().get("path") == "direct", f"{self.peer()}")
        self.op.start_host("cn2")
        try:
            r = self.ping(2, host="cn2")
            check(r.returncode == 0, f"cn2 after {idle} s: {r.stdout}{r.stderr}")
        finally:
            self.op.stop_host("cn2")

    def udp_blocked(self):
        """The network that mn is at lets no UDP through: behind a NAT that is the end; at another network it is found again."""
        self.begin("masquerade", "masquerade")
        self.boxes["umts"].block_udp()
        r = self.ping(1, wait=2)
        check(r.returncode != 0, "a ping came through without UDP")
        detach(self.lab, "umts")
        attach(self.lab, "wlan", boxes.PRIVATE)
        t = time.monotonic()
        wait_for("cn reaches mn at wlan", lambda: self.ping(1, wait=1).returncode == 0, 60, 0.1)
        return f"{time.monotonic() - t:.1f} s after coming to wlan"

    def same_lan(self):
        """Both behind one NAT, on one network: direct by their private addresses."""
        lab = self.lab
        self.end()
        if not getattr(self, "lan", None):
            lab.link("umts", "access2", ["10.52.0.1/24"], "cn", "eth1", [])
            self.lan = True
        lab.ip("cn", "link", "set", "eth0", "down")
        lab.add_addr("cn", "eth1", "10.52.0.10/24")
        lab.route("cn", "default", "10.52.0.1")
        try:
            self.begin("symmetric", "symmetric")
            check(self.ping().returncode == 0, "no ping")
            p = self.wait_path("direct")
            check(daemons.bare(p["address"]) == boxes.PRIVATE["umts"][0][0], f"not by the private address: {p}")
            self.download("direct")
        finally:
            self.end()
            lab.ip("cn", "addr", "flush", "dev", "eth1")
            lab.ip("cn", "link", "set", "eth0", "up")
            lab.route("cn", "default", boxes.PRIVATE["nat2"][0][2])

    def public_cn(self):
        """A correspondent without any NAT, and without a SIM."""
        self.begin("symmetric", "masquerade", sims=("mn",))
        self.op.start_host("cn2")
        try:
            r = self.ping(host="cn2")
            check(r.returncode == 0, r.stdout + r.stderr)
            self.wait_path("direct", host="cn2")
            self.download("direct", host="cn2")
        finally:
            self.op.stop_host("cn2")

    def daemons_well(self):
        self.end()
        self.op._stop("hipfad")
        for label in self.op.labels():
            text = self.lab.log_text(label)
            check("runtime error" not in text and "Sanitizer" not in text, f"{label}: {text[-3000:]}")


def body(cases):
    p = argparse.ArgumentParser()
    p.add_argument("--all", action="store_true")
    p.add_argument("--only", default="")
    a = p.parse_args()
    m = Matrix(cases)
    m.set_up()
    pairs = [(x, y) for x in PAIRED for y in PAIRED] if a.all else SOME
    rows = [(f"mn {x}, cn {y}: {expected(x, y)}", m.pair, x, y) for x, y in pairs]
    rows += [("two symmetric NATs, cn's is opened", m.opened), ("the direct path dies and comes back", m.silent),
             ("cn without a SIM, masquerade", m.pair, "masquerade", "masquerade", ("mn",)),
             ("cn without a SIM, symmetric on both sides", m.pair, "symmetric", "symmetric", ("mn",)),
             ("a public correspondent", m.public_cn), ("no direct path at all", m.no_direct), ("mn moves to behind another NAT", m.moved),
             ("mn's NAT restarts and renumbers", m.renumbered), ("UDP blocked where mn is", m.udp_blocked), ("both behind one NAT", m.same_lan)]
    if a.all:
        rows += [("NATs that forget after 30 s", m.forgetful, 70)]
    rows += [("the daemons are well", m.daemons_well)]
    for title, work, *args in rows:
        if re.search(a.only, title):
            cases.case(title, work, *args)


if __name__ == "__main__":
    case.main("nat", "nt-", body)
