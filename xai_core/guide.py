"""Find the right method: by question, by group, by search, and by what the model supports."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import get_args

from xai_core.detection.method import DETECTION_METHODS
from xai_core.errors import MissingCapability, ParamError
from xai_core.hidden_methods import hidden_methods
from xai_core.method import METHODS, NEED_IN_WORDS, Catalogued, Group
from xai_core.params import Declared
from xai_core.types import Card, Task
from xai_core.wording import either

GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True)
class Advice:
    """Where to start for a typical question: methods by id, each with a reason."""

    question: str
    methods: tuple[tuple[str, str], ...]


_ALL_ADVICE = (
    Advice(
        "What did the model look at?",
        (
            ("grad_cam", "Shows within a second which region speaks for the class."),
            ("integrated_gradients", "Finer: the pixels that count, with a check that they add up."),
            ("occlusion", "Easy to believe: a region matters if hiding it lowers the score."),
        ),
    ),
    Advice(
        "How much did each part contribute to the score?",
        (
            ("integrated_gradients", "Contributions add up to the difference from a baseline; the error is shown."),
            ("kernel_shap", "Shapley values of whole regions. Needs predictions only."),
            ("deeplift", "A fast stand-in for Integrated Gradients: a single pass."),
        ),
    ),
    Advice(
        "I have only predictions (a black box)",
        (
            ("rise", "Random masks find what matters, whatever its shape. The error is shown."),
            ("occlusion", "Nothing random: it hides one patch after another."),
            ("lime", "Whole regions, with a figure for how well its simple model fits."),
        ),
    ),
    Advice(
        "Is the model using the background or a watermark?",
        (
            ("grad_cam", "Start here: a bright region outside the object is the warning sign."),
            ("occlusion", "Then hide that region: if the score falls, the model uses it."),
            ("kernel_shap", "Finally compare how much it counts next to the object itself."),
        ),
    ),
    Advice(
        "My model is a transformer",
        (
            ("gradient_rollout", "Attention weighted by its effect on the class."),
            ("attention_rollout", "Where information flows from, regardless of the class."),
            ("rise", "A check from outside: it needs predictions only."),
        ),
    ),
    Advice(
        "Why did the detector draw this box?",
        (
            ("ablationcam", "Which features the box needs: without them it moves or disappears."),
            ("drise", "For any detector: which visible parts of the picture are enough to produce the box."),
            ("box_gradcam", "Shows within a second which regions raise the box's score or move an edge."),
        ),
    ),
)


def _without_hidden(advice: Advice) -> Advice:
    return replace(advice, methods=tuple(pair for pair in advice.methods if pair[0] not in hidden_methods()))


ADVICE = tuple(advice for advice in map(_without_hidden, _ALL_ADVICE) if advice.methods)


def catalogue(task: Task | None = None) -> dict[str, type[Catalogued]]:
    """Return the methods for the classes of pictures or regions, or for a detector's boxes, by id; both by default."""
    methods: dict[str, type[Catalogued]] = {}
    if task != "detect":
        methods |= METHODS
    if task in (None, "detect"):
        methods |= DETECTION_METHODS
    return methods


def method_of_any_task(method_id: str) -> type[Catalogued]:
    """Return the method called `id`, or raise a ParamError that lists the known ones, the likely ones first."""
    methods = catalogue()
    if method_id not in methods:
        likely = get_close_matches(method_id, methods, n=3)
        guess = f"did you mean {either(likely)}? The methods are" if likely else "the methods are"
        raise ParamError(f"There is no method called {method_id!r}; {guess} {', '.join(sorted(methods))}.")
    return methods[method_id]


def in_order(task: Task | None = None) -> list[type[Catalogued]]:
    """Return the methods for a task, or all of them, sorted by group and title."""
    return sorted(catalogue(task).values(), key=lambda m: (GROUPS.index(m.group), m.title.casefold()))


def groups_of(task: Task | None = None) -> tuple[Group, ...]:
    """Return the groups with a method for a task, in order."""
    return tuple(dict.fromkeys(method.group for method in in_order(task)))


def summary(declared: type[Declared]) -> str:
    """Return what a method or filter does, in one sentence: the first line of its docstring."""
    return (declared.__doc__ or "").strip().split("\n")[0]


def needs_in_words(method: type[Catalogued]) -> str:
    """Return what a method needs from a model, such as "gradients, attention weights"."""
    return ", ".join(NEED_IN_WORDS[need] for need in method.needs)


def class_in_words(method: type[Catalogued]) -> str:
    """Return how far the map depends on the class, in words."""
    return {"high": "class-sensitive", "low": "weakly class-sensitive", "none": "class-blind"}[method.class_sensitivity]


def reason_against(method: type[Catalogued], card: Card) -> str:
    """Return why a method cannot run on a model, as a sentence; "" if it can."""
    try:
        method.check_model(card)
    except MissingCapability as error:
        return str(error)
    return ""


def sought(text: str, groups: Collection[Group] = (), task: Task | None = None) -> list[type[Catalogued]]:
    """Return the methods whose texts contain every word of `text`, in order; restricted to `groups` if any."""
    words = _plain(text).split()
    candidates = (m for m in in_order(task) if not groups or m.group in groups)
    return [m for m in candidates if all(word in _searchable(m) for word in words)]


def _searchable(method: type[Catalogued]) -> str:
    guide = method.guide
    texts = (method.group, summary(method), guide.answers, guide.choose, guide.limits, method.source)
    names = f"{method.title} {method.id}"
    means = (method.cost, needs_in_words(method), class_in_words(method))
    return _plain(" ".join((names, *texts, *means))) + " " + _plain(names).replace(" ", "")


def _plain(text: str) -> str:
    return re.sub(r"[^\w+]+|_", " ", text.casefold())
