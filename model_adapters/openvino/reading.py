"""Read a TensorFlow Lite file or a frozen graph: its input, its outputs, and how numbers are stored."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model_adapters.common.input_shapes import input_spec
from model_adapters.common.output_shapes import Shape, check_no_boxes, is_score_row, not_a_classifier
from model_adapters.engines.openvino import openvino
from model_adapters.files import tflite
from model_adapters.openvino.network import Quantised
from xai_core.errors import RefusedModel, UnsupportedModel, is_of_memory
from xai_core.preprocessing import Preprocessing, presets
from xai_core.types import FileKind, InputSpec

ASSUMED = 224
NOT_ONE_PICTURE = "The model takes {count} inputs ({names}); expected one picture."
NO_PICTURE = "The model's input holds {dtype} values; expected a picture of float32, uint8 or int8 values."
UNKNOWN_OPERATION = (
    "The model uses {name}, which OpenVINO cannot read. Use the model's Keras file, or export it to ONNX."
)
DAMAGED = (
    "The file is damaged, or its graph cannot be read. Use the model's Keras file or SavedModel, or export it to ONNX."
)
BY_METADATA = "The file's metadata say so."
BY_QUANTISATION = "Its quantised input covers values from {0:g} to {1:g}."


@dataclass(frozen=True)
class ReadFile:
    """A graph as OpenVINO read it. names: of its outputs. numbers: how each is stored. score_rows: their places."""

    model: Any
    spec: InputSpec
    number: Quantised
    names: tuple[str, ...]
    numbers: tuple[Quantised, ...]
    score_rows: tuple[int, ...]
    hint: Preprocessing | None = None
    hint_reason: str = ""


def read(path: str, kind: FileKind, scratch: str) -> ReadFile:
    """Read a graph; UnsupportedModel or RefusedModel if it is none for pictures, or cannot be read."""
    ending = "tflite" if kind.format == "tflite" else "pb"
    named = shutil.copyfile(path, f"{scratch}/model.{ending}")  # OpenVINO goes by the ending
    model = _read(named)
    described = tflite.read(named) if ending == "tflite" else None
    spec = _input(model)
    number = Quantised.of(described.inputs[0]) if described else Quantised(_dtype(model.inputs[0]))
    _check_number(number)
    shapes = [_shape(output) for output in model.outputs]
    check_no_boxes(shapes)
    rows = tuple(at for at, shape in enumerate(shapes) if is_score_row(shape))
    if not rows:
        raise not_a_classifier(shapes, spec.height or ASSUMED)
    numbers = tuple(_number(output, described.outputs if described else ()) for output in model.outputs)
    file = ReadFile(model, spec, number, tuple(map(_name, model.outputs)), numbers, rows)
    return _hinted(file, described.inputs[0] if described else None)


def _read(path: str) -> Any:
    try:
        return openvino.Core().read_model(path)
    except Exception as error:
        if is_of_memory(error):
            raise
        raise _read_error(str(error)) from error


def _read_error(text: str) -> Exception:
    unknown = re.search(
        r"No translator found for (?:the )?([\w.:]+)|No conversion rule found for.*?:?\s*([\w.]+)", text
    )
    if unknown:
        return UnsupportedModel(UNKNOWN_OPERATION.format(name=(unknown[1] or unknown[2])[:60]))
    return RefusedModel(DAMAGED)


def _input(model: Any) -> InputSpec:
    if len(model.inputs) != 1:
        names = ", ".join(_name(each)[:30] for each in model.inputs[:4])
        raise UnsupportedModel(NOT_ONE_PICTURE.format(count=len(model.inputs), names=names))
    return input_spec(_shape(model.inputs[0]))


def _check_number(number: Quantised) -> None:
    if number.dtype not in ("float32", "float16", "uint8", "int8"):
        raise UnsupportedModel(NO_PICTURE.format(dtype=number.dtype))


def _number(output: Any, described: Sequence[tflite.LiteTensor]) -> Quantised:
    """Return how an output is stored; OpenVINO does not keep the order of a file's outputs, but their names."""
    same = [tensor for tensor in described if tensor.name in output.names]
    return Quantised.of(same[0]) if same else Quantised(_dtype(output))


def _hinted(file: ReadFile, tensor: tflite.LiteTensor | None) -> ReadFile:
    spec = file.spec
    known = presets(spec.height or ASSUMED, spec.width or ASSUMED, spec.channels)
    if tensor and tensor.mean and tensor.std and min(tensor.std) > 0:
        mean, std = (tuple(value / 255 for value in _three(part, spec.channels)) for part in (tensor.mean, tensor.std))
        return replace(file, hint=replace(known["0..1"], mean=mean, std=std), hint_reason=BY_METADATA)
    if not file.number.whole:
        return file
    low, high = file.number.span
    for name, ends in (("0..1", (0, 1)), ("-1..1", (-1, 1)), ("0..255", (0, 255))):
        if max(abs(low - ends[0]), abs(high - ends[1])) <= 0.02 * (ends[1] - ends[0]):
            return replace(file, hint=known[name], hint_reason=BY_QUANTISATION.format(low, high))
    return file


def _three(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    count = 3 if channels == 1 else channels
    return (values * count)[:count] if len(values) == 1 else values[:count]


def _shape(port: Any) -> Shape:
    return tuple(None if side.is_dynamic else int(side.get_length()) for side in port.partial_shape)


def _dtype(port: Any) -> str:
    return str(np.dtype(port.element_type.to_dtype()).name)


def _name(port: Any) -> str:
    """Return the shortest name of a port, without TensorFlow's number of the output."""
    names = sorted(port.names, key=len) or ["output"]
    return re.sub(r":0$", "", names[0])
