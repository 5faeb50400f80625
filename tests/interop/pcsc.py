#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
# check: full 400 --full
"""hiphostd with SIM cards in readers: pcscd and vpcd as Debian has them, cards of tests/lab/vcard.py in their two readers.

The rest is the lab of the main job: DNS, hipakad and hipfad in home and fa, hiphostd in mn (and, with two SIMs at once, in cn). Without --full the way
through, pulling, another card, two readers and the PIN; with it every fault of a card, of pcscd and of who else wants the card.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import case  # noqa: E402
import daemons  # noqa: E402
import vcard  # noqa: E402
from case import check  # noqa: E402
from lab import LabError, attach, main_topology, wait_for  # noqa: E402

MATTI = daemons.DEMO_SUBSCRIBER
AINO = daemons.Subscriber(imsi="001010000000002", k="0396eb317b6d1c36f19c1c84cd6ffd16", opc="53c15671c60a4b731c55b4a441c0bde2",
                          given="Aino", surname="Korhonen", msisdn="358401234568")
USA = daemons.Subscriber(imsi="310410000000003", k="fec86ba6eb707ed08905757b1bb44b8f", opc="1006020f0a478bf6b699f15c062e42b3",
                         given="Ann", surname="Smith", msisdn="12125550100")
KEY_A = bytes.fromhex("5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650")  # TS 33.501 C.4.1
AUTH, GSM = (vcard.AUTHENTICATE, 0x81), (vcard.AUTHENTICATE, 0x80)


class Operator(daemons.Operator):
    """Hosts whose card is in a reader."""

    def __init__(self, lab):
        super().__init__(lab)
        self.conf_sim = {}  # host: what stands in the braces of `sim`

    def write_host(self, host, sim=None, wishes=None, identity="ecdsa-p256", esp=None):
        super().write_host(host, None, wishes, identity, esp)
        if host in self.conf_sim:
            text = pathlib.Path(self.conf(host)).read_text()
            daemons.private(self.conf(host), text + f"sim: {{ kind: pcsc{self.conf_sim[host]} }}\nlabel: demo phone\n"
                            + (f"names: [{', '.join(wishes)}]\n" if wishes else ""))


class World:
    def __init__(self, cases):
        self.lab = cases.lab
        self.op = Operator(self.lab)
        self.fqdn = f"{MATTI.label}.{daemons.ZONE}"
        self.cards = 0

    # ---- set-up ----------------------------------------------------------------------------------------------------

    def set_up(self):
        main_topology(self.lab)
        self.op.realms[MATTI.realm] = MATTI.plmn
        self.op.realms["wlan.mnc410.mcc310.3gppnetwork.org"] = "310410"
        self.suci()
        self.op.prepare()
        self.op.start_dns()
        self.op.start_as()
        for s in (MATTI, AINO):
            self.op.add_subscriber(s)
        self.op.write_fa("limits: { new_runs_per_minute: 600, runs_per_identity: 600 }\n")
        self.op.start_fa()
        self.op.start_pcscd("mn")
        self.pcscd = self.op.pcscd["cn"] = self.op.pcscd["mn"]  # one pcscd: hosts share the file system
        self.slots = [vcard.Slot(self.lab, "mn", i) for i in range(2)]
        self.op.conf_sim["mn"] = ""
        self.op.start_host("mn", wishes=[self.fqdn, f"{AINO.label}.{daemons.ZONE}"])
        attach(self.lab, "umts")

    def suci(self):
        """The home network's key for SUCIs: TS 33.501 Annex C.4, profile A."""
        path = daemons.private(self.lab.path("home", "suci.key"), "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d\n")
        self.op.as_more = f"suci_keys: [{{ id: 27, profile: A, home: \"00101\", key_file: {path} }}]\n"

    def card(self, sub=MATTI, **kw):
        kw.setdefault("state", self.lab.path("mn", f"card-{sub.imsi}"))
        kw.setdefault("mnc", 3 if sub is USA else 2)
        return vcard.Card(sub.imsi, sub.k, sub.opc, **kw)

    # ---- questions -------------------------------------------------------------------------------------------------

    def sim(self, *args, host="mn"):
        return self.op.ctl(host, "sim", *args)

    def row(self, number=0):
        return next((r for r in self.sim()["readers"] if r["reader"] == vcard.READER.format(number)), {"state": None})

    def status(self, host="mn"):
        return self.op.ctl(host, "status")

    def wait_sim(self, state, timeout=15):
        try:
            wait_for(f"sim {state}", lambda: self.status()["sim"] == state, timeout)
        except LabError as e:
            raise LabError(f"{e}: {self.sim()}") from None

    def wait_row(self, number, state, timeout=15):
        try:
            wait_for(f"reader {number} {state}", lambda: self.row(number)["state"] == state, timeout)
        except LabError as e:
            raise LabError(f"{e}: {self.sim()}") from None
        return self.row(number)

    def pin(self, digits, *reader, host="mn"):
        """hipctl pin, as somebody types it: (exit status, what it says)."""
        p = subprocess.run([daemons.binary("hipctl"), "--socket", self.op.socket(host), "pin", *reader], input=digits + "\n",
                           capture_output=True, text=True, timeout=30)
        return p.returncode, (p.stdout + p.stderr).strip()

    def out(self, number=0):
        self.slots[number].pull()
        self.wait_row(number, "empty")

    def all_out(self):
        for s in self.slots:
            s.pull()
        self.wait_sim("none")
        for n in (0, 1):
            self.wait_row(n, "empty")

    def bound(self, fqdn, timeout=20):
        return self.op.wait_bound("mn", fqdn, timeout)

    def nobody(self):
        """No name is given out."""
        return not any(b["state"] in ("bound", "pending", "intent") for b in self.op.bindings())

    def registered(self):
        return {r["hit"] for r in self.op.registrations()}

    # ---- cases: the way through --------------------------------------------------------------------------------------

    def bind(self):
        c = self.card(suci=[(1, 27, KEY_A)])
        self.slots[0].insert(c)
        self.first = self.bound(self.fqdn)
        check(c.asked(*AUTH) == 1 and c.asked(*GSM) == 4, f"AUTHENTICATE: {c.log}")
        check(self.first["seal"] == "sim-key", self.first["seal"])
        check("shows a SUCI" in self.lab.log_text("hiphostd-mn"), "the card's key was not used")
        r = self.row()
        check(r["state"] == "in use" and r["seal"] == "sim-key" and r["suci"] == "A" and r["mnc_digits"] == 2, f"{r}")
        check(r["imsi"].startswith("#") and MATTI.imsi not in json.dumps(self.sim()), "the IMSI is shown unasked")
        check(self.sim("imsi")["readers"][0]["imsi"] == MATTI.imsi, "the IMSI is not shown")
        check(self.row(1)["state"] == "empty" and self.sim()["pcscd"], f"{self.sim()}")
        return f"{self.fqdn} by {self.row()['reader']}: one AUTHENTICATE in 3G context, four in GSM context, a SUCI by its key"

    def pulled(self):
        """Out: association closed, HIT gone. In again: the same HIT and name, and no AKA."""
        t = time.monotonic()
        self.slots[0].pull()
        self.wait_sim("none")
        took = time.monotonic() - t
        s = self.status()
        check(s["hit"] is None and s["registration"]["state"] == "idle" and s["fqdn"] is None, f"{s}")
        wait_for("the FA's registration ends", lambda: self.first["hit"] not in self.registered(), 5)
        check((self.op.peer("mn", self.op.fa_hit) or {"state": "known"})["state"] == "known", "an association with the FA is left")
        c = self.card()
        self.slots[0].insert(c)
        s = self.bound(self.fqdn)
        check(s["hit"] == self.first["hit"], f"another HIT: {s['hit']}")
        wait_for("registered", lambda: s["hit"] in self.registered(), 10)
        check(c.asked(*AUTH) == 0 and c.asked(*GSM) == 4, f"{c.log}")
        return f"noticed after {took:.1f} s; back with the same HIT, without AKA"

    def other_card(self):
        """Another SIM sees an empty store; the first one finds its own again."""
        self.out()
        self.slots[0].insert(self.card(AINO))
        self.second = self.bound(f"{AINO.label}.{daemons.ZONE}")
        check(self.second["hit"] != self.first["hit"], "two SIMs with one HIT")
        self.out()
        self.slots[0].insert(self.card())
        check(self.bound(self.fqdn)["hit"] == self.first["hit"], "the first SIM's store was not found")
        return "each SIM its own HIT and name"

    def two_readers(self):
        """The card in use stays in use; when it goes the other one is taken, and stays."""
        self.slots[1].insert(self.card(AINO))
        self.wait_row(1, "waiting")
        check(self.row(0)["state"] == "in use", f"{self.sim()}")
        self.slots[0].pull()
        check(self.bound(f"{AINO.label}.{daemons.ZONE}")["hit"] == self.second["hit"], "not the second SIM's HIT")
        check(self.row(1)["state"] == "in use", f"{self.sim()}")
        self.slots[0].insert(self.card())
        self.wait_row(0, "waiting")
        check(self.status()["hit"] == self.second["hit"], "the card in use was left for another one")
        self.slots[1].pull()
        check(self.bound(self.fqdn)["hit"] == self.first["hit"], "not the first SIM's HIT")
        return "the other card takes over when the one in use goes, and gives way to none"

    def pins(self):
        self.all_out()
        c = self.card(pin="2468")
        self.slots[0].insert(c)
        self.wait_sim("locked")
        r = self.wait_row(0, "locked")
        check(r["pin_tries"] == 3 and "PIN" in r["why"] and r["imsi"] is None and r["iccid"], f"{r}")
        told = self.op.ctl("mn", "events", "5")["events"]
        check(len(told) == 5 and any("wants its PIN (tries left: 3)" in e["what"] for e in told), f"{told}")
        code, said = self.pin("1111")
        check(code == 1 and "PIN is wrong (tries left: 2)" in said, f"{code} {said}")
        code, said = self.pin("1111")
        check(code == 1 and "tries left: 1" in said and c.tries == 1, f"{code} {said}")
        code, said = self.pin("2468")
        check(code == 1 and "one try is left" in said and c.tries == 1, f"the last try was taken: {code} {said}")
        self.out()
        c = self.card(pin="2468", state=None)
        c.tries = 0
        self.slots[0].insert(c)
        check("blocked" in self.wait_row(0, "locked")["why"], f"{self.sim()}")
        self.out()
        pathlib.Path(self.lab.path("mn", f"card-{MATTI.imsi}")).unlink()
        c = self.card(pin="2468")
        c.usim.seq = [1 << 20] * 32  # used elsewhere meanwhile; no AKA is run, so it does not matter
        self.slots[0].insert(c)
        self.wait_sim("locked")
        for bad in ("12", "abcd", ""):
            check(self.pin(bad)[0] == 1, f"{bad!r} was taken")
        check(c.tries == 3, "a PIN that is none was sent")
        check(self.pin("2468", "no such reader")[0] == 1 and c.tries == 3, "sent to another reader's card")
        code, said = self.pin("2468", vcard.READER.format(0))
        check(code == 0, said)
        check(self.bound(self.fqdn)["hit"] == self.first["hit"], "not the first SIM's HIT")
        log = self.lab.log_text("hiphostd-mn")
        check("2468" not in log and MATTI.imsi not in log and c.iccid not in log, "PIN, IMSI or ICCID in the log")
        return "wanted, wrong, last try left alone, blocked, right; neither PIN nor IMSI in the log"

    # ---- faults -----------------------------------------------------------------------------------------------------

    def fresh(self, sub=MATTI, **conf):
        """hiphostd anew with an empty state, no card in."""
        self.all_out()  # pcscd has to see a card go, or it takes the next one for the same
        self.op.stop_host("mn")
        state = pathlib.Path(os.path.dirname(self.op.conf("mn")), "state-ecdsa-p256")
        for f in state.glob("*"):
            f.unlink()
        for b in self.op.bindings():
            self.op.ctl("fa", "revoke", b["fqdn"])
        for f in pathlib.Path(os.path.dirname(self.op.conf("mn"))).glob("card-*"):
            f.unlink()
        self.op.conf_sim["mn"] = "".join(f", {k}: {v}" for k, v in conf.items())
        self.op.start_host("mn", wishes=[f"{sub.label}.{daemons.ZONE}"])

    def pulled_in_run(self):
        """Pulled in the middle of AUTHENTICATE: nothing is bound; in again: bound."""
        self.fresh()
        c = self.card()
        c.fault = lambda a: "pull" if (a[1], a[3]) == AUTH else None
        self.slots[0].insert(c)
        wait_for("the card is asked", lambda: c.asked(*AUTH), 15)
        self.wait_sim("none")
        check(self.status()["hit"] is None and self.nobody(), f"{self.status()} {self.op.bindings()}")
        c = self.card()
        self.slots[0].insert(c)
        self.bound(self.fqdn)
        return "nothing bound, nothing left; in again, bound"

    def pulled_anywhere(self):
        """Until the store is open."""
        for _ in range(2):  # the second time no AKA is run
            self.all_out()
            whole = self.card(state=None)
            self.slots[0].insert(whole)
            self.bound(self.fqdn)
        n = len(whole.log)
        self.all_out()
        for at in range(1, n + 1, 3):
            c = self.card(state=None)
            c.fault = lambda a: "pull" if len(c.log) == at else None
            self.slots[0].insert(c)
            wait_for(f"pulled at {at}", lambda: self.slots[0].sock is None or self.status()["fqdn"], 10)
            if self.slots[0].sock:  # it was asked a few things less than the last time
                check(at > n - 4, f"bound after {len(c.log)} commands, {n} the last time")
                self.all_out()
                break
            self.wait_sim("none", 10)
            check(self.lab.alive("hiphostd-mn"), "hiphostd ended")
        self.wait_row(0, "empty")
        self.slots[0].insert(self.card())
        self.bound(self.fqdn)
        return f"pulled at every third of {n} commands; then bound as before"

    def unusable(self):
        """Cards that are no use, each told by name; then a good one."""
        def refuse(ins, p2=None, sw=b"\x6f\x00"):
            return lambda a: sw if a[1] == ins and p2 in (None, a[3]) else None

        def no_adf(c):
            c.records = []
            del c.files[vcard.ADF, vcard.IMSI]

        def cut(ins, n):
            return lambda c: setattr(c, "fault", lambda a: ("cut", n) if a[1] == ins else None)

        def fault(f):
            return lambda c: setattr(c, "fault", f)

        def file(fid, data):
            return lambda c: c.files.__setitem__((vcard.ADF, fid), data)

        self.all_out()
        rows = (("no USIM", no_adf, "no USIM"), ("a bank's card", fault(refuse(vcard.SELECT, sw=b"\x6e\x00")), "no USIM"),
                ("IMSI cut short", file(vcard.IMSI, b"\x08\x09\x10"), "make no sense"), ("IMSI of letters", file(vcard.IMSI, b"\x08" + b"\xa9" * 8), "make no sense"),
                ("EF_IMSI missing", lambda c: c.files.__setitem__((vcard.ADF, vcard.IMSI), b""), "make no sense"),
                ("MNC unsaid", file(vcard.AD, b"\0\0\0"), "sim.mnc_length"),
                ("reads refused", fault(refuse(vcard.READ_BINARY)), "refuses"), ("61 without end", fault(refuse(vcard.READ_BINARY, sw=b"\x61\x10")), "make no sense"),
                ("6C without end", fault(refuse(vcard.READ_BINARY, sw=b"\x6c\x10")), "make no sense"),
                ("answers of one octet", cut(vcard.SELECT, 1), "make no sense"), ("answers cut", cut(vcard.GET_RESPONSE, 5), "no USIM"),
                ("ever too long", fault(lambda a: bytes(256) + b"\x90\x00" if a[1] == vcard.READ_BINARY else None), "make no sense"))
        for title, twist, says in rows:
            c = self.card(state=None)
            twist(c)
            self.slots[0].insert(c)
            r = self.wait_row(0, "unusable")
            check(says in r["why"], f"{title}: {r}")
            self.wait_sim("unusable", 3)
            check(says in self.op.event("hiphostd-mn", "cat=sim"), f"{title}: not in the log")
            self.out()
        c = self.card(state=None)
        no_adf(c)
        self.slots[0].insert(c)
        self.wait_row(0, "unusable")
        self.slots[1].insert(self.card())
        self.bound(self.fqdn)
        check(self.row(1)["state"] == "in use", f"{self.sim()}")
        self.all_out()
        return f"{len(rows)} kinds, each told why; a good card in the other reader is used"

    def auth_faults(self):
        """AUTHENTICATE in 3G context: wrong answers bind nothing, and the run is tried again."""
        rows = (("98 62", b"\x98\x62"), ("98 64", b"\x98\x64"), ("6F 00", b"\x6f\x00"), ("69 82", b"\x69\x82"), ("nothing", b"\x90\x00"),
                ("RES too long", b"\xdb\x11" + bytes(17) + b"\x90\x00"), ("CK cut", b"\xdb\x08" + bytes(8) + b"\x10" + bytes(7) + b"\x90\x00"),
                ("AUTS cut", b"\xdc\x0e" + bytes(9) + b"\x90\x00"), ("another tag", b"\xda\x08" + bytes(50) + b"\x90\x00"))
        for title, octets in rows:
            self.fresh()
            c = self.card()
            c.fault = lambda a, o=octets: o if (a[1], a[3]) == AUTH else None
            self.slots[0].insert(c)
            wait_for(f"{title}: the card is asked", lambda: c.asked(*AUTH), 15)
            wait_for(f"{title}: the run failed", lambda: self.status()["binding"]["runs_failed"] >= 1, 15)
            check(self.nobody() and self.status()["sim"] == "ready", f"{title}: {self.op.bindings()}")
            c.fault = None
            self.op.ctl("mn", "retry")
            self.bound(self.fqdn)
        return f"{len(rows)} wrong answers: nothing bound; then, answered rightly, bound"

    def wrong_network(self):
        """AUTN that is not of the card's network."""
        self.fresh()
        c = vcard.Card(MATTI.imsi, AINO.k, AINO.opc)
        self.slots[0].insert(c)
        wait_for("the run failed", lambda: self.status()["binding"]["runs_failed"] >= 1, 15)
        check(c.asked(*AUTH) == 1 and not c.usim.asked and self.nobody(), f"{c.log}")
        return "98 62: nothing bound"

    def resync(self):
        self.fresh()
        c = self.card()
        c.usim.seq = [(1 << 27) + 5] * 32
        self.slots[0].insert(c)
        self.bound(self.fqdn)
        check(c.asked(*AUTH) == 2, f"{c.log}")
        return "DC with AUTS, a new vector, bound in the same run"

    def slow(self):
        """Seconds for each answer of AUTHENTICATE: the loop goes on meanwhile."""
        self.fresh()
        c = self.card()
        c.fault = lambda a: ("slow", 3) if (a[1], a[3]) == AUTH else None
        self.slots[0].insert(c)
        wait_for("the card is asked", lambda: c.asked(*AUTH), 15)
        worst = 0
        for _ in range(10):
            t = time.monotonic()
            self.op.order("mn", "status")
            worst = max(worst, time.monotonic() - t)
            time.sleep(0.1)
        check(worst < 0.5, f"status took {worst:.2f} s while the card thought")
        self.bound(self.fqdn)
        return f"AUTHENTICATE in 3 s; status meanwhile in at most {worst * 1000:.0f} ms; bound"

    def stuck_at_end(self):
        """hiphostd ends though a card does not answer."""
        self.fresh()
        c = self.card()
        c.fault = lambda a: ("slow", 20) if (a[1], a[3]) == AUTH else None
        self.slots[0].insert(c)
        wait_for("the card is asked", lambda: c.asked(*AUTH), 15)
        t = time.monotonic()
        code = self.lab.stop("hiphostd-mn", signal.SIGTERM, 15)
        took = time.monotonic() - t
        check(code == 0 and took < 8, f"exit status {code} after {took:.1f} s\n{self.lab.log_text('hiphostd-mn')[-2000:]}")
        self.slots[0].pull()
        self.op.start_host("mn", wishes=[self.fqdn])
        return f"ended after {took:.1f} s"

    def gate(self):
        """A card that refuses GSM context: level sim-gate. One that fails in it: no store is begun with another level."""
        self.fresh()
        c = self.card()
        c.fault = lambda a: b"\x6f\x00" if (a[1], a[3]) == GSM else None
        self.slots[0].insert(c)
        self.wait_sim("unusable")
        state = pathlib.Path(os.path.dirname(self.op.conf("mn")), "state-ecdsa-p256")
        check(not list(state.glob("*.sealed")), "a store was begun")
        self.out()
        self.slots[0].insert(self.card(gsm=False))
        s = self.bound(self.fqdn)
        check(s["seal"] == "sim-gate" and self.row()["seal"] == "sim-gate", f"{s['seal']}")
        self.out()
        other = self.card(gsm=False, iccid="8999999999999999999")
        self.slots[0].insert(other)
        self.wait_sim("ready")
        check(self.status()["hit"] != s["hit"], "IMSI without its ICCID opened the store")
        self.out()
        self.slots[0].insert(self.card(gsm=False))
        check(self.bound(self.fqdn)["hit"] == s["hit"], "the store was not found again")
        return "98 64: sim-gate, opened by IMSI and ICCID together; 6F 00: no store"

    def kinds(self):
        """T=1; an MNC of three digits; SUCI by the card itself."""
        self.fresh()
        self.slots[0].insert(self.card(t1=True))
        self.bound(self.fqdn)
        self.op.add_subscriber(USA)
        self.fresh(USA)
        c = self.card(USA)
        services = bytearray(c.files[vcard.ADF, vcard.UST])
        services[123 // 8] |= 0x18
        c.files[vcard.ADF, vcard.UST] = bytes(services)
        self.slots[0].insert(c)
        self.bound(f"{USA.label}.{daemons.ZONE}")
        check(self.row()["mnc_digits"] == 3 and self.row()["suci"] is None, f"{self.row()}")
        self.fresh(mnc_length=2)
        c = self.card()
        c.files[vcard.ADF, vcard.AD] = b"\0\0\0"
        c.records = []  # no directory either: found by the beginning of its name
        self.slots[0].insert(c)
        self.bound(self.fqdn)
        return "T=1; realm of mnc410.mcc310; an old card with sim.mnc_length and no EF_DIR"

    def pin_file(self):
        path = daemons.private(self.lab.path("mn", "sim.pin"), f"# of test cards\n{'89' + AINO.imsi + '00'} 9999\n2468\n")
        self.fresh(pin_file=path)
        c = self.card(pin="2468")
        self.slots[0].insert(c)
        self.bound(self.fqdn)
        check(c.tries == 3, "tried more than once")
        daemons.private(path, "1111\n")
        self.fresh(pin_file=path)
        c = self.card(pin="2468")
        self.slots[0].insert(c)
        check("PIN is wrong" in self.wait_row(0, "locked")["why"] and c.tries == 2, f"{self.row()}")
        self.out()
        self.slots[0].insert(c)
        self.wait_row(0, "locked")
        self.out()
        self.slots[0].insert(c)
        check("one try is left" in self.wait_row(0, "locked")["why"] and c.tries == 1, f"{self.row()} {c.tries}")
        self.op.stop_host("mn")
        for text, mode, says in (("12\n", 0o600, "expected PIN"), ("1234 5678 9\n", 0o600, "expected PIN"), ("1234\n", 0o644, "")):
            daemons.private(path, text)
            os.chmod(path, mode)
            p = self.lab.run("mn", daemons.binary("hiphostd"), "--config", self.op.conf("mn"), "--check-config", check=False)
            check(p.returncode == 1 and path in p.stderr and says in p.stderr, f"{text!r} {mode:o}: {p.returncode} {p.stderr}")
        self.op.conf_sim["mn"] = ""
        self.op.start_host("mn", wishes=[self.fqdn])
        return "from the file, tried once; a wrong one until one try is left; a file that others may read is refused"

    def someone_else(self):
        """Another program has the card: told, and taken when it is free."""
        self.fresh()
        script = ("import sys,time\nfrom ctypes import *\nl=CDLL('libpcsclite.so.1')\nc=c_long();h=c_long();p=c_ulong()\n"
                  "l.SCardEstablishContext(2,None,None,byref(c))\n"
                  "while l.SCardConnect(c,sys.argv[1].encode(),2,3,byref(h),byref(p)): time.sleep(.05)\n"
                  "print('have it',flush=True)\ntime.sleep(4)\n")
        self.op.stop_host("mn")
        self.slots[0].insert(self.card())
        self.lab.start("mn", "other", "/usr/bin/python3", "-c", script, vcard.READER.format(0), env={**os.environ, **self.pcscd.env})
        wait_for("the other program has it", lambda: "have it" in self.lab.log_text("other"), 10)
        self.op.start_host("mn", wishes=[self.fqdn])
        check("another program" in self.wait_row(0, "unusable")["why"], f"{self.row()}")
        self.bound(self.fqdn, 30)
        return "told; used when it was free"

    def pcscd_dies(self):
        """pcscd killed: as if all cards were pulled; started again: the card is found."""
        self.fresh()
        self.slots[0].insert(self.card())
        hit = self.bound(self.fqdn)["hit"]
        self.lab.stop(self.pcscd.label, signal.SIGKILL)
        self.wait_sim("none")
        check(self.sim() == {"ok": True, "sim": "none", "seal": "none", "pcscd": False, "readers": []}, f"{self.sim()}")
        self.slots[0].pull()
        for name in ("pcscd.comm", "pcscd.pid"):
            pathlib.Path(self.pcscd.folder, name).unlink(missing_ok=True)
        self.pcscd.start()
        self.slots[0].insert(self.card())
        check(self.bound(self.fqdn, 30)["hit"] == hit, "another HIT")
        return "the card is gone with it, and found with it"

    def two_hosts(self):
        """Two SIMs in two readers at once: two hiphostd, each with a reader of its own, reach each other by name."""
        self.fresh(readers='["* 00"]')
        self.op.conf_sim["cn"] = ', readers: ["* 01"]'
        self.op.start_host("cn", wishes=[f"{AINO.label}.{daemons.ZONE}"])
        try:
            self.slots[0].insert(self.card())
            self.slots[1].insert(self.card(AINO))
            one = self.bound(self.fqdn)
            two = self.op.wait_bound("cn", f"{AINO.label}.{daemons.ZONE}", 20)
            check(one["hit"] != two["hit"], "one HIT for two SIMs")
            check([r["reader"] for r in self.sim()["readers"]] == [vcard.READER.format(0)], f"{self.sim()}")
            self.lab.run("cn", "ping", "-6", "-c", "1", "-W", "5", self.fqdn)
            self.slots[1].pull()
            wait_for("cn without a SIM", lambda: self.status("cn")["sim"] == "none", 10)
            check(self.status()["binding"]["state"] == "bound", "the other host's card was lost")
        finally:
            self.op.stop_host("cn")
        return "each bound by its own card; one pulled, the other stays"

    def end(self):
        self.op.stop_all()
        for label in ("hiphostd-mn", "hiphostd-cn", "hipfad", "hipakad"):
            log = self.lab.log_text(label)
            check("runtime error" not in log and "Sanitizer" not in log, f"{label}: {log[-3000:]}")
        log = self.lab.log_text("hiphostd-mn")
        for secret in (MATTI.imsi, AINO.imsi, "2468"):
            check(secret not in log, f"{secret} in the log")
        for s in self.slots:
            s.pull()
        self.pcscd.stop()


def body(cases):
    w = World(cases)
    if not cases.case("lab, pcscd, hiphostd without a card", w.set_up):
        return
    rows = [("bound by a card in a reader", w.bind), ("pulled and put in again", w.pulled), ("another card", w.other_card),
            ("two readers", w.two_readers), ("PIN", w.pins)]
    if "--full" in sys.argv:
        rows += [("pulled in the middle of AUTHENTICATE", w.pulled_in_run), ("pulled anywhere", w.pulled_anywhere), ("cards of no use", w.unusable),
                 ("wrong answers to AUTHENTICATE", w.auth_faults), ("AUTN of another network", w.wrong_network), ("resynchronisation", w.resync),
                 ("a slow card", w.slow), ("a card that is stuck at the end", w.stuck_at_end), ("GSM context refused", w.gate),
                 ("kinds of cards", w.kinds), ("PIN file", w.pin_file), ("another program has the card", w.someone_else),
                 ("pcscd dies", w.pcscd_dies), ("two hosts with a SIM each", w.two_hosts)]
    only = [a for a in sys.argv[1:] if not a.startswith("--")]
    for title, work in rows:
        if not only or any(o in title for o in only):
            cases.case(title, work)
    cases.case("the end", w.end)


if __name__ == "__main__":
    case.main("pcsc", "pcsc-", body)
