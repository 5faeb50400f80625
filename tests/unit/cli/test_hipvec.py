# SPDX-License-Identifier: Apache-2.0
"""hipvec can fail: altered vectors, broken files, and what is skipped by name.

usage: test_hipvec.py HIPVEC VECTORS WIRE_DOC [--write]     --write: put the tables into docs/wire.md again
"""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HIPVEC, VECTORS, WIRE_DOC = sys.argv[1:4]
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def load(name):
    with open(os.path.join(VECTORS, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def spoil(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("0" if value[-1] != "0" else "1")


class Hipvec(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="hipvec-")
        self.addCleanup(self.dir.cleanup)

    def write(self, name, text):
        path = os.path.join(self.dir.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def run_it(self, *args):
        p = subprocess.run([HIPVEC, *args], capture_output=True, text=True, timeout=60)
        self.assertNotIn("Sanitizer", p.stderr)
        self.assertNotIn("\033", p.stdout)
        return p

    def closing(self, p):
        m = CLOSING.match(p.stdout.splitlines()[-1])
        self.assertTrue(m, p.stdout)
        return tuple(int(n) for n in m.groups())

    def test_all_of_them(self):
        """Those below, in hip/, are run by the test `vectors`."""
        files = sorted(n for n in os.listdir(VECTORS) if n.endswith(".json"))
        p = self.run_it("run", *[os.path.join(VECTORS, n) for n in files])
        self.assertEqual(p.returncode, 0, p.stdout)
        passed, failed, skipped = self.closing(p)
        self.assertEqual(failed, 0)
        self.assertGreater(passed, 180)
        self.assertEqual(passed + skipped, sum(len(g["tests"]) for n in files for g in load(n[:-5])["testGroups"]))

    def test_each_cause_counts(self):
        """Limits, what comes before, the way on and the ACK of a bad packet: without one of them the library does something else."""
        wanted = {"limits": "expect.drop", "before": "expect.drop", "relayed": "expect.relayed", "acknowledged": "expect.acknowledged"}
        cases = []
        for name in ("hip/bad-state", "hip/bad-relay"):
            doc = load(name)
            for group in doc["testGroups"]:
                for test in group["tests"]:
                    for field in wanted.keys() & (test.keys() | test["expect"].keys()):
                        other = {k: v for k, v in dict(test, expect={k: v for k, v in test["expect"].items() if k != field}).items() if k != field}
                        cases.append((field, dict(doc, numberOfTests=1, testGroups=[dict(group, tests=[other])])))
                    if "relayed" in test["expect"]:
                        relayed = dict(test["expect"]["relayed"], dst="192.0.2.9:1")
                        other = dict(test, expect=dict(test["expect"], relayed=relayed))
                        cases.append(("relayed", dict(doc, numberOfTests=1, testGroups=[dict(group, tests=[other])])))
        self.assertGreater(len(cases), 50)
        p = self.run_it("run", "--json", *[self.write(f"{i}.json", doc) for i, (_, doc) in enumerate(cases)])
        self.assertEqual(p.returncode, 1, p.stderr)
        results = json.loads(p.stdout)["results"]
        self.assertEqual(len(results), len(cases))
        for (field, doc), r in zip(cases, results):
            self.assertTrue(r["field"].startswith(wanted[field]), (field, r, doc["testGroups"][0]["tests"][0]["comment"]))

    def test_each_output_counts(self):
        """One field of one test at a time is altered: the report names it and both values."""
        fields = {
            "keymat": {"HkdfTest": ["okm", "prk"], "KeymatTest": ["keymat"],
                       "KeymatDrawTest": ["hip_lg_integ", "esp_lg_auth", "keymat_index"]},
            "orchid": {"OrchidTest": ["hit_text"]},
            "puzzle": {"PuzzleTest": ["digest"]},
            "hip-checksum": {"HipChecksumTest": ["checksum"]},
            "milenage": {"MilenageTest": ["f1", "f5star", "opc"], "MilenageAutnTest": ["ck"]},
            "tuak": {"TuakTest": ["f1", "f4", "f5star", "topc"]},
            "eap-aka-prime": {"EapAkaPrimeTest": ["msk", "k_aut", "ck_prime"]},
            "eap-aka": {"EapAkaTest": ["emsk", "checkcode", "encr_plaintext"], "EapAkaReauthTest": ["msk"],
                        "EapAkaResyncTest": ["sqn_ms"]},
            "eap-sim-aka-prf": {"Fips186PrfTest": ["output"], "EapMacTest": ["at_mac"],
                                "EapEncrDataTest": ["ciphertext"]},
            "hip-rr": {"HipRrTest": ["rdata", "presentation", "rfc3597"]},
            "tsig": {"TsigVerifyTest": ["time_signed"], "TsigMacTest": ["mac"]},
            "sim-binding": {"SimBindingTest": ["th", "export", "k", "k_mn", "k_fa", "mask", "bind_mac_mn",
                                               "bind_mac_fa"]},
            "esp": {"EspTest": ["icv", "plaintext"], "EspGcmTest": ["esp"], "EspCbcTest": ["esp"]},
            "aka/suci": {"SuciTest": ["hn_public", "eph_public", "shared", "imsi"]},
            "aka/eap-aka-prime-fs": {"EapAkaPrimeFsTest": ["server_public", "shared", "k_aut", "k_re", "msk", "emsk"]},
        }
        for name, types in fields.items():
            for kind, outputs in types.items():
                for field in outputs:
                    doc = load(name)
                    group = next(g for g in doc["testGroups"] if g["type"] == kind)
                    test = next(t for t in group["tests"] if t["result"] == "valid" and t.get(field))
                    test[field] = spoil(test[field])
                    group["tests"], doc["testGroups"] = [test], [group]
                    with self.subTest(file=name, type=kind, field=field):
                        p = self.run_it("run", self.write(os.path.basename(name) + ".json", doc))
                        self.assertEqual(p.returncode, 1, p.stdout + p.stderr)
                        self.assertEqual(self.closing(p), (0, 1, 0))
                        self.assertIn("tcId %d" % test["tcId"], p.stdout)
                        self.assertRegex(p.stdout, r"\n  field     \S")
                        self.assertRegex(p.stdout, r"\n  expected  \S")
                        self.assertRegex(p.stdout, r"\n  computed  \S")
                        self.assertRegex(p.stdout, r"\n  input     ")
                        self.assertRegex(p.stdout, r"\n  see       (RFC|3GPP|docs)")

    def test_verdict_counts(self):
        """A bad MAC, puzzle, HIT or packet that is said to be good, and the other way round."""
        for name in ("puzzle", "orchid", "hip-checksum", "eap-aka", "tsig", "esp", "hip-rr", "milenage", "keymat", "aka/suci",
                     "aka/eap-aka-prime-fs"):
            doc = load(name)
            for group in doc["testGroups"]:
                for was in ("valid", "invalid"):
                    test = next((t for t in group["tests"] if t["result"] == was), None)
                    if not test or group["type"] == "EapAkaRejectTest":
                        continue
                    other = dict(copy.deepcopy(test), result="invalid" if was == "valid" else "valid")
                    one = {"testGroups": [dict(group, tests=[other])]}
                    with self.subTest(file=name, type=group["type"], was=was):
                        p = self.run_it("run", self.write("v.json", one))
                        # without a field that the other verdict needs, the test is malformed instead
                        self.assertIn(p.returncode, (1, 2), p.stdout + p.stderr)

    def test_malformed(self):
        good = load("puzzle")
        no_k = copy.deepcopy(good)
        del no_k["testGroups"][0]["tests"][0]["k"]
        not_hex = copy.deepcopy(good)
        not_hex["testGroups"][0]["tests"][0]["i"] = "zz"
        no_result = copy.deepcopy(good)
        no_result["testGroups"][0]["tests"][0]["result"] = "perhaps"
        for what, text in {"broken": '{"testGroups": [', "empty": "", "array": "[]", "no groups": "{}",
                           "group without tests": {"testGroups": [{"type": "PuzzleTest"}]},
                           "missing field": no_k, "not hex": not_hex, "result": no_result}.items():
            with self.subTest(what=what):
                p = self.run_it("run", self.write("m.json", text))
                self.assertEqual(p.returncode, 2, p.stdout + p.stderr)
                self.assertIn("malformed", p.stderr)
        self.assertEqual(self.run_it("run", os.path.join(self.dir.name, "none.json")).returncode, 2)
        self.assertEqual(self.run_it("run").returncode, 2)
        self.assertEqual(self.run_it("dance").returncode, 2)
        empty = os.path.join(self.dir.name, "empty")
        os.mkdir(empty)
        self.assertEqual(self.run_it("run", empty).returncode, 2)

    def test_skipped(self):
        doc = {"testGroups": [{"type": "NovelTest", "tests": [{"tcId": 1, "result": "valid"}]}]}
        p = self.run_it("run", self.write("novel.json", doc))
        self.assertEqual(p.returncode, 77)
        self.assertEqual(self.closing(p), (0, 0, 1))
        self.assertIn("skipped 1: type NovelTest", p.stdout)
        schema = self.write("schema.json", {"$schema": "http://json-schema.org/draft-07/schema#"})
        self.assertEqual(self.run_it("run", schema).returncode, 77)

    def test_json(self):
        doc = load("puzzle")
        doc["testGroups"][0]["tests"][0]["digest"] = spoil(doc["testGroups"][0]["tests"][0]["digest"])
        p = self.run_it("run", "--json", self.write("p.json", doc))
        self.assertEqual(p.returncode, 1)
        out = json.loads(p.stdout)
        self.assertEqual((out["passed"], out["failed"], out["skipped"]), (10, 1, 0))
        bad = next(r for r in out["results"] if r["outcome"] == "failed")
        self.assertEqual(bad["field"], "digest")
        self.assertNotEqual(bad["expected"], bad["computed"])
        self.assertIn("RFC 7401", bad["section"])
        self.assertIn("hit_i", bad["input"])

    def test_man_page(self):
        """Every command and option of the usage stands in it, and it has no others."""
        usage = self.run_it("--help").stdout
        with open(os.path.join(os.path.dirname(WIRE_DOC), "man", "hipvec.1"), encoding="utf-8") as f:
            page = f.read()
        page = page[page.index(".SH COMMANDS"):page.index(".SH FILES")].replace("\\-", "-")
        for command, rest in re.findall(r"hipvec (\S+) (.*)", usage):
            part = re.search(rf"\n\.BR? \"?{command}\b(.*?)(\n\.TP|$)", page, re.S)
            self.assertTrue(part, command)
            for option in re.findall(r"--[a-z-]+|-o\b", rest):
                self.assertIn(option, part.group(1), command)
            for option in re.findall(r"(?<![\w-])--[a-z-]+", part.group(1)):
                self.assertIn(option, rest, command)
        kinds = re.search(r"KIND: (.*)", usage).group(1)
        for kind in kinds.split(", "):
            self.assertIn(kind, page)

    def test_proto(self):
        table = self.run_it("proto").stdout
        for row in ("| 65 | ESP_INFO | yes | 12 | 1 | I2, R2, UPDATE | MAC, signature |",
                    "| 32806 | BIND_MAC | no | 32 | 1 | ENCRYPTED | MAC, signature |",
                    "| 65502 | VIA_RVS | no | from 16, by 16 | 1 | R1, UPDATE | RVS_HMAC, RELAY_HMAC |",
                    "| UPDATE | 16 | SEQ or ACK, HIP_MAC, HIP_SIGNATURE |"):
            self.assertIn(row, table)
        with open(WIRE_DOC, encoding="utf-8") as f:
            self.assertTrue(f.read().endswith("\n" + table), 
                            "docs/wire.md is older than hip/proto.h: run this file with --write")
        self.assertIn('SEQ="\\x01\\x81\\x00\\x04"', self.run_it("proto", "--dict").stdout)
        self.assertEqual(self.run_it("proto", "--latin").returncode, 2)


def write_page():
    with open(WIRE_DOC, encoding="utf-8") as f:
        text = f.read()
    with open(WIRE_DOC, "w", encoding="utf-8") as f:
        f.write(text[:text.index("\n| packet |") + 1] +
                subprocess.run([HIPVEC, "proto"], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    if sys.argv[4:] == ["--write"]:
        sys.exit(write_page())
    unittest.main(argv=sys.argv[:1], verbosity=1)
