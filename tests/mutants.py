#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Can the tests fail? Takes one check at a time out of a copy of the tree and sees that a test names it.

    tests/mutants.py [--only PATTERN] [--list] [--all] [--no-e2e] [--scratch DIR]

tests/mutants.json holds the rows:

    name      what was taken out
    file      where it stands
    find      the text, which must stand there exactly once; or a list of texts
    replace   what stands there instead; a list when find is one
    tests     the meson tests that are to notice; when none of them does, all unit and simulator tests are tried
    e2e       instead of tests: a script of the tree (with its arguments) that needs the daemons; skipped where it cannot run (no root)
    why       what the row stands for, where its name does not say it

Only what a row's tests are made of is built again. The scratch copy is built without sanitizers: an assertion has to notice, not a crash. A
mutant that no test notices, that does not build, that makes a test hang, or whose text has gone counts as failed. --all tries every
test on every row and names all that notice. --scratch keeps the copy in DIR for the next time.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
GOOD = ("OK", "EXPECTEDFAIL", "SKIP")
JOBS = ["-j2"]


def run(argv, cwd, timeout=900, env=None):
    try:
        return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=timeout,
                              stdin=subprocess.DEVNULL, env={**os.environ, "CC": "gcc", **(env or {})})
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", "timed out")


def copy_tree(to):
    """Tracked and new files; what did not change keeps its time, so that a kept copy is not built anew."""
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, files.split(b"\0")):
        src, dst = ROOT / os.fsdecode(name), to / os.fsdecode(name)
        if not src.is_file() or (dst.exists() and dst.read_bytes() == src.read_bytes()):
            continue
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(src, dst)


class Scratch:
    def __init__(self, tree):
        self.tree = tree
        self.programs = {}  # test -> programs to build, relative to build/
        self.suite = {}

    def setup(self):
        if not (self.tree / "build" / "build.ninja").exists():
            env = {"CC_LD": "lld"} if shutil.which("ld.lld") else {}
            # Warnings are no errors here: a check taken out may leave a variable unused.
            r = run(["meson", "setup", "build", "-Ddebug=false", "-Doptimization=1"], self.tree, env=env)
            if r.returncode != 0:
                return r.stdout + r.stderr
        r = run(["ninja", "-C", "build", "build.ninja"], self.tree)
        r = run(["meson", "introspect", "--tests", "build"], self.tree)
        where = (self.tree / "build").resolve()
        for t in json.loads(r.stdout):
            self.suite[t["name"]] = t["suite"][0].split(":")[-1]
            paths = [(where / p).resolve() for p in t["cmd"] if "/" in p and not p.startswith("-")]
            self.programs[t["name"]] = [str(p.relative_to(where)) for p in paths if p.is_relative_to(where)]
        return None

    def everything(self):
        return sorted((t for t in self.suite if self.suite[t] in ("unit", "sim")), key=lambda t: (self.suite[t] == "sim", t))

    def build(self, tests):
        """What it said when it failed, or None."""
        programs = sorted({p for t in tests for p in self.programs[t]}) if tests is not None else []
        r = run(["ninja", "-C", "build", *JOBS, *programs], self.tree, 2400)
        return None if r.returncode == 0 else (r.stdout + r.stderr)[-600:]

    def bad(self, tests):
        """({test: result} of those that did not pass)"""
        log = self.tree / "build" / "meson-logs" / "testlog.json"
        log.unlink(missing_ok=True)
        run(["meson", "test", "-C", "build", "--no-rebuild", "-q", "--num-processes", "2", *tests], self.tree, 1800)
        rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        if len(rows) < len(tests):
            raise SystemExit("mutants: not every test ran in the scratch build")
        return {r["name"].split(" / ")[-1]: r["result"] for r in rows if r["result"] not in GOOD}


def by_tests(scratch, row, every):
    first = [t for t in row.get("tests", []) if t in scratch.programs]
    missing = [t for t in row.get("tests", []) if t not in scratch.programs]
    if missing:
        return False, "no such test: " + ", ".join(missing)
    rounds = [first, [t for t in scratch.everything() if t not in first]]
    noticed = {}
    for i, tests in enumerate(rounds):
        if not tests or (noticed and not every):
            continue
        failed = scratch.build(tests)
        if failed:
            return False, "does not build: " + failed
        bad = scratch.bad(tests)
        noticed.update({t: r for t, r in bad.items() if r != "TIMEOUT"})
        if any(r == "TIMEOUT" for r in bad.values()):
            return False, "hangs: " + ", ".join(bad)
        if i == 0 and tests and not noticed:
            print(f"     {row['name']}: not noticed by {', '.join(tests)}; trying the others", file=sys.stderr, flush=True)
    return bool(noticed), "noticed by " + ", ".join(sorted(noticed)) if noticed else "NOBODY NOTICED"


