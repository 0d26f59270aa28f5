"""What an adapter implements: a classifier in its framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from xai_core.ends import End
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Engine, Floats, Indices, Precision, Propagation, Rule, Score


class Network(ABC):
    """A classifier in its framework; an adapter implements this class.

    Only `forward` is required; the card's capabilities say what else is available. Every call leaves the weights
    unchanged, even if it raises. `key` distinguishes a variant, made by `randomised` or `at`, from the original.
    """

    card: Card
    key: str = ""

    @abstractmethod
    def forward(self, inputs: Floats) -> Floats:
        """Return raw outputs (N, K) for inputs (N, H, W, C): logits or probabilities, see `card.gives`."""

    def backward(
        self,
        inputs: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        """Return d score[n, targets[n]] / d inputs, shape (N, H, W, C); needs GRADIENT.

        Rules other than "gradient" modify the gradient at each nonlinearity. "deconvnet" passes its positive part.
        "guided" passes the positive part where the ReLU was active. Both need BACKWARD_RULES. "rescale" multiplies it
        by the ratio of the differences of output and input from a reference; it needs RESCALE and one reference
        (N, H, W, C) per input.
        """
        raise self._lacks("gradients")

    def activations(self, inputs: Floats, layer: str) -> Floats:
        """Return the output (N, h, w, K) of a layer on the card, without extra tokens; needs ACTIVATIONS."""
        raise self._lacks("activations")

    def layer_gradients(self, inputs: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        """Return a layer's output and d score[n, targets[n]] / d output, both (N, h, w, K); needs ACTIVATIONS."""
        raise self._lacks("activations")

    def resume(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        """Return raw outputs (N, K) for one input (1, H, W, C) with a layer's output replaced by `values` (N, h, w, k).

        Extra tokens keep the values the input gives them. Needs ABLATION.
        """
        raise self._lacks("ablation")

    def attentions(self, inputs: Floats, targets: Indices, score: Score) -> tuple[Floats, Floats]:
        """Return attention weights and d score[n, targets[n]] / d weights, both (L, N, heads, tokens, tokens).

        L is the number of attention layers, in the order of the forward pass; rows are queries. Needs ATTENTION.
        """
        raise self._lacks("attention")

    def propagate(self, inputs: Floats, targets: Indices, propagation: Propagation) -> Floats:
        """Return the relevance (N, H, W, C) of each input for logit[n, targets[n]]; needs PROPAGATION."""
        raise self._lacks("relevance propagation")

    def randomised(self, seed: int) -> Network:
        """Return a copy of this network with random weights in its last layer; needs RANDOMISATION.

        The random weights have the standard deviation of those they replace.
        """
        raise self._lacks("randomisation")

    def ended(self, end: End) -> Network:
        """Return this network with an end that turns its outputs into other scores; the weights are shared."""
        raise self._lacks("other scores")

    def read_as(self, card: Card) -> None:
        """Take a card that reads the same outputs differently."""
        self.card = card

    def at(self, precision: Precision) -> Network:
        """Return this network at a precision; itself if only float32 is supported."""
        return self

    def by_peer(
        self,
        library: str,
        method: str,
        values: Mapping[str, Any],
        preprocessing: Preprocessing,
        image: Floats,
        targets: Indices,
    ) -> Floats:
        """Return a different library's maps (T, h, w) of a method, for an image (H, W, 3) in [0, 1].

        `xai_core.trust.peers` lists the libraries. The maps may be coarser than the image.
        """
        raise self._lacks(f"comparison with {library}")

    def engines(self, height: int, width: int, own: Floats | None = None) -> tuple[Engine, ...]:
        """Return the engines that can run the forward passes, the native one first; the first call measures them.

        From then on `forward` uses the fastest engine of its precision whose outputs agree. Engines are measured on
        pictures of height x width pixels; top classes are compared on the user's `own` pictures (N, H, W, C), if any.
        """
        return ()

    def _lacks(self, feature: str) -> TypeError:
        return TypeError(f"{type(self).__name__} offers no {feature}.")
