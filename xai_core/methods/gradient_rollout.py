"""Gradient-weighted rollout: attention that raises the class, followed through all layers of a transformer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xai_core.families.tokens import seen_from_the_end
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "gradient_rollout",
    title="Gradient-weighted attention rollout",
    group="Attention",
    needs=Capability.GRADIENT | Capability.ATTENTION,
    source="Chefer, Gur, Wolf, Generic Attention-model Explainability, 2021, arXiv 2103.15679",
    cost="one backward pass a target",
    guide=Guide(
        answers="From which patches does the transformer gather what speaks for the class?",
        choose="As the usual first map for a vision transformer.",
        limits="As coarse as the patches; what speaks against the class is left out, and only attention is followed.",
    ),
)
class GradientRollout(Method):
    """Follow the attention that raises the class's score through all layers."""

    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        coarse = np.zeros((len(targets), *(model.card.token_grid or (1, 1))), np.float32)
        for number, target in enumerate(targets):
            weights, gradients = model.attentions(image, int(target), self.score)
            coarse[number] = seen_from_the_end(_gathered(weights, gradients), gradients[-1], model.card)
            yield Estimate((number + 1) / len(targets), resized(coarse, model.input_size))


def _gathered(weights: Floats, gradients: Floats) -> Floats:
    """Return what each token gathers of each (tokens, tokens), of attention and gradients (L, heads, tokens, tokens).

    A token's gathering of itself, with which it starts, is taken off again.
    """
    own = np.eye(weights.shape[-1])
    relations = own
    for layer in np.maximum(weights * gradients, 0).mean(axis=1, dtype=np.float64):
        relations = relations + layer @ relations
    return np.asarray(relations - own, np.float32)
