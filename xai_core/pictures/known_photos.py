"""Photos whose ImageNet classes are known, to find the preprocessing that a model expects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xai_core.pictures.files import Picture, open_picture


@dataclass(frozen=True)
class KnownPhoto:
    """A photo with its right ImageNet classes, counted from 0; none where no class fits."""

    title: str
    path: Path
    classes: tuple[int, ...] = ()

    def picture(self) -> Picture:
        """Return the photo as it is on disk, read once; ImageError if it cannot be opened."""
        return _opened(self.path)


@cache
def _opened(path: Path) -> Picture:
    return open_picture(path)
