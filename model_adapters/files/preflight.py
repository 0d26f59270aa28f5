"""Detect what a model file is, from its content and never from its name, and whether it may be opened.

Nothing here unpickles or imports a framework. Files are untrusted, so this too runs inside the sandbox.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable

from model_adapters.files import inert, keras_files, labelled, pickles, protobuf, tflite
from model_adapters.files.archives import opened_tar, opened_zip
from model_adapters.files.lookalikes import refusal_for
from model_adapters.files.records import Contents
from xai_core.errors import RefusedModel
from xai_core.types import FileKind, Task

MAX_FILE = 1 << 30  # bytes
MAX_PICKLE = 64 << 20
MAX_CODE = 16 << 20
MAX_HEADER = 100_000_000  # the limit of the safetensors format
TRUST_PICKLE = "VITRINE_TRUST_PICKLE"
FILE_OPERATIONS = (b"torch.from_file", b"torch.save")
HUB_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
UNPACK = "This archive holds a model file. Unpack it and use that file itself."
OWN_FILES = (".onnx", ".pt", ".pth", ".keras", ".h5", ".safetensors", ".bin", ".ckpt")


def inspect(path: str, task: Task = "classify") -> FileKind:
    """Return what the file at `path` is; RefusedModel, with the reason and a way out, if it may not be opened.

    Formats: torch-weights, safetensors, torchscript, torch-pickle, torch-export, keras, keras-h5, savedmodel, onnx,
    onnx-zip, torch-hub. Files of torch.save are torch-weights, whose objects are read as data; those with objects are a
    torch-pickle, which runs, if VITRINE_TRUST_PICKLE=1 is set, and only then is there a torch-export. task: what the
    file should be opened as, which decides what the way out is.
    """
    if os.path.isdir(path):
        raise RefusedModel("This is a folder. Pack it as one zip file.")
    size = os.path.getsize(path)
    if size == 0:
        raise RefusedModel("The file is empty. Get a fresh copy.")
    if size > MAX_FILE:
        raise RefusedModel(f"The file has {size >> 20} MB; the limit is {MAX_FILE >> 20} MB.")
    with open(path, "rb") as file:
        head = file.read(4096)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip(path)
    return next((kind for look in _LOOKS if (kind := look(path, head, size))), None) or _unknown(head, task)


def trusts_pickles() -> bool:
    """Whether the app's operator lets files run Python code of their own."""
    return os.environ.get(TRUST_PICKLE) == "1"


def _zip(path: str) -> FileKind:
    with opened_zip(path) as archive:
        names = archive.namelist()
        inner = {name.split("/", 1)[-1] for name in names}
        if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
            return FileKind("keras", keras_files.framework_for(keras_files.version_of(path)))
        if "archive_format" in inner or any(name.endswith("models/model.json") for name in names):
            return _torch_export(names)
        if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
            return _torch_script(archive)
        if "data.pkl" in inner:
            return _torch_zip(archive)
        return _packed(labelled.plain(names), archive)


def _torch_export(names: list[str]) -> FileKind:
    if any(name.endswith((".so", ".cubin", ".cpp")) for name in names):
        raise RefusedModel("This .pt2 holds compiled code (AOTInductor), which is never loaded. Export ONNX instead.")
    if not trusts_pickles():
        raise RefusedModel("PyTorch .pt2 files can run code when opened. Export TorchScript, ONNX or a state dict.")
    return FileKind("torch-export", "pytorch", ("The file may run code of its own; it was opened on trust.",))


def _torch_script(archive: zipfile.ZipFile) -> FileKind:
    """Report file operations at once, since some fail silently when the sandbox stops them."""
    for info in archive.infolist():
        if info.filename.endswith(".py") and info.file_size <= MAX_CODE:
            code = archive.read(info)
            if operation := next((name for name in FILE_OPERATIONS if name + b"(" in code), None):
                raise RefusedModel(f"The model holds an operation on files ({operation.decode()}). Export it without.")
    return FileKind("torchscript", "pytorch")


def _torch_zip(archive: zipfile.ZipFile) -> FileKind:
    pickled: list[Contents] = []
    for info in archive.infolist():
        if info.filename.endswith("data.pkl"):
            if info.file_size > MAX_PICKLE:
                raise RefusedModel(f"The pickle inside the file is larger than {MAX_PICKLE >> 20} MB.")
            with archive.open(info) as stream:
                pickled.append(inert.read(stream))
    return _weights_or_pickle(pickled)


def _weights_or_pickle(pickled: list[Contents]) -> FileKind:
    beyond = [name for contents in pickled for name in pickles.beyond_plain(contents.names)]
    if beyond and trusts_pickles():
        return FileKind("torch-pickle", "pytorch", ("The file runs code of its own; it was opened on trust.",))
    harmful = [name for contents in pickled for name in pickles.harmful(contents)]
    if harmful and any(map(pickles.is_fastai_export, pickled)):
        raise RefusedModel(pickles.FASTAI)
    if harmful:
        raise pickles.refusal(harmful)
    return FileKind("torch-weights", "pytorch")


