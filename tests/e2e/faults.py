#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 300
"""What must not happen, tried with real daemons: no name, registration or booking for whoever has no right to one, whatever fails.

One lab (home, fa, mn and the access networks); each case puts another SIM or another fault in and looks at the host, the FA and the zone.
"""
import os
import pathlib
import secrets
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import evidence  # noqa: E402
from case import check  # noqa: E402
from lab import ADDR, ACCESS, attach, main_topology, wait_for  # noqa: E402

SERIAL = iter(range(2, 1000))


def subscriber(**kw):
    n = next(SERIAL)
    base = dict(imsi=f"00101{n:010d}", k=secrets.token_hex(16), opc=secrets.token_hex(16), given=f"Case{n}", surname="Fault",
                msisdn=f"35850{n:07d}")
    return daemons.Subscriber(**{**base, **kw})


class Faults:
    def __init__(self, cases):
        self.c, self.lab, self.caps = cases, cases.lab, {}
        self.op = daemons.Operator(self.lab)

    def set_up(self):
        main_topology(self.lab, self.caps)
        self.op.realms["wlan.mnc001.mcc001.3gppnetwork.org"] = "00101"
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.start_fa()
        attach(self.lab, "umts")

    def nothing_of(self, sub, fqdn=None):
        """Neither binding nor registration nor name nor booking of this subscriber."""
        fqdn = fqdn or f"{sub.label}.{daemons.ZONE}"
        hit = self.op.ctl("mn", "status").get("hit")
        check(not any(b["fqdn"].rstrip(".") == fqdn or b["hit"] == hit for b in self.op.bindings()), f"a binding: {self.op.bindings()}")
        check(not any(r["hit"] == hit for r in self.op.registrations()), f"a registration: {self.op.registrations()}")
        check(not self.op.dig(fqdn, "HIP").strip(), f"the zone has {fqdn}")

    def binding_state(self, want, timeout=25):
        def there():
            b = (self.op.ctl("mn", "status", check=False) or {}).get("binding") or {}
            return b if b.get("state") in want else None
        return wait_for(f"binding state {want} in mn; {self.op.ctl('mn', 'status', check=False)}", there, timeout)

    def with_host(self, sub, work, wishes=None):
        self.op.start_host("mn", sim=sub, wishes=wishes)
        try:
            return work()
        finally:
            if self.lab.alive("hiphostd-mn"):
                self.op.stop_host("mn")

    # ---- who has no right ---------------------------------------------------------------------------------------------

    def wrong_k(self):
        sub = subscriber()
        self.op.add_subscriber(sub)
        card = subscriber(imsi=sub.imsi, opc=sub.opc, given=sub.given, surname=sub.surname)

        def work():
            b = self.binding_state(("failed", "backoff"))
            self.nothing_of(sub)
            return b.get("reason")
        return self.with_host(card, work)

    def unknown_imsi(self):
        sub = subscriber()

        def work():
            b = self.binding_state(("failed", "backoff"))
            self.nothing_of(sub)
            return b.get("reason")
        return self.with_host(sub, work)

    def not_subscribed(self):
        sub = subscriber(status="suspended")
        self.op.add_subscriber(sub)

        def work():
            b = self.binding_state(("failed", "refused", "backoff"))
            self.nothing_of(sub)
            return b.get("reason")
        return self.with_host(sub, work)

    def foreign_domain(self):
        sub = subscriber()
        self.op.add_subscriber(sub)

        def work():
            self.binding_state(("failed", "refused", "backoff", "bound"))
            check(not self.op.dig("www.operator.example", "HIP").strip(), "a reserved name is in the zone")
            for b in self.op.bindings():
                check(b["fqdn"].rstrip(".").endswith("." + daemons.ZONE), f"a name outside the domain: {b}")
                check(b["fqdn"].rstrip(".") != f"www.{daemons.ZONE}", f"a reserved name: {b}")
        return self.with_host(sub, work, wishes=["somebody.other.example", "www.operator.example"])

    # ---- names ----------------------------------------------------------------------------------------------------------

    def name_in_use(self):
        """Somebody else's HIP record stands at the wished name; only the DNS knows of it."""
        sub = subscriber()
        self.op.add_subscriber(sub)
        fqdn = f"{sub.label}.{daemons.ZONE}"
        rdata = "1003004020010022" + "ab" * 12 + "cd" * 64
        script = f"server {daemons.DNS}\nzone {daemons.ZONE}\nupdate add {fqdn} 60 TYPE55 \\# {len(rdata) // 2} {rdata}\nsend\n"
        self.lab.run("home", "nsupdate", "-y", f"hmac-sha256:{daemons.KEY_NAME}:{self.op.tsig_secret}", input=script)
        theirs = self.op.dig(fqdn, "HIP")
        check(theirs.strip(), "the other's record is not there")

        def work():
            self.binding_state(("bound",))
            mine = self.op.ctl("mn", "status")["binding"]["fqdn"].rstrip(".")
            check(mine != fqdn and mine.startswith(sub.label), f"bound as {mine}")
            check(self.op.dig(fqdn, "HIP") == theirs, "the other's record was touched")
            check(self.op.dig(mine, "HIP").strip(), f"{mine} is not in the zone")
            return mine
        return self.with_host(sub, work)

    # ---- servers down, slow, lying ---------------------------------------------------------------------------------------

    def as_down(self):
        sub = subscriber()
        self.op.add_subscriber(sub)
        self.op._stop("hipakad")
        since = time.time()

        def work():
            mn, fa = {ACCESS["umts"][0][0], ACCESS["umts"][1][0]}, set(ADDR["fa"])
            r2 = wait_for("an R2 although the AS is down", lambda: next(
                ((w, ps) for w, s, d, k, ps, _ in evidence.hip(self.caps["umts"]) if k == "R2" and s in fa and d in mn and w > since), None), 10)
            i2 = next(w for w, s, d, k, ps, _ in evidence.hip(self.caps["umts"]) if k == "I2" and w > since)
            check(r2[0] - i2 < 1.5, f"the R2 came {r2[0] - i2:.1f} s after the I2")
            self.nothing_of(sub)
            self.op.start_as()
            self.binding_state(("bound",), 60)
            return f"R2 {1000 * (r2[0] - i2):.0f} ms after I2; bound once the AS was up"
        try:
            return self.with_host(sub, work)
        finally:
            if not self.lab.alive("hipakad"):
                self.op.start_as()

    def dns_down(self):
        sub = subscriber()
        self.op.add_subscriber(sub)
        self.op.stop_dns()

        def work():
            b = self.binding_state(("pending",), 40)
            check(not any(x["state"] == "bound" and x["fqdn"].rstrip(".") == f"{sub.label}.{daemons.ZONE}" for x in self.op.bindings()),
                  "the FA says bound while the DNS is down")
            self.op.start_dns()
            self.binding_state(("bound",), 90)
            check(self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip(), "the name is not in the zone")
            return f"pending as {b.get('fqdn')}, bound when the DNS was back"
        return self.with_host(sub, work)

    def dns_slow(self):
        """Every DNS packet of the FA is lost for three seconds."""
        sub = subscriber()
        self.op.add_subscriber(sub)
        for cmd in ("add table inet f", "add chain inet f o { type filter hook output priority 0; }", "add rule inet f o meta l4proto { tcp, udp } th dport 53 drop"):
            self.lab.run("fa", "nft", cmd)

        def work():
            time.sleep(3)
            self.lab.run("fa", "nft", "delete table inet f")
            self.op.wait_bound("mn", f"{sub.label}.{daemons.ZONE}", 60)
            check(self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip(), "the name is not in the zone")
        return self.with_host(sub, work)

    def dns_refusing(self):
        """The FA's TSIG key is not the zone's: every update is refused."""
        sub = subscriber()
        self.op.add_subscriber(sub)
        good = open(self.op.tsig_file).read()
        self.op._stop("hipfad")
        daemons.private(self.op.tsig_file, "c2VjcmV0IG9mIHNvbWVib2R5IGVsc2UgYWx0b2dldGhlcg==\n")
        try:
            self.op.start_fa()

            def work():
                b = self.binding_state(("pending", "failed", "refused", "backoff"), 40)
                check(not self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip(), "a record was written")
                check(not any(x["state"] == "bound" and x["fqdn"].rstrip(".") == f"{sub.label}.{daemons.ZONE}" for x in self.op.bindings()),
                      f"bound without the DNS: {self.op.bindings()}")
                return b.get("state")
            return self.with_host(sub, work)
        finally:
            self.op._stop("hipfad")
            daemons.private(self.op.tsig_file, good)
            self.op.start_fa()

    def lying_as(self):
        """A RADIUS server that accepts everybody without knowing the secret, without Message-Authenticator, without keys."""
        sub = subscriber()
        self.op.add_subscriber(sub)
        self.op._stop("hipakad")
        liar = pathlib.Path(__file__).with_name("lying_radius.py")
        try:
            for mode in ("no-secret", "no-message-authenticator", "no-keys"):
                self.lab.start("home", "liar", "/usr/bin/python3", liar, ADDR["home"][0], mode, self.op.radius_secret)
                wait_for("the liar", lambda: "ready" in self.lab.log_text("liar"), 5)

                def work():
                    self.binding_state(("failed", "refused", "backoff"), 40)
                    self.nothing_of(sub)
                self.with_host(sub, work)
                self.lab.stop("liar")
        finally:
            if not self.lab.alive("hipakad"):
                self.op.start_as()
        return "refused all three"

    # ---- secrets ----------------------------------------------------------------------------------------------------------

    def no_secrets_in_logs(self):
        sub = subscriber()
        self.op.add_subscriber(sub)
        self.with_host(sub, lambda: self.op.wait_bound("mn", f"{sub.label}.{daemons.ZONE}"))
        found = self.op.leaks(sub)
        check(not found, f"in clear: {found}")

    def no_core(self):
        """A daemon that crashes writes no core file, and its memory is not for other processes of its user."""
        self.op._stop("hipfad")
        self.op.start_fa()
        pid = self.lab.procs["hipfad"].pid
        limits = open(f"/proc/{pid}/limits").read()
        line = next(x for x in limits.splitlines() if x.startswith("Max core file size"))
        check(line.split()[4:6] == ["0", "0"], line)
        p = self.lab.procs["hipfad"]
        os.kill(pid, signal.SIGSEGV)
        p.wait(timeout=10)
        check(not (p.returncode < 0 and os.path.exists("core")), "a core file")
        self.lab.stop("hipfad")
        self.op.start_fa()


def body(cases):
    f = Faults(cases)
    f.set_up()
    for title, work in (("wrong K: no name", f.wrong_k), ("unknown IMSI: no name", f.unknown_imsi),
                        ("subscriber suspended: status 2", f.not_subscribed), ("names outside the domain and reserved ones", f.foreign_domain),
                        ("name in use in the zone", f.name_in_use), ("authentication server down", f.as_down), ("DNS down", f.dns_down),
                        ("DNS slow", f.dns_slow), ("DNS refusing", f.dns_refusing), ("lying authentication server", f.lying_as),
                        ("no secret in any log or store", f.no_secrets_in_logs), ("no core file", f.no_core)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("faults", "flt-", body)
