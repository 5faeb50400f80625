#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 180
"""Reached through the FA, and only through the FA: the record, the TUN, protocol 139 blocked and opened again, the FA gone under a running ping."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import evidence  # noqa: E402
from case import check  # noqa: E402
from lab import ACCESS, attach, main_topology, wait_for  # noqa: E402


class Reach:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.add_subscriber(self.sub)
        self.op.start_fa()
        self.op.start_host("mn", sim=self.sub)
        self.op.start_host("cn")
        attach(self.lab, "umts")
        self.status = self.op.wait_bound("mn", self.fqdn)

    def ping(self, host, count=3, **kw):
        return self.lab.run(host, "ping", "-6", "-n", "-c", str(count), "-i", "0.2", "-W", "2", self.fqdn, check=False, timeout=60, **kw)

    def record(self):
        rr = evidence.hip_rr(self.op.dig(self.fqdn, "HIP"))
        check(rr["hit"] == rr["computed"] == self.status["hit"], f"zone {rr}, mn {self.status['hit']}")
        addrs = self.lab.ip("mn", "-6", "addr", "show", "dev", "hip0").stdout
        check(f" {rr['hit']}/" in addrs, f"hip0 has {addrs}")
        return rr["hit"]

    def blocked(self):
        for cmd in ("add table inet f", "add chain inet f o { type filter hook output priority 0; }",
                    "add rule inet f o meta l4proto 139 drop"):
            self.lab.run("fa", "nft", cmd)
        r = self.ping("cn")
        check(r.returncode != 0, "cn reached mn although the FA's protocol 139 is blocked")
        self.lab.run("fa", "nft", "delete table inet f")
        wait_for("cn reaches mn once it is open", lambda: self.ping("cn").returncode == 0, 60, 1)

    def fa_gone(self):
        self.lab.start("cn", "ping", "ping", "-6", "-n", "-i", "0.1", self.fqdn)
        time.sleep(1)
        self.op._stop("hipfad")
        time.sleep(3)
        self.lab.stop("ping", signal.SIGINT)
        sent, received, lost = evidence.ping_summary(self.lab.log_text("ping"))
        check(sent >= 30 and lost <= 1, f"{lost} of {sent} lost while hipfad was stopped")
        self.op.start_fa()
        return f"{sent} sent, {lost} lost"

    def back(self):
        """The FA forgot everything it keeps in memory; mn comes back by itself and a newcomer is relayed again."""
        self.op.wait_registered_at(self.status["hit"], [a[0] for a in ACCESS["umts"]], 90)
        self.op.start_host("cn2")
        r = self.ping("cn2")
        check(r.returncode == 0, f"cn2: {r.stdout}{r.stderr}")


def body(cases):
    r = Reach(cases)
    r.set_up()
    for title, work in (("the HIT in the zone is the hash of its key and mn's address", r.record),
                        ("protocol 139 out of the FA blocked, then opened", r.blocked),
                        ("a running ping does not need hipfad", r.fa_gone),
                        ("hipfad restarted: mn registers by itself", r.back)):
        cases.case(title, work)


case.main("reach", "rch-", body)
