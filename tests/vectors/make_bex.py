# SPDX-License-Identifier: Apache-2.0
"""Good exchanges: test-vectors/hip/bex-*.json, each test one call of hipvec gen.

usage: make_bex.py HIPVEC FOLDER
"""
import json
import os
import subprocess
import sys

from document import dump

KEYS = ("RSA-2048", "DSA", "P-256", "P-384", "SECP160R1", "Ed25519", "Ed448")
GROUPS = (3, 4, 7, 8, 9, 10, 11)
ESP = (8, 9, 13, 12, 10, 11, 7, 14, 15)
WAYS = ([], ["--family", "6"], ["--udp"], ["--udp", "--family", "6"])
KINDS = ("update", "move", "rekey", "rekey-dh", "notify", "close", "registration", "simultaneous",
         "update,move,rekey,rekey-dh,notify,close")


def suites() -> dict:
    """Every host identity with every group; ciphers, ESP transforms and ways in turn."""
    out, n = {}, 0
    for key in KEYS:
        out["bex-" + key.lower()] = calls = []
        for group in GROUPS:
            calls.append([f"{group}/{2 if n % 2 else 4}/{key}/{ESP[n % len(ESP)]}", *WAYS[n % len(WAYS)]])
            n += 1
    return out


def sets() -> dict:
    out = suites()
    out["bex-esp"] = [[f"7/{cipher}/P-256/{esp}", "--kind", "rekey"] for esp in ESP for cipher in (2, 4)]
    out["bex-null"] = [["7/1/P-256/8"], ["11/1/RSA-2048/13", "--family", "6"]]
    out["bex-mixed"] = [["7/2/P-256/8", "--initiator", "RSA-2048"], ["8/4/RSA-2048/9", "--initiator", "Ed25519", "--family", "6"],
                        ["9/2/Ed25519/13", "--initiator", "P-384", "--udp"], ["7/2/P-384/8", "--wide"], ["11/4/DSA/12", "--wide", "--udp"]]
    out["bex-kinds"] = [["7/2/P-256/8", "--kind", kind, *way] for i, kind in enumerate(KINDS) for way in (WAYS[0], WAYS[1 + i % 3])]
    out["bex-kinds"] += [["8/4/Ed25519/13", "--kind", KINDS[-1], "--udp"], ["11/4/RSA-2048/9", "--kind", KINDS[-1], "--family", "6"]]
    out["bex-rendezvous"] = [["7/2/P-256/8", "--kind", "rendezvous"], ["7/2/P-256/8", "--kind", "rendezvous", "--family", "6"],
                             ["7/4/RSA-2048/13", "--kind", "rendezvous,move"], ["8/2/P-384/9", "--kind", "rendezvous,update,rekey,close"]]
    out["bex-opportunistic"] = [["7/2/P-256/8", "--kind", "opportunistic"], ["8/4/Ed25519/13", "--kind", "opportunistic", "--udp", "--family", "6"]]
    out["bex-relay"] = [["7/2/P-256/8", "--kind", "relay", "--udp"], ["8/4/P-384/13", "--kind", "relay,update,close", "--udp", "--family", "6"]]
    out["bex-data-relay"] = [["7/2/P-256/8", "--kind", "data-relay", "--udp"], ["8/4/Ed25519/13", "--kind", "data-relay", "--udp", "--family", "6"]]
    out["bex-simultaneous"] = [["7/2/P-256/8", "--kind", "simultaneous,update,rekey,close"],
                               ["7/2/P-256/13", "--kind", "simultaneous,rekey-dh", "--family", "6"],
                               ["8/4/Ed448/9", "--kind", "simultaneous,update,rekey,close", "--udp"]]
    return out


def make(hipvec: str, name: str, calls: list) -> dict:
    groups, head = [], {}
    for n, (suite, *more) in enumerate(calls, 1):
        args = ["gen", "--suite", suite, "--seed", f"{name}:{n}".encode().hex(), *more]
        p = subprocess.run([hipvec, *args], capture_output=True, text=True)
        if p.returncode:
            raise SystemExit(f"{' '.join(args)}: {p.stderr}")
        head = json.loads(p.stdout)
        group = head["testGroups"][0]
        group["tests"][0]["tcId"] = n
        if groups and groups[-1]["suite"] == group["suite"]:
            groups[-1]["tests"] += group["tests"]
        else:
            groups.append(group)
    return dict(head, numberOfTests=len(calls), testGroups=groups)


def main():
    hipvec, folder = sys.argv[1:3]
    for name, calls in sets().items():
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
            f.write(dump(make(hipvec, name, calls)) + "\n")


if __name__ == "__main__":
    main()
