# SPDX-License-Identifier: Apache-2.0
"""./demo --move N: N moves of mn between umts and wlan under one download and a ping, and how long each took.

The first half with both interfaces up (make-before-break: the new one has its address, then mn is told to move, then the old one goes); the other half
without (break-before-make: the old address is gone 200 ms before the new one comes). All times come from the captures:

    first packet    from the order to move, or from the moment the new address was there, to the first ESP packet at the new address
    verified        ... to mn's answer to cn's ECHO_REQUEST_SIGNED from the new address
    silence at cn   the longest time without an ESP packet from mn at cn, around the move (a ping goes every 20 ms, and a download runs)
"""

import bisect
import hashlib
import os
import signal
import statistics
import time

import evidence
from demo import Demo, Failed
from lab import ACCESS, ADDR, attach, detach, packets, wait_for

METRIC = {"umts": 100, "wlan": 200}
KINDS = {"mbb": "make-before-break", "bbm": "break-before-make"}
FIGURES = {"first_ms": "first packet", "verified_ms": "verified", "silence_ms": "silence at cn"}
RATE = 400_000  # octets a second of the download
SETTLE_S = 0.8


def both(access):
    return [a[0] for a in ACCESS[access] if a]


def answered(capture, new, peer, since):
    """When mn answered the ECHO_REQUEST_SIGNED that the peer had sent to a new address of mn's, from there."""
    asked = set()
    for when, src, dst, kind, ps, _ in evidence.hip(capture):
        if when < since or kind != "UPDATE":
            continue
        if src in peer and dst in new and evidence.P_ECHO_REQ in ps:
            asked.add(ps[evidence.P_ECHO_REQ])
        if src in new and dst in peer and ps.get(evidence.P_ECHO_RES) in asked:
            return when
    raise Failed("the peer's echo was not answered from the new address")


