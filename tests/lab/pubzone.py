# SPDX-License-Identifier: Apache-2.0
"""pub.3gppnetwork.org, signed, in a Knot of its own in a host of the lab: where hosts find the Forwarding Agents of their SIMs' home networks."""
import json
import os
import pathlib

import daemons
from lab import sh, wait_for

PUB = "pub.3gppnetwork.org"


def home_fa(mnc, mcc):
    return f"hip-fa.mnc{mnc.zfill(3)}.mcc{mcc}"


def rdata(identity, flip=0):
    """The HIP record of hipfad's identity (`hipfad identity`) in the form of RFC 3597; flip: bits of the HIT's last octet that are wrong."""
    key = bytes.fromhex(identity["hi"])[4:]
    hit = bytes.fromhex("".join(x.zfill(4) for x in identity["hit"].split(":")))
    assert len(hit) == 16, identity["hit"]
    data = bytes([16, 3]) + len(key).to_bytes(2, "big") + hit[:-1] + bytes([hit[-1] ^ flip]) + key
    return f"TYPE55 \\# {len(data)} {data.hex()}"


def fa_identity(op):
    return json.loads(sh(daemons.binary("hipfad"), "--config", op.conf("fa"), "identity").stdout)


class PubZone:
    def __init__(self, lab, host, address):
        self.lab, self.host, self.address = lab, host, address
        self.folder = lab.path(host, "pub", "x")[:-2]
        self.anchor = f"{self.folder}/anchor"

    def write(self, rows):
        """rows: (name below the zone, type and data)"""
        text = (f"$ORIGIN {PUB}.\n$TTL 5\n@ SOA ns1 hostmaster 1 3600 900 604800 5\n@ NS ns1\nns1 A {self.address}\n"
                + "".join(f"{name} {data}\n" for name, data in rows))
        pathlib.Path(self.folder, "zone").write_text(text)

    def start(self):
        d = self.folder
        os.makedirs(f"{d}/db", exist_ok=True)
        daemons.private(f"{d}/knot.conf", f"""\
server:
    rundir: {d}
    pidfile: {d}/knot.pid
    listen: {self.address}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
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
  - domain: {PUB}
    file: {d}/zone
    dnssec-signing: on
    dnssec-policy: p
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
""")
        self.lab.start(self.host, "pub-knot", "knotd", "-c", f"{d}/knot.conf")
        wait_for("Knot with " + PUB, lambda: "RRSIG" in self.dig(PUB, "SOA", "+dnssec"), 15)
        pathlib.Path(self.anchor).write_text(self.dig(PUB, "DNSKEY"))

    def reload(self):
        self.lab.run(self.host, "knotc", "-c", f"{self.folder}/knot.conf", "-b", "zone-reload", PUB)

    def dig(self, *args):
        return self.lab.run(self.host, "dig", f"@{self.address}", "+norec", "+noall", "+answer", "+time=1", "+tries=1", *args, check=False).stdout
