"""Repair a table of predictions on request: leave out unusable rows, reconcile the spelling of class names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from xai_core.bias.predictions import Mask
from xai_core.params import Declared, params_of
from xai_core.types import Doubles, Texts
from xai_core.wording import some

SHOWN_ROWS = 5
SEPARATORS = {"|": any, ";": any, ",": all, "/": all, "+": all}  # how many parts must be classes of their own


@dataclass(frozen=True, kw_only=True)
class Repairs(Declared):
    """What is repaired while a table is read."""

    percent: Annotated[bool, "Probabilities are percentages, from 0 to 100; they are divided by 100."] = False
    leave_out_rows: Annotated[
        bool,
        "Leave out rows without a class, and rows with a probability that is missing, negative or not a number. They "
        "are counted.",
    ] = False
    reconcile_names: Annotated[
        bool, "Treat class names that differ only in case, spaces or underscores as the same class."
    ] = False


Repairs.id, Repairs.title, Repairs.params = "table", "Table", params_of(Repairs)


@dataclass(frozen=True, eq=False)
class Unusable:
    """Rows (n,) that cannot be used. no_class: without a true or predicted class. no_probability: with a bad one."""

    no_class: Mask
    no_probability: Mask

    @property
    def rows(self) -> Mask:
        return self.no_class | self.no_probability

    def in_words(self) -> str:
        """Say how many rows there are of each kind, and which come first."""
        kinds = {"without a class": self.no_class, "with a bad probability": self.no_probability & ~self.no_class}
        parts = [f"{int(rows.sum()):,} {kind} ({_which(rows)})" for kind, rows in kinds.items() if rows.any()]
        return " and ".join(parts)


def unusable(actual: Texts, guessed: Texts | None, raw: Doubles | None) -> Unusable:
    """Find the rows without a class or with a bad probability; raw: (n, K), None without probabilities."""
    no_class = np.asarray([not text for text in actual.tolist()], bool)
    if guessed is not None:
        no_class |= np.asarray([not text for text in guessed.tolist()], bool)
    bad: Mask = np.zeros(len(actual), bool)
    if raw is not None:
        good = np.isfinite(raw).all(axis=1) & (raw >= 0).all(axis=1) & (raw > 0).any(axis=1)
        bad = np.asarray(~good, bool)
    return Unusable(no_class, bad)


def same_name(name: str) -> str:
    """Return what the spellings of a class name have in common: the words without case, spaces and underscores."""
    return " ".join(name.replace("_", " ").split()).casefold()


def spellings(actual: Texts, guessed: Texts | None, labels: Iterable[str]) -> dict[str, str]:
    """Return class names that differ from another one only in case, spaces or underscores, with the spelling to use.

    labels: the names that probabilities or a list of classes give, which are preferred to the commonest true one.
    Where two labels, or two true classes that are predicted too, differ only so, as the letters a and A do, they stay.
    """
    listed, counts = list(labels), Counter(actual.tolist())
    predicted = set() if guessed is None else set(guessed.tolist())
    names = {*listed, *counts, *predicted} - {""}
    kept = Counter(map(same_name, {*listed} or {*counts} & predicted))
    right = {same_name(name): name for name, _ in reversed(counts.most_common()) if name}
    right |= {same_name(name): name for name in listed}
    pairs = {name: right.get(same_name(name), name) for name in sorted(names) if kept[same_name(name)] < 2}
    return {name: best for name, best in pairs.items() if name != best}


def respelt(texts: Texts, names: dict[str, str]) -> Texts:
    """Return class names in the spelling to use."""
    return np.array([names.get(text, text) for text in texts.tolist()], np.str_)


def several_labels(actual: Texts, labels: Iterable[str]) -> str | None:
    """Say that cells hold several labels, such as cat|dog where cat is a class too; None if none does."""
    counts, known = Counter(actual.tolist()), {*labels, *actual.tolist()}
    for sign, enough in SEPARATORS.items():
        joint = [t for t in counts if sign in t and enough(part.strip() in known for part in t.split(sign))]
        if joint:
            rows = sum(counts[text] for text in joint)
            return (
                f"{rows:,} rows have several labels in one cell, such as {joint[0][:40]!r}. Each combination counts as "
                "a class of its own, so such rows are rarely right. Give one label per row."
            )
    return None


def _which(rows: Mask) -> str:
    numbers = [str(row + 1) for row in np.flatnonzero(rows)[: SHOWN_ROWS + 1]]
    return f"row {numbers[0]}" if len(numbers) == 1 else f"rows {some(numbers)}"
