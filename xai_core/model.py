"""The model as methods see it: images in, scores and gradients out, preprocessing included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from xai_core.batches import Batches
from xai_core.errors import ModelError
from xai_core.lens import Lens
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.scores import as_score
from xai_core.types import Card, Floats, Indices, Propagation, Rule, Score

# Pixels per forward pass, and per pass with a backward pass: small enough that a large network reports progress often.
PASS, PASS_BACK = 32 * 224**2, 16 * 224**2
NO_MAP = "no map can be drawn. Check the preprocessing or try a different picture."


class Ledger(Protocol):
    """Raw outputs (n, K) of one run's perturbed pictures, kept so that a later run need not compute them again."""

    def __len__(self) -> int: ...
    def append(self, rows: Floats) -> None: ...
    def rows(self, start: int, stop: int) -> Floats: ...


class Memory(Protocol):
    """Storage for ledgers and sums between the jobs of one worker."""

    def ledger(self, key: str, classes: int) -> Ledger: ...
    def keep(self, key: str, arrays: Mapping[str, Any]) -> None: ...
    def recall(self, key: str) -> Mapping[str, Any]: ...


class EmptyLedger:
    """A ledger that stays empty."""

    def __len__(self) -> int:
        return 0

    def append(self, rows: Floats) -> None:
        pass

    def rows(self, start: int, stop: int) -> Floats:
        raise IndexError(f"An empty ledger has no rows {start} to {stop}.")


class NoMemory:
    """Stores nothing: each run starts from scratch and needs no more memory the longer it runs."""

    def ledger(self, key: str, classes: int) -> Ledger:
        return EmptyLedger()

    def keep(self, key: str, arrays: Mapping[str, Any]) -> None:
        pass

    def recall(self, key: str) -> Mapping[str, Any]:
        return {}


