#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 20
"""The check of the trace itself must be able to fail: breaches planted in a small tree, with a copy of the check in it, are named."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

LINT = pathlib.Path(__file__).with_name("conformance.py")
ITEM = """title = "RFC 0, nothing"
rfc = "1000"

[about]
"4.1" = "some section"

[[ours]]
what = "a choice"
at = ["hip/x"]

[[item]]
id = "1"
section = "4.1, 4.2"
level = "MUST"
what = "something"
tests = ["unit/test_x.c:shows_it"]
at = ["hip/x.c"]
"""
CODE = """/* Not RFC 1000 s4.3 MUST, but this:
 * RFC 1000 s3, s4.2
 * step 7 MUST */
const char *said = "/* RFC 1000 s4.4 MUST */";
"""
OPEN = """# What is open

<!-- by section: tests/conformance/rfc0.toml -->
<!-- end -->
"""
PAGE = """# Trace

<!-- tests/conformance/rfc0.toml -->
<!-- end -->
"""
STALE = "docs/trace.md: not what tests/conformance says"
WHERE = 'at = ["hip/x.c"]\n'
SHOWN = 'tests = ["unit/test_x.c:shows_it"]'
# what is changed in the tree after its table was made: file, find, replace; and what the check says of it. No find: the file is made.
PLANTED = [
    ("tests/unit/test_x.c", "shows_it", "shows_it_no_more", "unit/test_x.c has nothing of this name"),
    ("tests/conformance/rfc0.toml", "test_x.c", "test_y.c", "no such file"),
    ("tests/conformance/rfc0.toml", "unit/test_x.c:shows_it", "unit/test_x.c", "expected FILE:NAME"),
    ("tests/conformance/rfc0.toml", SHOWN, "tests = []", "item 1: neither a test nor a waiver"),
    ("tests/conformance/rfc0.toml", SHOWN, 'tests = []\nwaived = ""', "item 1: neither a test nor a waiver"),
    ("tests/conformance/rfc0.toml", 'level = "MUST"', 'level = "MIGHT"', "level 'MIGHT'"),
    ("tests/conformance/rfc0.toml", SHOWN, SHOWN + '\nwavied = "a slip"', "unknown key 'wavied'"),
    ("tests/conformance/rfc0.toml", 'what = "something"\n', "", "'what' is missing"),
    ("tests/conformance/rfc0.toml", WHERE, WHERE + "\n[[item]]" + ITEM.partition("[[item]]")[2], "the id stands twice"),
    ("tests/conformance/rfc0.toml", '"something"', '"something else"', STALE),
    ("tests/conformance/rfc0.toml", WHERE, "", "'at' is missing"),
    ("tests/conformance/rfc0.toml", "hip/x.c", "hip/y.c", "'hip/y.c': no such file"),
    ("tests/conformance/rfc0.toml", '"4.1, 4.2"', '"4.1"', "'hip/x.c': no comment cites RFC 1000 s4.1 MUST"),
    ("tests/conformance/rfc0.toml", '"4.1, 4.2"', '"4.4"', "'hip/x.c': no comment cites RFC 1000 s4.4 MUST"),
    ("tests/conformance/rfc0.toml", '"4.1, 4.2"', '"4.1 steps 3-4 and 2"', "'hip/x.c': no comment cites"),
    ("tests/conformance/rfc0.toml", 'rfc = "1000"', 'rfc = "1001"', "'hip/x.c': no comment cites RFC 1001"),
    ("tests/conformance/rfc0.toml", 'level = "MUST"', 'level = "SHOULD"', "'hip/x.c': no comment cites RFC 1000 s4.1, 4.2 SHOULD"),
    ("hip/x.c", "step 7 MUST", "step 7", "'hip/x.c': no comment cites"),
    ("hip/x.c", "/* Not", "* Not", "'hip/x.c': no comment cites"),
    ("docs/conformance.md", "1 requirements", "2 requirements", "docs/conformance.md: not what tests/conformance says"),
    ("docs/conformance.md", "rfc0.toml", "rfc1.toml", "by section: tests/conformance/rfc1.toml: named, but not there, in docs/conformance.md"),
    ("docs/conformance.md", "rfc0.toml", "rfc1.toml", "by section: tests/conformance/rfc0.toml: no mark for it in docs/conformance.md"),
    ("docs/conformance.md", "| some section |", "| another |", "docs/conformance.md: not what tests/conformance says"),
    ("docs/conformance.md", "| hip/x, hip/z |", "| hip/x |", "docs/conformance.md: not what tests/conformance says"),
    ("docs/conformance.md", "a choice", "another choice", "docs/conformance.md: not what tests/conformance says"),
    ("hip/z.h", "s4.1.7", "s4.2", "docs/conformance.md: not what tests/conformance says"),
    ("tests/conformance/rfc0.toml", '"4.1" = "some section"\n', "", "item 1: nothing in [about] for its section"),
    ("tests/conformance/rfc0.toml", '"4.1" = "some', '"4" = "any"\n"4.1" = "some', "[about] 4: no item is of this section"),
    ("tests/conformance/rfc0.toml", '["hip/x"]', '["hip/y"]', "[[ours]] 'hip/y': no such file"),
    ("tests/conformance/rfc0.toml", 'what = "a choice"\n', "", "[[ours]] None: 'what' and 'at'"),
    ("tests/conformance/rfc0.toml", 'rfc = "1000"\n', "", "docs/trace.md: not what"),
    ("docs/trace.md", "| MUST |", "| MAY |", STALE),
    ("docs/trace.md", "tests/conformance/rfc0.toml", "tests/conformance/rfc1.toml", "rfc0.toml: no mark for it in docs/trace.md"),
    ("docs/trace.md", "tests/conformance/rfc0.toml", "tests/conformance/rfc1.toml", "rfc1.toml: named, but not there"),
    ("tests/conformance/rfc2.toml", None, ITEM, "rfc2.toml: no mark for it in docs/trace.md"),
]


def run(root, *args):
    r = subprocess.run([sys.executable, root / "tests/lint/conformance.py", *args], capture_output=True, text=True)
    return r.returncode, r.stdout + r.stderr


def expect(what, ok, out):
    if not ok:
        print(f"FAIL {what}: {out}")
    return ok


results = []
with tempfile.TemporaryDirectory() as d:
    good = pathlib.Path(d, "good")
    for name, text in (("tests/conformance/rfc0.toml", ITEM), ("docs/trace.md", PAGE), ("docs/conformance.md", OPEN), ("hip/x.c", CODE), ("hip/z.h", "/* RFC 0 s4.1.7 */\n"),
                       ("tests/unit/test_x.c", "static void shows_it(void **state)\n"), ("tests/lint/conformance.py", LINT.read_text())):
        (good / name).parent.mkdir(parents=True, exist_ok=True)
        (good / name).write_text(text)
    code, out = run(good)
    results.append(expect("a table that was never made", code == 1 and STALE in out, out))
    run(good, "--write")
    code, out = run(good)
    results.append(expect("nothing planted", code == 0, out))
    for n, (name, find, put, says) in enumerate(PLANTED):
        root = pathlib.Path(d, str(n))
        shutil.copytree(good, root)
        old = (root / name).read_text() if find else ""
        if find and find not in old:
            sys.exit(f"{name}: nothing to replace: {find}")
        (root / name).write_text(old.replace(find, put) if find else put)
        code, out = run(root)
        results.append(expect(f"{name}: {find} -> {put}", code == 1 and says in out and "Traceback" not in out, out))
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(not all(results))
