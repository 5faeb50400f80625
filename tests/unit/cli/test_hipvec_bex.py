# SPDX-License-Identifier: Apache-2.0
"""hipvec gen and run on whole exchanges: one seed, one transcript; a wrong value of any kind is found and named.

usage: test_hipvec_bex.py HIPVEC
"""
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HIPVEC = sys.argv[1]
EVERYTHING = "registration,update,move,rekey,rekey-dh,notify,close"
# What an engine's behaviour follows from: wrong, it shows in a packet or in what became of it.
CAUSES = re.compile(r"^(initiator|responder|rvs)\.(draws|config|addr)|^script|\.wire$|\.(src|dst|from|to)$|\.udp\.")
# Said for readers, not computed.
SAID = re.compile(r"^(tcId|comment|flags|result|seed)")


def spoil(value):
    """Another value of the same kind and length."""
    if isinstance(value, int):
        return value + 1
    if value in ("I", "R"):
        return "R" if value == "I" else "I"
    if re.fullmatch(r"([0-9a-f]{2})+", value):
        return ("4" if value[0] != "4" else "5") + value[1:]
    if re.fullmatch(r"[0-9.]+", value):  # an address
        return value + "1"
    return value + "x"


def leaves(value, path=()):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, path + (k,))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from leaves(v, path + (i,))
    elif value != "":
        yield path, value


def text(path):
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)[1:]


def put(doc, path, value):
    for p in path[:-1]:
        doc = doc[p]
    doc[path[-1]] = value


