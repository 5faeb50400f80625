#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
# check: full 200 --full
"""A host whose configuration names no Forwarding Agent: it finds that of its SIM's home network as hip-fa.mncMNC.mccMCC.pub.3gppnetwork.org.

The lab of the main job; in cn2 a Knot with the signed zone pub.3gppnetwork.org, in which each operator's name is another case: right, without a HIP
record, somebody else's address, addresses that lead nowhere, a forged record, absent. Whether a host can validate it depends on its trust anchor.
Without --full: signed, unsigned, forged.
"""
import dataclasses
import hashlib
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import ACCESS, ADDR, LabError, attach, main_topology, packets, wait_for  # noqa: E402
from pubzone import PUB, PubZone, fa_identity, home_fa, rdata  # noqa: E402

SERVER = ADDR["cn2"][0]
PUBLIC_A = "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650"  # TS 33.501 Annex C.4


def subscriber(plmn, given):
    """Each with a key of its own, which its sealed store hangs on."""
    return dataclasses.replace(daemons.DEMO_SUBSCRIBER, imsi=plmn.ljust(14, "0") + "7", k=hashlib.md5(given.encode()).hexdigest(), given=given,
                               msisdn="3584" + str(int(hashlib.md5(given.encode()).hexdigest()[:6], 16)).zfill(8))


RIGHT, BARE, OTHER, NOWHERE, FORGED, ABSENT = (subscriber(f"0010{i}", n) for i, n in enumerate(("Aino", "Bea", "Cai", "Dan", "Eva", "Finn"), 1))
USA = subscriber("310410", "Gus")
ALL = (RIGHT, BARE, OTHER, NOWHERE, FORGED, ABSENT, USA)


class Operator(daemons.Operator):
    anchored, reveal, suci = True, "no", ""

    def write_host(self, host, sim=None, wishes=None, identity="ecdsa-p256", esp=None):
        super().write_host(host, sim, wishes, identity, esp)
        if host != "mn":
            return
        text = pathlib.Path(self.conf(host)).read_text()
        text = re.sub(r"forwarding_agents:\n(?:  .*\n)+", f"binding: {{ reveal_imsi: {self.reveal}{self.suci} }}\n", text)
        anchor = f"\n      anchor_file: {self.zone.anchor}" if self.anchored else ""
        daemons.private(self.conf(host), text.replace("  zones:\n", f"  zones:\n    - zone: {PUB}\n      servers: [\"{SERVER}\"]{anchor}\n"))


