#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120 6
# check: full 240 20
"""./demo --move N as a test: every step holds, its table has every move, and nothing was lost with both interfaces up.

    demo_move.py N
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
passed = failed = 0


def say(ok, title, more=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'} {title}{': ' + str(more) if more else ''}", flush=True)


def run(n):
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/said", "w+") as said:
            p = subprocess.Popen([str(ROOT / "tests/lab/demo.py"), "--move", str(n), "--json", f"{d}/j"], stdout=said, stderr=said)
            signal.signal(signal.SIGTERM, lambda *_: p.terminate())  # the demo takes its namespaces down
            code = p.wait()
            said.seek(0)
            out = said.read()
        say(code == 0, "exit status", code if code == 0 else out[-4000:])
        return json.load(open(f"{d}/j")) if os.path.exists(f"{d}/j") else {"steps": [], "moves": [], "summary": {}}


def main():
    n = int(sys.argv[1])
    j = run(n)
    for r in j["steps"]:
        say(r["result"] == "ok", f"step {r['step']}, {r['title']}", "" if r["result"] == "ok" else r["evidence"])
    say([m["kind"] for m in j["moves"]] == ["mbb"] * (n - n // 2) + ["bbm"] * (n // 2), "every move is in the table", len(j["moves"]))
    mbb = j["summary"].get("mbb", {})
    say(mbb.get("lost") == 0 and mbb.get("sent", 0) > 0, "no ping lost with both interfaces up", f"{mbb.get('lost')} of {mbb.get('sent')}")
    for kind in ("mbb", "bbm"):
        for what in ("first_ms", "verified_ms", "silence_ms"):
            v = j["summary"].get(kind, {}).get(what, {})
            say(0 <= v.get("min", -1) <= v.get("median", -1) <= v.get("max", -1), f"{kind} {what}", v)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
