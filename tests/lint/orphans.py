#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# check: default 60
"""Tests that cannot fail because nobody runs them: sources below tests/ that the build does not compile, test functions that no table lists, and scripts
that ./check does not find.

    orphans.py [BUILD]     default: the folder in HIPFA_BUILD, else build
"""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN_BY_OTHERS = ("tests/mutants.py",)
MARKED = re.compile(r"^# check: (default|full) \d+( \S+)*\s*$", re.M)
TEST = re.compile(r"^static void (\w+)\(void \*\*\w+\)\n\{", re.M)


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / f for f in out.splitlines() if (ROOT / f).exists()]


def compiled(build):
    out = set()
    for row in json.loads((build / "compile_commands.json").read_text()):
        out.add((pathlib.Path(row["directory"]) / row["file"]).resolve())
    return out


def not_compiled(build):
    have = compiled(build)
    for path in tracked("tests/*.c"):
        if path not in have:
            yield f"{path.relative_to(ROOT)}: the build does not compile it"


def not_listed():
    for path in tracked("tests/*.c"):
        text = path.read_text()
        for name in TEST.findall(text):
            if len(re.findall(rf"\b{name}\b", text)) < 2:
                yield f"{path.relative_to(ROOT)}: {name}() stands in no table"


def not_found():
    """A script that nothing mentions: no mark of its own, no other test, meson.build or document names it."""
    where = ("tests/*.py", "tests/*.sh", "tests/*.c", "tests/*/meson.build", "tests/meson.build", "check", "demo", "docs/*.md", "README.md", ".ci/*")
    everything = {p: p.read_text(errors="replace") for p in tracked(*where)}
    for path, text in everything.items():
        name = str(path.relative_to(ROOT))
        if path.suffix not in (".py", ".sh") or not name.startswith("tests/") or name in RUN_BY_OTHERS or MARKED.search(text):
            continue
        if not any(re.search(rf"\b{re.escape(path.stem)}\b", t) for other, t in everything.items() if other != path):
            yield f"{name}: nothing runs it"


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HIPFA_BUILD", ROOT / "build"))
    failed = 0
    for what, found in (("every test is compiled", not_compiled(build)), ("every test is listed", not_listed()), ("every script is run", not_found())):
        found = list(found)
        failed += bool(found)
        print(f"{'FAIL' if found else 'ok  '} {what}" + "".join(f"\n     {line}" for line in found))
    print(f"{3 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
