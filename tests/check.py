#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs hipfa's tests and closes with one line `N passed, N failed, N skipped`.

Parts, in order: lints; gcc build with ASan + UBSan; unit, simulator and fuzz-corpus tests of that build; then, beside each other, what
waits and what computes: every script under tests/e2e, tests/interop and tests/lint that carries one of the lines below, one after the other, and at a
lower priority the clang build (with --full its tests) and clang-tidy.

    # check: default SECONDS [ARGUMENTS]
    # check: full SECONDS [ARGUMENTS]

(with both, `full` is what --full runs; with `full` alone the script runs only then); SECONDS is the time it may take. A script's own last line `N passed, N failed[, N skipped]` is counted; a script without such a line
counts as one. Each may print `SKIP name: why` lines for what the kernel cannot do.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")
MARK = re.compile(r"^# check: (default|full) (\d+)((?: \S+)*)\s*$", re.M)
LOWER = ["nice", "-n", "10"]  # beside the scripts, whose daemons have timers
SANITIZE = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


class Tally:
    """What was counted; a step's line and what follows it stand together, whichever thread ran it."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.bad = []
        self.lock = threading.Lock()

    def add(self, name, passed, failed, skipped, seconds, more=""):
        with self.lock:
            self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
            word = "FAIL" if failed else "ok  "
            print(f"{word} {name:<44} {passed:>4} passed {failed:>3} failed {skipped:>3} skipped  {seconds:6.1f} s", flush=True)
            if failed:
                self.bad.append(name)
            if more:
                print(more, flush=True)


def run(argv, timeout, env=None, cwd=ROOT):
    """(exit status or None on a time-out, output, seconds)"""
    t = time.monotonic()
    p = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         errors="replace", env={**os.environ, **(env or {})})
    try:
        out, _ = p.communicate(timeout=timeout)
        return p.returncode, out, time.monotonic() - t
    except subprocess.TimeoutExpired:
        p.terminate()  # scripts take their namespaces down on SIGTERM
        try:
            out, _ = p.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            p.kill()
            out, _ = p.communicate()
        return None, out + f"\n(ended after {timeout} s)\n", time.monotonic() - t


def one(tally, name, argv, timeout, env=None):
    """A step that counts as one test, or as many as its closing line says."""
    code, out, secs = run(argv, timeout, env)
    counts = next((m for m in (CLOSING.match(line) for line in reversed(out.splitlines())) if m), None)
    passed, failed, skipped = (int(x or 0) for x in counts.groups()) if counts else (int(code == 0), int(code != 0), 0)
    if code == 77 and not failed:
        skipped = max(skipped, 1)
    elif code != 0 and failed == 0:
        failed = 1
    more = ["    " + line for line in out.splitlines() if line.startswith("SKIP ")]
    more += ["    | " + line for line in out.splitlines()[-60:]] if failed else []
    tally.add(name, passed, failed, skipped, secs, "\n".join(more))
    return code == 0


def sources(*suffixes):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True).stdout
    return [f for f in out.splitlines() if f.endswith(suffixes) and (ROOT / f).exists()]


def build(tally, compiler, where, options, lower=()):
    """Configure (once) and build; counts as one test."""
    env = {"CC": compiler}
    if not (ROOT / where / "build.ninja").exists():
        shutil.rmtree(ROOT / where, ignore_errors=True)
        code, out, secs = run(["meson", "setup", where, "--werror", *options], 300, env)
        if code != 0:
            tally.add(f"configure ({compiler})", 0, 1, 0, secs, out[-3000:])
            return False
    return one(tally, f"build with {compiler}, -Werror", [*lower, "ninja", "-C", where], 1500, env)


def meson_tests(tally, where, label):
    """Every test of the build, each counted, the failing ones with their output."""
    log = ROOT / where / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    _, out, secs = run(["meson", "test", "-C", where, "--no-rebuild", "--print-errorlogs", "-q"], 1200, SANITIZE)
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    good = sum(r["result"] in ("OK", "EXPECTEDFAIL") for r in rows)
    skip = sum(r["result"] == "SKIP" for r in rows)
    bad = [r for r in rows if r["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")]
    more = [f"    FAIL {r['name']}: {r['result']}" for r in bad]
    more += ["    | " + line for line in out.splitlines()[-80:]] if bad or not rows else []
    tally.add(f"unit, sim, fuzz corpora ({label})", good, len(bad) if rows else 1, skip, secs, "\n".join(more))


def scripts(full):
    for folder in ("lint", "interop", "e2e"):
        for path in sorted((ROOT / "tests" / folder).iterdir()):
            marks = {m[1]: m for m in MARK.finditer(path.read_text())} if path.suffix in (".py", ".sh") else {}
            if m := marks.get("full" if full else "default") or marks.get("default"):
                yield path, int(m[2]), m[3].split()


def clang_tidy(tally, where):
    files = [f for f in sources(".c") if not f.startswith("tests/")]
    one(tally, "clang-tidy", [*LOWER, "xargs", "-a", _list(where, files), "-P", "2", "-n", "8", "clang-tidy", "--quiet", "-p", where], 1500)


def _list(where, files):
    path = ROOT / where / "files.txt"
    path.write_text("\n".join(files))
    return str(path)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--full", action="store_true", help="every server, fault and compiler")
    ap.add_argument("--only", metavar="PATTERN", help="only steps whose name matches")
    ap.add_argument("--list", action="store_true", help="name the steps and stop")
    a = ap.parse_args()
    tally = Tally()
    san = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]

    steps = [
        ("clang-format", lambda: one(tally, "clang-format", ["clang-format", "--dry-run", "--Werror", *sources(".c", ".h")], 300)),
        ("build gcc", lambda: build(tally, "gcc", "build-check", san)),
        ("layers", lambda: one(tally, "layers, engines free of the system",
                               ["tests/lint/layers.py", "--objects", "build-check"], 120)),
        ("unit gcc", lambda: meson_tests(tally, "build-check", "gcc, ASan + UBSan")),
    ]
    beside = [
        ("build clang", lambda: build(tally, "clang", "build-clang", san, LOWER)),
        ("clang-tidy", lambda: clang_tidy(tally, "build-clang")),
    ]
    if a.full:
        beside.insert(1, ("unit clang", lambda: meson_tests(tally, "build-clang", "clang, ASan + UBSan")))
    waiting = []
    for path, seconds, words in scripts(a.full):
        name = path.relative_to(ROOT / "tests").as_posix()
        # The daemons under test are those of the sanitizer build: a leak or an overflow in them fails the script.
        waiting.append((name, lambda p=path, n=name, s=seconds, w=words: one(
            tally, n, ([str(p)] if os.access(p, os.X_OK) else ["/usr/bin/python3", str(p)]) + w, s,
            {**SANITIZE, "HIPFA_BUILD": str(ROOT / "build-check")})))
    steps, beside, waiting = ([(n, f) for n, f in part if not a.only or re.search(a.only, n)] for part in (steps, beside, waiting))
    if a.list:
        print("\n".join(n for n, _ in steps + beside + waiting))
        return 0
    t = time.monotonic()
    for _, step in steps:
        step()
    thread = threading.Thread(target=lambda: [step() for _, step in beside], daemon=True)
    thread.start()
    for _, step in waiting:
        step()
    thread.join()
    print(f"\n{time.monotonic() - t:.0f} s" + (f"; failed: {', '.join(tally.bad)}" if tally.bad else ""))
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
