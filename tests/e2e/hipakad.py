#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 300
"""hipakad by itself: the sequence number is on disk before its vector leaves, whenever the process dies; repeated, forged and
unauthenticated requests; what configuration and files it refuses; how it ends.

The process is killed by strace's fault injection at its n-th write for every n of a request: there are no hooks in the daemon.
"""
import json
import os
import pathlib
import re
import signal
import socket
import stat
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "interop")]
import case  # noqa: E402
import usim  # noqa: E402
from case import check  # noqa: E402
from daemons import binary  # noqa: E402
from lab import sh, wait_for  # noqa: E402
from nas import Nas, challenge, eap_of, identity, state_of  # noqa: E402

IMSI, K, OPC = "001010000000001", "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"
NAI = f"6{IMSI}@wlan.mnc001.mcc001.3gppnetwork.org"
SECRET = b"secret for one test"
# One work thread, so that the n-th write of a request is the same one in every run.
ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "UV_THREADPOOL_SIZE": "1"}
WRITES = ("pwrite64", "fdatasync", "fsync", "ftruncate", "write", "unlink")

CONF = """listen: ["127.0.0.1:1812"]
clients:
  - name: fa1
    address: 127.0.0.1
    secret_file: secret
    hits: ["2001:22:1122:3344:5566:7788:99aa:bbcc"]
network_name: WLAN
store: { path: store/auc.sqlite, key_file: store/auc.key }
control: { socket: ctl }
log: { level: debug }
"""


