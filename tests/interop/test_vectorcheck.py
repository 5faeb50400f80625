#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vectorcheck.py can fail: one wrong nibble in each kind of field of each type is planted, and every verdict is turned round.

    test_vectorcheck.py [--all] [FOLDER...]

By default one test of each type and set of fields is altered, at the beginning, the middle and the end of each field (of whole exchanges each kind of
field once, at one place); --all takes every test and sixteen places (of whole exchanges every field, at one place). Where that may pass unnoticed,
silent() says why. FOLDER: instead of test-vectors.
"""
# check: default 60
# check: full 900 --all
import copy
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOL = HERE / "vectorcheck.py"

spec = importlib.util.spec_from_file_location("vectorcheck_main", TOOL)
sys.path.insert(0, str(HERE))  # vectorcheck, the package
main = importlib.util.module_from_spec(spec)
spec.loader.exec_module(main)
PROSE = {"tcId", "comment", "result", "flags", "source", "seed", "name"}


def silent(group, test, path, at):
    """Why a wrong nibble there may pass, or nothing."""
    kind, field = group["type"], label(path)
    if kind in ("EapAkaPrimeTest", "EapAkaPrimeFsTest") and field == "autn" and "k" not in test and at >= 12 / 32:
        return "without K only SQN xor AK counts"
    if kind == "SuciTest" and field == "nai" and int(at * len(test["nai"])) > test["nai"].find("@") >= 0:
        return "a realm that is no operator's says nothing of the key"
    if kind in ("EapAkaTest", "EapAkaResyncTest") and path[:2] == ("packets", 0) and at > 10 / 112:
        return "an identity that a later AT_IDENTITY takes the place of"
    if kind == "EapAkaReauthTest" and path[:2] == ("packets", 0) and 2 <= int(at * len(test["packets"][0]["packet"])) < 4:
        return "the identifier of a request that is not in the capture"
    if kind == "HkdfTest" and field == "salt" and not test["salt"]:
        return "HMAC fills a key up with zeros"
    if kind == "PuzzleTest" and field == "k" and test["k"] & 1:
        return "fewer of the bits are zero as well"
    if kind == "TsigVerifyTest" and (field == "now" or field == "message" and int(at * len(test["message"])) < 4):
        return "still inside the fudge; the Original ID is digested, not the ID"
    return ""


def complaint(group, test, shared=None):
    """None, or what vectorcheck finds; and what it noted about the fields."""
    case = None
    try:
        case = main.Case(test, group)
        case.shared = {} if shared is None else shared
        main.judged(case)
    except main.Finding as e:
        return str(e) or type(e).__name__, case.marks if case else None
    return None, case.marks


def scalars(value, path=()):
    if isinstance(value, dict):
        for name, inner in value.items():
            if path or name not in PROSE:
                yield from scalars(inner, path + (name,))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from scalars(inner, path + (i,))
    else:
        yield path, value


def label(path):
    return ".".join("[]" if isinstance(p, int) else p for p in path).replace(".[]", "[]")


def planted(value, at):
    """The value with one nibble (or one step) wrong."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    if not value:
        return "00"
    i = min(int(at * len(value)), len(value) - 1)
    old = value[i]
    return value[:i] + ("1" if old == "0" else "0") + value[i + 1:]


def put(test, path, value):
    inner = test
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, ok, why=""):
        self.passed += ok
        self.failed += not ok
        if not ok:
            print(f"FAIL {what}: {why}")


FOLDERS = [pathlib.Path(a) for a in sys.argv[1:] if a != "--all"] or [ROOT / "test-vectors"]


def vectors():
    """(file's name, group, test) of all."""
    for base in FOLDERS:
        for path in sorted(base.rglob("*.json")):
            if "schema" in path.relative_to(base).parts:
                continue
            for group in json.loads(path.read_text(encoding="utf-8"))["testGroups"]:
                for test in group["tests"]:
                    yield path.name, group, test


def is_exchange(group):
    return group["type"] == "HipBexTest"


def chosen(thorough):
    """Every valid test, or the first one of each type and set of fields."""
    had = set()
    for name, group, test in vectors():
        if is_exchange(group):
            continue
        shape = (group["type"], frozenset(label(p) for p, _ in scalars(test)))
        if test["result"] == "valid" and (thorough or shape not in had):
            had.add(shape)
            yield name, group, test


class Caught:
    """What was noticed of what was planted, by type and field."""

    def __init__(self):
        self.counts = {}

    def plant(self, name, group, test, path, value, at):
        other = copy.deepcopy(test)
        put(other, path, planted(value, at))
        noticed = complaint(group, other)[0] is not None
        if not noticed and silent(group, test, path, at):
            return
        count = self.counts.setdefault((group["type"], label(path)), [0, 0])
        count[0] += noticed
        count[1] += 1
        if not noticed:
            print(f"     {name} tcId {test['tcId']} {'.'.join(map(str, path))} at {at}: unnoticed")

    def report(self, tally):
        for (kind, field), (noticed, tried) in sorted(self.counts.items()):
            tally.check(f"{kind} {field}", noticed == tried, f"{tried - noticed} of {tried} wrong nibbles unnoticed")


