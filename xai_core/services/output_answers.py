"""Ask what each output of a classifier would answer, if several may hold its class scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from xai_core.errors import ChooseOutput, ImageError, ModelError
from xai_core.jobs.base import Runner
from xai_core.labels import labels_for
from xai_core.pictures.files import Picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import Preprocessing
from xai_core.services.asking import scores
from xai_core.types import Card, Floats, ModelSource, ScoreOutput
from xai_core.wording import either

TOP = 5
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class OutputAnswer:
    """An output and what it would answer to a picture.

    top: the names and probabilities of its five most probable classes, the best first; none if it cannot hold class
    scores, or if there is no picture to try. picture: its name.
    """

    output: ScoreOutput
    top: tuple[tuple[str, float], ...] = ()
    picture: str = ""

    @property
    def size(self) -> str:
        """How many values it has for a picture, or its shape if they are not one per class."""
        return f"{self.output.classes:,} values" if self.output.classes else " × ".join(map(str, self.output.shape))

    @property
    def in_words(self) -> str:
        """The output with its size and what it would answer, in one line."""
        named = f"{self.output.name} ({self.size})"
        if not self.output.classes:
            return f"{named}: not one score per class"
        best = ", ".join(f"{label} {value:.3g}" for label, value in self.top)
        return f"{named}: {best}" if best else named


def choose_output(
    runner: Runner,
    source: ModelSource,
    card: Card,
    preprocessing: Preprocessing,
    pictures: Sequence[Picture],
    references: Sequence[KnownPhoto],
) -> ChooseOutput:
    """Return the error that asks which of a card's outputs holds the class scores, with what each would answer.

    preprocessing: how the picture is prepared. pictures: the user's own; the first is tried, or else a known photo.
    """
    shown = _first(pictures, references)
    rows = None if shown is None else _rows(runner, source, preprocessing, shown)
    ends = accumulate(output.classes for output in card.outputs)
    answers = tuple(
        OutputAnswer(output)
        if rows is None or not output.classes
        else OutputAnswer(output, _top(rows[end - output.classes : end], card), shown.name if shown else "")
        for output, end in zip(card.outputs, ends, strict=True)
    )
    return ChooseOutput(_question(card), answers)


def _question(card: Card) -> str:
    names = [repr(output.name) for output in card.outputs if output.classes]
    likely = next((output for output in card.outputs if output.reason), None)
    guess = f" {likely.name!r} is the most likely: {likely.reason}." if likely else ""
    return f"Several outputs may hold the class scores: {either(names)}. Choose one.{guess}"


def _first(pictures: Sequence[Picture], references: Sequence[KnownPhoto]) -> Picture | None:
    if pictures:
        return pictures[0]
    try:
        return references[0].picture() if references else None
    except ImageError:
        return None


def _rows(runner: Runner, source: ModelSource, preprocessing: Preprocessing, shown: Picture) -> Floats | None:
    """Return the values (K,) of all outputs for a picture; None if the model fails on it."""
    try:
        image = shown.placed(preprocessing)
        return np.asarray(scores(runner, source, preprocessing, [image], "logit")[0], np.float32)
    except ModelError:
        return None


def _top(row: Floats, card: Card) -> tuple[tuple[str, float], ...]:
    """Return the names and probabilities of the most probable classes of a row (K,) of logits or probabilities."""
    labels = labels_for(replace(card, classes=len(row), outputs=()))
    values = _probabilities(row)
    best = np.argsort(-values, kind="stable")[:TOP]
    return tuple((labels[n], float(values[n])) for n in best)


def _probabilities(row: Floats) -> Floats:
    sums_to_one = len(row) > 1 and bool((row >= 0).all()) and abs(float(row.sum()) - 1) < SUM_TOLERANCE
    if sums_to_one:
        return row
    if len(row) == 1:
        return np.asarray(0.5 * (1 + np.tanh(0.5 * row)), np.float32)
    raised = np.exp(row - row.max())
    return np.asarray(raised / raised.sum(), np.float32)