def script(scratch, argv):
    """(exit status, the first thing that it says is wrong) with the daemons of the scratch build."""
    failed = scratch.build(None)
    if failed:
        return None, "does not build: " + failed
    argv = ["/usr/bin/python3", *argv] if argv[0].endswith(".py") else argv
    r = run(argv, scratch.tree, 900, {"HIPFA_BUILD": str(scratch.tree / "build")})
    wrong = [line for line in r.stdout.splitlines() if line.startswith("FAIL")]
    return r.returncode, wrong[0][:100] if wrong else r.stderr[-100:]


def by_script(scratch, row, sound):
    """sound: what the script said of the tree as it is, by command."""
    name, (code, said) = row["e2e"][0], sound[tuple(row["e2e"])]
    if code == 77:
        return None, f"{name} does not run here"
    if code != 0:
        return False, f"{name} fails on the tree itself: {said}"
    code, said = script(scratch, row["e2e"])
    if code is None or code == 124:
        return False, said or "hangs"
    return code != 0, f"noticed by {name}: {said}" if code else "NOBODY NOTICED"


def try_one(scratch, row, every, sound):
    """(noticed, or None when it could not be tried; what to say)"""
    path = scratch.tree / row["file"]
    text = path.read_text() if path.exists() else ""
    find, replace = ([x] if isinstance(x, str) else x for x in (row["find"], row["replace"]))
    mutant = text
    for old, new in zip(find, replace, strict=True):
        if text.count(old) != 1:
            return False, f"the text stands {text.count(old)} times in {row['file']}, not once: {old}"
        mutant = mutant.replace(old, new)
    path.write_text(mutant)
    try:
        return by_script(scratch, row, sound) if "e2e" in row else by_tests(scratch, row, every)
    finally:
        path.write_text(text)


def work(scratch, rows, every):
    copy_tree(scratch.tree)
    print("building the scratch copy", file=sys.stderr, flush=True)
    failed = scratch.setup()
    tests = sorted({t for r in rows for t in r.get("tests", []) if t in scratch.programs}) or scratch.everything()[:1]
    failed = failed or scratch.build(tests)
    bad = {} if failed else scratch.bad(tests)
    if failed or bad:
        print(f"{failed or ''}\nFAIL the tree itself does not build or pass: {', '.join(bad)}\n0 passed, 1 failed")
        return 1
    sound = {argv: script(scratch, list(argv)) for argv in {tuple(r["e2e"]) for r in rows if "e2e" in r}}
    count = {True: 0, False: 0, None: 0}
    for n, row in enumerate(rows, 1):
        t = time.monotonic()
        noticed, said = try_one(scratch, row, every, sound)
        count[noticed] += 1
        word = {True: "ok  ", False: "FAIL", None: "SKIP"}[noticed]
        print(f"{word} {row['name']:<30} {said}  ({time.monotonic() - t:.0f} s, {n}/{len(rows)})", flush=True)
    print(f"{count[True]} passed, {count[False]} failed, {count[None]} skipped")
    return 1 if count[False] or not count[True] else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", metavar="PATTERN")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--all", action="store_true", help="every test on every row")
    ap.add_argument("--no-e2e", action="store_true", help="leave out the rows that need a script of tests/e2e")
    ap.add_argument("--scratch", metavar="DIR", type=pathlib.Path, help="work there, and leave the copy for the next time")
    a = ap.parse_args()
    rows = json.loads((ROOT / "tests" / "mutants.json").read_text())
    rows = [r for r in rows if (not a.only or re.search(a.only, r["name"])) and not (a.no_e2e and "e2e" in r)]
    if a.list:
        print("\n".join(f"{r['name']:<30} {r['file']:<28} {' '.join(r.get('e2e', r.get('tests', [])))}" for r in rows))
        return 0
    if a.scratch:
        a.scratch.mkdir(parents=True, exist_ok=True)
        return work(Scratch(a.scratch.resolve()), rows, a.all)
    with tempfile.TemporaryDirectory(prefix="hipfa-mutants-") as d:
        return work(Scratch(pathlib.Path(d).resolve()), rows, a.all)


if __name__ == "__main__":
    sys.exit(main())