def spoil_fields(tally, thorough):
    places = [i / 16 for i in range(16)] if thorough else [0, 0.5, 0.999]
    caught = Caught()
    for name, group, test in chosen(thorough):
        why, marks = complaint(group, test)
        tally.check(f"{name} tcId {test['tcId']} as it is", why is None, why)
        for path, value in scalars(test):
            if any(main.without_indices(w) == label(path) for w in marks.waived) or not isinstance(value, (str, int)):
                continue
            for at in places if isinstance(value, str) and len(value) > 3 else places[:1]:
                caught.plant(name, group, test, path, value, at)
    caught.report(tally)


def spoil_exchanges(tally, thorough):
    """Good exchanges: each kind of field where it occurs first, or every field of the tests that bring a new kind of field or a new flag."""
    caught, had = Caught(), set()
    for name, group, test in vectors():
        if not is_exchange(group) or "bad" in test or test["result"] != "valid":
            continue
        new = {label(p) for p, _ in scalars(test)} | {("flag", f) for f in test["flags"]}
        if new <= had:
            continue
        why, marks = complaint(group, test)
        tally.check(f"{name} tcId {test['tcId']} as it is", why is None, why)
        kinds, at = set(), 0.4
        for path, value in scalars(test):
            if {path_text(path).rsplit("[", 1)[0], path_text(path)} & marks.waived or (label(path) in had | kinds and not thorough):
                continue
            kinds.add(label(path))
            at = (at + 0.137) % 1
            caught.plant(name, group, test, path, value, at)
        had |= new
    caught.report(tally)


PRIVATE = ("hi_private", "dh_private", "dh_private_i", "dh_private_r", "draws", "config", "addr")
SEALS = ("mac", "rvs_mac", "encrypted", "esp")


def without(value, names):
    """A copy without these members, wherever they stand."""
    if isinstance(value, dict):
        return {k: without(v, names) for k, v in value.items() if k not in names}
    return [without(v, names) for v in value] if isinstance(value, list) else value


def partial(tally):
    """A transcript of somebody else's: nothing private but the keys of the packets; then not even those."""
    name, group, test = next((v for v in vectors() if is_exchange(v[1]) and "close" in v[2]["flags"] and "rvs" not in v[2]), (None, None, None))
    if test is None:
        return
    told = {k: v for k, v in without(test, PRIVATE).items() if k not in ("seed", "script", "keymats")}
    why, marks = complaint(group, told)
    tally.check(f"{name} with the keys of packets alone", why is None and not marks.notes, why or marks.notes)
    for path, value in scalars(told):
        if path[0] == "packets" and path[-1] in ("key", "enc_key", "auth_key") and isinstance(value, str) and len(value) > 8:
            other = copy.deepcopy(told)
            put(other, path, planted(value, 0.5))
            tally.check(f"{name} {path_text(path)} in it", complaint(group, other)[0] is not None, "unnoticed")
    why, marks = complaint(group, without(told, SEALS))
    tally.check(f"{name} without keys", why is None and len(marks.notes) == 4, why or marks.notes)
    tally.check(f"{name} with keys known and a MAC left out", complaint(group, without(test, ("mac",)))[0] is not None, "unnoticed")


def spoil_bad(tally, thorough):
    """Packets that must do no harm: a good one in the place of one of each reason and type, another reason, the other verdict."""
    had, shared = set(), {}
    for name, group, test in vectors():
        if "bad" not in test or not test["expect"].get("drop"):
            continue
        reason, kind = test["expect"]["drop"], test["bad"]["type"]
        if (reason, kind) in had and not thorough:
            continue
        had.add((reason, kind))
        once = shared.setdefault(id(group), {})
        title = f"{name} tcId {test['tcId']} {reason} in {kind}"
        why, marks = complaint(group, test, once)
        tally.check(title + " as it is", why is None, why)
        tally.check(title + " said to be valid", complaint(group, dict(test, result="valid"), once)[0] is not None, "unnoticed")
        other = "BAD_PUZZLE" if reason == "BAD_VERSION" else "BAD_VERSION"
        renamed = dict(test, expect=dict(test["expect"], drop=other))
        tally.check(f"{title} called {other}", complaint(group, renamed, once)[0] is not None, "unnoticed")
        good = good_packet(group, test, kind)
        if good is not None and "limits" not in test and marks and not marks.notes:  # at a limit good ones are dropped
            at, packet = good
            bad = {k: packet[k] for k in ("type", "from", "to", "src", "dst", "udp", "wire") if k in packet}
            expect = dict(test["expect"], after=at, state=state_before(group, test, at))
            why, marks = complaint(group, dict(test, bad=bad, expect=expect), once)
            tally.check(title + " with a good packet", why is not None or bool(marks.notes), "unnoticed")


