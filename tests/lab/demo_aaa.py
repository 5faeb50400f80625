# SPDX-License-Identifier: Apache-2.0
"""./demo --aaa: the operator's own authentication in the place of hipakad over UDP.

hostapd   hostapd is the RADIUS server and speaks EAP-AKA' itself; hipakad behind it is the AuC at its UNIX socket (and has the vectors from osmo-hlr, with
          --hlr). It names no subscriber and no access but "WLAN": the realm trusts the identity that it accepted, the host knows its FA.
radsec    hipfad -> RADIUS in TLS -> radsecproxy -> FreeRADIUS (a proxy by realm) -> hipakad, the last three in home.

`Ways` is what an Operator (daemons.py) asks for configurations, and to start the parts that are not ours.
"""
import os
import secrets

import aaa
import daemons
from lab import ADDR

HOME, FA = ADDR["home"][0], ADDR["fa"][0]
AS_PORT = 1645  # hipakad's, where 1812 is another's


class Hostapd:
    says = "hostapd authenticates, hipakad is the AuC at its socket"
    network_name = "WLAN"
    pap = "home"  # where RADIUS is seen in clear: hipfad's link

    def __init__(self, op):
        self.op = op
        self.socket = op.lab.path("home", "auc.sock")

    def realm(self):
        return f"    servers: [\"{HOME}:1812\"]\n    secret_file: {self.op.radius_secret}\n    trust_eap_identity: yes\n"

    def of_as(self):
        """No RADIUS client of its own: only the socket."""
        return (f"listen: [\"{HOME}:{AS_PORT}\"]\nclients:\n  - {{ name: nobody, address: 192.0.2.255, secret_file: {self.op.radius_secret} }}\n"
                f"auc_sockets: [{{ path: {self.socket} }}]\n")

    def start(self):
        lab = self.op.lab
        if lab.alive("hostapd"):
            lab.stop("hostapd")
        aaa.hostapd(lab, "home", "hostapd", self.socket, open(self.op.radius_secret).read().strip(), FA, "\"6\"*\tAKA'\n")

    def labels(self):
        return ["hostapd"]


class RadSec:
    says = "RADIUS in TLS to radsecproxy, then FreeRADIUS, then hipakad"
    network_name = ""

    def __init__(self, op):
        self.op = op
        lab = op.lab
        self.pki = aaa.Pki(lab.path("pki", "x")[:-2])
        self.fa = self.pki.issue("fa", daemons.FA_NAME)
        self.proxy = self.pki.issue("proxy", "aaa.operator.example", HOME)
        self.between = secrets.token_hex(32)  # radsecproxy and FreeRADIUS
        self.last = secrets.token_hex(32)  # FreeRADIUS and hipakad
        self.last_file = daemons.private(lab.path("home", "last.secret"), self.last + "\n")
        self.up = False

    def realm(self):
        pem, key = self.fa
        return (f"    radsec:\n      - {{ address: \"{HOME}:2083\", name: aaa.operator.example, ca: {self.pki.ca}, certificate: {pem}, "
                f"key: {key} }}\n")

    def of_as(self):
        return (f"listen: [\"{HOME}:{AS_PORT}\"]\nclients:\n  - name: freeradius\n    address: {HOME}\n    secret_file: {self.last_file}\n"
                f"    hits: [\"{self.op.fa_hit}\"]\n")

    def start(self):
        if self.up:
            return
        self.up = True
        lab = self.op.lab
        (realm,) = self.op.realms
        aaa.freeradius(lab, "home", "freeradius", HOME, realm, (HOME, AS_PORT), self.last, HOME, self.between)
        pem, key = self.proxy
        aaa.radsecproxy(lab, "home", "radsecproxy", 2083, "tcp", f"""\
ListenTLS {HOME}:2083
SourceUDP {HOME}
tls default {{
 CACertificateFile {self.pki.ca}
 CertificateFile {pem}
 CertificateKeyFile {key}
}}
client {daemons.FA_NAME} {{
 host {FA}
 type TLS
 tls default
 secret radsec
 CertificateNameCheck off
 MatchCertificateAttribute SubjectAltName:DNS:/^{daemons.FA_NAME.replace('.', chr(92) + '.')}$/
}}
server freeradius {{
 host {HOME}
 port 1812
 type UDP
 secret {self.between}
 StatusServer on
}}
realm {realm} {{
 server freeradius
}}
""")

    def labels(self):
        return ["radsecproxy", "freeradius"]


KINDS = {"hostapd": Hostapd, "radsec": RadSec}
