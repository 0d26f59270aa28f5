"""Gradient x input: the slope at the picture times the picture."""

from __future__ import annotations

from collections.abc import Iterator

from xai_core.families.channels import one_image_a_target
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "input_x_gradient",
    title="Gradient x input",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Shrikumar, Greenside, Shcherbina, Kundaje, Not Just a Black Box, 2016, arXiv 1605.01713",
    cost="one backward pass a target",
    guide=Guide(
        answers="How much would each pixel contribute if the score were a straight line down to black?",
        choose="For a quick signed map; Integrated Gradients is the more faithful form of it.",
        limits="Dark pixels get nothing, however much they matter, and the sum of the map is not the score.",
    ),
)
class InputXGradient(Method):
    """Multiply each pixel by the score's slope there."""

    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        gradients = model.gradients(one_image_a_target(image, len(targets)), targets, self.score)
        yield Estimate(1.0, (gradients * image).sum(axis=-1))
