#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 180
# check: full 600 --faults
"""A host is bound by its SIM through authentication servers and proxies of others: hipakad over TLS, radsecproxy before either end, FreeRADIUS as a proxy by
realm, hostapd with an AuC of its own; and certificates that do not do are refused with a reason that a person understands. With --faults these servers are also away at
the start, die with a run under way, and forget their runs.
"""
import argparse
import os
import pathlib
import secrets
import shutil
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import aaa  # noqa: E402
import case  # noqa: E402
import daemons  # noqa: E402
import usim  # noqa: E402
from case import check  # noqa: E402
from hostapd_aka import Hlr  # noqa: E402
from lab import ADDR, attach, main_topology, sh, wait_for  # noqa: E402

REALM = "wlan.mnc001.mcc001.3gppnetwork.org"
HOME, FA, PROXY, OTHER = (ADDR[h][0] for h in ("home", "fa", "cn", "cn2"))
SERIAL = iter(range(2, 1000))


def subscriber():
    n = next(SERIAL)
    return daemons.Subscriber(imsi=f"00101{n:010d}", k=secrets.token_hex(16), opc=secrets.token_hex(16), given=f"Way{n}",
                              surname="Aaa", msisdn=f"35850{n:07d}")


class World:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = daemons.Operator(self.lab)

    def set_up(self):
        main_topology(self.lab)
        attach(self.lab, "umts")
        self.op.realms[REALM] = "00101"
        self.op.prepare()
        self.op.start_dns()
        pki = self.lab.path("pki", "x")[:-2]
        self.pki = aaa.Pki(pki)
        self.stranger = aaa.Pki(f"{pki}/stranger", "strange-ca")
        self.cert = {"as": self.pki.issue("as", "aaa.operator.example", HOME), "fa": self.pki.issue("fa", "fa.operator.example"),
                     "proxy": self.pki.issue("proxy", "proxy.operator.example", PROXY),
                     "other": self.pki.issue("other", "somebody.operator.example")}
        self.strange = self.stranger.issue("fa", "fa.operator.example")
        self.secret = open(self.op.radius_secret).read().strip()
        self.secret2 = secrets.token_hex(32)  # between proxy and hipakad
        self.secret2_file = daemons.private(self.lab.path("home", "proxy.secret"), self.secret2 + "\n")

    # ---- configurations of ours --------------------------------------------------------------------------------------------

    def udp(self, *servers):
        return f"    servers: [{', '.join(chr(34) + s + ':1812' + chr(34) for s in servers)}]\n    secret_file: {self.op.radius_secret}\n"

    def radsec(self, address, name, cert="fa", files=None):
        pem, key = files or self.cert[cert]
        return f"    radsec:\n      - {{ address: \"{address}:2083\", name: {name}, ca: {self.pki.ca}, certificate: {pem}, key: {key} }}\n"

    def as_radsec(self, client="fa.operator.example", hits=True):
        pem, key = self.cert["as"]
        return (f"radsec: {{ listen: [\"{HOME}:2083\"], ca: {self.pki.ca}, certificate: {pem}, key: {key} }}\n"
                f"clients:\n  - name: peer\n    certificate: {client}\n    hits: [\"{self.op.fa_hit}\"]\n")

    def as_udp(self, address):
        return (f"listen: [\"{HOME}:1812\"]\nclients:\n  - name: peer\n    address: {address}\n    secret_file: {self.secret2_file}\n"
                f"    hits: [\"{self.op.fa_hit}\"]\n")

    # ---- a way, and a host bound by it ---------------------------------------------------------------------------------------

    def start(self, fa, home=None):
        self.op.aaa, self.op.as_ways = fa, home
        self.op.write_fa()
        if home:
            self.op.write_as()
            self.op.start_as()
        self.op.start_fa()

    def stop(self, *labels):
        for label in ("hiphostd-mn", "hipfad", "hipakad"):
            if self.lab.alive(label):
                self.op._stop(label)
        for label in labels:
            self.lab.stop(label)

    def servers(self):
        return list(self.op.ctl("fa", "status")["as"]["servers"][REALM].items())

    def bind(self, sub=None):
        """A new subscriber of hipakad's (or one that is there), bound; (name of the server in hipctl status, what it says)."""
        if not sub:
            sub = subscriber()
            self.op.add_subscriber(sub)
        self.op.start_host("mn", sim=sub)
        self.op.wait_bound("mn", f"{sub.label}.{daemons.ZONE}", 30)
        check(self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip(), "the name is not in the zone")
        (name, server), = self.servers()
        check("up" in server["state"] and server["answered"] >= 2 and server["forged"] == 0, f"{name}: {server}")
        return name, server

    def way(self, fa, home, label=None, tls=None):
        try:
            self.start(fa, home)
            name, server = self.bind()
            check(server.get("tls") == tls, f"{name}: {server}")
            return f"{name}{' ' + tls if tls else ''}: bound after {server['answered']} answers"
        finally:
            self.stop(*([label] if label else []))

    # ---- the ways --------------------------------------------------------------------------------------------------------------

    def direct(self):
        def status():
            r = self.op.ctl("home", "status")["radsec"]
            return {c["client"] for c in r["connections"]} == {"peer"} and r["refused"] == 0  # one for each worker
        try:
            self.start(self.radsec(HOME, "aaa.operator.example"), self.as_radsec())
            name, server = self.bind()
            check(server.get("tls") == "TLSv1.3" and server["probes_answered"] >= 1, f"{server}")
            wait_for(f"hipakad's connections: {self.op.ctl('home', 'status')['radsec']}", status)
            return f"{name}: {server['tls']}"
        finally:
            self.stop()

    def proxy_tls(self, block, most):
        pem, key = self.cert["proxy"]
        return f"tls {block} {{\n CACertificateFile {self.pki.ca}\n CertificateFile {pem}\n CertificateKeyFile {key}\n {most}\n}}\n"

    def tls_to_proxy(self, most=""):
        """hipfad -> TLS -> radsecproxy -> UDP -> hipakad"""
        self.start_tls_proxy(most)
        return self.way(self.radsec(PROXY, "proxy.operator.example"), self.as_udp(PROXY), "radsecproxy", "TLSv1.2" if most else "TLSv1.3")

    def start_tls_proxy(self, most=""):
        aaa.radsecproxy(self.lab, "cn", "radsecproxy", 2083, "tcp", f"""\
ListenTLS {PROXY}:2083
SourceUDP {PROXY}
{self.proxy_tls("default", most)}client fa.operator.example {{
 host {FA}
 type TLS
 tls default
 secret radsec
 CertificateNameCheck off
 MatchCertificateAttribute SubjectAltName:DNS:/^fa\\.operator\\.example$/
}}
server home {{
 host {HOME}
 port 1812
 type UDP
 secret {self.secret2}
 StatusServer on
}}
realm {REALM} {{
 server home
}}
""")

    def tls_from_proxy(self):
        """hipfad -> UDP -> radsecproxy -> TLS -> hipakad"""
        aaa.radsecproxy(self.lab, "cn", "radsecproxy", 1812, "udp", f"""\
ListenUDP {PROXY}:1812
{self.proxy_tls("default", "")}client fa {{
 host {FA}
 type UDP
 secret {self.secret}
}}
server aaa.operator.example {{
 host {HOME}
 port 2083
 type TLS
 tls default
 secret radsec
 StatusServer on
 MatchCertificateAttribute SubjectAltName:DNS:/^aaa\\.operator\\.example$/
}}
realm {REALM} {{
 server aaa.operator.example
}}
""")
        return self.way(self.udp(PROXY), self.as_radsec("proxy.operator.example"), "radsecproxy")

    def freeradius(self):
        aaa.freeradius(self.lab, "cn", "freeradius", PROXY, REALM, (HOME, 1812), self.secret2, FA, self.secret)
        return self.way(self.udp(PROXY), self.as_udp(PROXY), "freeradius")

    def start_hlr(self, sub):
        path = self.lab.path("cn2", "hlr.sock")
        if os.path.exists(path):
            os.unlink(path)
        hlr = Hlr(path)
        hlr.aucs[sub.imsi] = usim.Auc(sub.k, sub.opc)
        hlr.start()
        return hlr

    def start_hostapd(self, sub, client, names):
        """names: Access-Accept carries the IMSI as Chargeable-User-Identity."""
        users = f"\"6{sub.imsi}@{REALM}\"\tAKA'\n" + (f"radius_accept_attr=89:s:{sub.imsi}\n" if names else "")
        aaa.hostapd(self.lab, "cn2", "hostapd", self.lab.path("cn2", "hlr.sock"), self.secret, client, users)
        self.op.network_name = "WLAN"

    def hostapd(self, names):
        """Where it does not name the subscriber the realm must trust what EAP said."""
        sub = subscriber()
        hlr = self.start_hlr(sub)
        self.start_hostapd(sub, FA, names)
        try:
            self.start(self.udp(OTHER) + ("" if names else "    trust_eap_identity: yes\n"))
            self.op.add_subscriber(sub, auc=False)
            name, server = self.bind(sub)
            return f"{name}: bound after {server['answered']} answers"
        finally:
            self.op.network_name = ""
            self.stop("hostapd")
            hlr.ended = True
            hlr.join(2)

    # ---- certificates that do not do -------------------------------------------------------------------------------------------

    def refused(self, fa, reason, at_home=None):
        """Nobody is bound, hipfad says why in hipctl status and hipctl events, hipakad in its log."""
        self.start(fa, self.as_radsec())
        try:
            (name, _), = self.servers()
            state = wait_for(f"a reason with \"{reason}\": {self.servers()}",
                             lambda: next((s for _, s in self.servers() if reason in s.get("reason", "")), None), 15)
            check(state["answered"] == 0 and "up" not in state["state"], f"{state}")
            events = self.op.ctl("fa", "events")
            check(str(events).count(reason) == 1, f"hipctl events: {events}")  # once, however many workers it happened to
            if at_home:
                wait_for(f"hipakad's word of {at_home}", lambda: at_home in self.lab.log_text("hipakad"))
                check(self.op.ctl("home", "status")["radsec"]["refused"] >= 1, "hipakad counted no refusal")
            return state["reason"]
        finally:
            self.stop()

    def wrong_name(self):
        return self.refused(self.radsec(HOME, "other.operator.example"), "hostname mismatch")

    def wrong_ca(self):
        return self.refused(self.radsec(HOME, "aaa.operator.example", files=self.strange), "unknown ca", "event=refused")

    def nobodys(self):
        """A good certificate that no client's entry names."""
        return self.refused(self.radsec(HOME, "aaa.operator.example", "other"), "closed by the other side", "no client has this certificate")


    def files(self):
        """Certificates and keys that do not fit together are told by --check-config of either daemon, before anything is served."""
        pem, key = self.cert["fa"]
        other = self.cert["other"][1]
        d = self.lab.path("files", "x")[:-2]
        readable = f"{d}/readable.key"
        shutil.copy(key, readable)
        os.chmod(readable, 0o644)
        rows = (("not the certificate's", self.pki.ca, pem, other), ("CA certificates: expected PEM", self.op.tsig_file, pem, key),
                ("own certificate: expected PEM", self.pki.ca, key, key), ("No such file", self.pki.ca, f"{d}/none", key),
                ("others may open it", self.pki.ca, pem, readable), ("ok", self.pki.ca, pem, key))
        for want, ca, cert, k in rows:
            files = f"ca: {ca}, certificate: {cert}, key: {k}"
            self.op.aaa = f"    radsec: [{{ address: {HOME}, {files} }}]\n"
            self.op.as_ways = f"radsec: {{ listen: [{HOME}], {files} }}\nclients: [{{ name: x, certificate: fa.operator.example }}]\n"
            self.op.write_fa()
            self.op.write_as()
            for program, part in (("hipfad", "fa"), ("hipakad", "home")):
                r = sh(daemons.binary(program), "--config", self.op.conf(part), "--check-config", check=False)
                check(want in r.stdout + r.stderr and (r.returncode == 0) == (want == "ok"), f"{program}, {want}: {r.stdout}{r.stderr}")
        return f"{len(rows) - 1} faults at each end"

    # ---- servers that are away, die, and forget --------------------------------------------------------------------------------

    def run_fails(self, sub):
        """A run without a result: nobody is bound, the operator reads of it."""
        self.op.start_host("mn", sim=sub)
        wait_for(f"a run that failed: {self.op.ctl('mn', 'status')['binding']}",
                 lambda: self.op.ctl("mn", "status")["binding"]["state"] == "backoff", 30)
        check(not self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip() and not self.op.registrations(), "something is left of it")

    def in_the_end(self, sub, seconds=90):
        self.op.ctl("mn", "retry", check=False)
        self.op.wait_bound("mn", f"{sub.label}.{daemons.ZONE}", seconds)
        check(self.op.dig(f"{sub.label}.{daemons.ZONE}", "HIP").strip(), "the name is not in the zone")

    def events(self, *words):
        wait_for(f"hipctl events with {words}", lambda: all(w in str(self.op.ctl("fa", "events")) for w in words), 15)

    def new(self, auc=True):
        sub = subscriber()
        self.op.add_subscriber(sub, auc=auc)
        return sub

    def proxy_away(self):
        sub = self.new()
        try:
            self.start(self.radsec(PROXY, "proxy.operator.example"), self.as_udp(PROXY))
            self.run_fails(sub)
            self.events("authentication server does not answer", "unreachable")
            self.start_tls_proxy()
            self.in_the_end(sub)
            self.events("answers again")
        finally:
            self.stop("radsecproxy")

    def proxy_dies(self):
        """Killed with a request on it; the next connection has the request once more."""
        sub = self.new()
        self.start_tls_proxy()
        try:
            self.start(self.radsec(PROXY, "proxy.operator.example"), self.as_udp(PROXY))
            wait_for(f"the connection: {self.servers()}", lambda: list(self.servers()[0][1]["state"]) == ["up"])
            home = self.lab.procs["hipakad"].pid
            os.kill(home, signal.SIGSTOP)
            self.op.start_host("mn", sim=sub)
            wait_for("a request under way", lambda: self.servers()[0][1]["open"] >= 1, 15)
            self.lab.stop("radsecproxy", signal.SIGKILL)
            os.kill(home, signal.SIGCONT)
            self.start_tls_proxy()
            self.in_the_end(sub)
            self.events("answers again")
        finally:
            self.stop("radsecproxy")

    def home_away(self):
        """FreeRADIUS is there and its home server is not: no answer for hipfad, who asks FreeRADIUS by Status-Server and goes on with it."""
        sub = self.new()
        aaa.freeradius(self.lab, "cn", "freeradius", PROXY, REALM, (HOME, 1812), self.secret2, FA, self.secret)
        try:
            self.start(self.udp(PROXY))
            self.run_fails(sub)
            self.events("authentication server does not answer")
            wait_for(f"FreeRADIUS to count as there: {self.servers()}", lambda: "left" not in self.servers()[0][1]["state"], 15)
            check(self.servers()[0][1]["probes_answered"] >= 1, f"{self.servers()}")
            self.op.as_ways = self.as_udp(PROXY)
            self.op.write_as()
            self.op.start_as()
            self.in_the_end(sub)
        finally:
            self.stop("freeradius")

    def hostapd_forgets(self):
        """Killed and started between challenge and response: its sessions are gone."""
        sub = self.new(auc=False)
        hlr = self.start_hlr(sub)
        relay = pathlib.Path(aaa.__file__).with_name("radius_relay.py")
        try:
            self.start_hostapd(sub, PROXY, True)
            self.lab.start("cn", "relay", "/usr/bin/python3", relay, PROXY, OTHER, self.op.radius_secret, "pause", "1")
            wait_for("the relay", lambda: "ready" in self.lab.log_text("relay"))
            self.start(self.udp(PROXY))
            self.op.start_host("mn", sim=sub)
            wait_for("the pause", lambda: "paused" in self.lab.log_text("relay"), 15)
            self.lab.stop("hostapd", signal.SIGKILL)
            self.start_hostapd(sub, PROXY, True)
            os.kill(self.lab.procs["relay"].pid, signal.SIGUSR1)
            self.events("authentication")
            self.in_the_end(sub)
        finally:
            self.op.network_name = ""
            self.stop("hostapd", "relay")
            hlr.ended = True
            hlr.join(2)


