#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: full 400
"""What workers share without a lock (directory of registrations, flow table) and the mail between loops under ThreadSanitizer."""
import glob
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = (("directory", ["tests/unit/fa/test_directory.c", "fa/core/directory.c", "fa/core/flow.c", "fa/core/locks.c", "fa/core/relay.c"], ["hip/*.c"], ["-DROUNDS=400"], []),
            ("mail", ["tests/unit/rt/test_loop.c"] + [f"common/rt/{n}.c" for n in ("loop", "lane", "mail", "logsink", "osrand", "work")], [], [], ["-luv"]))


def build(out, sources, more, flags, libs):
    files = [str(ROOT / s) for s in sources]
    for pattern in ["common/base/*.c", "common/crypto/*.c"] + more:
        files += sorted(glob.glob(str(ROOT / pattern)))
    return subprocess.run(["clang", "-std=gnu17", "-fsanitize=thread", "-g", "-O1", "-D_GNU_SOURCE", "-DOPENSSL_API_COMPAT=30000", '-DHIPFA_VERSION="tsan"', "-I", str(ROOT),
                           *flags, *files, "-o", out, "-lsodium", "-lssl", "-lcrypto", "-lcmocka", "-lpthread", *libs], capture_output=True, text=True)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name, sources, more, flags, libs in PROGRAMS:
            out = os.path.join(tmp, name)
            r = build(out, sources, more, flags, libs)
            if r.returncode == 0:
                r = subprocess.run([out], capture_output=True, text=True, env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}, timeout=300)
            if r.returncode == 0:
                passed += 1
                print(f"ok   {name}")
            else:
                failed += 1
                print(f"FAIL {name}: {r.returncode}\n{(r.stdout + r.stderr)[-4000:]}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
