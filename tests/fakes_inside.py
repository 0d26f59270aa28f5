"""A network with one inner layer and one with attention, worked out by hand."""

from __future__ import annotations

import numpy as np
from fakes import LinearNetwork, softmax

from xai_core.types import Capability, Floats, Indices, Layer, Propagation, Rule, Score

BLOCK = 4  # pixels a side of a place in the layer
INSIDE = (
    Capability.PREDICT
    | Capability.GRADIENT
    | Capability.ACTIVATIONS
    | Capability.ABLATION
    | Capability.BACKWARD_RULES
    | Capability.RESCALE
    | Capability.PROPAGATION
    | Capability.RANDOMISATION
)


class BlockNetwork(LinearNetwork):
    """Block means of the input, mixed into channels, ReLU, then a linear head.

    mixing: (3, K). head: (classes, h, w, K). The layer is called "blocks"; "coarse" is a second name for it.
    """

    def __init__(self, mixing: Floats, head: Floats) -> None:
        classes, height, width, channels = head.shape
        super().__init__(np.zeros((classes, height * BLOCK, width * BLOCK, 3), np.float32), INSIDE)
        self.mixing, self.head = mixing.astype(np.float32), head.astype(np.float32)
        names = ("coarse", "blocks")
        layers = tuple(Layer(name, height, width, channels) for name in names)
        self.card = type(self.card)(**{**vars(self.card), "layers": layers})
        self.resumed: list[int] = []

    def activations(self, inputs: Floats, layer: str) -> Floats:
        return np.maximum(self._mixed(inputs), 0)

    def _mixed(self, inputs: Floats) -> Floats:
        count, height, width, channels = inputs.shape
        blocks = inputs.reshape(count, height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels).mean(axis=(2, 4))
        return (blocks @ self.mixing).astype(np.float32)

    def forward(self, inputs: Floats) -> Floats:
        self.asked.append(len(inputs))
        return self._end(self.activations(inputs, "blocks"))

    def _end(self, values: Floats) -> Floats:
        return np.einsum("nhwk,chwk->nc", values, self.head, dtype=np.float64).astype(np.float32)

    def layer_gradients(self, inputs: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        values = self.activations(inputs, layer)
        gradients = self.head[targets]
        if score == "probability":
            shares = softmax(self._end(values))
            own = np.take_along_axis(shares, targets[:, None], axis=1)[:, :, None, None]
            gradients = own * (gradients - np.einsum("nc,chwk->nhwk", shares, self.head))
        return values, gradients.astype(np.float32)

    def resume(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        self.resumed.append(len(values))
        return self._end(values)

    def backward(
        self, inputs: Floats, targets: Indices, score: Score, rule: Rule = "gradient", references: Floats | None = None
    ) -> Floats:
        self.asked_back.append(len(inputs))
        mixed = self._mixed(inputs)
        back = self.head[targets]
        if rule == "gradient":
            back = back * (mixed > 0)
        elif rule == "rescale":
            start = self._mixed(references)
            difference = np.where(mixed == start, 1, mixed - start)
            slope = (np.maximum(mixed, 0) - np.maximum(start, 0)) / difference
            back = back * np.where(mixed == start, mixed > 0, slope)
        else:
            back = np.maximum(back, 0) * (mixed > 0 if rule == "guided" else 1)
        spread = (back @ self.mixing.T / BLOCK**2).repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)
        return spread.astype(np.float32)

    def propagate(self, inputs: Floats, targets: Indices, propagation: Propagation) -> Floats:
        return self.backward(inputs, targets, "logit") * inputs


class TokenNetwork(LinearNetwork):
    """Four patches after one class token, with given attention (L, heads, 5, 5) and its gradients."""

    def __init__(self, weights: Floats, gradients: Floats) -> None:
        super().__init__(
            np.zeros((2, 8, 8, 3), np.float32), Capability.PREDICT | Capability.GRADIENT | Capability.ATTENTION
        )
        self.card = type(self.card)(**{**vars(self.card), "token_grid": (2, 2)})
        self._weights, self._gradients = weights.astype(np.float32), gradients.astype(np.float32)

    def attentions(self, inputs: Floats, targets: Indices, score: Score) -> tuple[Floats, Floats]:
        sign = np.where(targets == 0, 1, -1).astype(np.float32)[None, :, None, None, None]
        return self._weights[:, None], self._gradients[:, None] * sign
