#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 30
"""The layer check itself must be able to fail: breaches planted in a small tree are named."""
import pathlib
import subprocess
import sys
import tempfile

LINT = pathlib.Path(__file__).with_name("layers.py")
PLANTED = {
    "hip/x.c": '#include "fa/core/fa.h"\n',
    "aka/x.c": '#include "hip/hit.h"\n',
    "common/base/x.h": '#include "common/rt/loop.h"\n',
    "hip/y.c": "#include <openssl/evp.h>\n",
    "fa/core/x.c": "#include <uv.h>\n",
    "host/core/x.c": "#include <time.h>\n",
    "as/x.c": '#include "fa/core/fa.h"\n',
    "cli/x.c": '#include "engine.h"\n',
}


def lint(root):
    return subprocess.run([sys.executable, LINT, "--root", root], capture_output=True, text=True)


failed = passed = 0
for name, text in {**PLANTED, None: None}.items():
    with tempfile.TemporaryDirectory() as d:
        good = pathlib.Path(d, "common/base/good.c")
        good.parent.mkdir(parents=True)
        good.write_text('#include "common/base/err.h"\n#include <string.h>\n')
        if name:
            p = pathlib.Path(d, name)
            p.parent.mkdir(parents=True, exist_ok=True)
            p.write_text(text)
        r = lint(d)
        ok = r.returncode == 1 and f"{name}:1:" in r.stdout if name else r.returncode == 0
        passed, failed = passed + ok, failed + (not ok)
        if not ok:
            print(f"FAIL {name}: exit {r.returncode}: {r.stdout}")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
