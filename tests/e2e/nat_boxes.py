#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
# check: full 120 --slow
"""The laboratory's own NATs, filters and blocked paths behave as they are named, probed with plain sockets: nothing of hipfa runs here.

A socket in cn, behind the box, sends to three places: two ports of one public host and a port of another. What they see is the box's mapping; which
of them get an answer through, before the inside has sent there, is its filter.
"""
import pathlib
import select
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import boxes  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, attach, socket_in  # noqa: E402

FA, HOME = ADDR["fa"][0], ADDR["home"][0]


class Probe:
    """A UDP socket in a host."""

    def __init__(self, lab, host, port=0):
        self.s = socket_in(lab, host, socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(("0.0.0.0", port))
        self.to = None

    def send(self, to, text):
        self.s.sendto(text.encode(), to)

    def got(self, text, within=1.0):
        """Where this text came from, or None; older datagrams are passed over."""
        end = time.monotonic() + within
        while select.select([self.s], [], [], max(0, end - time.monotonic()))[0]:
            data, where = self.s.recvfrom(2048)
            if data.decode() == text:
                return where
        return None


class Boxes:
    def __init__(self, cases):
        self.lab = cases.lab
        self.serial = 0

    def set_up(self):
        self.boxes = boxes.nat_topology(self.lab)
        attach(self.lab, "umts", boxes.PRIVATE)
        self.out = {"a": (FA, 7100), "a2": (FA, 7101), "b": (HOME, 7100)}
        self.probe = {k: Probe(self.lab, "fa" if ip == FA else "home", port) for k, (ip, port) in self.out.items()}

    def text(self):
        self.serial += 1
        return f"probe {self.serial}"

    def seen(self, inside, where):
        """The address and port that a packet from inside has at one of the three places."""
        t = self.text()
        inside.send(self.out[where], t)
        return self.probe[where].got(t)

    def gets_in(self, inside, where, mapped, within=0.3):
        t = self.text()
        self.probe[where].send(mapped, t)
        return inside.got(t, within) is not None

    # ---- cases -----------------------------------------------------------------------------------------------------

    def behaves(self, name):
        box, kind = self.boxes["nat2"], boxes.KINDS[name]
        box.become(name)
        boxes.flush_conntrack(self.lab, "nat2")
        port = 7000
        inside = Probe(self.lab, "cn", port)
        first = self.seen(inside, "a")
        check(first, "nothing passed")
        # the filter, while the inside has sent to `a` alone
        let_in = {w: self.gets_in(inside, w, first) for w in ("a", "a2", "b")}
        check(let_in == {"a": True, "a2": kind.filter != "port", "b": kind.filter == "any"}, f"lets in {let_in}")
        # what was refused has not taken the outside port away: the same packet the other way has the mapping that it should have
        others = {w: self.seen(inside, w) for w in ("a2", "b")}
        check(all(others.values()), f"nothing passed to {others}")
        ports = {first[1], others["a2"][1], others["b"][1]}
        check({first[0], *(o[0] for o in others.values())} == {box.public}, f"seen from {first} {others}")
        if kind.mapping == "random" and kind.filter == "any":
            check(len(ports) == 1 and port not in ports, f"who got in is answered from elsewhere: {sorted(ports)}")
        elif kind.mapping == "random":
            check(len(ports) == 3 and port not in ports, f"outside ports {sorted(ports)}")
        else:
            check(ports == {port if kind.mapping == "preserve" else boxes.SHIFT[port]}, f"outside ports {sorted(ports)}")
        again = self.seen(inside, "a")
        check(again == first, f"{first} became {again}")
        for w in ("a2", "b"):
            check(self.gets_in(inside, w, others[w], 1), f"no answer from {w}")
        inside.s.close()
        return f"{kind.said}; port {port} is seen as {sorted(ports)}, unasked packets get in from " + (
            {"any": "anywhere", "address": "the same address", "port": "nowhere"}[kind.filter])

    def firewall(self):
        """No translation: the inside has public addresses, which the backbone routes."""
        box = self.boxes["nat2"]
        box.become("firewall")
        self.lab.route("net", "10.71.0.0/24", box.public)
        try:
            inside = Probe(self.lab, "cn", 7001)
            first = self.seen(inside, "a")
            check(first == (boxes.PRIVATE["nat2"][0][0], 7001), f"seen as {first}")
            let_in = {w: self.gets_in(inside, w, first) for w in ("a", "a2", "b")}
            check(let_in == {"a": True, "a2": False, "b": False}, f"lets in {let_in}")
        finally:
            self.lab.ip("net", "route", "del", "10.71.0.0/24")
            box.become("masquerade")

    def both_sides(self):
        """mn behind one masquerade, cn behind another: they reach each other once both have sent."""
        for name in ("umts", "nat2"):
            self.boxes[name].become("masquerade")
        mn, cn = Probe(self.lab, "mn", 7002), Probe(self.lab, "cn", 7002)
        at = {"mn": self.seen(mn, "a"), "cn": self.seen(cn, "a")}
        check(at["mn"][0] == self.boxes["umts"].public and at["cn"][0] == self.boxes["nat2"].public, f"{at}")
        t = self.text()
        mn.send(at["cn"], t)
        check(cn.got(t, 0.3) is None, "a packet got in before cn had sent")
        t = self.text()
        cn.send(at["mn"], t)
        check(mn.got(t) == at["cn"], "no packet through the hole from cn to mn")
        t = self.text()
        mn.send(at["cn"], t)
        check(cn.got(t) == at["mn"], "no packet through the hole from mn to cn")

    def symmetric_both(self):
        """Behind a symmetric NAT each, what the FA sees leads nowhere, however often both send."""
        for name in ("umts", "nat2"):
            self.boxes[name].become("symmetric")
        mn, cn = Probe(self.lab, "mn", 7003), Probe(self.lab, "cn", 7003)
        at = {"mn": self.seen(mn, "a"), "cn": self.seen(cn, "a")}
        for _ in range(3):
            t = self.text()
            mn.send(at["cn"], t)
            cn.send(at["mn"], t)
            check(mn.got(t, 0.2) is None and cn.got(t, 0.2) is None, "a packet got through")
        # then cn's is opened: its old outside port lets mn in, and cn's answer gets back to where that came from
        self.boxes["nat2"].become("open")
        check(self.seen(cn, "a") == at["cn"], "opening it changed the mapping that it had")
        t = self.text()
        mn.send(at["cn"], t)
        where = cn.got(t)
        check(where and where != at["mn"] and where[0] == self.boxes["umts"].public, f"at cn from {where}")
        t = self.text()
        cn.send(where, t)
        check(mn.got(t) == at["cn"], "no answer at mn")
        for name in ("umts", "nat2"):
            self.boxes[name].become("masquerade")
        return f"mn is {at['mn'][1]} at the FA and {where[1]} at cn"

    def forgets(self, after, patience):
        box = self.boxes["nat2"]
        box.become("forgetful", after)
        boxes.flush_conntrack(self.lab, "nat2")
        inside = Probe(self.lab, "cn", 7004)
        first = self.seen(inside, "a")
        for _ in range(3):  # a stream by conntrack's reckoning
            check(self.gets_in(inside, "a", first), "no answer at once")
            self.seen(inside, "a")
            time.sleep(after / 4)
        time.sleep(after * 0.5)
        check(self.gets_in(inside, "a", first), f"forgotten after {after * 0.75:g} s")
        time.sleep(after + patience)
        check(not self.gets_in(inside, "a", first), f"remembered after {after + patience} s")
        box.become("masquerade")

    def restarts(self):
        box = self.boxes["nat2"]
        box.become("symmetric")
        inside = Probe(self.lab, "cn", 7005)
        first = self.seen(inside, "a")
        check(self.gets_in(inside, "a", first), "no answer")
        box.restart()
        check(not self.gets_in(inside, "a", first), "the mapping outlived a restart")
        second = self.seen(inside, "a")
        check(second and second[0] == first[0] and second[1] != first[1], f"{first} became {second}")
        old = (box.public, box.gateway)
        box.renumber(*boxes.SPARE["nat2"])
        check(not self.gets_in(inside, "a", second), "the old address still works")
        third = self.seen(inside, "a")
        check(third and third[0] == boxes.SPARE["nat2"][0], f"{second} became {third}")
        check(self.gets_in(inside, "a", third), "no answer at the new address")
        box.renumber(*old)
        box.become("masquerade")
        return f"{first[0]}:{first[1]}, restarted {second[0]}:{second[1]}, renumbered {third[0]}:{third[1]}"

    def udp_blocked(self):
        box = self.boxes["nat2"]
        box.block_udp()
        inside = Probe(self.lab, "cn", 7006)
        check(self.seen(inside, "a") is None, "UDP passed")
        with socket_in(self.lab, "fa", socket.AF_INET, socket.SOCK_RAW, 139) as got, \
                socket_in(self.lab, "cn", socket.AF_INET, socket.SOCK_RAW, 139) as raw:
            raw.sendto(b"raw", (FA, 0))
            check(select.select([got], [], [], 1)[0] and got.recv(100)[20:] == b"raw", "protocol 139 did not pass")
        r = self.lab.run("cn", "ping", "-c", "1", "-W", "2", FA, check=False)
        check(r.returncode == 0, "ICMP did not pass")
        box.block_udp(False)
        check(self.seen(inside, "a"), "UDP does not pass again")

    def apart(self):
        """No direct path: each reaches the FA, neither the other."""
        for name in ("umts", "nat2"):
            self.boxes[name].become("full-cone")
            boxes.flush_conntrack(self.lab, name)
        mn, cn = Probe(self.lab, "mn", 7007), Probe(self.lab, "cn", 7007)
        for on in (False, True):
            boxes.no_direct_path(self.lab, on)
            at = {"mn": self.seen(mn, "a"), "cn": self.seen(cn, "a")}
            check(all(at.values()), f"not seen at the FA: {at}")
            t = self.text()
            mn.send(at["cn"], t)
            cn.send(at["mn"], t)
            there = {"cn": cn.got(t, 0.5) is not None, "mn": mn.got(t, 0.5) is not None}
            check(there == dict.fromkeys(("cn", "mn"), not on), f"apart {on}: {there}")
        boxes.no_direct_path(self.lab, False)

    def counters(self):
        """What counts as ESP in UDP in the FA, and what does not."""
        boxes.count_esp(self.lab)
        s = Probe(self.lab, "cn2")
        for data in (b"\1\2\3\4" + b"esp" * 20, b"\1\2\3\4" + b"esp" * 20, b"\0\0\0\0" + b"hip" * 20, b"\xff"):
            s.s.sendto(data, (FA, 10500))
        time.sleep(0.2)
        n = boxes.esp_counts(self.lab)
        check(n["esp_udp_in"][0] == 2 and n["hip_udp_in"][0] == 1 and n["esp_udp_out"][0] == n["esp_raw_in"][0] == 0, f"{n}")
        back = Probe(self.lab, "fa", 10500)
        back.s.sendto(b"\1\2\3\4" + b"esp" * 20, (ADDR["cn2"][0], 10500))
        n = boxes.esp_counts(self.lab)
        check(n["esp_udp_out"][0] == 1 and n["esp_udp_in"][0] == 2, f"{n}")
        back.s.close()


def body(cases):
    b = Boxes(cases)
    b.set_up()
    for name, kind in boxes.KINDS.items():
        if kind.mapping != "none":
            cases.case(name, b.behaves, name)
    for title, work, *args in (("firewall", b.firewall), ("masquerade on both sides", b.both_sides), ("symmetric on both sides, then one opened", b.symmetric_both),
                               ("forgets (4 s)", b.forgets, 4, 2), ("restarts and renumbers", b.restarts), ("UDP blocked", b.udp_blocked),
                               ("no direct path", b.apart), ("counters of the FA", b.counters)):
        cases.case(title, work, *args)
    if "--slow" in sys.argv:
        cases.case("forgets (30 s)", b.forgets, 30, 5)


if __name__ == "__main__":
    case.main("nat_boxes", "nb-", body)
