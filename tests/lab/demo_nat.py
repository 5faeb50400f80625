# SPDX-License-Identifier: Apache-2.0
"""./demo --nat: the main job again, with a NAT before everybody. mn is behind one symmetric NAT, cn behind another, wlan has a login of its own:

              home                     fa                        cn2
      Knot or BIND, hipakad         hipfad                     hiphostd
               |                       |                          |
               +-----------+-----------+--------+-----------------+----+
                                       |  net   |   (backbone router)  |
                           +-----------+--------+------------+         |
                           |                                 |         |
                         umts NAT                          wlan NAT   nat2 NAT      symmetric: another outside
                           |                                 |         |            port for each destination
                           |                               login       |
                    umts0  +--------------- mn --------------+  wlan0  cn
                                        hiphostd                    hiphostd
                                         (USIM)

No packet of cn's can reach mn but through the FA, and `hipctl peers` says so, and why. Then cn's NAT is opened while a download runs: the path
becomes direct, the FA's counters stand still, and the download ends with the right checksum.
"""

import hashlib
import os
import secrets
import signal
import time

import daemons
import evidence
import boxes
import portal
from demo import Demo, Failed
from lab import ADDR, attach, detach, wait_for

RATE = 400_000  # octets a second of the long download


def address_of(access):
    return boxes.PRIVATE[access][0][0]


