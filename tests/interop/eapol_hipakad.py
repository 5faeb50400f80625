#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
"""EAP-AKA' of others against hipakad: Debian's eapol_test (wpa_supplicant) as NAS and peer, a Python USIM behind its control socket.

eapol_test itself compares the MSK with the MPPE keys of the Access-Accept; the USIM recomputes the MSK a third time.
"""
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import case  # noqa: E402
import usim  # noqa: E402
from case import check  # noqa: E402
from daemons import binary  # noqa: E402
from lab import sh, wait_for  # noqa: E402

K, OPC = "5122250214c33e723a5dd523fc145fc0", "981d464c7c52eb6e5036234984ad0bcf"  # TS 35.208 test set 19
HIT = "20010022112233445566778899aabbcc"
SECRET = "interop secret of the lab"
AS, NAS = "10.77.0.1", "10.77.0.2"
REALM = "wlan.mnc001.mcc001.3gppnetwork.org"
ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # the daemon drops what the leak checker needs


class Card(threading.Thread):
    """Answers eapol_test's CTRL-REQ-SIM with what the USIM says."""

    def __init__(self, folder, ifname, card, lie=None):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.mine, self.theirs = f"{folder}/card", f"{folder}/{ifname}"
        self.card, self.lie, self.said, self.ended = card, lie, [], False

    def run(self):
        self.sock.bind(self.mine)
        self.sock.settimeout(0.2)
        attached = False
        while not self.ended:
            try:
                if not attached:
                    self.sock.connect(self.theirs)
                    self.sock.send(b"ATTACH")
                    attached = True
                line = self.sock.recv(4096).decode(errors="replace")
            except (FileNotFoundError, ConnectionRefusedError, socket.timeout):
                time.sleep(0.02)
                continue
            except OSError:
                break
            m = re.search(r"CTRL-REQ-SIM-(\d+):UMTS-AUTH:([0-9a-f]{32}):([0-9a-f]{32})", line)
            if m:
                self.answer(m.group(1), bytes.fromhex(m.group(2)), bytes.fromhex(m.group(3)))
        self.sock.close()

    def answer(self, net, rand, autn):
        a = self.card.authenticate(rand, autn)
        if self.lie:
            a = self.lie(a)
        self.said.append((a, autn))
        if a[0] == "ok":
            text = f"UMTS-AUTH:{a[3].hex()}:{a[2].hex()}:{a[1].hex()}"
        elif a[0] == "auts":
            text = f"UMTS-AUTS:{a[1].hex()}"
        else:
            text = "UMTS-FAIL"
        self.sock.send(f"CTRL-RSP-SIM-{net}:{text}".encode())


