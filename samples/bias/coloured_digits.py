"""Predictions with a known bias: `python -m samples.bias.coloured_digits [--mnist FILE]`, 15 seconds on one core.

A small network learns digits whose ink is mostly red for 0 to 4 and mostly green for 5 to 9. It then predicts digits
whose colour says nothing. The predictions, with the colour of each digit, are written to coloured_digits.npz.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from samples.digits import mnist
from samples.digits.mnist import Glyphs

FILE = Path(__file__).resolve().parent / "coloured_digits.npz"
SEED = 0
CLASSES, RED_DIGITS = 10, 5
INKS = np.array([[1, 0.25, 0.25], [0.25, 1, 0.25]], np.float32)
COLOURS = np.array(["red", "green"])
NOISE = 0.25
TRAIN_PICTURES, TEST_PICTURES = 4000, 3000
TRAIN_SHARE, TEST_SHARE = 0.95, 0.5  # share of digits in their usual ink
EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 6, 64, 0.05, 0.9, 5e-4


@dataclass(frozen=True)
class Coloured:
    """Digits (N, 3, 28, 28) float32 in 0..1, with labels, colours and positions in MNIST, each (N,)."""

    pictures: torch.Tensor
    labels: torch.Tensor
    colours: np.ndarray
    numbers: np.ndarray


def main() -> int:
    """Train, predict, write, and print the accuracy for each ink."""
    parser = argparse.ArgumentParser(description="Make predictions with a known bias.")
    parser.add_argument("--mnist", type=Path, help="npz with x_train, y_train, x_test, y_test; default: from npm")
    parser.add_argument("--file", type=Path, default=FILE)
    chosen = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    digits = mnist.load(chosen.mnist)
    network = train(coloured(digits.train, TRAIN_PICTURES, TRAIN_SHARE, SEED))
    test = coloured(digits.test, TEST_PICTURES, TEST_SHARE, SEED + 1)
    probabilities = predicted(network, test.pictures)
    write(chosen.file, test, probabilities)
    right = probabilities.argmax(axis=1) == test.labels.numpy()
    usual = (test.labels.numpy() < RED_DIGITS) == (test.colours == "red")
    print(f"accuracy {right.mean():.3f}, usual ink {right[usual].mean():.3f}, other ink {right[~usual].mean():.3f}")
    return 0


def coloured(glyphs: Glyphs, number: int, share: float, seed: int) -> Coloured:
    """Return `number` digits, equally many of each, a `share` of them in their usual ink."""
    random = np.random.default_rng(seed)
    of_each = [np.flatnonzero(glyphs.labels == digit)[: number // CLASSES] for digit in range(CLASSES)]
    numbers = random.permutation(np.concatenate(of_each))
    labels = glyphs.labels[numbers].astype(np.int64)
    usual = random.random(len(numbers)) < share
    colours = np.where(usual, labels >= RED_DIGITS, labels < RED_DIGITS).astype(np.int64)
    ink = glyphs.pictures[numbers, None].astype(np.float32) / 255 * INKS[colours][:, :, None, None]
    noisy = ink + random.normal(0, NOISE, ink.shape).astype(np.float32)
    return Coloured(
        torch.from_numpy(noisy.clip(0, 1)), torch.from_numpy(labels), COLOURS[colours], numbers.astype(np.int64)
    )


def build() -> nn.Sequential:
    """Return a network with three convolutions and 24 thousand weights."""

    def block(inside: int, outside: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outside), nn.ReLU()]

    layers = [*block(3, 16), nn.MaxPool2d(2), *block(16, 32), nn.MaxPool2d(2), *block(32, 64)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def train(data: Coloured, epochs: int = EPOCHS) -> nn.Sequential:
    """Return a network trained on coloured digits."""
    network = build().train()
    steps = epochs * -(-len(data.labels) // BATCH)
    optimiser = torch.optim.SGD(network.parameters(), RATE, MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(data.labels)).split(BATCH):
            optimiser.zero_grad()
            F.cross_entropy(network(data.pictures[batch]), data.labels[batch]).backward()
            optimiser.step()
            schedule.step()
    return network.eval()


@torch.inference_mode()
def predicted(network: nn.Module, pictures: torch.Tensor) -> np.ndarray:
    """Return the probabilities (N, 10) float32 for pictures."""
    return np.concatenate([network(batch).softmax(dim=1).numpy() for batch in pictures.split(500)])


def write(path: Path, data: Coloured, probabilities: np.ndarray) -> None:
    """Write a table that `read_predictions` reads; probabilities as float16, so each row sums to 1 within 0.001."""
    np.savez_compressed(
        path,
        y_true=data.labels.numpy().astype(np.uint8),
        probabilities=probabilities.astype(np.float16),
        labels=np.array([str(digit) for digit in range(CLASSES)]),
        colour=data.colours,
        image=np.array([f"mnist_test_{number:05d}" for number in data.numbers]),
    )


if __name__ == "__main__":
    sys.exit(main())
