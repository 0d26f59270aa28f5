"""Tell from output shapes whether a network is a classifier, a detector or a segmentation network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xai_core.errors import TryAsClassifier, TryAsDetector, TryAsSegmenter, UnsupportedModel
from xai_core.preprocessing import MOST_BANDS

Shape = tuple[int | None, ...]
Outputs = Mapping[str, Any]  # arrays, by the names that a graph gives its outputs
CLASSIFIER = "This model labels the whole picture (a classifier)."
BOX = 4  # numbers
FINEST = 8  # segmentation answers at an eighth of the input or finer, detectors on coarser grids


def is_score_row(shape: Shape) -> bool:
    """Whether a shape is one score per class: (N, K), with or without further sides of 1."""
    return len(shape) >= 2 and sum(size != 1 for size in shape[1:]) <= 1


def check_no_boxes(shapes: Sequence[Shape]) -> None:
    """Raise TryAsDetector if outputs are boxes (N, n, 4) with a label and a score for each."""
    for shape in shapes:
        if len(shape) == 3 and shape[-1] == BOX and list(shapes).count(shape[:-1]) > 1:
            sizes = ", ".join(shown(each) for each in shapes[:4])
            raise TryAsDetector(f"This model gives boxes with labels and scores ({sizes}), as detectors do.")


def is_depth(size: int | None, sides: Sequence[int | None]) -> bool:
    """Whether the size of an axis may be a number of channels, beside the height and width of a picture."""
    return size is not None and 1 <= size <= MOST_BANDS and all(side is None or size < side for side in sides)


def shown(shape: Shape) -> str:
    """Return a shape as text, such as "?x3x224x224"."""
    return "x".join("?" if size is None else str(size) for size in shape)


def not_a_classifier(shapes: Sequence[Shape], side: int) -> UnsupportedModel:
    """Return the error for a network with these output shapes, whose input is `side` pixels high."""
    sizes = ", ".join(shown(shape) for shape in shapes[:4])
    if len(set(shapes)) == 1 and len(shapes[0]) == 4 and _is_fine(shapes[0], side):
        return TryAsSegmenter(f"This model labels every pixel (its output is {sizes}).")
    if all(is_score_row(shape) for shape in shapes):
        return UnsupportedModel(
            f"This model gives {len(shapes)} rows of scores ({sizes}); expected one. Save it with one."
        )
    return TryAsDetector(f"This model gives {sizes} instead of one score a class, as detectors do.")


def not_a_detector(shapes: Sequence[tuple[int, ...]], side: int) -> UnsupportedModel | None:
    """Return the error for outputs that no detector gives, for an input `side` pixels high; else None."""
    if shapes and all(is_score_row(shape) for shape in shapes):
        return TryAsClassifier(CLASSIFIER)
    if len(shapes) == 1 and len(shapes[0]) == 4 and _is_fine(shapes[0], side):
        return TryAsSegmenter(f"This model labels every pixel (its output is {shown(shapes[0])}) and draws no boxes.")
    return None


def _is_fine(shape: Shape, side: int) -> bool:
    grid = sorted(size or side for size in shape[1:])[-2:]
    return min(grid) * FINEST >= side
