# SPDX-License-Identifier: Apache-2.0
"""One test of a vector file, read field by field. What was read is noted, so that a field that nothing looks at can be told."""
from __future__ import annotations

import re
from typing import Any, Callable, Iterator

HEX = re.compile(r"(?:[0-9a-f]{2})*")
PROSE = {"tcId", "comment", "result", "flags", "source", "seed", "name"}  # of a test: nothing to recompute


class Finding(Exception):
    """Why a test does not pass."""


class Malformed(Finding):
    """The file is not what its type says."""


class Skipped(Finding):
    """What cannot be recomputed here, by name."""


class Mismatch(Finding):
    """The first value that differs."""

    def __init__(self, field: str, expected: Any, computed: Any):
        super().__init__(field)
        self.field, self.expected, self.computed = field, shown(expected), shown(computed)


def shown(value: Any) -> str:
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)


class Marks:
    """Paths of fields that were read, and of those that nothing can say anything about."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.waived: set[str] = set()
        self.notes: set[str] = set()  # what was not judged


class Node:
    """An object of the file. A field that it lacks is looked for in `fallback` (a test's group)."""

    def __init__(self, value: Any, path: str = "", fallback: dict | None = None, marks: Marks | None = None):
        if not isinstance(value, dict):
            raise Malformed(f"{path or 'test'} is no object")
        self.value, self.path, self.fallback = value, path, fallback or {}
        self.marks = marks or Marks()
        self.shared: dict = {}  # what the tests of a group need once

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        return name in self.value or name in self.fallback

    def raw(self, name: str) -> Any:
        self.marks.read.add(self.at(name))
        if name in self.value:
            return self.value[name]
        if name in self.fallback:
            return self.fallback[name]
        raise Malformed(f"field {self.at(name)} is missing")

    def _typed(self, name: str, kind: type, what: str) -> Any:
        value = self.raw(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Malformed(f"field {self.at(name)} is no {what}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        return default if default is not None and not self.has(name) else self._typed(name, str, "text")

    def int(self, name: str, default: int | None = None) -> int:
        return default if default is not None and not self.has(name) else self._typed(name, int, "integer")

    def flag(self, name: str, default: bool | None = None) -> bool:
        return default if default is not None and not self.has(name) else self._typed(name, bool, "truth value")

    def list(self, name: str) -> list:
        return self._typed(name, list, "array")

    def hex(self, name: str, length: int | None = None, default: bytes | None = None) -> bytes:
        if default is not None and not self.has(name):
            return default
        octets = unhex(self.text(name), self.at(name))
        if length is not None and len(octets) != length:
            raise Malformed(f"field {self.at(name)} has {len(octets)} octets, not {length}")
        return octets

    def node(self, name: str) -> Node:
        return Node(self.raw(name), self.at(name), None, self.marks)

    def maybe(self, name: str) -> Node | None:
        return self.node(name) if self.has(name) else None

    def nodes(self, name: str) -> list[Node]:
        return [Node(v, f"{self.at(name)}[{i}]", None, self.marks) for i, v in enumerate(self.list(name))] if self.has(name) else []

    def same(self, name: str, computed: bytes | int | str | list | bool) -> None:
        """The field, where it is given, has this value."""
        if not self.has(name):
            return
        if isinstance(computed, (bytes, bytearray)):
            given: Any = self.hex(name)
        else:
            given = self._typed(name, type(computed), type(computed).__name__)
        agree(self.at(name), given, computed)

    def waive(self, *names: str) -> None:
        """Fields that nothing here can say anything about; the caller says why."""
        self.marks.waived.update(self.at(n) for n in names)

    def unread(self) -> Iterator[str]:
        """Paths of the object's own leaves that nothing has looked at."""
        yield from (p for p in leaves(self.value, self.path) if p not in self.marks.read | self.marks.waived)


class Case(Node):
    """A test with its group."""

    def __init__(self, test: Any, group: dict):
        super().__init__(test, "", group)
        self.group = group
        if not isinstance(test.get("tcId"), int) or test.get("result") not in ("valid", "invalid", "acceptable"):
            raise Malformed("a test needs tcId and a result: valid, invalid or acceptable")
        self.valid: bool = test["result"] != "invalid"

    def verdict(self, accepted: bool, why: str = "") -> None:
        """`accepted` is what the test's result says."""
        if accepted != self.valid and self.value["result"] != "acceptable":
            words = {True: "valid", False: "invalid"}
            raise Mismatch("result", words[self.valid], words[accepted] + (f" ({why})" if why else ""))


def agree(what: str, expected: Any, computed: Any) -> None:
    if expected != computed:
        raise Mismatch(what, expected, computed)


def unhex(text: Any, what: str) -> bytes:
    if not isinstance(text, str) or not HEX.fullmatch(text):
        raise Malformed(f"{what} is not lower-case hexadecimal")
    return bytes.fromhex(text)


def leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not (path == "" and name in PROSE):
                yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{i}]")
    else:
        yield path


# ---- the types ---------------------------------------------------------------------------------------------------------

class Kind:
    """How a type is recomputed. judges: it ends in a verdict, an invalid test must be refused; otherwise one of an invalid test's values is wrong."""

    def __init__(self, run: Callable[[Case], None], judges: bool):
        self.run, self.judges = run, judges


KINDS: dict[str, Kind] = {}


def kind(name: str, judges: bool = False) -> Callable:
    def note(run: Callable[[Case], None]) -> Callable[[Case], None]:
        KINDS[name] = Kind(run, judges)
        return run
    return note