def body(cases, faults):
    w = World(cases)
    w.set_up()
    ways = [("hipfad -> TLS 1.3 -> radsecproxy -> UDP -> hipakad", w.tls_to_proxy), ("a certificate of another CA", w.wrong_ca),
            ("hipfad -> TLS 1.3 -> hipakad", w.direct), ("hipfad -> UDP -> radsecproxy -> TLS -> hipakad", w.tls_from_proxy),
            ("hipfad -> TLS 1.2 -> radsecproxy -> UDP -> hipakad", lambda: w.tls_to_proxy("TlsVersion TLS1_2")),
            ("hipfad -> UDP -> FreeRADIUS by realm -> UDP -> hipakad", w.freeradius),
            ("hipfad -> UDP -> hostapd, which names the subscriber", lambda: w.hostapd(True)),
            ("hipfad -> UDP -> hostapd, which is trusted to have checked", lambda: w.hostapd(False)),
            ("a server of another name", w.wrong_name), ("a certificate that no client has", w.nobodys),
            ("files that do not fit together", w.files)]
    if faults:
        ways += [("radsecproxy is away at the start", w.proxy_away), ("radsecproxy dies with a request under way", w.proxy_dies),
                 ("FreeRADIUS without its home server", w.home_away), ("hostapd forgets its runs", w.hostapd_forgets)]
    for title, work in ways:
        cases.case(title, work)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--faults", action="store_true")
    faults = arguments.parse_args().faults
    case.main("aaa", "aaa-", lambda cases: body(cases, faults))