class World:
    def __init__(self, cases):
        self.c, self.lab, self.n = cases, cases.lab, 0

    def set_up(self):
        lab = self.lab
        lab.add_host("as")
        lab.add_host("nas")
        lab.link("as", "eth0", [f"{AS}/24"], "nas", "eth0", [f"{NAS}/24", "10.77.0.3/24"])
        secret = lab.path("as", "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(SECRET + "\n")
        self.conf = lab.path("as", "hipakad.yaml")
        with open(self.conf, "w") as f:
            f.write(f"""listen: ["{AS}:1812"]
clients:
  - {{ name: fa1, address: {NAS}, secret_file: secret, hits: ["2001:22:1122:3344:5566:7788:99aa:bbcc"] }}
network_name: WLAN
store: {{ path: store/auc.sqlite, key_file: store/auc.key }}
control: {{ socket: ctl }}
log: {{ level: debug }}
""")
        self.start()

    def start(self):
        self.lab.start("as", "hipakad", binary("hipakad"), "--config", self.conf, env=ENV)
        wait_for("hipakad is up", lambda: self.status(), 20)

    def hipakad(self, *args, check=True):
        return sh(binary("hipakad"), "--config", self.conf, *args, check=check, env=ENV)

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

    def subscriber(self, sqn="000000000000", k=K):
        self.n += 1
        imsi = f"00101{self.n:010d}"
        self.hipakad("subscriber", "add", "--imsi", imsi, "--k", k, "--opc", OPC, "--sqn", sqn)
        return imsi

    def eapol(self, imsi, card, identity=None, nas_id=f"HIP:{HIT}", secret=SECRET, lie=None, extra=(), source=NAS):
        """Runs eapol_test once; (exit status, its output, the card's thread)."""
        self.n += 1
        folder = self.lab.path(f"run{self.n}", "x")[:-2]
        ifname = f"t{self.n}"
        conf = self.lab.path(f"run{self.n}", "eapol.conf")
        with open(conf, "w") as f:
            f.write(f"""ctrl_interface={folder}/ctrl
external_sim=1
network={{
    key_mgmt=WPA-EAP
    eap=AKA'
    identity="{identity or f'6{imsi}@{REALM}'}"
}}
""")
        os.makedirs(f"{folder}/ctrl", exist_ok=True)
        thread = Card(f"{folder}/ctrl", ifname, card, lie)
        thread.start()
        p = self.lab.run("nas", "eapol_test", "-W", "-c", conf, "-a", AS, "-s", secret, "-A", source, "-i", ifname, "-t", "12",
                         *(["-N", f"32:s:{nas_id}"] if nas_id else []), *extra, check=False, timeout=60)
        thread.ended = True
        thread.join(5)
        return p.returncode, p.stdout + p.stderr, thread

    # ---- cases ------------------------------------------------------------------------------------------------------

    def full(self):
        imsi = self.subscriber()
        code, out, card = self.eapol(imsi, usim.Usim(imsi, K, OPC))
        check(code == 0 and "SUCCESS" in out.splitlines()[-1], f"eapol_test: {code}: {out[-800:]}")
        want = usim.aka_prime_msk(card.said[0][0][2], card.said[0][0][3], card.said[0][1], f"HIP:{HIT}".encode(),
                                  f"6{imsi}@{REALM}".encode())
        got = mppe(out)
        check(got == want, f"MS-MPPE-Recv-Key|Send-Key {got.hex()} is not MSK {want.hex()} for AT_KDF_INPUT HIP:{HIT}")
        check("MPPE keys OK: 1  mismatch: 0" in out, "eapol_test compared the keys otherwise: " + out[-300:])
        check(imsi_attrs(out) == {89: imsi.encode()}, f"Chargeable-User-Identity: {imsi_attrs(out)}")
        return "EAP-Success, keys equal on three sides, AT_KDF_INPUT is the FA's HIT"

    def other_name(self):
        imsi = self.subscriber()
        for nas_id in (f"HIP:{'0' * 32}", "some-access-point"):
            code, out, card = self.eapol(imsi, usim.Usim(imsi, K, OPC), nas_id=nas_id)
            check(code == 0, f"{nas_id}: eapol_test: {code}: {out[-500:]}")
            want = usim.aka_prime_msk(card.said[0][0][2], card.said[0][0][3], card.said[0][1], b"WLAN", f"6{imsi}@{REALM}".encode())
            check(mppe(out) == want, f"{nas_id}: the keys are not those of the name WLAN")
        check(self.status()["counters"]["unlisted_hit"] >= 1, "unlisted HIT was not counted")
        return "a HIT that is not the client's gets the name WLAN, and is counted"

    def several(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        for _ in range(3):
            code, out, _ = self.eapol(imsi, card)
            check(code == 0, f"eapol_test: {code}: {out[-500:]}")
        check(card.asked == sorted(set(card.asked)) and len(card.asked) == 3, f"SQNs do not rise: {card.asked}")
        return "SQNs " + ", ".join(f"{n:012x}" for n in card.asked)

    def wrong_key(self):
        imsi = self.subscriber(k="00112233445566778899aabbccddeeff")
        code, out, card = self.eapol(imsi, usim.Usim(imsi, K, OPC))
        check(code != 0 and "FAILURE" in out.splitlines()[-1], f"eapol_test: {code}: {out[-500:]}")
        check(card.said and card.said[0][0] == ("mac",), f"the card said {card.said}")
        check("Access-Reject" in out, "no Access-Reject")
        check(not mppe(out), "keys in the answer")
        return "the card refuses AUTN, Access-Reject with EAP-Failure, no keys"

    def wrong_res(self):
        imsi = self.subscriber()
        before = self.status()["refused"].get("RES", 0)
        code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), lie=lambda a: (a[0], bytes(8), a[2], a[3]))
        check(code != 0 and not mppe(out), f"eapol_test: {code}: {out[-500:]}")
        check(self.status()["refused"].get("RES", 0) == before + 1, f"not refused for RES: {self.status()['refused']}")
        return "RES of zeros under a right AT_MAC is refused"

    def resync(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC, sqn=0x123400)
        code, out, thread = self.eapol(imsi, card)
        check(code == 0, f"eapol_test: {code}: {out[-800:]}")
        check([a[0] for a, _ in thread.said] == ["auts", "ok"], f"the card said {[a[0] for a, _ in thread.said]}")
        sqn = json.loads(self.hipakad("subscriber", "show", imsi, "--json").stdout)["sqn"]
        check(int(sqn, 16) >> 5 == (0x123400 >> 5) + 1, f"SQN in the AuC: {sqn}")
        code, out, thread = self.eapol(imsi, card)
        check(code == 0 and [a[0] for a, _ in thread.said] == ["ok"], "the run after it fails")
        return f"Synchronization-Failure, new challenge, success; the AuC is at {sqn}"

    def foreign_auts(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC, sqn=0x123400)
        rand, autn, *_ = usim.Auc(K, OPC).vector()
        stale = usim.Usim(imsi, K, OPC, sqn=0x999900).authenticate(rand, autn)
        check(stale[0] == "auts", "the stale AUTS could not be made")
        code, out, _ = self.eapol(imsi, card, lie=lambda a: stale)
        sqn = json.loads(self.hipakad("subscriber", "show", imsi, "--json").stdout)["sqn"]
        check(code != 0 and not mppe(out), f"eapol_test: {code}")
        check(int(sqn, 16) >> 5 == 1, f"SQN moved to {sqn}")
        check(self.status()["refused"].get("AUTS", 0) >= 1, f"refused: {self.status()['refused']}")
        return "AUTS for another RAND is refused, SQN stays"

    def unknown(self):
        code, out, card = self.eapol("001019999999999", usim.Usim("001019999999999", K, OPC))
        check(code != 0 and "Access-Reject" in out and not mppe(out), f"eapol_test: {code}: {out[-500:]}")
        check(not card.said, "an unknown subscriber got a challenge")
        return "Access-Reject without a challenge"

    def pseudonym(self):
        imsi = self.subscriber()
        code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), identity=f"7abcdef@{REALM}", lie=None)
        check(code != 0 and not mppe(out), f"eapol_test: {code}")
        check("AT_PERMANENT_ID_REQ" in out, "the permanent identity was not asked for")
        return "an unknown pseudonym: the permanent identity is asked for, without it no success"

    def strangers(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        before = self.status()["counters"]
        code, out, _ = self.eapol(imsi, card, secret="another secret", extra=("-t", "3"))
        check(code != 0 and not card.asked, f"eapol_test: {code}")
        after = self.status()["counters"]
        check(after["bad_authenticator"] > before["bad_authenticator"], f"counters: {after}")
        code, out, _ = self.eapol(imsi, card, source="10.77.0.3", extra=("-t", "3"))
        check(code != 0 and not card.asked, f"eapol_test: {code}")
        check(self.status()["counters"]["unknown_client"] > before["unknown_client"], f"counters: {self.status()['counters']}")
        check(self.status()["counters"]["vectors"] == before["vectors"], "a vector was made for a stranger")
        return "wrong secret and unknown address: no answer, no vector"

    def restart(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        check(self.eapol(imsi, card)[0] == 0, "the first run fails")
        check(self.lab.stop("hipakad") == 0, "hipakad did not end cleanly")
        self.start()
        check(self.eapol(imsi, card)[0] == 0, "the run after the restart fails")
        check(card.asked[1] > card.asked[0], f"SQNs: {card.asked}")
        return "SQN goes on after a restart"

    def logs(self):
        text = self.lab.log_text("hipakad")
        check("event=accept" in text and "event=reject" in text, "the log has no outcome")
        for secret in (K, OPC, SECRET, "00101000000"):
            check(secret not in text, f"the log shows {secret}")
        check("ERROR: AddressSanitizer" not in text and "runtime error" not in text, text[-2000:])
        return "no IMSI, K, OPc or secret in the log"


def mppe(out):
    """MS-MPPE-Recv-Key | MS-MPPE-Send-Key as eapol_test decrypted them; empty when there are none."""
    parts = []
    for name in ("Recv", "Send"):
        m = re.findall(rf"MS-MPPE-{name}-Key[^\n]*hexdump\(len=32\): ((?:[0-9a-f]{{2}} ?){{32}})", out)
        if not m:
            return b""
        parts.append(bytes.fromhex(m[-1].replace(" ", "")))
    return b"".join(parts)


def imsi_attrs(out):
    """Chargeable-User-Identity of the Access-Accept in eapol_test's dump."""
    m = re.findall(r"Attribute 89 [^\n]*length=\d+\n\s+Value: ([0-9a-f]+|'[^']*')", out)
    return {89: bytes.fromhex(v) if re.fullmatch(r"[0-9a-f]+", v) and len(v) % 2 == 0 else v.strip("'").encode() for v in m[-1:]}


def body(cases):
    w = World(cases)
    w.set_up()
    for title, work in (("full authentication", w.full), ("network name of other NAS", w.other_name), ("three runs", w.several),
                        ("wrong K", w.wrong_key), ("wrong RES", w.wrong_res), ("resynchronisation", w.resync),
                        ("AUTS of another run", w.foreign_auts), ("unknown subscriber", w.unknown), ("pseudonym", w.pseudonym),
                        ("strangers", w.strangers), ("restart", w.restart), ("log", w.logs)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("aka-eapol", "akae-", body)
