"""A network that segments by colour, so that the right regions and scores are known."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

COLOURS = ("red", "green", "blue")
SIDE = 48
RED_BOX = (12, 16, 30, 40)  # left, top, right, bottom in pixels of `picture`


class ByColour(nn.Module):
    """Maps (N, 3, H / 2, W / 2) of red, green and blue: each the colour's mean over 3 x 3 pixels, less the others'."""

    def __init__(self, end: nn.Module | None = None) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, stride=2, padding=1, bias=False)
        self.relu, self.end = nn.ReLU(), end or nn.Identity()
        self.classifier = nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.eye(3)[:, :, None, None].expand(3, 3, 3, 3) / 9)
            self.classifier.weight.copy_((12 * torch.eye(3) - 4)[:, :, None, None])

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.end(self.classifier(self.relu(self.first(pictures))))


def picture() -> np.ndarray:
    """Return a green picture (48, 48, 3) uint8 with a red box."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    left, top, right, bottom = RED_BOX
    pixels[..., 1], pixels[top:bottom, left:right] = 150, (220, 30, 10)
    return pixels


def red_box() -> np.ndarray:
    """Return flags (48, 48) of the red box."""
    left, top, right, bottom = RED_BOX
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


def inputs() -> np.ndarray:
    """Return the picture as (1, 48, 48, 3) float32 in 0..1."""
    return (picture()[None] / 255).astype(np.float32)
