"""Read the scalars of TensorBoard's event files.

An event file is a sequence of records: length (uint64), its checksum, an Event as protocol buffer, its checksum.
Source: TensorBoard's record writer. Its own readers load TensorFlow if that is installed; this one never does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from xai_core.errors import DataError
from xai_core.types import Doubles

HEAD, CHECKSUM = 12, 4  # bytes
LONGEST_CHECKED = 1 << 16  # bytes; a scalar has about a hundred, and the checksum of a large picture takes seconds
DAMAGED = "The event file is damaged, or not from TensorBoard. Copy it again."


def is_event_file(data: bytes) -> bool:
    """Whether bytes start like an event file: with a record that fits into the file and has the right checksum."""
    if len(data) < HEAD:
        return False
    length, checksum = struct.unpack_from("<QI", data)
    return bool(length <= len(data) and checksum == _checksum(data[:8]))


def scalars(data: bytes) -> dict[str, tuple[Doubles, Doubles]]:
    """Return steps (N,) and values (N,) of each scalar by its tag; for a step written twice, the later value.

    A truncated last record is ignored, since the file may still grow. Raises DataError if the file is damaged or has
    no scalars.
    """
    series: dict[str, dict[int, float]] = {}
    for record in _records(data):
        for step, tag, value in _values(record):
            series.setdefault(tag, {})[step] = value
    if not series:
        raise DataError("The event file has no scalars. Log the loss or accuracy with add_scalar.")
    ordered = {tag: sorted(points.items()) for tag, points in series.items()}
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
    except Exception as error:  # protobuf raises different errors depending on its backend
        raise DataError(DAMAGED) from error
    for value in event.summary.value:
        number = _scalar(value)
        if number is not None:
            yield event.step, value.tag, number


def _scalar(value: Any) -> float | None:
    """Return a scalar, in the older format or as a tensor of one number; else None."""
    from tensorboard.util import tensor_util

    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    if value.WhichOneof("value") != "tensor" or len(value.tensor.tensor_shape.dim) > 0:
        return None
    try:
        array = tensor_util.make_ndarray(value.tensor)
    except (TypeError, ValueError):
        return None
    return float(array) if array.dtype.kind in "iufb" and array.size == 1 else None


def _checksum(data: bytes) -> int:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    return int(masked_crc32c(data))
