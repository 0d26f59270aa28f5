"""Base class and registry of explanation methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, dataclass_transform, get_args

from xai_core.errors import MissingCapability, ParamError
from xai_core.hidden_methods import is_hidden
from xai_core.model import Model
from xai_core.params import Declared, FromModel, Param, Range, Size, params_of
from xai_core.scores import has_probabilities
from xai_core.types import Capability, Card, Estimate, Floats, Indices, Precision, Score

BatchSize = Annotated[int, Range(1, 128, unit="pictures"), "Pictures per pass. More are faster and use more memory."]
Seed = Annotated[int, Range(0, 9999), "Seed of the random numbers. The same seed gives the same map."]
ExplainedScore = Annotated[
    Literal["logit", "probability"],
    "What to explain: the class's own score (logit), or its probability, which also depends on the other classes.",
]
Layers = Annotated[
    tuple[str, ...],
    FromModel("layers"),
    "Layers to look at; their maps are averaged. If you choose none, the last layer whose output lies on a grid is "
    "used.",
]
Group = Literal["Gradient", "CAM", "Attention", "Perturbation", "Propagation", "Detection"]
Sensitivity = Literal["high", "low", "none"]
NUMBER_EXPLAINED = "The output itself is explained. It is not a class, so it has no probability."
ROUGH = (Capability.PREDICT, Capability.PREDICT | Capability.ACTIVATIONS)  # a layer's output is only looked at
ROUGH_GRADIENTS = ("pytorch", "onnx")  # frameworks whose plain gradients come in bfloat16 too


@dataclass(frozen=True)
class Guide:
    """What a reader should know before choosing a method, in sentences.

    answers: the question that its map answers. choose: when to use it. limits: what it cannot show.
    """

    answers: str
    choose: str
    limits: str


class Catalogued(Declared, ABC):
    """Base of all explanation methods: what is known before a method runs.

    The fields are the parameters; the first line of the docstring says what the method does. class_sensitivity: how
    far the map depends on the class; "high" if the maps of two objects in one picture differ clearly, "low" if they
    look alike, "none" if they are identical.
    """

    needs: ClassVar[Capability]
    source: ClassVar[str]
    cost: ClassVar[str]
    group: ClassVar[Group]
    guide: ClassVar[Guide]
    class_sensitivity: ClassVar[Sensitivity]

    @property
    def draws_at_random(self) -> bool:
        """Whether the map depends on its seed."""
        return any(param.name == "seed" for param in self.params)

    @classmethod
    def params_for(cls, card: Card) -> tuple[Param, ...]:
        """Return the parameters as a model allows them: without logits if it ends in probabilities."""
        return tuple(_allowed(param, card) for param in cls.params)

    @classmethod
    def suited(cls, card: Card, size: Size, parameters: Mapping[str, Any] | None = None) -> Self:
        """Build with these `parameters` and, for the rest, defaults that suit a model and its input of `size`."""
        return cls.fitted(size, {p.name: p.fitting(size) for p in cls.params_for(card)} | dict(parameters or {}))

    def halved(self) -> Self | None:
        """Return a copy with half the batch size; None if there is none, or it is already 1."""
        size = self.values().get("batch_size", 1)
        return self.from_json(self.values() | {"batch_size": size // 2}) if size > 1 else None

    def check_choices(self, card: Card) -> None:
        """Raise ParamError if a field names something the model does not have, such as a layer."""
        for param in self.params_for(card):
            if param.from_model:
                param.check(getattr(self, param.name))

    @classmethod
    def check_model(cls, card: Card) -> None:
        """Raise MissingCapability, with the reason and a remedy, if a model lacks what this method needs."""
        for need in cls.needs & ~card.capabilities:
            reason = card.missing.get(need.name or "", "this model does not support it.")
            raise MissingCapability(f"{cls.title} needs {NEED_IN_WORDS[need]}; {reason}")

    @classmethod
    def precision_on(cls, card: Card, wanted: Precision) -> Precision:
        """Return the precision to use on a model if `wanted` was requested."""
        return wanted


class Method(Catalogued):
    """A method that explains what a classifier predicts for a picture."""

    @classmethod
    def precision_on(cls, card: Card, wanted: Precision) -> Precision:
        """Return float32 unless every pass can be fast, so that rough scores are never compared with exact ones."""
        fast = cls.needs in ROUGH or (cls.needs == Capability.GRADIENT and card.framework in ROUGH_GRADIENTS)
        return wanted if fast else "float32"

    @abstractmethod
    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        """Yield increasingly accurate estimates of each target class's attribution; the last one is the result.

        image: (H, W, 3) float32 in [0, 1] at the model's input size. targets: (T,) class indices.
        A job may be cancelled at any `yield`, so never yield inside a framework's context manager.
        """


def check_targets(targets: Indices, card: Card) -> None:
    """Raise ParamError if a target is not a class of the model."""
    for target in map(int, targets):
        if not 0 <= target < card.classes:
            raise ParamError(f"The target must be a class number from 0 to {card.classes - 1}; got {target}.")


def layers_of(card: Card, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the chosen layers, or the default layer if none is chosen."""
    return chosen or (card.usual_layer.name,)


