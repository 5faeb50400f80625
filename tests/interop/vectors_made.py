# SPDX-License-Identifier: Apache-2.0
"""test-vectors/hip is what tests/vectors makes of the present hipvec: octet for octet.

# check: full 600
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKERS = ROOT / "tests" / "vectors"


def main():
    build = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build-check"))
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="hipvec-") as folder:
        for maker in ("make_bex.py", "make_bad.py"):
            subprocess.run([sys.executable, MAKERS / maker, build / "cli" / "hipvec" / "hipvec", folder], check=True)
        made = {p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir()}
    there = {p.name: p.read_bytes() for p in (ROOT / "test-vectors" / "hip").glob("*.json")}
    for name in sorted(made | there):
        if made.get(name) == there.get(name):
            passed += 1
        else:
            failed += 1
            print(f"{name}: {'not made' if name not in made else 'not there' if name not in there else 'made otherwise'}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
