#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
# check: full 240 --long
"""hipakad's subscribers in bulk and its file key: import from CSV (bad lines, conflicts, dry run, killed and gone on with), TUAK subscribers,
rotate-key while the daemon answers, killed at random points.

    tests/e2e/subscribers.py [--long] [--seed N]
"""
import argparse
import json
import os
import pathlib
import pty
import random
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "interop")]
import case  # noqa: E402
import hipakad  # noqa: E402
import usim  # noqa: E402
from vectorcheck import aka  # noqa: E402
from case import check  # noqa: E402
from daemons import binary  # noqa: E402
from hipakad import ENV, IMSI, K, NAI, OPC  # noqa: E402
from nas import challenge, eap_of, identity  # noqa: E402

OTHER_K = K[:-1] + "d"


class World(hipakad.World):
    def __init__(self, cases, args):
        super().__init__(cases)
        self.args, self.dice = args, random.Random(args.seed)
        self.keys = {}

    def csv(self, name, rows, head="imsi,k,opc", mode=0o600, end="\n"):
        return self.put(name, head + end + "".join(r + end for r in rows), mode)

    def many(self, n, first=0):
        rows = []
        for i in range(first, first + n):
            imsi, k, opc = f"00102{i:010d}", f"{self.dice.getrandbits(128):032x}", f"{self.dice.getrandbits(128):032x}"
            self.keys[imsi] = (k, opc)
            rows.append(f"{imsi},{k},{opc}")
        return rows

    def read(self, *args, check=True, stdin=None):
        p = subprocess.run([binary("hipakad"), "--config", self.conf, "subscriber", "import", *args], input=stdin, capture_output=True,
                           text=True, env=ENV, timeout=120)
        case.check(not check or p.returncode == 0, f"import {args}: {p.returncode} {p.stderr[-300:]}")
        return p

    def counts(self, *args, **kw):
        return json.loads(self.read(*args, "--json", **kw).stdout)

    def killed(self, begun, *args):
        """hipakad ARGS, killed at a random moment after begun(). True when it had not ended by then."""
        p = subprocess.Popen([binary("hipakad"), "--config", self.conf, *args], stdout=subprocess.DEVNULL, env=ENV)
        while p.poll() is None and not begun():
            time.sleep(0.002)
        time.sleep(self.dice.uniform(0, 0.06))
        p.kill()
        return p.wait() == -signal.SIGKILL

    def listed(self):
        return {o["imsi"]: o for o in json.loads(self.hipakad("subscriber", "list", "--json").stdout)}

    def answers(self, imsi, k, opc):
        r = self.nas.ask(identity(NAI.replace(IMSI, imsi)))
        card = usim.Usim(imsi, k, opc)
        check(r is not None and card.authenticate(*challenge(eap_of(r)))[0] == "ok", f"{imsi}: not a challenge of its network's")

    # ---- import -----------------------------------------------------------------------------------------------------

    def whole(self):
        path = self.csv("a.csv", self.many(3000), "IMSI,KI,OPC", end="\r\n")
        before = self.listed()
        o = self.counts(path, "--dry-run")
        check(o["dry_run"] and (o["added"], o["same"], o["conflicts"], o["bad"]) == (3000, 0, 0, 0) and self.listed() == before, str(o))
        o = self.counts(path)
        check((o["lines"], o["added"], o["same"]) == (3000, 3000, 0) and o["complete"], str(o))
        o = self.counts(path)
        check((o["added"], o["same"], o["conflicts"]) == (0, 3000, 0), str(o))
        check(len(self.listed()) == len(before) + 3000, "not all are there")
        with open(path) as f:
            o = self.counts("-", stdin=f.read())
        check(o["file"] == "stdin" and o["same"] == 3000, str(o))
        self.start()
        for imsi in self.dice.sample(sorted(self.keys), 5):
            self.answers(imsi, *self.keys[imsi])
        self.stop()
        return "3000 added, none by a dry run, all there already the second time; they answer"

    def bar(self):
        """What a person sees meanwhile, on a terminal and nowhere else."""
        there = dict(self.keys)
        path = self.csv("bar.csv", self.many(2000, 50000))
        self.keys = there  # they are not to stay
        for args in (("subscriber", "import", path, "--dry-run"), ("rotate-key",)):
            ours, theirs = pty.openpty()
            p = subprocess.Popen([binary("hipakad"), "--config", self.conf, *args], stderr=theirs, stdout=subprocess.PIPE, text=True, env=ENV)
            os.close(theirs)
            out, seen = p.communicate(timeout=60)[0], b""
            try:
                while part := os.read(ours, 4096):
                    seen += part
            except OSError:  # the other end is closed
                pass
            os.close(ours)
            check(p.returncode == 0 and b"[" in seen and b" %" in seen and b"\x1b[K" in seen, f"{args}: {seen!r}")
            check("[" not in out and out.count("\n") == 1, out)
        check(self.read(path, "--dry-run").stderr == "", "a bar without a terminal")
        return "import and rotate-key: one line that moves, gone at the end"

    def faults(self):
        good = f"001030000000001,{K},{OPC},,,,,"
        rows = [(good, None), (f"001030000000002,{K},{OPC}", "expected 8 fields, found 3"), ("", "empty line"),
                (f"00103000000000x,{K},{OPC},,,,,", "imsi: expected 6 to 15 digits"), (f"001030000000003,{K[1:]},{OPC},,,,,", "k: expected"),
                (f'"001030000000004",{K},{OPC},,,,,', "quotes"), (f"001030000000005, {K},{OPC},,,,,", "a blank"),
                (f"001030000000006,{K},{OPC},,,,7ff,", "amf: expected 4"), (f"001030000000007,{K},,,,,,", "one of opc and op"),
                (f"001030000000008,{K},{OPC},comp128,,,,", "milenage or tuak"), (f"001030000000009,{K},,tuak,,,,", "one of topc and top"),
                (f"001030000000010,{K},{OPC},tuak,,,,", "for algorithm milenage"), (f"001030000000011,{K},,tuak,{OPC}{OPC},32,,", "res_length"),
                (f"001030000000012,{K},{OPC},,,,,12", "sqn: expected 12"), (f"001030000000013,{K},{OPC},,,8,,", "for algorithm tuak"),
                ("9" * 2000, "line too long"), (f"001030000000014,{K},{OPC}\u00e4,,,,,", "beyond ASCII"),
                (f"001030000000015,{K * 2},,tuak,{OPC}{OPC},16,8001,0000000000ff", None)]
        head = "imsi,k,opc,algorithm,topc,res_length,amf,sqn"
        path = self.csv("bad.csv", [r for r, _ in rows], head)
        p = self.read(path, check=False)
        check(p.returncode == 1, f"{p.returncode}")
        lines = p.stderr.splitlines()
        for i, (row, why) in enumerate(rows):
            said = [s for s in lines if s.startswith(f"{path}:{i + 2}: ")]
            check(len(said) == (why is not None) and (not why or why in said[0]), f"line {i + 2}, {row[:40]}: {said}")
        check(K not in p.stderr and K not in p.stdout, "a key was printed")
        now = self.listed()
        check(now["001030000000015"]["algorithm"] == "tuak" and now["001030000000015"]["sqn"] == "0000000000ff" and
              now["001030000000015"]["amf"] == "8001" and "001030000000001" in now and "001030000000005" not in now, "what was good is not there")
        heads = [("imsi,opc", "imsi and k"), ("imsi,k,opc,k", "column twice"), ("imsi,k,opc,pin1", "unknown column"), ("\ufeffimsi,k", "beyond ASCII")]
        for head, why in heads:
            p = self.read(self.csv("head.csv", [], head), check=False)
            check(p.returncode == 2 and why in p.stderr and ":1: " in p.stderr, f"{head}: {p.returncode} {p.stderr}")
        p = self.read(self.put("empty.csv", ""), check=False)
        check(p.returncode == 2, f"no header: {p.returncode}")
        p = self.read(self.csv("skip.csv", [f"8935,001030000000020,{K},{OPC},1234"], "ICCID,imsi,k,opc,PIN1"), "--skip", "iccid,pin1")
        check("001030000000020" in self.listed(), "columns passed over")
        p = self.read(self.csv("open.csv", [], mode=0o644), check=False)
        check(p.returncode == 1 and "yours alone" in p.stderr, f"readable by others: {p.returncode} {p.stderr}")
        return f"{len([1 for _, w in rows if w])} bad lines and {len(heads) + 1} bad headers, each with file and line; the good ones are in"

    def conflicts(self):
        rows = [f"{IMSI},{K},{OPC},8000", f"{IMSI},{OTHER_K},{OPC},8000", f"{IMSI},{K},{OPC},8001", f"001040000000001,{K},{OPC},8000",
                f"001040000000001,{OTHER_K},{OPC},8000"]
        path = self.csv("conflict.csv", rows, "imsi,k,opc,amf")
        was = self.listed()[IMSI]
        for dry in ([], ["--dry-run"]):
            o = self.counts(path, *dry, check=False)
            said = {e["line"]: e["text"] for e in o["listed"]}
            check(o["conflicts"] == 3 and o["same"] == (1 if not dry else 2) and set(said) == {3, 4, 6}, str(o))
            check("other keys" in said[3] and "another AMF" in said[4] and "milenage" in said[3] and "AMF 8000" in said[4], str(said))
        check(self.listed()[IMSI] == was, "a conflict changed what was there")
        return "other keys, another AMF, twice in one file: listed with what was there, nothing touched"

    def killed_import(self):
        n, deaths = 40000 if self.args.long else 8000, 0
        path = self.csv("big.csv", self.many(n, 100000))
        have = len(self.listed())
        store = self.lab.path("as", "store")

        def written():
            return sum(os.path.getsize(f"{store}/{f}") for f in os.listdir(store))
        for _ in range(30 if self.args.long else 5):
            size = written()
            deaths += self.killed(lambda was=size: written() != was, "subscriber", "import", path)
        o = self.counts(path)
        check(o["added"] + o["same"] == n and o["complete"] and len(self.listed()) == have + n, str(o))
        check(deaths > 0 and 0 < o["same"], f"killed {deaths} times, {o}")
        return f"killed {deaths} times, {o['same']} were there when it went on"

    def tuak(self):
        """AUTN of TUAK subscribers, against a TUAK in Python."""
        done = 0
        self.start()
        for k, top, n in ((K, "top", 1), (K * 2, "top", 1), (K, "topc", 3), (K * 2, "topc", 2)):
            imsi, value = f"00105000000000{done}", bytes(range(done, done + 32))
            self.hipakad("subscriber", "add", "--algorithm", "tuak", "--imsi", imsi, "--k", k, f"--{top}", value.hex(), "--iterations", str(n))
            key = bytes.fromhex(k)
            topc = aka._tuak(0, key, value, bytes(16), bytes(2), bytes(6), n)[:32][::-1] if top == "top" else value
            rand, autn = challenge(eap_of(self.nas.ask(identity(NAI.replace(IMSI, imsi)))))
            ak = aka._tuak(0x48, key, topc, rand, bytes(2), bytes(6), n)[96:102][::-1]
            sqn = bytes(a ^ b for a, b in zip(autn[:6], ak))
            mac = aka._tuak(0x08, key, topc, rand, autn[6:8], sqn, n)[:8][::-1]
            check(mac == autn[8:] and int.from_bytes(sqn, "big") >> 5 == 1 and autn[6] == 0x80, f"{imsi}: {autn.hex()}, SQN {sqn.hex()}")
            done += 1
        self.stop()
        return f"{done} subscribers: K of 128 and 256 bits, TOP and TOPc, one to three iterations"

    # ---- the file key -----------------------------------------------------------------------------------------------

    def rotate(self):
        key = pathlib.Path(self.lab.path("as", "store", "auc.key"))
        old = key.read_text()
        self.start()
        self.answers(IMSI, K, OPC)
        deaths = 0
        for _ in range(60 if self.args.long else 6):
            deaths += self.killed(lambda: os.path.exists(f"{key}.new"), "rotate-key")
            imsi = self.dice.choice(sorted(self.keys))
            self.answers(imsi, *self.keys[imsi])
        said = self.hipakad("rotate-key").stdout
        check("new key" in said and key.read_text() != old and not os.path.exists(str(key) + ".new"), said)
        check(deaths > 0, "it was never killed")
        for imsi in self.dice.sample(sorted(self.keys), 10):
            self.answers(imsi, *self.keys[imsi])
        self.stop()
        o = self.counts(self.lab.path("as", "big.csv"))
        check(o["conflicts"] == o["bad"] == o["added"] == 0 and o["same"], str(o))
        new = key.read_text()
        key.write_text(old)
        check(self.hipakad("subscriber", "list", check=False).returncode == 1, "the old key opens the store")
        key.write_text(new)
        check(self.hipakad("rotate-key", "now", check=False).returncode == 2, "a word too many")
        return f"killed {deaths} times, the daemon answered all along; all keys the same, the old file key opens nothing"

    def suci_keys(self):
        def run(*args):
            p = subprocess.run([binary("hipakad"), "suci-key", *args], capture_output=True, text=True, env=ENV, timeout=20)
            return p.returncode, p.stdout.strip(), p.stderr
        for profile, n in (("A", 64), ("B", 66)):
            path = self.lab.path("as", f"suci-{profile}")
            code, public, said = run("--profile", profile, "--out", path)
            check(code == 0 and len(public) == n and os.stat(path).st_mode & 0o777 == 0o600, f"{code} {public} {said}")
            check(run("--profile", profile, "--show", path) == (0, public, ""), "shown otherwise")
            code, _, said = run("--profile", profile, "--out", path)
            check(code == 1 and "there already" in said, f"written over: {code} {said}")
            check(pathlib.Path(path).read_text().strip() not in public + said, "the private key was printed")
            entry = f"suci_keys: [{{ id: 1, profile: {profile}, home: \"00101\", key_file: suci-{profile} }}]\n"
            check(self.hipakad("--check-config", conf=self.put("suci.yaml", hipakad.CONF + entry)).stdout == "ok\n", "not taken")
            for find, put in (('"00101"', '"0010x"'), ("id: 1", "id: 256"), (f"key_file: suci-{profile}", "key_file: secret"), ("}]", "}, " + entry[entry.index("{"):].strip())):
                p = self.hipakad("--check-config", conf=self.put("bad.yaml", hipakad.CONF + entry.replace(find, put, 1)), check=False)
                check(p.returncode == 1 and "bad.yaml:11: " in p.stderr and "expected" in p.stderr, f"{put}: {p.returncode} {p.stderr}")
        for bad in ([], ["--profile", "C", "--out", "x"], ["--profile", "A"], ["--profile", "A", "--out"], ["--profile", "A", "--out", "x", "--show", "y"]):
            check(run(*bad)[0] == 2, f"{bad}: {run(*bad)}")
        return "of both profiles; public keys shown again, files of mode 0600 never written over, faults of the configuration by line"

    def numbers(self):
        now = int(self.listed()[IMSI]["sqn"], 16)
        check(self.hipakad("subscriber", "sqn", IMSI, "--sqn", f"{now - 1:012x}", check=False).returncode == 1, "SQN was lowered")
        self.hipakad("subscriber", "sqn", IMSI, "--sqn", f"{now + 4096:012x}")
        check(int(self.listed()[IMSI]["sqn"], 16) == now + 4096, "SQN was not raised")
        check(self.hipakad("subscriber", "sqn", IMSI, check=False).returncode == 2, "without --sqn")
        return "SQN rises by command and never falls"


def body(cases):
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    w = World(cases, parser.parse_args())
    w.set_up()
    for title, work in (("import", w.whole), ("a bar", w.bar), ("import: bad lines", w.faults), ("import: conflicts", w.conflicts),
                        ("import: killed", w.killed_import), ("TUAK", w.tuak), ("rotate-key", w.rotate), ("SQN by command", w.numbers), ("keys for SUCIs", w.suci_keys)):
        cases.case(title, work)


if __name__ == "__main__":
    case.main("aka-subscribers", "aksub-", body)
