"""Class activation maps that test a layer's channels one by one: what they share."""

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
    "Share of the layer's channels to test, the most active first. Fewer are faster and less accurate.",
]


@dataclass(frozen=True, kw_only=True)
class ChannelCam(Method):
    """Base of the methods that find the weight of each channel by running the model."""

    layers: Layers = ()
    channels: ShareOfChannels = 100.0
    score: ExplainedScore = "logit"
    positive_only: PositiveOnly = True
    batch_size: BatchSize = 12

    @abstractmethod
    def of_layer(self, model: Model, image: Floats, targets: Indices, layer: str) -> Iterator[tuple[float, Floats]]:
        """Yield the share of the channels tested, up to 1, and the coarse maps (T, h, w) so far."""

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        layers, done = layers_of(model.card, self.layers), list[Floats]()
        for layer in layers:
            for share, maps in self.of_layer(model, image, targets, layer):
                coarse = np.maximum(maps, 0) if self.positive_only else maps
                yield Estimate((len(done) + share) / len(layers), averaged([*done, coarse], model.input_size))
            done.append(coarse)


def most_active(values: Floats, percent: float) -> Indices:
    """Return the indices of the most active channels of a layer's output (h, w, K), best first; `percent` of them."""
    strength = np.abs(values).sum(axis=(0, 1))
    count = max(1, round(len(strength) * percent / 100))
    return np.asarray(np.argsort(-strength, kind="stable")[:count], np.int64)
