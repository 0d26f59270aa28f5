"""The bytes behind the tensors of a checkpoint, in the zip files of today and in the format before PyTorch 1.6."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

import torch

from model_adapters.files.records import Record, Reference
from xai_core.errors import RefusedModel

DAMAGED = "The file is damaged or cut short. Get a fresh copy."
KINDS = {
    "Float": torch.float32,
    "Half": torch.float16,
    "Double": torch.float64,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
    "Untyped": torch.uint8,
}
_LOCAL_HEADER, _LENGTHS = 30, struct.Struct("<HH")  # of an entry in a zip; where its name and extra field end
_COUNT = struct.Struct("<q")
_VIEW = 5  # the part of an old persistent id that says which part of a storage it means


@dataclass(frozen=True)
class Storage:
    """The bytes of one or more tensors, and the type of their values."""

    data: Any
    dtype: torch.dtype


Storages = Callable[[Record], Storage]


def in_zip(archive: zipfile.ZipFile, file: IO[bytes], root: str) -> Storages:
    """Return what reads the storages of a zip file below a folder; RefusedModel if one is missing or damaged."""
    kept: dict[str, Any] = {}
    big = f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") == b"big"

    def storage(record: Record) -> Storage:
        _, kind, key, *_ = _parts(record)
        dtype = _dtype(kind)
        if key not in kept:
            kept[key] = _entry(archive, file, f"{root}data/{key}")
            if big:
                kept[key].byteswap(dtype)
        return Storage(kept[key], dtype)

    return storage


def after_pickles(file: IO[bytes], keys: Any, records: Iterable[Record]) -> Storages:
    """Return what reads the storages that follow the pickles of an old file, in the order of `keys`."""
    kinds = {parts[2]: _dtype(parts[1]) for parts in map(_parts, records)}
    kept: dict[str, Any] = {}
    for key in keys:
        (count,) = _COUNT.unpack(file.read(_COUNT.size))
        kept[key] = _filled(file, _stored(file, count * kinds[key].itemsize))

    def storage(record: Record) -> Storage:
        parts = _parts(record)
        dtype, data = _dtype(parts[1]), kept[parts[2]]
        if len(parts) > _VIEW and parts[_VIEW] is not None:
            _, start, length = parts[_VIEW]
            data = data[start * dtype.itemsize : (start + length) * dtype.itemsize]
        return Storage(data, dtype)

    return storage


def none_at_all(record: Record) -> Storage:
    """Refuse a storage: a plain pickle has none."""
    raise RefusedModel(DAMAGED)


def _stored(file: IO[bytes], size: int) -> int:
    """Return a size in bytes if so many are left in a file; RefusedModel otherwise."""
    place = file.tell()
    left = file.seek(0, os.SEEK_END) - place
    file.seek(place)
    if not 0 <= size <= left:
        raise RefusedModel(DAMAGED)
    return size


def _parts(record: Record) -> tuple[Any, ...]:
    (parts,) = record.arguments
    if not (isinstance(parts, tuple) and len(parts) >= _VIEW and parts[0] == "storage" and isinstance(parts[2], str)):
        raise RefusedModel(DAMAGED)
    return parts


def _dtype(kind: Any) -> torch.dtype:
    name = kind.name.rsplit(".", 1)[-1].removesuffix("Storage") if isinstance(kind, Reference) else ""
    if name not in KINDS:
        raise RefusedModel(f"The file holds tensors of a type that is not read ({name[:40]!a}). Save them in float32.")
    return KINDS[name]


def _entry(archive: zipfile.ZipFile, file: IO[bytes], name: str) -> Any:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise RefusedModel(DAMAGED) from None
    if info.compress_type != zipfile.ZIP_STORED:
        with archive.open(info) as stream:
            return _filled(stream, info.file_size)
    # ZipExtFile copies every byte three times; an entry that is not compressed is a part of the file.
    file.seek(info.header_offset + _LOCAL_HEADER - _LENGTHS.size)
    file.seek(sum(_LENGTHS.unpack(file.read(_LENGTHS.size))), os.SEEK_CUR)
    return _filled(file, info.file_size, info.CRC)


def _filled(stream: IO[bytes], size: int, crc: int | None = None) -> Any:
    """Return the next `size` bytes as a storage; RefusedModel if there are fewer or their checksum is wrong."""
    if size == 0:
        return torch.UntypedStorage(0)
    values = torch.empty(size, dtype=torch.uint8)
    memory = memoryview(values.numpy())
    count = stream.readinto(memory)  # type: ignore[attr-defined]
    if count != size or (crc is not None and zlib.crc32(memory) != crc):
        raise RefusedModel(DAMAGED)
    return values.untyped_storage()