def without_cause(test):
    """Tests of a receiver that is at its limit, or a relay, and the same one without what makes it drop the packet or do something with it."""
    if "limits" in test:
        yield "no limits", {k: v for k, v in test.items() if k != "limits"}
        yield "another limit", dict(test, limits={"associations" if "actions" in test["limits"] else "actions": 0})
    if "before" in test:
        yield "nothing before it", {k: v for k, v in test.items() if k != "before"}
    for field, other in (("acknowledged", None), ("relayed", None), ("relayed", {"src": "192.0.2.1:1", "dst": "192.0.2.1:1"})):
        if field in test["expect"]:
            expect = {k: v for k, v in test["expect"].items() if k != field}
            yield f"another {field}", dict(test, expect=dict(expect, **{field: other} if other else {}))


def spoil_causes(tally):
    shared = {}
    for name, group, test in vectors():
        for what, other in without_cause(test) if "bad" in test else ():
            noticed = complaint(group, other, shared.setdefault(id(group), {}))[0] is not None
            tally.check(f"{name} tcId {test['tcId']}: {what}", noticed, "unnoticed")


def good_packet(group, test, kind):
    """One of this type in the exchange, and how many come before it."""
    packets = test.get("packets") or group.get("packets") or []
    return next(((i, p) for i, p in enumerate(packets) if p["type"] == kind and p["to"] == test["expect"]["at"] and
                 p["outcome"]["drop"] == "TAKEN"), None)


def state_before(group, test, count):
    packets = test.get("packets") or group["packets"]
    field = {"I": "state_i", "R": "state_r", "RVS": "state_rvs"}[test["expect"]["at"]]
    return packets[count - 1]["outcome"][field] if count else "UNASSOCIATED"


def path_text(path):
    """As vectorcheck writes it: packets[2].mac.value"""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)[1:]


def turn_verdicts(tally):
    """Each type's first valid and first invalid test with the other result."""
    had = set()
    for name, group, test in vectors():
        if not is_exchange(group) and (group["type"], test["result"]) not in had:
            had.add((group["type"], test["result"]))
            other = dict(test, result={"valid": "invalid", "invalid": "valid"}[test["result"]])
            tally.check(f"{name} tcId {test['tcId']} {group['type']} turned round", complaint(group, other)[0] is not None, "unnoticed")


def run(*args):
    p = subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True, timeout=600)
    return p.returncode, p.stdout, p.stderr


def command_line(tally):
    """Exit statuses, what a failure says, the closing line."""
    doc = json.loads((ROOT / "test-vectors" / "puzzle.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="vectorcheck-") as folder:
        path = pathlib.Path(folder) / "v.json"

        def write(what):
            path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")
            return run(path)

        code, out, _ = write(doc)
        tally.check("all good: 0", code == 0 and out.splitlines()[-1] == f"{len(doc['testGroups'][0]['tests'])} passed, 0 failed, 0 skipped", out)
        bad = copy.deepcopy(doc)
        test = bad["testGroups"][0]["tests"][0]
        was, test["digest"] = test["digest"], planted(test["digest"], 0.5)
        code, out, _ = write(bad)
        shown = all(f"\n  {w} {v}" in out for w, v in (("field    ", "digest"), ("expected ", test["digest"]), ("computed ", was)))
        tally.check("one wrong: 1, named with both values", code == 1 and shown and ", 1 failed, 0 skipped" in out.splitlines()[-1], out)
        code, out, _ = run("--json", path)
        tally.check("--json", code == 1 and json.loads(out)["failed"] == 1, out)
        for what, text in {"no JSON": "{", "an array": "[]", "no groups": "{}", "group without tests": {"testGroups": [{"type": "PuzzleTest"}]},
                           "a field twice": '{"testGroups": [], "testGroups": []}', "numberOfTests": dict(doc, numberOfTests=1)}.items():
            code, out, err = write(text)
            tally.check(f"{what}: 2", code == 2 and "malformed" in err, out + err)
        lost = copy.deepcopy(doc)
        del lost["testGroups"][0]["tests"][0]["k"]
        code, out, err = write(lost)
        tally.check("missing field: 2", code == 2 and "field k is missing" in err, out + err)
        code, out, _ = write({"testGroups": [{"type": "NovelTest", "tests": [{"tcId": 1, "result": "valid"}]}]})
        tally.check("unknown type: 77", code == 77 and "0 passed, 0 failed, 1 skipped" in out, out)
        path.unlink()
        tally.check("nothing there: 2", run(path)[0] == 2 and run(folder)[0] == 2)


def everything_looked_at(tally):
    """No field of a valid test that nothing looks at."""
    code, out, _ = run(ROOT / "test-vectors")
    tally.check("all vectors", code == 0 and "failed" in out, out[-2000:])
    tally.check("nothing skipped, nothing passed over", out.splitlines()[-1].endswith(" 0 skipped") and "note:" not in out, out[-2000:])


def run_all():
    tally, thorough = Tally(), "--all" in sys.argv[1:]
    everything_looked_at(tally)
    command_line(tally)
    turn_verdicts(tally)
    spoil_fields(tally, thorough)
    spoil_exchanges(tally, thorough)
    partial(tally)
    spoil_bad(tally, thorough)
    spoil_causes(tally)
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(run_all())
