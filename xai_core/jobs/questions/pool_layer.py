"""What does a layer return for some pictures, and how does each class depend on it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from xai_core.errors import MissingCapability, ParamError
from xai_core.jobs.checks import finite_arrays
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.messages import preprocessing_from_json
from xai_core.jobs.opened import Opened, passes
from xai_core.jobs.question import Question, plain, question
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, Floats, Indices


@question("pool_layer")
class PoolLayer(Question[tuple[Floats, Floats]]):
    """Look at a layer for images (N, H, W, 3) with one class each, targets (N,).

    The answer is the layer's output and d score[n, targets[n]] / d output, both averaged over the positions, (N, k).
    """

    preprocessing: Preprocessing
    images: Floats
    targets: Indices
    layer: str

    def to_frame(self) -> Frame:
        header = {"preprocessing": self.preprocessing.to_json(), "layer": self.layer}
        return header, [plain(self.images), np.ascontiguousarray(self.targets, np.int64)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        images, targets = arrays
        return cls(preprocessing_from_json(header["preprocessing"]), images, targets, header["layer"])

    def answers(self, opened: Opened) -> Iterator[tuple[Floats, Floats]]:
        model = opened.model(self.preprocessing)
        self._check(model.card)
        means = [
            model.pooled(self.images[rows], self.targets[rows], model.card.gives, self.layer)
            for rows in passes(len(self.images))
        ]
        values, gradients = (np.concatenate(parts) for parts in zip(*means, strict=True))
        yield values, gradients

    def answer_to_frame(self, answer: tuple[Floats, Floats]) -> Frame:
        return {}, list(map(plain, answer))

    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card) -> tuple[Floats, Floats]:
        shape = (len(self.images), self._width(card))
        means, gradients = finite_arrays(arrays, shape, shape)
        return means, gradients

    def largest_answer(self, card: Card) -> int:
        return 2 * 4 * len(self.images) * self._width(card)

    def _width(self, card: Card) -> int:
        return next((layer.channels for layer in card.layers if layer.name == self.layer), 0)

    def _check(self, card: Card) -> None:
        if Capability.ACTIVATIONS not in card.capabilities:
            reason = card.missing.get("ACTIVATIONS", "this model does not support it.")
            raise MissingCapability(f"A look at a layer needs layer activations; {reason}")
        names = [layer.name for layer in card.layers]
        if self.layer not in names:
            raise ParamError(
                f"This model has no layer named {self.layer[:80]!r}. Its layers are {', '.join(names)[:400]}."
            )
