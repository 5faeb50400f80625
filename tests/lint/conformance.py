#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds tests/conformance/*.toml, the code, the tests and the tables in docs together.

Each item names the tests that show it, as FILE:NAME (NAME stands in that file as a word or a quoted string), or says in `waived` why nothing
does. Where a file says which RFC it is of (`rfc = "7401"`), an item of level MUST or MUST NOT that has a test also says where it is enforced, and
others may: `at` lists source files, and in each of them a comment cites one of the item's sections with the RFC's number and the word, as in

    RFC 7401 s6.9 MUST        RFC 7401 s6.9 step 7, s5.3.3 MUST NOT        RFC 7402 s5.1.1 MUST

Then the tables in docs/trace.md (between the marks `<!-- tests/conformance/X.toml -->` and `<!-- end -->`) and in docs/conformance.md (what is
not done: `<!-- open: tests/conformance/X.toml -->`) must be the ones made from these files.

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
PAGES = {"": ROOT / "docs" / "trace.md", "open: ": ROOT / "docs" / "conformance.md"}
KEYS = {"id", "section", "level", "what", "tests", "at", "waived"}
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "-"}
BLOCK = re.compile(r"<!-- ((?:open: )?tests/conformance/\S+\.toml) -->\n.*?<!-- end -->\n", re.S)
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*(.*?)\*/', re.S)
STEP = r"s\d+(?:\.\d+)*(?: steps? \d+(?:(?:-|, | and )\d+)*)?"
CITED = re.compile(rf"RFC (\d+) ({STEP}(?:, {STEP})*) (MUST|SHOULD|MAY)\b")
SECTION = re.compile(r"\bs?(\d+(?:\.\d+)*)\b")


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


def cited_in(name, cache):
    """(RFC, section, word) of every requirement that a comment of this source file cites; None: no such file."""
    path = ROOT / name
    if path not in cache:
        text = path.read_text(errors="replace") if path.is_file() else None
        cache[path] = None if text is None else {
            (rfc, section[1:], word)
            for comment in COMMENT.findall(text)
            for rfc, sections, word in CITED.findall(re.sub(r"\s*\n\s*\*?\s*", " ", comment))
            for section in re.findall(r"s\d+(?:\.\d+)*", sections)}
    return cache[path]


def enforced_at(item, rfc, cache):
    word = item.get("level", "-").split()[0]
    if not item.get("at"):
        return ["'at' is missing: the source files that enforce it"] if word == "MUST" and item.get("tests") else []
    sections = SECTION.findall(re.sub(r"steps? \d+(?:(?:-|, | and )\d+)*", "", item.get("section", "")))
    bad = []
    for name in item["at"]:
        cited = cited_in(name, cache)
        if cited is None:
            bad.append(f"'{name}': no such file")
        elif not any((rfc, s, word) in cited for s in sections):
            bad.append(f"'{name}': no comment cites RFC {rfc} s{item.get('section')} {word}")
    return bad


def check_item(item, rfc, cache):
    bad = [f"unknown key '{k}'" for k in item if k not in KEYS]
    bad += [f"'{k}' is missing" for k in ("id", "section", "level", "what") if not item.get(k)]
    if item.get("level") not in LEVELS:
        bad.append(f"level '{item.get('level')}'")
    if not item.get("tests") and not item.get("waived"):
        bad.append("neither a test nor a waiver")
    bad += [w for w in (shown_by(r, cache) for r in item.get("tests", [])) if w]
    return bad + (enforced_at(item, rfc, cache) if rfc else [])


def section_of(item):
    return "s" + re.sub(r", (?=\d)", ", s", item.get("section", ""))


def table(data):
    where = " where |" if data.get("rfc") else ""
    rows = [f"| section | level | what | shown by |{where}", "|---|---|---|---|" + ("---|" if where else "")]
    for i in data["item"]:
        cell = ", ".join(sorted({r.partition(":")[0] for r in i.get("tests", [])}))
        if i.get("waived"):
            cell += ("; " if cell else "") + "not done: " + i["waived"]
        at = f" {', '.join(n.removesuffix('.c') for n in i.get('at', []))} |" if where else ""
        rows.append(f"| {section_of(i)} | {i.get('level', '')} | {i.get('what', '')} | {cell} |{at}".replace("  ", " "))
    return "\n".join(rows) + "\n"


def rest(data):
    """What is not done, with its reason, below how many are."""
    musts = [i for i in data["item"] if i.get("level") in ("MUST", "MUST NOT")]
    waived = [i for i in data["item"] if i.get("waived")]
    text = f"{len(data['item'])} requirements, {len(musts)} of them MUST or MUST NOT. Done and shown by tests" + (
        f", but for {len(waived)} ({sum(i in waived for i in musts) or 'none'} of them MUST or MUST NOT):\n\n" if waived else ".\n")
    rows = ["| section | level | what | not done |", "|---|---|---|---|"] if waived else []
    rows += [f"| {section_of(i)} | {i.get('level', '')} | {i.get('what', '')} | {i['waived']} |" for i in waived]
    return text + "".join(r + "\n" for r in rows)


def page_with(path, tables):
    def put(m):
        return f"<!-- {m[1]} -->\n{tables[m[1]]}<!-- end -->\n" if m[1] in tables else m[0]
    return BLOCK.sub(put, path.read_text())


def check_pages(tables, write):
    """(passed, failed) of the pages with these tables; every table has a place, every place a table."""
    passed = failed = 0
    for kind, path in PAGES.items():
        name = path.relative_to(ROOT)
        mine = {w for w in tables if w.startswith("open: ") == bool(kind)}
        marks = {m[1] for m in BLOCK.finditer(path.read_text())}
        for where in sorted((mine - marks if not kind else set()) | (marks - mine)):
            print(f"FAIL {where}: {'no mark for it in' if where in mine else 'named, but not there, in'} {name}")
            failed += 1
        if write:
            path.write_text(page_with(path, tables))
        elif page_with(path, tables) != path.read_text():
            print(f"FAIL {name}: not what tests/conformance says; run tests/lint/conformance.py --write")
            failed += 1
        else:
            passed += 1
    return passed, failed


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
        tables["open: " + where] = rest(data)
        seen = set()
        for item in data["item"]:
            bad = check_item(item, data.get("rfc"), cache)
            if item.get("id") in seen:
                bad.append("the id stands twice")
            seen.add(item.get("id"))
            if args.open and not item.get("tests") and not item.get("waived"):
                print(f"{where} {item.get('id')}: {item.get('what')}")
            elif bad and not args.open:
                print(f"FAIL {where}: item {item.get('id')}: {'; '.join(bad)}")
            failed, passed = failed + bool(bad), passed + (not bad)
    more = check_pages(tables, args.write)
    passed, failed = passed + more[0], failed + more[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
