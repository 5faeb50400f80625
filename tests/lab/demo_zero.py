# SPDX-License-Identifier: Apache-2.0
"""./demo --zero-touch: a SIM that nobody configured anywhere but in the HLR, in a host whose configuration names no Forwarding Agent.

osmo-hlr in home has the key and the number; hipakad gets vectors from it, hipfad the record. pub.3gppnetwork.org, signed, says where the home network's
Forwarding Agent is. The host ends up with its number as its name.
"""
import json
import re

import daemons
import pubzone
from demo import Demo, Failed
from lab import ADDR, main_topology, sh, wait_for


class ZeroTouchDemo(Demo):
    def __init__(self, a):
        super().__init__(a)
        self.fqdn = f"{self.sub.msisdn}.{daemons.ZONE}"

    def build_lab(self):
        self.lab.create()
        main_topology(self.lab, self.caps)
        self.op.use_hlr(self.sub.plmn)
        self.op.realms[self.sub.realm] = self.sub.plmn
        self.op.osmo_hlr.add(self.sub.imsi, self.sub.k, self.sub.opc, self.sub.msisdn)
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        self.op.start_fa()
        wait_for("hipfad has the HLR", lambda: self.op.ctl("fa", "status")["hlrs"]["home"]["connected"] > 0, 15)
        self.op.pub = pubzone.PubZone(self.lab, "cn2", ADDR["cn2"][0])
        name = pubzone.home_fa(self.sub.imsi[3:5], self.sub.imsi[:3])
        self.op.pub.write((name, data) for data in (pubzone.rdata(pubzone.fa_identity(self.op)), f"A {ADDR['fa'][0]}", f"AAAA {ADDR['fa'][1]}"))
        self.op.pub.start()
        for host in ("mn", "cn"):
            self.op.start_host(host, sim=self.sub if host == "mn" else None, wishes=[self.fqdn])
        return f"osmo-hlr has the SIM; {name}.{pubzone.PUB} is the operator's FA {self.op.fa_hit}", None

    def nothing(self):
        """Who knows of the SIM or of the FA, before the host has any connectivity."""
        as_has = json.loads(sh(daemons.binary("hipakad"), "--config", self.op.conf("home"), "subscriber", "list", "--json").stdout)
        fa_has = json.loads(sh(daemons.binary("hipfad"), "--config", self.op.conf("fa"), "subscriber", "list", "--json").stdout)["subscribers"]
        text = open(self.op.conf("mn")).read()
        if as_has or fa_has or self.op.bindings():
            raise Failed(f"hipakad {as_has}, hipfad {fa_has}, bindings {self.op.bindings()}")
        if re.search(r"forwarding_agents|" + re.escape(self.op.fa_hit) + "|" + re.escape(ADDR["fa"][0]), text):
            raise Failed("mn's configuration names the FA")
        return "no subscriber in hipakad, none in hipfad, no FA in mn's configuration", None

    def found(self):
        s = self.op.wait_bound("mn", self.fqdn)
        if s["registration"]["hit"] != self.op.fa_hit:
            raise Failed(f"another FA: {s['registration']}")
        self.host_status = s
        return f"{self.op.event('hiphostd-mn', 'I1 to the FA at')}; {s['registration']['name']} {s['registration']['hit']}", None

    def named(self):
        b = self.op.binding(self.fqdn)
        if b["hit"] != self.host_status["hit"]:
            raise Failed(f"{b}")
        return f"{b['fqdn']} -> {b['hit']}, subscriber {b['subscriber'][:10]}...{self.op.vectors_from()}", None

    def steps(self):
        return (("0", "the lab", self.build_lab),
                ("1", "nobody knows the SIM but the HLR, mn no FA", self.nothing),
                ("2", "mn gets IP connectivity at umts", self.connectivity),
                ("3", "mn finds its home network's FA and is bound", self.found),
                ("4", "the name is the number that the HLR has", self.named),
                ("5", "cn looks the name up and pings it", self.lookup_and_ping))
