"""One channel of a picture, with the others kept fixed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from xai_core.errors import ParamError
from xai_core.preprocessing import Preprocessing
from xai_core.types import Floats

GREY = "The model sees the brightness of a picture, not its colours, so there are no channels to choose from."


@dataclass(frozen=True, eq=False)
class Lens:
    """Shows a method one `channel` of an image (H, W, C), counted from 0, as an image (H, W, 1).

    The method can change that channel only.
    """

    image: Floats
    channel: int
    preprocessing: Preprocessing

    def __post_init__(self) -> None:
        if self.preprocessing.channels == "gray":
            raise ParamError(GREY)
        if not 0 <= self.channel < self.image.shape[-1]:
            raise ParamError(f"Expected a channel from 1 to {self.image.shape[-1]}; got {self.channel + 1}.")

    @property
    def key(self) -> str:
        """A text that differs for different channels and images."""
        return f"channel {self.channel} of {hashlib.sha256(self.image.tobytes()).hexdigest()}"

    def whole(self, images: Floats) -> Floats:
        """Return images (N, H, W, 1) of the channel with all the others, (N, H, W, C)."""
        filled = np.repeat(self.image[None], len(images), axis=0)
        filled[..., self.channel] = images[..., 0]
        return filled

    def part(self, images: Floats) -> Floats:
        """Return the channel of images (..., C), or of their gradients, as (..., 1)."""
        return np.ascontiguousarray(images[..., self.channel : self.channel + 1])

    def relevance(self, relevance: Floats) -> Floats:
        """Return the relevance (N, H, W) of the channel, given that (N, H, W, C) of the model's inputs."""
        turned = relevance[..., ::-1] if self.preprocessing.channels == "BGR" else relevance
        return np.ascontiguousarray(turned[..., self.channel])
