#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: full 900
"""Authentication servers that are down, die in a run, are slow, lie, or forget: what the host, the operator (hipctl status, hipctl events) and the zone see, and that the
host is bound as soon as the fault is gone.

hipakad is in home; tests/lab/radius_relay.py, which has the secret, stands before it in cn where it is to lie.
"""
import os
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import aaa  # noqa: E402
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from faults import Faults, subscriber  # noqa: E402
from lab import ADDR, wait_for  # noqa: E402

REALM = "wlan.mnc001.mcc001.3gppnetwork.org"
HOME, FA, RELAY, NOBODY = (ADDR[h][0] for h in ("home", "fa", "cn", "cn2"))


class AaaFaults(Faults):
    def set_up(self):
        super().set_up()
        pki = aaa.Pki(self.lab.path("pki", "x")[:-2])
        self.ca, self.as_cert, self.fa_cert = pki.ca, pki.issue("as", "aaa.operator.example"), pki.issue("fa", "fa.operator.example")

    # ---- parts -------------------------------------------------------------------------------------------------------------

    def use(self, *servers):
        """hipfad anew, with these servers over UDP, best first; hipakad knows the relay as well."""
        self.op.aaa = f"    servers: [{', '.join(chr(34) + s + ':1812' + chr(34) for s in servers)}]\n    secret_file: {self.op.radius_secret}\n"
        clients = "".join(f"  - {{ name: c{i}, address: {a}, secret_file: {self.op.radius_secret}, hits: [\"{self.op.fa_hit}\"] }}\n"
                          for i, a in enumerate((FA, RELAY)))
        self.op.as_ways = f"listen: [\"{HOME}:1812\"]\nclients:\n{clients}"
        self.anew()

    def anew(self):
        for label in ("hipfad", "hipakad"):
            if self.lab.alive(label):
                self.op._stop(label)
        self.op.write_fa("limits: { new_runs_per_minute: 600 }\n")  # all hosts of this come from one address, one soon after the other
        self.op.write_as()
        self.op.start_as()
        self.op.start_fa()

    def relay(self, *mode):
        self.lab.stop("relay")
        open(self.lab.path("log", "relay"), "w").close()
        self.lab.start("cn", "relay", "/usr/bin/python3", HERE.parent / "lab" / "radius_relay.py", RELAY, HOME, self.op.radius_secret, *mode)
        wait_for("the relay", lambda: "ready" in self.lab.log_text("relay"), 5)

    def servers(self):
        return self.op.ctl("fa", "status")["as"]["servers"][REALM]

    def said(self, *words):
        """hipctl events of the Forwarding Agent has these."""
        def there():
            text = str(self.op.ctl("fa", "events"))
            return all(w in text for w in words)
        wait_for(f"hipctl events with {words}: {str(self.op.ctl('fa', 'events'))[:2000]}", there, 15)

    def new(self):
        sub = subscriber()
        self.op.add_subscriber(sub)
        return sub

    def bound(self, sub, seconds=60):
        """... in the end, and everywhere."""
        self.op.ctl("mn", "retry", check=False)
        self.op.wait_bound("mn", f"{sub.label}.{daemons.ZONE}", seconds)
        check(self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip(), "the name is not in the zone")
        check(self.op.ctl("fa", "status")["fa"]["runs_open"] == 0, "a run is open")

    def failed(self, sub, seconds=25):
        b = self.binding_state(("failed", "refused", "backoff"), seconds)
        self.nothing_of(sub)
        return b

    # ---- down --------------------------------------------------------------------------------------------------------------

    def first_down(self):
        """Nobody listens at the first: the run goes on at the second within its 5 s, and the next run goes there at once."""
        self.use(NOBODY, HOME)
        sub = self.new()
        since = time.monotonic()

        def work():
            self.bound(sub, 30)
            took = time.monotonic() - since
            s = self.servers()
            first, second = s[f"udp {NOBODY}:1812"], s[f"udp {HOME}:1812"]
            check("left" in first["state"] and first["silent"] >= 1 and first["answered"] == 0, f"{first}")
            check("up" in second["state"] and second["answered"] >= 2, f"{second}")
            self.said(f"{NOBODY}:1812", "no answer")
            return f"bound after {took:.1f} s"
        said = self.with_host(sub, work)
        for _ in range(3):
            again = self.new()
            self.with_host(again, lambda: self.bound(again, 30))
        now, workers = self.servers()[f"udp {NOBODY}:1812"], self.op.ctl("fa", "status")["workers"]
        check(now["sent"] - now["probes"] <= 2 * workers, f"the dead one was asked again: {now}")  # each worker finds out by itself, with two tries
        return said

    def comes_back(self):
        """Status-Server finds the first one again."""
        self.use(RELAY, HOME)
        sub = self.new()
        self.with_host(sub, lambda: self.bound(sub, 30))
        self.relay("pass")
        wait_for(f"the first server to be up: {self.servers()}", lambda: "left" not in self.servers()[f"udp {RELAY}:1812"]["state"], 40)
        self.said(f"{RELAY}:1812", "answers again")
        again = self.new()
        self.with_host(again, lambda: self.bound(again, 30))
        check(self.servers()[f"udp {RELAY}:1812"]["answered"] >= 2, f"{self.servers()}")

    # ---- in the middle of a run --------------------------------------------------------------------------------------------

    def dies(self):
        """After the challenge nothing comes any more: the run is with that server and ends within 5 s; the second one is not told its State."""
        self.use(RELAY, HOME)
        self.relay("pause", "1")
        sub = self.new()

        def work():
            wait_for("the pause", lambda: "paused" in self.lab.log_text("relay"), 15)
            before = self.servers()[f"udp {HOME}:1812"]["sent"]
            since = time.monotonic()
            self.said("authentication server does not answer")
            took = time.monotonic() - since
            self.nothing_of(sub)
            check(took < 9 and self.servers()[f"udp {HOME}:1812"]["sent"] == before, f"{took:.1f} s, {self.servers()}")
            self.bound(sub)  # the next run begins at the second one
            return f"ended after {took:.1f} s, bound by the other server"
        return self.with_host(sub, work)

    def forgets(self):
        """hipakad is restarted between challenge and response: the State is nobody's, the run ends, the next one is good."""
        self.use(RELAY)
        self.relay("pause", "1")
        sub = self.new()

        def work():
            wait_for("the pause", lambda: "paused" in self.lab.log_text("relay"), 15)
            self.lab.stop("hipakad", signal.SIGKILL)
            self.op.start_as()
            os.kill(self.lab.procs["relay"].pid, signal.SIGUSR1)
            self.failed(sub, 15)
            self.bound(sub)
            check(self.op.ctl("home", "status")["refused"], "hipakad refused nothing")
        return self.with_host(sub, work)

    def tls_dies(self):
        """hipakad is killed with a request on its TLS connection, and started again: the request is sent once more on the next connection."""
        self.op.aaa = (f"    radsec: [{{ address: \"{HOME}:2083\", name: aaa.operator.example, ca: {self.ca}, certificate: {self.fa_cert[0]}, "
                       f"key: {self.fa_cert[1]} }}]\n")
        self.op.as_ways = (f"radsec: {{ listen: [\"{HOME}:2083\"], ca: {self.ca}, certificate: {self.as_cert[0]}, key: {self.as_cert[1]} }}\n"
                           f"clients: [{{ name: fa, certificate: fa.operator.example, hits: [\"{self.op.fa_hit}\"] }}]\n")
        self.anew()
        key = f"radsec {HOME}:2083"
        wait_for(f"the connection: {self.servers()}", lambda: list(self.servers()[key]["state"]) == ["up"], 10)
        sub = self.new()
        os.kill(self.lab.procs["hipakad"].pid, signal.SIGSTOP)

        def work():
            wait_for("a request on the connection", lambda: self.servers()[key]["open"] >= 1, 15)
            self.lab.stop("hipakad", signal.SIGKILL)
            self.op.start_as()
            self.bound(sub, 40)
            s = wait_for(f"all up again: {self.servers()}", lambda: self.servers()[key] if list(self.servers()[key]["state"]) == ["up"] else None, 40)
            self.said(f"{HOME}:2083", "answers again")
            return f"{s['answered']} answers, {self.op.ctl('fa', 'status')['as']['timeouts']} requests without one"
        return self.with_host(sub, work)

    # ---- slow ----------------------------------------------------------------------------------------------------------------

    def slow(self):
        """Each answer 1.5 s late: asked again meanwhile, with the same octets, and bound by the late answers. 7 s late: as if it were not there."""
        self.use(RELAY)
        self.relay("slow", "1.5")
        sub = self.new()

        def work():
            self.bound(sub, 40)
            s = self.servers()[f"udp {RELAY}:1812"]
            check(s["sent"] - s["probes"] > s["answered"] - s["probes_answered"], f"{s}")
            check(self.op.ctl("home", "status")["counters"]["repeated_answered"] >= 1, "hipakad saw no repeated request")
        self.with_host(sub, work)
        self.relay("slow", "7")
        other = self.new()

        def late():
            self.failed(other, 20)
            self.said("authentication server does not answer")
            self.relay("pass")
            self.bound(other)
        return self.with_host(other, late)

    # ---- lies ----------------------------------------------------------------------------------------------------------------

    def lie(self, reason, *mode, alarm=True):
        """Not bound, nothing left, and the operator reads why; then the server is honest, and the host is bound."""
        self.relay(*mode)
        sub = self.new()
        before = self.op.ctl("fa", "status")["fa"]["alarms"]

        def work():
            self.failed(sub)
            self.said(reason)
            check((self.op.ctl("fa", "status")["fa"]["alarms"] > before) == alarm, f"alarms: {self.op.ctl('fa', 'status')['fa']['alarms']}")
            self.relay("pass")
            self.bound(sub, 90)
            return reason
        return self.with_host(sub, work)

    def named_other(self):
        """Access-Accept for another subscriber of the operator: whose run it was is for the server to say. What is bound is that one's, under that one's name or
        none of the host's wish."""
        victim = self.new()
        self.relay("named", victim.imsi)
        sub = self.new()

        def work():
            b = self.binding_state(("bound", "failed", "refused", "backoff"), 30)
            check(not any(x["fqdn"].rstrip(".") == f"{sub.label}.{daemons.ZONE}" for x in self.op.bindings()), f"{self.op.bindings()}")
            return f"the host's own name is not given; {b['state']} as {b.get('fqdn')}"
        return self.with_host(sub, work)


