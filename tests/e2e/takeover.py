#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
"""Two devices and one SIM: the name moves with a code at once, without one only when the operator says so; and what else an operator orders of a
Forwarding Agent, as tables and as JSON."""
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import evidence  # noqa: E402
from case import check  # noqa: E402
from lab import attach, main_topology, sh, wait_for  # noqa: E402


class Takeover:
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
        path = self.lab.path("fa", "hook.sock")
        self.hook = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.hook.bind(path)
        self.told = []
        self.op.write_fa(f"hook: {path}\n")
        self.op.start_fa()
        self.op.start_host("mn", sim=self.sub)
        attach(self.lab, "umts")
        self.op.wait_bound("mn", self.fqdn)

    # ---- questions -------------------------------------------------------------------------------------------------

    def hit(self, host):
        return self.op.ctl(host, "status")["hit"]

    def state(self, host):
        return self.op.ctl(host, "status")["binding"]["state"]

    def in_dns(self):
        return evidence.hip_rr(self.op.dig(self.fqdn, "HIP"))["hit"]

    def registered(self):
        return [r["hit"] for r in self.op.registrations()]

    def said(self, what):
        return [e for e in self.op.ctl("fa", "events")["events"] if what in e["what"]]

    def hipctl(self, host, *args, **kw):
        return sh(daemons.binary("hipctl"), "--socket", self.op.socket(host), *args, check=False, **kw)

    def hooked(self, event):
        """What the operator's program was told of this kind, since it was last asked for."""
        while True:
            try:
                self.told.append(json.loads(self.hook.recv(4096)))
            except BlockingIOError:
                break
        found = [t for t in self.told if t["event"] == event]
        self.told = [t for t in self.told if t["event"] != event]
        return found

    def holds(self):
        return self.op.ctl("fa", "hold")["holds"]

    def moved(self, old, new):
        self.op.wait_bound(new, self.fqdn)
        check(self.in_dns() == self.hit(new), "the DNS has another HIT")
        wait_for(f"{old} knows that its name is lost", lambda: self.state(old) == "lost", 15)
        wait_for("registered: the new one alone", lambda: self.registered() == [self.hit(new)], 15)

    # ---- cases -----------------------------------------------------------------------------------------------------

    def second_device(self):
        self.op.start_host("cn", sim=self.sub)
        wait_for("cn refused", lambda: self.said("too many devices"), 20)
        check(self.state("cn") != "bound" and self.in_dns() == self.hit("mn"), "the second device has the name")
        check(self.state("mn") == "bound", "the first has it no more")

    def held(self):
        self.op.ctl("cn", "takeover")
        hold = wait_for("a takeover that waits", lambda: (self.holds() or [None])[0], 20)
        check(hold["fqdn"] == self.fqdn and hold["state"] == "waits", hold)
        check(hold["hit"] == self.hit("mn") and hold["asked_by"] == self.hit("cn"), hold)
        wait_for("mn's user hears of it", lambda: "asks for the name" in self.lab.log_text("hiphostd-mn"), 10)
        check(self.state("mn") == "bound" and self.in_dns() == self.hit("mn") and self.registered() == [self.hit("mn")], "it was not held")
        check(self.said("asks for the name: held for 8"), "the operator's events say nothing of it")
        told = self.hooked("takeover")
        check(len(told) == 1 and told[0]["name"] == self.fqdn and told[0]["subscriber"] and "held" in told[0]["detail"], f"the hook: {told}")

    def operator_refuses(self):
        self.op.ctl("fa", "hold", "refuse", self.fqdn)
        self.op.ctl("cn", "retry")
        wait_for("cn refused", lambda: "operator refuses" in self.lab.log_text("hiphostd-cn"), 20)
        check(self.in_dns() == self.hit("mn"), "it moved")

    def operator_allows(self):
        r = self.hipctl("fa", "hold")
        check(r.returncode == 0 and "refused" in r.stdout and self.fqdn in r.stdout, r.stdout + r.stderr)
        self.op.ctl("fa", "hold", "allow", self.hit("mn"))
        self.op.ctl("cn", "retry")
        self.moved("mn", "cn")
        check(not self.holds(), "the hold is there still")
        check(self.said("move"), "it is not booked")
        check(len(self.hooked("moved")) == 1 and len(self.hooked("bound")) == 2, "the hook heard another number of times")

    def by_code(self):
        code = self.hipctl("cn", "transfer").stdout.strip()
        check(len(code.split("-")) == 17, code)
        wrong = ("1" if code[0] != "1" else "2") + code[1:]
        r = self.hipctl("mn", "takeover", wrong)
        check(r.returncode == 1 and "copied wrongly" in r.stderr, r.stderr)
        for junk in ("", "zz", code + "-0000"):
            check(self.hipctl("mn", "takeover", junk).returncode == 1, f"{junk} was taken")
        r = self.hipctl("mn", "takeover", "-", input=code + "\n", stdin=None)
        check(r.returncode == 0, r.stderr)
        self.moved("cn", "mn")
        check(self.hipctl("mn", "takeover").returncode == 1, "who has a name may ask for another one's")
        check(all(code[:19] not in self.lab.log_text(f"hiphostd-{h}") for h in ("mn", "cn")), "the code stands in a log")

    def suspended(self):
        self.op.stop_host("cn")
        self.op.ctl("fa", "suspend", self.fqdn)
        wait_for("nobody registered", lambda: self.registered() == [], 15)
        sub = self.op.ctl("fa", "subscribers")["subscribers"]
        check(len(sub) == 1 and sub[0]["state"] == "suspended" and sub[0]["bindings"] == 1, sub)
        check(self.in_dns() == self.hit("mn"), "the name is gone")
        self.op.ctl("mn", "retry")
        wait_for("mn hears why", lambda: "suspended by the operator" in self.lab.log_text("hiphostd-mn"), 20)
        check(self.registered() == [], "registered all the same")
        self.op.ctl("fa", "resume", sub[0]["subscriber"])
        self.op.ctl("mn", "retry")
        wait_for("mn registered", lambda: self.registered() == [self.hit("mn")], 20)

    def rekeyed(self):
        runs = self.op.ctl("fa", "status")["fa"]["runs"]
        self.op.ctl("fa", "rekey", self.fqdn)
        wait_for("a run in its association", lambda: self.op.ctl("fa", "status")["fa"]["runs"] == runs + 1, 15)
        wait_for("it is booked", lambda: self.said("refresh"), 15)
        check(self.registered() == [self.hit("mn")] and self.state("mn") == "bound", "not served after it")
        check(self.hipctl("fa", "rekey", "nobody.operator.example").returncode == 1, "nobody was found")

    def tables(self):
        for words, says in ((("events", "5"), "new run demanded"), (("subscribers",), "served"), (("hold",), "nobody asks")):
            r = self.hipctl("fa", *words)
            check(r.returncode == 0 and says in r.stdout and "\033" not in r.stdout, r.stdout + r.stderr)
        check(len(self.op.ctl("fa", "events", "3")["events"]) == 3, "more or less than asked for")
        for words in (("events", "x"), ("events", "0"), ("hold", "allow"), ("hold", "keep", self.fqdn), ("suspend",)):
            check(self.hipctl("fa", *words).returncode == 2, f"{words} were taken")
        check(self.hipctl("fa", "hold", "allow", self.fqdn).returncode == 1, "a hold that is not there was decided")


def body(cases):
    t = Takeover(cases)
    t.set_up()
    for title, work in (("a second device with the same SIM: refused, the first has its name", t.second_device),
                        ("it asks for the name: held, user and operator hear of it", t.held),
                        ("the operator refuses it", t.operator_refuses),
                        ("the operator allows it: the name moves, the first device knows", t.operator_allows),
                        ("with the other's code: at once, and a code copied wrongly is told", t.by_code),
                        ("suspend and resume: nothing granted, the name kept", t.suspended),
                        ("rekey: a run with the same host identity, booked", t.rekeyed),
                        ("tables, --json, wrong words", t.tables)):
        cases.case(title, work)


case.main("takeover", "tko-", body)
