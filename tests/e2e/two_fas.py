#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 150
"""Two Forwarding Agents of one operator on one zone: mn bound at the first and registered at both; one is killed, correspondents reach mn by the other.

The second FA (`fa2`, in the place of cn2) has no authentication server: what it grants, it grants because the zone names it (docs/sim-binding.md section 17).
"""
import json
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import evidence  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, attach, main_topology, sh, wait_for  # noqa: E402

FA2 = f"fa2.{daemons.ZONE}"


class TwoFas:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.sub = daemons.DEMO_SUBSCRIBER
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    # ---- set-up ----------------------------------------------------------------------------------------------------

    def write_fa2(self):
        self.fa2_dir = self.lab.path("cn2", "x")[:-2]
        self.fa2_conf = daemons.private(f"{self.fa2_dir}/hipfad.yaml", f"""\
name: {FA2}
addresses: [{ADDR['cn2'][0]}, "{ADDR['cn2'][1]}"]
identity: {{ file: {self.fa2_dir}/identity.der }}
store: {{ path: {self.fa2_dir}/bindings.sqlite }}
subscribers: {{ path: {self.fa2_dir}/subscribers.sqlite }}
zone:
  domain: {daemons.ZONE}
  primary: ["{daemons.DNS}:53"]
  key_name: {daemons.KEY_NAME}
  key_file: {self.op.tsig_file}
  ttl: 60s
registration: {{ by_zone: yes }}
control: {{ socket: {self.fa2_dir}/ctl.sock }}
log: {{ level: debug }}
""")
        self.fa2_hit = json.loads(sh(daemons.binary("hipfad"), "--config", self.fa2_conf, "identity").stdout)["hit"]

    def start_fa2(self):
        self.lab.start("cn2", "hipfad2", daemons.binary("hipfad"), "--config", self.fa2_conf)
        wait_for("the second FA's control socket", lambda: self.at_second() is not None, 15)

    def host_with_both(self):
        """mn's configuration, with the second FA behind the first."""
        write = self.op.write_host

        def both(host, *words):
            write(host, *words)
            path = self.op.conf(host)
            text = pathlib.Path(path).read_text()
            second = f"  - hit: \"{self.fa2_hit}\"\n    name: {FA2}\n    addresses: [{ADDR['cn2'][0]}]\n"
            daemons.private(path, text.replace("resolver:\n", second + "resolver:\n", 1))
        self.op.write_host = both

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.prepare()
        first, daemons.FA_NAME = daemons.FA_NAME, f"{daemons.FA_NAME}.,{FA2}"  # the key may write the addresses of both
        try:
            self.op.start_dns()
        finally:
            daemons.FA_NAME = first
        self.op.start_as()
        self.op.add_subscriber(self.sub)
        self.op.write_fa(f"partners: [{FA2}]\n")
        self.op.start_fa()
        self.write_fa2()
        self.start_fa2()
        self.host_with_both()
        self.op.start_host("mn", sim=self.sub)
        self.op.start_host("cn")
        attach(self.lab, "umts")
        self.status = self.op.wait_bound("mn", self.fqdn)

    # ---- questions -------------------------------------------------------------------------------------------------

    def at_second(self):
        """Registrations at the second FA; None: it does not answer."""
        r = sh(daemons.binary("hipctl"), "--socket", f"{self.fa2_dir}/ctl.sock", "--json", "registrations", check=False)
        return [x["hit"] for x in json.loads(r.stdout)["registrations"]] if r.returncode == 0 else None

    def at_first(self):
        r = self.op.ctl("fa", "registrations", check=False)
        return [x["hit"] for x in r["registrations"]] if r else None

    def reached(self, seconds):
        """How long it takes cn, which has no association with mn, until mn answers."""
        begun = time.monotonic()
        r = self.lab.run("cn", "ping", "-6", "-n", "-c", "1", "-W", str(seconds), self.fqdn, check=False, timeout=60)
        check(r.returncode == 0, f"cn did not reach mn within {seconds} s: {r.stdout}{r.stderr}")
        return time.monotonic() - begun

    def new_cn(self):
        """A correspondent that knows nothing yet."""
        self.op.stop_host("cn")
        self.op.start_host("cn")

    def kill(self, label):
        self.lab.stop(label, signal.SIGKILL)
        check(not self.lab.alive(label), f"{label} lives")

    # ---- cases -----------------------------------------------------------------------------------------------------

    def both(self):
        wait_for("mn registered at the second FA", lambda: self.status["hit"] in (self.at_second() or []), 15)
        check(self.status["hit"] in self.at_first(), "not registered at the first")
        rr = evidence.hip_rr(self.op.dig(self.fqdn, "HIP"))
        check(rr["rvs"] == f"{daemons.FA_NAME}. {FA2}.", f"rendezvous servers: {rr['rvs']}")
        check(rr["hit"] == self.status["hit"], rr["hit"])
        wait_for("the second FA's address in the zone", lambda: self.op.dig(FA2, "A").strip() == ADDR["cn2"][0], 15)

    def first_killed(self):
        self.kill("hipfad")
        took = self.reached(8)
        check(took < 8, f"{took:.1f} s")
        return f"{took:.2f} s"

    def first_back(self):
        os.makedirs(os.path.dirname(self.op.socket("fa")), exist_ok=True)
        self.op.start_fa()
        wait_for("mn registered at the first FA again", lambda: self.status["hit"] in (self.at_first() or []), 60, 0.5)
        check(self.status["hit"] in self.at_second(), "the second FA lost it")
        s = self.op.ctl("mn", "status")
        check(s["binding"]["runs"] == 1, f"bound anew: {s['binding']}")

    def second_killed(self):
        self.kill("hipfad2")
        self.new_cn()
        took = self.reached(8)
        self.start_fa2()
        wait_for("mn registered at the second FA again", lambda: self.status["hit"] in (self.at_second() or []), 60, 0.5)
        return f"{took:.2f} s"

    def not_named(self):
        """The record goes out of the zone: the second FA does not register the host again."""
        self.op.ctl("fa", "revoke", self.fqdn)
        wait_for("the record gone", lambda: not self.op.dig(self.fqdn, "HIP").strip(), 15)
        wait_for("mn has lost its binding", lambda: self.op.ctl("mn", "status")["binding"]["state"] == "lost", 15)
        wait_for("no registration at either", lambda: self.at_first() == [] and self.at_second() == [], 20)


def body(cases):
    t = TwoFas(cases)
    t.set_up()
    for title, work in (("bound at the first FA, registered at both, both in the record in order", t.both),
                        ("the first FA killed: a newcomer reaches mn by the second", t.first_killed),
                        ("the first FA back: mn registers there by itself", t.first_back),
                        ("the second FA killed: a newcomer reaches mn by the first", t.second_killed),
                        ("revoked at the first: served by neither", t.not_named)):
        cases.case(title, work)


case.main("two_fas", "tfa-", body)
