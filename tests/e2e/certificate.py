#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
"""Registration by certificate (RFC 8002) between the daemons: what counts, and what is said of what does not, in both logs and on the wire.

        mn  ---- 10.62.1.0/24, fd62:1::/64 ----  fa
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
import pki  # noqa: E402
from attack import params  # noqa: E402
from case import check  # noqa: E402
from lab import LabError, packets, sh, wait_for  # noqa: E402

FA, MN = "10.62.1.1", "10.62.1.2"
FA6, MN6 = "fd62:1::1", "fd62:1::2"
IN_FRAGMENTS = "(ip[6:2] & 0x3fff != 0 and ip[9] == 139) or (ip6[6] == 44 and ip6[40] == 139)"
I2, R2, NOTIFY = 3, 4, 17
CERT, NOTIFICATION, REG_FAILED = 768, 832, 936
INVALID_CERTIFICATE = 50
SOMEBODY = "2001:22:dead:beef:1:2:3:4"


class Certificates:
    def __init__(self, cases):
        self.lab = cases.lab
        self.runs = 0

    def file(self, host, name, text):
        return daemons.private(self.lab.path(host, name), text)

    def write_fa(self, ca):
        self.conf = self.file("fa", "hipfad.yaml", f"""\
name: fa.operator.example
addresses: [{FA}, "{FA6}"]
identity: {{ file: {self.lab.path('fa', 'identity.der')} }}
store: {{ path: {self.lab.path('fa', 'bindings.sqlite')} }}
subscribers: {{ path: {self.lab.path('fa', 'subscribers.sqlite')} }}
zone: {{ domain: operator.example, primary: ["{FA}:53"], key_name: fa.operator.example, key_file: {self.tsig}, own_records: no }}
registration: {{ ca: [{ca}], certificate_types: [rendezvous] }}
workers: 1
control: {{ socket: {self.lab.path('fa', 'ctl')} }}
log: {{ level: debug }}
""")

    def ctl(self, host, *args):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path(host, "ctl"), "--json", *args, check=False)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def start_fa(self):
        self.lab.start("fa", "hipfad", daemons.binary("hipfad"), "--config", self.conf)
        wait_for("hipfad", lambda: self.ctl("fa", "status"), 15)

    def stop(self, label):
        code = self.lab.stop(label)
        check(code == 0, f"{label} ended with {code}:\n{self.lab.log_text(label)[-3000:]}")

    def host_conf(self, pem, at=FA):
        more = f"certificate: {self.file('mn', 'host.pem', pem)}\n" if pem else ""
        return self.file("mn", "hiphostd.yaml", f"""\
