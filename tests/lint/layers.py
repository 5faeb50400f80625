#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a lower layer includes an upper one, or when an engine touches the system.

Two checks: (1) every `#include` against the tables below: our layers, and the system headers that belong to one layer;
(2) with --objects BUILD: the undefined symbols (nm -u) of the engines' objects hold no socket, clock, randomness or event loop.
Exit 1 and one line per breach.
"""
import argparse
import pathlib
import re
import subprocess
import sys

# layer: the layers whose headers it may include (its own always)
MAY = {
    "common/base": [],
    "common/crypto": ["common/base"],
    "common/rt": ["common/base", "common/crypto"],
    "hip": ["common/base", "common/crypto"],
    "hip/esp": ["common/base", "common/crypto", "hip"],
    "hip/daemon": ["common/base", "common/crypto", "common/rt", "hip"],
    "aka": ["common/base", "common/crypto"],
    "dnsupd": ["common/base", "common/crypto"],
    "fa/core": ["common/base", "common/crypto", "hip", "aka", "dnsupd"],
    "host/core": ["common/base", "common/crypto", "hip", "hip/esp", "aka", "dnsupd"],
    "fa": ["common/base", "common/crypto", "common/rt", "hip", "hip/daemon", "aka", "dnsupd", "fa/core"],
    "as": ["common/base", "common/crypto", "common/rt", "aka"],
    "host": ["common/base", "common/crypto", "common/rt", "hip", "hip/esp", "hip/daemon", "aka", "dnsupd", "host/core"],
    "cli": ["common/base", "common/crypto", "common/rt", "hip", "hip/esp", "aka", "dnsupd", "fa/core"],
}
# system header: the layers that may include it
SYSTEM = {
    r"openssl/.*": ["common/crypto"],
    r"sodium(/.*)?\.h": ["common/crypto"],
    r"uv\.h": ["common/rt", "fa", "as", "host"],
    r"ldns/.*": ["dnsupd"],
    r"unbound\.h": ["common/rt"],
    r"sqlite3\.h": ["fa", "as"],
    r"winscard\.h": ["host"],
    r"(sys/socket|sys/epoll|net/if|netinet/.*|arpa/inet|linux/.*|libmnl/.*)(\.h)?": ["common/rt", "fa", "as", "host"],
    r"(time|sys/time|sys/random|pthread)\.h": ["common/rt", "fa", "as", "host", "cli"],
}
ENGINES = ["common/base", "hip", "hip/esp", "aka", "dnsupd", "fa/core", "host/core"]
FORBIDDEN = re.compile(r"^(socket|bind|connect|accept4?|send(to|msg|mmsg)?|recv(from|msg|mmsg)?|open(at)?(64)?|fopen(64)?|read|write|"
                       r"clock_gettime|gettimeofday|time|getrandom|getentropy|rand|random|arc4random.*|usleep|nanosleep|sleep|uv_.*|"
                       r"pthread_.*|RAND_.*|randombytes.*|getenv|system|popen|fork)$")


def layer_of(path):
    best = None
    for layer in MAY:
        if path.startswith(layer + "/") and (best is None or len(layer) > len(best)):
            best = layer
    return best


def check_line(rel, n, layer, quoted, name):
    if quoted:
        target = layer_of(name)
        if target is None:
            return [f'{rel}:{n}: "{name}" is in no layer: include by the path from the root']
        if target != layer and target not in MAY[layer]:
            return [f"{rel}:{n}: {layer} includes {name} of {target}"]
        return []
    return [f"{rel}:{n}: <{name}> belongs to {', '.join(allowed)}, not to {layer}"
            for pattern, allowed in SYSTEM.items() if re.fullmatch(pattern, name) and layer not in allowed]


def check_includes(root):
    bad, seen = [], 0
    for path in sorted(p for top in {m.split("/")[0] for m in MAY} for p in (root / top).rglob("*.[ch]")):
        rel = path.relative_to(root).as_posix()
        layer = layer_of(rel)
        if layer is None:
            bad.append(f"{rel}: in no layer of tests/lint/layers.py")
            continue
        seen += 1
        for n, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if m:
                bad += check_line(rel, n, layer, m.group(1) == '"', m.group(2))
    return bad, seen


def check_objects(build):
    bad, seen = [], 0
    for obj in sorted(build.rglob("*.o")):
        rel = obj.relative_to(build).as_posix()  # meson: <layer>/lib<name>.a.p/<file>.c.o
        if layer_of(rel) not in ENGINES or ".a.p/" not in rel:
            continue
        seen += 1
        out = subprocess.run(["nm", "-u", str(obj)], capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            sym = line.split()[-1].split("@")[0]
            if FORBIDDEN.match(sym):
                bad.append(f"{rel}: an engine uses {sym}()")
    return bad, seen


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    ap.add_argument("--objects", type=pathlib.Path, metavar="BUILD")
    a = ap.parse_args()
    bad, seen = check_includes(a.root)
    if not seen:
        bad.append("no source files found: wrong --root?")
    if a.objects:
        more, objs = check_objects(a.objects)
        bad += more
        if not objs:
            bad.append(f"no engine objects under {a.objects}: build first")
    for line in bad:
        print(line)
    print(f"layers: {seen} files, {len(bad)} breaches")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
