"""Read a Python code object out of marshal data as plain values; nothing is built that could run.

Only what a short function without loops, closures or inner functions holds is read: numbers, texts, bytes, tuples and
the code itself. The layout of code changed in Python 3.8 and 3.11, so all three are tried.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LARGEST = 1 << 14  # bytes of marshal data
MOST_PARTS = 500
DEEPEST = 6
_REFERENCED = 0x80  # a part that a later one may refer to


class NotPlainCode(ValueError):
    """The data hold something else, or more than a short function has."""


@dataclass(frozen=True)
class Code:
    """A function as data. layout: 8, 10 or 11, for Python up to 3.7, 3.8 to 3.10, or later."""

    layout: int
    arguments: int
    instructions: bytes
    constants: tuple[Any, ...]
    names: tuple[Any, ...]
    variables: tuple[Any, ...]


@dataclass(frozen=True)
class Other:
    """A part that is no number, text or tuple, such as the code of an inner function."""

    kind: str


# Counts, parts and the names of those that matter, as marshal writes code.
_FIELDS = {
    8: ("iiiii", "code consts names varnames freevars cellvars filename name", "i", "lnotab"),
    10: ("iiiiii", "code consts names varnames freevars cellvars filename name", "i", "lnotab"),
    11: ("iiiii", "code consts names varnames kinds filename name qualname", "i", "linetable exceptiontable"),
}


def read(data: bytes) -> list[Code]:
    """Return the code in marshal data, once for each layout that fits; NotPlainCode if none does."""
    if len(data) > LARGEST:
        raise NotPlainCode
    found = []
    for layout in _FIELDS:
        reader = _Reader(data, layout)
        try:
            code = reader.part()
        except (NotPlainCode, struct.error, IndexError, UnicodeDecodeError):
            continue
        if isinstance(code, Code) and reader.at == len(data):
            found.append(code)
    if not found:
        raise NotPlainCode
    return found


class _Reader:
    def __init__(self, data: bytes, layout: int) -> None:
        self.data, self.layout, self.at = data, layout, 0
        self._seen: list[Any] = []
        self._parts = 0
        self._kinds: dict[str, Callable[[], Any]] = {
            "i": lambda: self._number("<i"), "g": lambda: self._number("<d"), "N": lambda: None, "T": lambda: True,
            "F": lambda: False, ".": lambda: Other("Ellipsis"), "s": self._bytes, "u": self._text, "t": self._text,
            "z": self._short, "Z": self._short, "a": self._text, "A": self._text, "r": self._referred,
        }  # fmt: skip

    def part(self, depth: int = 0) -> Any:
        self._parts += 1
        if self._parts > MOST_PARTS or depth > DEEPEST:
            raise NotPlainCode
        first = self._number("<B")
        kind, referenced = chr(first & ~_REFERENCED), bool(first & _REFERENCED)
        place = len(self._seen)
        if referenced:
            self._seen.append(Other("unfinished"))
        value = self._value(kind, depth)
        if referenced:
            self._seen[place] = value
        return value

    def _value(self, kind: str, depth: int) -> Any:
        if kind in ")(":
            count = self._number("<B" if kind == ")" else "<i")
            if not 0 <= count <= MOST_PARTS:
                raise NotPlainCode
            return tuple(self.part(depth + 1) for _ in range(count))
        if kind == "c":
            return self._code(depth)
        if kind not in self._kinds:
            raise NotPlainCode
        return self._kinds[kind]()

    def _code(self, depth: int) -> Code:
        counts, names, line, ending = _FIELDS[self.layout]
        arguments, *_ = [self._number("<i") for _ in counts]
        parts = {name: self.part(depth + 1) for name in names.split()}
        self._number(f"<{line}")
        for _ in ending.split():
            self.part(depth + 1)
        kept = parts["code"], parts["consts"], parts["names"], parts["varnames"]
        if not isinstance(kept[0], bytes) or not all(isinstance(part, tuple) for part in kept[1:]):
            raise NotPlainCode
        return Code(self.layout, arguments, *kept)

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack_from(code, self.data, self.at)
        self.at += struct.calcsize(code)
        return value

    def _bytes(self) -> bytes:
        return self._taken(self._number("<i"))

    def _text(self) -> str:
        return self._bytes().decode("utf-8", "surrogatepass")

    def _short(self) -> str:
        return self._taken(self._number("<B")).decode("ascii")

    def _taken(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.at:
            raise NotPlainCode
        self.at += count
        return self.data[self.at - count : self.at]

    def _referred(self) -> Any:
        return self._seen[self._number("<I")]
