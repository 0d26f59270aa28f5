"""The wire between the app and a worker: a JSON object and raw arrays, never a pickle.

A frame is `XAI1`, the header's length (u32), the body's length (u64), the header as JSON, then the arrays' bytes;
numbers are little-endian. The other side may be hostile, so every size is checked before anything is allocated.
"""

from __future__ import annotations

import json
import math
import os
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

Header = dict[str, Any]
Arrays = list[NDArray[Any]]
Frame = tuple[Header, Arrays]

MAGIC = b"XAI1"
START = struct.Struct("<4sIQ")
LONGEST_HEADER = 4 << 20
LARGEST_BODY = 512 << 20
MOST_ARRAYS, MOST_AXES = 64, 8
TYPES = {"f4": "<f4", "f8": "<f8", "i4": "<i4", "i8": "<i8", "u1": "|u1", "u2": "<u2", "b1": "|b1"}
_PIECE = 1 << 20


class BadFrame(Exception):
    """The other side sent something that is not a frame, breaks a limit or makes no sense."""


class Flood(BadFrame):
    """The other side sends more than it is allowed to."""


class Closed(Exception):
    """The other side is gone."""


class TooSlow(Exception):
    """The other side took too long over one frame."""


def send(pipe: int, header: Header, arrays: Sequence[NDArray[Any]] = (), seconds: float | None = None) -> None:
    """Write a frame. Raises Closed or TooSlow if the other side does not take it. `pipe` may be non-blocking."""
    deadline = None if seconds is None else time.monotonic() + seconds
    plain = [np.asarray(a, order="C") for a in arrays]
    shapes = [[a.dtype.str[1:], list(a.shape)] for a in plain]
    text = json.dumps({**header, "arrays": shapes}, allow_nan=False, separators=(",", ":")).encode()
    body = sum(a.nbytes for a in plain)
    if len(text) > LONGEST_HEADER or body > LARGEST_BODY or any(kind not in TYPES for kind, _ in shapes):
        raise ValueError(f"A frame of {len(text)} + {body} bytes and arrays {shapes} cannot be sent.")
    _write(pipe, START.pack(MAGIC, len(text), body) + text, deadline)
    for array in plain:
        if array.nbytes:
            _write(pipe, array.reshape(-1).view(np.uint8).data, deadline)


def receive(
    pipe: int,
    largest_body: int = LARGEST_BODY,
    seconds: float | None = None,
    accept: Callable[[int, int], None] = lambda header, body: None,
) -> Frame:
    """Wait for a frame without a limit, then read it within `seconds`. Raises BadFrame, Closed or TooSlow.

    accept: gets the bytes of the header and of the body before they are read, and may raise BadFrame.
    """
    _wait(pipe, select.POLLIN, None)
    deadline = None if seconds is None else time.monotonic() + seconds
    magic, length, body = START.unpack(_read(pipe, bytearray(START.size), deadline))
    if magic != MAGIC or length > LONGEST_HEADER or body > min(largest_body, LARGEST_BODY):
        raise BadFrame(f"A frame starts with {magic!r} and claims {length} + {body} bytes.")
    accept(length, body)
    header = _parse(_read(pipe, bytearray(length), deadline))
    shapes = _shapes(header.pop("arrays", None))
    if sum(_bytes(*shape) for shape in shapes) != body:
        raise BadFrame("The sizes of the arrays do not add up to the size of the body.")
    return header, [_array(pipe, kind, shape, deadline) for kind, shape in shapes]


def _parse(text: bytearray | memoryview) -> Header:
    try:
        header = json.loads(bytes(text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadFrame("The header is not JSON.") from None
    if not isinstance(header, dict):
        raise BadFrame("The header is not an object.")
    return header


def _no_constant(name: str) -> NoReturn:
    raise BadFrame(f"The header holds {name}.")


def _shapes(values: Any) -> list[tuple[str, tuple[int, ...]]]:
    if not isinstance(values, list) or len(values) > MOST_ARRAYS:
        raise BadFrame("The header lists no arrays, or too many.")
    return list(map(_shape, values))


def _shape(values: Any) -> tuple[str, tuple[int, ...]]:
    match values:
        case [str(kind), [*sizes]] if (
            kind in TYPES and len(sizes) <= MOST_AXES and all(map(_is_size, sizes)) and _fits(sizes)
        ):
            return kind, tuple(sizes)
    raise BadFrame("The header lists an array of a type or size that is not allowed.")


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_BODY


def _fits(sizes: list[int]) -> bool:
    """Whether an array of these sizes can exist; an axis of length 0 must not hide how long the others are."""
    return math.prod(max(1, size) for size in sizes) <= LARGEST_BODY


def _bytes(kind: str, shape: tuple[int, ...]) -> int:
    return int(kind[1]) * math.prod(shape)


def _array(pipe: int, kind: str, shape: tuple[int, ...], deadline: float | None) -> NDArray[Any]:
    array = np.empty(shape, TYPES[kind])
    if array.nbytes:
        _read(pipe, array.reshape(-1).view(np.uint8).data, deadline)
    return array


def _read(pipe: int, buffer: bytearray | memoryview, deadline: float | None) -> bytearray | memoryview:
    left = memoryview(buffer)
    while left:
        _wait(pipe, select.POLLIN, deadline)
        count = os.readv(pipe, [left[:_PIECE]])
        if not count:
            raise Closed
        left = left[count:]
    return buffer


def _write(pipe: int, data: bytes | memoryview, deadline: float | None) -> None:
    left = memoryview(data)
    while left:
        _wait(pipe, select.POLLOUT, deadline)
        try:
            left = left[os.write(pipe, left[:_PIECE]) :]
        except BlockingIOError:
            continue
        except BrokenPipeError:
            raise Closed from None


def _wait(pipe: int, event: int, deadline: float | None) -> None:
    """Wait with poll, which unlike select has no limit on descriptors."""
    waiting = select.poll()
    waiting.register(pipe, event)
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not waiting.poll(left):
        raise TooSlow
