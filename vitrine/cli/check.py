"""vitrine check: what a model file is and what it supports."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import get_args

import numpy as np

from vitrine.cli.detect import output_in_words
from vitrine.cli.inputs import add_model, add_reading, as_detector, model_source, opened_detector, prepared
from vitrine.cli.progress import follow
from xai_core.detection.shown import LEAST_SCORE
from xai_core.errors import TryAsDetector
from xai_core.guide import in_order, reason_against
from xai_core.jobs.base import Runner
from xai_core.jobs.questions.detect import Detect
from xai_core.jobs.questions.predict import Predict
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.services.preparation import Prepared
from xai_core.types import Capability, Card, ModelSource, Task

TRIAL_SIDE = 320
Facts = Iterator[tuple[str, str]]


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    add_reading(parser)
    parser.add_argument("--task", choices=get_args(Task), help="what the model does; detected by default")


def run(args: Namespace, runner: Runner) -> None:
    """Open the model, run it once, and print what is known about it."""
    with model_source(args.model, args.architecture) as source:
        facts = list(_facts(args, runner, source))
    for name, value in facts:
        print(f"{name + ':':<15}{value}")


def _facts(args: Namespace, runner: Runner, source: ModelSource) -> Facts:
    if args.task == "detect" or args.reading:
        return _of_detector(_asked_detector(args, runner, source))
    try:
        return _of_classifier(_asked_classifier(args, runner, source))
    except TryAsDetector:
        if args.task:
            raise
    return _of_detector(_asked_detector(args, runner, source))


def _asked_classifier(args: Namespace, runner: Runner, source: ModelSource) -> Prepared:
    found = prepared(runner, source, (), args.preprocessing)
    height, width = found.preprocessing.height, found.preprocessing.width
    follow(runner.ask(source, Predict(found.preprocessing, np.full((1, height, width, 3), 0.5, np.float32))))
    return found


def _asked_detector(args: Namespace, runner: Runner, source: ModelSource) -> PreparedDetector:
    found = opened_detector(runner, as_detector(source, args.reading))
    if Capability.DETECT in found.card.capabilities:
        size = (found.card.input.height or TRIAL_SIDE, found.card.input.width or TRIAL_SIDE)
        follow(runner.ask(found.source, Detect(np.full((*size, 3), 0.5, np.float32), LEAST_SCORE)))
    return found


def _of_classifier(found: Prepared) -> Facts:
    card = found.card
    yield from _of_any(found)
    yield "Output", f"{card.gives} ({card.head})"
    for candidate in found.candidates:
        mark = "*" if candidate.preprocessing == found.preprocessing else " "
        yield "Preprocessing", f"{mark} {candidate.name}: {candidate.evidence}"
    yield from _methods_and_notes(card, "classify")


def _of_detector(found: PreparedDetector) -> Facts:
    card = found.card
    yield from _of_any(found)
    if reason := card.missing.get("DETECT"):
        yield "Boxes", reason
    for output in card.raw_outputs:
        yield "Output", output_in_words(output)
    if card.reading:
        yield "Reading", card.reading
    for level in card.layers:
        yield "Level", f"{level.name}, {level.width} x {level.height} places, {level.channels} channels"
    if Capability.DETECT in card.capabilities:
        yield from _methods_and_notes(card, "detect")


def _of_any(found: Prepared | PreparedDetector) -> Facts:
    card = found.card
    yield "Model", found.source.name
    yield "Task", {"classify": "classifier", "detect": "detector"}[found.source.task]
    yield "Framework", f"{card.framework} ({card.format})"
    if card.architecture:
        yield "Architecture", card.architecture
    yield "Input", _input_in_words(card)
    if card.classes:
        yield "Classes", f"{card.classes}, for example {', '.join(found.labels[:3])}"


def _methods_and_notes(card: Card, task: Task) -> Facts:
    for method in in_order(task):
        reason = reason_against(method, card)
        yield "Method", f"{method.id} is not possible: {reason}" if reason else method.id
    for note in card.notes:
        yield "Note", note


def _input_in_words(card: Card) -> str:
    sides = [str(side) if side else "any" for side in (card.input.width, card.input.height)]
    batch = f", batches of {card.input.batch}" if card.input.batch else ""
    return f"{' x '.join(sides)} pixels, {card.input.channels} channels, {card.input.layout}{batch}"
