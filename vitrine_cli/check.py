"""vitrine check: what a model file is and what it can do."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

import numpy as np

from vitrine_cli.inputs import add_model, model_source, prepared
from vitrine_cli.progress import follow
from xai_core.guide import in_order, reason_against
from xai_core.jobs.base import Runner
from xai_core.preparation import Prepared
from xai_core.types import Card


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)


def run(args: Namespace, runner: Runner) -> None:
    """Open the model, ask it once, and print what is known of it."""
    with model_source(args.model, args.architecture) as source:
        found = prepared(runner, source, (), args.preprocessing)
        height, width = found.preprocessing.height, found.preprocessing.width
        follow(runner.predict(source, found.preprocessing, np.full((1, height, width, 3), 0.5, np.float32)))
    for name, value in _facts(found):
        print(f"{name + ':':<15}{value}")


def _facts(found: Prepared) -> Iterator[tuple[str, str]]:
    card = found.card
    yield "Model", found.source.name
    yield "Framework", f"{card.framework} ({card.format})"
    if card.architecture:
        yield "Architecture", card.architecture
    yield "Input", _input_in_words(card)
    yield "Classes", f"{card.classes}, for example {', '.join(found.labels[:3])}"
    yield "Output", f"{card.gives} ({card.head})"
    for candidate in found.candidates:
        mark = "*" if candidate.preprocessing == found.preprocessing else " "
        yield "Preprocessing", f"{mark} {candidate.name}: {candidate.evidence}"
    for method in in_order():
        reason = reason_against(method, card)
        yield "Method", f"{method.id} is not possible: {reason}" if reason else method.id
    for note in card.notes:
        yield "Note", note


def _input_in_words(card: Card) -> str:
    sides = [str(side) if side else "any" for side in (card.input.width, card.input.height)]
    batch = f", batches of {card.input.batch}" if card.input.batch else ""
    return f"{' x '.join(sides)} pixels, {card.input.channels} channels, {card.input.layout}{batch}"
