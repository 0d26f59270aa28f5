"""What can run a model's forward passes, and what is fastest?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Self, cast, get_args

from xai_core.jobs.checks import field, listed, number, one_of, text
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.messages import preprocessing_from_json
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import Question, plain, question
from xai_core.jobs.steps import ENGINES_SECONDS
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Engine, Floats, Precision

MOST_ENGINES = 16


class EnginesQuestion(Question[tuple[Engine, ...]]):
    """Base of the questions for engines: what runs the forward passes, how fast, and how closely it agrees."""

    def answer_to_frame(self, answer: tuple[Engine, ...]) -> Frame:
        return {"engines": [asdict(engine) for engine in answer]}, []

    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card) -> tuple[Engine, ...]:
        return tuple(map(_engine, listed(field(values, "engines"), MOST_ENGINES)))

    def largest_answer(self, card: Card) -> int:
        return 0


@question("find_engines")
class FindEngines(EnginesQuestion):
    """Find the engines that a classifier can run on; the first call takes seconds, as it converts the graph.

    images: the user's own pictures (N, H, W, 3) in [0, 1], for comparing the engines' top classes; None for trial
    pictures.
    """

    preprocessing: Preprocessing
    images: Floats | None = None

    def to_frame(self) -> Frame:
        return {"preprocessing": self.preprocessing.to_json()}, [] if self.images is None else [plain(self.images)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(preprocessing_from_json(header["preprocessing"]), *arrays)

    def answers(self, opened: Opened) -> Iterator[tuple[Engine, ...]]:
        with opened.heartbeat.beating(ENGINES_SECONDS):
            engines = self.engines(opened)
        yield engines

    def engines(self, opened: Opened) -> tuple[Engine, ...]:
        """Return the engines for the size of the preprocessing; the first call measures them."""
        own = None if self.images is None else self.preprocessing.normalise(self.images)
        return opened.network.engines(self.preprocessing.height, self.preprocessing.width, own)


def _engine(values: Any) -> Engine:
    return Engine(
        name=text(field(values, "name")),
        precision=cast(Precision, one_of(get_args(Precision), field(values, "precision"))),
        max_difference=_figure(values, "max_difference"),
        top1_agreement=_figure(values, "top1_agreement"),
        milliseconds=_figure(values, "milliseconds"),
        used=field(values, "used") is True,
        reason=text(field(values, "reason")),
    )


def _figure(values: Any, name: str) -> float | None:
    figure = field(values, name)
    return None if figure is None else number(figure)
