# SPDX-License-Identifier: Apache-2.0
"""docs/wireshark/hip.lua in tshark: each parameter of each packet as hipvec shows it, ESP decrypted with the table of to-pcap.

usage: wireshark.py HIPVEC HIP_LUA      exit status 77: no tshark
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HIPVEC, LUA = sys.argv[1:3]


def run(*argv):
    p = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, (argv, p.stdout, p.stderr)
    assert "Lua" not in p.stderr and "UAT" not in p.stderr, p.stderr
    return p.stdout


class Wireshark(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory(prefix="wireshark-")
        self.addCleanup(tmp.cleanup)
        self.dir = tmp.name

    def capture(self, *options):
        base = os.path.join(self.dir, "x")
        run(HIPVEC, "gen", "--seed", "00", *options, "-o", base + ".json")
        run(HIPVEC, "to-pcap", base + ".json", "-o", base + ".pcap", "--esp-sa", base + ".esp_sa")
        return base

    def tshark(self, base, *more):
        return run("tshark", "-X", f"lua_script:{LUA}", "-r", base + ".pcap", *more)

    def fields(self, base, *names):
        """For each HIP packet, the values of each field."""
        out = self.tshark(base, "-T", "fields", *[x for n in names for x in ("-e", n)], "-Y", "hip2")
        return [[v.split(",") if v else [] for v in line.split("\t")] for line in out.split("\n")[:-1]]

    def parameters(self, base):
        shown = [x for x in json.loads(run(HIPVEC, "show", "--json", base + ".pcap")) if x["kind"] == "HIP"]
        got = self.fields(base, "hip2.type", "hip2.param", "hip2.sender", "hip2.hi_alg", "hip2.sig_alg", "hip2.octets")
        self.assertEqual(len(got), len(shown))
        for g, s in zip(got, shown):
            self.assertEqual(g[0], [str(s["header"]["type"])])
            self.assertEqual(g[1], [str(p["type"]) for p in s["parameters"]], s["packet"])
            self.assertEqual(g[2], [s["header"]["sender"]])
            of = {p["name"]: p["fields"] for p in s["parameters"]}
            self.assertEqual(g[3], [of["HOST_ID"]["algorithm"].split()[0]] if "HOST_ID" in of else [])
            self.assertEqual(g[4], [f["algorithm"].split()[0] for n, f in of.items() if n.startswith("HIP_SIGNATURE")])
        self.assertNotIn("Malformed", self.tshark(base, "-V"))
        return shown

    def test_base_exchange(self):
        for options in (("--suite", "8/4/1/13", "--family", "6"), ("--suite", "7/2/2/8", "--udp", "--kind", "registration,close")):
            with self.subTest(options=options):
                base = self.capture(*options)
                shown = self.parameters(base)
                r1 = next(x for x in shown if x["packet"] == "R1")
                of = {p["name"]: p["fields"] for p in r1["parameters"]}
                got = self.fields(base, "hip2.r1_counter", "hip2.group", "hip2.transport_format", "hip2.esp_suite", "hip2.hi", "hip2.k")[1]
                self.assertEqual(got[0], [str(of["R1_COUNTER"]["counter"])])
                self.assertEqual(got[1], [g.split()[0] for g in of["DH_GROUP_LIST"]["groups"]] + [of["DIFFIE_HELLMAN"]["group"].split()[0]])
                self.assertEqual(got[2], ["4095"])
                self.assertEqual(got[3], [s.split()[0] for s in of["ESP_TRANSFORM"]["suites"]])
                self.assertEqual(got[4], [of["HOST_ID"]["hi"]])
                self.assertEqual(got[5], [str(of["PUZZLE"]["k"])])

    def test_parameters_of_the_relays(self):
        """Packets that no exchange has: RFC 9028's parameters, one behind the other."""
        address = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])
        transport = (10500).to_bytes(2, "big") + b"\x11\0" + address
        params = [(385, bytes(4)), (4650, transport), (4660, transport), (4680, b"\x27\x10\x27\x11\x11\0\0\0" + address + address + bytes(7) + b"\5"),
                  (4700, b"\0\0\1\0"), (4710, b"\0\0\2\0"), (61505, bytes(48)), (61697, b"\0\7" + bytes(96)), (63998, transport)]
        body = b"".join(t.to_bytes(2, "big") + len(v).to_bytes(2, "big") + v + bytes(-(4 + len(v)) % 8) for t, v in params)
        hit = bytes.fromhex("20010022") + bytes(12)
        base = os.path.join(self.dir, "x")
        with open(base + ".hex", "w") as f:
            f.write((bytes([59, (40 + len(body)) // 8 - 1, 16, 0x21]) + bytes(4) + hit + hit + body).hex())
        run(HIPVEC, "to-pcap", base + ".hex", "-o", base + ".pcap")
        got = self.fields(base, "hip2.param", "hip2.port", "hip2.protocol", "hip2.address", "hip2.priority", "hip2.spi")[0]
        self.assertEqual(got[0], [str(t) for t, _ in params])
        self.assertEqual(got[1], ["10500", "10500", "10000", "10001", "10500"])
        self.assertEqual(got[2], ["17"] * 4)
        self.assertEqual(got[3], ["::ffff:192.0.2.7"] * 5)
        self.assertEqual(got[4], ["256", "512"])
        self.assertEqual(got[5], ["0x00000005"])

    def test_esp(self):
        for options in (("--suite", "7/2/2/9", "--family", "6"), ("--suite", "7/2/2/13", "--udp")):
            with self.subTest(options=options):
                base = self.capture(*options)
                with open(base + ".json") as f:
                    packets = [p for p in json.load(f)["testGroups"][0]["tests"][0]["packets"] if p["type"] == "ESP"]
                with open(base + ".esp_sa") as f:
                    rows = [x for line in f for x in ("-o", "uat:esp_sa:" + line.strip())]
                out = self.tshark(base, "-o", "esp.enable_encryption_decode:TRUE", *rows, "-T", "fields", "-e", "esp.contained_data", "-Y", "esp")
                self.assertEqual(out.split(), [p["esp"]["payload"] for p in packets])


if __name__ == "__main__":
    if not shutil.which("tshark"):
        print("no tshark")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=1)
