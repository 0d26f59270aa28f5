"""Record the sample history: `python -m samples.training.record [--mnist FILE]`, a minute or two on one core.

A small network learns handwritten digits from few pictures, some of them mislabelled, at a high learning rate, so that
there is something to see: pictures that are learnt late, forgotten again, or never learnt. After every epoch it
predicts digits outside its training set.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from samples.digits import mnist
from samples.digits.mnist import Glyphs, Mnist
from vitrine_logger import PredictionLogger

HISTORY = Path(__file__).with_name("mnist_20_epochs.npz")
SEED = 0
EPOCHS, BATCH = 20, 32
LEARNT, HELD_OUT = 1000, 600  # pictures
WRONG_LABELS = 0.2
RATE, MOMENTUM = 0.06, 0.9


def main() -> int:
    """Train, and write the predictions for held-out digits after each epoch."""
    parser = argparse.ArgumentParser(description="Record how a small network learns handwritten digits.")
    parser.add_argument("--mnist", type=Path, help="npz with x_train, y_train, x_test, y_test; default: from npm")
    parser.add_argument("--history", type=Path, default=HISTORY, help="where to write the history")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    record(mnist.load(chosen.mnist), chosen.history)
    return 0


def record(digits: Mnist, path: Path, epochs: int = EPOCHS) -> None:
    """Train for some epochs and write the history."""
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    learnt, unseen = drawn(digits.train, LEARNT, rng), drawn(digits.test, HELD_OUT, rng)
    inputs, labels = as_inputs(learnt), torch.from_numpy(with_wrong_labels(learnt.labels, rng))
    held_out, truth = as_inputs(unseen), torch.from_numpy(unseen.labels.astype(np.int64))
    ids = [f"digit {number:03}" for number in range(len(unseen.labels))]
    logger = PredictionLogger(path, unseen.labels, tuple("0123456789"), ids, pictures=unseen.pictures)
    network = build()
    optimiser = torch.optim.SGD(network.parameters(), RATE, MOMENTUM)
    for _ in range(epochs):
        train_loss, train_acc = learn(network, optimiser, inputs, labels)
        scores = answers(network, held_out)
        loss = float(F.cross_entropy(scores, truth))
        accuracy = float((scores.argmax(1) == truth).float().mean())
        logger.epoch(scores, train_loss=train_loss, val_loss=loss, train_acc=train_acc, val_acc=accuracy)
        print(f"train {train_loss:.3f} {train_acc:.1%}, held out {loss:.3f} {accuracy:.1%}", flush=True)


def build() -> nn.Module:
    """Return the untrained network; inputs (N, 1, 28, 28) in 0..1, scores (N, 10)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 5 * 5, 48), nn.ReLU(), nn.Linear(48, 10)),
    )


def drawn(glyphs: Glyphs, number: int, rng: np.random.Generator) -> Glyphs:
    """Return a number of digits, drawn without replacement."""
    chosen = rng.choice(len(glyphs.labels), number, replace=False)
    return Glyphs(glyphs.pictures[chosen], glyphs.labels[chosen])


def with_wrong_labels(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return labels, a share of them replaced by a different digit."""
    wrong = rng.random(len(labels)) < WRONG_LABELS
    moved = labels + wrong * rng.integers(1, 10, len(labels))
    return (moved % 10).astype(np.int64)


def as_inputs(glyphs: Glyphs) -> torch.Tensor:
    """Return digits (N, 1, 28, 28) in 0..1."""
    return torch.from_numpy(glyphs.pictures[:, None].astype(np.float32) / 255)


def learn(
    network: nn.Module, optimiser: torch.optim.Optimizer, inputs: torch.Tensor, labels: torch.Tensor
) -> tuple[float, float]:
    """Train for one epoch; return the mean loss and the accuracy during it."""
    network.train()
    loss_sum, right = 0.0, 0
    for batch in torch.randperm(len(labels)).split(BATCH):
        scores = network(inputs[batch])
        loss = F.cross_entropy(scores, labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss_sum += float(loss.detach()) * len(batch)
        right += int((scores.argmax(1) == labels[batch]).sum())
    return loss_sum / len(labels), right / len(labels)


@torch.inference_mode()
def answers(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Return the scores (N, 10)."""
    network.eval()
    scores: torch.Tensor = network(inputs)
    return scores


if __name__ == "__main__":
    sys.exit(main())