class Bex(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="hipvec-")
        self.addCleanup(self.dir.cleanup)

    def hipvec(self, *args, status=0):
        p = subprocess.run([HIPVEC, *args], capture_output=True, text=True, timeout=120)
        self.assertNotIn("Sanitizer", p.stderr)
        self.assertEqual(p.returncode, status, f"{args}\n{p.stdout[-2000:]}{p.stderr}")
        return p

    def gen(self, suite, *args, seed="0badcafe"):
        return json.loads(self.hipvec("gen", "--suite", suite, "--seed", seed, *args).stdout)

    def write(self, doc):
        path = os.path.join(self.dir.name, "x.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(doc, f)
        return path

    def results(self, doc, status):
        return json.loads(self.hipvec("run", "--json", self.write(doc), status=status).stdout)["results"]

    def test_one_seed_one_transcript(self):
        a = self.hipvec("gen", "--suite", "7/2/1/13", "--seed", "00ff", "--kind", "update").stdout
        b = self.hipvec("gen", "--suite", "NIST-P-256/AES-128-CBC/RSA-2048/AES-GCM-16", "--seed", "00ff", "--kind",
                        "update").stdout
        c = self.hipvec("gen", "--suite", "7/2/1/13", "--seed", "00fe", "--kind", "update").stdout
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)

    def test_each_kind_passes(self):
        """More of them stand in test-vectors/hip."""
        for kind, *more in ((EVERYTHING,), (EVERYTHING, "--udp", "--family", "6"), ("rendezvous,move",), ("simultaneous,rekey",),
                            ("bex", "--wide"), ("data-relay", "--udp", "--family", "6")):
            with self.subTest(kind=kind, more=more):
                self.results(self.gen("7/2/P-256/8", "--kind", kind, *more), 0)

    def test_mixed_identities(self):
        self.results(self.gen("8/4/P-384/9", "--initiator", "P-256", "--kind", "rekey"), 0)

    def test_names(self):
        """The domain identifier in the HOST_ID of the Initiator's I2 (RFC 7401 s5.2.9): either kind, one of them."""
        wire = b"\2mn\7example\3net\0".hex()
        for name, field, di_type, value in (("me@example.org", "nai", 2, b"me@example.org".hex()), ("mn.example.net", "fqdn", 1, wire)):
            for kind in ("bex", "registration", "simultaneous"):
                with self.subTest(name=name, kind=kind):
                    doc = self.gen("7/2/P-256/8", "--name", name, "--kind", kind)
                    test = doc["testGroups"][0]["tests"][0]
                    conf, host_id = test["initiator"]["config"], test["initiator"]["host_id"]
                    self.assertEqual({k: v for k, v in conf.items() if k in ("nai", "fqdn")}, {field: value})
                    self.assertTrue(host_id.endswith(value))
                    self.assertEqual(int(host_id[4:8], 16), di_type << 12 | len(value) // 2)
                    self.assertNotIn("nai", test["responder"]["config"])
                    self.results(doc, 0)
                    conf[field] = spoil(value) if field == "nai" else value.replace("6d6e", "6e6d")
                    self.assertIn("host_id", {r.get("field", "").rpartition(".")[2] for r in self.results(doc, 1)})
                    del conf[field]
                    conf["fqdn" if field == "nai" else "nai"] = value  # neither is of the other's form
                    self.results(doc, 2)
                    conf.update(fqdn=wire, nai=b"me".hex())
                    self.results(doc, 2)

    def variants(self, doc, wanted):
        """One test for each kind of field, that field wrong."""
        good = doc["testGroups"][0]["tests"][0]
        seen, tests, planted = set(), [], []
        for path, value in leaves(good):
            shape = re.sub(r"\d+", "N", text(path))
            if isinstance(value, str) and path[-1] == "value" and path[-3:-2] == ("draws",):
                shape += next(d["name"] for d in [good[path[0]]["draws"][path[2]]])
            if not wanted(text(path)) or shape in seen:
                continue
            seen.add(shape)
            t = copy.deepcopy(good)
            t["tcId"] = len(tests) + 1
            put(t, path, spoil(value))
            tests.append(t)
            planted.append((text(path), value))
        doc["testGroups"][0]["tests"] = tests
        return planted

    def test_a_wrong_value_is_named(self):
        doc = self.gen("7/2/P-256/8", "--kind", EVERYTHING)
        planted = self.variants(doc, lambda p: not CAUSES.search(p) and not SAID.search(p) and
                                not p.endswith("hi_private"))
        self.assertGreater(len(planted), 70)
        for r, (path, value) in zip(self.results(doc, 1), planted):
            with self.subTest(path=path):
                self.assertEqual(r["outcome"], "failed")
                self.assertEqual(r["field"], path)
                self.assertTrue(r["section"] and r["from"])
                self.assertEqual(str(value), r["computed"])

    def test_another_private_key(self):
        doc, other = self.gen("7/2/P-256/8"), self.gen("7/2/P-256/8", seed="02")
        get = lambda d: d["testGroups"][0]["tests"][0]["initiator"]
        get(doc)["hi_private"] = get(other)["hi_private"]
        self.assertEqual(self.results(doc, 1)[0]["field"], "initiator.host_id")
        get(doc)["hi_private"] = get(doc)["hi_private"][2:]
        self.assertEqual(self.results(doc, 2)[0]["outcome"], "malformed")

    def test_a_wrong_cause_is_found(self):
        doc = self.gen("7/2/P-256/8", "--kind", "registration,update", "--udp")
        planted = self.variants(doc, lambda p: CAUSES.search(p) and not p.endswith(("initiator.config.puzzle_k", "initiator.config.r1_counter")))
        self.assertGreater(len(planted), 25)
        for r, (path, _) in zip(self.results(doc, 1), planted):
            with self.subTest(path=path):
                self.assertIn(r["outcome"], ("failed", "malformed"))
                if r["outcome"] == "failed":
                    self.assertTrue(r["section"])

    def test_a_wrong_draw_is_named_with_its_packet(self):
        doc = self.gen("7/2/P-256/8")
        draws = {"puzzle_secret": "PUZZLE", "solution_j": "SOLUTION", "spi": "ESP_INFO", "enc_iv": "ENCRYPTED",
                 "sig_nonce": "HIP_SIGNATURE", "esp_iv": "ESP"}
        good = doc["testGroups"][0]["tests"][0]
        for name, where in draws.items():
            for party in ("initiator", "responder"):
                i = next((i for i, d in enumerate(good[party]["draws"]) if d["name"] == name), None)
                if i is None:
                    continue
                t = copy.deepcopy(good)
                t[party]["draws"][i]["value"] = spoil(t[party]["draws"][i]["value"])
                with self.subTest(draw=name, party=party):
                    doc["testGroups"][0]["tests"] = [t]
                    r = self.results(doc, 1)[0]
                    self.assertRegex(r["field"], r"^packets\[\d+\]\.wire$")
                    self.assertRegex(r["from"], f"in {where}.*{name}")

    def test_what_is_missing_is_tolerated(self):
        """Another maker's transcript: no draws, no script; then no private keys but what follows from them."""
        doc = self.gen("8/2/P-384/9", "--kind", "rekey")
        t = doc["testGroups"][0]["tests"][0]
        del t["script"], t["seed"]
        for party in ("initiator", "responder"):
            for name in ("draws", "config", "hi_private", "orchid_input"):
                del t[party][name]
        self.results(doc, 0)
        for k in t["keymats"]:
            for name in ("dh_private_i", "dh_private_r", "prk", "info"):
                k.pop(name, None)
        for party in ("initiator", "responder"):
            del t[party]["dh_private"]
        self.results(doc, 0)
        t["keymats"][0]["kij"] = spoil(t["keymats"][0]["kij"])
        self.assertEqual(self.results(doc, 1)[0]["field"], "keymats[0].keymat")
        t["packets"][2]["wire"] = spoil(t["packets"][2]["wire"])
        self.results(doc, 1)

    def test_bad_packets(self):
        """A packet that does harm, one that is said to be another, and what is not in its place."""
        doc = self.gen("7/2/P-256/13")
        group = doc["testGroups"][0]
        t = group["tests"][0]
        r2, i1 = t["packets"][3], t["packets"][0]
        group.update({k: t[k] for k in ("initiator", "responder", "puzzle", "keymats", "script", "packets")})

        def case(packet, after, wire=None, **expect):
            bad = dict({k: packet[k] for k in ("type", "to", "src", "dst")}, wire=wire or packet["wire"])
            bad["from"] = "X"
            return {"tcId": 1, "comment": "", "flags": [], "result": "invalid", "bad": bad,
                    "expect": dict({"at": packet["to"], "after": after, "action": "drop"}, **expect)}

        flipped = r2["wire"][:-2] + "%02x" % (int(r2["wire"][-2:], 16) ^ 1)
        good = case(r2, 3, flipped, drop="BAD_CHECKSUM", state="I2-SENT")
        for test, field in ((good, None), (dict(good, expect=dict(good["expect"], instead=True)), None),
                            (case(r2, 3, flipped, drop="BAD_SIGNATURE"), "expect.drop"),
                            (case(r2, 3, flipped, state="ESTABLISHED"), "expect.state"),
                            (case(r2, 3, flipped, action="notify", notify_type=26), "expect.action"),
                            (case(r2, 99, flipped), "expect.after"),
                            (case(r2, 3, drop="BAD_SIGNATURE"), "expect.drop"),  # the good R2
                            (case(r2, 3, action="accept"), "packets[3].outcome.drop"),  # and then it comes once more
                            (case(i1, 1, action="accept", drop="TAKEN"), None),
                            (case(i1, 1, i1["wire"][:6] + "11" + i1["wire"][8:], drop="BAD_VERSION"), None)):
            with self.subTest(expect=test["expect"]):
                group["tests"] = [test]
                r = self.results(doc, 1 if field else 0)[0]
                self.assertEqual(r.get("field"), field)

    def test_packets_missing_and_too_many(self):
        doc = self.gen("7/2/P-256/13")
        t = doc["testGroups"][0]["tests"][0]
        last = t["packets"].pop()
        self.assertEqual(self.results(doc, 1)[0]["expected"], "nothing")
        t["packets"] += [last, last]
        self.assertEqual(self.results(doc, 1)[0]["computed"], "nothing")

    def test_invalid_means_a_wrong_value(self):
        doc = self.gen("7/2/P-256/13")
        t = doc["testGroups"][0]["tests"][0]
        t["result"] = "invalid"
        self.assertEqual(self.results(doc, 1)[0]["field"], "result")
        t["packets"][3]["mac"]["value"] = spoil(t["packets"][3]["mac"]["value"])
        self.results(doc, 0)

    def test_usage(self):
        for args in ([], ["--suite", "7/2/2/8"], ["--suite", "7/2/2", "--seed", "00"], ["--suite", "7/2/2/8", "--seed", "0"],
                     ["--suite", "99/2/2/8", "--seed", "00"], ["--suite", "7/2/2/8", "--seed", "00", "--kind", "x"],
                     ["--suite", "7/2/2/8", "--seed", "00", "--family", "5"], ["--suite", "7/2/2/8", "--seed", "00", "--name", "a..b"],
                     ["--suite", "7/2/2/8", "--seed", "00", "--name", "a\n@b"], ["--list", "x"],
                     ["--suite", "7/2/2/8", "--seed", "00", "--kind", "rendezvous", "--udp"],
                     ["--suite", "7/2/2/8", "--seed", "00", "--kind", "data-relay"],
                     ["--suite", "7/2/2/8", "--seed", "00", "--kind", "data-relay,close", "--udp"]):
            with self.subTest(args=args):
                p = self.hipvec("gen", *args, status=2)
                self.assertTrue(p.stderr)
                self.assertFalse(p.stdout)
        lines = self.hipvec("gen", "--list").stdout.splitlines()
        self.assertTrue(any(line.split() == ["dh", "7", "NIST-P-256"] for line in lines))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
