"""Labelled pictures, opened one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xai_core.pictures.files import Picture
from xai_core.types import Texts
from xai_core.wording import some

EXPECTED = (
    "a zip with a folder of pictures for each class, a zip with pictures and labels.csv (file, label and any "
    "attributes), or an npz with x (n, height, width, 3) uint8 and y"
)


@dataclass(frozen=True, eq=False)
class PictureSet:
    """n labelled pictures that are opened one at a time, by number.

    name: of the set, as the user knows it. files: (n,) names of the pictures. actual: (n,) their labels. labels: all
    classes in order, including those without pictures. attributes: (n,) texts each, by name; "" where unknown.
    notes: what the user should know about the set, as sentences. opened, digests: return a picture, and the SHA-256 of
    its bytes, by its number.
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
        """Open a picture. Raises ImageError if it cannot be used."""
        return self.opened(number)

    def digest(self, number: int) -> str:
        """Return the SHA-256 of a picture's bytes, without opening it."""
        return self.digests(number)


def absent_notes(labels: Sequence[str], actual: Texts) -> list[str]:
    """Return a sentence about the classes without pictures, if there are any."""
    absent = sorted(set(labels) - set(actual.tolist()))
    return [f"There are no pictures of {some(absent)}."] if absent else []
