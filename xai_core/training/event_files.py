"""The scalars of TensorBoard's event files.

An event file is a row of records: length (uint64), its checksum, an Event as protocol buffer, its checksum. Source:
TensorBoard's record writer. Its own readers would load TensorFlow wherever that is installed; this one never does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from xai_core.errors import DataError
from xai_core.types import Doubles

HEAD, CHECKSUM = 12, 4  # bytes
LONGEST_CHECKED = 1 << 16  # bytes; a scalar takes a hundred, and the checksum of a large picture takes seconds
DAMAGED = "The event file is damaged, or none of TensorBoard's. Copy it again."


def is_event_file(data: bytes) -> bool:
    """Whether bytes start as an event file does: a first record that is no longer than the file, with its checksum."""
    if len(data) < HEAD:
        return False
    length, checksum = struct.unpack_from("<QI", data)
    return bool(length <= len(data) and checksum == _checksum(data[:8]))


def scalars(data: bytes) -> dict[str, tuple[Doubles, Doubles]]:
    """Return steps (N,) and values (N,) of each scalar by its tag; of a step that was written twice the later value.

    A record that was cut short at the end is left out, as the file may still grow. DataError where bytes are wrong or
    no scalar is there.
    """
    found: dict[str, dict[int, float]] = {}
    for record in _records(data):
        for step, tag, value in _values(record):
            found.setdefault(tag, {})[step] = value
    if not found:
        raise DataError("The event file holds no scalars. Write the loss or accuracy with add_scalar.")
    ordered = {tag: sorted(points.items()) for tag, points in found.items()}
    return {
        tag: (np.array([step for step, _ in points], np.float64), np.array([value for _, value in points], np.float64))
        for tag, points in ordered.items()
    }


def _records(data: bytes) -> Iterator[bytes]:
    place = 0
    while place + HEAD <= len(data):
        length, checksum = struct.unpack_from("<QI", data, place)
        if checksum != _checksum(data[place : place + 8]):
            raise DataError(DAMAGED)
        start, end = place + HEAD, place + HEAD + length
        if end + CHECKSUM > len(data):
            return
        record = data[start:end]
        if length <= LONGEST_CHECKED and struct.unpack_from("<I", data, end)[0] != _checksum(record):
            raise DataError(DAMAGED)
        yield record
        place = end + CHECKSUM


def _values(record: bytes) -> Iterator[tuple[int, str, float]]:
    from tensorboard.compat.proto import event_pb2

    try:
        event = event_pb2.Event.FromString(record)
    except Exception as error:  # protobuf has an error of its own for each way of reading
        raise DataError(DAMAGED) from error
    for value in event.summary.value:
        number = _scalar(value)
        if number is not None:
            yield event.step, value.tag, number


def _scalar(value: Any) -> float | None:
    """Return a value that is a scalar, in the older form or as a tensor of one number; else None."""
    from tensorboard.util import tensor_util

    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    if value.WhichOneof("value") != "tensor" or len(value.tensor.tensor_shape.dim) > 0:
        return None
    try:
        found = tensor_util.make_ndarray(value.tensor)
    except (TypeError, ValueError):
        return None
    return float(found) if found.dtype.kind in "iufb" and found.size == 1 else None


def _checksum(data: bytes) -> int:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    return int(masked_crc32c(data))
