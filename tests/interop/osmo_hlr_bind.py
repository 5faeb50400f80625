#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 150
"""SIMs that nobody configured anywhere but in osmo-hlr: vectors by GSUP (hipakad), records and MSISDN by the control interface (hipfad); bound under the
number, back while the HLR is away, refused once the HLR says so, and nobody gets a look-alike of the number."""
import dataclasses
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "lab")]
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import attach, main_topology, wait_for  # noqa: E402


class World:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER
        self.other = dataclasses.replace(self.sub, imsi="001010000000002", msisdn="358409876543")
        self.fqdn = f"{self.sub.msisdn}.{daemons.ZONE}"

    def set_up(self):
        op = self.op
        main_topology(self.lab)
        op.use_hlr(self.sub.plmn)
        self.hlr = op.osmo_hlr
        for s in (self.sub, self.other):
            self.hlr.add(s.imsi, s.k, s.opc, s.msisdn)
        op.realms[self.sub.realm] = self.sub.plmn
        op.prepare()
        op.start_dns()
        op.start_as()
        op.start_fa()
        wait_for("hipfad has the HLR", lambda: self.counters()["connected"] > 0, 15)
        op.start_host("cn")
        attach(self.lab, "umts")

    def counters(self):
        return self.op.ctl("fa", "status")["hlrs"]["home"]

    # ---- cases ------------------------------------------------------------------------------------------------------

    def bound(self):
        self.op.start_host("mn", sim=self.sub, wishes=[self.fqdn])
        self.status = self.op.wait_bound("mn", self.fqdn)
        b = self.op.binding(self.fqdn)
        check(b["subscriber"] == f"imsi:{self.sub.imsi}", f"{b}")
        check(self.counters()["answered"] >= 2 and self.counters()["unknown"] == 0, f"{self.counters()}")
        r = self.lab.run("cn", "ping", "-6", "-n", "-c", "1", "-W", "5", self.fqdn, check=False)
        check(r.returncode == 0, f"cn did not reach it: {r.stdout}{r.stderr}")
        return f"{self.fqdn}, pinged by that name"

    def look_alike(self):
        wish = f"{self.sub.msisdn.replace('1', 'i')}.{daemons.ZONE}"
        self.op.stop_host("cn")
        self.op.start_host("cn", sim=self.other, wishes=[wish])

        def settled():
            b = [x for x in self.op.bindings() if x["subscriber"] == f"imsi:{self.other.imsi}"]
            return b and b[0]["state"] == "bound" and b[0]["fqdn"]
        name = wait_for("the other subscriber is bound", settled, 20)
        check(name.rstrip(".") != wish, f"it got {name}")
        check(self.counters()["foreign"] == 0, f"{self.counters()}")
        return f"{wish} refused, it is {name}"

    def away(self):
        self.hlr.stop()
        self.op.stop_host("mn")
        before = self.counters()["remembered"]
        self.op.start_host("mn", sim=self.sub, wishes=[self.fqdn])
        wait_for("it is registered", self.registered, 20)
        check(self.counters()["remembered"] > before, f"{self.counters()}")
        return "it comes back by a plain exchange: the HLR's last word counts"

    def registered(self):
        return any(r["hit"] == self.status["hit"] for r in self.op.registrations())

    def barred(self):
        self.hlr.start()
        wait_for("hipfad has it again", lambda: self.counters()["connected"] > 0, 20)
        self.hlr.vty(f"subscriber imsi {self.sub.imsi} update network-access-mode cs")
        self.op.stop_host("mn")
        wait_for("it is gone", lambda: not self.registered(), 10)
        self.op.start_host("mn", sim=self.sub, wishes=[self.fqdn])
        wait_for("the FA refuses it", lambda: "not subscribed" in self.lab.log_text("hipfad"), 20)
        check(not self.registered(), f"{self.op.registrations()}")
        said = [e["what"] for e in self.op.ctl("fa", "events")["events"]]
        check(any("HLR home is gone" in e for e in said) and any("HLR home is there again" in e for e in said), f"events: {said}")
        return "packet services taken away in the HLR: not registered any more"

    def logs(self):
        self.op.stop_all()
        for label in ("hipfad", "hipakad"):
            text = self.lab.log_text(label)
            check("AddressSanitizer" not in text and "runtime error" not in text, text[-2000:])
            check(self.sub.imsi not in text and self.sub.k not in text, f"{label}'s log shows the IMSI or K")
        check("event=hlr_up hlr=home" in self.lab.log_text("hipfad"), "hipfad does not say that it has the HLR")
        return "no IMSI in a log"


def body(cases):
    w = World(cases)
    w.set_up()
    for title, work in (("bound", w.bound), ("look-alike", w.look_alike), ("HLR away", w.away), ("barred in the HLR", w.barred),
                        ("log", w.logs)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("osmo-hlr-bind", "ohb-", body)
