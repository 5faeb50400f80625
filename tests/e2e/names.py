#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
"""The resolver that hiphostd is for applications, against Knot with a signed and an unsigned zone: what becomes a HIT, what is passed on, what is refused.

        h  ---- e0 (10.62.1.2) ------- (10.62.1.1) n0 ----  n  (Knot: operator.example signed, plain.example not)
"""
import base64
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import sys
import time

from cryptography.hazmat.primitives.asymmetric import ec, rsa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from evidence import ORCHID_CONTEXT  # noqa: E402
from lab import sh, wait_for  # noqa: E402

DNS, HOST = "10.62.1.1", "10.62.1.2"


def hi():
    """A P-256 key in the DNS's form, and the HIT of the HI it makes."""
    n = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    key = n.x.to_bytes(32, "big") + n.y.to_bytes(32, "big")
    return key, ipaddress.ip_address(bytes.fromhex("20010022") + hashlib.sha384(ORCHID_CONTEXT + b"\x00\x01" + key).digest()[18:30])


def rsa_hi():
    """The same for an RSA key, RFC 3110 form."""
    n = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    key = b"\x03" + n.e.to_bytes(3, "big") + n.n.to_bytes(256, "big")
    return key, ipaddress.ip_address(bytes.fromhex("20010021") + hashlib.sha256(ORCHID_CONTEXT + key).digest()[10:22])


def record(hit, key, alg=3, rvs=b"\x03fa1\x08operator\x07example\x00"):
    data = bytes([16, alg]) + len(key).to_bytes(2, "big") + hit.packed + key + rvs
    return f"TYPE55 \\# {len(data)} {data.hex()}"


