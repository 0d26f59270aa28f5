"""A small network of PyTorch, as one stands in a notebook."""

from __future__ import annotations

import warnings

import torch

SIDE = 32
LABELS = ("cat", "dog", "emu", "fox")


class SmallNet(torch.nn.Module):
    """Two convolutions and a linear layer; four classes of pictures of 32 x 32 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.second = torch.nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.dropout = torch.nn.Dropout(0.5)
        self.last = torch.nn.Linear(16, len(LABELS))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        features = self.second(torch.relu(self.norm(self.first(pictures)))).relu()
        return self.last(self.dropout(features.mean((2, 3))))


def traced(net: torch.nn.Module) -> torch.jit.ScriptModule:
    """Return a network as TorchScript, which is deprecated and widely used."""
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.trace(net.eval(), torch.rand(1, 3, SIDE, SIDE), check_trace=False)
