"""NumPy's arrays and scalars in a checkpoint, from their records; arrays of Python objects become lists."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from model_adapters.files.records import Record

_CODE = re.compile(r"[<>=|]?([?bBhHiIlLqQefdgFDG]|[biufcSUmM]\d{1,6})")
LAST_CHARACTER = 0x10FFFF
_ORDERS = ("<", ">", "=", "|")
_OBJECTS = ("O8", "O4", "O", "|O")
_STATE = 5  # version, shape, type, whether in Fortran's order, bytes


def dtype(record: Any) -> np.dtype[Any] | None:
    """Return the type of a record of numpy.dtype, None for Python objects; ValueError for others."""
    code = record.arguments[0]
    if code in _OBJECTS:
        return None
    if not (isinstance(code, str) and _CODE.fullmatch(code)):
        raise ValueError(code)
    order = record.state[1] if isinstance(record.state, tuple) and len(record.state) > 1 else "="
    if order not in _ORDERS:
        raise ValueError(order)
    return np.dtype(code) if order == "|" else np.dtype(order + code.lstrip("".join(_ORDERS)))


def array(state: Any) -> Any:
    """Return the array for the state that NumPy pickles, or a list of the objects in it."""
    _, shape, type_record, fortran, values = state
    kind = dtype(type_record)
    return list(values) if kind is None else shaped(values, kind, shape, "F" if fortran else "C")


def is_state(state: Any) -> bool:
    """Whether this is the state that NumPy pickles for an array."""
    return isinstance(state, tuple) and len(state) == _STATE and isinstance(state[2], Record)


def shaped(values: Any, kind: np.dtype[Any] | None, shape: Any, order: Any) -> Any:
    """Return bytes as an array; ValueError if they do not fill it or are to be Python objects."""
    if kind is None:
        raise ValueError("Objects have no bytes.")
    data = values.encode("latin-1") if isinstance(values, str) else bytes(values)
    if (
        kind.kind == "U"
        and (np.frombuffer(data, np.dtype(np.uint32).newbyteorder(kind.byteorder)) > LAST_CHARACTER).any()
    ):
        raise ValueError("There are no such characters.")
    return np.frombuffer(data, kind).reshape(shape, order="F" if order == "F" else "C")


def scalar(kind: np.dtype[Any] | None, value: Any) -> Any:
    """Return a scalar of a type from its bytes; an object is the value itself."""
    return value if kind is None else shaped(value, kind, (), "C")[()]
