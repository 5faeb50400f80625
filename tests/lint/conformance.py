#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds tests/conformance/*.toml, the tests and docs/trace.md together.

Each item names the tests that show it, as FILE:NAME (NAME stands in that file as a word or a quoted string), or says in `waived` why nothing
does. Then the tables in docs/trace.md, between the marks `<!-- tests/conformance/X.toml -->` and `<!-- end -->`, must be the ones made from
these files.

    tests/lint/conformance.py            check
    tests/lint/conformance.py --write    make the tables anew
    tests/lint/conformance.py --open     items that have neither a test nor a waiver
"""
# check: default 20
import argparse
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trace.md"
KEYS = {"id", "section", "level", "what", "tests", "waived"}
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "-"}
BLOCK = re.compile(r"<!-- (tests/conformance/\S+\.toml) -->\n.*?<!-- end -->\n", re.S)


def shown_by(ref, cache):
    """None when FILE:NAME exists, else what is wrong with it."""
    name, _, test = ref.partition(":")
    path = ROOT / "tests" / name
    if not test:
        return f"'{ref}': expected FILE:NAME, FILE below tests/"
    if path not in cache:
        cache[path] = path.read_text(errors="replace") if path.is_file() else None
    if cache[path] is None:
        return f"'{ref}': no such file"
    if not re.search(r"(?<!\w)" + re.escape(test) + r"(?!\w)", cache[path]):
        return f"'{ref}': {name} has nothing of this name"
    return None


def check_item(item, cache):
    bad = [f"unknown key '{k}'" for k in item if k not in KEYS]
    bad += [f"'{k}' is missing" for k in ("id", "section", "level", "what") if not item.get(k)]
    if item.get("level") not in LEVELS:
        bad.append(f"level '{item.get('level')}'")
    if not item.get("tests") and not item.get("waived"):
        bad.append("neither a test nor a waiver")
    return bad + [w for w in (shown_by(r, cache) for r in item.get("tests", [])) if w]


def table(data):
    rows = ["| section | level | what | shown by |", "|---|---|---|---|"]
    for i in data["item"]:
        files = sorted({r.partition(":")[0] for r in i.get("tests", [])})
        cell = ", ".join(files)
        if i.get("waived"):
            cell += ("; " if cell else "") + "not done: " + i["waived"]
        section, level, what = (i.get(k, "") for k in ("section", "level", "what"))
        rows.append(f"| s{section.replace(', ', ', s')} | {level} | {what} | {cell} |".replace("  ", " "))
    return "\n".join(rows) + "\n"


def page_with(tables):
    def put(m):
        return f"<!-- {m[1]} -->\n{tables[m[1]]}<!-- end -->\n" if m[1] in tables else m[0]
    return BLOCK.sub(put, PAGE.read_text())


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--write", action="store_true")
    ap.add_argument("--open", action="store_true")
    args = ap.parse_args()
    passed, failed, cache, tables = 0, 0, {}, {}
    for path in sorted((ROOT / "tests" / "conformance").glob("*.toml")):
        where = str(path.relative_to(ROOT))
        data = tomllib.loads(path.read_text())
        tables[where] = table(data)
        seen = set()
        for item in data["item"]:
            bad = check_item(item, cache)
            if item.get("id") in seen:
                bad.append("the id stands twice")
            seen.add(item.get("id"))
            if args.open and not item.get("tests") and not item.get("waived"):
                print(f"{where} {item.get('id')}: {item.get('what')}")
            elif bad and not args.open:
                print(f"FAIL {where}: item {item.get('id')}: {'; '.join(bad)}")
            failed, passed = failed + bool(bad), passed + (not bad)
    marks = set(m[1] for m in BLOCK.finditer(PAGE.read_text()))
    for where in sorted(set(tables) ^ marks):
        print(f"FAIL {where}: {'no mark for it in' if where in tables else 'named, but not there, in'} docs/trace.md")
        failed += 1
    if args.write:
        PAGE.write_text(page_with(tables))
    elif page_with(tables) != PAGE.read_text():
        print("FAIL docs/trace.md: not what tests/conformance says; run tests/lint/conformance.py --write")
        failed += 1
    else:
        passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
