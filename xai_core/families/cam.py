"""Class activation maps: what the methods that use a layer's output share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from xai_core.method import ExplainedScore, Layers, Method, layers_of
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.types import Doubles, Estimate, Floats, Indices

PositiveOnly = Annotated[bool, "Set evidence against the class to zero."]
AboveTheMean = Annotated[bool, "Set positions with less of the pattern than average to zero."]


@dataclass(frozen=True, kw_only=True)
class CamMethod(Method):
    """Base of the methods that combine a layer's output with its gradient."""

    layers: Layers = ()
    score: ExplainedScore = "logit"
    positive_only: PositiveOnly = True

    @abstractmethod
    def combined(self, values: Floats, gradients: Floats) -> Floats:
        """Return coarse maps (T, h, w) of a layer's output (h, w, K) and its gradients (T, h, w, K)."""

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        layers = layers_of(model.card, self.layers)
        maps: list[Floats] = []
        for layer in layers:
            coarse = self.combined(*model.layer_gradients(image, targets, self.score, layer))
            maps.append(np.maximum(coarse, 0) if self.positive_only else coarse)
            yield Estimate(len(maps) / len(layers), averaged(maps, model.input_size))


def averaged(coarse: list[Floats], size: tuple[int, int]) -> Floats:
    """Return the mean (T, H, W) of several layers' maps, each resized to `size` and scaled to a peak of 1.

    The map of a single layer keeps its own units.
    """
    if len(coarse) == 1:
        return resized(coarse[0], size)
    return np.asarray(np.mean([_to_peak(resized(maps, size)) for maps in coarse], axis=0), np.float32)


def _to_peak(maps: Floats) -> Floats:
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    return np.asarray(maps / np.where(peaks > 0, peaks, 1), np.float32)


def weighted(values: Floats, weights: Floats) -> Floats:
    """Return the weighted sum (T, h, w) of a layer's channels (h, w, K), with weights per target (T, K)."""
    return np.asarray(np.einsum("hwk,tk->thw", values, weights), np.float32)


def first_component(values: Floats, towards: Floats) -> Floats:
    """Project the positions of a layer (h, w, K) onto the first principal component of its channels: (h, w).

    The sign of a principal component is arbitrary; here it correlates positively with `towards` (h, w).
    Source: Muhammad, Yeasin, Eigen-CAM, 2020, arXiv 2008.00299; computed from the smaller Gram matrix.
    """
    height, width, channels = values.shape
    places: Doubles = values.reshape(-1, channels).astype(np.float64)
    centred = places - places.mean(axis=0)
    if len(places) <= channels:
        strengths, vectors = np.linalg.eigh(centred @ centred.T)
        projected = vectors[:, -1] * np.sqrt(max(strengths[-1], 0))
    else:
        projected = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
    rising = projected @ (towards - towards.mean()).ravel()
    return np.asarray((-projected if rising < 0 else projected).reshape(height, width), np.float32)
