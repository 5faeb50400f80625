#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`hipvec gen` for the suites that `hipvec gen --list` names: `hipvec run` and vectorcheck.py agree on what it makes, and one seed makes it twice.

    vectors_gen.py [--all] [--keep FOLDER]

By default every group, cipher, host identity and ESP suite in as few exchanges as that takes, and every kind of exchange and of name, over IPv4, IPv6 and UDP by
turns; --all: every group with every host identity and every ESP suite, the ciphers by turns, and every kind in every way.
"""
# check: default 60
# check: full 1800 --all
import argparse
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HIPVEC = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build")) / "cli" / "hipvec" / "hipvec"
KINDS = {"bex", "opportunistic", "registration", "rendezvous", "relay", "data-relay", "simultaneous", "update", "move", "rekey", "rekey-dh", "notify", "close"}
WAYS = [["--family", "4"], ["--family", "6"], ["--udp"], ["--udp", "--family", "6"]]
PLAIN, UDP = WAYS[:2], WAYS[2:]
WAYS_OF = {"rendezvous": PLAIN, "relay": UDP, "data-relay": UDP}  # RFC 8004: FROM has no port; RFC 9028: relays have


def run(*argv):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=1800)


def supported():
    """{"dh": [...], "cipher": [...], "hit": [...], "esp": [...]}: ids, of host identities names."""
    out = {}
    for line in run(HIPVEC, "gen", "--list").stdout.splitlines():
        what, number, name = line.split(maxsplit=2)
        out.setdefault(what, []).append(name if what == "hit" else number)
    return out


def kinds():
    """As the usage lists them: a kind that is not in KINDS is new, and has to be thought about here."""
    text = run(HIPVEC, "gen").stderr + run(HIPVEC).stderr + run(HIPVEC).stdout
    named = re.search(r"KIND: ([a-z, -]+)", text)[1].strip().split(", ")
    if set(named) != KINDS:
        raise SystemExit(f"kinds of hipvec gen: {sorted(set(named) ^ KINDS)}")
    return named


def suites(every):
    """DH/CIPHER/HIT/ESP"""
    s = supported()
    if every:
        ciphers = itertools.cycle(s["cipher"])
        return [f"{d}/{next(ciphers)}/{h}/{e}" for d in s["dh"] for h in s["hit"] for e in s["esp"]]
    n = max(map(len, s.values()))
    return ["/".join(s[what][i % len(s[what])] for what in ("dh", "cipher", "hit", "esp")) for i in range(n)]


def plans(every):
    """(suite, kinds, way)"""
    ways = itertools.cycle(WAYS)
    for suite in suites(every):
        yield suite, "bex,rekey-dh,close" if every else "bex,rekey,close", next(ways)
    usual = "7/2/P-256/8"
    for kind in kinds():
        allowed = WAYS_OF.get(kind, WAYS)
        for way in allowed if every else [next(way for way in ways if way in allowed)]:
            yield usual, kind, way
    for name in ("mn.example.net", "me@example.org"):  # FQDN, NAI
        yield usual, "registration", [*next(ways), "--name", name]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="vectors-gen-") as scratch:
        folder = args.keep or pathlib.Path(scratch) / "made"
        folder.mkdir(parents=True, exist_ok=True)
        for n, (suite, kinds, way) in enumerate(plans(args.all)):
            once, twice = folder / f"{n:04}.json", pathlib.Path(scratch) / "twice.json"
            argv = ["gen", "--suite", suite, "--seed", f"{n:08x}", "--kind", kinds, *way]
            made = [run(HIPVEC, *argv, "-o", path) for path in (once, twice)]
            why = "".join(p.stderr for p in made if p.returncode)
            if not why and once.read_bytes() != twice.read_bytes():
                why = "two runs with one seed differ"
            print(f"FAIL {suite} {kinds} {' '.join(way)}: {why}" if why else f"ok   {suite} {kinds} {' '.join(way)}")
            passed, failed = passed + (not why), failed + bool(why)
        for name, argv in (("hipvec run", [HIPVEC, "run", folder]), ("vectorcheck.py", [sys.executable, HERE / "vectorcheck.py", folder])):
            p = run(*argv)
            count = len(list(folder.glob("*.json")))
            good = p.returncode == 0 and p.stdout.splitlines()[-1] == f"{count} passed, 0 failed, 0 skipped" and "note:" not in p.stdout
            print(f"ok   {name} on all" if good else f"FAIL {name}: status {p.returncode}\n{p.stdout[-4000:]}{p.stderr[-2000:]}")
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
