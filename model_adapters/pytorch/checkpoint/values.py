"""Turn the records of a checkpoint into values: tensors, arrays, containers, and objects as what they hold.

Only the functions in this module are called, never one that the file names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from model_adapters.files import inert
from model_adapters.files.records import PERSISTENT, Record, Reference
from model_adapters.pytorch.checkpoint import arrays, whole_modules
from model_adapters.pytorch.checkpoint.storages import DAMAGED, Storage, Storages
from xai_core.errors import RefusedModel, UnsupportedModel

DEEPEST = 60  # containers within containers
MOST_COPIED = 256 << 20  # bytes and items that records ask to copy, all together
MOST_AXES = 32
TOO_DEEP = "The values in this file are nested too deeply. Save the state dict alone."
TOO_MUCH = "The values in this file would need too much memory. Save the state dict alone."
NOT_FLOATS = "The file holds sparse or quantised tensors; save the model in float32."
DTYPES = {str(kind): kind for kind in vars(torch).values() if isinstance(kind, torch.dtype)}

_ATOMS = (type(None), bool, int, float, complex, str, bytes, bytearray)
_KEYS = (type(None), bool, int, float, complex, str, bytes, np.generic, torch.dtype, torch.device)
_DEVICE = re.compile(r"[a-z]{1,20}(:\d{1,4})?")
_SPECIAL_TENSORS = re.compile(r"torch\._utils\._rebuild_(sparse|qtensor|nested)\w*")
_PLAIN_TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_OLD_TENSOR = re.compile(r"torch(\.cuda)?\.\w*Tensor")
_ARRAY_MAKER = re.compile(r"numpy\.(_core|core)\.multiarray\._reconstruct")
_FROM_BUFFER = re.compile(r"numpy\.(_core|core)\.numeric\._frombuffer")
_SCALAR = re.compile(r"numpy\.(_core|core)\.multiarray\.scalar")
_SEQUENCES = re.compile(r"collections\.(deque|UserList)|torch\.Size")


class Values:
    """Makes values of the records of one file; each is made once."""

    def __init__(self, storages: Storages, from_bytes: Callable[[bytes], Any] | None = None) -> None:
        self._storages = storages
        self._from_bytes = from_bytes
        self._made: dict[int, Any] = {}
        self._copied = 0
        self.objects: dict[str, None] = {}  # names of the classes that were read as data, in order

    def of(self, thing: Any, depth: int = 0) -> Any:
        """Return the value of what an inert reading gave; RefusedModel if it is damaged or exceeds a limit."""
        if isinstance(thing, _ATOMS):
            return thing
        if isinstance(thing, Reference):
            return DTYPES.get(thing.name, thing)
        if id(thing) in self._made:
            return self._made[id(thing)]
        if depth > DEEPEST:
            raise RefusedModel(TOO_DEEP)
        return self._container(thing, depth + 1)

    def _container(self, thing: Any, depth: int) -> Any:
        if isinstance(thing, dict):
            return self._mapping(thing, thing, depth)
        if isinstance(thing, list):
            made = self._made[id(thing)] = []
            made.extend(self.of(item, depth) for item in thing)
            return made
        if isinstance(thing, Record):
            self._made[id(thing)] = None  # for an object that holds itself
            value = self._made[id(thing)] = self._record(thing, depth)
            return value
        if isinstance(thing, tuple):
            value = self._made[id(thing)] = tuple(self._items(thing, depth))
            return value
        return {self._key(item, depth) for item in thing}

    def _items(self, items: Any, depth: int) -> Iterator[Any]:
        return (self.of(item, depth) for item in items)

    def _mapping(self, thing: Any, pairs: dict[Any, Any], depth: int) -> dict[Any, Any]:
        made = self._made[id(thing)] = {}
        made.update((self._key(key, depth), self.of(value, depth)) for key, value in pairs.items())
        return made

    def _key(self, key: Any, depth: int) -> Any:
        """Return a key that is safe to hash, since `inert.key` let it pass: its value, or its record."""
        if isinstance(key, tuple):
            return tuple(self._key(item, depth) for item in key)
        value = self.of(key, depth)
        return value if isinstance(value, _KEYS) else key

    def _record(self, record: Record, depth: int) -> Any:
        if _SPECIAL_TENSORS.fullmatch(record.name):
            raise UnsupportedModel(NOT_FLOATS)
        if make := _MAKERS.get(record.name) or _by_pattern(record):
            return make(self, record, depth)
        self.objects[record.name] = None
        if whole_modules.is_module(record):
            return self._mapping(record, whole_modules.weights(record), depth)
        return self._object(record, depth)

    def _object(self, record: Record, depth: int) -> Any:
        """Return what an object holds: its pairs and attributes by name, or its items, or else the record itself."""
        if pairs := {**record.attributes, **record.pairs}:
            return self._mapping(record, pairs, depth)
        if record.items:
            return list(self._items(record.items, depth))
        return record

    def _arguments(self, record: Record, depth: int) -> tuple[Any, ...]:
        return tuple(self._items(record.arguments, depth))

    def _storage(self, record: Record, _: int) -> Storage:
        return self._storages(record)

    def _storage_in_bytes(self, record: Record, depth: int) -> Any:
        if self._from_bytes is None:
            raise RefusedModel(DAMAGED)
        return self._from_bytes(self.of(record.arguments[0], depth))

    def _tensor(self, record: Record, depth: int) -> Any:
        return tensor(*self._arguments(record, depth)[:4])

    def _typed_tensor(self, record: Record, depth: int) -> Any:
        storage, offset, size, stride, _, _, dtype, *_ = self._arguments(record, depth)
        return tensor(storage, offset, size, stride, dtype)

    def _old_tensor(self, record: Record, depth: int) -> Any:
        return tensor(*self._items(record.state, depth))

    def _first(self, record: Record, depth: int) -> Any:
        return self.of(record.arguments[0], depth)

    def _with_class(self, record: Record, depth: int) -> Any:
        function, _, arguments, *_ = record.arguments
        if function.name not in _PLAIN_TENSORS:
            raise UnsupportedModel(NOT_FLOATS)
        return _MAKERS[function.name](self, Record(function.name, arguments), depth)

    def _from_array(self, record: Record, depth: int) -> Any:
        return torch.from_numpy(self.of(record.arguments[0], depth).copy())

    def _dict(self, record: Record, depth: int) -> Any:
        start = record.arguments[0] if record.arguments and record.name != "collections.defaultdict" else {}
        pairs = start if isinstance(start, dict) else {}
        self._spend(len(pairs))
        return self._mapping(record, {**pairs, **record.pairs}, depth)

    def _set(self, record: Record, depth: int) -> Any:
        items = record.arguments[0] if record.arguments else ()
        self._spend(len(items))
        return {self._key(inert.key(item), depth) for item in items}

    def _complex(self, record: Record, _: int) -> complex:
        return complex(*map(float, record.arguments))

    def _no_bytes(self, record: Record, _: int) -> bytes:
        if record.arguments:  # the first protocols write bytes as a call of _codecs.encode, unless there are none
            raise ValueError(record.arguments)
        return b""

    def _bytes(self, record: Record, _: int) -> bytes:
        text, codec = record.arguments
        if codec not in ("latin1", "latin-1"):
            raise ValueError(codec)
        self._spend(len(text))
        return bytes(text.encode(codec))

    def _bytearray(self, record: Record, depth: int) -> bytearray:
        content = self.of(record.arguments[0], depth) if record.arguments else b""
        data = content.encode("latin-1") if isinstance(content, str) else content
        if not isinstance(data, bytes | bytearray):
            raise ValueError("A byte array is made of bytes.")
        self._spend(len(data))
        return bytearray(data)

    def _device(self, record: Record, _: int) -> torch.device:
        name = ":".join(map(str, record.arguments))
        return torch.device(name if _DEVICE.fullmatch(name) else "cpu")

    def _sequence(self, record: Record, depth: int) -> Any:
        start = self.of(record.arguments[0], depth) if record.arguments else ()
        self._spend(len(start))
        items = (*start, *self._items(record.items, depth))
        return torch.Size(items) if record.name == "torch.Size" else list(items)

    def _path(self, record: Record, _: int) -> str:
        parts = [part for part in record.arguments if isinstance(part, str)]
        self._spend(sum(map(len, parts)))
        return re.sub("^//+", "/", "/".join(parts))

    def _dtype(self, record: Record, _: int) -> Any:
        return arrays.dtype(record) or record

    def _array(self, record: Record, depth: int) -> Any:
        if not arrays.is_state(record.state):
            raise ValueError("The array has no state.")
        version, shape, kind, fortran, values = record.state
        return arrays.array((version, shape, kind, fortran, self.of(values, depth)))

    def _buffered(self, record: Record, depth: int) -> Any:
        values, kind, shape, order = record.arguments
        self._spend(len(values))
        return arrays.shaped(self.of(values, depth), arrays.dtype(kind), shape, order)

    def _scalar(self, record: Record, depth: int) -> Any:
        kind, *value = record.arguments
        return arrays.scalar(arrays.dtype(kind), self.of(value[0], depth))

    def _spend(self, count: int) -> None:
        self._copied += count
        if self._copied > MOST_COPIED:
            raise RefusedModel(TOO_MUCH)


def tensor(storage: Any, offset: Any, size: Any, stride: Any, dtype: Any = None) -> Any:
    """Return the tensor that looks at a storage; RefusedModel if it would look past its end."""
    numbers = (offset, *size, *stride)
    sound = len(size) == len(stride) <= MOST_AXES and all(type(n) is int and 0 <= n < 1 << 62 for n in numbers)
    if not (isinstance(storage, Storage) and sound and (dtype is None or isinstance(dtype, torch.dtype))):
        raise RefusedModel(DAMAGED)
    return torch.empty(0, dtype=dtype or storage.dtype).set_(storage.data, offset, tuple(size), tuple(stride))


Make = Callable[[Values, Record, int], Any]
_MAKERS: dict[str, Make] = {
    PERSISTENT: Values._storage,
    "torch.storage._load_from_bytes": Values._storage_in_bytes,
    "torch._utils._rebuild_tensor": Values._tensor,
    "torch._utils._rebuild_tensor_v2": Values._tensor,
    "torch._utils._rebuild_tensor_v3": Values._typed_tensor,
    "torch._utils._rebuild_parameter": Values._first,
    "torch._utils._rebuild_parameter_with_state": Values._first,
    "torch._utils._rebuild_device_tensor_from_numpy": Values._from_array,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": Values._first,
    "torch._tensor._rebuild_from_type_v2": Values._with_class,
    "torch.nn.parameter.Parameter": Values._first,
    "torch.device": Values._device,
    "collections.OrderedDict": Values._dict,
    "collections.Counter": Values._dict,
    "collections.defaultdict": Values._dict,
    "builtins.set": Values._set,
    "builtins.frozenset": Values._set,
    "builtins.complex": Values._complex,
    "builtins.bytearray": Values._bytearray,
    "builtins.bytes": Values._no_bytes,
    "_codecs.encode": Values._bytes,
    "numpy.dtype": Values._dtype,
}
_PATTERNS: tuple[tuple[re.Pattern[str], Make], ...] = (
    (_OLD_TENSOR, Values._old_tensor),
    (_ARRAY_MAKER, Values._array),
    (_FROM_BUFFER, Values._buffered),
    (_SCALAR, Values._scalar),
    (_SEQUENCES, Values._sequence),
    (re.compile(r"pathlib\.\S*Path"), Values._path),
)


def _by_pattern(record: Record) -> Make | None:
    return next((make for pattern, make in _PATTERNS if pattern.fullmatch(record.name)), None)
