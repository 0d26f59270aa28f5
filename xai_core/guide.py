"""Finding the right method: by question, by group, by search, and what a model allows."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from xai_core.detection.method import DETECTION_METHODS
from xai_core.errors import MissingCapability, ParamError
from xai_core.method import METHODS, NEED_IN_WORDS, Catalogued, Group
from xai_core.params import Declared
from xai_core.types import Card, Task

GROUPS: tuple[Group, ...] = get_args(Group)
EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "images" / "methods"
WITHOUT_EXAMPLE = "without.json"


@dataclass(frozen=True)
class Advice:
    """What to start with for a typical question: methods by id, each with the reason for it."""

    question: str
    methods: tuple[tuple[str, str], ...]


ADVICE = (
    Advice(
        "What did the model look at?",
        (
            ("grad_cam", "In a second, the region that speaks for the class."),
            ("integrated_gradients", "Finer: the pixels that count, with a check that they add up."),
            ("occlusion", "Easy to believe: a part matters if the score falls when it is hidden."),
        ),
    ),
    Advice(
        "How much did each part contribute, adding up to the score?",
        (
            ("integrated_gradients", "Shares add up to the score's difference to a baseline, and the error is shown."),
            ("kernel_shap", "Shapley values of whole regions; needs predictions only."),
            ("deeplift", "A fast stand-in for Integrated Gradients, in one pass."),
        ),
    ),
    Advice(
        "I have only predictions (a black box)",
        (
            ("rise", "Random masks find what matters, whatever its shape; the error is shown."),
            ("occlusion", "No chance in it: one patch after the other is hidden."),
            ("lime", "Whole regions, with a figure for how well the simple model fits."),
        ),
    ),
    Advice(
        "Is the model using the background or a watermark?",
        (
            ("grad_cam", "Start here: a hot region outside the object is the warning."),
            ("occlusion", "Then hide it: if the score falls, the model does use it."),
            ("kernel_shap", "How much it counts beside the object itself."),
        ),
    ),
    Advice(
        "It is a transformer",
        (
            ("gradient_rollout", "Attention weighed by what counts for the class."),
            ("attention_rollout", "Where information flowed from, whatever the class."),
            ("rise", "A check from outside: it only asks for predictions."),
        ),
    ),
    Advice(
        "Why did the detector draw this box?",
        (
            ("ablationcam", "Which features it needs: without them the box is lost or moves."),
            ("drise", "For any detector: which parts of the picture, seen alone, still give the box."),
            ("box_gradcam", "In a second, the regions that raise the box's score or move an edge."),
        ),
    ),
)


def catalogue(task: Task | None = None) -> dict[str, type[Catalogued]]:
    """Return the methods that explain a classifier's classes or a detector's boxes, by default both, by id."""
    found: dict[str, type[Catalogued]] = {}
    if task != "detect":
        found |= METHODS
    if task != "classify":
        found |= DETECTION_METHODS
    return found


def method_of_any_task(id: str) -> type[Catalogued]:
    """Return the method called `id`, or raise a ParamError that lists those there are."""
    found = catalogue()
    if id not in found:
        raise ParamError(f"There is no method called {id!r}; there are {', '.join(sorted(found))}.")
    return found[id]


def in_order(task: Task | None = None) -> list[type[Catalogued]]:
    """Return the methods for a task, or all, by group and then by title."""
    return sorted(catalogue(task).values(), key=lambda m: (GROUPS.index(m.group), m.title.casefold()))


def groups_of(task: Task | None = None) -> tuple[Group, ...]:
    """Return the groups that hold a method for a task, in order."""
    return tuple(dict.fromkeys(one.group for one in in_order(task)))


def summary(declared: type[Declared]) -> str:
    """Return what a method or filter does, in a sentence: the first line of its docstring."""
    return (declared.__doc__ or "").strip().split("\n")[0]


def needs_in_words(method: type[Catalogued]) -> str:
    """Return what a method needs of a model: "gradients, attention weights"."""
    return ", ".join(NEED_IN_WORDS[need] for need in method.needs)


def class_in_words(method: type[Catalogued]) -> str:
    """Return how far the map depends on the class, in two words."""
    return {"high": "class-sensitive", "low": "hardly class-sensitive", "none": "class-blind"}[method.class_sensitivity]


def reason_against(method: type[Catalogued], card: Card) -> str:
    """Return why a model can not be asked by a method, in a sentence; "" where it can."""
    try:
        method.check_model(card)
    except MissingCapability as error:
        return str(error)
    return ""


def sought(text: str, groups: Collection[Group] = (), task: Task | None = None) -> list[type[Catalogued]]:
    """Return the methods of some groups (none: of all) that speak of every word of `text`, in order."""
    words = _plain(text).split()
    found = (m for m in in_order(task) if not groups or m.group in groups)
    return [m for m in found if all(word in _spoken(m) for word in words)]


def example_of(method: type[Catalogued]) -> Path | None:
    """Return an example picture of a method, or None where there is none."""
    path = EXAMPLES / f"{method.id}.webp"
    return path if path.exists() else None


def example_in_words(method: type[Catalogued]) -> str:
    """Return what the example of a method shows, for those who do not see it."""
    return f"{method.title} of {'the box around a digit' if method.group == 'Detection' else 'a cat'}"


@cache
def without_example() -> dict[str, str]:
    """Return the methods that the sample model can not be asked by, by id, with the reasons."""
    path = EXAMPLES / WITHOUT_EXAMPLE
    reasons: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return reasons


def _spoken(method: type[Catalogued]) -> str:
    guide = method.guide
    told = (method.group, summary(method), guide.answers, guide.choose, guide.limits, method.source)
    names = f"{method.title} {method.id}"
    means = (method.cost, needs_in_words(method), class_in_words(method))
    return _plain(" ".join((names, *told, *means))) + " " + _plain(names).replace(" ", "")


def _plain(text: str) -> str:
    return re.sub(r"[^\w+]+|_", " ", text.casefold())
