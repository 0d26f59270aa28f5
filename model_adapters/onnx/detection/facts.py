"""What the metadata of a detector's graph says about its outputs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from math import prod
from typing import Any

from model_adapters.common.output_shapes import Outputs
from model_adapters.onnx.graph import class_names
from model_adapters.onnx.target_sizes import has_fixed_sizes

MASKS = "Its masks are ignored; boxes are detected and explained."
KEYPOINTS = "Its keypoints are ignored; boxes are detected and explained."
ANGLE = "Its boxes are rotated; they are drawn upright, with the same centre, width and height."
MOST_KEYPOINTS = 1000  # numbers a box


@dataclass(frozen=True)
class Facts:
    """What a file says about itself.

    names: lists of class names, most likely first. task: as Ultralytics calls it, such as "segment"; "" if the file
    does not say. keypoints: how many numbers describe the keypoints of a box. fixed_sizes: whether it took the size of
    the picture as a second input, as RT-DETR does.
    """

    names: tuple[tuple[str, ...], ...] = ()
    task: str = ""
    keypoints: int = 0
    fixed_sizes: bool = False

    @property
    def classes(self) -> int:
        """The number of class names, 0 if there are none."""
        return len(self.names[0]) if self.names else 0

    def beyond_scores(self, outputs: Outputs) -> tuple[int, str]:
        """Return how many numbers of each box are neither its place nor scores, and a sentence about them."""
        masks = [value.shape[1] for value in outputs.values() if value.ndim == 4]
        if len(masks) == 1 and self.task in ("", "segment"):
            return masks[0], MASKS
        if self.task == "pose" and self.keypoints:
            return self.keypoints, KEYPOINTS
        return (1, ANGLE) if self.task == "obb" else (0, "")


def facts_of(model: Any) -> Facts:
    """Return what the metadata of a graph says; everything in it may be missing or wrong."""
    entries = {entry.key: entry.value for entry in model.metadata_props}
    ultralytics = "ultralytics" in entries.get("author", "").lower()
    return Facts(
        names=tuple(names for names in class_names(model) if names),
        task=entries.get("task", "").lower()[:20] if ultralytics else "",
        keypoints=_keypoints(entries.get("kpt_shape", "")),
        fixed_sizes=has_fixed_sizes(model),
    )


def _keypoints(text: str) -> int:
    try:
        shape = ast.literal_eval(text[:100])
        count = prod(int(size) for size in shape)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, OverflowError):
        return 0
    return count if 0 < count <= MOST_KEYPOINTS else 0
