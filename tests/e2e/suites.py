#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
"""The same job with other host identities and only one IP version: RSA, P-384 and Ed25519 besides P-256, IPv4 only, IPv6 only, one ESP transform only."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import evidence  # noqa: E402
from case import check  # noqa: E402
from lab import ACCESS, attach, detach, main_topology  # noqa: E402


class Suites:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[daemons.DEMO_SUBSCRIBER.realm] = daemons.DEMO_SUBSCRIBER.plmn
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()

    def job(self, n, fa, mn, cn, family, algorithm, esp):
        """Bind mn (HI type mn) at an FA (type fa), and reach it by name from cn (type cn) over one IP version only. mn has but one ESP transform;
        every second SIM has TUAK, with keys of either length."""
        sub = daemons.Subscriber(imsi=f"00101{n:010d}", k=f"{n:032x}" * (2 if n % 4 == 3 else 1), opc=f"{n:032x}"[::-1], given=f"Suite{n}",
                                 surname="Case", msisdn=f"35850{n:07d}", topc=f"{n:064x}"[::-1] if n % 2 else "")
        fqdn = f"{sub.label}.{daemons.ZONE}"
        self.op.new_fa(fa)
        self.op.add_subscriber(sub)
        self.op.start_fa()
        attach(self.lab, "umts")
        (a4, bits4, _), (a6, bits6, _) = ACCESS["umts"]
        other = (a6, bits6) if family == 4 else (a4, bits4)
        self.lab.ip("mn", "addr", "del", f"{other[0]}/{other[1]}", "dev", "umts0")
        try:
            self.op.start_host("mn", sim=sub, identity=mn, esp=esp)
            self.op.start_host("cn", identity=cn, esp=f"aes128-cbc-sha256, {esp}")
            status = self.op.wait_bound("mn", fqdn)
            rr = evidence.hip_rr(self.op.dig(fqdn, "HIP"))
            check(rr["hit"] == rr["computed"] == status["hit"] and rr["algorithm"] == algorithm, f"zone: {rr}")
            r = self.lab.run("cn", "ping", "-6", "-n", "-c", "3", "-i", "0.2", "-W", "5", fqdn, check=False, timeout=60)
            check(r.returncode == 0, r.stdout + r.stderr)
            peer = self.op.peer("cn", status["hit"])
            check((":" in peer["address"]) == (family == 6), f"IPv{family} only, but cn sends to {peer['address']}")
            check(peer["esp"] == esp, f"{peer['esp']}, not {esp}")
            return f"{status['hit']}; {r.stdout.splitlines()[-2]}"
        finally:
            for host in ("mn", "cn"):
                if self.lab.alive(f"hiphostd-{host}"):
                    self.op.stop_host(host)
            self.op._stop("hipfad")
            detach(self.lab, "umts")


def body(cases):
    s = Suites(cases)
    s.set_up()
    for n, (fa, mn, cn, family, algorithm, esp) in enumerate((("rsa-2048", "ecdsa-p384", "ecdsa-p256", 4, 3, "aes256-cbc-sha256"),
                                                              ("ecdsa-p384", "rsa-2048", "rsa-2048", 6, 2, "aes128-ccm16"),
                                                              ("ecdsa-p256", "ecdsa-p256", "ed25519", 6, 3, "aes128-gcm8")), 21):
        cases.case(f"FA {fa}, mn {mn}, cn {cn}, IPv{family}, {esp}", s.job, n, fa, mn, cn, family, algorithm, esp)


case.main("suites", "sui-", body)
