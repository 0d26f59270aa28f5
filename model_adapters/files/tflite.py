"""Read what a TensorFlow Lite file says about its inputs and outputs, without any framework.

Fields are numbered as in TensorFlow's schema.fbs and TFLite Support's metadata_schema.fbs.
"""

from __future__ import annotations

from dataclasses import dataclass

from model_adapters.files.flatbuffer import NotAFlatBuffer, Table
from xai_core.errors import RefusedModel

IDENTIFIER = b"TFL3"
METADATA = "TFLITE_METADATA"
DAMAGED = "The TensorFlow Lite file is damaged or cut short. Get a fresh copy."
TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16", 9: "int8"}
_NORMALIZATION = 1


@dataclass(frozen=True)
class LiteTensor:
    """An input or output. scale, zero: value = scale * (stored - zero); a scale of 0 means that there is none.

    shape: None for a size that is free. mean, std: of pixels of 0 to 255, if the metadata say so.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    scale: float = 0.0
    zero: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True)
class LiteFile:
    """The inputs and outputs of a TensorFlow Lite file, in its order."""

    inputs: tuple[LiteTensor, ...]
    outputs: tuple[LiteTensor, ...]


def is_tflite(head: bytes) -> bool:
    """Return whether a file's first bytes are those of TensorFlow Lite."""
    return head[4:8] == IDENTIFIER


def read(path: str) -> LiteFile:
    """Return what a file says about its inputs and outputs; RefusedModel if it is damaged."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        model = Table.root(data)
        (graph, *_) = model.tables(2)
        tensors, normalised = graph.tables(0), _normalisation(model)
        inputs = [_tensor(tensors[int(at)], *normalised) for at in graph.numbers(1, "i")]
        return LiteFile(tuple(inputs), tuple(_tensor(tensors[int(at)]) for at in graph.numbers(2, "i")))
    except (NotAFlatBuffer, ValueError, IndexError) as error:
        raise RefusedModel(DAMAGED) from error


def _tensor(table: Table, mean: tuple[float, ...] = (), std: tuple[float, ...] = ()) -> LiteTensor:
    shape, free = table.numbers(0, "i"), table.numbers(7, "i")
    sizes = tuple(None if side < 0 else int(side) for side in (free if len(free) == len(shape) else shape))
    dtype = TYPES.get(table.number(1, "<b"), "unknown")
    quantised = table.table(4)
    if quantised is None:
        return LiteTensor(table.text(3), sizes, dtype, mean=mean, std=std)
    scales, zeros = quantised.numbers(2, "f"), quantised.numbers(3, "q")
    scale, zero = (scales[0], int(zeros[0])) if len(scales) == len(zeros) == 1 else (0.0, 0)
    return LiteTensor(table.text(3), sizes, dtype, scale, zero, mean, std)


def _normalisation(model: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and standard deviation that the metadata give for the first input, empty if they do not."""
    places = [entry.number(1, "<I") for entry in model.tables(6) if entry.text(0) == METADATA]
    if not places:
        return (), ()
    try:
        (graph, *_) = Table.root(model.tables(4)[places[0]].bytes(0)).tables(3)
        (first, *_) = graph.tables(2)
        for unit in first.tables(4):
            if unit.number(0, "<B") == _NORMALIZATION and (options := unit.table(1)):
                return options.numbers(0, "f"), options.numbers(1, "f")
    except (NotAFlatBuffer, ValueError, IndexError):
        pass
    return (), ()
