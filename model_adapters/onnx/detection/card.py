"""Run a detector's graph on a first picture and describe what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model_adapters.common.coco import coco_labels
from model_adapters.common.output_shapes import Outputs, not_a_detector
from model_adapters.common.probes import natural
from model_adapters.onnx import graph as onnx_graph
from model_adapters.onnx.detection.classes import class_count
from model_adapters.onnx.detection.draft import TwinDraft, draft_or_reason
from model_adapters.onnx.detection.facts import Facts, facts_of
from model_adapters.onnx.detection.guess import Guess
from model_adapters.onnx.detection.inputs import inputs_of
from model_adapters.onnx.detection.outputs import FINAL, FINAL_BOXES, FINAL_ROWS, Rows, rows
from model_adapters.onnx.detection.parts import is_numbers, parts_of_listed
from model_adapters.onnx.detection.reading_guess import recognised
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.files import OnnxFile
from model_adapters.onnx.session import TRIED, Graph, Wiring, first_answer, open_session, settled
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.types import Capability, Card, Floats, RawOutput

SIDES = (640, 320, 224, 416, 512, 300, 256, 128)  # in pixels, tried if a graph takes any size
MOST_RAW, MOST_AXES, LONGEST_NAME, FIRST = 16, 8, 200, 8
LARGEST = 1e38  # stands for infinity, which no wire carries
BEYOND = 1e-3  # how far a score may lie outside 0..1
INSIDE = Capability.ACTIVATIONS | Capability.GRADIENT | Capability.ABLATION
UNREAD = "Specify how to read the outputs first."
INSIDE_NAMES = tuple(str(each.name) for each in INSIDE)
MISSING = dict.fromkeys(INSIDE_NAMES, UNREAD)
UNKNOWN = (
    "It is unknown how to read this model's outputs. Look at their shapes and values, and specify which of them are "
    "boxes, labels and scores."
)
NO_SCORES = (
    "Read in this way, scores lie between {low:.3g} and {high:.3g} instead of 0 and 1. Try a different activation."
)
NEGATIVE = (
    "With this reading, boxes have negative widths or heights. Try a different layout; if none fits, export the model "
    "with its boxes decoded."
)
NOTE = "Its outputs have the form {form!r} and were decoded accordingly. If boxes look wrong, specify how to read them."
COCO_NOTE = "The file names no classes; these {count} are assumed to be those of COCO."
COUNT_NOTE = "The file does not say how many classes there are; {count} are assumed. Say how many there are."
COCO = {
    91: ("N/A", *coco_labels()),  # as DETR counts them
    90: coco_labels(),
    80: tuple(name for name in coco_labels() if name != "N/A"),
}
MOST_COMMON = 90  # classes of torchvision's own detectors
USUAL = 80  # of YOLO's


@dataclass(frozen=True)
class Opened:
    """A graph, its card, the reading of its outputs and the draft of its twin.

    reading: None if unknown; the card then says so. draft: None if there is no twin; the card then says why.
    """

    card: Card
    graph: Graph
    reading: Reading | None = None
    draft: TwinDraft | None = None


@dataclass(frozen=True)
class _Trial:
    """A graph with its outputs for trial inputs (N, H, W, C)."""

    graph: Graph
    outputs: Outputs
    inputs: Floats


def opened(file: OnnxFile, file_format: str, reading_text: str) -> Opened:
    """Run a graph on a picture and guess how to read its outputs; fields of `reading_text` override the guess.

    Raises UnsupportedModel if the graph cannot be a detector or does not run.
    """
    graph, facts = _graph(file), facts_of(file.model)
    inputs = _trial(graph.wiring, None)
    outputs = graph(inputs)
    guess = _guess(outputs, graph.wiring, inputs, facts)
    card = Card("onnx", file_format, 0, graph.wiring.spec, Capability(0), missing={"DETECT": UNKNOWN, **MISSING})
    card = replace(card, task="detect")
    reading = guess.reading if guess else None
    if reading_text:
        reading = Reading.from_text(reading_text, reading)
        inputs = _trial(graph.wiring, reading)
        outputs = graph(inputs)
    elif reading is None and (error := not_a_detector(list(map(np.shape, outputs.values())), inputs.shape[1])):
        raise error
    if reading is None:
        return Opened(replace(card, raw_outputs=raw_outputs(outputs)), graph)
    if guess is not None and not guess.settled_by(reading_text):
        return Opened(_asking(card, guess, reading, outputs), graph)
    try:
        trial = _Trial(graph, outputs, inputs)
        return _read(card, trial, file, facts, reading, None if reading_text else guess)
    except ModelError as error:
        lacks = {"DETECT": str(error), **MISSING}
        return Opened(replace(card, missing=lacks, raw_outputs=raw_outputs(outputs), reading=reading.to_text()), graph)


def _asking(card: Card, guess: Guess, reading: Reading, outputs: Outputs) -> Card:
    """Return the card of a graph whose outputs can be read in two ways; it proposes one."""
    lacks = {"DETECT": guess.sentence, **MISSING}
    return replace(card, missing=lacks, raw_outputs=raw_outputs(outputs), reading=reading.to_text())


def raw_outputs(outputs: Outputs) -> tuple[RawOutput, ...]:
    """Return the facts that help a user say what the outputs mean."""
    shown = [(name, value) for name, value in outputs.items() if is_numbers(value) and value.ndim <= MOST_AXES]
    return tuple(_raw_output(*pair) for pair in shown[:MOST_RAW])


def _raw_output(name: str, value: Any) -> RawOutput:
    values = np.nan_to_num(np.asarray(value, np.float64).ravel(), posinf=LARGEST, neginf=-LARGEST)
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    return RawOutput(name[:LONGEST_NAME], value.shape, low, high, tuple(map(float, values[:FIRST])))


def _graph(file: OnnxFile) -> Graph:
    graph_input = onnx_graph.image_input(file.model, alone=True)
    session = open_session(file.path)
    wiring, outputs = first_answer(session, graph_input, SIDES)
    if wiring.spec.batch is None and any(np.shape(value)[:1] != (TRIED,) for value in outputs.values()):
        wiring = replace(wiring, spec=replace(wiring.spec, batch=1))
    return Graph(file.path, replace(wiring, spec=settled(session, wiring)), session)


def _trial(wiring: Wiring, known: Reading | None) -> Floats:
    reading = known or Reading(scale="0..255" if wiring.dtype == "uint8" else "0..1")
    shown = natural(replace(wiring.spec, channels=3), count=wiring.spec.batch or 1, side=wiring.side)
    return inputs_of(shown, reading, wiring.spec)


def _guess(outputs: Outputs, wiring: Wiring, inputs: Floats, facts: Facts) -> Guess | None:
    guess = recognised(outputs, wiring.input, (inputs.shape[1], inputs.shape[2]), facts)
    if guess is None:
        return None
    reading = guess.reading
    if wiring.dtype == "uint8":
        reading = replace(reading, scale="0..255", mean="0", std="1")
    return replace(guess, reading=reading if reading.form == FINAL_BOXES else replace(reading, side=wiring.side))


def _read(card: Card, trial: _Trial, file: OnnxFile, facts: Facts, reading: Reading, guess: Guess | None) -> Opened:
    notes = [NOTE.format(form=reading.form), *([guess.note] if guess.note else [])] if guess else []
    if reading.form in FINAL and not reading.classes:
        reading, note = _counted(file, trial, reading, facts)
        notes += note
    boxes = rows(trial.outputs, reading, (trial.inputs.shape[1], trial.inputs.shape[2]), len(trial.inputs))
    _check_rows(boxes)
    count = boxes[0].class_scores.shape[1]
    labels = _labels(facts.names, count, reading.background)
    if not labels and count in COCO:
        labels = COCO[count]
        notes.append(COCO_NOTE.format(count=count))
    drafted = draft_or_reason(file, trial.graph.wiring, reading, trial.inputs, trial.outputs, boxes[0])
    draft, reason = (None, drafted) if isinstance(drafted, str) else (drafted, "")
    whole = replace(
        card,
        classes=count,
        capabilities=Capability.DETECT | (INSIDE if draft else Capability(0)),
        missing=dict.fromkeys(INSIDE_NAMES, reason) if reason else {},
        layers=draft.layers if draft else (),
        labels=labels,
        notes=tuple(notes),
        reading=reading.to_text(),
    )
    return Opened(whole, trial.graph, reading, draft)


def _counted(file: OnnxFile, trial: _Trial, reading: Reading, facts: Facts) -> tuple[Reading, list[str]]:
    """Return the reading with the number of classes, and a note if that number is assumed."""
    if facts.classes:
        return replace(reading, classes=facts.classes), []
    if reading.form == FINAL_ROWS:
        return replace(reading, classes=USUAL), [COUNT_NOTE.format(count=USUAL)]
    listed = parts_of_listed({name: value for name, value in trial.outputs.items() if is_numbers(value)})
    count = None if listed is None else class_count(file, trial.graph.wiring, listed[2], trial.inputs)
    if count is None or count <= reading.background:
        return replace(reading, classes=MOST_COMMON), [COUNT_NOTE.format(count=MOST_COMMON)]
    return replace(reading, classes=count - reading.background), []


def _check_rows(all_rows: Sequence[Rows]) -> None:
    if any((picture.corners[:, 2:] < picture.corners[:, :2]).any() for picture in all_rows):
        raise UnsupportedModel(NEGATIVE)
    arrays = [(picture.scores, picture.class_scores, picture.objectness) for picture in all_rows]
    values = [array.ravel() for three in arrays for array in three]
    low, high = (float(end(initial=0.5)) for end in (np.concatenate(values).min, np.concatenate(values).max))
    if low < -BEYOND or high > 1 + BEYOND:
        raise UnsupportedModel(NO_SCORES.format(low=low, high=high))


def _labels(names: Sequence[tuple[str, ...]], count: int, background: bool) -> tuple[str, ...]:
    """Return the file's names for `count` classes, without the background."""
    labels = {len(listed): listed for listed in reversed(names)}
    return labels.get(count) or (labels.get(count + 1, ())[1:] if background else ())
