#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: full 1200
"""Every bit of small captures altered, one at a time: hipvec verify has the right complaint for each that a checksum, MAC, signature or ICV covers
(tests/unit/cli/flip.c; the default run of tests/unit/cli/test_hipvec_look.py takes a sample)."""
import os
import pathlib
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("HIPFA_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
HIPVEC, FLIP = BUILD / "cli" / "hipvec" / "hipvec", BUILD / "tests" / "unit" / "cli" / "flip"


def main():
    passed = failed = 0
    for options in (("--suite", "7/2/2/8", "--kind", "bex"), ("--suite", "7/2/2/13", "--kind", "bex", "--udp"),
                    ("--suite", "7/2/2/8", "--kind", "bex,close", "--family", "6")):
        with tempfile.TemporaryDirectory(prefix="flip-") as d:
            subprocess.run([HIPVEC, "gen", "--seed", "00", *options, "-o", f"{d}/x.json"], check=True)
            subprocess.run([HIPVEC, "to-pcap", f"{d}/x.json", "-o", f"{d}/x.pcap", "--keys", f"{d}/x.keys"], check=True, stdout=subprocess.DEVNULL)
            p = subprocess.run([FLIP, f"{d}/x.pcap", f"{d}/x.keys", "0"], capture_output=True, text=True)
        passed, failed = passed + (p.returncode == 0), failed + (p.returncode != 0)
        print(f"{'ok  ' if p.returncode == 0 else 'FAIL'} {' '.join(options)}: {p.stdout[-2000:].strip()}{p.stderr[-2000:]}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