def _allowed(param: Param, card: Card) -> Param:
    if param.from_model == "layers":
        return replace(param, choices=tuple(layer.name for layer in card.layers))
    if param.choices == get_args(Score) and card.gives == "probability":
        return replace(param, choices=("probability",), default="probability")
    if param.choices == get_args(Score) and not has_probabilities(card):
        return replace(param, choices=("logit",), default="logit", help=NUMBER_EXPLAINED)
    return param


NEED_IN_WORDS = {
    Capability.PREDICT: "predictions",
    Capability.GRADIENT: "gradients",
    Capability.BACKWARD_RULES: "modified gradients at ReLUs",
    Capability.RESCALE: "rescale-rule gradients",
    Capability.ACTIVATIONS: "layer activations",
    Capability.ABLATION: "replaceable layer activations",
    Capability.ATTENTION: "attention weights",
    Capability.PROPAGATION: "relevance propagation",
    Capability.RANDOMISATION: "weights that can be randomised",
    Capability.DETECT: "boxes",
}
Known = TypeVar("Known", bound=Catalogued)
METHODS: dict[str, type[Method]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def method(
    method_id: str,
    *,
    title: str,
    group: Group,
    needs: Capability,
    source: str,
    cost: str,
    guide: Guide,
    class_sensitivity: Sensitivity = "high",
) -> Callable[[type[Method]], type[Method]]:
    """Turn a class into a method and register it in `METHODS` under `id`.

    source: the paper. cost: the number of forward and backward passes, in words that may name parameters.
    """

    def register(cls: type[Method]) -> type[Method]:
        return entered(METHODS, cls, method_id, title, needs, source, cost, group, guide, class_sensitivity)

    return register


def entered(
    catalogue: dict[str, type[Known]],
    cls: type[Known],
    method_id: str,
    title: str,
    needs: Capability,
    source: str,
    cost: str,
    group: Group,
    guide: Guide,
    class_sensitivity: Sensitivity,
) -> type[Known]:
    """Turn a class into a method, register it in a catalogue under `id`, and return it."""
    if method_id in catalogue:
        raise ValueError(f"Two methods are called {method_id!r}.")
    made: Any = dataclass(frozen=True, kw_only=True)(cls)
    made.id, made.title, made.needs, made.source, made.cost = method_id, title, needs, source, cost
    made.group, made.guide, made.class_sensitivity = group, guide, class_sensitivity
    made.params = params_of(made)
    if not is_hidden(method_id):
        catalogue[method_id] = made
    return made  # type: ignore[no-any-return]


def method_named(method_id: str) -> type[Method]:
    """Return the method called `id`, or raise a ParamError that lists the known ones."""
    if method_id not in METHODS:
        raise ParamError(f"There is no method called {method_id!r}; the methods are {', '.join(sorted(METHODS))}.")
    return METHODS[method_id]
