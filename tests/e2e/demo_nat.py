#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
"""./demo --nat as a test: every step holds, and its captures pass hipvec verify."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from captures import judged

ROOT = pathlib.Path(__file__).resolve().parents[2]
passed = failed = 0


def say(ok, title, more=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'} {title}{': ' + str(more) if more else ''}", flush=True)


def main():
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/said", "w+") as said:
            p = subprocess.Popen([str(ROOT / "tests/lab/demo.py"), "--nat", "--json", f"{d}/j", "--pcap", f"{d}/pcap"], stdout=said, stderr=said)
            signal.signal(signal.SIGTERM, lambda *_: p.terminate())  # the demo takes its namespaces down
            code = p.wait()
            said.seek(0)
            out = said.read()
        if os.path.isdir(f"{d}/pcap"):
            judged(f"{d}/pcap", say, "captures")
        steps = json.load(open(f"{d}/j"))["steps"] if os.path.exists(f"{d}/j") else []
    for r in steps:
        say(r["result"] == "ok", f"step {r['step']}, {r['title']}", "" if r["result"] == "ok" else r["evidence"])
    say({"12", "13", "14", "14a", "14b", "15", "16", "17"} <= {r["step"] for r in steps}, "no step is missing", len(steps))
    say(code == 0, "exit status", code if code == 0 else out[-5000:])
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
