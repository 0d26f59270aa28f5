"""Class activation maps that ask about a layer's channels one after the other: what they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from xai_core.families.cam import PositiveOnly, averaged
from xai_core.method import BatchSize, ExplainedScore, Layers, Method, layers_of
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Estimate, Floats, Indices

ShareOfChannels = Annotated[
    float,
    Range(1, 100, 1, "%"),
    "Share of the layer's channels that is asked about, the most active ones first; less is faster and less exact.",
]


@dataclass(frozen=True, kw_only=True)
class ChannelCam(Method):
    """Base of the methods that find a weight for each channel by asking the model."""

    layers: Layers = ()
    channels: ShareOfChannels = 100.0
    score: ExplainedScore = "logit"
    positive_only: PositiveOnly = True
    batch_size: BatchSize = 12

    @abstractmethod
    def of_layer(self, model: Model, image: Floats, targets: Indices, layer: str) -> Iterator[tuple[float, Floats]]:
        """Yield the share of the channels asked about, up to 1, and the coarse maps (T, h, w) so far."""

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        layers, done = layers_of(model.card, self.layers), list[Floats]()
        for layer in layers:
            for share, found in self.of_layer(model, image, targets, layer):
                coarse = np.maximum(found, 0) if self.positive_only else found
                yield Estimate((len(done) + share) / len(layers), averaged([*done, coarse], model.input_size))
            done.append(coarse)


def most_active(values: Floats, percent: float) -> Indices:
    """Return the numbers of a share of the channels of a layer's output (h, w, K), the most active one first."""
    strength = np.abs(values).sum(axis=(0, 1))
    count = max(1, round(len(strength) * percent / 100))
    return np.asarray(np.argsort(-strength, kind="stable")[:count], np.int64)
