"""How does the model score some pictures?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from xai_core.jobs.checks import finite_arrays
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.messages import preprocessing_from_json
from xai_core.jobs.opened import Opened, passes
from xai_core.jobs.question import Question, plain, question, region_from_arrays, region_to_arrays
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Flags, Floats, Score


@question("predict")
class Predict(Question[Floats]):
    """Score images (N, H, W, 3), float32 in [0, 1] at the input's size; the answer is (N, K) float32.

    region: of a segmentation network's pictures, flags (H, W) over which its raw outputs are averaged; None for all.
    references: for an embedding, the images (R, H, W, 3) that it is compared with; the answer is then (N, R).
    """

    preprocessing: Preprocessing
    images: Floats
    score: Score = "probability"
    region: Flags | None = None
    references: Floats | None = None

    def to_frame(self) -> Frame:
        compared = self.references is not None
        header = {"preprocessing": self.preprocessing.to_json(), "score": self.score, "compared": compared}
        others = [] if self.references is None else [plain(self.references)]
        return header, [plain(self.images), *others, *region_to_arrays(self.region)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        images, *others = arrays
        references = others.pop(0) if header["compared"] else None
        preprocessing = preprocessing_from_json(header["preprocessing"])
        return cls(preprocessing, images, header["score"], region_from_arrays(others), references)

    def answers(self, opened: Opened) -> Iterator[Floats]:
        model = opened.model(self.preprocessing, region=self.region, references=self.references)
        scores = [model.predict(self.images[rows], self.score) for rows in passes(len(self.images))]
        yield np.concatenate([np.empty((0, model.card.classes), np.float32), *scores])

    def answer_to_frame(self, answer: Floats) -> Frame:
        return {}, [plain(answer)]

    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card) -> Floats:
        (scores,) = finite_arrays(arrays, (len(self.images), self._classes(card)))
        return scores

    def largest_answer(self, card: Card) -> int:
        return 4 * len(self.images) * self._classes(card)

    def _classes(self, card: Card) -> int:
        return card.classes if self.references is None else len(self.references)
