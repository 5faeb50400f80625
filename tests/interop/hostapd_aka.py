#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 180
"""Our RADIUS client and EAP-AKA' peer (aka_client) against Debian's hostapd as authentication server, with a Python AuC behind its eap_sim_db socket."""
import os
import pathlib
import re
import socket
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]
import case  # noqa: E402
import usim  # noqa: E402
from case import check  # noqa: E402
from daemons import ROOT  # noqa: E402
from lab import LabError, wait_for  # noqa: E402

K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"  # TS 35.208 test set 1
IMSI, SECRET = "001010000000001", "secret between lab hosts"


class Hlr(threading.Thread):
    """The AuC that hostapd asks over its datagram socket: AKA-REQ-AUTH IMSI, AKA-AUTS IMSI AUTS RAND."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.settimeout(0.2)
        self.aucs, self.repeat, self.last, self.asked, self.ended = {}, False, None, [], False

    def run(self):
        while not self.ended:
            try:
                line, who = self.sock.recvfrom(4096)
            except socket.timeout:
                continue
            except OSError:
                break
            words = line.decode().split()
            self.asked.append(words[0])
            if words[0] == "AKA-REQ-AUTH":
                self.sock.sendto(self.request(words[1]).encode(), who)
            elif words[0] == "AKA-AUTS" and words[1] in self.aucs:
                self.aucs[words[1]].resync(bytes.fromhex(words[2]), bytes.fromhex(words[3]))
        self.sock.close()

    def request(self, imsi):
        auc = self.aucs.get(imsi)
        if not auc:
            return f"AKA-RESP-AUTH {imsi} FAILURE"
        if not (self.repeat and self.last):
            self.last = auc.vector()
        return f"AKA-RESP-AUTH {imsi} " + " ".join(x.hex() for x in self.last)


class World:
    def __init__(self, cases):
        self.lab = cases.lab

    def set_up(self):
        lab = self.lab
        lab.add_host("aaa")
        lab.add_host("nas")
        lab.link("aaa", "eth0", ["10.78.0.1/24"], "nas", "eth0", ["10.78.0.2/24"])
        self.hlr = Hlr(lab.path("aaa", "hlr.sock"))
        self.hlr.start()
        for name, text in (("users", "".join(f'"{lead}"*\t{method}\n' for lead, method in zip("678024", ["AKA'"] * 3 + ["AKA"] * 3))), ("clients", f"10.78.0.0/24 {SECRET}\n"),
                           ("conf", f"""driver=none
