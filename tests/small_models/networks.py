"""The networks, and how they are trained: seconds on one core, and good enough on any processor."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from model_adapters.pytorch.architectures import import_torchvision_models

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, which people keep for small networks too
CLASSES, BATCH, EPOCHS = 10, 50, 8


class Cnn(nn.Module):
    """A CNN for 32 x 32 pixels, normalised by ImageNet's mean and deviation; the last grid is 7 x 7.

    The first convolution does not pad, so that a twin can take on the normalisation without a difference at the border.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.middle = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.top = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32))
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.middle(self.stem(x))
        return self.head(F.relu(x + self.top(x)).mean((2, 3)))


def vision_transformer() -> nn.Module:
    """Return torchvision's VisionTransformer for 28 x 28 pixels in -1..1: 4 x 4 patches, two layers; untrained."""
    sizes = {"num_layers": 2, "num_heads": 4, "hidden_dim": 64, "mlp_dim": 128}
    return import_torchvision_models().VisionTransformer(28, 7, num_classes=CLASSES, **sizes)


def normalised(pictures: np.ndarray) -> torch.Tensor:
    """Return pictures (N, H, W, 3) uint8 as the CNN takes them, (N, 3, H, W)."""
    values = (pictures.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(values).permute(0, 3, 1, 2).contiguous()


def around_zero(pictures: np.ndarray) -> torch.Tensor:
    """Return pictures (N, H, W, 3) uint8 as the vision transformer takes them, (N, 3, H, W) in -1..1."""
    return torch.from_numpy(pictures.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2).contiguous()


def train(network: nn.Module, inputs: torch.Tensor, classes: np.ndarray, rate: float) -> None:
    """Train for a few epochs of AdamW; the rate rises to `rate` and falls to zero."""
    truth = torch.from_numpy(classes)
    optimiser = torch.optim.AdamW(network.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, EPOCHS * -(-len(truth) // BATCH))
    network.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(truth)).split(BATCH):
            optimiser.zero_grad()
            F.cross_entropy(network(inputs[batch]), truth[batch]).backward()
            optimiser.step()
            schedule.step()
    network.eval()


@torch.inference_mode()
def accuracy(network: nn.Module, inputs: torch.Tensor, classes: np.ndarray) -> float:
    """Return the share of pictures whose digit is named."""
    return float((network(inputs).argmax(1).numpy() == classes).mean())
