"""Base class and registry of explanation methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self, dataclass_transform, get_args

from xai_core.errors import MissingCapability, ParamError
from xai_core.model import Model
from xai_core.params import Declared, Param, Range, Size, params_of
from xai_core.types import Capability, Card, Estimate, Floats, Indices, Score

BatchSize = Annotated[int, Range(1, 128, unit="pictures"), "Pictures a pass: more is faster, and uses more memory."]
Seed = Annotated[int, Range(0, 9999), "Start of the random draws: the same seed gives the same map."]
ExplainedScore = Annotated[
    Literal["logit", "probability"],
    "What is explained: the class's own score (logit), or its probability, which also depends on the other classes.",
]


class Method(Declared, ABC):
    """An explanation method; its fields are its parameters, its docstring's first line says what it does."""

    needs: ClassVar[Capability]
    source: ClassVar[str]
    cost: ClassVar[str]

    @abstractmethod
    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        """Yield ever better estimates of the attribution of each target class; the last one is the answer.

        image: (H, W, 3) float32 in [0, 1] at the model's input size. targets: (T,) class indices.
        A job may be cancelled at any `yield`, so a yield never stands inside a framework's context.
        """

    @classmethod
    def params_for(cls, card: Card) -> tuple[Param, ...]:
        """Return the parameters as a model allows them: without logits where it ends in probabilities."""
        return tuple(_allowed(param, card) for param in cls.params)

    @classmethod
    def suited(cls, card: Card, size: Size, given: Mapping[str, Any] | None = None) -> Self:
        """Build with `given` values, and for the rest defaults that suit a model and its input of `size`."""
        return cls.fitted(size, {p.name: p.fitting(size) for p in cls.params_for(card)} | dict(given or {}))

    @classmethod
    def check_model(cls, card: Card) -> None:
        """Raise MissingCapability, with the reason and the way out, where a model lacks what this method needs."""
        for need in cls.needs & ~card.capabilities:
            reason = card.missing.get(need.name or "", "this model does not offer it.")
            raise MissingCapability(f"{cls.title} needs {NEED_IN_WORDS[need]}; {reason}")


def _allowed(param: Param, card: Card) -> Param:
    if param.choices == get_args(Score) and card.gives == "probability":
        return replace(param, choices=("probability",), default="probability")
    return param


NEED_IN_WORDS = {Capability.PREDICT: "predictions", Capability.GRADIENT: "gradients"}
METHODS: dict[str, type[Method]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def method(id: str, *, title: str, needs: Capability, source: str, cost: str) -> Callable[[type[Method]], type[Method]]:
    """Make a class a method and enter it in `METHODS` under `id`.

    source: the paper; cost: forward and backward passes, in words that may name parameters.
    """

    def register(cls: type[Method]) -> type[Method]:
        if id in METHODS:
            raise ValueError(f"Two methods are called {id!r}.")
        made: Any = dataclass(frozen=True, kw_only=True)(cls)
        made.id, made.title, made.needs, made.source, made.cost = id, title, needs, source, cost
        made.params = params_of(made)
        METHODS[id] = made
        return made  # type: ignore[no-any-return]

    return register


def method_named(id: str) -> type[Method]:
    """Return the method called `id`, or raise a ParamError that lists those there are."""
    if id not in METHODS:
        raise ParamError(f"There is no method called {id!r}; there are {', '.join(sorted(METHODS))}.")
    return METHODS[id]
