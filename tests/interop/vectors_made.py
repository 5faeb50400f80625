# SPDX-License-Identifier: Apache-2.0
"""test-vectors/hip is what tests/vectors makes of the present hipvec, and test-vectors/aka what it makes with Python alone: octet for octet.

    tests/interop/vectors_made.py [--aka]       --aka: the second only

# check: default 20 --aka
# check: full 600
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKERS = ROOT / "tests" / "vectors"


def compared(kind, *makers):
    """(same, not the same) of a folder of test-vectors and what the makers put into another one."""
    with tempfile.TemporaryDirectory(prefix="hipvec-") as folder:
        for argv in makers:
            subprocess.run([sys.executable, *argv, folder], check=True)
        made = {p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir()}
    there = {p.name: p.read_bytes() for p in (ROOT / "test-vectors" / kind).glob("*.json")}
    other = [name for name in sorted(made | there) if made.get(name) != there.get(name)]
    for name in other:
        print(f"{kind}/{name}: {'not made' if name not in made else 'not there' if name not in there else 'made otherwise'}")
    return len(made | there) - len(other), len(other)


def main():
    build = pathlib.Path(os.environ.get("HIPFA_BUILD", ROOT / "build-check"))
    hipvec = build / "cli" / "hipvec" / "hipvec"
    found = [compared("aka", (MAKERS / "make_aka.py",))]
    if "--aka" not in sys.argv[1:]:
        found.append(compared("hip", (MAKERS / "make_bex.py", hipvec), (MAKERS / "make_bad.py", hipvec)))
    passed, failed = sum(p for p, _ in found), sum(f for _, f in found)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
