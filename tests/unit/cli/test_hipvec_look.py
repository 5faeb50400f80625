# SPDX-License-Identifier: Apache-2.0
"""hipvec show, verify and to-pcap: exchanges that hipvec gen made, as captures of every form, whole and altered.

usage: test_hipvec_look.py HIPVEC FLIP VECTORS
"""
import glob
import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

HIPVEC, FLIP, VECTORS = sys.argv[1:4]
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
V4, V6 = b"\x08\0", b"\x86\xdd"
TEMPORARY = tempfile.TemporaryDirectory(prefix="hipvec-look-")
made = {}


def run(*args):
    p = subprocess.run([HIPVEC, *args], capture_output=True, text=True, timeout=120)
    assert "Sanitizer" not in p.stderr, p.stderr
    assert "\033" not in p.stdout
    return p


def path(name):
    return os.path.join(TEMPORARY.name, name)


def read(name, mode="r"):
    with open(name, mode) as f:
        return f.read()


def vector(name):
    """The first test of a file."""
    return json.loads(read(name))["testGroups"][0]["tests"][0]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def hit_text(text):
    return ":".join(text[i:i + 4] for i in range(0, 32, 4))


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path(name)


def exchange(*options, suite="7/2/2/8", kind="update,rekey,close"):
    """(vectors, capture, keys) of one exchange, made once."""
    key = (suite, kind, options)
    if key not in made:
        base = path(f"exchange{len(made)}")
        for argv in (("gen", "--suite", suite, "--seed", "00", "--kind", kind, *options, "-o", base + ".json"),
                     ("to-pcap", base + ".json", "-o", base + ".pcap", "--keys", base + ".keys", "--esp-sa", base + ".esp_sa")):
            p = run(*argv)
            assert p.returncode == 0, (argv, p.stdout, p.stderr)
        made[key] = base
    return made[key] + ".json", made[key] + ".pcap", made[key] + ".keys"


def packets(capture):
    """IP packets of a capture that to-pcap wrote."""
    data, at, out = read(capture, "rb"), 24, []
    while at < len(data):
        n = struct.unpack("<I", data[at + 8:at + 12])[0]
        out.append(data[at + 16:at + 16 + n])
        at += 16 + n
    return out