class FindFa:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = Operator(self.lab)

    # ---- set-up ------------------------------------------------------------------------------------------------------

    def zone(self, *more):
        fa, cn, (mn, _, _) = ADDR["fa"], ADDR["cn"], ACCESS["umts"][0]
        me = fa_identity(self.op)
        right = (rdata(me), f"A {fa[0]}", f"AAAA {fa[1]}")
        names = {("001", "001"): right, ("410", "310"): right[:2], ("002", "001"): right[1:2], ("003", "001"): (f"A {cn[0]}",),
                 ("004", "001"): ("A 127.0.0.1", "A 224.0.0.1", f"A {mn}"), ("005", "001"): (rdata(me, 1), f"A {fa[0]}"),
                 **{name: right for name in more}}
        self.pub.write((home_fa(*name), data) for name, rows in names.items() for data in rows)

    def suci(self):
        """The home network's key for SUCIs: TS 33.501 Annex C.4, profile A."""
        path = daemons.private(self.lab.path("home", "suci.key"), "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d\n")
        self.op.as_more = f"suci_keys: [{{ id: 27, profile: A, home: \"00102\", key_file: {path} }}]\n"

    def set_up(self):
        main_topology(self.lab)
        for s in ALL:
            self.op.realms[self.realm(s)] = s.imsi[:6] if s is USA else s.plmn
        self.suci()
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        for s in ALL:
            self.op.add_subscriber(s)
        self.op.start_fa()
        self.pub = self.op.zone = PubZone(self.lab, "cn2", SERVER)
        self.zone()
        self.pub.start()
        self.op.start_host("cn")
        self.capture = self.lab.capture("net", "fa", "fa")
        attach(self.lab, "umts")

    @staticmethod
    def realm(s):
        return "wlan.mnc410.mcc310.3gppnetwork.org" if s is USA else s.realm

    def host(self, sub, anchored=True, reveal="no", suci=""):
        """hiphostd with this SIM, and its log from there on."""
        if self.lab.alive("hiphostd-mn"):
            self.op.stop_host("mn")
        self.op.anchored, self.op.reveal, self.op.suci = anchored, reveal, suci and f", suci: {suci}"
        card = self.lab.path("mn", f"usim-{sub.imsi}.yaml")
        if not os.path.exists(card):
            daemons.private(card, f"imsi: \"{sub.imsi}\"\nk: {sub.k}\nopc: {sub.opc}\niccid: \"89{sub.imsi}0\"\nmnc_length: {3 if sub is USA else 2}\n")
        self.began = len(self.lab.log_text("hiphostd-mn"))
        self.op.start_host("mn", sim=sub)

    def log(self):
        return self.lab.log_text("hiphostd-mn")[self.began:]

    def says(self, text, timeout=15):
        try:
            wait_for(text, lambda: text in self.log(), timeout)
        except LabError as e:
            raise LabError(f"{e}\n{self.log()[-1500:]}") from None

    def bound(self, sub):
        return self.op.wait_bound("mn", f"{sub.label}.{daemons.ZONE}")

    def nobody(self, sub):
        s = self.op.ctl("mn", "status")
        check(s["binding"]["state"] != "bound" and not [b for b in self.op.bindings() if b["fqdn"].startswith(sub.label)], f"{s}")

    # ---- cases -------------------------------------------------------------------------------------------------------

    def signed(self):
        self.host(RIGHT)
        s = self.bound(RIGHT)
        check(s["registration"]["hit"] == self.op.fa_hit, f"{s['registration']}")
        check("HIT not known" not in self.log(), "an opportunistic I1, though the record was signed")
        self.lab.run("cn", "ping", "-6", "-c", "1", "-W", "5", f"{RIGHT.label}.{daemons.ZONE}")
        return "known by its signed record; bound, and reached by name"

    def three_digits(self):
        self.host(USA)
        self.bound(USA)
        return "hip-fa.mnc410.mcc310"

    def unsigned(self):
        """Nothing signed says who it is: without an identity to show, nothing is shown; with one, the home network names it."""
        self.host(BARE, anchored=False)
        self.says("no identity may be shown to this FA")
        self.nobody(BARE)
        self.host(BARE, anchored=False, suci=f"{{ profile: A, key_id: 27, public_key: {PUBLIC_A} }}")
        s = self.bound(BARE)
        check("HIT not known" in self.log() and "shows a SUCI" in self.log() and s["registration"]["hit"] == self.op.fa_hit, f"{s['registration']}\n{self.log()}")
        return "nothing is shown to it; with a key for SUCIs: opportunistic I1, named in the challenge, bound"

    def unsigned_record(self):
        """A record that cannot be validated is not used: as if there were none."""
        sub = subscriber("00101", "Hilla")
        sub.imsi = RIGHT.imsi[:-1] + "8"
        self.op.add_subscriber(sub)
        self.host(sub, anchored=False, reveal="yes")
        self.bound(sub)
        check("HIT not known" in self.log(), self.log()[-1500:])
        return "not used; the home network names the FA"

    def wrong(self):
        """The name leads to a host that is no FA, and answers."""
        self.host(OTHER, anchored=False, reveal="yes")
        self.says("the FA offers neither rendezvous nor relaying")
        self.nobody(OTHER)
        return "an R1 without an offer: nothing is told to it"

    def nowhere(self):
        self.host(NOWHERE, reveal="yes")
        self.says(f"no FA at hip-fa.mnc004.mcc001.{PUB}., where the home network's would be: none of its addresses")
        check(self.op.ctl("mn", "status")["binding"]["state"] == "backoff", f"{self.op.ctl('mn', 'status')['binding']}")
        return "loopback, multicast and our own address: no I1, told why"

    def forged(self):
        self.host(FORGED, reveal="yes")
        self.says("the FA's HIP record is not to be believed")
        self.nobody(FORGED)
        return "a HIT that is not its key's: no I1, an alarm"

    def absent(self):
        self.host(ABSENT)
        self.says(f"no FA at hip-fa.mnc006.mcc001.{PUB}., where the home network's would be: there is no such name")
        s = self.op.ctl("mn", "status")
        check(s["binding"]["state"] == "backoff" and s["binding"]["retry_ms"] > 0, f"{s['binding']}")
        self.zone(("006", "001"))
        self.pub.reload()
        wait_for("the name is there", lambda: self.pub.dig(f"hip-fa.mnc006.mcc001.{PUB}", "A"), 10)
        self.bound(ABSENT)
        return "told, left alone for its back-off; found by itself when it is there"

    def configuration(self):
        """Nobody to be bound by, nor a way to find one, is a mistake."""
        self.op.stop_host("mn")
        path = self.op.conf("mn")
        text = pathlib.Path(path).read_text()
        for twist, says in ((lambda t: t + "find_fa: no\n", "find_fa"), (lambda t: re.sub(r"resolver:\n(?:  .*\n)+", "", t), "resolver.upstream")):
            daemons.private(path, twist(text))
            p = self.lab.run("mn", daemons.binary("hiphostd"), "--config", path, "--check-config", check=False)
            check(p.returncode == 1 and says in p.stderr and re.search(r":\d+: expected", p.stderr), f"{p.returncode} {p.stderr}")

    def end(self):
        self.op.stop_all()
        log = self.lab.log_text("hiphostd-mn")
        check("runtime error" not in log and "Sanitizer" not in log, log[-3000:])
        for s in (RIGHT, BARE, USA):
            check(s.imsi not in log, "an IMSI in the log")
        for _, src, dst, protocol, payload in packets(self.capture):
            if protocol != 17 or 1812 not in (int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")):  # RADIUS carries it
                check(not any(x.imsi.encode() in payload for x in ALL), f"an IMSI in clear from {src} to {dst}")


def body(cases):
    t = FindFa(cases)
    if not cases.case("lab, no FA configured in mn", t.set_up):
        return
    rows = [("a signed name", t.signed), ("an unsigned name", t.unsigned), ("a forged record", t.forged),
            ("configurations that cannot be", t.configuration)]
    if "--full" in sys.argv:
        rows += [("a MNC of three digits", t.three_digits), ("an unsigned record", t.unsigned_record),
                 ("the name is a host's that is no FA", t.wrong), ("addresses that lead nowhere", t.nowhere), ("no such name", t.absent)]
    for title, work in rows + [("the end", t.end)]:
        cases.case(title, work)


if __name__ == "__main__":
    case.main("find-fa", "ff-", body)