class MoveDemo(Demo):
    def __init__(self, a):
        super().__init__(a)
        self.moved = []
        self.lost = {}

    def bind(self):
        attach(self.lab, "umts", metric=METRIC["umts"])
        self.host_status = self.op.wait_bound("mn", self.fqdn)
        return f"mn is {self.fqdn}, {self.host_status['hit']}, at umts", None

    def begin(self):
        self.blob = os.urandom(int(RATE * (2.2 * self.a.move + 10)))
        self.op.serve("mn", self.blob)
        r = self.lab.run("cn", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        if r.returncode != 0:
            raise Failed(f"ping: {r.stdout}{r.stderr}")
        self.curl = self.op.start_slow_fetch("cn", self.fqdn, rate=RATE, seconds=10 + len(self.blob) // RATE * 2)
        time.sleep(1)
        return f"{len(self.blob)} octets at {RATE // 1000} kB/s; {r.stdout.splitlines()[-2]}", None

    def one(self, kind, old, new):
        """Move once; the wall-clock time that it is counted from."""
        if kind == "mbb":
            attach(self.lab, new, metric=METRIC[new])
            time.sleep(0.3)
            when = time.time()
            self.op.order("mn", "move", interface=f"{new}0")
        else:
            detach(self.lab, old)
            time.sleep(0.2)
            when = attach(self.lab, new, metric=METRIC[new])
        try:
            wait_for(f"cn sends to {new}", lambda: (self.op.peer("cn", self.host_status["hit"]) or {}).get("address") in both(new), 15, 0.02)
        finally:
            self.moved.append({"kind": kind, "from": old, "to": new, "when": when})
        time.sleep(SETTLE_S)
        if kind == "mbb":
            self.op.wait_registered_at(self.host_status["hit"], both(new))
            detach(self.lab, old)
            time.sleep(0.2)

    def half(self, kind, count):
        ping = f"ping-{kind}"
        at = self.moved[-1]["to"] if self.moved else "umts"
        self.lab.start("cn", ping, "ping", "-6", "-n", "-i", "0.02", self.fqdn)
        time.sleep(0.3)
        for _ in range(count):
            old, at = at, "wlan" if at == "umts" else "umts"
            self.one(kind, old, at)
        self.lab.stop(ping, signal.SIGINT)
        sent, received, lost = evidence.ping_summary(self.lab.log_text(ping))
        self.lost[kind] = {"sent": sent, "lost": lost}
        if kind == "mbb" and lost:
            raise Failed(f"{lost} of {sent} pings lost although both interfaces were up")
        if self.curl.poll() is not None:
            raise Failed("the download ended before the moves did")
        return f"{count} moves; ping every 20 ms: {sent} sent, {received} received, {lost} lost", sent

    def make_before_break(self):
        return self.half("mbb", self.a.move - self.a.move // 2)

    def break_before_make(self):
        return self.half("bbm", self.a.move // 2)

    def download(self):
        code = self.curl.wait(timeout=30 + len(self.blob) // RATE)
        sha, connections = self.op.slow_fetch_result("cn")
        right = sha == hashlib.sha256(self.blob).hexdigest()
        if code != 0 or not right or connections != 1:
            raise Failed(f"curl exit {code}, checksum {'right' if right else 'wrong'}, {connections} connections")
        return f"{len(self.blob)} octets over one TCP connection, sha256 right", None

    def measured(self):
        """The figures of each move, out of the captures; then the table."""
        esp = {a: [(t, src, dst) for t, src, dst, proto, _ in packets(self.caps[a]) if proto == evidence.ESP] for a in ACCESS}
        mn = {a for access in ACCESS for a in both(access)}
        at_cn = [t for t, src, _, proto, _ in packets(self.caps["cn"]) if proto == evidence.ESP and src in mn]
        for m in self.moved:
            new, when = set(both(m["to"])), m.pop("when")
            first = next((t for t, src, dst in esp[m["to"]][bisect.bisect(esp[m["to"]], (when,)):] if {src, dst} & new), None)
            if first is None:
                raise Failed(f"no ESP at {m['to']} after a move")
            around = at_cn[max(0, bisect.bisect(at_cn, when - (0.5 if m["kind"] == "bbm" else 0.1)) - 1):bisect.bisect(at_cn, when + SETTLE_S)]
            m["first_ms"] = round(1000 * (first - when), 2)
            m["verified_ms"] = round(1000 * (answered(self.caps[m["to"]], new, set(ADDR["cn"]), when) - when), 2)
            m["silence_ms"] = round(1000 * max((b - a for a, b in zip(around, around[1:])), default=0), 2)
        return "\n".join(self.lines()), len(at_cn)

    def summary(self):
        out = {}
        for kind in KINDS:
            rows = [m for m in self.moved if m["kind"] == kind]
            out[kind] = {"moves": len(rows), **self.lost.get(kind, {}), **{
                f: {"min": min(v), "median": round(statistics.median(v), 2), "max": max(v)} for f in FIGURES
                if (v := [m[f] for m in rows if f in m])}}
        return out

    def lines(self):
        yield f"{'':<20}{'moves':>6}{'pings lost':>12}   {'milliseconds':<16}{'min':>8}{'median':>8}{'max':>8}"
        for kind, s in self.summary().items():
            for i, (f, title) in enumerate(FIGURES.items()):
                if f in s:
                    head = f"{KINDS[kind]:<20}{s['moves']:>6}{s['lost']:>6} of{s['sent']:>5}" if i == 0 else " " * 40
                    yield f"{head:<41}{title:<16}{s[f]['min']:>8.1f}{s[f]['median']:>8.1f}{s[f]['max']:>8.1f}"

    def more(self):
        return {"moves": self.moved, "summary": self.summary()}

    def steps(self):
        return (("0", "the lab", self.build_lab),
                ("1", "mn is bound at umts", self.bind),
                ("2", "cn pings mn and begins a download", self.begin),
                ("3", "moves with both interfaces up", self.make_before_break),
                ("4", "moves with the old one gone first", self.break_before_make),
                ("5", "the download ends", self.download),
                ("6", "handover times", self.measured))
