# SPDX-License-Identifier: Apache-2.0
"""The captures of a demo (--pcap) before hipvec verify: all good, and with the daemons' keys nothing of HIP or ESP is left unjudged."""
import glob
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build"))


def judged(folder, say, title, without_hip=("home.pcap",)):
    """Calls say(ok, title, more) for each; the captures that have HIP in them. without_hip: the link to the authentication server has none."""
    found = []
    say(os.stat(f"{folder}/keys").st_mode & 0o777 == 0o600, f"{title}: the key log is its owner's alone")
    for path in sorted(glob.glob(f"{folder}/*.pcap")):
        name = os.path.basename(path)
        if name in without_hip:
            v = verify(path)
            say(not v[1]["packets"] and v[0] == 77, f"{title}: {name}: no HIP")
            continue
        found.append(path)
        for keys in ((), ("--keys", f"{folder}/keys")):
            code, out = verify(path, *keys)
            checks = [c for x in out["packets"] for c in x["checks"]]
            wrong = [c for c in checks if c["outcome"] == "failed"]
            unkeyed = [c for c in checks if c["outcome"] == "skipped" and "no key" in c.get("why", "")]
            good = code == 0 and out["packets"] and not wrong and bool(unkeyed) != bool(keys)
            say(good, f"{title}: hipvec verify {name}{' with keys' if keys else ''}",
                f"{out['passed']} passed, {out['failed']} failed, {out['skipped']} skipped" if good else f"{code}; {(wrong or unkeyed)[:3]}")
    say(found, f"{title}: captures were made", len(found))
    return found


def verify(path, *options):
    v = subprocess.run([BUILD / "cli" / "hipvec" / "hipvec", "verify", "--json", *options, path], capture_output=True, text=True, timeout=120)
    return v.returncode, json.loads(v.stdout)
