"""One label of a model that predicts several: which pictures have it, as far as their own labels say."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

import numpy as np

from xai_core.bias.predictions import Mask
from xai_core.bias.repairs import same_name
from xai_core.errors import DataError
from xai_core.types import Texts
from xai_core.wording import some

SEPARATORS = re.compile(r"[|;,]")  # between several labels of one picture
NOWHERE = (
    "None of the pictures is labelled {label!r}; their labels are {others}. Choose a different label, or correct the "
    "labels of the pictures. Several labels of one picture are separated by |."
)
ASSUMED = "Pictures count as {label} if that is one of their labels, and otherwise as not {label}."


def has_label(actual: Texts, label: str, *aliases: str, known: Iterable[str] = ()) -> Mask:
    """Return which pictures (n,) have a label; DataError if none has it.

    actual: (n,) texts that hold one label or several. aliases: further names of the label, such as its number. known:
    all labels of the model; a text that is one of them, such as "crane, bird", holds no others.
    """
    wanted, whole = set(map(same_name, (label, *aliases))), set(map(same_name, known))
    having = {text: not wanted.isdisjoint(_labels_in(text, whole)) for text in set(actual.tolist())}
    if not any(having.values()):
        raise DataError(NOWHERE.format(label=label[:40], others=some(sorted(having))))
    return np.array([having[text] for text in actual.tolist()], bool)


def _labels_in(text: str, known: Container[str]) -> set[str]:
    """Return the labels that a text holds, as `same_name` spells them."""
    name = same_name(text)
    return {name} if name in known else {name, *map(same_name, SEPARATORS.split(text))}
