"""Read the top-level fields of a protocol-buffer file, without a schema and without their contents."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from typing import IO

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
ONNX_FIELDS = {1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES, 14: BYTES, 20: BYTES}
ONNX_FIELDS |= {25: BYTES, 26: BYTES}  # functions, device configurations
GRAPH_FIELDS = {1: BYTES, 2: BYTES, 3: VARINT, 4: BYTES, 5: BYTES}  # of TensorFlow's GraphDef; 1 is a node
ONNX_GRAPH, SAVED_MODEL_GRAPH = 7, 2


class NotProtobuf(ValueError):
    """The bytes do not follow the wire format."""


class CutShort(NotProtobuf):
    """The last field is longer than the file."""


def fields(path: str) -> Iterator[tuple[int, int]]:
    """Yield (field number, wire type) of each top-level field; NotProtobuf or CutShort if the file breaks off."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        while file.tell() < size:
            tag = _varint(file)
            number, wire = tag >> 3, tag & 7
            yield number, wire
            _skip(file, wire, size)


def starts_with_a_node(head: bytes) -> bool:
    """Return whether a file's first bytes are a node of TensorFlow's GraphDef with a readable name."""
    file = io.BytesIO(head)
    try:
        if file.read(1) != b"\x0a" or not _varint(file) or file.read(1) != b"\x0a":
            return False
        name = file.read(min(_varint(file), len(head)))  # a length of 64 bits is more than may be asked for
    except NotProtobuf:
        return False
    return re.fullmatch(rb"[\w./>-]+", name) is not None


def _skip(file: IO[bytes], wire: int, size: int) -> None:
    if wire == VARINT:
        _varint(file)
        return
    lengths = {FIXED64: 8, FIXED32: 4}
    if wire != BYTES and wire not in lengths:
        raise NotProtobuf
    end = (_varint(file) if wire == BYTES else lengths[wire]) + file.tell()
    if end > size:
        raise CutShort
    file.seek(end)


def _varint(file: IO[bytes]) -> int:
    value = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            raise CutShort
        value |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return value
    raise NotProtobuf
