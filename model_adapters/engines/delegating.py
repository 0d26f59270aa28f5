"""A network that wraps another one and passes on whatever it does not do itself."""

from __future__ import annotations

from typing import Any

from xai_core.ends import End
from xai_core.network import Network
from xai_core.types import Card, Engine, Floats, Precision


class Delegating(Network):
    """Passes every call to `native`; a subclass overrides what it does differently."""

    def __init__(self, native: Network) -> None:
        self.native = native
        self.card = native.card
        self.key = native.key

    def forward(self, inputs: Floats) -> Floats:
        return self.native.forward(inputs)

    def backward(self, *args: Any, **kwargs: Any) -> Floats:
        return self.native.backward(*args, **kwargs)

    def activations(self, *args: Any, **kwargs: Any) -> Floats:
        return self.native.activations(*args, **kwargs)

    def layer_gradients(self, *args: Any, **kwargs: Any) -> tuple[Floats, Floats]:
        return self.native.layer_gradients(*args, **kwargs)

    def resume(self, *args: Any, **kwargs: Any) -> Floats:
        return self.native.resume(*args, **kwargs)

    def attentions(self, *args: Any, **kwargs: Any) -> tuple[Floats, Floats]:
        return self.native.attentions(*args, **kwargs)

    def propagate(self, *args: Any, **kwargs: Any) -> Floats:
        return self.native.propagate(*args, **kwargs)

    def randomised(self, seed: int) -> Network:
        return self.native.randomised(seed)

    def ended(self, end: End) -> Network:
        return self.native.ended(end)

    def read_as(self, card: Card) -> None:
        self.native.read_as(card)
        self.card = self.native.card

    def at(self, precision: Precision) -> Network:
        return self.native.at(precision)

    def by_peer(self, *args: Any, **kwargs: Any) -> Floats:
        return self.native.by_peer(*args, **kwargs)

    def engines(self, *args: Any, **kwargs: Any) -> tuple[Engine, ...]:
        return self.native.engines(*args, **kwargs)
