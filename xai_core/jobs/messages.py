"""What crosses the wire as JSON, in both directions; what a worker says is checked, as a worker may lie.

A check that fails is a `frames.BadFrame`, after which nothing more is read from that worker.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar, cast, get_args

import numpy as np

from xai_core.errors import ParamError
from xai_core.jobs.frames import Arrays, BadFrame, Header
from xai_core.preprocessing import Preprocessing
from xai_core.types import (
    Capability,
    Card,
    Conditions,
    Engine,
    Estimate,
    FileKind,
    Floats,
    Head,
    InputSpec,
    Layer,
    Precision,
    RawOutput,
    Score,
)

LONGEST_TEXT = 500  # characters
MOST_CLASSES, MOST_TEXTS, MOST_NAMES, LARGEST_SIDE = 1_000_000, 100_000, 64, 1 << 16
MOST_LAYERS, MOST_CHANNELS, MOST_ENGINES = 10_000, 1 << 24, 16
MOST_OUTPUTS, MOST_AXES, MOST_FIRST = 32, 8, 16
FRAMEWORKS = ("pytorch", "tensorflow", "onnx")
Value = TypeVar("Value")


def kind_to_json(kind: FileKind) -> Header:
    return asdict(kind)


def kind_from_json(values: Any) -> FileKind:
    framework = _one_of(FRAMEWORKS, _field(values, "framework"))
    return FileKind(text(_field(values, "format")), cast(Any, framework), _texts(_field(values, "notes")))


def card_to_json(card: Card) -> Header:
    plain = asdict(card)
    capabilities = [one.name for one in card.capabilities]
    return {**plain, "capabilities": capabilities, "missing": dict(card.missing)}


def card_from_json(values: Any) -> Card:
    """Read a card as a worker sent it; a hint must suit the input's channels.

    Only where it is not known how outputs are read may there be no class.
    """
    raw_outputs = tuple(map(_raw_output, _list(_field(values, "raw_outputs"), MOST_OUTPUTS)))
    card = Card(
        framework=_one_of(FRAMEWORKS, _field(values, "framework")),
        format=text(_field(values, "format")),
        classes=_whole(_field(values, "classes"), MOST_CLASSES, least=0 if raw_outputs else 1),
        input=_input_from_json(_field(values, "input")),
        capabilities=_capabilities(_field(values, "capabilities")),
        gives=cast(Score, _one_of(get_args(Score), _field(values, "gives"))),
        head=cast(Head, _one_of(get_args(Head), _field(values, "head"))),
        architecture=_or_none(text, _field(values, "architecture")),
        missing=_missing(_field(values, "missing")),
        hint=_or_none(preprocessing_from_json, _field(values, "hint")),
        hint_reason=text(_field(values, "hint_reason")),
        labels=_texts(_field(values, "labels")),
        notes=_texts(_field(values, "notes")),
        layers=tuple(map(_layer, _list(_field(values, "layers"), MOST_LAYERS))),
        token_grid=_or_none(_grid, _field(values, "token_grid")),
        raw_outputs=raw_outputs,
        reading=text(_field(values, "reading")),
    )
    if card.hint and card.input.channels != (1 if card.hint.channels == "gray" else 3):
        raise BadFrame(f"A hint of {card.hint.channels} came for an input of {card.input.channels} channels.")
    return card


def _layer(values: Any) -> Layer:
    sides = [_whole(_field(values, name), MOST_CHANNELS) for name in ("height", "width", "channels")]
    return Layer(text(_field(values, "name")), *sides)


def _raw_output(values: Any) -> RawOutput:
    shape = tuple(_whole(side, MOST_CHANNELS, least=0) for side in _list(_field(values, "shape"), MOST_AXES))
    low, high = (_number(_field(values, name)) for name in ("low", "high"))
    first = tuple(map(_number, _list(_field(values, "first"), MOST_FIRST)))
    return RawOutput(text(_field(values, "name")), shape, low, high, first)


def _grid(values: Any) -> tuple[int, int]:
    sides = [_whole(side, LARGEST_SIDE) for side in _list(values, 2)]
    if len(sides) != 2:
        raise BadFrame("A grid has a height and a width.")
    return sides[0], sides[1]


def engines_to_json(engines: tuple[Engine, ...]) -> Header:
    return {"engines": [asdict(engine) for engine in engines]}


def engines_from_json(values: Any) -> tuple[Engine, ...]:
    return tuple(map(_engine, _list(_field(values, "engines"), MOST_ENGINES)))


def _engine(values: Any) -> Engine:
    return Engine(
        name=text(_field(values, "name")),
        precision=cast(Precision, _one_of(get_args(Precision), _field(values, "precision"))),
        max_difference=_number(_field(values, "max_difference")),
        top1_agreement=_number(_field(values, "top1_agreement")),
        milliseconds=_number(_field(values, "milliseconds")),
        in_force=_field(values, "in_force") is True,
        reason=text(_field(values, "reason")),
    )


def conditions_from_json(values: Any) -> Conditions:
    return Conditions(**values)


def preprocessing_from_json(values: Any) -> Preprocessing:
    """Read a preprocessing, whose text fields and numbers may be anything."""
    try:
        found = Preprocessing.from_json(dict(values))
    except (ParamError, TypeError, ValueError):
        raise BadFrame("A preprocessing makes no sense.") from None
    if found.fit not in ("crop", "squash", "pad") or found.channels not in ("RGB", "BGR", "gray"):
        raise BadFrame("A preprocessing makes no sense.")
    _whole(found.height, LARGEST_SIDE), _whole(found.width, LARGEST_SIDE), _number(found.scale)
    return found


def estimate_to_frame(estimate: Estimate) -> tuple[Header, Arrays]:
    """Turn an estimate into a header's values and arrays."""
    arrays = [estimate.maps, *([] if estimate.standard_error is None else [estimate.standard_error])]
    figures = {name: [_finite_or_none(one) for one in many] for name, many in estimate.diagnostics.items()}
    plain = [np.asarray(a, np.float32) for a in arrays]
    values = {"fraction": float(estimate.fraction), "diagnostics": figures, "notes": list(estimate.notes)}
    return values, cast(Arrays, plain)


