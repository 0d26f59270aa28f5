"""A network round another one; what it does not do itself, the inner one does."""

from __future__ import annotations

from typing import Any

from xai_core.types import Engine, Floats, Network, Precision


class Delegating(Network):
    """Asks `native` for everything; a subclass overrides what it does otherwise."""

    def __init__(self, native: Network) -> None:
        self.native = native
        self.card = native.card
        self.key = native.key

    def forward(self, inputs: Floats) -> Floats:
        return self.native.forward(inputs)

    def backward(self, *given: Any, **named: Any) -> Floats:
        return self.native.backward(*given, **named)

    def activations(self, *given: Any, **named: Any) -> Floats:
        return self.native.activations(*given, **named)

    def layer_gradients(self, *given: Any, **named: Any) -> tuple[Floats, Floats]:
        return self.native.layer_gradients(*given, **named)

    def resume(self, *given: Any, **named: Any) -> Floats:
        return self.native.resume(*given, **named)

    def attentions(self, *given: Any, **named: Any) -> tuple[Floats, Floats]:
        return self.native.attentions(*given, **named)

    def propagate(self, *given: Any, **named: Any) -> Floats:
        return self.native.propagate(*given, **named)

    def randomised(self, seed: int) -> Network:
        return self.native.randomised(seed)

    def at(self, precision: Precision) -> Network:
        return self.native.at(precision)

    def by_peer(self, *given: Any, **named: Any) -> Floats:
        return self.native.by_peer(*given, **named)

    def engines(self, *given: Any, **named: Any) -> tuple[Engine, ...]:
        return self.native.engines(*given, **named)
