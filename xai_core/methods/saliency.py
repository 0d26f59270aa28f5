"""Saliency: the gradient of a class's score with respect to the picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np

from xai_core.method import ExplainedScore, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "saliency",
    title="Saliency",
    needs=Capability.GRADIENT,
    source="Simonyan, Vedaldi, Zisserman, Deep Inside Convolutional Networks, 2014, arXiv 1312.6034",
    cost="one backward pass a target",
)
class Saliency(Method):
    """Show how much the score changes when a pixel changes a little."""

    reduction: Annotated[
        Literal["max_abs", "sum"],
        "How three colour channels become one value: the greatest magnitude, or the signed sum.",
    ] = "max_abs"
    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        copies = np.broadcast_to(image, (len(targets), *image.shape))
        gradients = model.gradients(copies, targets, self.score)
        yield Estimate(1.0, np.abs(gradients).max(axis=-1) if self.reduction == "max_abs" else gradients.sum(axis=-1))
