"""The state of a PyTorch detector's pass over an image, and conversions between its pixels and those of the inputs.

The inputs are the image, scaled and padded, as an ImageList of torchvision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection.heads import Features, Outputs
from xai_core.params import Size
from xai_core.types import Flags, Floats


@dataclass(eq=False)
class ImagePass:
    """Everything computed for one image (H, W, 3): the backbone's inputs, its features and the heads' outputs.

    ablation: cached results for ablations near the last requested boxes.
    """

    digest: bytes
    image: Floats
    inputs: Any
    features: Features
    outputs: Outputs | None = None
    ablation: Any = None

    @property
    def image_size(self) -> Size:
        """Height and width of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def size(self) -> Size:
        """Height and width of the image among the inputs, without padding."""
        return sizes_of(self.inputs)[0]

    def padded(self, level: str, flags: Flags) -> Any:
        """Return flags for places on the image as (h, w) of a level, false for places in the padding."""
        feature_map = self.features[level]
        made = torch.zeros(feature_map.shape[-2:], dtype=torch.bool, device=feature_map.device)
        made[: flags.shape[0], : flags.shape[1]] = torch.from_numpy(flags)
        return made

    def cropped(self, feature_map: Any) -> Floats:
        """Return a map (1, K, h, w) as (h, w, K) without places in the padding."""
        _, _, height, width = feature_map.shape
        padded = self.inputs.tensors.shape[-2:]
        rows, columns = (
            math.ceil(n * side / total) for n, side, total in zip((height, width), self.size, padded, strict=True)
        )
        return numbers_of(feature_map[0, :, :rows, :columns].permute(1, 2, 0))


@dataclass(frozen=True, eq=False)
class ChannelOff:
    """A channel of a level that is set to a value: at the places (h, w) that are true, or everywhere."""

    level: str
    channel: int
    value: float
    places: Any = None

    def changed(self, features: Features) -> Any:
        """Return the changed channel, (1, 1, h, w)."""
        own = features[self.level][:, self.channel : self.channel + 1]
        return torch.full_like(own, self.value) if self.places is None else own.masked_fill(self.places, self.value)


def sizes_of(inputs: Any) -> list[Size]:
    """Return height and width of each image among the inputs, without padding."""
    return [(int(height), int(width)) for height, width in inputs.image_sizes]


def scaled(transform: Any, size: Size) -> Size:
    """Return the height and width to which torchvision's transform scales a picture of `size`, without padding."""
    if transform.fixed_size is not None:
        width, height = transform.fixed_size
        return int(height), int(width)
    scale = min(transform.min_size[-1] / min(size), transform.max_size / max(size))
    return math.floor(size[0] * scale), math.floor(size[1] * scale)


def resized(corners: Any, old: Size, new: Size) -> Any:
    """Convert corners (n, 4) in a picture of size `old` to one of size `new`."""
    import_torchvision_models()
    from torchvision.models.detection.transform import resize_boxes

    return resize_boxes(corners, old, new)


def numbers_of(tensor: Any) -> Floats:
    """Return a tensor as a contiguous float32 array."""
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)
