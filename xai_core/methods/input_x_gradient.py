"""Gradient × input: the gradient at the picture times the picture."""

from __future__ import annotations

from collections.abc import Iterator

from xai_core.families.channels import one_image_a_target
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "input_x_gradient",
    title="Gradient × input",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Shrikumar, Greenside, Shcherbina, Kundaje, Not Just a Black Box, 2016, arXiv 1605.01713",
    cost="one backward pass per target",
    guide=Guide(
        answers="How much would each pixel contribute if the score fell linearly as the picture fades to black?",
        choose="For a quick signed map. Integrated Gradients is the more faithful version.",
        limits="Dark pixels get a value near zero however much they matter, and the map does not add up to the score.",
    ),
)
class InputXGradient(Method):
    """Multiply each pixel by the gradient of the score there."""

    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        gradients = model.gradients(one_image_a_target(image, len(targets)), targets, self.score)
        yield Estimate(1.0, (gradients * image).sum(axis=-1))
