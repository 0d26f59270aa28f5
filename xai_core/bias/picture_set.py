"""Labelled pictures as they lie ready to be opened, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xai_core.bias.reading import some, take
from xai_core.bias.table_files import Column, texts_of
from xai_core.errors import DataError
from xai_core.pictures.files import Picture
from xai_core.types import Texts

EXPECTED = (
    "a zip with a folder of pictures for each class, a zip with pictures and labels.csv (file, label and any "
    "attributes), or an npz with x (n, height, width, 3) uint8 and y"
)


@dataclass(frozen=True, eq=False)
class PictureSet:
    """n labelled pictures that are opened one at a time, by number.

    name: what the person calls it. files: (n,) names of the pictures. actual: (n,) the label of each. labels: all
    classes in order, also those without pictures. attributes: (n,) texts each, by name; "" where one is not known.
    notes: what should be known of the set, in sentences. opened, digests: how a picture is opened by its number, and
    how the SHA-256 of its bytes is found.
    """

    name: str
    files: Texts
    actual: Texts
    labels: tuple[str, ...]
    attributes: Mapping[str, Texts]
    notes: tuple[str, ...]
    opened: Callable[[int], Picture]
    digests: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.files)

    def picture(self, number: int) -> Picture:
        """Open a picture; ImageError, in one sentence, where it can not be used."""
        return self.opened(number)

    def digest(self, number: int) -> str:
        """Return the SHA-256 of a picture's bytes, without opening it."""
        return self.digests(number)


def labels_of(columns: Mapping[str, Column], names: Sequence[str], used: set[str]) -> Texts:
    """Return the label of each row from the first column of those names, and count it as used.

    Raises DataError where there is no such column, or a row has no label.
    """
    found = take(columns, [name.casefold() for name in names], used)
    if found is None:
        known = ", ".join(one for one in columns if one not in used) or "none"
        raise DataError(f"There is no column called {names[0]!r}. Say which of these holds the classes: {known}.")
    actual = texts_of(found)
    if (actual == "").any():
        raise DataError(f"Row {int(np.argmax(actual == '')) + 1} has no label. Give it one, or take it out.")
    return actual


def absent_notes(labels: Sequence[str], actual: Texts) -> list[str]:
    """Return a sentence about the classes without pictures, where there are any."""
    absent = sorted(set(labels) - set(actual.tolist()))
    return [f"There is no picture of {some(absent)}."] if absent else []
