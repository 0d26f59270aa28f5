"""Networks and memories small enough that every expected number can be worked out by hand."""

from __future__ import annotations

import numpy as np

from xai_core.model import Memory, Model
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, Floats, Indices, InputSpec, Rule, Score

EVERYTHING = Capability.PREDICT | Capability.GRADIENT


class LinearNetwork(Network):
    """Logits that are weighted sums of the inputs.

    weights: (K, H, W, C). asked: the number of inputs of each forward pass; asked_back: of each backward pass.
    """

    def __init__(self, weights: Floats, capabilities: Capability = EVERYTHING, gives: Score = "logit") -> None:
        self.weights = np.asarray(weights, np.float32)
        classes, height, width, channels = self.weights.shape
        spec = InputSpec(height, width, channels, layout="NHWC")
        self.card = Card("a fake", "linear", classes, spec, capabilities, gives=gives)
        self.asked: list[int] = []
        self.asked_back: list[int] = []

    def forward(self, inputs: Floats) -> Floats:
        self.asked.append(len(inputs))
        return np.einsum("nhwc,khwc->nk", inputs, self.weights, dtype=np.float64).astype(np.float32)

    def backward(
        self, inputs: Floats, targets: Indices, score: Score, rule: Rule = "gradient", references=None
    ) -> Floats:
        self.asked_back.append(len(inputs))
        gradients = self.weights[targets].astype(np.float64)
        if score == "probability":
            shares = softmax(np.einsum("nhwc,khwc->nk", inputs, self.weights, dtype=np.float64))
            own = np.take_along_axis(shares, targets[:, None], axis=1)[:, :, None, None]
            gradients = own * (gradients - np.einsum("nk,khwc->nhwc", shares, self.weights))
        return gradients.astype(np.float32)


class SquareNetwork(LinearNetwork):
    """Logits that are weighted sums of the squared inputs, so that the gradient changes along a path."""

    def forward(self, inputs: Floats) -> Floats:
        return super().forward(inputs**2)

    def backward(
        self, inputs: Floats, targets: Indices, score: Score, rule: Rule = "gradient", references=None
    ) -> Floats:
        return super().backward(inputs**2, targets, score) * 2 * inputs


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


class Remembering(Memory):
    """Keeps every ledger in plain memory."""

    def __init__(self) -> None:
        self.ledgers: dict[str, ListLedger] = {}
        self.sums: dict[str, dict] = {}

    def keep(self, key: str, arrays: dict) -> None:
        self.sums[key] = arrays

    def recall(self, key: str) -> dict:
        return self.sums.get(key, {})

    def ledger(self, key: str, classes: int) -> ListLedger:
        return self.ledgers.setdefault(key, ListLedger(classes))


def model_of(network: LinearNetwork, memory: Memory | None = None, **preprocessing: object) -> Model:
    """Put a fake network behind the preprocessing of its size: by default the inputs are the images themselves."""
    _, height, width, _ = network.weights.shape
    return Model(network, Preprocessing(height, width, **preprocessing), memory)


def random_weights(classes: int = 3, height: int = 16, width: int = 16, seed: int = 0) -> Floats:
    """Return weights (K, H, W, 3) around zero, small enough that probabilities stay well inside (0, 1)."""
    return (np.random.default_rng(seed).normal(size=(classes, height, width, 3)) / (height * width)).astype(np.float32)


def random_image(height: int = 16, width: int = 16, seed: int = 1) -> Floats:
    """Return an image (H, W, 3) in [0, 1]."""
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
