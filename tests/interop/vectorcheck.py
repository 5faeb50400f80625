#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes test vectors independently: from the RFCs, with Python's hashlib, python3-cryptography and python3-pycryptodome, and with arithmetic of
its own for SECP160R1, the MODP groups and Keccak. It shares no code with the C side nor with what made the vectors.

    vectorcheck.py [--json] FILE|DIR...

A directory is read with its folders, but for the one with the schemas. Exit status 0: all passed; 1: a value differs (the first one of each test is
named, with both values); 2: a file or test that cannot be read; 77: nothing but skipped tests. Last line: `N passed, N failed, N skipped`.
"""
import argparse
import json
import pathlib
import re
import sys
from collections import Counter

from vectorcheck import aka, bex, dns, eap, ecdhe, esp, groups, hip, keccak, keys  # noqa: F401  (the modules register their types)
from vectorcheck.case import KINDS, Case, Finding, Malformed, Mismatch, Skipped

EXIT_PASS, EXIT_MISMATCH, EXIT_MALFORMED, EXIT_SKIPPED = 0, 1, 2, 77
SHOWN = 160  # characters of a value


def brief(text):
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def around(a, b):
    """Both values from a little before the place where they part, when they are long."""
    if max(len(a), len(b)) <= SHOWN:
        return a, b
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    start = max(0, at - 16)
    return tuple(f"{'...' if start else ''}{brief(v[start:])} [differs at character {at}]" for v in (a, b))


class Run:
    def __init__(self, quiet):
        self.passed = self.failed = self.skipped = self.malformed = 0
        self.quiet, self.results = quiet, []

    def say(self, text):
        if not self.quiet:
            print(text)

    def bad_file(self, path, why):
        self.malformed += 1
        print(f"malformed {path}: {why}", file=sys.stderr)
        self.results.append({"file": str(path), "outcome": "malformed", "why": str(why)})

    def note(self, path, number, kind, outcome, **more):
        self.results.append({"file": str(path), "tcId": number, "type": kind, "outcome": outcome, **more})

    def path(self, path):
        if not path.is_dir():
            self.file(path, named=True)
            return
        files = sorted(p for p in path.rglob("*.json") if "schema" not in p.relative_to(path).parts)
        if not files:
            self.bad_file(path, "no *.json in it")
        for file in files:
            self.file(file)

    def file(self, path, named=False):
        try:
            doc = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=no_duplicates)
        except (OSError, ValueError, RecursionError) as e:
            self.bad_file(path, e)
            return
        groups = doc.get("testGroups") if isinstance(doc, dict) else None
        if groups is None and isinstance(doc, dict) and "$schema" in doc:
            self.skipped += named
            return
        if not isinstance(groups, list) or not all(isinstance(g, dict) and isinstance(g.get("type"), str) and isinstance(g.get("tests"), list)
                                                   for g in groups):
            self.bad_file(path, "no testGroups, or a group without type and tests")
            return
        before = self.passed, self.failed, self.skipped
        skips, strange, total = Counter(), Counter(), 0
        for group in groups:
            shared = {}  # what tests of one group need once
            for test in group["tests"]:
                total += 1
                self.one(path, group, test, skips, strange, shared)
        now = self.passed, self.failed, self.skipped
        self.say("{:<32} {} passed, {} failed, {} skipped".format(path.name, *(b - a for a, b in zip(before, now))))
        for why, n in skips.items():
            self.say(f"  skipped {n}: {why}")
        for name, n in strange.items():
            self.say(f"  note: {name} ({n})")
        if doc.get("numberOfTests", total) != total:
            self.bad_file(path, f"numberOfTests is {doc['numberOfTests']}, there are {total}")

    def one(self, path, group, test, skips, strange, shared):
        number = test.get("tcId") if isinstance(test, dict) else None
        try:
            case = Case(test, group)
            case.shared = shared
            judged(case)
        except Mismatch as m:
            self.failed += 1
            expected, computed = around(m.expected, m.computed)
            self.say(f"FAIL {path.name} tcId {number} {group['type']}: {test.get('comment', '')}\n"
                     f"  field     {m.field}\n  expected  {expected}\n  computed  {computed}")
            self.note(path, number, group["type"], "failed", field=m.field, expected=m.expected, computed=m.computed)
        except Skipped as s:
            self.skipped += 1
            skips[str(s)] += 1
            self.note(path, number, group["type"], "skipped", why=str(s))
        except Finding as f:  # Malformed
            self.malformed += 1
            print(f"malformed {path}: tcId {number}: {f}", file=sys.stderr)
            self.note(path, number, group["type"], "malformed", why=str(f))
        else:
            self.passed += 1
            unread = sorted(case.unread()) if case.valid else []  # of an invalid one only the fault matters
            strange.update(f"nothing looks at {without_indices(leaf)}" for leaf in unread)
            strange.update(without_indices(note) for note in case.marks.notes)
            self.note(path, number, group["type"], "passed", unread=unread)

    def status(self):
        if self.failed:
            return EXIT_MISMATCH
        if self.malformed:
            return EXIT_MALFORMED
        if self.passed:
            return EXIT_PASS
        return EXIT_SKIPPED if self.skipped else EXIT_MALFORMED


def without_indices(leaf):
    return re.sub(r"\[\d+\]", "[]", leaf)


def no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a field stands twice in one object")
    return dict(pairs)


def judge(case):
    """Runs a test. Where its type gives no verdict, an invalid test is one in which some value is not what it should be."""
    kind = KINDS.get(case.group["type"])
    if kind is None:
        raise Skipped(f"type {case.group['type']}")
    if kind.judges or case.valid:
        kind.run(case)
        return
    try:
        kind.run(case)
    except Mismatch:
        return
    raise Mismatch("result", "invalid", "valid: every value is right")


def judged(case):
    """As judge(); what a check stumbles over in octets that it takes for granted (a length, an encoding) is the file's fault."""
    try:
        judge(case)
    except Finding:
        raise
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError) as e:
        raise Malformed(f"does not parse ({type(e).__name__}: {e})") from e


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="results as one JSON object")
    parser.add_argument("paths", nargs="+", type=pathlib.Path, metavar="FILE|DIR")
    args = parser.parse_args()
    keccak.selftest()
    groups.selftest()
    run = Run(quiet=args.json)
    for path in args.paths:
        run.path(path)
    if args.json:
        print(json.dumps({"passed": run.passed, "failed": run.failed, "skipped": run.skipped, "malformed": run.malformed,
                          "results": run.results}, indent=1))
    else:
        print(f"{run.passed} passed, {run.failed} failed, {run.skipped} skipped")
    return run.status()


if __name__ == "__main__":
    sys.exit(main())
