"""A model's description as JSON: the kind of its file, its card, its preprocessing; and why a worker failed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast, get_args

from xai_core.errors import ParamError, VitrineError, WorkerDied, named
from xai_core.jobs.checks import field, listed, number, one_of, optional, text, texts, whole
from xai_core.jobs.frames import BadFrame, Header
from xai_core.jobs.sentences import STOPPED
from xai_core.model_code import CodeEntry, CodeParameter, EntryKind, ModelCode
from xai_core.preprocessing import CHANNELS, MOST_BANDS, Preprocessing
from xai_core.types import (
    MOST_SETTINGS,
    Capability,
    Card,
    FileKind,
    Head,
    InputSpec,
    Layer,
    ModelSource,
    RawOutput,
    Score,
    ScoreOutput,
    Task,
)

MOST_CLASSES, MOST_NAMES, LARGEST_SIDE = 1_000_000, 64, 1 << 16
MOST_LAYERS, MOST_CHANNELS = 10_000, 1 << 24
MOST_OUTPUTS, MOST_AXES, MOST_FIRST = 32, 8, 16
MOST_NOTES, MOST_CHOICES = 200, 2_000  # each note is a line of a page
MOST_ENTRIES = 200  # classes and functions, and parameters of each
FRAMEWORKS = ("pytorch", "tensorflow", "onnx", "openvino")
ADAPTERS = (*FRAMEWORKS, "tf_keras")


def failure(header: Header) -> VitrineError:
    """Return the error that a worker reports."""
    try:
        return named(text(header.get("error")), text(header.get("message")))
    except BadFrame:
        return WorkerDied(STOPPED)


def source_to_json(source: ModelSource) -> Header:
    """Return what a worker needs to know of a source; whose it is stays here."""
    values = asdict(source)
    del values["owner"]
    return values


def source_from_json(values: Header) -> ModelSource:
    """Read what `source_to_json` wrote."""
    code = values["code"]
    return ModelSource(**{**values, "code": code and ModelCode(**code)})


def kind_to_json(kind: FileKind) -> Header:
    return asdict(kind)


def kind_from_json(values: Any) -> FileKind:
    framework = one_of(ADAPTERS, field(values, "framework"))
    return FileKind(text(field(values, "format")), cast(Any, framework), texts(field(values, "notes")))


def card_to_json(card: Card) -> Header:
    capabilities = [capability.name for capability in card.capabilities]
    return {
        **asdict(card),
        "capabilities": capabilities,
        "missing": dict(card.missing),
        "settings": dict(card.settings),
    }


def card_from_json(values: Any) -> Card:
    """Read a card as a worker sent it; a hint must suit the input's channels.

    A card may have no classes only if nobody knows yet how to read the model's outputs, or what to build from its code.
    """
    raw_outputs = tuple(map(_raw_output, listed(field(values, "raw_outputs"), MOST_OUTPUTS)))
    entries = tuple(map(_entry, listed(field(values, "entries"), MOST_ENTRIES)))
    card = Card(
        framework=one_of(FRAMEWORKS, field(values, "framework")),
        format=text(field(values, "format")),
        classes=whole(field(values, "classes"), MOST_CLASSES, least=0 if raw_outputs or entries else 1),
        input=_input(field(values, "input")),
        capabilities=_capabilities(field(values, "capabilities")),
        gives=cast(Score, one_of(get_args(Score), field(values, "gives"))),
        head=cast(Head, one_of(get_args(Head), field(values, "head"))),
        head_known=field(values, "head_known") is True,
        doubt=text(field(values, "doubt")),
        both_sides=field(values, "both_sides") is True,
        architecture=optional(text, field(values, "architecture")),
        missing=_named_texts(field(values, "missing")),
        hint=optional(preprocessing_from_json, field(values, "hint")),
        hint_reason=text(field(values, "hint_reason")),
        hint_known=field(values, "hint_known") is True,
        labels=texts(field(values, "labels")),
        notes=texts(listed(field(values, "notes"), MOST_NOTES)),
        layers=tuple(map(_layer, listed(field(values, "layers"), MOST_LAYERS))),
        token_grid=optional(_grid, field(values, "token_grid")),
        raw_outputs=raw_outputs,
        reading=text(field(values, "reading")),
        choices=texts(listed(field(values, "choices"), MOST_CHOICES)),
        outputs=tuple(map(_score_output, listed(field(values, "outputs"), MOST_OUTPUTS))),
        task=cast(Task, one_of(get_args(Task), field(values, "task"))),
        entries=entries,
        settings=_named_texts(field(values, "settings"), MOST_SETTINGS),
    )
    if card.outputs and sum(output.classes for output in card.outputs) != card.classes:
        raise BadFrame("The outputs to choose from do not add up to the scores.")
    if card.hint and card.input.channels != card.hint.depth:
        raise BadFrame(f"A hint of {card.hint.channels} came for an input of {card.input.channels} channels.")
    return card


def preprocessing_from_json(values: Any) -> Preprocessing:
    """Read a preprocessing whose texts and numbers may be anything."""
    try:
        preprocessing = Preprocessing.from_json(dict(values))
    except (ParamError, TypeError, ValueError):
        raise BadFrame("A preprocessing makes no sense.") from None
    if preprocessing.fit not in ("crop", "squash", "pad") or preprocessing.channels not in CHANNELS:
        raise BadFrame("A preprocessing makes no sense.")
    whole(preprocessing.height, LARGEST_SIDE), whole(preprocessing.width, LARGEST_SIDE), number(preprocessing.scale)
    return preprocessing


def _layer(values: Any) -> Layer:
    sides = [whole(field(values, name), MOST_CHANNELS) for name in ("height", "width", "channels")]
    return Layer(text(field(values, "name")), *sides)


def _raw_output(values: Any) -> RawOutput:
    shape = tuple(whole(side, MOST_CHANNELS, least=0) for side in listed(field(values, "shape"), MOST_AXES))
    low, high = (number(field(values, name)) for name in ("low", "high"))
    first = tuple(map(number, listed(field(values, "first"), MOST_FIRST)))
    return RawOutput(text(field(values, "name")), shape, low, high, first)


def _score_output(values: Any) -> ScoreOutput:
    shape = tuple(whole(side, MOST_CHANNELS, least=0) for side in listed(field(values, "shape"), MOST_AXES))
    classes = whole(field(values, "classes"), MOST_CLASSES, least=0)
    return ScoreOutput(text(field(values, "name")), shape, classes, text(field(values, "reason")))


def _entry(values: Any) -> CodeEntry:
    name, file, reason = (text(field(values, part)) for part in ("name", "file", "reason"))
    kind = one_of(get_args(EntryKind), field(values, "kind"))
    parameters = tuple(map(_parameter, listed(field(values, "parameters"), MOST_ENTRIES)))
    return CodeEntry(name, cast(EntryKind, kind), file, parameters, reason)


def _parameter(values: Any) -> CodeParameter:
    return CodeParameter(*(text(field(values, part)) for part in ("name", "value", "default", "reason")))


def _grid(values: Any) -> tuple[int, int]:
    sides = [whole(side, LARGEST_SIDE) for side in listed(values, 2)]
    if len(sides) != 2:
        raise BadFrame("A grid has a height and a width.")
    return sides[0], sides[1]


def _side(value: Any) -> int | None:
    return optional(lambda side: whole(side, LARGEST_SIDE), value)


def _input(values: Any) -> InputSpec:
    height, width = (_side(field(values, name)) for name in ("height", "width"))
    layout = one_of(("NCHW", "NHWC"), field(values, "layout"))
    channels = whole(field(values, "channels"), MOST_BANDS)
    return InputSpec(height, width, channels, cast(Any, layout), _side(field(values, "batch")))


def _capabilities(values: Any) -> Capability:
    known = tuple(str(capability.name) for capability in Capability)
    capabilities = Capability(0)
    for name in texts(values):
        capabilities |= Capability[one_of(known, name)]
    return capabilities


def _named_texts(values: Any, most: int = MOST_NAMES) -> dict[str, str]:
    if not isinstance(values, dict) or len(values) > most:
        raise BadFrame("Expected a text for each name.")
    return {text(name): text(reason) for name, reason in values.items()}
