#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
# check: full 240 --all
"""A host without a SIM is bound by EAP-TLS: Debian's FreeRADIUS judges its certificate and names the subscriber's id, hipfad and hiphostd do the rest as with a SIM.

    certificate_login.py [--all]
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import freeradius  # noqa: E402
import pki  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, attach, main_topology, sh, wait_for  # noqa: E402

HOME = ADDR["home"][0]
PORT = 1912
REALM = "staff.operator.example"
SERVER = "aaa.operator.example"


class Login:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)
        self.hosts = 0
        self.sub = daemons.DEMO_SUBSCRIBER
        self.fqdn = f"{self.sub.label}.{daemons.ZONE}"

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.prepare()
        self.op.start_dns()
        self.ca, self.other_ca = pki.Certificate("aaa ca", ca=True), pki.Certificate("another ca", ca=True)
        self.server = pki.Certificate(SERVER, by=self.ca, dns=SERVER)
        self.secret = open(self.op.radius_secret).read().strip()
        self.configure()
        r = sh(daemons.binary("hipfad"), "--config", self.op.conf("fa"), "subscriber", "add", "--imsi", self.sub.imsi, "--given", self.sub.given,
               "--surname", self.sub.surname, "--msisdn", self.sub.msisdn, "--publish", "yes", "--status", "active")
        self.id = r.stdout.strip()
        r = sh(daemons.binary("hipfad"), "--config", self.op.conf("fa"), "subscriber", "add", "--imsi", "244050000000007", "--given", "Other",
               "--surname", "Realm", "--msisdn", "358409999999", "--status", "active")
        self.foreign = r.stdout.strip()
        self.op.start_fa()
        attach(self.lab, "umts")

    def configure(self, methods="tls"):
        self.op.write_fa()
        text = open(self.op.conf("fa")).read()
        entry = (f"  - realm: {REALM}\n    plmns: [\"{self.sub.plmn}\"]\n    servers: [\"{HOME}:{PORT}\"]\n    secret_file: {self.op.radius_secret}\n"
                 f"    methods: [{methods}]\n")
        daemons.private(self.op.conf("fa"), text.replace("zone:\n", entry + "zone:\n", 1))

    def aaa(self, own=None, ca=None, **more):
        """FreeRADIUS anew, as this case wants it."""
        label = f"freeradius-{PORT}"
        if self.lab.alive(label):
            self.lab.stop(label)
        freeradius.Eap(self.lab, "home", HOME, ADDR["fa"][0], self.secret, PORT, (ca or self.ca).pem, own or self.server, **more).start()

    def host(self, mine, identity=None, ca=None, name=SERVER):
        """hiphostd anew, without anything of before, with this certificate, and an identity that no run was refused for (hipfad counts them)."""
        self.hosts += 1
        if self.lab.alive("hiphostd-mn"):
            self.op.stop_host("mn")
        d = self.lab.path("mn", "x")[:-2]
        sh("rm", "-rf", f"{d}/state-ecdsa-p256")
        for file, text in (("ca.pem", (ca or self.ca).pem), ("login.pem", mine.pem), ("login.key", mine.key_pem)):
            daemons.private(f"{d}/{file}", text)
        self.op.write_host("mn")
        text = open(self.op.conf("mn")).read()
        daemons.private(self.op.conf("mn"), text + f"names: [{self.fqdn}]\ncertificate_login: {{ identity: \"{identity or f'laptop-{self.hosts}@{REALM}'}\", "
                        f"ca: {d}/ca.pem, certificate: {d}/login.pem, key: {d}/login.key, server_name: {name} }}\n")
        self.before = {label: len(self.lab.log_text(label)) for label in ("hipfad", "hiphostd-mn") if label in self.lab.procs}
        self.op._start("mn", "hiphostd-mn", "hiphostd")

    def said(self, label):
        """What a daemon has logged since this case's host began."""
        return self.lab.log_text(label)[self.before.get(label, 0):]

    def mine(self, **more):
        return pki.Certificate(more.pop("name", self.id), by=more.pop("by", self.ca), **more)

    def refused(self, *said):
        """Each (daemon, text) is in its log; nothing is bound."""
        for label, text in said:
            wait_for(f"{label}: {text}", lambda: text in self.said(label), 20)
        check(self.op.bindings() == [], f"{self.op.bindings()}")

    # ---- cases ----

    def bound(self, most):
        self.aaa(most=most)
        self.host(self.mine(), identity=f"anybody@{REALM}")
        self.op.wait_bound("mn", self.fqdn)
        check("200100" in self.op.dig(self.fqdn, "HIP").lower().replace(":", ""), self.op.dig(self.fqdn, "HIP"))
        self.op.stop_host("mn")
        self.op._start("mn", "hiphostd-mn", "hiphostd")  # its store opens again, and no run is needed
        self.op.wait_bound("mn", self.fqdn)
        self.op.ctl("fa", "revoke", self.fqdn)
        wait_for("revoked", lambda: [b for b in self.op.bindings() if b["state"] != "revoked"] == [], 10)
        self.op.stop_host("mn")
        self.op._stop("hipfad")
        sh("rm", "-f", *[f"{self.lab.path('fa', 'bindings.sqlite')}{end}" for end in ("", "-wal", "-shm")])
        self.op.start_fa()

    def wrong_ca(self):
        self.aaa()
        self.host(self.mine(by=self.other_ca))
        self.refused(("hipfad", "authentication failed"))

    def expired(self):
        self.host(self.mine(days=-1))
        self.refused(("hipfad", "authentication failed"))

    def server_of_another_ca(self):
        self.aaa(own=pki.Certificate(SERVER, by=self.other_ca, dns=SERVER))
        self.host(self.mine())
        self.refused(("hiphostd-mn", "authentication server refused"))

    def server_of_another_name(self):
        self.aaa()
        self.host(self.mine(), name="elsewhere.operator.example")
        self.refused(("hiphostd-mn", "authentication server refused"))

    def nobody_named(self):
        """User-Name is there, and is what the host said: not enough."""
        self.aaa(send_cui=False)
        self.host(self.mine(), identity=f"{self.id}@{REALM}")
        self.refused(("hipfad", "Access-Accept names no subscriber"))

    def of_another_realm(self):
        self.aaa()
        self.host(self.mine(name=self.foreign))
        self.refused(("hipfad", "subscriber does not belong to the realm that was asked"))

    def password(self):
        """The same server would rather have a password: the host answers with what it wants, and is bound by that; both say what was refused."""
        self.aaa(default="md5")
        self.host(self.mine())
        self.op.wait_bound("mn", self.fqdn)
        check("EAP method MD5 is not permitted: no keys" in self.said("hiphostd-mn"), "nobody named MD5")
        self.op.stop_host("mn")

    def not_allowed(self):
        """A realm without tls in its methods."""
        self.op._stop("hipfad")
        self.configure(methods="aka-prime")
        self.op.start_fa()
        sh("rm", "-rf", self.lab.path("mn", "state-ecdsa-p256"))
        self.host(self.mine())
        wait_for("refused by name", lambda: any("EAP method TLS is not permitted" in e["what"] for e in self.op.ctl("fa", "events")["events"]), 20)


def body(cases):
    p = argparse.ArgumentParser()
    p.add_argument("--all", action="store_true")
    args = p.parse_args()
    t = Login(cases)
    t.set_up()
    cases.case("bound by a certificate, TLS 1.3", t.bound, "1.3")
    cases.case("the host's certificate is of another CA", t.wrong_ca)
    cases.case("a server of another CA", t.server_of_another_ca)
    cases.case("the AAA names nobody", t.nobody_named)
    if args.all:
        cases.case("bound by a certificate, TLS 1.2", t.bound, "1.2")
        cases.case("the host's certificate is over", t.expired)
        cases.case("a server of another name", t.server_of_another_name)
        cases.case("the AAA names another realm's subscriber", t.of_another_realm)
    cases.case("a password is asked for", t.password)
    cases.case("the realm does not allow it", t.not_allowed)


if __name__ == "__main__":
    case.main("certificate_login", "cl-", body)
