#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds tests/conformance/*.toml, the code, the tests and the tables in docs together.

Each item names the tests that show it, as FILE:NAME (NAME stands in that file as a word or a quoted string), or says in `waived` why nothing
does. Where a file says which RFC it is of (`rfc = "7401"`), an item of level MUST or MUST NOT that has a test also says where it is enforced, and
others may: `at` lists source files, and in each of them a comment cites one of the item's sections with the RFC's number and the word, as in

    RFC 7401 s6.9 MUST        RFC 7401 s6.9 step 7, s5.3.3 MUST NOT        RFC 7402 s5.1.1 MUST

`[about]` says in a word or two what each section is about; an item belongs to the longest of its keys that its first section begins with. `[[ours]]` are
choices of ours within what the text allows, with the files that make them (`at`, without .c or .h; `*` stands for anything).

Then docs/trace.md (every item, between the marks `<!-- tests/conformance/X.toml -->` and `<!-- end -->`) and docs/conformance.md (by section,
`<!-- by section: tests/conformance/X.toml -->`: how much is asked; the files, which are those of `at` and all in which a comment cites the section; the tests
that show it; what is not done; what is ours) must be the ones made from these files.

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
PAGES = {"": ROOT / "docs" / "trace.md", "by section: ": ROOT / "docs" / "conformance.md"}
SOURCES = ("hip", "fa", "host", "as", "aka", "dnsupd", "common")
KEYS = {"id", "section", "level", "what", "tests", "at", "waived"}
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "-"}
BLOCK = re.compile(r"<!-- ((?:by section: )?tests/conformance/\S+\.toml) -->\n.*?<!-- end -->\n", re.S)
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*(.*?)\*/', re.S)
STEP = r"s\d+(?:\.\d+)*(?: steps? \d+(?:(?:-|, | and )\d+)*)?"
CITED = re.compile(rf"RFC (\d+) ({STEP}(?:, {STEP})*) (MUST|SHOULD|MAY)\b")
NAMED = re.compile(rf"RFC (\d+) ({STEP}(?:, {STEP})*)")
SECTION = re.compile(r"\bs?(\d+(?:\.\d+)*)\b")
FIRST = re.compile(r"RFC \d+|\d+(?:\.\d+)*")


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


def comments(text):
    return (re.sub(r"\s*\n\s*\*?\s*", " ", c) for c in COMMENT.findall(text))


def cited_in(name, cache):
    """(RFC, section, word) of every requirement that a comment of this source file cites; None: no such file."""
    path = ROOT / name
    if path not in cache:
        text = path.read_text(errors="replace") if path.is_file() else None
        cache[path] = None if text is None else {
            (rfc, section[1:], word)
            for comment in comments(text)
            for rfc, sections, word in CITED.findall(comment)
            for section in re.findall(r"s\d+(?:\.\d+)*", sections)}
    return cache[path]


def cited_everywhere():
    """RFC -> {(section, source file without .c, .h)}, whatever the word."""
    cited = {}
    for path in sorted(p for d in SOURCES for p in (ROOT / d).rglob("*.[ch]")):
        name = str(path.relative_to(ROOT).with_suffix(""))
        for comment in comments(path.read_text(errors="replace")):
            for rfc, sections in NAMED.findall(comment):
                cited.setdefault(rfc, set()).update((s[1:], name) for s in re.findall(r"s\d+(?:\.\d+)*", sections))
    return cited


def group_of(section, about):
    """The longest key of [about] that this section, or the first of a list, begins with; None: none does."""
    first = FIRST.match(section)
    return next((k for k in sorted(about, key=len, reverse=True) if first and (first[0] + ".").startswith(k + ".")), None)


def no_source(name):
    return not any(any(ROOT.glob(name + end)) for end in ("", ".c", ".h"))


def check_rest(data):
    """What is wrong with [about] and [[ours]]."""
    about = data.get("about", {})
    used = {i.get("id"): group_of(i.get("section", ""), about) for i in data["item"]}
    bad = [f"item {i}: nothing in [about] for its section" for i, k in used.items() if not k]
    bad += [f"[about] {k}: no item is of this section" for k in about if k not in used.values()]
    for o in data.get("ours", []):
        if set(o) != {"what", "at"} or not all(o.values()):
            bad.append(f"[[ours]] {o.get('what')}: 'what' and 'at', and nothing else")
        bad += [f"[[ours]] '{n}': no such file" for n in o.get("at", []) if no_source(n)]
    return bad


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
    return bad + (enforced_at(item, rfc, cache) if rfc else [f"'{n}': no such file" for n in item.get("at", []) if no_source(n)])


