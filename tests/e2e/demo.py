#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 240
# check: full 600 --bind-too
"""The demo as a test: every step holds, its captures pass tests/interop/wirecheck.py and hipvec verify, an interrupted run leaves nothing behind."""
import glob
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from captures import BUILD, judged

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = [str(ROOT / "tests" / "lab" / "demo.py")]
passed = failed = 0


def say(ok, title, more=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    print(f"{'ok  ' if ok else 'FAIL'} {title}{f': {more}' if more else ''}", flush=True)


def leftovers():
    names = {"net", "home", "fa", "umts", "wlan", "mn", "cn", "cn2"}
    ns = names & set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set()
    etc = names & set(os.listdir("/etc/netns")) if os.path.isdir("/etc/netns") else set()
    return sorted(ns) + sorted(etc) + glob.glob("/run/hipfa-lab/demo*")


def whole_run(extra, title):
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.run(DEMO + ["--json", f"{d}/demo.json", "--pcap", f"{d}/pcap", *extra], capture_output=True, text=True, timeout=200)
        rows = json.load(open(f"{d}/demo.json"))["steps"] if os.path.exists(f"{d}/demo.json") else []
        for r in rows:
            say(r["result"] == "ok", f"{title} step {r['step']}, {r['title']}", "" if r["result"] == "ok" else r["evidence"])
        say(p.returncode == 0, f"{title}: exit status", str(p.returncode) if p.returncode == 0 else p.stdout[-1500:] + p.stderr[-3500:])
        w = subprocess.run(["/usr/bin/python3", str(ROOT / "tests/interop/wirecheck.py"), *sorted(glob.glob(f"{d}/pcap/*"))],
                           capture_output=True, text=True, timeout=120)
        closing = (w.stdout.strip().splitlines() or ["nothing said"])[-1]
        say(w.returncode == 0 and re.match(r"[1-9]\d* passed, 0 failed", closing), f"{title}: wirecheck", closing if w.returncode == 0 else
            w.stdout[-2000:] + w.stderr[-1000:])
        flipped(f"{d}/pcap", judged(f"{d}/pcap", say, title), title)


def flipped(folder, captures, title):
    """One bit altered: the right complaint."""
    flip = BUILD / "tests" / "unit" / "cli" / "flip"
    for path in captures:
        f = subprocess.run([flip, path, f"{folder}/keys", "150"], capture_output=True, text=True, timeout=200)
        say(f.returncode == 0, f"{title}: one bit of {os.path.basename(path)} altered", f.stdout.splitlines()[-1] if f.returncode == 0 else f.stdout[-1500:])


def zero_touch():
    """A SIM that only the HLR knows, a host that is told of no FA."""
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.run(DEMO + ["--zero-touch", "--json", f"{d}/demo.json"], capture_output=True, text=True, timeout=100)
        rows = json.load(open(f"{d}/demo.json"))["steps"] if os.path.exists(f"{d}/demo.json") else []
        bad = [f"{r['step']}: {r['evidence']}" for r in rows if r["result"] != "ok"]
        say(p.returncode == 0 and len(rows) == 6 and not bad, "zero touch: every step", "" if not bad and p.returncode == 0 else f"{bad}\n{p.stdout[-1500:]}{p.stderr[-2500:]}")


def interrupted(title, disposition):
    """Ctrl-C after a few steps; a background job of a script (CI) is started with SIGINT ignored, and must end as well."""
    p = subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         preexec_fn=lambda: signal.signal(signal.SIGINT, disposition))
    end = time.monotonic() + 60
    for line in p.stdout:
        if line.strip().startswith("2 ") or time.monotonic() > end:
            break
    p.send_signal(signal.SIGINT)
    p.stdout.read()
    say(p.wait(timeout=60) == 1, f"{title}: exit status 1")
    say(not leftovers(), f"{title}: nothing left behind", str(leftovers() or ""))


say(not leftovers(), "nothing of an earlier lab is there", str(leftovers()) if leftovers() else "")
if not leftovers():
    whole_run([], "demo")
    if "--bind-too" in sys.argv:
        whole_run(["--dns", "bind"], "demo with BIND")
        whole_run(["--sim", "pcsc"], "demo with a card in a reader")
    zero_touch()
    say(not leftovers(), "the demo left nothing behind", str(leftovers() or ""))
    interrupted("Ctrl-C", signal.SIG_DFL)
    interrupted("SIGINT though it was ignored at the start", signal.SIG_IGN)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
