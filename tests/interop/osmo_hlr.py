#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120 --short
# check: full 240
"""hipakad with its vectors out of Debian's osmo-hlr (GSUP): eapol_test as NAS and peer, a Python USIM behind it.

The HLR is down at the start, dies in the middle, comes back empty, is slow by seconds and lies (osmohlr.Proxy between it and hipakad). --short leaves
out what takes seconds.
"""
import json
import os
import pathlib
import re
import signal
import socket
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import case  # noqa: E402
import osmohlr  # noqa: E402
import usim  # noqa: E402
from case import check  # noqa: E402
from daemons import binary  # noqa: E402
from eapol_hipakad import eapol_test, mppe  # noqa: E402
from lab import sh, wait_for  # noqa: E402

K, OPC = "5122250214c33e723a5dd523fc145fc0", "981d464c7c52eb6e5036234984ad0bcf"  # TS 35.208 test set 19
HIT = "20010022112233445566778899aabbcc"
SECRET = "interop secret of the lab"
AS, NAS = "10.79.0.1", "10.79.0.2"
NEAR, HLR = "10.79.1.1", "10.79.1.2"
REALM = "wlan.mnc001.mcc001.3gppnetwork.org"
ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the daemon drops what the leak checker needs


class World:
    def __init__(self, cases):
        self.c, self.lab, self.n, self.serial = cases, cases.lab, 0, 0

    def set_up(self):
        lab = self.lab
        for host in ("as", "nas", "hlr"):
            lab.add_host(host)
        lab.link("as", "eth0", [f"{AS}/24"], "nas", "eth0", [f"{NAS}/24"])
        lab.link("as", "eth1", [f"{NEAR}/24"], "hlr", "eth0", [f"{HLR}/24"])
        secret = lab.path("as", "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(SECRET + "\n")
        self.conf = lab.path("as", "hipakad.yaml")
        with open(self.conf, "w") as f:
            f.write(f"""listen: ["{AS}:1812"]
clients:
  - {{ name: fa1, address: {NAS}, secret_file: secret, hits: ["2001:22:1122:3344:5566:7788:99aa:bbcc"], methods: [aka-prime, aka] }}
store: {{ path: store/auc.sqlite, key_file: store/auc.key, imsi_prefixes: ["0010199"] }}
hlrs:
  - {{ name: home, address: "{HLR}", unit_name: hipakad-1, imsi_prefixes: ["00101"] }}
  - {{ name: far, address: "{NEAR}:4300", unit_name: hipakad-2, imsi_prefixes: ["00102"], vectors: 1, request_time: 1s, keepalive: 1s }}
control: {{ socket: ctl }}
log: {{ level: debug }}
""")
        self.hlr = osmohlr.OsmoHlr(lab, "hlr", HLR)
        self.proxy = osmohlr.Proxy(lab.ns("as"), NEAR, 4300, (HLR, osmohlr.GSUP))
        self.proxy.start()

    def status(self):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(self.lab.path("as", "ctl"))
            s.sendall(b'{"cmd":"status"}\n')
            return json.loads(s.makefile().readline())
        except OSError:
            return None
        finally:
            s.close()

    def link(self, name="home"):
        return next(h for h in self.status()["hlrs"] if h["name"] == name)

    def ready(self, name="home"):
        return wait_for(f"HLR {name} is ready", lambda: self.link(name)["state"] == "ready", 20)

    def counters(self, name="home"):
        return self.link(name)["counters"]

    def refused(self, why):
        return self.status()["refused"].get(why, 0)

    def subscriber(self, prefix="00101", known=True, keys=True):
        self.serial += 1
        imsi = f"{prefix}{self.serial:0{15 - len(prefix)}d}"
        if known:
            self.hlr.add(imsi, K if keys else None, OPC, f"35840{self.serial:07d}")
        return imsi

    def eapol(self, imsi, card, lie=None, lead="6", method="AKA'", extra=("-N", f"32:s:HIP:{HIT}")):
        """Runs eapol_test once; (exit status, its output, the card's thread)."""
        self.n += 1
        return eapol_test(self.lab, self.n, card, method, f"{lead}{imsi}@{REALM}", AS, SECRET, NAS, *extra, lie=lie)

    def good(self, imsi, card):
        code, out, thread = self.eapol(imsi, card)
        check(code == 0, f"eapol_test: {code}: {out[-600:]}")
        said, autn = thread.said[-1]
        check(said[0] == "ok" and autn[6] & 0x80, f"the card said {said[0]}, AMF {autn[6:8].hex()}")
        want = usim.aka_prime_msk(said[2], said[3], autn, f"HIP:{HIT}".encode(), f"6{imsi}@{REALM}".encode())
        check(mppe(out) == want, f"MS-MPPE keys {mppe(out).hex()} are not MSK {want.hex()}")
        return thread

    def bad(self, imsi, card, why, lie=None):
        """No success, no keys, and hipakad says why."""
        before = self.refused(why)
        code, out, thread = self.eapol(imsi, card, lie)
        check(code != 0 and "Access-Reject" in out and not mppe(out), f"eapol_test: {code}: {out[-600:]}")
        check(self.refused(why) == before + 1, f"not refused for {why}: {self.status()['refused']}")
        return thread

    # ---- cases ------------------------------------------------------------------------------------------------------

    def down_at_start(self):
        self.lab.start("as", "hipakad", binary("hipakad"), "--config", self.conf, env=ENV)
        wait_for("hipakad is up", self.status, 20)
        imsi = "001010000000000"
        thread = self.bad(imsi, usim.Usim(imsi, K, OPC), "UNAVAILABLE")
        check(not thread.said, "a challenge without an HLR")
        check(self.link()["state"] == "down" and self.counters()["timeouts"] == 1, f"{self.link()}")
        self.hlr.start()
        self.ready()
        return "no HLR: refused as unavailable after its two seconds; it is found once it is there"

    def full(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        before = self.counters()
        for _ in range(4):
            self.good(imsi, card)
        after = self.counters()
        check(after["requests"] - before["requests"] == 2 and after["cached"] - before["cached"] == 2, f"{before} {after}")
        check(card.asked == sorted(set(card.asked)), f"SQNs do not rise: {card.asked}")
        return "four runs out of two requests, keys equal on three sides, SQNs " + ", ".join(f"{n:x}" for n in card.asked)

    def resync(self):
        imsi = self.subscriber()
        first = usim.Usim(imsi, K, OPC)
        self.good(imsi, first)  # leaves vectors of before
        card = usim.Usim(imsi, K, OPC, sqn=0x123400 | first.asked[0] & 31)  # the IND that osmo-hlr chose for us
        check(self.link()["cached"] >= 2, f"{self.link()}")
        before = self.counters()
        thread = self.good(imsi, card)
        check([a[0] for a, _ in thread.said] == ["auts", "ok"], f"the card said {[a[0] for a, _ in thread.said]}")
        thread = self.good(imsi, card)
        check([a[0] for a, _ in thread.said] == ["ok"], "the run after it needs another one")
        after = self.counters()
        check(after["resyncs"] == before["resyncs"] + 1 and after["dropped"] > before["dropped"], f"{before} {after}")
        return "AUTS, what was kept is dropped, new vectors in their order"

    def aka(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        self.good(imsi, card)  # leaves vectors of the other kind
        before = self.counters()
        for _ in range(2):
            code, out, thread = self.eapol(imsi, card, lead="0", method="AKA", extra=())
            check(code == 0 and "MPPE keys OK: 1  mismatch: 0" in out, f"eapol_test: {code}: {out[-600:]}")
            check(thread.said[-1][1][6] & 0x80 == 0, f"AMF {thread.said[-1][1][6:8].hex()}")
        after = self.counters()
        check(after["requests"] == before["requests"] + 1 and after["dropped"] == before["dropped"] + 2, f"{before} {after}")
        check(card.asked == sorted(set(card.asked)), f"SQNs do not rise: {card.asked}")
        return "EAP-AKA: vectors without the separation bit; those for AKA' that were left are dropped"

    def again(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        before = self.counters()
        code, out, thread = self.eapol(imsi, card, extra=("-r", "1"))
        check(code == 0 and len(thread.said) == 1 and "MPPE keys OK: 2  mismatch: 0" in out, f"eapol_test: {code}: {out[-600:]}")
        after = self.counters()
        check(after["requests"] == before["requests"] + 2, f"{before} {after}")
        return "fast re-authentication for others: the HLR is asked whether it is served still"

    def foreign_auts(self):
        imsi = self.subscriber()
        rand, autn, *_ = usim.Auc(K, OPC).vector()
        stale = usim.Usim(imsi, K, OPC, sqn=0x999900).authenticate(rand, autn)
        check(stale[0] == "auts", "the stale AUTS could not be made")
        before = self.counters()["bad_auts"]
        self.bad(imsi, usim.Usim(imsi, K, OPC), "AUTS", lie=lambda a: stale)
        check(self.counters()["bad_auts"] == before + 1, f"{self.counters()}")
        return "AUTS of another run: osmo-hlr makes nothing of it, refused as such and not as unknown"

    def unknown(self):
        imsi = self.subscriber(known=False)
        before = self.counters()["unknown"]
        check(not self.bad(imsi, usim.Usim(imsi, K, OPC), "SUBSCRIBER").said, "an unknown subscriber got a challenge")
        imsi = self.subscriber(keys=False)
        self.bad(imsi, usim.Usim(imsi, K, OPC), "SUBSCRIBER")
        check(self.counters()["unknown"] == before + 2, f"{self.counters()}")
        return "not in the HLR, or there without keys"

    def own(self):
        imsi = "001019900000001"
        sh(binary("hipakad"), "--config", self.conf, "subscriber", "add", "--imsi", imsi, "--k", K, "--opc", OPC, env=ENV)
        before = self.counters()
        self.good(imsi, usim.Usim(imsi, K, OPC))
        check(self.counters() == before, "the HLR was asked for a subscriber of the store")
        return "the longer prefix is the store's: the HLR hears nothing"

    def never_located(self):
        for imsi in (f"00101{n:010d}" for n in (1, 2)):
            text = self.hlr.vty(f"subscriber imsi {imsi} show")[0]
            check("IMSI" in text and not re.search(r"VLR|SGSN|LU", text), f"osmo-hlr knows where {imsi} is: {text}")
        kinds = {r[0] for r in self.proxy.requests}
        check(kinds <= {8}, f"GSUP messages other than SendAuthInfo: {kinds}")
        return "no subscriber has a location; nothing but SendAuthInfo was sent"

    def dies(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        self.good(imsi, card)
        self.hlr.stop(signal.SIGKILL)
        wait_for("hipakad sees it", lambda: self.link()["state"] == "down", 10)
        self.good(imsi, card)  # two vectors are here
        other = self.subscriber(known=False)
        self.bad(other, usim.Usim(other, K, OPC), "UNAVAILABLE")
        self.hlr.start()
        self.ready()
        for _ in range(3):
            self.good(imsi, card)
        check(self.counters()["losses"] >= 1, f"{self.counters()}")
        return "killed: what is here goes on, the rest is unavailable; back by itself, SQN goes on"

    def empty(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        self.good(imsi, card)
        self.hlr.stop()
        self.hlr.start(empty=True)
        self.ready()
        lost = self.subscriber(known=False)
        self.bad(lost, usim.Usim(lost, K, OPC), "SUBSCRIBER")
        self.hlr.add(imsi, K, OPC)
        words = []
        for _ in range(4):
            words += [a[0] for a, _ in self.good(imsi, card).said]
        check(words.count("auts") == 1, f"the card said {words}")
        return "an HLR that forgot everything: unknown; provisioned anew it starts over, and one resynchronisation mends that"

    def slow(self):
        self.ready("far")
        imsi = self.subscriber("00102")
        card = usim.Usim(imsi, K, OPC)
        self.proxy.delay = 0.6
        self.good(imsi, card)
        self.proxy.delay = 1.6
        before = self.counters("far")
        self.bad(imsi, card, "UNAVAILABLE")
        wait_for("the late answer came", lambda: self.counters("far")["unsolicited"] > before["unsolicited"], 10)
        self.proxy.delay = 0.0
        self.good(imsi, card)
        check(card.asked == sorted(set(card.asked)), f"SQNs do not rise: {card.asked}")
        return "later than its time: unavailable, and the late answer is nobody's; within it: taken"

    def silent(self):
        self.proxy.lie = lambda body: None
        imsi = self.subscriber("00102")
        self.bad(imsi, usim.Usim(imsi, K, OPC), "UNAVAILABLE")
        self.proxy.lie = None
        self.proxy.cut()
        self.ready("far")
        self.good(imsi, usim.Usim(imsi, K, OPC))
        return "no answer, then the connection is cut: it comes back by itself"

    def lies(self):
        self.ready("far")
        imsi, other = self.subscriber("00102"), self.subscriber("00102")
        stolen = bytes(int(other[i + 1:i + 2] + other[i], 16) if i + 1 < 15 else 0xf0 | int(other[i]) for i in range(0, 15, 2))

        def each(change):
            def lie(body):
                return osmohlr.message(body[0], change(osmohlr.elements(body)))
            return lie

        def tuples(change):
            return each(lambda ies: [(t, change(v) if t == 3 else v) for t, v in ies])

        liars = {
            "foreign": each(lambda ies: [(t, stolen if t == 1 else v) for t, v in ies]),
            "malformed": tuples(lambda v: v[:-10]),
            "unsolicited": each(lambda ies: [(t, b"\xde\xad\xbe\xef" if t == 0x30 else v) for t, v in ies]),
            "no_vectors": each(lambda ies: [i for i in ies if i[0] != 3]),
            "wrong_kind": tuples(lambda v: v[:v.index(b"\x25\x10") + 8] + bytes([v[v.index(b"\x25\x10") + 8] & 0x7f]) + v[v.index(b"\x25\x10") + 9:]),
        }
        for name, lie in liars.items():
            before = self.counters("far")[name]
            self.proxy.lie = lie
            thread = self.bad(imsi, usim.Usim(imsi, K, OPC), "SUBSCRIBER" if name == "no_vectors" else "UNAVAILABLE")
            check(not thread.said, f"{name}: the card was asked")
            check(self.counters("far")[name] == before + 1, f"{name}: {self.counters('far')}")
        self.proxy.lie = None
        self.good(imsi, usim.Usim(imsi, K, OPC))
        return ", ".join(liars) + ": counted, refused, no challenge; honest again: taken"

    def replayed(self):
        """It gives the vector of the run before once more: the card asks for another one, the HLR gives the same again, and that is the end."""
        imsi = self.subscriber("00102")
        card = usim.Usim(imsi, K, OPC)
        kept = []

        def lie(body):
            old = [v for t, v in osmohlr.elements(kept[0]) if t == 3] if kept else None
            kept.append(body)
            return body if not old else osmohlr.message(body[0], [(t, old[0] if t == 3 else v) for t, v in osmohlr.elements(body)])

        self.proxy.lie = lie
        self.good(imsi, card)
        thread = self.bad(imsi, card, "TOO_MANY")
        self.proxy.lie = None
        check([a[0] for a, _ in thread.said] == ["auts", "auts"], f"the card said {[a[0] for a, _ in thread.said]}")
        return "an old vector again: AUTS twice, no RES, no keys"

    def logs(self):
        text = self.lab.log_text("hipakad")
        check("event=hlr_up" in text and "event=hlr_down" in text, "the log does not say what became of the HLR")
        for secret in (K, OPC, SECRET, "00101000000", "00102000000"):
            check(secret not in text, f"the log shows {secret}")
        check("AddressSanitizer" not in text and "runtime error" not in text, text[-2000:])
        check(self.lab.stop("hipakad") == 0, "hipakad did not end cleanly")
        return "no IMSI, K, OPc or secret in the log"


def body(cases):
    w = World(cases)
    w.set_up()
    long = "--short" not in sys.argv[1:]
    try:
        for title, work, always in (
                ("HLR down at the start", w.down_at_start, True), ("full authentication", w.full, True),
                ("resynchronisation", w.resync, True), ("EAP-AKA", w.aka, True), ("fast re-authentication", w.again, long), ("AUTS of another run", w.foreign_auts, long), ("unknown subscriber", w.unknown, long),
                ("own subscriber", w.own, True), ("slow", w.slow, long), ("silent", w.silent, long), ("lies", w.lies, long),
                ("replayed vectors", w.replayed, long), ("location", w.never_located, True), ("dies and comes back", w.dies, True),
                ("comes back empty", w.empty, long), ("log", w.logs, True)):
            if always:
                cases.case(title, work)
    finally:
        w.proxy.ended = True
        w.proxy.join(2)


if __name__ == "__main__":
    case.main("osmo-hlr", "ohlr-", body)
