#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
# check: full 300 --all
"""EAP-AKA and AKA' of others against hipakad: Debian's eapol_test (wpa_supplicant) as NAS and peer, a Python USIM behind its control socket.

First a matrix (method x identity x what happens), then single cases. eapol_test itself compares the MSK with the MPPE keys of the Access-Accept
after each run; for AKA' the USIM recomputes the MSK a third time. Three servers with a store each: one as it comes, one that says and asks all
it can (`talkative`), one with EAP-AKA alone.
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
OTHER_K = "00112233445566778899aabbccddeeff"
AS, TALKATIVE, PLAIN = "10.77.0.1", "10.77.0.11", "10.77.0.12"
NAS, STRANGER, PRIME_NAS = "10.77.0.2", "10.77.0.3", "10.77.0.4"
LEAD = {"AKA'": "678", "AKA": "024", "AKA AKA'": "678"}  # first characters of permanent, pseudonym and re-authentication identities
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
        self.sock.settimeout(0.02)
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


def eapol_test(lab, n, card, method, identity, server, secret, source, *args, lie=None, lines=()):
    """The nth run of eapol_test in the host `nas`, with this card; lines: more of its network block. (exit status, its output, the card's thread)"""
    folder, ifname, conf = lab.path(f"run{n}", "x")[:-2], f"t{n}", lab.path(f"run{n}", "eapol.conf")
    block = "".join(f"    {line}\n" for line in ("key_mgmt=WPA-EAP", f"eap={method}", f'identity="{identity}"', *lines))
    with open(conf, "w") as f:
        f.write(f"ctrl_interface={folder}/ctrl\nexternal_sim=1\nnetwork={{\n{block}}}\n")
    os.makedirs(f"{folder}/ctrl", exist_ok=True)
    thread = Card(f"{folder}/ctrl", ifname, card, lie)
    thread.start()
    p = lab.run("nas", "eapol_test", "-W", "-c", conf, "-a", server, "-s", secret, "-A", source, "-i", ifname, "-t", "12", *args, check=False, timeout=60)
    thread.ended = True
    thread.join(5)
    return p.returncode, p.stdout + p.stderr, thread


class Server:
    """One hipakad in the host `as`."""

    def __init__(self, lab, name, address, more="", methods="[aka-prime, aka]"):
        self.lab, self.name, self.address, self.n = lab, name, address, 0
        self.conf = lab.path("as", f"{name}.yaml")
        with open(self.conf, "w") as f:
            f.write(f"""listen: ["{address}:1812"]
clients:
  - {{ name: fa1, address: {NAS}, secret_file: secret, hits: ["2001:22:1122:3344:5566:7788:99aa:bbcc"] }}
  - {{ name: prime, address: {PRIME_NAS}, secret_file: secret, methods: [aka-prime] }}
network_name: WLAN
methods: {methods}
{more}
store: {{ path: {name}/auc.sqlite, key_file: {name}/auc.key }}
control: {{ socket: {name}.ctl }}
log: {{ level: debug }}
""")
        self.start()

    def start(self):
        self.lab.start("as", self.name, binary("hipakad"), "--config", self.conf, env=ENV)
        wait_for(f"{self.name} is up", lambda: self.status(), 20)

    def restart(self):
        check(self.lab.stop(self.name) == 0, f"{self.name} did not end cleanly")
        self.start()

    def hipakad(self, *args, check=True):
        return sh(binary("hipakad"), "--config", self.conf, *args, check=check, env=ENV)

    def status(self):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(self.lab.path("as", f"{self.name}.ctl"))
            s.sendall(b'{"cmd":"status"}\n')
            return json.loads(s.makefile().readline())
        except OSError:
            return None
        finally:
            s.close()

    def refused(self, why):
        return self.status()["refused"].get(why, 0)

    def subscriber(self, sqn="000000000000", k=K):
        self.n += 1
        imsi = f"00101{self.n:010d}"
        self.hipakad("subscriber", "add", "--imsi", imsi, "--k", k, "--opc", OPC, "--sqn", sqn)
        return imsi


class World:
    def __init__(self, cases):
        self.c, self.lab, self.n = cases, cases.lab, 0

    def set_up(self):
        lab = self.lab
        lab.add_host("as")
        lab.add_host("nas")
        lab.link("as", "eth0", [f"{AS}/24", f"{TALKATIVE}/24", f"{PLAIN}/24"], "nas", "eth0", [f"{NAS}/24", f"{STRANGER}/24", f"{PRIME_NAS}/24"])
        with open(os.open(lab.path("as", "secret"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(SECRET + "\n")
        self.suci = {p: suci_vectors(p) for p in "AB"}
        for profile, rows in self.suci.items():
            with open(os.open(lab.path("as", f"suci.{profile}"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(rows[0]["hn_private"] + "\n")
        keys = "suci_keys: [{{ id: 27, profile: {0}, home: \"274012\", key_file: suci.{0} }}]"
        self.main = Server(lab, "hipakad", AS, keys.format("A"))
        self.talkative = Server(lab, "talkative", TALKATIVE, "ask_identity: yes\nresult_indications: yes\ntesting: { offer_kdf: 4711 }\n" +
                                keys.format("B"))
        self.plain = Server(lab, "plain", PLAIN, "identities: { reauthentications: 1 }\nlimits: { conversation_time: 2s }", methods="[aka]")

    def hipakad(self, *args, check=True):
        return self.main.hipakad(*args, check=check)

    def status(self):
        return self.main.status()

    def subscriber(self, sqn="000000000000", k=K):
        return self.main.subscriber(sqn, k)

    def eapol(self, imsi, card, method="AKA'", identity=None, anonymous=None, phase1="", again=0, nas_id=f"HIP:{HIT}", secret=SECRET, lie=None,
              extra=(), source=NAS, server=AS):
        """Runs eapol_test once, `again` times more in the same peer; (exit status, its output, the card's thread)."""
        self.n += 1
        lines = ([f'anonymous_identity="{anonymous}"'] if anonymous else []) + ([f'phase1="{phase1}"'] if phase1 else [])
        return eapol_test(self.lab, self.n, card, method, identity or f"{LEAD[method][0]}{imsi}@{REALM}", server, secret, source,
                          *(["-r", str(again)] if again else []), *(["-N", f"32:s:{nas_id}"] if nas_id else []), *extra, lie=lie, lines=lines)

    # ---- the matrix -------------------------------------------------------------------------------------------------

    def pseudonym(self, server, method, imsi):
        """One that the server gives out now; the run is a twin card's, the SQN goes on for both."""
        code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), method, server=server.address, nas_id="access-point")
        given = names(out, "AT_NEXT_PSEUDONYM")
        check(code == 0 and len(given) == 1, f"the run before: {code}: {given} {out[-500:]}")
        check(given[0].startswith(LEAD[method][1]) and imsi[5:] not in given[0], f"pseudonym {given[0]}")
        return f"{given[0]}@{REALM}"

    def first_name(self, server, method, kind, imsi):
        _, pseudonym, reauth = LEAD[method]
        return {"permanent": lambda: None, "pseudonym": lambda: self.pseudonym(server, method, imsi),
                "stale pseudonym": lambda: f"{pseudonym}{'0' * 98}@{REALM}",
                "stale re-authentication identity": lambda: f"{reauth}{'0' * 32}@{REALM}", "no name": lambda: f"anonymous@{REALM}"}[kind]()

    def matrix(self, method, kind, event):
        server = self.talkative if event == "protected result" else self.main
        imsi = server.subscriber()
        name = self.first_name(server, method, kind, imsi)
        card = usim.Usim(imsi, OTHER_K if event == "wrong K" else K, OPC, sqn=0x123400 if event == "resynchronisation" else 0)
        if event == "unknown subscriber":
            server.hipakad("subscriber", "del", imsi)
        elif event == "barred subscriber":
            server.hipakad("subscriber", "bar", imsi)
        want_said, why, want_notes = EVENTS[event]
        before = server.refused(why) if why else 0
        code, out, thread = self.eapol(imsi, card, method, server=server.address, nas_id="access-point", anonymous=name, lie=LIES.get(event),
                                       phase1="result_ind=1" if event == "protected result" else "")
        said, notes, asked = [a[0] for a, _ in thread.said], notifications(out), requests(out)
        check(said == want_said, f"the card said {said}: {out[-600:]}")
        check(notes == want_notes, f"notifications {notes}")
        want_asked = (["ANY"] if server is self.talkative else []) + [r for r in ASKED[kind] if r != "ANY" or server is not self.talkative]
        check(asked == want_asked, f"identity requests {asked}, expected {want_asked}")
        if why is None:
            check(code == 0 and "MPPE keys OK: 1  mismatch: 0" in out, f"eapol_test: {code}: {out[-800:]}")
            check(imsi_attrs(out) == {89: imsi.encode()}, f"Chargeable-User-Identity: {imsi_attrs(out)}")
        else:
            check(code != 0 and "Access-Reject" in out and not mppe(out), f"eapol_test: {code}: {out[-800:]}")
            check(server.refused(why) == before + 1, f"not refused for {why}: {server.status()['refused']}")
        return " ".join([f"asked for {r.lower()}," for r in asked] + [f"card: {x}," for x in said] + [f"notification {n}," for n in notes] +
                        ["Access-Accept" if why is None else "Access-Reject"])

    def resync_more(self, method):
        """A twin of the card above is far ahead, on the server that offers a function nobody has."""
        imsi = self.talkative.subscriber()
        code, out, thread = self.eapol(imsi, usim.Usim(imsi, K, OPC, sqn=0x123400), method, server=TALKATIVE, nas_id="access-point")
        check(code == 0 and [a[0] for a, _ in thread.said] == ["auts", "ok"], f"eapol_test: {code}: {out[-800:]}")
        lists = [len(re.findall("AT_KDF\n", part)) for part in out.split("subtype Challenge")[:-1]]
        if method == "AKA'":
            check(out.count("(KDF select)") == 1 and "KDF 1 selected" in out, "no other function was chosen")
            check("The server did not accept the selected KDF" not in out and lists[0] == 2, f"AT_KDF lists {lists}")
            return "AT_KDF 4711, 1; the peer takes 1; AT_KDF 1, 4711, 1; Synchronization-Failure with the list; the same list again"
        check("KDF" not in out, "AT_KDF in EAP-AKA")
        return "no AT_KDF"

    # ---- fast re-authentication -------------------------------------------------------------------------------------

    def fast(self, method, server):
        imsi = server.subscriber()
        card = usim.Usim(imsi, K, OPC)
        code, out, thread = self.eapol(imsi, card, method, server=server.address, nas_id="access-point", again=3, phase1="result_ind=1")
        check(code == 0 and "MPPE keys OK: 4  mismatch: 0" in out, f"eapol_test: {code}: {out[-800:]}")
        check(len(thread.said) == 1, f"the card was asked {len(thread.said)} times")
        counters = [int(n) for n in re.findall(r"\*AT_COUNTER (\d+)", out)]
        want = [1, 2, 3] if server is self.main else [1, 1, 2, 2, 3, 3]  # again in the answer to the notification
        check(counters == want, f"counters {counters}")
        given = names(out, "AT_NEXT_REAUTH_ID")
        check(len(set(given)) == 4 and all(re.fullmatch(LEAD[method][2] + "[0-9a-f]{32}@" + re.escape(REALM), n) for n in given), f"identities {given}")
        return f"one full and three fast, counters 1 to 3, keys equal; notifications {notifications(out) or 'none'}"

    def fast_barred(self):
        """Barred while the card is asked in the full run, for which the vector is there already."""
        imsi = self.subscriber()

        def lie(answer):
            self.hipakad("subscriber", "bar", imsi)
            return answer

        before = self.main.refused("SUBSCRIBER")
        code, out, thread = self.eapol(imsi, usim.Usim(imsi, K, OPC), nas_id="access-point", again=1, lie=lie)
        check(code != 0 and len(thread.said) == 1 and notifications(out) == [1031], f"eapol_test: {code}: {notifications(out)}")
        check(self.main.refused("SUBSCRIBER") > before, f"{self.status()['refused']}")
        return "notification 1031 under AT_MAC with the counter, no Access-Accept"

    def few(self):
        imsi = self.plain.subscriber()
        code, out, thread = self.eapol(imsi, usim.Usim(imsi, K, OPC), "AKA", server=PLAIN, nas_id="access-point", again=2)
        check(code == 0 and [a[0] for a, _ in thread.said] == ["ok", "ok"], f"eapol_test: {code}: {out[-500:]}")
        check(len(names(out, "AT_NEXT_REAUTH_ID")) == 2 and out.count("subtype Reauthentication") == 1, "more than one in a row")
        return "one in a row is allowed: full, fast, full"

    def binding(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        code, out, thread = self.eapol(imsi, card, again=1)
        check(code == 0 and [a[0] for a, _ in thread.said] == ["ok", "ok"], f"eapol_test: {code}: {out[-500:]}")
        check(len(names(out, "AT_NEXT_PSEUDONYM")) == 2 and not names(out, "AT_NEXT_REAUTH_ID"), "what a binding may be called")
        # an identity for fast re-authentication that somebody else's access got is of no use to a Forwarding Agent either
        code, out, _ = self.eapol(imsi, card, nas_id="access-point")
        name = names(out, "AT_NEXT_REAUTH_ID")[0]
        code, out, thread = self.eapol(imsi, card, anonymous=name)
        check(code == 0 and requests(out) == ["FULLAUTH", "PERMANENT"] and [a[0] for a, _ in thread.said] == ["ok"], f"{code}: {requests(out)}")
        return "pseudonyms, the card each time, no identity for fast re-authentication"

    def privacy(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        given = []
        for _ in range(2):
            code, out, _ = self.eapol(imsi, card)
            given += names(out, "AT_NEXT_PSEUDONYM")
        same = max(n for n in range(1, 40) if any(given[0][i:i + n] in given[1] for i in range(3, len(given[0]) - n)))
        check(given[0] != given[1] and same < 8, f"{given}")
        self.main.restart()
        for name in given:
            code, out, _ = self.eapol(imsi, card, anonymous=f"{name}@{REALM}")
            check(code == 0 and not requests(out), f"{code}: {requests(out)}")
        forged = given[0][:-1] + ("0" if given[0][-1] != "0" else "1")
        code, out, _ = self.eapol(imsi, card, anonymous=f"{forged}@{REALM}")
        check(code == 0 and requests(out) == ["PERMANENT"], f"a forged one: {code}: {requests(out)}")
        return "two of one subscriber have nothing in common; both open after a restart; one digit changed: unknown"

    # ---- SUCI -------------------------------------------------------------------------------------------------------

    def concealed(self, profile):
        """The NAIs of TS 33.501 Annex C as identities; AT_IDENTITY too, at the server that asks. The bad ones of the vectors are nobody's."""
        server = {"A": self.main, "B": self.talkative}[profile]
        good, *bad = self.suci[profile]
        imsi = good["imsi"]
        public = sh(binary("hipakad"), "suci-key", "--profile", profile, "--show", self.lab.path("as", f"suci.{profile}"), env=ENV).stdout
        check(public == good["hn_public"] + "\n", public)
        server.hipakad("subscriber", "add", "--imsi", imsi, "--k", K, "--opc", OPC)
        for method in ("AKA'", "AKA"):  # AKA by Nak: the identity does not say
            code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), method, identity=good["nai"], server=server.address, nas_id="access-point")
            check(code == 0 and "MPPE keys OK: 1" in out and imsi_attrs(out) == {89: imsi.encode()}, f"{method}: {code}: {out[-600:]}")
            check(requests(out) == (["ANY"] if server is self.talkative else []), f"{requests(out)}")
        for t in bad:
            card = usim.Usim(imsi, K, OPC)
            code, out, _ = self.eapol(imsi, card, identity=t["nai"], server=server.address, nas_id="access-point")
            check(code != 0 and not card.asked and requests(out) == ["ANY", "FULLAUTH", "PERMANENT"], f"{t['comment']}: {code}: {requests(out)}")
        check(imsi not in self.lab.log_text(server.name), "the IMSI is in the log")
        return f"opened, the subscriber named in Access-Accept; {len(bad)} bad ones: asked for another identity, no challenge"

    # ---- which method -----------------------------------------------------------------------------------------------

    def bidding(self):
        """AKA' refused on the victim's behalf: somebody strips it, and the peer that has it does not go on with AKA."""
        imsi = self.subscriber()
        before = self.main.refused("REJECTED")
        code, out, thread = self.eapol(imsi, usim.Usim(imsi, K, OPC), "AKA AKA'", identity=f"0{imsi}@{REALM}", nas_id="access-point")
        check(code != 0 and "Bidding down from AKA' to AKA detected" in out and not thread.said, f"eapol_test: {code}: {out[-500:]}")
        check(self.main.refused("REJECTED") == before + 1, f"{self.status()['refused']}")
        imsi = self.plain.subscriber()
        code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), "AKA AKA'", identity=f"0{imsi}@{REALM}", nas_id="access-point", server=PLAIN)
        check(code == 0 and "AT_BIDDING" not in out, f"where there is no AKA': {code}: {out[-500:]}")
        return "AT_BIDDING with D=1: Authentication-Reject; without AKA' at the server none, and success"

    def nak(self):
        for method, lead in (("AKA", "6"), ("AKA'", "0")):
            imsi = self.subscriber()
            code, out, thread = self.eapol(imsi, usim.Usim(imsi, K, OPC), method, identity=f"{lead}{imsi}@{REALM}", nas_id="access-point")
            check(code == 0 and "MPPE keys OK: 1" in out and len(thread.said) == 1, f"{method}: {code}: {out[-500:]}")
        imsi = self.subscriber()
        before = self.main.refused("NAK")
        code, out, thread = self.eapol(imsi, usim.Usim(imsi, K, OPC), "AKA", source=PRIME_NAS, nas_id="access-point")
        check(code != 0 and not thread.said and self.main.refused("NAK") == before + 1, f"a client without AKA: {code}: {out[-500:]}")
        return "Nak to AKA' is followed by AKA, and the other way round; not where the client may have one of them only"

    def lies(self):
        """RES of another length, CK of another run, an answer that comes too late."""
        seen = []
        for what, method, lie, server, why in (
                ("RES of four octets", "AKA", lambda a: (a[0], a[1][:4], a[2], a[3]), self.main, "RES"),
                ("RES of sixteen octets", "AKA'", lambda a: (a[0], a[1] * 2, a[2], a[3]), self.main, "RES"),
                ("another CK", "AKA", lambda a: (a[0], a[1], bytes(16), a[3]), self.main, "CLIENT_ERROR"),
                ("another IK", "AKA'", lambda a: (a[0], a[1], a[2], bytes(16)), self.main, "CLIENT_ERROR"),
                ("too late", "AKA", late, self.plain, "STATE")):
            imsi = server.subscriber()
            before = server.refused(why)
            code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), method, lie=lie, server=server.address, nas_id="access-point")
            check(code != 0 and not mppe(out) and server.refused(why) == before + 1, f"{what}: {code}: {server.status()['refused']}")
            seen.append(f"{what}: {why}")
        return ", ".join(seen)

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

    def never(self):
        imsi = self.subscriber()
        code, out, _ = self.eapol(imsi, usim.Usim(imsi, K, OPC), identity=f"7abcdef@{REALM}")
        check(code != 0 and not mppe(out) and requests(out) == ["PERMANENT"], f"eapol_test: {code}: {requests(out)}")
        return "an unknown pseudonym and nothing else: asked for the permanent identity once, then no success"

    def strangers(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        before = self.status()["counters"]
        code, out, _ = self.eapol(imsi, card, secret="another secret", extra=("-t", "3"))
        check(code != 0 and not card.asked, f"eapol_test: {code}")
        after = self.status()["counters"]
        check(after["bad_authenticator"] > before["bad_authenticator"], f"counters: {after}")
        code, out, _ = self.eapol(imsi, card, source=STRANGER, extra=("-t", "3"))
        check(code != 0 and not card.asked, f"eapol_test: {code}")
        check(self.status()["counters"]["unknown_client"] > before["unknown_client"], f"counters: {self.status()['counters']}")
        check(self.status()["counters"]["vectors"] == before["vectors"], "a vector was made for a stranger")
        return "wrong secret and unknown address: no answer, no vector"

    def restart(self):
        imsi = self.subscriber()
        card = usim.Usim(imsi, K, OPC)
        check(self.eapol(imsi, card)[0] == 0, "the first run fails")
        self.main.restart()
        check(self.eapol(imsi, card)[0] == 0, "the run after the restart fails")
        check(card.asked[1] > card.asked[0], f"SQNs: {card.asked}")
        return "SQN goes on after a restart"

    def logs(self):
        for server in (self.main, self.talkative, self.plain):
            text = self.lab.log_text(server.name)
            check("event=accept" in text and (server is self.talkative or "event=reject" in text), f"{server.name}: the log has no outcome")
            for secret in (K, OPC, SECRET, "00101000000", f"@{REALM}"):
                check(secret not in text, f"the log shows {secret}")
            check("ERROR: AddressSanitizer" not in text and "runtime error" not in text, text[-2000:])
        return "no IMSI, K, OPc or secret in the log"


def suci_vectors(profile):
    """The published one of this profile, and some that are wrong."""
    with open(HERE.parents[1] / "test-vectors" / "aka" / "suci.json") as f:
        tests = [t for g in json.load(f)["testGroups"] for t in g["tests"] if t["profile"] == profile and t["plmn"] == "274012"]
    bad = ("a digit of the tag altered", "the null scheme", "another home network key", "another ephemeral key")
    return [t for t in tests if t["result"] == "valid"][:1] + [t for t in tests if t["comment"] in bad]


def late(answer):
    time.sleep(2.5)
    return answer


# what the card says, why the server refuses, the notifications
EVENTS = {"success": (["ok"], None, []), "resynchronisation": (["auts", "ok"], None, []), "wrong K": (["mac"], "REJECTED", []),
          "wrong RES": (["ok"], "RES", [16384]), "unknown subscriber": ([], "SUBSCRIBER", [16384]),
          "barred subscriber": (["ok"], "SUBSCRIBER", [1031]), "protected result": (["ok"], None, [32768])}
LIES = {"wrong RES": lambda a: (a[0], bytes(8), a[2], a[3])}
# what is asked for when the first name is of this kind
ASKED = {"permanent": [], "pseudonym": [], "stale pseudonym": ["PERMANENT"], "stale re-authentication identity": ["FULLAUTH", "PERMANENT"],
         "no name": ["ANY"]}


def requests(out):
    """Identity requests, in order."""
    return re.findall(r"EAP-SIM: AT_(ANY|FULLAUTH|PERMANENT)_ID_REQ", out)


def notifications(out):
    return [int(n) for n in re.findall(r"EAP-SIM: AT_NOTIFICATION (\d+)", out)]


def names(out, attribute):
    """Values of an encrypted attribute, out of eapol_test's dumps of 16 octets a line."""
    found = []
    for m in re.finditer(rf"EAP-AKA: \(encr\) {attribute} - hexdump_ascii\(len=(\d+)\):\n((?: {{5}}(?:[0-9a-f]{{2}} ){{1,16}} .*\n)+)", out):
        octets = b"".join(bytes.fromhex(line[5:5 + 48]) for line in m.group(2).splitlines())
        found.append(octets[:int(m.group(1))].decode())
    return found


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
    whole = "--all" in sys.argv
    for method in ("AKA'", "AKA"):
        for kind in ASKED:
            for event in EVENTS:
                if whole or event == "success" or kind == "permanent" or (kind, method) == ("pseudonym", "AKA'") and event in ("resynchronisation", "unknown subscriber", "barred subscriber"):
                    cases.case(f"{method}, {kind}: {event}", w.matrix, method, kind, event)
        cases.case(f"{method}: key derivation functions, resynchronisation", w.resync_more, method)
        cases.case(f"{method}: fast re-authentication", w.fast, method, w.main)
        cases.case(f"{method}: fast re-authentication, protected results", w.fast, method, w.talkative)
    for title, work in (("full authentication", w.full), ("network name of other NAS", w.other_name), ("three runs", w.several),
                        ("fast re-authentications in a row", w.few), ("fast re-authentication of a barred subscriber", w.fast_barred), ("a SIM binding", w.binding), ("pseudonyms", w.privacy),
                        ("SUCI, profile A", lambda: w.concealed("A")), ("SUCI, profile B", lambda: w.concealed("B")),
                        ("AKA' refused on the victim's behalf", w.bidding), ("Nak", w.nak), ("lies", w.lies), ("nothing but a pseudonym", w.never),
                        ("resynchronisation", w.resync), ("AUTS of another run", w.foreign_auts),
                        ("strangers", w.strangers), ("restart", w.restart), ("log", w.logs)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("aka-eapol", "akae-", body)
