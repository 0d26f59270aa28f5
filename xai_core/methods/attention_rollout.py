"""Attention rollout: attention traced through all layers of a transformer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np

from xai_core.families.tokens import seen_from_the_end, that_count
from xai_core.method import Guide, Method, method
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "attention_rollout",
    title="Attention rollout",
    group="Attention",
    needs=Capability.ATTENTION,
    source="Abnar, Zuidema, Quantifying Attention Flow in Transformers, 2020, arXiv 2005.00928",
    cost="one forward pass, and one backward pass to find the output tokens, for any number of targets",
    guide=Guide(
        answers="Which patches does the information in the transformer's output come from?",
        choose="For a quick look inside a vision transformer.",
        limits="It does not depend on the class, and attention is not importance: a patch that gets attention may not "
        "affect the score.",
    ),
    class_sensitivity="none",
)
class AttentionRollout(Method):
    """Multiply the attention matrices of all layers, with half of each row kept for the token itself."""

    heads: Annotated[
        Literal["mean", "max", "min"], "How the heads of a layer are combined: their mean, maximum or minimum."
    ] = "mean"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        score = model.card.gives
        weights, gradients = that_count(*model.attentions(image, int(targets[0]), score))
        coarse = seen_from_the_end(self._rolled(weights), gradients[-1], model.card)
        yield Estimate(1.0, np.repeat(resized(coarse[None], model.input_size), len(targets), axis=0))

    def _rolled(self, weights: Floats) -> Floats:
        fused = _FUSIONS[self.heads](weights)
        rolled = own = np.eye(fused.shape[-1])
        for layer in fused.astype(np.float64):
            mixed = layer + own
            rolled = mixed / mixed.sum(axis=1, keepdims=True) @ rolled
        return np.asarray(rolled, np.float32)


_FUSIONS: dict[str, Callable[[Floats], Floats]] = {
    "mean": lambda weights: weights.mean(axis=1),
    "max": lambda weights: weights.max(axis=1),
    "min": lambda weights: weights.min(axis=1),
}
