"""Gradient-weighted rollout: attention that raises the class score, traced through all layers of a transformer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xai_core.families.tokens import seen_from_the_end, that_count
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
    cost="one backward pass per target",
    guide=Guide(
        answers="Which patches does the transformer's evidence for the class come from?",
        choose="As the first map for a vision transformer.",
        limits="As coarse as the patches. It leaves out evidence against the class and follows attention only.",
    ),
)
class GradientRollout(Method):
    """Trace the attention that raises the class score through all layers."""

    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        coarse = np.zeros((len(targets), *(model.card.token_grid or (1, 1))), np.float32)
        for number, target in enumerate(targets):
            weights, gradients = that_count(*model.attentions(image, int(target), self.score))
            coarse[number] = seen_from_the_end(_gathered(weights, gradients), gradients[-1], model.card)
            yield Estimate((number + 1) / len(targets), resized(coarse, model.input_size))


def _gathered(weights: Floats, gradients: Floats) -> Floats:
    """Return how much each token receives from each (tokens, tokens); arguments are (L, heads, tokens, tokens).

    The identity that every token starts with is subtracted again.
    """
    own = np.eye(weights.shape[-1])
    relations = own
    for layer in np.maximum(weights * gradients, 0).mean(axis=1, dtype=np.float64):
        relations = relations + layer @ relations
    return np.asarray(relations - own, np.float32)