def section_of(item):
    return re.sub(r"(?:^|(?<=, ))(?=\d)", "s", item.get("section", ""))


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


def counted(items):
    """5 MUST, 2 SHOULD, 1 other; 1 below (among what is not done)."""
    n = {}
    for i in items:
        word = i.get("level", "-").split()[0]
        word = "other" if word == "-" else word
        n[word] = n.get(word, 0) + 1
    below = sum(bool(i.get("waived")) for i in items)
    return ", ".join(f"{n[w]} {w}" for w in ("MUST", "SHOULD", "MAY", "other") if w in n) + (f"; {below} below" if below else "")


def order_of(key):
    return [int(x) if x.isdigit() else 1000 for x in re.split(r"[ .]", key)], key


def by_section(data, cited):
    about = data.get("about", {})
    rows = ["| section | about | asks | done in | shown by |", "|---|---|---|---|---|"]
    for key in sorted(about, key=order_of):
        items = [i for i in data["item"] if group_of(i.get("section", ""), about) == key]
        where = {re.sub(r"\.[ch]$", "", n) for i in items for n in i.get("at", [])}
        where |= {n for s, n in cited if group_of(s, about) == key}
        shown = {re.sub(r"\btest_|\.(?:c|py)$", "", r.partition(":")[0]) for i in items for r in i.get("tests", [])}
        rows.append(f"| {re.sub(r'^(?=[0-9])', 's', key)} | {about[key]} | {counted(items)} | {', '.join(sorted(where))} | {', '.join(sorted(shown))} |")
    return rows


def section_page(data, cited):
    musts = [i for i in data["item"] if i.get("level") in ("MUST", "MUST NOT")]
    waived = [i for i in data["item"] if i.get("waived")]
    rows = by_section(data, cited) + [""]
    rows += [f"{len(data['item'])} requirements, {len(musts)} of them MUST or MUST NOT. Done and shown by tests" + (
        f", but for {len(waived)} ({sum(i in waived for i in musts) or 'none'} of them MUST or MUST NOT), in whole or in part:" if waived else ".")]
    if waived:
        rows += ["", "| section | level | what | not done |", "|---|---|---|---|"]
        rows += [f"| {section_of(i)} | {i.get('level', '')} | {i.get('what', '')} | {i['waived']} |" for i in waived]
    if data.get("ours"):
        rows += ["", "| ours within it | where |", "|---|---|"]
        rows += [f"| {o.get('what')} | {', '.join(o.get('at', []))} |".replace("_*", "_\\*") for o in data["ours"]]
    return "".join(r.replace("|  |", "| |") + "\n" for r in rows)


def page_with(path, tables):
    def put(m):
        return f"<!-- {m[1]} -->\n{tables[m[1]]}<!-- end -->\n" if m[1] in tables else m[0]
    return BLOCK.sub(put, path.read_text())


def check_pages(tables, write):
    """(passed, failed) of the pages with these tables; every table has a place, every place a table."""
    passed = failed = 0
    for kind, path in PAGES.items():
        name = path.relative_to(ROOT)
        mine = {w for w in tables if w.startswith("by section: ") == bool(kind)}
        marks = {m[1] for m in BLOCK.finditer(path.read_text())}
        for where in sorted(mine ^ marks):
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
    passed, failed, cache, tables, cited = 0, 0, {}, {}, cited_everywhere()
    for path in sorted((ROOT / "tests" / "conformance").glob("*.toml")):
        where = str(path.relative_to(ROOT))
        data = tomllib.loads(path.read_text())
        tables[where] = table(data)
        tables["by section: " + where] = section_page(data, cited.get(re.sub(r"\D", "", path.stem), set()))
        for bad in check_rest(data) if not args.open else ():
            print(f"FAIL {where}: {bad}")
            failed += 1
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
