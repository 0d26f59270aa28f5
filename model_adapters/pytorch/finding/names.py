"""The names and shapes of a checkpoint's tensors, and the prefixes behind which a network may lie."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator

from model_adapters.pytorch.architecture_index import Shapes

LAST = "\U0010ffff"


class Names:
    """The shapes of floating-point tensors by name, in the order of the file."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = dict(shapes)
        self._sorted = sorted(shapes)
        self._place = {name: place for place, name in enumerate(shapes)}

    def under(self, prefix: str) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the tensors behind a prefix such as "model.", without it, in the order of the file."""
        first, last = bisect_left(self._sorted, prefix), bisect_left(self._sorted, prefix + LAST)
        inside = sorted(self._sorted[first:last], key=self._place.__getitem__)
        return {name[len(prefix) :]: self.shapes[name] for name in inside}

    def prefixes(self, endings: Collection[str]) -> Iterator[str]:
        """Yield each prefix once that stands before one of `endings`, such as "model." before "conv1.weight"."""
        seen: set[str] = set()
        for name in self.shapes:
            for prefix, ending in _splits(name):
                if ending in endings and prefix not in seen:
                    seen.add(prefix)
                    yield prefix


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield ("", "a.b"), ("a.", "b") for "a.b"."""
    start = 0
    while True:
        yield name[:start], name[start:]
        start = name.find(".", start) + 1
        if not start:
            return
