#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 150
# check: full 300 --all
"""Accounting of hipfad against Debian's FreeRADIUS, whose detail file is what counts.

mn and cn are behind a symmetric NAT each, so that what they say to each other is relayed, and billed. Sessions begin, go on and end; the server is away, hipfad ends
meanwhile and begins again, is killed. With --all Interim-Updates are waited for, and the first server of the list answers wrongly or late.

    accounting.py [--all]
"""
import argparse
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import boxes  # noqa: E402
import case  # noqa: E402
import daemons  # noqa: E402
import freeradius  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, attach, sh, wait_for  # noqa: E402

HOME = ADDR["home"][0]
LIAR = 1913
INTERIM_S = 10


def number(record, name):
    return int(record.get(f"Acct-{name}-Octets", 0)) + (int(record.get(f"Acct-{name}-Gigawords", 0)) << 32)


class Accounting:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = {"mn": daemons.DEMO_SUBSCRIBER,
                    "cn": daemons.Subscriber(imsi="001010000000002", k="0123456789abcdef0123456789abcdef", opc="fedcba9876543210fedcba9876543210",
                                             given="Second", surname="Card", msisdn="358401234568")}
        self.fqdn = {h: f"{s.label}.{daemons.ZONE}" for h, s in self.sub.items()}
        self.hit = {}

    def configure(self, *ports):
        servers = ", ".join(f'"{HOME}:{p}"' for p in ports)
        d = self.lab.path("fa", "x")[:-2]
        self.op.write_fa(f"accounting: {{ servers: [{servers}], secret_file: {self.op.radius_secret}, interim: {INTERIM_S}s, "
                         f"path: {d}/accounting.sqlite }}\n")

    def set_up(self):
        boxes.nat_topology(self.lab, None, dict.fromkeys(boxes.OUTSIDE, "symmetric"))
        for s in self.sub.values():
            self.op.realms[s.realm] = s.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        for s in self.sub.values():
            self.op.add_subscriber(s)
        secret = open(self.op.radius_secret).read().strip()
        self.aaa = freeradius.Accounting(self.lab, "home", HOME, ADDR["fa"][0], secret)
        self.aaa.start()
        self.configure(self.aaa.port)
        self.op.start_fa()
        attach(self.lab, "umts", boxes.PRIVATE)

    def bind(self, *hosts):
        for host in hosts:
            self.op.start_host(host, sim=self.sub[host])
        for host in hosts:
            self.hit[host] = self.op.wait_bound(host, self.fqdn[host])["hit"]

    # ---- what the server has ----

    def records(self, status=None, host=None):
        return [r for r in self.aaa.records() if (not status or r["Acct-Status-Type"] == status) and
                (not host or r.get("Framed-IPv6-Address") == self.hit[host])]

    def wait_record(self, status, host=None, after=0, timeout=15):
        """The record of this status (and host) that came behind `after` others like it."""
        wait_for(f"{status} of {host} at FreeRADIUS", lambda: len(self.records(status, host)) > after, timeout)
        return self.records(status, host)[after]

    def status(self):
        return self.op.ctl("fa", "status")["accounting"]

    def wait_told(self, timeout=15):
        wait_for("the queue is empty", lambda: self.status()["queued"] == 0 and self.status()["unwritten"] == 0, timeout)

    # ---- cases ----

    def on(self):
        r = self.wait_record("Accounting-On")
        check(r["NAS-Identifier"].startswith("HIP:") and len(r["NAS-Identifier"]) == 36, r)

    def start(self):
        self.bind("mn", "cn")
        for host, s in self.sub.items():
            r = self.wait_record("Start", host)
            check(r["Chargeable-User-Identity"] in (s.imsi, "0x" + s.imsi.encode().hex()), f"CUI of {host}: {r}")
            check(s.imsi in r["User-Name"], f"User-Name is not the Access-Accept's: {r}")
            check(r["Connect-Info"] == f"HIP {self.fqdn[host]}", r)
            check(r["NAS-Identifier"].startswith("HIP:") and r["Acct-Authentic"] == "RADIUS" and "Acct-Input-Octets" not in r, r)
            check(r["Acct-Multi-Session-Id"].split("-")[1] != "0", r)
            check("Message-Authenticator" not in r, "which accounting does not have")
        check(self.records("Start", "mn")[0]["Acct-Session-Id"] != self.records("Start", "cn")[0]["Acct-Session-Id"], "one identifier for two")

    def traffic(self):
        r = self.lab.run("cn", "ping", "-6", "-c", "50", "-i", "0.05", "-s", "1000", "-W", "5", self.fqdn["mn"], check=False, timeout=60)
        check(r.returncode == 0, r.stdout + r.stderr)

    def relayed(self):
        """mn's octets as FreeRADIUS has them are those that hipfad relayed."""
        had = len(self.records("Interim-Update", "mn"))
        r = self.wait_record("Interim-Update", "mn", had, 2 * INTERIM_S)
        client = next(c for c in self.op.ctl("fa", "relay")["clients"] if c["hit"] == self.hit["mn"])
        check(number(r, "Input") > 20000 and number(r, "Output") > 20000, f"{r}")
        check(number(r, "Input") <= client["octets_out"] and number(r, "Output") <= client["octets_in"], f"{r}; relay: {client}")
        check(r["Acct-Session-Id"] == self.records("Start", "mn")[0]["Acct-Session-Id"], "another session")
        check(int(r["Acct-Session-Time"]) >= INTERIM_S, r)
        return f"{number(r, 'Input')} octets from mn, {number(r, 'Output')} to it"

    def host_ends(self):
        """mn goes: Stop with what the relay counted last; it comes back: another session of the same binding."""
        client = next(c for c in self.op.ctl("fa", "relay")["clients"] if c["hit"] == self.hit["mn"])
        self.op.stop_host("mn")
        r = self.wait_record("Stop", "mn")
        check(r["Acct-Terminate-Cause"] == "User-Request", r)
        check(number(r, "Input") > 20000 and number(r, "Output") > 20000, f"{r}")
        check(number(r, "Input") >= client["octets_out"] and number(r, "Output") >= client["octets_in"], f"{r}; relay: {client}")
        before = self.records("Start", "mn")[0]
        self.bind("mn")
        again = self.wait_record("Start", "mn", 1)
        check(again["Acct-Session-Id"] != before["Acct-Session-Id"], "the same session")
        check(again["Acct-Multi-Session-Id"] == before["Acct-Multi-Session-Id"], "another binding")
        check(again["User-Name"] == before["User-Name"] and again["Chargeable-User-Identity"] == before["Chargeable-User-Identity"],
              f"by a plain exchange, without the AS: {again}; {before}")

    def revoked(self):
        self.op.ctl("fa", "revoke", self.fqdn["cn"])
        r = self.wait_record("Stop", "cn")
        check(r["Acct-Terminate-Cause"] == "Admin-Reset", r)
        self.op.stop_host("cn")

    def away(self):
        """The server is away while sessions end and begin, and hipfad with them: all of it comes, in its order, with its age."""
        self.wait_told()
        self.aaa.stop()
        had = len(self.aaa.records())
        session = self.records("Start", "mn")[-1]["Acct-Session-Id"]
        began = time.monotonic()
        self.op._stop("hipfad")
        took = time.monotonic() - began
        check(took < 8, f"hipfad took {took:.1f} s to end")
        self.op.start_fa()
        s = self.status()
        check(s["queued"] >= 3 and s["oldest_s"] >= 1 and s["answers"] is False, s)
        shown = sh(daemons.binary("hipctl"), "--socket", self.op.socket("fa"), "status").stdout
        check("oldest_s" in shown and "queued" in shown, shown)
        self.op.wait_registered_at(self.hit["mn"], [boxes.OUTSIDE["umts"][0]], 60)
        self.aaa.start()
        wait_for("a Start of the new life", lambda: any(r["Acct-Status-Type"] == "Start" for r in self.aaa.records()[had:]), 40)
        self.wait_told(30)
        new = self.aaa.records()[had:]
        order = [r["Acct-Status-Type"] for r in new if r["Acct-Status-Type"] != "Interim-Update"]
        check(order == ["Stop", "Accounting-Off", "Accounting-On", "Start"], f"{order}")
        check(new[0]["Acct-Session-Id"] == session and new[0]["Acct-Terminate-Cause"] == "Admin-Reboot", new[0])
        check(int(new[0]["Acct-Delay-Time"]) >= int(took), f"Acct-Delay-Time {new[0]['Acct-Delay-Time']}")
        check(new[-1]["Acct-Session-Id"] != session, "an identifier came back")
        return f"{len(new)} records, the oldest {new[0]['Acct-Delay-Time']} s late"

    def killed(self):
        had, session = len(self.aaa.records()), self.records("Start", "mn")[-1]["Acct-Session-Id"]
        self.lab.stop("hipfad", signal.SIGKILL)
        self.op.start_fa()
        wait_for("Accounting-On", lambda: any(r["Acct-Status-Type"] == "Accounting-On" for r in self.aaa.records()[had:]), 15)
        stop = next(r for r in self.aaa.records()[had:] if r["Acct-Status-Type"] == "Stop")
        check(stop["Acct-Session-Id"] == session and stop["Acct-Terminate-Cause"] == "NAS-Reboot", stop)
        keys = [(r["Acct-Session-Id"], r["Acct-Status-Type"]) for r in self.aaa.records() if r["Acct-Status-Type"] != "Interim-Update"]
        check(len(keys) == len(set(keys)), f"twice: {keys}")

    def lies(self, how, told_by_liar):
        liar = pathlib.Path(__file__).with_name("lying_accounting.py")
        self.wait_told()
        self.op._stop("hipfad")
        self.configure(LIAR, self.aaa.port)
        had = len(self.aaa.records())
        self.lab.start("home", "liar", "/usr/bin/python3", "-u", str(liar), how, HOME, str(LIAR), self.op.radius_secret)
        wait_for("the liar listens", lambda: "listens" in self.lab.log_text("liar"))
        try:
            self.op.start_fa()
            wait_for("the queue is empty", lambda: self.status()["answered"] > 0 and self.status()["queued"] == 0, 60)
            s = self.status()
            events = self.op.ctl("fa", "events")["events"]
        finally:
            self.lab.stop("liar")
            self.op._stop("hipfad")
            self.configure(self.aaa.port)
            self.op.start_fa()
        heard = [line.split()[1:] for line in self.lab.log_text("liar").splitlines() if line.startswith("heard")]
        if told_by_liar:
            check(s["moved"] == 0 and s["forged"] >= 1, f"{s}")  # the answer to the retransmission comes as well, and fits nothing any more
        else:
            said = [e["what"] for e in events]
            check(f"accounting server {HOME}:{LIAR}: no answer" in said and f"accounting server {HOME}:{self.aaa.port}: answers" in said, f"{said[:5]}")
            check(s["moved"] == 1 and s["forged"] >= 3 and s["server"].endswith(f":{self.aaa.port}"), f"{s}")
            check(any(r["Acct-Status-Type"] == "Accounting-On" for r in self.aaa.records()[had:]), "it was never told")
            check(len({tuple(h) for h in heard[:3]}) == 1, f"not the same request: {heard}")
        return f"{len(heard)} requests to it, {s['forged']} answers ignored"


def body(cases):
    p = argparse.ArgumentParser()
    p.add_argument("--all", action="store_true")
    args = p.parse_args()
    a = Accounting(cases)
    a.set_up()
    for title, work in (("Accounting-On", a.on), ("Start with the identities of Access-Accept", a.start), ("traffic", a.traffic), ("revoked", a.revoked),
                        *([("relayed octets in Interim-Update", a.relayed)] if args.all else []),
                        ("a host goes and comes back", a.host_ends), ("server away, hipfad ended meanwhile", a.away),
                        ("hipfad killed", a.killed)):
        cases.case(title, work)
    for how in ("wrong", "code", "slow") if args.all else ():
        cases.case(f"the first server answers: {how}", a.lies, how, how == "slow")


if __name__ == "__main__":
    case.main("accounting", "ac-", body)
