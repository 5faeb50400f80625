#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
# check: full 240 --patience 40
"""The access network wlan has a login of its own. mn comes there with a ping and a download running; nothing passes; it logs in; everything goes on, and
it is still called what it was called. HIP has nothing to do with that login, nor the login with HIP.

    portal.py [--patience S]     seconds that pass between coming there and logging in (default 4)
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
import evidence  # noqa: E402
import portal  # noqa: E402
from case import check  # noqa: E402
from lab import ACCESS, ADDR, attach, detach, main_topology, packets, wait_for  # noqa: E402

AT = {a: [x[0] for x in ACCESS[a]] for a in ACCESS}
ROUTERS = [x[2] for x in ACCESS["wlan"]]


class PortalCase:
    def __init__(self, cases, patience):
        self.lab, self.patience = cases.lab, patience
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    def set_up(self):
        self.caps = {}
        main_topology(self.lab, self.caps)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.add_subscriber(self.sub)
        self.op.write_fa("binding: { reauthenticate: on-access-change, access_prefix: 25 }\n")  # of both access networks of the lab
        self.op.start_fa()
        self.op.start_host("mn", sim=self.sub)
        self.op.start_host("cn")
        self.portal = portal.Portal(self.lab, "wlan", "open sesame")
        attach(self.lab, "umts")
        self.status = self.op.wait_bound("mn", self.fqdn)
        self.accepts = self.accepted()
        r = self.lab.run("cn", "ping", "-6", "-c", "2", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        check(r.returncode == 0, r.stdout + r.stderr)

    def accepted(self):
        return sum(name == "Access-Accept" for _, name, _ in evidence.radius(self.caps["fa"]))

    def begin(self):
        self.blob = os.urandom(400_000 * (14 + 2 * self.patience))
        self.op.serve("mn", self.blob)
        self.curl = self.op.start_slow_fetch("cn", self.fqdn, seconds=100 + 3 * self.patience)
        self.lab.start("cn", "ping", "ping", "-6", "-n", "-i", "0.1", self.fqdn)
        time.sleep(1)
        detach(self.lab, "umts")
        self.since = attach(self.lab, "wlan")

    def shut_out(self):
        """At wlan, before the login: a wrong password does not help, and nothing of mn's leaves the access network."""
        wait_for("mn tries to leave", lambda: self.portal.refused() > 0, 10)
        status, where = self.portal.page("mn")
        check(status == "200" and where.endswith("/login"), f"a browser is shown {where}, {status}")
        check(self.portal.login("mn", ROUTERS[0], "open barley") == "403", "a wrong password was not refused")
        time.sleep(self.patience)
        passed = [p for p in packets(self.caps["fa"]) if p[0] > self.since and {p[1], p[2]} & set(AT["wlan"])]
        passed += [p for p in packets(self.caps["cn"]) if p[0] > self.since and {p[1], p[2]} & set(AT["wlan"])]
        check(not passed, f"{len(passed)} packets passed before the login")
        check((self.op.peer("cn", self.status["hit"]) or {}).get("address") not in AT["wlan"], "cn sends to wlan already")
        return f"{self.portal.refused()} packets refused; a browser is shown the login"

    def let_in(self):
        t = time.monotonic()
        for router in ROUTERS:
            check(self.portal.login("mn", router) == "200", f"the right password was refused at {router}")
        self.op.wait_peer_at("cn", self.status["hit"], AT["wlan"], 60)
        took = time.monotonic() - t
        self.op.wait_registered_at(self.status["hit"], AT["wlan"], 60)
        return f"cn sends to wlan {took:.1f} s after the login"

    def goes_on(self):
        code = self.curl.wait(timeout=110 + 3 * self.patience)
        self.lab.stop("ping", signal.SIGINT)
        sha, connections = self.op.slow_fetch_result("cn")
        check(code == 0 and sha == hashlib.sha256(self.blob).hexdigest() and connections == 1,
              f"curl exit {code}, {connections} connections: {self.lab.log_text('slow-curl')}")
        sent, received, lost = evidence.ping_summary(self.lab.log_text("ping"))
        check(received > 20, f"{received} of {sent} pings answered")
        s = self.op.ctl("mn", "status")
        check(s["hit"] == self.status["hit"] and s["fqdn"].rstrip(".") == self.fqdn, f"mn is now {s['fqdn']}, {s['hit']}")
        return f"download over one TCP connection, sha256 right; {lost} of {sent} pings lost; still {self.fqdn}"

    def asked_again(self):
        """reauthenticate: on-access-change. The other access brings one new AKA run, and what is bound stays bound."""
        wait_for("a new Access-Accept", lambda: self.accepted() > self.accepts, 30)
        s = self.op.wait_bound("mn", self.fqdn)
        b = self.op.binding(self.fqdn)
        check(s["hit"] == self.status["hit"] == b["hit"] and b["state"] == "bound", f"{s} {b}")
        check(self.accepted() == self.accepts + 1, f"{self.accepted() - self.accepts} runs")
        self.accepts += 1
        log = self.lab.log_text("hiphostd-mn")
        check(log.count("shows the IMSI") == 1 and log.count("shows a pseudonym") >= 1, "identities: " + ", ".join(re.findall("shows [a-zA-Z ]+", log)))
        check("event=accept client=fa1 method=aka-prime-fs" in self.lab.log_text("hipakad"), "the run had no forward secrecy")
        return f"one new run, under a pseudonym, with forward secrecy, still bound as {b['fqdn']}"

    def back(self):
        """Back to umts, where nobody has to log in: the new run is in the association that is there (no base exchange with the FA)."""
        detach(self.lab, "wlan")
        since = attach(self.lab, "umts")
        said = self.asked_again()
        fa = set(ADDR["fa"])
        began = [k for when, _, dst, k, _, _ in evidence.hip(self.caps["umts"]) if when > since and dst in fa and k in ("I1", "I2")]
        check(not began, f"{began} to the FA")
        return said

    def newcomer(self):
        self.op.start_host("cn2")
        r = self.lab.run("cn2", "ping", "-6", "-c", "2", "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        check(r.returncode == 0, r.stdout + r.stderr)


def body(cases):
    p = argparse.ArgumentParser()
    p.add_argument("--patience", type=int, default=4)
    c = PortalCase(cases, p.parse_args().patience)
    c.set_up()
    for title, work in (("mn comes to wlan under a ping and a download", c.begin), ("nothing passes before the login", c.shut_out),
                        ("mn logs in", c.let_in), ("the FA asks for a new AKA run", c.asked_again), ("name and connections are kept", c.goes_on), ("a newcomer finds mn there", c.newcomer),
                        ("back at umts the FA asks again, in the same association", c.back)):
        if not cases.case(title, work):
            break


if __name__ == "__main__":
    case.main("portal", "pl-", body)
