"""The model that methods see: images in, scores and gradients out, preprocessing done once."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from xai_core.errors import MissingCapability, ModelError
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Floats, Indices, Network, Score


class Ledger(Protocol):
    """Raw outputs (n, K) of the perturbed pictures of one run, kept so that a later run need not ask again."""

    def __len__(self) -> int: ...
    def append(self, rows: Floats) -> None: ...
    def rows(self, start: int, stop: int) -> Floats: ...


class Memory(Protocol):
    """Where ledgers are kept between the jobs of one worker."""

    def ledger(self, key: str, classes: int) -> Ledger: ...


class ListLedger:
    """A ledger in plain memory."""

    def __init__(self, classes: int) -> None:
        self._rows = np.empty((0, classes), np.float32)

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, rows: Floats) -> None:
        self._rows = np.concatenate([self._rows, rows])

    def rows(self, start: int, stop: int) -> Floats:
        return self._rows[start:stop]


class EmptyLedger:
    """A ledger that stays empty."""

    def __len__(self) -> int:
        return 0

    def append(self, rows: Floats) -> None:
        pass

    def rows(self, start: int, stop: int) -> Floats:
        raise IndexError(f"An empty ledger has no rows {start} to {stop}.")


class NoMemory:
    """Remembers nothing: each run starts afresh, and takes no more memory the longer it is."""

    def ledger(self, key: str, classes: int) -> Ledger:
        return EmptyLedger()


class Model:
    """A network with its preprocessing.

    Images are (N, H, W, 3) float32 RGB in [0, 1]. Every answer is checked to be finite; where it is not, ModelError.
    """

    def __init__(self, network: Network, preprocessing: Preprocessing, memory: Memory | None = None) -> None:
        self._network = network
        self.preprocessing = preprocessing
        self._memory = memory or NoMemory()

    @property
    def card(self) -> Card:
        return self._network.card

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the input, in pixels."""
        return self.preprocessing.height, self.preprocessing.width

    def outputs(self, images: Floats) -> Floats:
        """Return the network's raw outputs (N, K)."""
        raw = self._network.forward(self.preprocessing.normalise(images))
        _check_finite(raw, self.card.classes)
        return raw

    def as_score(self, raw: Floats, score: Score) -> Floats:
        """Turn raw outputs (N, K) into logits or probabilities of the same shape."""
        if self.card.gives == score:
            return raw
        if score == "logit":
            raise MissingCapability(
                "This model ends in probabilities that can not be cut off; choose to explain the probability."
            )
        return _softmax(raw) if self.card.head == "softmax" else _sigmoid(raw)

    def predict(self, images: Floats, score: Score = "probability") -> Floats:
        """Return the scores of all classes, (N, K)."""
        return self.as_score(self.outputs(images), score)

    def gradients(self, images: Floats, targets: Indices, score: Score) -> Floats:
        """Return d score[n, targets[n]] / d images, shape (N, H, W, 3)."""
        if score == "logit" and self.card.gives == "probability":
            self.as_score(np.zeros((1, 1), np.float32), score)
        inputs = self.preprocessing.normalise(images)
        found = self._network.backward(inputs, targets, score)
        if not np.isfinite(found).all():
            raise ModelError("The model's gradient holds values that are not numbers; no map is drawn.")
        return self.preprocessing.pull_back(found)

    def ledger(self, key: str) -> Ledger:
        """Return what is remembered of an earlier run with the same `key` and preprocessing."""
        return self._memory.ledger(f"{key} {self.preprocessing}", self.card.classes)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)


def _check_finite(raw: Floats, classes: int) -> None:
    if not np.isfinite(raw).all():
        broken = int((~np.isfinite(raw)).any(axis=0).sum())
        raise ModelError(
            f"The model returned values that are not numbers for {broken} of {classes} classes; no map is drawn."
        )
