#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 120 --short
# check: full 240
"""./demo with the operator's own parts as a test: hostapd with osmo-hlr behind it and the card in a reader; RADIUS in TLS through radsecproxy and FreeRADIUS.

--short: the second one alone."""
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


def whole_run(*options):
    title = " ".join(options)
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/said", "w+") as said:
            p = subprocess.Popen([str(ROOT / "tests/lab/demo.py"), "--json", f"{d}/j", *options], stdout=said, stderr=said)
            signal.signal(signal.SIGTERM, lambda *_: p.terminate())  # the demo takes its namespaces down
            code = p.wait()
            said.seek(0)
            out = said.read()
        steps = json.load(open(f"{d}/j"))["steps"] if os.path.exists(f"{d}/j") else []
    for r in steps:
        say(r["result"] == "ok", f"{title}: step {r['step']}, {r['title']}", "" if r["result"] == "ok" else r["evidence"])
    say([r["step"] for r in steps] == [str(i) for i in range(18)], f"{title}: no step is missing", len(steps))
    say(code == 0, f"{title}: exit status", code if code == 0 else out[-5000:])


if "--short" not in sys.argv[1:]:
    whole_run("--aaa", "hostapd", "--hlr", "osmo-hlr", "--sim", "pcsc")
whole_run("--aaa", "radsec")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