def estimate_from_frame(values: Any, arrays: Arrays, shape: tuple[int, int, int]) -> Estimate:
    """Read an estimate whose maps must have `shape` (T, H, W)."""
    if len(arrays) not in (1, 2):
        raise BadFrame("An estimate has its maps and perhaps their error.")
    maps, *error = (finite(array, shape) for array in arrays)
    fraction = _number(_field(values, "fraction"))
    if not 0 <= fraction <= 1:
        raise BadFrame(f"An estimate says that {fraction} of the work is done.")
    figures = _diagnostics(_field(values, "diagnostics"), shape[0])
    notes = _texts(_field(values, "notes"))
    return Estimate(fraction, maps, figures, error[0] if error else None, notes)


def finite(array: Any, shape: tuple[int, ...]) -> Floats:
    """Return the array where it is float32, finite and of `shape`."""
    if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
        raise BadFrame(f"An array {array.dtype} {array.shape} came where finite float32 {shape} was due.")
    return cast(Floats, array)


def text(value: Any) -> str:
    """Return the text, cut to a length that fits a page, its control characters made spaces."""
    if not isinstance(value, str):
        raise BadFrame("Something else came where a text was due.")
    return "".join(c if c.isprintable() else " " for c in value[:LONGEST_TEXT])


def _field(values: Any, name: str) -> Any:
    if not isinstance(values, Mapping) or name not in values:
        raise BadFrame(f"{name} is missing.")
    return values[name]


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(text, _list(values, MOST_TEXTS)))


def _list(values: Any, most: int) -> list[Any]:
    if not isinstance(values, list) or len(values) > most:
        raise BadFrame("Something else came where a list was due.")
    return values


def _one_of(allowed: tuple[str, ...], value: Any) -> str:
    if value not in allowed:
        raise BadFrame(f"None of {allowed} came.")
    return cast(str, value)


def _or_none(read: Callable[[Any], Value], value: Any) -> Value | None:
    return None if value is None else read(value)


def _whole(value: Any, most: int, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadFrame(f"No whole number from {least} to {most} came.")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadFrame("No finite number came.")
    return float(value)


def _side(value: Any) -> int | None:
    return _or_none(lambda one: _whole(one, LARGEST_SIDE), value)


def _input_from_json(values: Any) -> InputSpec:
    sides = [_side(_field(values, name)) for name in ("height", "width")]
    layout = _one_of(("NCHW", "NHWC"), _field(values, "layout"))
    channels = _whole(_field(values, "channels"), LARGEST_SIDE)
    return InputSpec(sides[0], sides[1], channels, cast(Any, layout), _side(_field(values, "batch")))


def _capabilities(values: Any) -> Capability:
    known = tuple(str(one.name) for one in Capability)
    found = Capability(0)
    for name in _texts(values):
        found |= Capability[_one_of(known, name)]
    return found


def _missing(values: Any) -> dict[str, str]:
    if not isinstance(values, dict) or len(values) > MOST_NAMES:
        raise BadFrame("Something else came where reasons were due.")
    return {text(name): text(reason) for name, reason in values.items()}


def _diagnostics(values: Any, targets: int) -> dict[str, tuple[float | None, ...]]:
    if not isinstance(values, dict) or len(values) > MOST_NAMES:
        raise BadFrame("Something else came where diagnostics were due.")
    if not all(isinstance(many, list) and len(many) == targets for many in values.values()):
        raise BadFrame("A diagnostic has not one figure a target.")
    return {text(name): tuple(_or_none(_number, one) for one in many) for name, many in values.items()}


def _finite_or_none(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