class Model:
    """A network with its preprocessing.

    Images are (N, H, W, 3) float32 RGB in [0, 1]; (N, H, W, C) where the model sees other bands, (N, H, W, 1) through a
    lens, which shows one channel and holds the others. Every result must be finite, otherwise ModelError. A batch that
    needs too much memory is halved until it fits, and `notes` says so. tick: called after each pass.
    """

    def __init__(
        self,
        network: Network,
        preprocessing: Preprocessing,
        memory: Memory | None = None,
        tick: Callable[[], None] = lambda: None,
        lens: Lens | None = None,
    ) -> None:
        self._network = network
        self.preprocessing, self._lens = preprocessing, lens
        self._memory = memory or NoMemory()
        self._tick = tick
        self._batches = Batches(tick)

    @property
    def card(self) -> Card:
        return self._network.card

    @property
    def network(self) -> Network:
        """The network, without its preprocessing."""
        return self._network

    def seen(self, image: Floats) -> Floats:
        """Return what methods see of an image (H, W, C): all of it, or one channel of it, (H, W, 1)."""
        return self._lens.part(image) if self._lens else image

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the input, in pixels."""
        return self.preprocessing.height, self.preprocessing.width

    @property
    def notes(self) -> tuple[str, ...]:
        """What users should know about the run so far, as sentences."""
        return self._batches.notes

    def take_at_most(self, pictures: int) -> None:
        """Limit batches to `pictures` from now on; `notes` says so."""
        self._batches.take_at_most(pictures)

    def outputs(self, images: Floats) -> Floats:
        """Return the network's raw outputs (N, K)."""
        return self._scores(self._in_batches(self._forward, images, pixels=PASS))

    def as_score(self, raw: Floats, score: Score) -> Floats:
        """Turn raw outputs (N, K) into logits or probabilities of the same shape."""
        return as_score(raw, self.card, score)

    def predict(self, images: Floats, score: Score = "probability") -> Floats:
        """Return the scores of all classes, (N, K)."""
        return self.as_score(self.outputs(images), score)

    def gradients(
        self,
        images: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        """Return d score[n, targets[n]] / d images, shape (N, H, W, 3), by a rule of `Network.backward`.

        references: for the rule "rescale", the image each image is compared with, (N, H, W, 3).
        """
        self._check_score(score)

        def one_batch(images: Floats, targets: Indices, *others: Floats) -> Floats:
            inputs, *rest = (self._normalise(batch) for batch in (images, *others))
            return self._network.backward(inputs, targets, score, rule, *rest)

        gradients = self._in_batches(one_batch, images, targets, *([] if references is None else [references]))
        return self._pull_back(_finite(gradients, "gradient"))

    def activations(self, images: Floats, layer: str) -> Floats:
        """Return the output (N, h, w, k) of a layer on the card."""

        def one_batch(images: Floats) -> Floats:
            return self._network.activations(self._normalise(images), layer)

        return _finite(self._in_batches(one_batch, images, pixels=PASS), "layer")

    def layer_gradients(self, image: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        """Return a layer's output (h, w, k) for one image (H, W, 3), and d score[targets] / d output (T, h, w, k)."""
        self._check_score(score)

        def one_batch(targets: Indices) -> Floats:
            inputs = np.repeat(self._normalise(image[None]), len(targets), axis=0)
            return np.stack(self._network.layer_gradients(inputs, targets, score, layer), axis=1)

        pairs = _finite(self._in_batches(one_batch, targets), "gradient")
        return pairs[0, 0], pairs[:, 1]

    def pooled(self, images: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        """Return a layer's output for images (N, H, W, 3) and d score[n, targets[n]] / d output, both (N, k).

        Both are averaged over the layer's positions.
        """
        self._check_score(score)

        def one_batch(images: Floats, targets: Indices) -> Floats:
            inputs = self._normalise(images)
            both = self._network.layer_gradients(inputs, targets, score, layer)
            means = [values.mean(axis=(1, 2), dtype=np.float64) for values in both]
            return np.stack(means, axis=1).astype(np.float32)

        pairs = _finite(self._in_batches(one_batch, images, targets), "gradient")
        return pairs[:, 0], pairs[:, 1]

    def resume(self, image: Floats, layer: str, values: Floats) -> Floats:
        """Return raw outputs (N, K) for one image (H, W, 3) with a layer's output replaced by `values` (N, h, w, k)."""
        inputs = self._normalise(image[None])

        def one_batch(values: Floats) -> Floats:
            return self._network.resume(inputs, layer, values)

        return self._scores(self._in_batches(one_batch, values, pixels=PASS))

    def attentions(self, image: Floats, target: int, score: Score) -> tuple[Floats, Floats]:
        """Return attention weights and d score[target] / d weights, both (L, heads, tokens, tokens), of one image."""
        self._check_score(score)
        inputs = self._normalise(image[None])
        weights, gradients = self._network.attentions(inputs, np.array([target], np.int64), score)
        self._tick()
        return _finite(weights[:, 0], "attention"), _finite(gradients[:, 0], "gradient")

    def propagate(self, images: Floats, targets: Indices, propagation: Propagation) -> Floats:
        """Return the relevance (N, H, W) of each pixel for logit[n, targets[n]], summed over channels."""

        def one_batch(images: Floats, targets: Indices) -> Floats:
            return self._network.propagate(self._normalise(images), targets, propagation)

        relevance = _finite(self._in_batches(one_batch, images, targets), "relevance")
        return self._lens.relevance(relevance) if self._lens else np.asarray(relevance.sum(axis=-1), np.float32)

    def _normalise(self, images: Floats) -> Floats:
        return self.preprocessing.normalise(self._lens.whole(images) if self._lens else images)

    def _pull_back(self, gradients: Floats) -> Floats:
        slopes = self.preprocessing.pull_back(gradients)
        return self._lens.part(slopes) if self._lens else slopes

    def _forward(self, images: Floats) -> Floats:
        return self._network.forward(self._normalise(images))

    def _scores(self, raw: Floats) -> Floats:
        _check_finite(raw, self.card.classes)
        return raw

    def _check_score(self, score: Score) -> None:
        if score != self.card.gives:
            self.as_score(np.zeros((1, 1), np.float32), score)

    def _in_batches(self, call: Callable[..., Floats], *arrays: Any, pixels: int = PASS_BACK) -> Floats:
        """Return `call(*arrays)`, computed in batches that fit into memory and hold at most `pixels` of pictures."""
        height, width = self.input_size
        parts = self._batches.run(call, *arrays, most=max(1, pixels // (height * width)))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def ledger(self, key: str) -> Ledger:
        """Return the stored outputs of earlier runs with the same `key` and preprocessing."""
        return self._memory.ledger(self._own(key), self.card.classes)

    def keep(self, key: str, **arrays: Any) -> None:
        """Store a run's sums under `key`, replacing older ones, so that a later run can continue from them."""
        self._memory.keep(self._own(key), arrays)

    def recall(self, key: str) -> Mapping[str, Any]:
        """Return what `keep` last stored under `key` with the same preprocessing; empty if it is gone."""
        return self._memory.recall(self._own(key))

    def _own(self, key: str) -> str:
        return f"{self._network.key} {key} {self.preprocessing} {self._lens.key if self._lens else ''}"


def _finite(values: Floats, name: str) -> Floats:
    if not np.isfinite(values).all():
        raise ModelError(f"The model's {name} contains values that are not numbers; {NO_MAP}")
    return values


def _check_finite(raw: Floats, classes: int) -> None:
    if not np.isfinite(raw).all():
        broken = int((~np.isfinite(raw)).any(axis=0).sum())
        raise ModelError(f"The model returned values that are not numbers for {broken} of {classes} classes; {NO_MAP}")