def pcap(frames, end="<", link=1, nano=False):
    out = struct.pack(end + "IHHIIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)
    for n, f in enumerate(frames):
        out += struct.pack(end + "IIII", 1000, n, len(f), len(f)) + f
    return out


def pcapng(frames, end="<", link=1):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack(end + "II", kind, 12 + len(body)) + body + struct.pack(end + "I", 12 + len(body))
    out = block(0x0a0d0d0a, struct.pack(end + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack(end + "HHI", link, 0, 0) + struct.pack(end + "HH4B", 9, 1, 9, 0, 0, 0) + bytes(4))
    for n, f in enumerate(frames):
        out += block(6, struct.pack(end + "IIIII", 0, 0, n, len(f), len(f)) + f) if n % 2 else block(3, struct.pack(end + "I", len(f)) + f)
    return out


def ether(p, tags=0):
    return b"\2" * 12 + b"\x81\0\0\5" * tags + (V6 if p[0] >> 4 == 6 else V4) + p


def ip_sum(head):
    total = sum(struct.unpack(f">{len(head) // 2}H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def fragments4(p, size=64):
    """The last fragment first."""
    out = []
    for at in range(0, len(p) - 20, size):
        part, more = p[20 + at:20 + at + size], 0x2000 if 20 + at + size < len(p) else 0
        head = p[:2] + struct.pack(">HHH", 20 + len(part), 77, more | at // 8) + p[8:10] + b"\0\0" + p[12:20]
        out.insert(0, head[:10] + struct.pack(">H", ip_sum(head)) + head[12:] + part)
    return out


def fragments6(p, size=64):
    out = []
    for at in range(0, len(p) - 40, size):
        part, more = p[40 + at:40 + at + size], 1 if 40 + at + size < len(p) else 0
        body = struct.pack(">BBHI", p[6], 0, at | more, 99) + part
        out.insert(0, p[:4] + struct.pack(">HB", len(body), 44) + p[7:40] + body)
    return out


class Verify(unittest.TestCase):
    def closing(self, p):
        m = CLOSING.match(p.stdout.splitlines()[-1])
        self.assertTrue(m, p.stdout + p.stderr)
        return tuple(int(n) for n in m.groups())

    def good(self, capture, *more):
        p = run("verify", *more, capture)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        passed, failed, skipped = self.closing(p)
        self.assertEqual(failed, 0)
        self.assertGreater(passed, 60)
        return p.stdout, skipped

    def bad(self, what, *args):
        p = run("verify", *args)
        self.assertEqual(p.returncode, 1, p.stdout + p.stderr)
        self.assertRegex(p.stdout, what)
        self.assertGreater(self.closing(p)[1], 0)
        return p.stdout

    def test_all_good(self):
        for options, suite, kind in (((), "7/2/2/8", "update,rekey,close"), (("--udp",), "8/4/2/13", "rekey-dh,notify,close"),
                                     (("--family", "6"), "7/2/1/9", "registration,close"), ((), "7/2/2/8", "rendezvous"),
                                     ((), "7/2/2/8", "simultaneous")):
            _, capture, keys = exchange(*options, suite=suite, kind=kind)
            with self.subTest(suite=suite, kind=kind):
                text, skipped = self.good(capture, "--keys", keys)
                self.assertEqual(skipped, 0, text)
                self.assertRegex(text, r"HIP_MAC +[1-9]\d* +0 +0")
                self.assertRegex(text, r"HIP_SIGNATURE_2 +[1-9]\d* +0 +0")
                text, skipped = self.good(capture)
                self.assertGreater(skipped, 0)
                self.assertRegex(text, r"HIP_MAC +0 +0 +[1-9]")
                self.assertRegex(text, r"puzzle solved +[1-9]\d* +0 +0")

    def test_the_vectors_of_this_repository(self):
        """Every algorithm: nothing wrong, nothing that cannot be told."""
        files = glob.glob(os.path.join(VECTORS, "hip", "bex-*.json"))
        self.assertGreater(len(files), 10)
        for f in files:
            with self.subTest(os.path.basename(f)):
                self.assertEqual(run("to-pcap", f, "-o", path("v.pcap"), "--keys", path("v.keys")).returncode, 0)
                self.assertEqual(self.good(path("v.pcap"), "--keys", path("v.keys"))[1], 0)

    def test_vectors_are_a_capture_too(self):
        vectors, _, keys = exchange()
        self.assertEqual(self.good(vectors, "--keys", keys)[1], 0)

    def test_forms(self):
        _, capture, keys = exchange()
        ip = packets(capture)
        v6 = packets(exchange("--family", "6", suite="7/2/1/9", kind="registration,close")[1])
        keys6 = exchange("--family", "6", suite="7/2/1/9", kind="registration,close")[2]
        whole = self.good(capture, "--keys", keys)[0].splitlines()[-1]
        sll = [bytes(14) + V4 + p for p in ip]
        sll2 = [V4 + bytes(18) + p for p in ip]
        forms = {"ethernet": pcap([ether(p) for p in ip]), "big": pcap([ether(p) for p in ip], ">"),
                 "nano": pcap([ether(p, 2) for p in ip], nano=True), "raw": pcap(ip, link=101), "sll": pcap(sll, link=113),
                 "sll2": pcap(sll2, link=276), "loop": pcap([struct.pack("<I", 2) + p for p in ip], link=0),
                 "ng": pcapng([ether(p) for p in ip]), "ng-big": pcapng(ip, ">", link=101),
                 "fragments": pcap([ether(f) for p in ip for f in fragments4(p)]),
                 "others": pcap([b"\2" * 12 + b"\x08\x06" + bytes(28)] + [ether(p) for p in ip])}
        for name, data in forms.items():
            with self.subTest(name):
                self.assertEqual(self.good(write(name, data), "--keys", keys)[0].splitlines()[-1], whole)
        self.assertEqual(self.good(write("f6", pcap([ether(f) for p in v6 for f in fragments6(p)])), "--keys", keys6)[1], 0)

    def test_runs_of_datagrams(self):
        """What a kernel put together before it was captured is taken apart again."""
        _, capture, keys = exchange("--udp", suite="8/4/2/13", kind="update,rekey,close")
        ip = packets(capture)
        esp = [p for p in ip if p[9] == 17 and p[28:32] != bytes(4)]
        self.assertTrue(esp)
        p = esp[0]
        twice = bytearray(p[28:] + p[28:])
        twice[len(p) - 28 + 7] += 1  # the next number; its ICV is then wrong, and is the only thing wrong
        total = 28 + len(twice)
        head = p[:2] + struct.pack(">H", total) + p[4:10] + b"\0\0" + p[12:20]
        udp = p[20:24] + struct.pack(">HH", 8 + len(twice), 0)
        merged = head[:10] + struct.pack(">H", ip_sum(head)) + head[12:] + udp + bytes(twice)
        out = self.bad(r"ESP ICV +\d+ +1 +0", "--keys", keys, write("run", pcap(ip + [merged], link=101)))
        self.assertIn(f"{len(ip) + 2} packets", out)

    def test_damaged_files(self):
        _, capture, keys = exchange()
        data = read(capture, "rb")
        for what, d in {"cut": data[:-3], "no capture": b"garbage\n", "empty": b"", "length": data[:32] + b"\xff" * 4 + data[36:]}.items():
            with self.subTest(what):
                p = run("verify", write("damaged", d))
                self.assertEqual(p.returncode, 2, p.stdout)
                self.assertIn("hipvec: ", p.stderr)
        self.assertEqual(run("verify", path("none")).returncode, 2)
        self.assertEqual(run("verify").returncode, 2)
        self.assertEqual(run("verify", "--keys", write("k", "HIP nobody\n"), capture).returncode, 2)
        self.assertEqual(run("verify", write("nothing", pcap([]))).returncode, 77)
        self.assertEqual(run("verify", write("arp", pcap([b"\2" * 12 + b"\x08\x06" + bytes(28)]))).returncode, 77)
        self.bad("less than a HIP header", write("short", pcap([ether(self.shortened(packets(capture)[0], 30))])))

    @staticmethod
    def shortened(p, n):
        head = p[:2] + struct.pack(">H", 20 + n) + p[4:10] + b"\0\0" + p[12:20]
        return head[:10] + struct.pack(">H", ip_sum(head)) + head[12:] + p[20:20 + n]

    def test_other_keys(self):
        """The right file and the wrong exchange: MACs and ICVs are wrong, nothing else."""
        _, capture, keys = exchange()
        text = read(keys)
        spoilt = re.sub(r"(hip_[gl]{2}_mac |esp_[gl]{2}_auth )(..)", lambda m: m[1] + f"{int(m[2], 16) ^ 1:02x}", text)
        out = self.bad("HIP_MAC: wrong under the keys", "--keys", write("spoilt.keys", spoilt), capture)
        self.assertIn("HIP_MAC_2: wrong", out)
        self.assertIn("ESP ICV: wrong", out)
        self.assertRegex(out, r"\nHIP_SIGNATURE +\d+ +0 +0")
        out, _ = self.good(capture, "--keys", write("hi.keys", "".join(x for x in text.splitlines(True) if x.startswith("HI "))))
        self.assertRegex(out, r"\nHIP_SIGNATURE +\d+ +0 +0")  # identities alone: the I2's encrypted HOST_ID is not needed

    def test_no_r1(self):
        """A capture that begins behind R1: what it would tell is skipped, not failed."""
        _, capture, keys = exchange()
        out, skipped = self.good(write("late", pcap(packets(capture)[2:], link=101)), "--keys", keys)
        self.assertGreaterEqual(skipped, 3)
        for line in ("choices out of the offers: cannot tell: its R1 is not here", "R1 counter echoed: cannot tell", "HIP_MAC_2: cannot tell"):
            self.assertIn(line, out)

    def test_wrong_order_of_talk(self):
        """An I2 that answers another puzzle, echoes another counter."""
        _, one, _ = exchange()
        two = path("two")
        self.assertEqual(run("gen", "--suite", "7/2/2/8", "--seed", "00", "--kind", "close", "-o", two + ".json").returncode, 0)
        doc = json.loads(read(two + ".json"))
        r1 = bytearray.fromhex(doc["testGroups"][0]["tests"][0]["packets"][1]["wire"])
        at = r1.index(struct.pack(">HH", 257, 52))
        r1[at + 8 + 10] ^= 1  # #I, which no signature covers
        doc["testGroups"][0]["tests"][0]["packets"][1]["wire"] = r1.hex()
        out = self.bad("no R1 here set this puzzle", write("two.json", json.dumps(doc)))
        self.assertIn("HIP checksum: 0x", out)

    def test_json(self):
        _, capture, keys = exchange()
        p = run("verify", "--json", "--keys", keys, capture)
        out = json.loads(p.stdout)
        self.assertEqual(out["failed"], 0)
        self.assertEqual(len(out["packets"]), len(packets(capture)))
        r1 = next(x for x in out["packets"] if x["packet"] == "R1")
        self.assertEqual({r["what"] for r in r1["not_covered"]}, {"checksum", "receiver's HIT", "PUZZLE"} | (
            {"padding"} if any(r["what"] == "padding" for r in r1["not_covered"]) else set()))
        self.assertEqual(out["passed"], sum(c["outcome"] == "passed" for x in out["packets"] for c in x["checks"]))
        i1 = out["packets"][0]
        self.assertEqual(sum(r["to"] - r["from"] for r in i1["not_covered"]), i1["octets"])

    def test_flips(self):
        """One bit at a time: the right complaint for each that a checksum, MAC, signature or ICV covers."""
        for options, suite, kind, n in (((), "7/2/2/8", "update,close", 500), (("--udp",), "8/4/2/13", "rekey,close", 200),
                                        (("--family", "6"), "7/2/2/8", "rendezvous", 200)):
            _, capture, keys = exchange(*options, suite=suite, kind=kind)
            with self.subTest(suite=suite, kind=kind):
                p = subprocess.run([FLIP, capture, keys, str(n)], capture_output=True, text=True, timeout=200)
                self.assertEqual(p.returncode, 0, p.stdout[-3000:] + p.stderr[-2000:])
                self.assertGreater(int(re.search(r"(\d+) flips", p.stdout)[1]), n * 9 // 10)


class Show(unittest.TestCase):
    def test_every_packet(self):
        vectors, capture, _ = exchange(kind="registration,rekey-dh,move,notify,close")
        want = [p for p in vector(vectors)["packets"] if p["type"] != "ESP"]
        for source in (vectors, capture):
            p = run("show", "--json", source)
            self.assertEqual(p.returncode, 0, p.stderr)
            got = [x for x in json.loads(p.stdout) if x["kind"] == "HIP"]
            self.assertEqual([x["packet"] for x in got], [x["type"] for x in want])
            for g, w in zip(got, want):
                self.assertEqual([(x["type"], x["name"], x["length"]) for x in g["parameters"]],
                                 [(x["type"], x["name"], len(x["value"]) // 2) for x in w["params"]])
                self.assertEqual(g["faults"], [])
                if "mac" in w:
                    self.assertIn(w["mac"]["param"], [c["by"] for c in g["covered"]])
                if "sig" in w:  # what is covered begins in front and ends at the signature
                    self.assertEqual(next(c["to"] for c in g["covered"] if c["by"] == w["sig"]["param"]), len(w["sig"]["input"]) // 2)

    def test_text(self):
        vectors, _, _ = exchange()
        p = run("show", vectors)
        self.assertEqual(p.returncode, 0)
        for line in (r"packet 2: R1", r"PUZZLE \(257, critical\), 52 octets; under HIP_SIGNATURE_2", r"groups +7 NIST-P-256",
                     r"without receiver's HIT, PUZZLE's Opaque and #I", r"HIP_MAC_2: octets 0 to \d+, .*; behind them the Responder's HOST_ID",
                     r"not covered by MAC or signature: 4 to 5, checksum", r"new spi +0x[0-9a-f]{8}"):
            self.assertRegex(p.stdout, line)

    def test_inside(self):
        """With keys: what stands in ENCRYPTED, and in ESP."""
        vectors, capture, keys = exchange()
        out = json.loads(run("show", "--json", "--keys", keys, capture).stdout)
        i2 = next(x for x in out if x.get("packet") == "I2")
        self.assertEqual([p["name"] for p in i2["inside"]], ["HOST_ID"])
        self.assertEqual(i2["inside"][0]["fields"]["hit"], i2["header"]["sender"])
        self.assertEqual([x["payload"] for x in out if x["kind"] == "ESP"],
                         [p["esp"]["payload"] for p in vector(vectors)["packets"] if p["type"] == "ESP"])
        self.assertFalse(any("inside" in x or "payload" in x for x in json.loads(run("show", "--json", capture).stdout)))
        self.assertRegex(run("show", "--keys", keys, capture).stdout, r"ENCRYPTED \(641, critical\)(.*\n){3} +0  HOST_ID")
        self.assertEqual(run("show", "--keys", path("none"), capture).returncode, 2)

    def test_hexadecimal(self):
        wires = [p["wire"] for p in vector(exchange()[0])["packets"] if p["type"] != "ESP"]
        text = "# two packets\n" + "\n\n".join("\n".join(w[i:i + 32] for i in range(0, len(w), 32)) for w in wires[:2]) + "\n"
        got = json.loads(run("show", "--json", write("p.hex", text)).stdout)
        self.assertEqual([x["packet"] for x in got], ["I1", "R1"])
        got = json.loads(run("show", "--json", write("p.bin", bytes.fromhex(wires[1]))).stdout)
        self.assertEqual([x["packet"] for x in got], ["R1"])
        for bad in ("3b0", "hello", "", "# nothing\n"):
            self.assertEqual(run("show", write("bad.hex", bad)).returncode, 2)

    def altered(self, change, packet=2):
        wire = bytearray.fromhex(vector(exchange()[0])["packets"][packet]["wire"])
        change(wire)
        p = run("show", "--json", write("altered.hex", bytes(wire).hex()))
        self.assertEqual(p.returncode, 1, p.stdout[:300])
        return [(f["kind"], f["text"]) for f in json.loads(p.stdout)[0]["faults"]]

    @staticmethod
    def tlvs(wire):
        at, out = 40, {}
        while at < len(wire):
            kind, n = struct.unpack(">HH", wire[at:at + 4])
            out[kind] = (at, 11 + n - (n + 3) % 8)
            at += 11 + n - (n + 3) % 8
        return out

    def test_bad_vectors(self):
        """What the library drops for its form, show explains by the same reason."""
        kinds = {"TRUNCATED": {"header", "parameters fill the packet"}, "BAD_HEADER": {"header"}, "BAD_VERSION": {"header"},
                 "BAD_CHECKSUM": {"checksum"}, "UNKNOWN_PACKET": {"header"}, "BAD_HIT": {"header"}, "PARAM_ORDER": {"parameter order"},
                 "PARAM_LENGTH": {"parameter lengths", "parameters fill the packet"}, "PARAM_MISSING": {"mandatory parameters"},
                 "PARAM_COUNT": {"parameters no more often than allowed"}, "PARAM_NOT_ALLOWED": {"parameters in their place"},
                 "UNKNOWN_CRITICAL": {"critical parameters known"}, "PARAM_MALFORMED": {"parameter contents"}}
        seen = 0
        for name in ("bad-form", "bad-bex"):
            for g in json.loads(read(os.path.join(VECTORS, "hip", name + ".json")))["testGroups"]:
                # what an I2 has to have follows from its R1: no form of its own
                tests = [t for t in g["tests"] if t.get("expect", {}).get("drop") in kinds and "bad" in t and t["comment"] != "I2 without R1_COUNTER"]
                if not tests:
                    continue
                one = {"testGroups": [{"type": "HipBexTest", "tests": [{"bad": t["bad"]} for t in tests]}]}
                shown = json.loads(run("show", "--json", write("bad.json", json.dumps(one))).stdout)
                self.assertEqual(len(shown), len(tests))
                for s, t in zip(shown, tests):
                    seen += 1
                    self.assertTrue(kinds[t["expect"]["drop"]] & {f["kind"] for f in s["faults"]}, (t["comment"], t["expect"], s["faults"]))
        self.assertGreater(seen, 150)

    def test_what_is_wrong(self):
        def put(at, fmt, v):
            return lambda w: struct.pack_into(fmt, w, at if isinstance(at, int) else at(w), v)

        def swap(w):
            (a, n), (b, m) = self.tlvs(w)[65], self.tlvs(w)[129]
            w[a:b + m] = w[b:b + m] + w[a:a + n]

        def critical(w):
            struct.pack_into(">H", w, self.tlvs(w)[65][0], 63)

        def pad(w):
            at, n = self.tlvs(w)[513]
            w[at + n - 1] = 1
        for what, change in {"header": put(3, "B", 0x11), "parameter order": swap, "critical parameters known": critical, "padding": pad,
                             "parameters fill the packet": put(1, "B", 255), "mandatory parameters": put(1, "B", 10),
                             "parameter lengths": put(lambda w: self.tlvs(w)[579][0] + 2, ">H", 3),
                             "parameter contents": put(lambda w: self.tlvs(w)[321][0] + 5, "B", 9),
                             "parameters in their place": put(lambda w: self.tlvs(w)[321][0], ">H", 257)}.items():
            with self.subTest(what):
                self.assertIn(what, [k for k, _ in self.altered(change)])


class ToPcap(unittest.TestCase):
    def test_secrets(self):
        _, _, keys = exchange()
        for f in (keys, keys.replace(".keys", ".esp_sa")):
            self.assertEqual(stat.S_IMODE(os.stat(f).st_mode), 0o600)
        rows = read(keys.replace(".keys", ".esp_sa")).splitlines()
        self.assertEqual(len(set(rows)), len(rows))
        self.assertRegex(rows[0], r'^"IPv4","192\.0\.2\.1","198\.51\.100\.2","0x[0-9a-f]{8}","AES-CBC \[RFC3602\]","0x[0-9a-f]{32}",'
                         r'"HMAC-SHA-256-128 \[RFC4868\]","0x[0-9a-f]{64}"$')

    def test_usage(self):
        vectors, _, _ = exchange()
        self.assertEqual(run("to-pcap", vectors).returncode, 2)
        self.assertEqual(run("to-pcap", vectors, "-o", path("no/such/folder")).returncode, 2)
        self.assertEqual(run("to-pcap", "--from", "nowhere", vectors, "-o", path("x")).returncode, 2)
        hexed = write("one.hex", vector(vectors)["packets"][0]["wire"])
        self.assertEqual(run("to-pcap", hexed, "-o", path("one.pcap"), "--keys", path("x")).returncode, 2)
        self.assertEqual(run("to-pcap", hexed, "-o", path("one.pcap")).returncode, 0)
        self.assertEqual(run("verify", "--quiet", path("one.pcap")).returncode, 0)


class FromPcap(unittest.TestCase):
    def back(self, capture, *keys):
        out = path("back.json")
        p = run("from-pcap", *keys, "-o", out, capture)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertEqual(run("lint", out).returncode, 0)
        return out

    def test_there_and_back(self):
        """What a capture and its keys give is what the vectors had, and run recomputes it."""
        for options, suite, kind in (((), "7/2/2/8", "update,rekey,close"), (("--udp",), "8/4/2/13", "rekey-dh,notify,close"),
                                     (("--family", "6"), "7/2/1/9", "registration,close")):
            vectors, capture, keys = exchange(*options, suite=suite, kind=kind)
            with self.subTest(suite=suite, kind=kind):
                out = self.back(capture, "--keys", keys)
                self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), 0o600)
                self.assertEqual(run("run", out).returncode, 0)
                p = run("diff", vectors, out)
                self.assertEqual(p.returncode, 0, p.stdout)
                got, want = vector(out)["packets"], vector(vectors)["packets"]
                for g, w in zip(got, want):
                    for part, names in (("mac", ("key", "input", "value")), ("sig", ("input", "value")), ("encrypted", ("key", "iv", "plain")),
                                        ("esp", ("enc_key", "auth_key", "payload", "icv"))):
                        self.assertEqual([g.get(part, {}).get(n) for n in names], [w.get(part, {}).get(n) for n in names], (w["type"], part))
                for member in ("initiator", "responder"):
                    self.assertEqual(vector(out)[member]["host_id"], vector(vectors)[member]["host_id"])
                self.assertEqual(vector(out)["puzzle"]["j"], vector(vectors)["puzzle"]["j"])

    def test_without_keys(self):
        vectors, capture, _ = exchange()
        got = vector(self.back(capture))
        self.assertEqual([p["wire"] for p in got["packets"]], [p["wire"] for p in vector(vectors)["packets"] if p["type"] != "ESP"])
        self.assertNotIn("initiator", got)  # its host identity is inside ENCRYPTED
        self.assertFalse(any("encrypted" in p or "esp" in p for p in got["packets"]))

    def test_two_pairs(self):
        """A rendezvous server's exchange with its client is another test than the two hosts' own."""
        _, capture, keys = exchange(kind="rendezvous")
        doc = json.loads(read(self.back(capture, "--keys", keys)))
        self.assertEqual(doc["numberOfTests"], 2)
        self.assertEqual(sum(len(g["tests"][0]["packets"]) for g in doc["testGroups"]), len(packets(capture)))

    def test_nothing(self):
        self.assertEqual(run("from-pcap", write("nothing", pcap([]))).returncode, 77)
        self.assertEqual(run("from-pcap", path("none")).returncode, 2)
        self.assertEqual(run("from-pcap").returncode, 2)


class Replay(unittest.TestCase):
    """Against another hipvec: nobody needs a privilege for UDP on the loopback."""

    def talk(self, mine, theirs, *more):
        port = free_port()
        r = subprocess.Popen([HIPVEC, "replay", "--json", "--role", "responder", "--udp", "--from", f"127.0.0.1:{port}", "--wait", "6", theirs],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("waiting", r.stderr.readline())
        i = run("replay", "--json", "--udp", "--to", f"127.0.0.1:{port}", *more, mine)
        out, said = r.communicate(timeout=30)
        self.assertNotIn("Sanitizer", said)
        return (i.returncode, json.loads(i.stdout)), (r.returncode, json.loads(out))

    @staticmethod
    def got(out):
        return [p["packet"] for p in out["packets"] if not p.get("sent") and not p.get("missing")]

    def test_both_roles(self):
        mine = exchange("--udp", suite="8/4/2/13", kind="update,rekey,close")[0]
        theirs = path("theirs.json")
        self.assertEqual(run("gen", "--suite", "8/4/2/13", "--seed", "77", "--udp", "-o", theirs).returncode, 0)
        (a, i), (b, r) = self.talk(mine, theirs, "--hit", hit_text(vector(theirs)["responder"]["hit"]))
        self.assertEqual((a, b), (0, 0), (i, r))
        self.assertEqual((i["failed"], r["failed"]), (0, 0))
        self.assertEqual(self.got(i)[:2] + self.got(i)[-1:], ["R1", "R2", "CLOSE_ACK"])
        self.assertEqual(self.got(r)[:2], ["I1", "I2"])
        self.assertIn("UPDATE", self.got(i))
        r1 = next(p for p in i["packets"] if p["packet"] == "R1")
        self.assertTrue({"HIP_CIPHER", "ESP_TRANSFORM", "DH_GROUP_LIST"} <= set(r1["as_recorded"]))
        self.assertTrue({"DIFFIE_HELLMAN", "PUZZLE", "HOST_ID"} <= set(r1["the_peers_own"]))

    def test_the_recorded_peer(self):
        """Against the very Responder of the vector, R1 comes as recorded, its signature included."""
        v = exchange("--udp", suite="7/2/2/8", kind="close")[0]
        (a, i), _ = self.talk(v, v, "--hit", hit_text(vector(v)["responder"]["hit"]))
        self.assertEqual(a, 0)
        r1 = next(p for p in i["packets"] if p["packet"] == "R1")
        self.assertIn("DIFFIE_HELLMAN", r1["as_recorded"])
        self.assertIn("HOST_ID", r1["as_recorded"])

    def test_nobody(self):
        v = exchange("--udp", suite="7/2/2/8", kind="close")[0]
        p = run("replay", "--udp", "--to", f"127.0.0.1:{free_port()}", "--wait", "1", v)
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertRegex(p.stdout, r"R1 +did not come\n +R2 +did not come\n(.*\n)?0 passed, 2 failed, 0 skipped\n$")

    def test_usage(self):
        v = exchange("--udp", suite="7/2/2/8", kind="close")[0]
        for args in ((v,), ("--to", "127.0.0.1:10500", v), ("--udp", "--to", "x", v), ("--role", "spectator", "--to", "127.0.0.1", v),
                     ("--role", "responder", "--udp", "--to", "127.0.0.1", v), ("--udp", "--to", "127.0.0.1", "--hit", "::1", v),
                     ("--udp", "--to", "127.0.0.1", "--test", "9", v), ("--udp", "--to", "127.0.0.1", path("none"))):
            self.assertEqual(run("replay", *args).returncode, 2, args)


if __name__ == "__main__":
    with TEMPORARY:
        unittest.main(argv=sys.argv[:1], verbosity=1)