class NatDemo(Demo):
    def __init__(self, a):
        super().__init__(a)
        self.sub2 = daemons.Subscriber(imsi=str(int(a.imsi) + 2).zfill(15), k=secrets.token_hex(16), opc=secrets.token_hex(16),
                                       given="Cn", surname="Card", msisdn=str(int(a.msisdn) + 2))

    # ---- what is asked and counted -----------------------------------------------------------------------------------

    def ping(self, host, count=3):
        r = self.lab.run(host, "ping", "-6", "-c", count, "-i", "0.2", "-W", "5", self.fqdn, check=False, timeout=60)
        if r.returncode != 0:
            raise Failed(f"ping from {host}: {r.stdout}{r.stderr}")
        return r.stdout.splitlines()[-2]

    def wait_path(self, host, want, timeout=60):
        """What `hipctl peers` says at a host of its path to mn, once it is this one."""
        def there():
            p = self.op.peer(host, self.host_status["hit"])
            return p if p and p.get("path") == want else None
        p = wait_for(f"{host}'s path to mn is {want}; it says {self.op.peer(host, self.host_status['hit'])}", there, timeout)
        return f"hipctl peers at {host}: {p['path']}, {p['why']}"

    def counted(self):
        """Octets of ESP into and out of the FA by nftables, and relayed by hipfad's own count."""
        n = boxes.esp_counts(self.lab)
        return n["esp_udp_in"][1], n["esp_udp_out"][1], self.op.relayed_octets()

    def grown(self, before):
        return [b - a for a, b in zip(before, self.counted())]

    # ---- the steps ---------------------------------------------------------------------------------------------------

    def build_lab(self):
        self.lab.create()
        self.boxes = boxes.nat_topology(self.lab, self.caps, {"umts": "symmetric", "wlan": "symmetric", "nat2": "symmetric"})
        self.portal = portal.Portal(self.lab, "wlan", secrets.token_hex(4))
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        for sub in (self.sub, self.sub2):
            self.op.add_subscriber(sub)
        self.op.start_fa()
        boxes.count_esp(self.lab)
        for host, sub in (("mn", self.sub), ("cn", self.sub2), ("cn2", None)):
            self.op.start_host(host, sim=sub)
        self.op.wait_bound("cn", f"{self.sub2.label}.{daemons.ZONE}")
        return (f"{len(self.lab.namespaces)} namespaces; {self.op.dns_version()} serves {daemons.ZONE}, signed; hipakad in home, hipfad in fa, "
                f"hiphostd in mn, cn, cn2\nFA {self.op.fa_hit}; umts, wlan and nat2 are symmetric NATs; wlan wants a password; "
                f"cn is bound by a SIM of its own"), None

    def connectivity(self):
        self.t_attach = attach(self.lab, "umts", boxes.PRIVATE)
        r = self.lab.run("mn", "ping", "-c1", "-W2", ADDR["fa"][0])
        return f"mn has {address_of('umts')} behind {self.boxes['umts'].public}; {r.stdout.splitlines()[-1]}", None

    def bound(self):
        self.host_status = self.op.wait_bound("mn", self.fqdn)
        self.bind = evidence.Binding(self.caps["umts"], self.caps["fa"], [address_of("umts")], ADDR["fa"], self.t_attach)

    def lookup_and_ping(self):
        self.op.wait_registered_at(self.host_status["hit"], [self.boxes["umts"].public])
        said = self.ping("cn")
        dnssec = self.op.peer("cn", self.host_status["hit"])["dnssec"]
        return f"ping -6 {self.fqdn}: {said}\nlookup: {dnssec}; {self.wait_path('cn', 'relayed')}\n{self.other_view('relayed')}", None

    def other_view(self, want):
        hit = self.op.ctl("cn", "status")["hit"]
        p = wait_for(f"mn's path to cn is {want}", lambda: next((p for p in self.op.ctl("mn", "peers")["peers"] if p["hit"] == hit and
                                                                 p.get("path") == want), None), 60)
        return f"hipctl peers at mn: {p['path']}, {p['why']}"

    def curl(self):
        before = self.counted()
        said, packets = super().curl()
        grown = self.grown(before)
        if min(grown) < len(self.blob):
            raise Failed(f"{said}; but the FA's counters grew by {grown} octets")
        return f"{said}\nthrough the FA: ESP in {grown[0]}, out {grown[1]} octets by nftables in fa, {grown[2]} by hipfad", packets

    def fetched(self):
        return os.path.getsize(self.lab.path("cn", "slow"))

    def slow_says(self):
        code = self.slow.poll()
        return "runs" if code is None else f"ended: status {code}, {self.fetched()} octets, {self.lab.log_text('slow-curl')[-300:]}"

    def to_wlan(self):
        """mn comes to wlan under a ping and a long download, finds itself shut out, logs in."""
        self.blob = os.urandom(RATE * 40)
        self.lab.stop("web")
        self.op.serve("mn", self.blob)
        self.slow = self.op.start_slow_fetch("cn", self.fqdn, RATE, 180)
        self.lab.start("cn", "long-ping", "ping", "-6", "-n", "-i", "0.05", self.fqdn)
        time.sleep(1.5)
        detach(self.lab, "umts")
        attach(self.lab, "wlan", boxes.PRIVATE)
        wait_for("mn's packets are refused at wlan", lambda: self.portal.refused() > 0, 10)
        router = boxes.PRIVATE["wlan"][0][2]
        refused, wrong = self.portal.page("mn"), self.portal.login("mn", router, "guess")
        if refused[1] != f"http://{router}/login" or wrong != "403":
            raise Failed(f"the portal shows {refused}, and says {wrong} to a wrong password")
        time.sleep(1)
        if any(r["hit"] == self.host_status["hit"] and r["address"].startswith(self.boxes["wlan"].public) for r in self.op.registrations()):
            raise Failed("mn is registered at wlan before the login")
        t = time.monotonic()
        if self.portal.login("mn", router) != "200":
            raise Failed("the right password is refused")
        self.op.wait_registered_at(self.host_status["hit"], [self.boxes["wlan"].public], 60)
        registered = time.monotonic() - t
        wait_for("cn reaches mn again", lambda: self.lab.run("cn", "ping", "-6", "-c", "1", "-W", "1", self.fqdn, check=False).returncode == 0, 60)
        again = time.monotonic() - t
        size = self.fetched()  # TCP may wait for its retransmission
        wait_for("the download goes on", lambda: self.fetched() > size, 60)
        s = self.op.ctl("mn", "status")
        if s["fqdn"].rstrip(".") != self.fqdn or s["hit"] != self.host_status["hit"] or self.slow.poll() is not None:
            raise Failed(f"mn is {s['fqdn']}, {s['hit']}; the download {self.slow_says()}")
        return (f"a browser is shown the login, a wrong password refused; registered at {self.boxes['wlan'].public} {registered:.1f} s after the right "
                f"one, reached again {again:.1f} s after it\nstill {self.fqdn}; the download goes on; {self.wait_path('cn', 'relayed')}"), None

    def opened(self):
        """cn's NAT is opened while the download runs."""
        if self.slow.poll() is not None:
            raise Failed("the download is over already")
        t = time.monotonic()
        self.boxes["nat2"].become("open")
        said = self.wait_path("cn", "direct", 90)
        took = time.monotonic() - t
        back = self.other_view("direct")
        time.sleep(1)
        before, size, t = self.counted(), self.fetched(), time.monotonic()
        wait_for(f"3 s of the download come directly (it {self.slow_says()})", lambda: self.fetched() >= size + 3 * RATE, 30)
        grown, came, seconds = self.grown(before), self.fetched() - size, time.monotonic() - t
        if max(grown) > came // 50:
            raise Failed(f"{came} octets came, the FA's counters grew by {grown}")
        return (f"direct {took:.1f} s after it was opened\n{said}\n{back}\nin {seconds:.1f} s {came} octets came to cn, the FA's counters grew by "
                f"{grown[0]}, {grown[1]}, {grown[2]}"), None

    def download(self):
        code = self.slow.wait(timeout=180)
        self.lab.stop("long-ping", signal.SIGINT)
        sent, received, lost = evidence.ping_summary(self.lab.log_text("long-ping"))
        sha, connections = self.op.slow_fetch_result("cn")
        right = sha == hashlib.sha256(self.blob).hexdigest()
        if code != 0 or not right or connections != 1:
            raise Failed(f"curl exit {code}, checksum {'right' if right else 'wrong'}, {connections} connections; ping lost {lost} of {sent}")
        return (f"{len(self.blob)} octets over one TCP connection, sha256 right; ping every 50 ms from umts to the end: {sent} sent, {lost} lost "
                "(most of them while mn was shut out)"), sent

    def late_comer(self):
        said = self.ping("cn2")
        return f"cn2, with a public address: {said}\n{self.wait_path('cn2', 'direct')}", None

    def registered_at(self):
        return [self.boxes["wlan"].public]

    def steps(self):
        kept = [row for row in super().steps() if int(row[0]) <= 13 or int(row[0]) >= 16]
        new = [("14", "mn comes to wlan, which has a login of its own", self.to_wlan), ("14a", "cn's NAT is opened under the download", self.opened),
               ("14b", "the download ends", self.download), ("15", "cn2 connects after the move", self.late_comer)]
        at = next(i for i, row in enumerate(kept) if int(row[0]) >= 16)
        return (*kept[:at], *new, *kept[at:])
