"""A PyTorch segmentation network behind the common interface."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from model_adapters.common.probes import AT_ONCE, in_batches, noise
from model_adapters.common.segmentation import both_sides, inner_layers
from model_adapters.pytorch import precisions, script
from model_adapters.pytorch.answers import errors_in_words
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.randomised import randomised
from model_adapters.pytorch.segmentation.maps import Maps, in_region
from xai_core.errors import ModelError
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.regions import digest_of
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import OF_CLASSIFIERS, Capability, Card, Flags, Floats, Indices, InputSpec

SIDE = 224  # pixels for looking inside, if the size is free


class TorchSegmenter(TorchNetwork, Segmenter):
    """A module that scores every pixel; as a network, it gives the means of its maps over a region."""

    def __init__(self, module: Any, card: Card, maps: Maps, channels_last: bool = False) -> None:
        super().__init__(module, card, channels_last)
        self._whole, self._maps = self._module, maps
        self._module = in_region(self._whole, maps)

    def look_inside(self, side: int) -> None:
        super().look_inside(side)
        self.card = replace(self.card, layers=inner_layers(self.card.layers, self._maps.channels or self.card.classes))

    def by_peer(
        self,
        library: str,
        method: str,
        values: Mapping[str, Any],
        preprocessing: Preprocessing,
        image: Floats,
        targets: Indices,
    ) -> Floats:
        if "layers" in values and not values["layers"] and self.card.layers:
            values = {**values, "layers": (self.card.usual_layer.name,)}
        return super().by_peer(library, method, values, preprocessing, image, targets)

    def segment(self, inputs: Floats) -> Floats:
        return both_sides(self.maps(inputs), self.card.gives)

    def maps(self, inputs: Floats) -> Floats:
        """Return the module's maps (N, h, w, C) for inputs (N, H, W, C)."""
        return in_batches(self._mapped, self.card.input.batch, inputs, most=self._most(inputs, AT_ONCE))

    def within(self, region: Flags) -> TorchSegmenter:
        made = copy.copy(self)
        made._maps = self._maps.within(region)
        made._module = in_region(self._whole, made._maps)
        made.key = f"{self.key} region {digest_of(region)}".strip()
        return made

    def randomised(self, seed: int) -> TorchSegmenter:
        made = copy.copy(self)
        made._whole = randomised(self._whole, self._maps.channels or self.card.classes, seed)
        made._module = in_region(made._whole, self._maps)
        made.key = f"{self.key} random {seed}".strip()
        return made

    def _mapped(self, inputs: Floats) -> Floats:
        tensor = self._tensor(inputs)
        with torch.inference_mode(), precisions.passes_in(self._precision, self._device):
            maps = self._maps.raw(run(self._whole, tensor)).float()
        return np.ascontiguousarray(maps.permute(0, 2, 3, 1).cpu().numpy(), np.float32)


def opened(module: Any, card: Card, maps: Maps, channels_last: bool = False) -> TorchSegmenter:
    """Return the network around a module, with everything that can be seen inside it on the card."""
    network = TorchSegmenter(module, card, maps, channels_last)
    try:
        network.backward(noise(card.input, 1), np.zeros(1, np.int64), card.gives)
    except ModelError:
        missing = {name.name or "": script.NO_GRADIENT for name in OF_CLASSIFIERS & ~Capability.PREDICT}
        network.card = replace(card, missing=missing)
        return network
    network.card = replace(card, capabilities=Capability.PREDICT | Capability.GRADIENT)
    side = card.hint.height if card.hint else SIDE
    network.look_inside(side)
    if network.card.token_grid and card.input.height is None:  # the grid is that of this size
        network.read_as(replace(network.card, input=replace(card.input, height=side, width=side)))
    return network


def maps_on(module: Any, spec: InputSpec, inputs: Floats, maps: Maps) -> Floats:
    """Return a module's maps (N, h, w, C) for inputs (N, H, W, C)."""

    def one_batch(part: Floats) -> Floats:
        tensor = torch.from_numpy(part).permute(0, 3, 1, 2).contiguous()
        with torch.inference_mode():
            found: Floats = maps.raw(run(module, tensor)).float().permute(0, 2, 3, 1).contiguous().numpy()
        return found

    return in_batches(one_batch, spec.batch, inputs)


def run(module: Any, tensor: Any) -> Any:
    """Return what a module returns for (N, C, H, W); a VitrineError if it fails."""
    with errors_in_words(tensor), torch.jit.optimized_execution(False), warnings.catch_warnings(action="ignore"):
        return module(tensor)
