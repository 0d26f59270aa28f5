"""Eigen-CAM: the first principal component of a layer's output."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xai_core.families.cam import AboveTheMean, averaged, first_component
from xai_core.method import Guide, Layers, Method, layers_of, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "eigen_cam",
    title="Eigen-CAM",
    group="CAM",
    needs=Capability.ACTIVATIONS,
    source="Muhammad, Yeasin, Eigen-CAM, 2020, arXiv 2008.00299; centred, as pytorch-grad-cam has it",
    cost="one forward pass per layer, for any number of targets",
    guide=Guide(
        answers="What stands out most in the layer, regardless of the class?",
        choose="To see what the network responds to at all, before you ask about a class.",
        limits="It does not depend on the class: the cat and the dog beside it get the same map.",
    ),
    class_sensitivity="none",
)
class EigenCam(Method):
    """Project a layer's output onto its first principal component."""

    layers: Layers = ()
    positive_only: AboveTheMean = True

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        layers = layers_of(model.card, self.layers)
        maps: list[Floats] = []
        for layer in layers:
            values = model.activations(image[None], layer)[0]
            component = first_component(values, towards=(values**2).sum(axis=-1))
            maps.append(np.maximum(component, 0)[None] if self.positive_only else component[None])
            whole = averaged(maps, model.input_size)
            yield Estimate(len(maps) / len(layers), np.repeat(whole, len(targets), axis=0))