interface=eth0
eap_server=1
eap_user_file={lab.path('aaa', 'users')}
eap_sim_db=unix:{lab.path('aaa', 'hlr.sock')}
radius_server_clients={lab.path('aaa', 'clients')}
radius_server_auth_port=1812
""")):
            with open(lab.path("aaa", name), "w") as f:
                f.write(text)
        lab.start("aaa", "hostapd", "hostapd", "-dd", lab.path("aaa", "conf"))
        wait_for("hostapd listens", lambda: ":1812" in lab.run("aaa", "ss", "-Hlun").stdout, 15)

    def ask(self, *options, k=K, imsi=IMSI, secret=SECRET, nas="HIP:20010022112233445566778899aabbcc"):
        """The result lines of aka_client as dictionaries, and its exit status."""
        prog = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build")) / "tests" / "interop" / "aka_client"
        if not prog.exists():
            raise LabError(f"{prog} is not built")
        p = self.lab.run("nas", prog, "10.78.0.1", "1812", secret, nas, imsi, k, OPC, *options, check=False, timeout=60)
        rows = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in p.stdout.splitlines() if line.startswith("result=")]
        check(rows and "Sanitizer" not in p.stderr, f"aka_client: {p.returncode}: {p.stdout} {p.stderr[-500:]}")
        return rows, p.returncode

    def full(self):
        self.hlr.aucs[IMSI] = usim.Auc(K, OPC)
        rows, code = self.ask("name=WLAN", "runs=3")
        check(code == 0 and [r["result"] for r in rows] == ["accept"] * 3, f"{rows}")
        check(all(r["keys"] == "equal" and r["name"] == "WLAN" for r in rows), f"{rows}")
        return f"three runs of {rows[0]['rounds']} rounds, MSK equal to the MPPE keys, AT_KDF_INPUT WLAN"

    def name(self):
        rows, code = self.ask("name=HIP:20010022112233445566778899aabbcc")
        check(code == 1 and rows[0]["result"] == "reject" and rows[0]["peer"] == "NET_NAME", f"{rows}")
        return "another network name than demanded: Authentication-Reject, then Access-Reject"

    def wrong_key(self):
        rows, code = self.ask(k="00112233445566778899aabbccddeeff")
        check(code == 1 and rows[0]["result"] == "reject" and rows[0]["peer"] == "AUTN", f"{rows}")
        return "AUTN refused by our card, Access-Reject"

    def resync(self):
        before = self.hlr.aucs[IMSI].resyncs
        rows, code = self.ask("sqn=000000222200", "runs=2")
        check(code == 0 and [r["auts"] for r in rows] == ["1", "0"], f"{rows}")
        check(self.hlr.aucs[IMSI].resyncs == before + 1, "the AuC was not resynchronised")
        return "Synchronization-Failure understood, new challenge, success; the next run needs none"

    def replay(self):
        self.hlr.repeat = True
        self.hlr.last = None
        try:
            rows, code = self.ask("runs=2", "sqn=000000000000")
        finally:
            self.hlr.repeat = False
        check(rows[0]["result"] == "accept" and code == 1, f"{rows}")
        check(rows[1]["auts"] == "2" and rows[1]["peer"] == "TOO_MANY" and rows[1]["keys"] == "none", f"a replayed challenge: {rows[1]}")
        return "the same vector again and again: AUTS once, then Client-Error; no RES, no keys"

    def separation(self):
        auc = self.hlr.aucs[IMSI]
        auc.amf = bytes(2)
        try:
            rows, code = self.ask()
        finally:
            auc.amf = b"\x80\x00"
        check(code == 1 and rows[0]["peer"] in ("SEPARATION", "AUTN", "NOTIFIED"), f"{rows}")
        return "vectors without the separation bit: " + rows[0]["peer"]

    def pseudonyms(self):
        """hostapd gives out pseudonyms; the next run shows it, and is as good."""
        rows, code = self.ask("runs=3", "pseudonym=yes")
        check(code == 0 and all(r["keys"] == "equal" and r["method"] == "50" for r in rows), f"{rows}")
        said = [r["identity"] for r in rows]
        check(said[0].startswith("6" + IMSI) and all(s.startswith("7") and IMSI not in s for s in said[1:]) and len(set(said)) == 3, f"{said}")
        check(all(s.endswith("@wlan.mnc001.mcc001.3gppnetwork.org") for s in said), f"{said}")
        return "the permanent identity once, then two pseudonyms; MSK equal each time"

    def aka(self):
        """EAP-AKA, with vectors that have no separation bit; the AuC of the vectors that have it is refused (docs/sim-binding.md section 4)."""
        auc = self.hlr.aucs[IMSI]
        auc.amf = bytes(2)
        try:
            rows, code = self.ask("aka=yes", "runs=2", "pseudonym=yes")
            check(code == 0 and all(r["keys"] == "equal" and r["method"] == "23" for r in rows), f"{rows}")
            check(rows[1]["identity"].startswith("2"), f"{rows}")
            none, code = self.ask("identity=0" + IMSI + "@wlan.mnc001.mcc001.3gppnetwork.org")
            check(code == 1 and none[0]["keys"] == "none", f"without aka=yes: {none}")
        finally:
            auc.amf = b"\x80\x00"
        split, code = self.ask("aka=yes")
        check(code == 1 and split[0]["peer"] == "SEPARATION" and split[0]["keys"] == "none", f"{split}")
        return "two runs, the second under a pseudonym; Nak where it is not allowed; a vector of AKA' refused"

    def unknown(self):
        rows, code = self.ask(imsi="001019999999999")
        check(code == 1 and rows[0]["result"] == "reject" and rows[0]["keys"] == "none", f"{rows}")
        return f"Access-Reject, the peer saw {rows[0]['peer']}"

    def secret(self):
        rows, code = self.ask(secret="another secret")
        check(code == 1 and rows[0]["result"] == "timeout", f"{rows}")
        return "another secret: no answer counts"

    def end(self):
        self.hlr.ended = True
        self.hlr.join(2)
        check("AKA-AUTS" in self.hlr.asked and "AKA-REQ-AUTH" in self.hlr.asked, f"{set(self.hlr.asked)}")
        return f"hostapd asked the AuC {len(self.hlr.asked)} times"


def body(cases):
    w = World(cases)
    w.set_up()
    for title, work in (("full authentication", w.full), ("network name", w.name), ("wrong K", w.wrong_key),
                        ("resynchronisation", w.resync), ("replayed challenge", w.replay), ("separation bit", w.separation),
                        ("pseudonyms", w.pseudonyms), ("EAP-AKA", w.aka), ("unknown subscriber", w.unknown), ("wrong secret", w.secret), ("AuC", w.end)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("aka-hostapd", "akah-", body)
