"""Check the operations of TensorFlow SavedModels, and find the signature that takes a picture."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from model_adapters.common.input_shapes import input_spec
from model_adapters.common.output_shapes import check_no_boxes, is_score_row, not_a_classifier
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.types import InputSpec

FILE_OPERATIONS = {
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "WholeFileReaderV2",
    "ReaderReadV2",
    "FixedLengthRecordDataset",
}
PYTHON_OPERATIONS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
ENCODED = (
    "The signature {0!r} takes pictures as encoded bytes or text, such as JPEG or base64, and decodes them itself; "
    "a map needs the pixels."
)
EXPORT_PIXELS = "Export the model with a signature that takes float pictures: model.export(folder)."
DAMAGED = "The SavedModel is damaged or not whole. Pack its folder again: saved_model.pb, variables and assets."


@dataclass(frozen=True)
class Signature:
    """How to call a SavedModel.

    call: maps an input tensor to all outputs by name. names: of those that have one score per class. dtype: of the
    input. owner: keeps the model alive. notes: sentences.
    """

    call: Callable[[Any], Mapping[str, Any]]
    names: tuple[str, ...]
    spec: InputSpec
    dtype: str
    owner: Any
    notes: tuple[str, ...] = ()


def find_folder(root: str) -> str:
    """Return the folder under `root` that holds the SavedModel."""
    folders = [at for at, _, names in os.walk(root) if "saved_model.pb" in names]
    if len(folders) != 1:
        raise RefusedModel(f"The archive holds {len(folders)} SavedModels; expected one folder with saved_model.pb.")
    return folders[0]


def check_operations(folder: str) -> None:
    """Raise RefusedModel for operations on files, UnsupportedModel for calls into Python."""
    saved = saved_model_pb2.SavedModel()
    try:
        with open(os.path.join(folder, "saved_model.pb"), "rb") as file:
            saved.ParseFromString(file.read())
    except Exception as error:  # protobuf raises whatever its back end raises
        raise RefusedModel(DAMAGED) from error
    for operation in _operations(saved):
        if operation in FILE_OPERATIONS:
            raise RefusedModel(f"The model holds an operation on files ({operation}). Export it without, or to ONNX.")
        if operation in PYTHON_OPERATIONS:
            raise UnsupportedModel(
                f"The model calls back into Python ({operation}), and that code is not in the file. "
                "Export it without tf.py_function."
            )


def _operations(saved: Any) -> Iterator[str]:
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        yield from (node.op for node in graph.node)
        for function in graph.library.function:
            yield from (node.op for node in function.node_def)


def open_signature(folder: str) -> Signature:
    """Load a SavedModel and find the signature that takes one picture."""
    try:
        loaded = tf.saved_model.load(folder)
    except Exception as error:
        raise _load_error(error) from error
    signatures = dict(loaded.signatures)
    if not signatures:
        raise UnsupportedModel("The SavedModel has no signature. Export it with one: model.export(folder).")
    used, notes = _used(signatures)
    function = signatures[used]
    name, tensor = _picture(function.structured_input_signature[1])
    spec = input_spec(tuple(tensor.shape))
    names = _score_outputs(function.structured_outputs, spec.height or 224)
    return Signature(lambda inputs: function(**{name: inputs}), names, spec, tensor.dtype.name, loaded, notes)


def _used(signatures: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the signature to call, and a note if the usual one takes encoded pictures; raise if no other does."""
    usual = "serving_default" if "serving_default" in signatures else next(iter(signatures))
    if not _takes_text(signatures[usual]):
        return usual, ()
    for name, function in signatures.items():
        if not _takes_text(function):
            return name, (ENCODED.format(usual[:40]) + f" The signature {name[:40]!r} is used instead.",)
    raise UnsupportedModel(f"{ENCODED.format(usual[:40])} {EXPORT_PIXELS}")


def _takes_text(function: Any) -> bool:
    return any(tensor.dtype == tf.string for tensor in function.structured_input_signature[1].values())


def _picture(tensors: dict[str, Any]) -> tuple[str, Any]:
    if len(tensors) != 1:
        raise UnsupportedModel(
            f"The model takes {len(tensors)} inputs ({', '.join(tensors)[:80]}); expected one picture."
        )
    ((name, tensor),) = tensors.items()
    if tensor.shape.rank != 4 or not (tensor.dtype.is_floating or tensor.dtype == tf.uint8):
        raise UnsupportedModel(
            f"The model's input is {tensor.dtype.name} {tensor.shape}; expected a batch of pictures."
        )
    return name, tensor


def _score_outputs(outputs: dict[str, Any], side: int) -> tuple[str, ...]:
    known = {name: tensor for name, tensor in outputs.items() if tensor.shape.rank is not None}
    check_no_boxes([tuple(tensor.shape) for tensor in known.values()])
    shapes = {name: tuple(tensor.shape) for name, tensor in known.items() if tensor.dtype.is_floating}
    if names := tuple(name for name, shape in shapes.items() if is_score_row(shape)):
        return names
    raise not_a_classifier(list(shapes.values()), side)


def _load_error(error: Exception) -> Exception:
    text = str(error)
    if unknown := re.search(r"Op type not registered '?(\w+)", text):
        return UnsupportedModel(f"The model uses {unknown[1]}, which no runtime here knows. Export it to ONNX.")
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError) or re.search(r"(?i)permi(ssion|tted)", text):
        return error  # the worker knows its limits and words that error
    return RefusedModel(DAMAGED)
