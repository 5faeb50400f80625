# SPDX-License-Identifier: Apache-2.0
"""hipvec lint and diff: planted unknown, missing and wrong fields; schemas that use what is not supported; where two files part.

usage: test_hipvec_lint.py HIPVEC VECTORS
"""
import copy
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import time
import unittest

HIPVEC, VECTORS = map(os.path.abspath, sys.argv[1:3])
SCHEMAS = os.path.join(VECTORS, "schema")


def load(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as f:
        return json.load(f)


class Lint(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="hipvec-")
        self.addCleanup(self.dir.cleanup)

    def write(self, name, doc):
        path = os.path.join(self.dir.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(doc if isinstance(doc, str) else json.dumps(doc))
        return path

    def hipvec(self, *args, status=0):
        p = subprocess.run([HIPVEC, *args], capture_output=True, text=True, timeout=60)
        self.assertNotIn("Sanitizer", p.stderr)
        self.assertEqual(p.returncode, status, f"{args}\n{p.stdout[-2000:]}{p.stderr}")
        return p

    def lint(self, doc, status=1):
        out = json.loads(self.hipvec("lint", "--json", self.write("x.json", doc), status=status).stdout)
        return [(f["fault"], f["field"]) for f in out["results"][0]["faults"]]

    def gen(self, *args):
        return json.loads(self.hipvec("gen", "--suite", "7/2/P-256/13", "--seed", "0a", *args).stdout)

    def test_all_files_and_schemas(self):
        p = self.hipvec("lint", VECTORS)
        self.assertRegex(p.stdout.splitlines()[-1], r"^\d+ passed, 0 failed, 0 skipped$")

    def test_each_type_has_a_schema(self):
        types = {g["type"] for d, _, names in os.walk(VECTORS) for n in names
                 if n.endswith(".json") and not d.endswith("schema")
                 for g in load(os.path.join(d, n))["testGroups"]}
        self.assertGreater(len(types), 25)
        for t in types - {"HipBexTest"}:
            self.assertTrue(os.path.exists(os.path.join(SCHEMAS, t + ".json")), t)

    def test_each_drop_reason_has_a_bad_packet(self):
        """Of the library, relay and hosts among it (hip/drop.h): all but what test-vectors/README.md says no packet brings about."""
        with open(os.path.join(VECTORS, "README.md"), encoding="utf-8") as f:
            said = re.search(r"^Every drop reason of docs/wire.md has its packets, save ([A-Z_, ]+):", f.read(), re.M)
        others = set(said[1].split(", "))
        self.assertEqual(others, {"INTERNAL"})
        table = self.hipvec("proto").stdout
        reasons = {line.split("|")[1].strip() for line in table[table.index("| drop reason"):].splitlines()[2:] if line.startswith("|")}
        self.assertGreater(len(reasons), 50)
        folder = os.path.join(VECTORS, "hip")
        tests = [t for n in os.listdir(folder) if n.startswith("bad-") for g in load(os.path.join(folder, n))["testGroups"] for t in g["tests"]]
        self.assertEqual(reasons - others, {t["expect"]["drop"] for t in tests if "drop" in t["expect"]} - {"TAKEN"})
        self.assertGreater(len(tests), 600)

    def test_planted(self):
        """In each group of each file; all of them in one call."""
        cases = []

        def case(doc, i, want, change):
            doc = dict(doc, testGroups=copy.deepcopy(doc["testGroups"]))
            group = doc["testGroups"][i]
            change(group, group["tests"][0])
            cases.append((self.write(f"{len(cases)}.json", doc), want))

        for name in sorted(n for n in os.listdir(VECTORS) if n.endswith(".json")):
            doc = load(name)
            for i, group in enumerate(doc["testGroups"]):
                at = f"testGroups[{i}].tests[0]"
                first = next(k for k, v in group["tests"][0].items()
                             if isinstance(v, str) and len(v) > 15 and not v.strip("0123456789abcdef"))
                case(doc, i, ("unknown", at + ".surplus"), lambda g, t: t.update(surplus="00"))
                case(doc, i, ("unknown", f"testGroups[{i}].surplus"), lambda g, t: g.update(surplus=1))
                case(doc, i, ("missing", at), lambda g, t: t.pop("result"))
                case(doc, i, ("value", f"{at}.{first}"), lambda g, t, k=first: t.update({k: "0G"}))
        out = json.loads(self.hipvec("lint", "--json", *[c[0] for c in cases], status=1).stdout)
        self.assertGreater(len(cases), 100)
        self.assertEqual(out["failed"], len(cases))
        for r, (path, want) in zip(out["results"], cases):
            self.assertEqual(r["file"], path)
            self.assertIn(want, [(f["fault"], f["field"]) for f in r["faults"]])

    def test_a_field_may_stand_beside_type(self):
        doc = load("puzzle.json")
        g = doc["testGroups"][0]
        g["tests"] = [t for t in g["tests"] if t["rhash"] == "SHA-256"]
        for t in g["tests"]:
            del t["rhash"]
        self.assertIn(("missing", "testGroups[0].tests[0]"), self.lint(doc))
        g["rhash"] = "SHA-256"
        self.assertEqual(self.lint(doc, status=0), [])

    def test_exchange(self):
        doc = self.gen()
        self.assertEqual(self.lint(doc, status=0), [])
        t = doc["testGroups"][0]["tests"][0]
        for path, value, want in ((("packets", 0, "wire"), "0", ("value", "packets[0].wire")),
                                  (("packets", 1, "surplus"), 1, ("unknown", "packets[1].surplus")),
                                  (("keymats", 0, "keys", 0, "name"), "x", ("value", "keymats[0].keys[0].name")),
                                  (("initiator", "hit"), "20" * 16, ("value", "initiator.hit")),
                                  (("puzzle", "k"), 256, ("value", "puzzle.k")),
                                  (("puzzle", "between"), ["I"], ("value", "puzzle.between")),
                                  (("tcId",), 0, ("value", "tcId"))):
            d = copy.deepcopy(doc)
            v = d["testGroups"][0]["tests"][0]
            for p in path[:-1]:
                v = v[p]
            v[path[-1]] = value
            with self.subTest(path=path):
                self.assertEqual(self.lint(d), [(want[0], "testGroups[0].tests[0]." + want[1])])
        del t["packets"][2]["wire"]
        self.assertEqual(self.lint(doc), [("missing", "testGroups[0].tests[0].packets[2]")])
        doc["schema"] = "no_such.json"
        self.assertEqual(self.lint(doc), [("value", "schema")])

    def test_schemas_themselves(self):
        head = {"$schema": "http://json-schema.org/draft-07/schema#"}
        self.assertEqual(self.lint(dict(head, type="object", title="x"), status=0), [])
        for bad in ({"oneOf": []}, {"type": "hit"}, {"type": ["string", "null"]}, {"properties": {"a": {"format": "uri"}}},
                    {"items": {"maxLength": 3}}, {"pattern": "("}, {"$ref": "#/definitions/none"}, {"items": 3},
                    {"additionalProperties": {"minLength": 1}}, {"definitions": {"a": {"not": {}}}}):
            with self.subTest(bad=bad):
                self.assertEqual({f for f, _ in self.lint(dict(head, **bad))}, {"schema"})

    def test_run_warns(self):
        doc = load("puzzle.json")
        doc["testGroups"][0]["tests"][0]["surplus"] = "00"
        p = self.hipvec("run", self.write("p.json", doc))
        self.assertIn("testGroups[0].tests[0].surplus: no such field", p.stderr)
        self.assertEqual(self.hipvec("run", os.path.join(VECTORS, "puzzle.json")).stderr, "")

    def test_progress(self):
        """A bar on a terminal once a second is over; none in a pipe."""
        folder = os.path.join(VECTORS, "hip")
        ours, theirs = pty.openpty()
        p = subprocess.Popen([HIPVEC, "run", *[os.path.join(folder, n) for n in ("bad-form.json", "bad-later.json")]], stdout=subprocess.PIPE,
                             stderr=theirs, text=True)
        os.close(theirs)
        seen = b""
        while True:
            try:
                some = os.read(ours, 4096)
            except OSError:
                break
            if not some:
                break
            seen += some
        os.close(ours)
        start = time.monotonic()
        out = p.communicate(timeout=60)[0]
        self.assertEqual(p.returncode, 0, out)
        self.assertLess(time.monotonic() - start, 30)
        self.assertTrue(out.rstrip().endswith("0 failed, 0 skipped"))
        if b"[" in seen:  # it took longer than a second
            self.assertRegex(seen, rb"\r\x1b\[K\[[#.]{32}\] \d of 2 bad-")
            self.assertTrue(seen.endswith(b"\r\x1b[K"))

    def test_statuses(self):
        novel = self.write("n.json", {"testGroups": [{"type": "NovelTest", "tests": []}]})
        self.hipvec("lint", novel, status=77)
        self.hipvec("lint", self.write("b.json", "{"), status=2)
        self.hipvec("lint", os.path.join(self.dir.name, "none.json"), status=2)
        self.hipvec("lint", status=2)
        self.hipvec("diff", novel, status=2)
        self.hipvec("diff", novel, self.write("b.json", "{"), status=2)

    def diff(self, a, b, status=1):
        p = self.hipvec("diff", "--json", self.write("a.json", a), self.write("b.json", b), status=status)
        return json.loads(p.stdout) if p.stdout else None

    def test_diff(self):
        doc = self.gen("--kind", "rekey")
        self.assertIsNone(self.diff(doc, doc, status=0))
        other = copy.deepcopy(doc)
        t = other["testGroups"][0]["tests"][0]
        t["packets"][6]["wire"] = "00"
        t["packets"][2]["mac"]["value"] = "ff"
        t["packets"][2]["sig"]["input"] = "ff"
        d = self.diff(doc, other)
        self.assertEqual((d["field"], d["b"]), ("packets[2].mac.value", "ff"))
        self.assertIn("6.4.1", d["section"])
        t["keymats"][0]["prk"] = "00"
        self.assertEqual(self.diff(doc, other)["field"], "keymats[0].prk")
        del t["keymats"][0]["prk"], t["packets"][2]["mac"], t["packets"][2]["sig"], t["initiator"]["draws"]
        self.assertEqual(self.diff(doc, other)["field"], "packets[6].wire")
        t["packets"] = t["packets"][:6]
        d = self.diff(doc, other)
        self.assertEqual((d["field"], d["b"]), ("packets[6]", "nothing"))

    def test_diff_of_other_types(self):
        a = load("keymat.json")
        b = copy.deepcopy(a)
        b["testGroups"][1]["tests"][2]["keymat"] = "00"
        d = self.diff(a, b)
        self.assertEqual((d["group"], d["test"], d["field"]), (1, 2, "keymat"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
