"""vitrine check: what a model file is and what it supports."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import get_args

import numpy as np

from vitrine.classifier import Classifier
from vitrine.cli.inputs import add_labels, add_model, add_reading, opened_model
from vitrine.detector import output_in_words
from vitrine.model import Model
from vitrine.prepared import PreparedModel
from vitrine.runner import Runners
from vitrine.segmenter import Segmenter
from xai_core.guide import in_order, reason_against
from xai_core.scores import IN_WORDS, assumption
from xai_core.types import Capability, Card, Task
from xai_core.wording import format_in_words

TRIAL_SIDE = 320
TASKS: dict[Task, str] = {"classify": "classifier", "detect": "detector", "segment": "segmentation network"}
Facts = Iterator[tuple[str, str]]


def add_arguments(parser: ArgumentParser) -> None:
    """Add flags for the model, how its outputs are read, and its task."""
    add_model(parser)
    add_reading(parser)
    add_labels(parser)
    parser.add_argument("--task", choices=get_args(Task), help="what the model does; detected by default")


def run(args: Namespace, runners: Runners) -> None:
    """Open the model, run it once, and print what is known about it."""
    with opened_model(args, runners) as model:
        _ask_once(model)
        facts = list(_of_classifier(model) if isinstance(model, PreparedModel) else _of_detector(model))
    for name, value in facts:
        print(f"{name + ':':<15}{value}")


def _ask_once(model: Model) -> None:
    side = model.card.input
    if isinstance(model, Classifier):
        if model.card.head != "similarity":  # which needs a picture to compare with
            model.predict(_grey(TRIAL_SIDE, TRIAL_SIDE, model.preprocessing.picture_depth))
    elif isinstance(model, Segmenter):
        model.segment(_grey(TRIAL_SIDE, TRIAL_SIDE, model.preprocessing.picture_depth))
    elif Capability.DETECT in model.card.capabilities:
        model.detect(_grey(side.height or TRIAL_SIDE, side.width or TRIAL_SIDE))


def _grey(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.full((height, width, channels), 128, np.uint8)


def _of_classifier(model: PreparedModel) -> Facts:
    card = model.card
    yield from _of_any(model)
    yield "Output", IN_WORDS[card.head]
    if assumed := assumption(card):
        yield "Assumed", assumed
    for candidate in model.candidates:
        mark = "*" if candidate.preprocessing == model.preprocessing else " "
        yield "Preprocessing", f"{mark} {candidate.name}: {candidate.evidence}"
    yield from _methods_and_notes(model)


def _of_detector(model: Model) -> Facts:
    card = model.card
    yield from _of_any(model)
    if reason := card.missing.get("DETECT"):
        yield "Boxes", reason
    for output in card.raw_outputs:
        yield "Output", output_in_words(output)
    if card.reading:
        yield "Reading", card.reading
    for level in card.layers:
        yield "Level", f"{level.name}, {level.width} x {level.height} places, {level.channels} channels"
    if Capability.DETECT in card.capabilities:
        yield from _methods_and_notes(model)


def _of_any(model: Model) -> Facts:
    card = model.card
    yield "Model", model.name
    yield "Task", TASKS[model.task]
    yield "Framework", format_in_words(card.format)
    if card.architecture:
        yield "Architecture", card.architecture
    yield "Input", _input_in_words(card)
    if card.classes:
        yield "Classes", f"{card.classes}, for example {', '.join(model.labels[:3])}"


def _methods_and_notes(model: Model) -> Facts:
    for method in in_order(model.task):
        reason = reason_against(method, model.card)
        yield "Method", f"{method.id} is not possible: {reason}" if reason else method.id
    for note in model.card.notes:
        yield "Note", note
    for name, value in model.card.settings.items():
        yield "File says", f"{name} = {value}"


def _input_in_words(card: Card) -> str:
    sides = [card.input.width, card.input.height]
    size = f"{' x '.join(str(side or 'any') for side in sides)} pixels" if any(sides) else "any size"
    batch = f", batches of {card.input.batch}" if card.input.batch else ""
    return f"{size}, {card.input.channels} channels, {card.input.layout}{batch}"