class World:
    def __init__(self, cases):
        self.lab = cases.lab

    def set_up(self):
        self.lab.add_host("as")
        self.conf = self.lab.path("as", "hipakad.yaml")
        self.put("secret", SECRET.decode() + "\n")
        self.put("hipakad.yaml", CONF)
        self.hipakad("subscriber", "add", "--imsi", IMSI, "--k", K, "--opc", OPC)
        self.nas = Nas(self.lab.ns("as"), "127.0.0.1", ("127.0.0.1", 1812), SECRET)
        self.card = usim.Usim(IMSI, K, OPC)

    def put(self, name, text, mode=0o600):
        path = self.lab.path("as", name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def hipakad(self, *args, check=True, conf=None):
        return sh(binary("hipakad"), "--config", conf or self.conf, *args, check=check, env=ENV)

    def start(self, *before):
        self.lab.start("as", "hipakad", *before, binary("hipakad"), "--config", self.conf, env=ENV)
        wait_for("hipakad is up: " + self.lab.log_text("hipakad")[-500:], self.status, 20)

    def status(self):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(self.lab.path("as", "ctl"))
            s.sendall(b'{"cmd":"status"}\n')
            return json.loads(s.makefile().readline() or "null")
        except OSError:
            return None
        finally:
            s.close()

    def stop(self):
        """SIGTERM to the daemon itself: strace would let go of it and leave it running."""
        p = self.lab.procs["hipakad"]
        os.kill(int(self.pid()), signal.SIGTERM)
        wait_for("hipakad ends", lambda: p.poll() is not None, 15)
        self.lab.stop("hipakad")
        return p.returncode

    def pid(self):
        """The daemon's own, below ip and strace."""
        out = sh("ip", "netns", "pids", self.lab.ns("as")).stdout.split()
        for p in out:
            if os.readlink(f"/proc/{p}/exe") == os.path.realpath(binary("hipakad")):
                return p
        raise case.Check("hipakad is not running")

    def stored(self):
        return int(json.loads(self.hipakad("subscriber", "show", IMSI, "--json").stdout)["sqn"], 16)

    def vector(self, timeout=3.0):
        """The SQN of the challenge to a fresh Response/Identity, or None when no answer came."""
        reply = self.nas.ask(identity(NAI), timeout=timeout)
        if reply is None:
            return None
        rand, autn = challenge(eap_of(reply))
        answer = self.card.authenticate(rand, autn)
        check(answer[0] != "mac", "a challenge that the card's network did not make")
        return self.card.asked[-1]

    # ---- the sequence number ----------------------------------------------------------------------------------------

    def order(self):
        trace = self.lab.path("as", "trace")
        self.start("strace", "-f", "-y", "-o", trace, "-e", "trace=recvmmsg,sendmmsg,pwrite64,fdatasync,fsync")
        check(self.vector() is not None, "no challenge")
        self.stop()
        with open(trace) as f:
            lines = f.read().splitlines()
        sent = next(i for i, line in enumerate(lines) if "sendmmsg(" in line and "Access" not in line)
        taken = max(i for i, line in enumerate(lines[:sent]) if "recvmmsg" in line and "= 1" in line)
        writes = [i for i in range(taken, sent) if "pwrite64(" in lines[i] and "auc.sqlite-wal" in lines[i]]
        syncs = [i for i in range(taken, sent) if "sync(" in lines[i] and "auc.sqlite-wal" in lines[i]]
        done = [i for i in syncs if lines[i].endswith("= 0")] or \
               [i for i in range(taken, sent) if re.search(r"sync resumed>.*= 0", lines[i])]
        check(writes and done and done[-1] > writes[-1],
              "the log of the store is not on disk before the answer leaves: " + "\n".join(lines[taken:sent + 1]))
        return f"{len(writes)} writes and their fdatasync between the request and the challenge"

    def killed(self):
        """Every write of a request in turn; after each death the numbers go on above all that were seen."""
        self.start()
        check(self.vector() is not None, "no challenge")
        self.stop()
        deaths = 0
        for call in WRITES:
            n = 0
            while True:
                n += 1
                check(n < 60, f"{call}: no end of writes")
                # The start's own writes come first: a start that dies is restarted below like a request that does.
                self.lab.start("as", "hipakad", "strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                               f"inject={call}:signal=KILL:when={n}", binary("hipakad"), "--config", self.conf, env=ENV)
                wait_for("hipakad is up or dead", lambda: self.status() or not self.lab.alive("hipakad"), 20)
                seen = self.vector(timeout=3.0 if self.alive_daemon() else 0.2) if self.alive_daemon() else None
                if self.alive_daemon():
                    self.stop()
                    if seen is None:
                        raise case.Check(f"{call} {n}: alive and silent")
                    break
                deaths += 1
                self.lab.stop("hipakad", signal.SIGKILL)
                self.after_death(f"{call} {n}")
        check(deaths >= 6, f"only {deaths} deaths: the injection did not reach the writes of the store")
        return f"{deaths} deaths at {', '.join(WRITES)}: no number twice"

    def alive_daemon(self):
        try:
            self.pid()
            return True
        except (case.Check, OSError):
            return False

    def after_death(self, where):
        before = list(self.card.asked)
        check(self.stored() >= max(before), f"{where}: a vector with SQN {max(before):012x} left, the store has {self.stored():012x}")
        self.start()
        sqn = self.vector()
        check(sqn is not None and sqn > max(before), f"{where}: SQN {sqn} after {max(before)}")
        check(self.stop() == 0, f"{where}: hipakad did not end cleanly afterwards")

    # ---- requests ---------------------------------------------------------------------------------------------------

    def repeated(self):
        self.start()
        before = self.stored()
        p = self.nas.request(identity(NAI))
        self.nas.send(p)
        self.nas.send(p)  # most likely while the AuC works
        first = self.nas.receive(p)
        check(first is not None, "no answer")
        for _ in range(3):
            self.nas.send(p)
            again = self.nas.receive(p)
            check(again == first, "a repeated request was answered otherwise")
        check(self.stored() >> 5 == (before >> 5) + 1, f"{(self.stored() >> 5) - (before >> 5)} vectors for one request")
        q = self.nas.request(identity(NAI))  # same contents, new authenticator: another request
        self.nas.id = p[1]
        self.nas.send(q)
        other = self.nas.receive(q)
        check(other is not None and eap_of(other) != eap_of(first), "another request got the first one's answer")
        c = self.status()["counters"]
        check(c["repeated_answered"] >= 3, f"counters {c}")
        return f"answered with the same octets, one vector ({c['repeated_pending']} while it was worked on)"

    def forged(self):
        before, sqn = self.status()["counters"], self.stored()
        cases = {"bad_authenticator": [self.nas.request(identity(NAI), secret=b"somebody else's"),
                                       flip(self.nas.request(identity(NAI)), 30), flip(self.nas.request(identity(NAI)), -1)],
                 "no_authenticator": [self.nas.request(identity(NAI), authenticator=False)],
                 "malformed": [self.nas.request(identity(NAI))[:25], b"\1\2\0\3", self.nas.request(identity(NAI), extra=b"\x50\x12" + bytes(16))],
                 "bad_code": [b"\4" + self.nas.request(identity(NAI))[1:]]}
        for packets in cases.values():
            for p in packets:
                self.nas.send(p)
                check(self.nas.receive(p, 0.4) is None, f"an answer to {p.hex()}")
        after = self.status()["counters"]
        for name, packets in cases.items():
            check(after[name] == before[name] + len(packets), f"{name}: {after[name] - before[name]}, not {len(packets)}")
        check(self.stored() == sqn and after["vectors"] == before["vectors"], "a vector was made for a forged request")
        return ", ".join(f"{len(p)} {n}" for n, p in cases.items())

    def stray(self):
        r = self.nas.ask(identity(NAI), state=bytes(16))
        check(r is not None and r[0] == 3 and eap_of(r)[0] == 4, "an unknown State: expected Access-Reject with EAP-Failure")
        first = self.nas.ask(identity(NAI))
        state, eap = state_of(first), eap_of(first)
        bad = bytes([2, eap[1], 0, 12, 50, 14, 0, 0, 22, 1, 0, 0])  # Client-Error
        r = self.nas.ask(bad, state)
        check(r is not None and r[0] == 3, "Client-Error: expected Access-Reject")
        r = self.nas.ask(bad, state)
        check(r is not None and r[0] == 3, "a used State: expected Access-Reject")
        check(self.status()["conversations"] >= 0, "")
        return "unknown and used States get Access-Reject"

    def sandboxed(self):
        pid = self.pid()
        with open(f"/proc/{pid}/status") as f:
            st = dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))
        with open(f"/proc/{pid}/limits") as f:
            core = re.search(r"Max core file size\s+(\S+)\s+(\S+)", f.read())
        check(core.groups() == ("0", "0"), f"core files: {core.groups()}")
        check(int(st["CapEff"], 16) == 0 and int(st["CapPrm"], 16) == 0, f"capabilities: {st['CapEff']}")
        check(st["NoNewPrivs"] == "1" and st["Seccomp"] == "2", f"NoNewPrivs {st['NoNewPrivs']}, Seccomp {st['Seccomp']}")
        for name in ("store/auc.sqlite", "store/auc.key"):
            mode = stat.S_IMODE(os.stat(self.lab.path("as", name)).st_mode)
            check(mode == 0o600, f"{name}: mode {mode:o}")
        return "no core file, no capability, seccomp; store and key file 0600"

    def ending(self):
        self.nas.send(self.nas.request(identity(NAI)))
        code = self.stop()
        check(code == 0, f"SIGTERM: exit status {code}: {self.lab.log_text('hipakad')[-800:]}")
        check(not os.path.exists(self.lab.path("as", "ctl")), "the control socket was left behind")
        text = self.lab.log_text("hipakad")
        check("AddressSanitizer" not in text and "runtime error" not in text, text[-2000:])
        for secret in (K, OPC, IMSI, SECRET.decode()):
            check(secret not in text, f"the log shows {secret}")
        return "SIGTERM ends it with status 0 in the middle of a request; no secret in the log"

    # ---- files ------------------------------------------------------------------------------------------------------

    def configuration(self):
        rows = [(r"^listen:.*$", "", "listen"), (r"127\.0\.0\.1:1812", "somewhere", "hipakad.bad.yaml:1: "),
                (r"address: 127\.0\.0\.1", "address: nowhere", "hipakad.bad.yaml:4: "), (r"name: fa1", "nmae: fa1", "hipakad.bad.yaml:3: "),
                (r'\["2001[^]]*\]', '["192.0.2.1"]', "hipakad.bad.yaml:6: "), (r"WLAN", "HIP:2001", "hipakad.bad.yaml:7: "),
                (r"level: debug", "level: loud", "hipakad.bad.yaml:10: "), (r"secret_file: secret", "secret_file: absent", "hipakad.bad.yaml:5: "),
                (r"secret_file: secret", "secret_file: open", "hipakad.bad.yaml:5: "), (r"secret_file: secret", "secret_file: short", "hipakad.bad.yaml:5: ")]
        self.put("open", "a secret that others can read\n", 0o644)
        self.put("short", "abc\n")
        check(self.hipakad("--check-config").stdout.strip() == "ok", "the good configuration is not ok")
        for find, put, want in rows:
            text, n = re.subn(find, put, CONF, count=1, flags=re.M)
            check(n == 1, find)
            p = self.hipakad("--check-config", conf=self.put("hipakad.bad.yaml", text), check=False)
            check(p.returncode != 0 and want in p.stderr and "expected" in p.stderr, f"{find} -> {put!r}: {p.returncode} {p.stderr}")
        return f"{len(rows)} faults, each with file and line"

    def subscribers(self):
        imsi, key = "001010000000077", "00112233445566778899aabbccddeeff"
        op, want = "cdc202d5123e20f62b6d676ac72cb318", "cd63cb71954a9f4e48a5994e37a02baf"  # TS 35.208 test set 1
        for bad in (["--imsi", "12", "--k", key, "--opc", key], ["--imsi", imsi, "--k", key[1:], "--opc", key], ["--imsi", imsi, "--k", key],
                    ["--imsi", imsi, "--k", key, "--opc", key, "--op", key], ["--imsi", imsi, "--k", key, "--opc", key, "--amf", "000"],
                    ["--imsi", imsi, "--k", key, "--opc", key, "--sqn", "1"], ["--k"]):
            p = self.hipakad("subscriber", "add", *bad, check=False)
            check(p.returncode == 2, f"{bad}: {p.returncode} {p.stderr[:100]}")
        self.put("k", K + "\n")
        self.hipakad("subscriber", "add", "--imsi", imsi, "--k", "@" + self.lab.path("as", "k"), "--op", op)
        check(self.hipakad("subscriber", "add", "--imsi", imsi, "--k", K, "--opc", OPC, check=False).returncode == 1, "added twice")
        shown = self.hipakad("subscriber", "list").stdout + self.hipakad("subscriber", "show", imsi).stdout + \
            self.hipakad("subscriber", "list", "--json").stdout + self.hipakad("subscriber", "show", imsi, "--json").stdout
        check(shown.count(imsi) == 4 and IMSI in shown, shown)
        for secret in (K, want, op):
            check(secret not in shown.lower(), "a key was printed")
        self.start()
        # OP gave the same OPc: the card accepts the challenge
        r = self.nas.ask(identity(NAI.replace(IMSI, imsi)))
        check(usim.Usim(imsi, K, want).authenticate(*challenge(eap_of(r)))[0] == "ok", "OPc of OP is wrong")
        self.hipakad("subscriber", "bar", imsi)
        r = self.nas.ask(identity(NAI.replace(IMSI, imsi)))
        check(challenge(eap_of(r)) is not None, "a barred subscriber is told so by everybody, not by its card alone")
        self.hipakad("subscriber", "unbar", imsi)
        check(challenge(eap_of(self.nas.ask(identity(NAI.replace(IMSI, imsi))))) is not None, "unbarred: no challenge")
        self.hipakad("subscriber", "del", imsi)
        check(challenge(eap_of(self.nas.ask(identity(NAI.replace(IMSI, imsi))))) is None, "a deleted subscriber got a challenge")
        check(self.hipakad("subscriber", "show", imsi, check=False).returncode == 1, "shown after del")
        self.stop()
        return "add with K from a file and OP, list, show, bar, unbar, del while it runs; keys never printed"

    def key_file(self):
        key, kept = self.lab.path("as", "store", "auc.key"), self.lab.path("as", "store", "kept")
        os.rename(key, kept)
        p = self.hipakad(check=False)
        check(p.returncode == 1 and "key file" in p.stderr, f"without its key: {p.returncode} {p.stderr}")
        self.put("store/auc.key", "ab" * 32 + "\n")
        p = self.hipakad(check=False)
        check(p.returncode == 1 and "not the one" in p.stderr, f"with another key: {p.returncode} {p.stderr}")
        os.rename(kept, key)
        os.chmod(key, 0o644)
        check(self.hipakad(check=False).returncode == 1, "a key file that others can read was taken")
        os.chmod(key, 0o600)
        data = b"".join(p.read_bytes() for p in pathlib.Path(self.lab.path("as", "store", "x")[:-2]).glob("auc.sqlite*"))
        check(IMSI.encode() in data, "the store does not hold the subscriber")
        for secret in (bytes.fromhex(K), bytes.fromhex(OPC), K.encode(), OPC.encode()):
            check(secret not in data, "K or OPc in clear in the store")
        return "missing, wrong and readable key files refused; K and OPc are not in the store's files"


def flip(packet, at):
    b = bytearray(packet)
    b[at] ^= 1
    return bytes(b)


def body(cases):
    w = World(cases)
    w.set_up()
    for title, work in (("SQN is on disk before the vector leaves", w.order), ("killed at every write", w.killed),
                        ("repeated requests", w.repeated), ("forged requests", w.forged), ("stray states", w.stray),
                        ("sandbox and modes", w.sandboxed), ("the end", w.ending), ("configuration", w.configuration),
                        ("subscribers", w.subscribers), ("key file", w.key_file)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("aka-hipakad", "akas-", body)
