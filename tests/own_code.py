"""A small network as it stands in a model.py, as text, and training checkpoints of it."""

from __future__ import annotations

from typing import Any

CODE = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.conv = nn.Conv2d(size, size, 3, padding=1)
        self.norm = nn.BatchNorm2d(size)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)) + x)


class Net(nn.Module):
    def __init__(self, num_classes=10, in_channels=3, width=8, deep=False):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, width, 3, 2, 1)
        self.block = Block(width)
        self.more = Block(width) if deep else nn.Identity()
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.fc(self.more(self.block(self.stem(x))).mean((2, 3)))


def build_model(num_classes):
    return Net(num_classes)
"""


def net_of(text: str = CODE) -> Any:
    """Return the class Net of some code, which runs here."""
    space: dict[str, Any] = {}
    exec(text, space)
    return space["Net"]


def checkpoint_of(net: Any) -> dict[str, Any]:
    """Return a checkpoint of a network of five classes, as Lightning writes it."""
    state = {f"model.{name}": tensor for name, tensor in net.state_dict().items()}
    return {"state_dict": state, "hyper_parameters": {"width": 12, "lr": 0.1}, "classes": list("abcde")}
