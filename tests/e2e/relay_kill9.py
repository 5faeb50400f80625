#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 300
# check: full 600 --times 3
"""hipfad killed (SIGKILL) while it relays, and started again at once, as a service manager does: hosts come back by themselves.

mn and cn are behind a symmetric NAT each: every packet between them goes through the FA, and a download and a ping run. What is measured: how long the ping
is silent, when mn and cn are registered again, when a newcomer reaches mn. The download goes on over the same TCP connection, its checksum right.

    relay_kill9.py [--times N]
"""
import argparse
import hashlib
import os
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import boxes  # noqa: E402
from case import check  # noqa: E402
from lab import attach, wait_for  # noqa: E402

RATE = 200_000
PATIENCE_S = 120  # more than any keepalive, retransmission and registration timer that is at work here


class RelayKill:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = {"mn": daemons.DEMO_SUBSCRIBER,
                    "cn": daemons.Subscriber(imsi="001010000000002", k="0123456789abcdef0123456789abcdef", opc="fedcba9876543210fedcba9876543210",
                                             given="Second", surname="Card", msisdn="358401234568")}
        self.fqdn = {h: f"{s.label}.{daemons.ZONE}" for h, s in self.sub.items()}
        self.hit = {}

    def set_up(self):
        self.boxes = boxes.nat_topology(self.lab, None, dict.fromkeys(boxes.OUTSIDE, "symmetric"))
        for s in self.sub.values():
            self.op.realms[s.realm] = s.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        for s in self.sub.values():
            self.op.add_subscriber(s)
        self.op.start_fa()
        attach(self.lab, "umts", boxes.PRIVATE)
        for host, s in self.sub.items():
            self.op.start_host(host, sim=s)
            self.hit[host] = self.op.wait_bound(host, self.fqdn[host])["hit"]
        r = self.lab.run("cn", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "5", self.fqdn["mn"], check=False, timeout=60)
        check(r.returncode == 0, r.stdout + r.stderr)
        wait_for("relayed", lambda: (self.op.peer("cn", self.hit["mn"]) or {}).get("path") == "relayed", 30)

    def ping_log(self):
        """[(time, answered)] of the long ping."""
        return [float(m[1]) for m in re.finditer(r"^\[(\d+\.\d+)\] \d+ bytes from", self.lab.log_text("ping"), re.M)]

    def killed(self, number):
        blob = os.urandom(RATE * 20)
        self.op.serve("mn", blob)
        curl = self.op.start_slow_fetch("cn", self.fqdn["mn"], RATE, 150)
        log = self.lab.path("log", "ping")
        if os.path.exists(log):
            os.unlink(log)
        self.lab.start("cn", "ping", "ping", "-6", "-n", "-D", "-i", "0.1", self.fqdn["mn"])
        time.sleep(3)
        carried = self.op.relayed_octets()
        check(carried > RATE, f"hipfad has relayed {carried} octets: not under load")
        at = time.time()
        code = self.lab.stop("hipfad", signal.SIGKILL)
        check(code == -signal.SIGKILL, f"hipfad ended with {code}")
        self.op.start_fa()
        up = time.time() - at
        back = wait_for("the ping is answered again", lambda: next((t for t in self.ping_log() if t > at + up), None), PATIENCE_S) - at
        registered = {}
        for host, box in (("mn", "umts"), ("cn", "nat2")):
            self.op.wait_registered_at(self.hit[host], [self.boxes[box].public], PATIENCE_S)
            registered[host] = time.time() - at
        self.op.start_host("cn2")
        try:
            wait_for("a newcomer reaches mn", lambda: self.lab.run("cn2", "ping", "-6", "-n", "-c", "1", "-W", "2", self.fqdn["mn"],
                                                                   check=False).returncode == 0, PATIENCE_S, 0.2)
            newcomer = time.time() - at
        finally:
            self.op.stop_host("cn2")
        check(curl.wait(timeout=160) == 0, f"curl: {self.lab.log_text('slow-curl')}")
        sha, connections = self.op.slow_fetch_result("cn")
        check(sha == hashlib.sha256(blob).hexdigest() and connections == 1, f"checksum or connections ({connections})")
        self.lab.stop("ping", signal.SIGINT)
        self.lab.stop("web")
        check((self.op.peer("cn", self.hit["mn"]) or {}).get("path") == "relayed", f"{self.op.peer('cn', self.hit['mn'])}")
        return (f"hipfad up {up:.1f} s after the kill; cn's ping to mn answered again after {back:.1f} s; registered again: mn by {registered['mn']:.1f} s, "
                f"cn by {registered['cn']:.1f} s; a newcomer reached mn by {newcomer:.1f} s; download complete over one TCP connection, sha256 right")


def body(cases):
    p = argparse.ArgumentParser()
    p.add_argument("--times", type=int, default=1)
    a = p.parse_args()
    r = RelayKill(cases)
    r.set_up()
    for n in range(a.times):
        if not cases.case(f"killed under relayed load ({n + 1})", r.killed, n):
            break


if __name__ == "__main__":
    case.main("relay_kill9", "rk-", body)