state: {self.lab.path('mn', 'state')}
forwarding_agents: [ {{ hit: "{self.fa_hit}", addresses: ["{at}"] }} ]
nat: off
binding: {{ require: no }}
resolver: {{ listen: [] }}
control: {{ socket: {self.lab.path('mn', 'ctl')} }}
log: {{ level: debug }}
{more}""")

    def set_up(self):
        for host in ("fa", "mn"):
            self.lab.add_host(host)
        self.lab.link("fa", "eth0", [f"{FA}/24", f"{FA6}/64"], "mn", "eth0", [f"{MN}/24", f"{MN6}/64"])
        self.pcap = self.lab.capture("fa", "eth0", "fa", "ip proto 139")
        self.tsig = self.file("fa", "tsig.key", "c2VjcmV0IGtleSBvZiBhIHByaW1hcnkgdGhhdCBpcyBub3Q=\n")
        self.root = pki.Certificate("root", ca=True)
        self.middle = pki.Certificate("middle", by=self.root, ca=True)
        self.write_fa(self.file("fa", "ca.pem", self.root.pem))
        self.fa_hit = json.loads(sh(daemons.binary("hipfad"), "--config", self.conf, "identity").stdout)["hit"]
        self.start_fa()
        self.start_mn(None)
        self.hit = self.ctl("mn", "status")["hit"]
        self.public = pki.public_of(self.lab.path("mn", "state", "identity.der"))

    def leaf(self, **wish):
        return pki.Certificate("host", **{"by": self.root, "hit": self.hit, "public": self.public, **wish})

    # ---- one host after the other, each with another file ------------------------------------------------------------

    def start_mn(self, pem, at=FA):
        self.runs += 1
        self.label, self.fa_said, self.seen = f"mn-{self.runs}", len(self.lab.log_text("hipfad")), len(list(packets(self.pcap)))
        self.lab.start("mn", self.label, daemons.binary("hiphostd"), "--config", self.host_conf(pem, at))
        wait_for("hiphostd", lambda: self.ctl("mn", "status"), 15)

    def says(self, who, text):
        """In a log since this host was started."""
        def there():
            return text in (self.lab.log_text(self.label) if who == "mn" else self.lab.log_text("hipfad")[self.fa_said:])
        try:
            wait_for(f"{who}: {text}", there, 10)
        except LabError as e:
            raise LabError(f"{e}\n{self.lab.log_text(self.label)[-1500:]}") from None

    def wire(self, kind):
        """The packets of this type since then."""
        return [p for _, _, _, proto, p in list(packets(self.pcap))[self.seen:] if proto == 139 and p[2] & 0x7F == kind]

    def registered(self):
        return any(r["hit"] == self.hit for r in self.ctl("fa", "registrations")["registrations"])

    def counts(self, *chain):
        """The host registers; its I2 has these certificates as one group."""
        self.start_mn("".join(c.pem for c in chain))
        try:
            wait_for("a registration", self.registered, 10)
            self.says("mn", "rendezvous for ")
            wait_for("an I2", lambda: self.wire(I2), 10)
            certs = [v for k, v in params(self.wire(I2)[0]) if k == CERT]
            check([v[:4] for v in certs] == [bytes([1, len(chain), i + 1, 1]) for i in range(len(chain))], [v[:4].hex() for v in certs])
            check([v[4:] for v in certs] == [c.der for c in chain], "other certificates than those of the file")
            check(not self.wire(NOTIFY), "a NOTIFY about a good certificate")
        finally:
            self.stop(self.label)
        wait_for("the registration's end", lambda: not self.registered(), 10)
        return f"{len(certs)} in I2"

    def fragments(self, *chain):
        """RFC 7401 s5.1.3: an I2 longer than the path takes goes in fragments, over IPv4 and IPv6."""
        lengths = []
        for host in ("fa", "mn"):
            self.lab.ip(host, "link", "set", "eth0", "mtu", "1280")
        for label, at in (("v4", FA), ("v6", FA6)):
            pcap = self.lab.capture("fa", "eth0", f"fragments-{label}", IN_FRAGMENTS)
            self.start_mn("".join(c.pem for c in chain), at)
            try:
                wait_for("a registration", self.registered, 10)
                wait_for("fragments", lambda: len(list(packets(pcap))) >= 2, 10)
                lengths.append(sum(len(p) for _, _, _, _, p in packets(pcap)))
            finally:
                self.stop(self.label)
            wait_for("the registration's end", lambda: not self.registered(), 10)
        return f"{lengths} octets in fragments"

    def fails(self, failure, text, at, pem):
        """REG_FAILED and, where one was verified, NOTIFY INVALID_CERTIFICATE; both daemons say which and why."""
        self.start_mn(pem)
        try:
            self.says("mn", f"registration refused, reason {failure}")
            check(not self.registered(), "registered all the same")
            wait_for("an R2", lambda: self.wire(R2), 10)
            failed = [v for k, v in params(self.wire(R2)[0]) if k == REG_FAILED]
            check(failed and failed[0][:2] == bytes([failure, 1]), f"REG_FAILED {[v.hex() for v in failed]}")
            if text:
                self.says("fa", f"refused peer={self.hit} number={failure}: {f'certificate {at} of group 1: ' if at else ''}{text}")
            if not at:
                check(not self.wire(NOTIFY), "a NOTIFY about what nobody verified")
                return None
            self.says("mn", f"cat=notified msg=\"NOTIFY {INVALID_CERTIFICATE} INVALID_CERTIFICATE: certificate {at} of group 1")
            wait_for("a NOTIFY", lambda: self.wire(NOTIFY), 10)
            notes = [v for p in self.wire(NOTIFY) for k, v in params(p) if k == NOTIFICATION]
            check(notes[0] == bytes([0, 0, 0, INVALID_CERTIFICATE, 1, at]), [v.hex() for v in notes])
            return f"REG_FAILED {failure}, NOTIFY {INVALID_CERTIFICATE}"
        finally:
            self.stop(self.label)

    def none(self):
        try:
            self.says("mn", "registration refused, reason 0")
            check(not self.registered(), "registered without a certificate")
        finally:
            self.stop(self.label)

    def no_ca(self):
        self.stop("hipfad")
        self.write_fa("")
        self.start_fa()
        self.fails(5, "unsupported certificate", 0, self.leaf().pem)

    def refused_file(self, pem, said):
        r = sh(daemons.binary("hiphostd"), "--config", self.host_conf(pem), "--check-config", check=False)
        check(r.returncode == 1 and "host.pem" in r.stderr and said in r.stderr, f"{r.returncode}: {r.stderr}")
        return r.stderr.strip().rsplit(": ", 1)[-1]


def body(cases):
    c = Certificates(cases)
    c.set_up()
    cases.case("without one: REG_FAILED 0", c.none)
    leaf, deep = c.leaf(), c.leaf(by=c.middle)
    cases.case("one under a CA that is trusted", c.counts, leaf)
    cases.case("a chain of two, one group", c.counts, deep, c.middle)
    cases.case("a CA that knows no HITs: of the host's key", c.counts, c.leaf(hit=None))
    stranger, old, plain = pki.Certificate("root", ca=True), pki.Certificate("middle", by=c.root, ca=True, days=-1), pki.Certificate("x", by=c.root)
    for title, failure, text, at, pem in (
            ("expired", 6, "certificate expired", 1, c.leaf(days=-1).pem),
            ("the one in the middle expired", 6, "certificate expired", 2, c.leaf(by=old).pem + old.pem),
            ("the one in the middle left out", 8, "unknown certification authority", 1, deep.pem),
            ("another CA", 8, "unknown certification authority", 1, c.leaf(by=pki.Certificate("stranger", ca=True)).pem),
            ("another CA of the same name", 4, "bad certificate", 1, c.leaf(by=stranger).pem),
            ("signed by the host itself", 8, "unknown certification authority", 1, pki.Certificate("host", hit=c.hit).pem),
            ("of another HIT", 3, "invalid certificate", 1, c.leaf(hit=SOMEBODY).pem),
            ("of no HIT and another key", 3, "invalid certificate", 1, c.leaf(hit=None, public=stranger.key.public_key()).pem),
            ("its signature damaged", 4, "bad certificate", 1, pki.damaged(leaf)),
            ("signed by a host's certificate", 7, "certificate: other", 2, c.leaf(by=plain).pem + plain.pem)):
        cases.case(title, c.fails, failure, text, at, pem)
    lower = pki.Certificate("lower", by=c.middle, ca=True)
    cases.case("a chain of three, in fragments", c.fragments, c.leaf(by=lower), lower, c.middle)
    cases.case("hipfad without a CA", c.no_ca)
    cut = leaf.pem.splitlines(keepends=True)
    cases.case("a file that is cut off", c.refused_file, "".join(cut[:-2]), "malformed")
    cases.case("more than an I2 takes", c.refused_file, "".join(x.pem for x in (deep, c.middle, pki.Certificate("a", bits=2048, ca=True))),
               "does not fit")


if __name__ == "__main__":
    case.main("certificate", "ce-", body)
