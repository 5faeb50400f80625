#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
"""Keys of the configuration that say what our identity looks like on the wire and whose identities we take: `host_id`, `say_name`, `rsa_bits_min`, `dsa`.

        a  ---- 10.64.1.0/24 ----  b, and at another address of b's host fa
"""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
import attack  # noqa: E402
import case  # noqa: E402
import daemons  # noqa: E402
from case import check  # noqa: E402
from lab import packets, sh, wait_for  # noqa: E402

A, B, FA = "10.64.1.2", "10.64.1.3", "10.64.1.4"
HOST_ID, ENCRYPTED = 705, 641
NONE, FQDN, NAI = 0, 1, 2
FA_NAME = "fa.operator.example"


def wire(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


class Policy:
    def __init__(self, cases):
        self.lab, self.hit, self.seen = cases.lab, {}, 0

    def set_up(self):
        for host in ("a", "b"):
            self.lab.add_host(host)
        self.lab.link("a", "eth0", [f"{A}/24"], "b", "eth0", [f"{B}/24", f"{FA}/24"])
        self.pcap = self.lab.capture("a", "eth0", "a", "ip proto 139")

    def start(self, label, host, program, conf):
        self.lab.start(host, label, daemons.binary(program), "--config", daemons.private(self.lab.path(label, "yaml"), conf))
        self.hit[label] = wait_for(label, lambda: self.ctl(label, "status"), 15)["hit"]

    def ctl(self, label, *args):
        r = sh(daemons.binary("hipctl"), "--socket", self.lab.path(label, "ctl"), "--json", *args, check=False)
        return json.loads(r.stdout) if r.returncode == 0 else None

    def host(self, label, identity="ecdsa-p256", extra=""):
        self.start(label, label, "hiphostd", f"state: {self.lab.path(label, 'state-' + identity)}\nidentity_type: {identity}\nnat: off\n"
                   f"binding: {{ require: no }}\nresolver: {{ listen: [] }}\ncontrol: {{ socket: {self.lab.path(label, 'ctl')} }}\n{extra}")

    def fa(self, extra="", more=""):
        d = os.path.dirname(self.lab.path("fa", "x"))
        key = daemons.private(f"{d}/tsig.key", "bm9ib2R5J3Mga2V5\n")
        self.start("fa", "b", "hipfad", f"""\
name: {FA_NAME}
addresses: [{FA}]
udp_port: 0
identity: {{ file: {d}/identity.der{extra} }}
store: {{ path: {d}/bindings.sqlite }}
subscribers: {{ path: {d}/subscribers.sqlite }}
zone: {{ domain: operator.example, primary: ["{FA}:53"], key_name: {FA_NAME}, key_file: {key}, own_records: no }}
workers: 1
control: {{ socket: {d}/ctl }}
{more}""")

    def stop(self, *labels):
        for label in labels:
            code = self.lab.stop(label)
            check(code == 0, f"{label} ended with {code}:\n{self.lab.log_text(label)[-3000:]}")

    def ping(self, patience):
        return self.lab.run("a", "ping", "-6", "-n", "-c", "1", "-W", str(patience), self.hit["b"], check=False).returncode == 0

    def new(self, kind):
        """Parameters of the first packet of this type since the last case."""
        for _, _, _, proto, p in list(packets(self.pcap))[self.seen:]:
            if proto == 139 and p[2] == kind:
                return dict(attack.params(p))
        return None

    def name(self, kind):
        """(type of the domain identifier, the identifier) in HOST_ID."""
        v = self.new(kind)[HOST_ID]
        n, di = int.from_bytes(v[:2], "big"), int.from_bytes(v[2:4], "big")
        check(len(v) == 6 + n + (di & 0xFFF), f"HOST_ID of {len(v)} octets")
        return di >> 12, v[6 + n:]

    def joined(self, a="", b="", ping=True, **identity):
        """a pings b, each with this in its configuration; how it went is as told."""
        self.seen = len(list(packets(self.pcap)))
        self.host("b", extra=b, **identity)
        self.host("a", extra=f"peers: [ {{ hit: \"{self.hit['b']}\", addresses: [{B}] }} ]\n{a}")
        check(self.ping(5 if ping else 1) == ping, f"ping {'fails' if ping else 'works'}")
        wait_for("the exchange in the capture", lambda: self.new(attack.R1) and (self.new(attack.R2) or not ping), 10)

    # ---- cases -----------------------------------------------------------------------------------------------------

    def silent(self):
        self.joined()
        i2 = self.new(attack.I2)
        check(HOST_ID not in i2 and ENCRYPTED in i2, f"I2 has {sorted(i2)}")
        check(self.name(attack.R1) == (NONE, b""), "a name that nobody configured")
        self.stop("a", "b")

    def outspoken(self):
        self.joined(a="host_id: { name: \"matti@example.com\", in_clear: yes }\n", b="host_id: { name: b.example.com }\n")
        i2 = self.new(attack.I2)
        check(HOST_ID in i2 and ENCRYPTED not in i2, f"I2 has {sorted(i2)}")
        check(self.name(attack.I2) == (NAI, b"matti@example.com"), f"I2 says {self.name(attack.I2)}")
        check(self.name(attack.R1) == (FQDN, wire("b.example.com")), f"R1 says {self.name(attack.R1)}")
        self.stop("a", "b")

    def short_keys(self):
        """The initiator wants 3,072 bits of an RSA identity; b's has 2,048."""
        self.joined(a="suites: { rsa_bits_min: 3072 }\n", ping=False, identity="rsa-2048")
        check(not self.new(attack.I2), "an I2 to a host whose key is too short")
        self.stop("a", "b")
        self.joined(identity="rsa-2048")
        self.stop("a", "b")

    def dsa(self):
        self.joined(ping=False, identity="dsa")
        check(not self.new(attack.I2), "an I2 to a host whose identity is DSA")
        self.stop("a", "b")
        self.joined(a="suites: { dsa: yes }\n", identity="dsa")
        self.stop("a", "b")

    def short_keys_of_clients(self):
        for least, served in ((2049, False), (2048, True)):
            self.seen = len(list(packets(self.pcap)))
            self.fa(more=f"suites: {{ rsa_bits_min: {least} }}\n")
            self.host("a", "rsa-2048", f"forwarding_agents: [ {{ hit: \"{self.hit['fa']}\", addresses: [{FA}] }} ]\n")
            if served:
                wait_for("R2", lambda: self.new(attack.R2), 10)
            else:
                wait_for("the I2 dropped", lambda: self.ctl("fa", "status")["drops"].get("BAD_HI"), 10)
                check(not self.new(attack.R2), "an R2 to a host whose key is too short")
            self.stop("a", "fa")

    def of_fa(self):
        for extra, name in (("", (NONE, b"")), (", say_name: yes", (FQDN, wire(FA_NAME)))):
            self.seen = len(list(packets(self.pcap)))
            self.fa(extra)
            self.host("a", extra=f"forwarding_agents: [ {{ hit: \"{self.hit['fa']}\", addresses: [{FA}] }} ]\n")
            wait_for("R1 of the FA", lambda: self.new(attack.R1), 10)
            check(self.name(attack.R1) == name, f"R1 says {self.name(attack.R1)}")
            self.stop("a", "fa")


def body(cases):
    p = Policy(cases)
    p.set_up()
    cases.case("without a word: HOST_ID of I2 encrypted, no name", p.silent)
    cases.case("host_id: name and in_clear", p.outspoken)
    cases.case("rsa_bits_min of a host", p.short_keys)
    cases.case("dsa", p.dsa)
    cases.case("rsa_bits_min of a Forwarding Agent", p.short_keys_of_clients)
    cases.case("hipfad's say_name", p.of_fa)


if __name__ == "__main__":
    case.main("policy", "po-", body)