def _packed(names: list[str], archive: zipfile.ZipFile | None = None) -> FileKind:
    last = [name.rsplit("/", 1)[-1] for name in names]
    if "saved_model.pb" in last:
        return FileKind("savedmodel", "tensorflow")
    if "config.json" in last and any(name in last for name in HUB_WEIGHTS):
        return FileKind("torch-hub", "pytorch")
    graphs = [name for name in last if name.endswith(".onnx")]
    if len(graphs) == 1:
        return FileKind("onnx-zip", "onnx")
    if graphs:
        raise RefusedModel(f"The archive holds {len(graphs)} .onnx files. Pack one, with its external data.")
    if archive and (name := labelled.model_among(names)):
        return _with_labels(archive, name)
    if any(name.endswith(OWN_FILES) for name in last):
        raise RefusedModel(UNPACK)
    raise RefusedModel("This archive is not a PyTorch, Keras, ONNX or SavedModel file.")


def _with_labels(archive: zipfile.ZipFile, name: str) -> FileKind:
    with labelled.copied(archive, name) as path:
        kind = inspect(path)
    if kind.format not in labelled.PACKED:
        raise RefusedModel(UNPACK)
    return FileKind(f"{kind.format}{labelled.SUFFIX}", kind.framework, kind.notes)


def _tar(path: str, head: bytes, size: int) -> FileKind | None:
    if not (head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar"):
        return None
    with opened_tar(path) as archive:
        names = archive.getnames()
    return _packed(names)


def _hdf5(path: str, head: bytes, size: int) -> FileKind | None:
    return keras_files.hdf5_kind(path) if head.startswith(b"\x89HDF\r\n\x1a\n") else None


def _tflite(path: str, head: bytes, size: int) -> FileKind | None:
    return FileKind("tflite", "openvino") if tflite.is_tflite(head) else None


def _safetensors(path: str, head: bytes, size: int) -> FileKind | None:
    if head[8:9] != b"{":
        return None
    (length,) = struct.unpack("<Q", head[:8])
    if length > MAX_HEADER:
        return None
    with open(path, "rb") as file:
        text = file.read(8 + length)[8:]
    try:
        entries = json.loads(text).values()
        ends = [entry["data_offsets"][1] for entry in entries if "data_offsets" in entry]
        complete = size == 8 + length + max(ends, default=0)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise RefusedModel("The safetensors header is damaged or cut short. Get a fresh copy.") from None
    if not complete:
        raise RefusedModel("The safetensors file is damaged or cut short. Get a fresh copy.")
    return FileKind("safetensors", "pytorch")


def _pickle(path: str, head: bytes, size: int) -> FileKind | None:
    if head[:1] != b"\x80" or not 2 <= head[1] <= 5:
        return None
    count = pickles.LEGACY_PICKLES if head.startswith(pickles.TORCH_MAGIC) else 1
    with open(path, "rb") as file:
        pickled = [inert.read(file) for _ in range(count)]
    if count == 1 and not any(contents.names for contents in pickled):
        raise RefusedModel("This is a plain Python pickle. Save the weights with torch.save or as safetensors.")
    return _weights_or_pickle(pickled)


def _protobuf(path: str, head: bytes, size: int) -> FileKind | None:
    wire_types: dict[int, int] = {}
    try:
        for number, wire in protobuf.fields(path):
            wire_types[number] = wire
            if protobuf.ONNX_FIELDS.get(number) != wire:
                return None
    except protobuf.CutShort:
        if protobuf.ONNX_GRAPH in wire_types:
            raise RefusedModel("The ONNX file is damaged or cut short. Get a fresh copy.") from None
        return None
    except protobuf.NotProtobuf:
        return None
    if set(wire_types) == {1, protobuf.SAVED_MODEL_GRAPH}:
        raise RefusedModel("This is the saved_model.pb of a SavedModel. Pack its whole folder as one zip file.")
    return FileKind("onnx", "onnx") if protobuf.ONNX_GRAPH in wire_types else None


def _frozen_graph(path: str, head: bytes, size: int) -> FileKind | None:
    """Detect a GraphDef of TensorFlow, whose first node begins with its name."""
    if not protobuf.starts_with_a_node(head):
        return None
    try:
        known = all(protobuf.GRAPH_FIELDS.get(number) == wire for number, wire in protobuf.fields(path))
    except protobuf.NotProtobuf:
        return None
    return FileKind("frozen-graph", "openvino") if known else None


def _unknown(head: bytes, task: Task) -> FileKind:
    raise refusal_for(head, task)


_LOOKS: tuple[Callable[[str, bytes, int], FileKind | None], ...] = (
    _tar,
    _hdf5,
    _tflite,
    _safetensors,
    _pickle,
    _protobuf,
    _frozen_graph,
)