class Names:
    def __init__(self, cases):
        self.lab = cases.lab

    # ---- the lab ---------------------------------------------------------------------------------------------------

    def zones(self, d):
        (k1, self.one), (k2, self.two), (k3, self.third) = hi(), hi(), rsa_hi()
        wrong = ipaddress.ip_address(self.one.packed[:-1] + bytes([self.one.packed[-1] ^ 1]))
        soa = "$TTL 60\n@ SOA ns1 hostmaster 1 3600 900 604800 5\n@ NS ns1\nns1 A {}\n".format(DNS)
        text = " ".join(f'"{os.urandom(100).hex()}"' for _ in range(15))
        pathlib.Path(d, "operator.example.zone").write_text(
            f"$ORIGIN operator.example.\n{soa}"
            f"good {record(self.one, k1)}\ngood A 192.0.2.1\ngood AAAA 2001:db8::1\n"
            f"multi {record(self.one, k1)}\nmulti {record(self.two, k2)}\n"
            f"rsa 300 {record(self.third, k3, 2)}\n"
            f"forged {record(wrong, k1)}\nforged A 192.0.2.3\nforged AAAA 2001:db8::3\n"
            f"plain A 192.0.2.7\nplain AAAA 2001:db8::7\nalias CNAME good\nbig TXT {text}\n")
        pathlib.Path(d, "plain.example.zone").write_text(
            f"$ORIGIN plain.example.\n{soa}host {record(self.two, k2)}\nhost AAAA 2001:db8::8\n")

    def start_knot(self):
        d = self.lab.path("n", "x")[:-2]
        if not os.path.exists(f"{d}/operator.example.zone"):
            self.zones(d)
        daemons.private(f"{d}/knot.conf", f"""\
server:
    rundir: {d}
    pidfile: {d}/knot.pid
    listen: {DNS}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: {d}/db
    journal-db-max-size: 16M
    kasp-db-max-size: 8M
    timer-db-max-size: 8M
policy:
  - id: p
    algorithm: ecdsap256sha256
    single-type-signing: on
    ksk-lifetime: 0
    cds-cdnskey-publish: none
zone:
  - domain: operator.example
    file: {d}/operator.example.zone
    dnssec-signing: on
    dnssec-policy: p
    zonefile-sync: -1
    journal-content: changes
  - domain: plain.example
    file: {d}/plain.example.zone
    zonefile-sync: -1
""")
        os.makedirs(f"{d}/db", exist_ok=True)
        self.lab.start("n", "knot", "knotd", "-c", f"{d}/knot.conf")
        wait_for("Knot", lambda: "RRSIG" in self.at_knot("operator.example", "SOA", "+dnssec"), 15)
        self.anchor = f"{d}/anchor"
        pathlib.Path(self.anchor).write_text(self.at_knot("operator.example", "DNSKEY"))

    def at_knot(self, *args):
        return self.lab.run("n", "dig", f"@{DNS}", "+norec", "+noall", "+answer", "+time=1", "+tries=1", *args, check=False).stdout

    def set_up(self):
        for host in ("n", "h"):
            self.lab.add_host(host)
        self.lab.link("n", "n0", [f"{DNS}/24"], "h", "e0", [f"{HOST}/24"])
        self.start_knot()
        self.lab.etc_file("h", "resolv.conf", "nameserver 127.0.0.1\noptions timeout:8 attempts:1\n")
        self.start()

    def start(self, require="yes", anchor=None):
        d = self.lab.path("h", "x")[:-2]
        conf = daemons.private(f"{d}/hiphostd.yaml", f"""\
state: {d}/state
resolver:
  upstream: ["{DNS}"]
  zones: [ {{ zone: operator.example, servers: ["{DNS}"], anchor_file: {anchor or self.anchor} }} ]
  require_dnssec: {require}
control: {{ socket: {d}/ctl }}
log: {{ level: debug }}
""")
        self.lab.start("h", "hiphostd", daemons.binary("hiphostd"), "--config", conf)
        wait_for("hiphostd", lambda: self.ctl("status", check_it=False), 15)

    def stop(self):
        code = self.lab.stop("hiphostd")
        check(code == 0, f"hiphostd ended with {code}:\n{self.lab.log_text('hiphostd')[-3000:]}")

    def restart(self, **kw):
        self.stop()
        self.start(**kw)

    def ctl(self, *args, check_it=True):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("h", "ctl"), "--json", *args, check=False)
        if r.returncode != 0:
            check(not check_it, f"hipctl {args}: {r.returncode} {r.stderr}")
            return None
        return json.loads(r.stdout)

    def dig(self, name, kind, *args):
        """(RCODE, {TTL of each record}, values) as an application sees it."""
        out = self.lab.run("h", "dig", "@127.0.0.1", "+time=15", "+tries=1", *args, name, kind, check=False, timeout=40).stdout
        m = re.search(r"status: (\w+)", out)
        check(m, f"dig {name} {kind}: {out}")
        rows = [line.split(None, 4) for line in out.splitlines() if line and not line.startswith(";")]
        return m[1], {int(r[1]) for r in rows}, sorted(r[4] for r in rows if r[3] == kind)

    def expect(self, name, kind, rcode, *values):
        got = self.dig(name, kind)
        check(got[0] == rcode and got[2] == sorted(map(str, values)), f"{name} {kind}: {got}, expected {rcode} {values}")
        return got

    # ---- cases -----------------------------------------------------------------------------------------------------

    def hits(self):
        _, ttl, _ = self.expect("good.operator.example", "AAAA", "NOERROR", self.one)
        check(max(ttl) <= 60, f"TTL {ttl}")
        lsi = self.dig("good.operator.example", "A")[2]
        check(len(lsi) == 1 and lsi[0].startswith("198.19."), f"LSIs {lsi}")
        self.expect("GOOD.Operator.Example", "AAAA", "NOERROR", self.one)
        self.expect("multi.operator.example", "AAAA", "NOERROR", self.one, self.two)
        check(lsi[0] in self.dig("multi.operator.example", "A")[2] and len(self.dig("multi.operator.example", "A")[2]) == 2, "one LSI for each HIT")
        self.expect("rsa.operator.example", "AAAA", "NOERROR", self.third)
        r = self.lab.run("h", "getent", "ahosts", "good.operator.example").stdout
        check([line.split()[0] for line in r.splitlines()[::3]] == [str(self.one), lsi[0]], r)  # who speaks both has HITs
        got = self.ctl("resolve", "good.operator.example")
        check(got["hits"] == [str(self.one)] and got["ttl"] <= 60, got)

    def passed_on(self):
        self.expect("plain.operator.example", "A", "NOERROR", "192.0.2.7")
        self.expect("plain.operator.example", "AAAA", "NOERROR", "2001:db8::7")
        self.expect("none.operator.example", "AAAA", "NXDOMAIN")
        self.expect("good.operator.example", "MX", "NOERROR")
        check(len(self.dig("good.operator.example", "HIP")[2]) == 1, "no HIP record")
        check(self.dig("operator.example", "DNSKEY", "+dnssec")[2], "no DNSKEY")

    def forged(self):
        for kind in ("AAAA", "A"):
            self.expect("forged.operator.example", kind, "SERVFAIL")
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path("h", "ctl"), "resolve", "forged.operator.example", check=False)
        check(r.returncode == 1 and "key" in r.stderr, f"{r.returncode} {r.stdout} {r.stderr}")

    def insecure(self):
        """A name that says it speaks HIP, and cannot prove it, is refused; its other addresses are not taken instead."""
        self.expect("host.plain.example", "AAAA", "SERVFAIL")
        self.expect("ns1.plain.example", "A", "NOERROR", DNS)
        self.restart(require="no")
        self.expect("host.plain.example", "AAAA", "NOERROR", self.two)
        self.restart()

    def bogus(self):
        d = self.lab.path("h", "x")[:-2]
        key = pathlib.Path(self.anchor).read_text().split()
        raw = bytearray(base64.b64decode("".join(key[7:])))
        raw[10] ^= 1
        pathlib.Path(d, "wrong.anchor").write_text(" ".join(key[:7]) + " " + base64.b64encode(raw).decode() + "\n")
        self.restart(anchor=f"{d}/wrong.anchor")
        for name in ("good", "plain", "none"):
            self.expect(f"{name}.operator.example", "AAAA", "SERVFAIL")
        self.restart()

    def reverse(self):
        self.dig("good.operator.example", "AAAA")
        got = self.dig(self.one.reverse_pointer, "PTR")
        check(got[2] == ["good.operator.example."], got)
        check(self.dig(self.third.reverse_pointer.replace("1.2.0.0.1.0.0.2", "2.2.0.0.1.0.0.2"), "PTR")[0] == "NXDOMAIN", "an unknown HIT has a name")

    def tcp(self):
        self.lab.run("h", "dig", "@127.0.0.1", "+tcp", "good.operator.example", "AAAA")
        check(self.dig("good.operator.example", "AAAA", "+tcp")[2] == [str(self.one)], "AAAA over TCP")
        check(len(self.dig("big.operator.example", "TXT", "+tcp")[2][0]) > 3000, "a long answer over TCP")
        out = self.lab.run("h", "dig", "@127.0.0.1", "+noedns", "+ignore", "big.operator.example", "TXT").stdout
        check(" tc" in out.split("flags:")[1].split(";")[0], f"not truncated: {out}")
        check(len(self.dig("big.operator.example", "TXT", "+noedns")[2][0]) > 3000, "again over TCP")

    def junk(self):
        """Whatever comes to the port: an answer or none, and the next question is answered."""
        script = ("import os,socket,random\nr=random.Random(7)\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
                  "q=bytes.fromhex('123401000001000000000000')+b'\\x04good\\x08operator\\x07example\\0\\0\\x1c\\0\\1'\n"
                  "for i in range(3000):\n    m=bytearray(q)\n    for _ in range(r.randrange(1,4)): m[r.randrange(len(m))]=r.randrange(256)\n"
                  "    s.sendto(bytes(m[:r.randrange(len(m)+1)]) if i%2 else os.urandom(r.randrange(600)),('127.0.0.1',53))\n"
                  "for i in range(60):\n    t=socket.create_connection(('127.0.0.1',53))\n    t.send(os.urandom(r.randrange(200)))\n    t.close()\n")
        self.lab.run("h", "/usr/bin/python3", "-c", script, timeout=60)
        wait_for("an answer", lambda: self.dig("good.operator.example", "AAAA", "+time=3")[2] == [str(self.one)], 30, 0.5)

    def taken(self):
        """Neither the route for HITs, nor the resolver's port, nor the control socket is taken from somebody who has it."""
        d = self.lab.path("h2", "x")[:-2]
        conf = daemons.private(f"{d}/c.yaml", f"state: {d}/state\ntun: {{ name: hip1 }}\nresolver: {{ upstream: [\"{DNS}\"] }}\ncontrol: {{ socket: {d}/ctl }}\n")

        def refused(says):
            r = self.lab.run("h", daemons.binary("hiphostd"), "--config", conf, check=False)
            check(r.returncode == 1 and says in r.stderr, f"{r.returncode} {r.stderr}, expected {says}")

        refused("2001:20::/28 is there already: another HIP daemon?")
        self.stop()
        occupy = "import socket,time\ns=socket.socket(socket.{0},socket.{1})\ns.bind({2!r})\n{3}\nprint('there', flush=True)\ntime.sleep(99)\n"
        for label, family, kind, at, more, says in (("udp", "AF_INET", "SOCK_DGRAM", ("127.0.0.1", 53), "", "in use by another resolver"),
                                                    ("unix", "AF_UNIX", "SOCK_STREAM", f"{d}/ctl", "s.listen()", "another daemon is there")):
            self.lab.start("h", label, "/usr/bin/python3", "-c", occupy.format(family, kind, at, more))
            wait_for(label, lambda: "there" in self.lab.log_text(label))
            refused(says)
            self.lab.stop(label)
        self.start()

    def server_down(self):
        self.restart()  # nothing remembered
        self.lab.stop("knot")
        t = time.monotonic()
        self.expect("good.operator.example", "AAAA", "SERVFAIL")
        took = time.monotonic() - t
        self.start_knot()
        wait_for("good again", lambda: self.dig("good.operator.example", "AAAA")[2] == [str(self.one)], 30, 0.5)
        return f"refused after {took:.1f} s"

    def end(self):
        self.stop()
        log = self.lab.log_text("hiphostd")
        check("runtime error" not in log and "Sanitizer" not in log, log[-3000:])


def body(cases):
    t = Names(cases)
    if not cases.case("Knot and hiphostd up", t.set_up):
        return
    for title, work in (("names with HIP records are HITs", t.hits), ("everything else is passed on", t.passed_on),
                        ("a key that is not the HIT's", t.forged), ("unsigned zone: only if allowed", t.insecure),
                        ("answers that do not validate", t.bogus), ("HIT to name", t.reverse), ("TCP", t.tcp), ("junk", t.junk), ("what somebody else has", t.taken),
                        ("DNS server down and back", t.server_down), ("the end", t.end)):
        cases.case(title, work)


if __name__ == "__main__":
    sys.exit(case.Cases("names", "nm-").run(body))
