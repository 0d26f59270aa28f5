"""Read tables of a FlatBuffer whose schema is known; every place is checked against the end of the bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MOST_ITEMS = 1 << 20


class NotAFlatBuffer(ValueError):
    """The bytes do not follow the format."""


@dataclass(frozen=True)
class Table:
    """A table of a FlatBuffer. data: the whole buffer. at: where the table starts."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> Table:
        """Return the outermost table; NotAFlatBuffer if there is none."""
        return cls(data, _number("<I", data, 0))

    def number(self, field: int, code: str, otherwise: int = 0) -> int:
        """Return the number in a field; `code` is its form as `struct` writes it, such as "<i"."""
        place = self._place(field)
        return otherwise if place is None else _number(code, self.data, place)

    def table(self, field: int) -> Table | None:
        """Return the table in a field, None if the field is empty."""
        place = self._place(field)
        return None if place is None else Table(self.data, _followed(self.data, place))

    def tables(self, field: int) -> list[Table]:
        """Return the list of tables in a field."""
        start, count = self._vector(field)
        return [Table(self.data, _followed(self.data, start + 4 * at)) for at in range(count)]

    def numbers(self, field: int, code: str) -> tuple[float, ...]:
        """Return the list of numbers in a field; `code` is the form of one, such as "i"."""
        start, count = self._vector(field)
        return _unpacked(f"<{count}{code}", self.data, start)

    def bytes(self, field: int) -> bytes:
        """Return the bytes in a field."""
        start, count = self._vector(field, most=len(self.data))
        return self.data[start : start + count]

    def text(self, field: int) -> str:
        """Return the text in a field."""
        return self.bytes(field).decode("utf-8", "replace")

    def _place(self, field: int) -> int | None:
        """Return where a field is, None if it has its usual value."""
        index = self.at - _number("<i", self.data, self.at)
        if 4 + 2 * field >= _number("<H", self.data, index):
            return None
        offset = _number("<H", self.data, index + 4 + 2 * field)
        return self.at + offset if offset else None

    def _vector(self, field: int, most: int = MOST_ITEMS) -> tuple[int, int]:
        place = self._place(field)
        if place is None:
            return 0, 0
        start = _followed(self.data, place)
        count = _number("<I", self.data, start)
        if count > most or start + 4 + count > len(self.data):
            raise NotAFlatBuffer
        return start + 4, count


def _followed(data: bytes, place: int) -> int:
    return place + _number("<I", data, place)


def _number(code: str, data: bytes, place: int) -> int:
    return int(_unpacked(code, data, place)[0])


def _unpacked(code: str, data: bytes, place: int) -> tuple[float, ...]:
    if place < 0:
        raise NotAFlatBuffer
    try:
        return struct.unpack_from(code, data, place)
    except struct.error:
        raise NotAFlatBuffer from None
