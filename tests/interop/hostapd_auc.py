#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120
"""Debian's hostapd as authentication server with our AuC behind its eap_sim_db socket (hipakad, auc_sockets): eapol_test as NAS and peer, subscribers in
hipakad's store and in osmo-hlr."""
import json
import os
import pathlib
import socket
import stat
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
SECRET = "secret between lab hosts"
AAA, NAS, HLR = "10.80.0.1", "10.80.0.2", "127.0.0.1"
REALM = "wlan.mnc001.mcc001.3gppnetwork.org"
ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the daemon drops what the leak checker needs


class World:
    def __init__(self, cases):
        self.lab, self.n, self.serial = cases.lab, 0, 0

    def set_up(self):
        lab = self.lab
        lab.add_host("aaa")
        lab.add_host("nas")
        lab.link("aaa", "eth0", [f"{AAA}/24"], "nas", "eth0", [f"{NAS}/24"])
        with open(os.open(lab.path("aaa", "secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(SECRET + "\n")
        self.conf = lab.path("aaa", "hipakad.yaml")
        with open(self.conf, "w") as f:
            f.write(f"""listen: ["{AAA}:1645"]
clients:
  - {{ name: nobody, address: 192.0.2.1, secret_file: secret }}
store: {{ path: store/auc.sqlite, key_file: store/auc.key }}
hlrs:
  - {{ name: home, address: "{HLR}", imsi_prefixes: ["00102"] }}
auc_sockets:
  - {{ path: prime.sock, mode: "0660", group: daemon }}
  - {{ path: aka.sock, method: aka }}
control: {{ socket: ctl }}
log: {{ level: debug }}
""")
        self.hlr = osmohlr.OsmoHlr(lab, "aaa", HLR)
        self.hlr.start()
        with open(lab.path("aaa", "users"), "w") as f:
            f.write("\"6\"*\tAKA'\n\"7\"*\tAKA'\n\"8\"*\tAKA'\n\"0\"*\tAKA\n\"2\"*\tAKA\n\"4\"*\tAKA\n")
        with open(lab.path("aaa", "clients"), "w") as f:
            f.write(f"10.80.0.0/24 {SECRET}\n")
        for name, port in (("prime", 1812), ("aka", 1813)):
            with open(lab.path("aaa", f"{name}.conf"), "w") as f:
                f.write(f"""driver=none
interface=eth0
eap_server=1
eap_user_file={lab.path('aaa', 'users')}
eap_sim_db=unix:{lab.path('aaa', name + '.sock')}
radius_server_clients={lab.path('aaa', 'clients')}
radius_server_auth_port={port}
""")
            lab.start("aaa", f"hostapd-{name}", "hostapd", "-dd", lab.path("aaa", f"{name}.conf"))
            wait_for("hostapd listens", lambda: f":{port}" in lab.run("aaa", "ss", "-Hlun").stdout, 15)

    def start(self):
        self.lab.start("aaa", "hipakad", binary("hipakad"), "--config", self.conf, env=ENV)
        wait_for("hipakad is up", lambda: self.status() and self.status()["hlrs"][0]["state"] == "ready", 20)

    def status(self):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(self.lab.path("aaa", "ctl"))
            s.sendall(b'{"cmd":"status"}\n')
            return json.loads(s.makefile().readline())
        except OSError:
            return None
        finally:
            s.close()

    def counters(self, n=0):
        return self.status()["auc_sockets"][n]["counters"]

    def subscriber(self, prefix="00101"):
        self.serial += 1
        imsi = f"{prefix}{self.serial:010d}"
        if prefix == "00102":
            self.hlr.add(imsi, K, OPC)
        else:
            sh(binary("hipakad"), "--config", self.conf, "subscriber", "add", "--imsi", imsi, "--k", K, "--opc", OPC, env=ENV)
        return imsi

    def eapol(self, imsi, card, lead="6", method="AKA'", port=1812):
        """Runs eapol_test once; (exit status, its output, the card's thread)."""
        self.n += 1
        return eapol_test(self.lab, self.n, card, method, f"{lead}{imsi}@{REALM}", AAA, SECRET, NAS, "-p", str(port))

    def good(self, imsi, card):
        code, out, thread = self.eapol(imsi, card)
        check(code == 0, f"eapol_test: {code}: {out[-600:]}")
        said, autn = thread.said[-1]
        check(autn[6] & 0x80, f"AMF {autn[6:8].hex()}")
        want = usim.aka_prime_msk(said[2], said[3], autn, b"WLAN", f"6{imsi}@{REALM}".encode())
        check(mppe(out) == want, f"MS-MPPE keys {mppe(out).hex()} are not MSK {want.hex()}")
        return thread

    # ---- cases ------------------------------------------------------------------------------------------------------

    def down(self):
        imsi = "001010000000099"
        code, out, card = self.eapol(imsi, usim.Usim(imsi, K, OPC))
        check(code != 0 and not card.said and not mppe(out), f"eapol_test: {code}: {out[-300:]}")
        self.start()
        path = self.lab.path("aaa", "prime.sock")
        st = os.stat(path)
        check(stat.S_IMODE(st.st_mode) == 0o660 and st.st_gid == 1, f"{oct(st.st_mode)} group {st.st_gid}")
        check(stat.S_IMODE(os.stat(self.lab.path("aaa", "aka.sock")).st_mode) == 0o600, "the other socket's mode")
        return "no AuC: no success; then it is there, with the mode and group that the configuration says"

    def full(self):
        for prefix in ("00101", "00102"):
            imsi = self.subscriber(prefix)
            card = usim.Usim(imsi, K, OPC)
            for _ in range(2):
                self.good(imsi, card)
            check(card.asked == sorted(set(card.asked)) and len(card.asked) == 2, f"SQNs do not rise: {card.asked}")
        return "two runs each of a subscriber in the store and one in osmo-hlr, keys equal on three sides"

    def resync(self):
        for prefix in ("00101", "00102"):
            imsi = self.subscriber(prefix)
            first = usim.Usim(imsi, K, OPC)
            self.good(imsi, first)
            card = usim.Usim(imsi, K, OPC, sqn=0x123400 | first.asked[0] & 31)
            words = [a[0] for a, _ in self.good(imsi, card).said]
            check(words == ["auts", "ok"], f"{prefix}: the card said {words}")
            words = [a[0] for a, _ in self.good(imsi, card).said]
            check(words == ["ok"], f"{prefix}: the run after it: {words}")
        check(self.counters()["resyncs"] == 2 and self.counters()["strange_auts"] == 0, f"{self.counters()}")
        return "AKA-AUTS moves the store's number and osmo-hlr's; the run after it needs none"

    def unknown(self):
        before = self.counters()["failures"]
        for imsi in ("001019999999999", "001029999999999"):
            code, out, card = self.eapol(imsi, usim.Usim(imsi, K, OPC))
            check(code != 0 and not card.said and not mppe(out), f"eapol_test: {code}: {out[-300:]}")
        check(self.counters()["failures"] >= before + 2, f"{self.counters()}")
        return "FAILURE for either source, Access-Reject, no challenge"

    def aka(self):
        for prefix in ("00101", "00102"):
            imsi = self.subscriber(prefix)
            code, out, card = self.eapol(imsi, usim.Usim(imsi, K, OPC), "0", "AKA", 1813)
            check(code == 0 and "MPPE keys OK: 1  mismatch: 0" in out, f"{prefix}: eapol_test: {code}: {out[-600:]}")
            check(card.said[0][1][6] & 0x80 == 0, f"AMF {card.said[0][1][6:8].hex()}")
        return "EAP-AKA over the socket for it: vectors without the separation bit, from either source"

    def strangers(self):
        before = self.counters()
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(self.lab.path("aaa", "stranger"))
        s.settimeout(2)
        path = self.lab.path("aaa", "prime.sock")
        imsi = self.subscriber()
        for line in (b"", b"\0", b"hello", b"AKA-REQ-AUTH 1; DROP", b"AKA-REQ-AUTH " + b"1" * 5000, b"AKA-AUTS " + imsi.encode() + b" 00 00"):
            s.sendto(line, path)
        s.sendto(b"AKA-AUTS %s %s %s" % (imsi.encode(), b"a1" * 14, b"11" * 16), path)
        s.sendto(b"SIM-REQ-AUTH %s 3" % imsi.encode(), path)
        said = s.recv(1000)
        check(said == b"SIM-RESP-AUTH %s FAILURE" % imsi.encode(), f"{said}")
        s.sendto(b"AKA-REQ-AUTH %s" % imsi.encode(), path)
        words = s.recv(1000).split()
        check(len(words) == 7 and [len(x) for x in words[2:]] == [32, 32, 32, 32, 16], f"{words}")
        s.close()
        nobody = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # without an address: no answer is possible
        nobody.sendto(b"AKA-REQ-AUTH %s" % imsi.encode(), path)
        nobody.close()
        wait_for("it was counted", lambda: self.counters()["send_failed"] == before["send_failed"] + 1, 5)
        after = self.counters()
        check(after["malformed"] == before["malformed"] + 6 and after["strange_auts"] == before["strange_auts"] + 1, f"{before} {after}")
        sqn = json.loads(sh(binary("hipakad"), "--config", self.conf, "subscriber", "show", imsi, "--json", env=ENV).stdout)["sqn"]
        check(int(sqn, 16) >> 5 == 2, f"SQN {sqn}")
        return "lines that are none are counted, AUTS for a RAND never given out is ignored"

    def restart(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        self.good(imsi, card)
        check(self.lab.stop("hipakad") == 0, "hipakad did not end cleanly")
        check(not os.path.exists(self.lab.path("aaa", "prime.sock")), "the socket's file is left")
        self.start()
        self.good(imsi, card)
        check(card.asked == sorted(set(card.asked)), f"SQNs do not rise: {card.asked}")
        return "hostapd finds the new socket by itself, SQN goes on"

    def logs(self):
        text = self.lab.log_text("hipakad")
        for secret in (K, OPC, SECRET, "00101000000", "00102000000"):
            check(secret not in text, f"the log shows {secret}")
        check("AddressSanitizer" not in text and "runtime error" not in text, text[-2000:])
        check(self.lab.stop("hipakad") == 0, "hipakad did not end cleanly")
        return "no IMSI, K, OPc or secret in the log"


def body(cases):
    w = World(cases)
    w.set_up()
    for title, work in (("AuC down at the start", w.down), ("full authentication", w.full), ("resynchronisation", w.resync),
                        ("unknown subscriber", w.unknown), ("EAP-AKA", w.aka), ("strangers", w.strangers), ("restart", w.restart),
                        ("log", w.logs)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("hostapd-auc", "haucs-", body)
