#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Can the tests fail? Takes one check at a time out of a copy of the tree and sees that a test names it.

    tests/mutants.py [--only PATTERN] [--list]

tests/mutants.json holds the rows: name, file, the text to find (it must stand there exactly once), what replaces it, and optionally
the meson suites to run. Each mutant is built and tested in a scratch copy; a mutant that no test notices, that does not build, or whose text has gone
counts as failed. Progress goes to stderr.
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


def run(argv, cwd, timeout=900):
    try:
        return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=timeout,
                              stdin=subprocess.DEVNULL, env={**os.environ, "CC": "gcc"})
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", "timed out")


def copy_tree(to):
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, files):
        src, dst = ROOT / os.fsdecode(name), to / os.fsdecode(name)
        if src.exists():
            dst.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(src, dst)


def failing(tree):
    """Names of the tests that fail in the scratch build."""
    log = tree / "build" / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    run(["meson", "test", "-C", "build", "--no-rebuild", "-q", "-t", "2"], tree)
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if not rows:
        raise SystemExit("mutants: no test ran in the scratch build")
    return sorted(r["name"] for r in rows if r["result"] not in ("OK", "EXPECTEDFAIL", "SKIP"))


def try_one(tree, row):
    """(noticed, what to say)"""
    path = tree / row["file"]
    text = path.read_text() if path.exists() else ""
    if text.count(row["find"]) != 1:
        return False, f"the text stands {text.count(row['find'])} times in {row['file']}, not once"
    path.write_text(text.replace(row["find"], row["replace"]))
    try:
        built = run(["ninja", "-C", "build"], tree)
        if built.returncode != 0:
            return False, "does not build: " + (built.stdout + built.stderr)[-400:]
        names = failing(tree)
    finally:
        path.write_text(text)
    return bool(names), ("noticed by " + ", ".join(names[:6])) if names else "NOBODY NOTICED"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", metavar="PATTERN")
    ap.add_argument("--list", action="store_true")
    a = ap.parse_args()
    rows = json.loads((ROOT / "tests" / "mutants.json").read_text())
    rows = [r for r in rows if not a.only or re.search(a.only, r["name"])]
    if a.list:
        print("\n".join(f"{r['name']:<28} {r['file']}" for r in rows))
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="hipfa-mutants-") as d:
        tree = pathlib.Path(d)
        copy_tree(tree)
        print("building the scratch copy", file=sys.stderr, flush=True)
        # Warnings are no errors here: a check taken out may leave a variable unused.
        first = run(["meson", "setup", "build", "-Db_sanitize=address,undefined", "-Db_lundef=false"], tree)
        first = run(["ninja", "-C", "build"], tree, 1500) if first.returncode == 0 else first
        if first.returncode != 0 or failing(tree):
            print(first.stdout[-2000:] + first.stderr[-2000:])
            print("FAIL the tree itself does not build or pass\n0 passed, 1 failed")
            return 1
        for n, row in enumerate(rows, 1):
            t = time.monotonic()
            noticed, said = try_one(tree, row)
            passed, failed = passed + noticed, failed + (not noticed)
            print(f"{'ok  ' if noticed else 'FAIL'} {row['name']:<28} {said}  ({time.monotonic() - t:.0f} s, {n}/{len(rows)})", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