def body(cases):
    f = AaaFaults(cases)
    f.set_up()
    for title, work in (("the first server is down", f.first_down), ("it comes back", f.comes_back), ("a server dies in the middle of a run", f.dies),
                        ("hipakad over TLS dies with a request under way", f.tls_dies), ("restarted with empty state", f.forgets), ("slow", f.slow)):
        cases.case(title, work)
    f.use(RELAY)
    for title, reason, alarm, mode in (
            ("wrong authenticator", "authentication server does not answer", False, ["wrong-authenticator"]),
            ("wrong State", "authentication failed", False, ["wrong-state"]),
            ("half an MSK", "Access-Accept without MSK, or of a wrong length", True, ["short-msk"]),
            ("twice an MSK", "Access-Accept without MSK, or of a wrong length", True, ["long-msk"]),
            ("Access-Accept that names nobody", "Access-Accept names no subscriber", True, ["no-names"]),
            ("Access-Accept for another operator's subscriber", "subscriber does not belong to the realm that was asked", True, ["named", "244050000000001"]),
            ("EAP of a method nobody allowed", "authentication failed", False, ["method"]),
            ("Access-Accept before any method", "Access-Accept after a method that is not permitted", True, ["early"])):
        cases.case(title, f.lie, reason, *mode) if alarm else cases.case(title, lambda r=reason, m=mode: f.lie(r, *m, alarm=False))
    cases.case("Access-Accept for another subscriber", f.named_other)


case.main("aaa-faults", "aft-", body)
