# SPDX-License-Identifier: Apache-2.0
"""Packets that must do no harm: test-vectors/hip/bad-*.json, out of exchanges that hipvec gen makes.

usage: make_bad.py HIPVEC FOLDER

Each case takes a packet of a good exchange (or makes one up), has exactly one thing wrong in it, and says where it comes and what must happen. What
is expected is written here by hand; `hipvec run` and vectorcheck.py say whether it is so.
"""
import json
import os
import subprocess
import sys

import bad_bex
import bad_dh
import bad_form
import bad_later
import bad_notify
import bad_others
import bad_relay
import bad_state
from cases import Group
from document import dump

SETS = {
    "bad-form": bad_form.make,      # octets, lengths, order, what is missing or too much: any packet
    "bad-bex": bad_bex.make,        # the base exchange
    "bad-later": bad_later.make,    # UPDATE, rekey, NOTIFY, CLOSE, ESP
    "bad-notify": bad_notify.make,  # what is told to the sender
    "bad-others": bad_others.make,  # rendezvous, UDP, other suites, crossing exchanges
    "bad-dh": bad_dh.make,          # public values of no group
    "bad-state": bad_state.make,    # good packets, and a receiver that cannot take more
    "bad-relay": bad_relay.make,    # a data relay: ESP and permissions
}


def document(groups: list) -> dict:
    n = 0
    for g in groups:
        for t in g["tests"]:
            n += 1
            t["tcId"] = n
    return {"protocol": "HIPv2", "schema": "hipv2_bex_schema_v2.json",
            "header": ["Packets that must do no harm, each put into a good exchange in the place where it would.",
                       "Made by tests/vectors/make_bad.py; test-vectors/README.md says how to read them."],
            "notes": {}, "source": ["own: tests/vectors/make_bad.py"], "numberOfTests": n, "testGroups": groups}


def main():
    hipvec, folder = sys.argv[1:3]

    def base(*args) -> Group:
        p = subprocess.run([hipvec, "gen", *args], capture_output=True, text=True, check=True)
        return Group(json.loads(p.stdout)["testGroups"][0])

    for name, make in SETS.items():
        groups = [g.finish() for g in make(base)]
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
            f.write(dump(document(groups)) + "\n")


if __name__ == "__main__":
    main()
