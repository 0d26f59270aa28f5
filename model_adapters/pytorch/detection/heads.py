"""The heads of a torchvision detector: from feature maps to boxes, each identified by its row.

A row is the index of the proposal or anchor that a box came from. Classes are numbered as in the module, including
the background, until boxes become detections.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_adapters.pytorch.architectures import import_torchvision_models

Features = Mapping[str, Any]  # (N, K, h, w) of each level


@dataclass(frozen=True, eq=False)
class Outputs:
    """The heads' outputs for one image, before any selection.

    logits: (R, C). deltas: (R, 4) or (R, 4 C), relative to `places` (R, 4), proposals or anchors in pixels of the
    inputs. centred: (R, 1) logits of FCOS' centre-ness. counts: rows of each level, if the heads need them.
    """

    logits: Any
    deltas: Any
    places: Any
    centred: Any = None
    counts: tuple[int, ...] = ()

    def chosen(self, rows: Any) -> Outputs:
        """Return the given rows, by index."""
        centred = None if self.centred is None else self.centred[rows]
        return Outputs(self.logits[rows], self.deltas[rows], self.places[rows], centred)


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes of one image: corners (n, 4) in pixels of the inputs, labels (n,), scores (n,), rows (n,)."""

    corners: Any
    labels: Any
    scores: Any
    rows: Any

    def chosen(self, which: Any) -> Boxes:
        """Return a selection of the boxes, by a mask or by indices."""
        return Boxes(self.corners[which], self.labels[which], self.scores[which], self.rows[which])


class Heads(ABC):
    """The heads of a detector; they read the module without changing it.

    Source of every step: torchvision.models.detection, whose boxes and scores they reproduce.
    """

    def __init__(self, module: Any) -> None:
        self.module = module

    @abstractmethod
    def everywhere(self, maps: list[Any]) -> Features:
        """Return, by name, the maps computed at every place of the levels (N, K, h, w), before they become boxes."""

    @abstractmethod
    def outputs(self, features: Features, inputs: Any, everywhere: Features | None = None) -> list[Outputs]:
        """Return the heads' outputs for each image. inputs: the ImageList that the features were computed from.

        everywhere: the result of `everywhere` for the features, if already computed.
        """

    @abstractmethod
    def scores(self, outputs: Outputs) -> Any:
        """Return the probability of each class (R, C), including the background."""

    @abstractmethod
    def candidates(self, outputs: Outputs, size: tuple[int, int], floor: float) -> Boxes:
        """Return the boxes of all classes with a score above `floor`, before overlaps are removed.

        size: height and width of the image among the inputs, without padding.
        """

    @abstractmethod
    def again(self, features: Features, inputs: Any, outputs: Outputs, row: int) -> Outputs:
        """Recompute the outputs of one row from feature maps that have a gradient."""

    @abstractmethod
    def decoded(self, outputs: Outputs, rows: Any, labels: Any) -> Any:
        """Return the corners (n, 4) of rows (n,) as boxes of classes (n,), not clipped to the image."""

    def settle(self, features: Features, size: tuple[int, int]) -> None:
        """Fix what is the same for all pictures, from the features of a picture of `size`, without padding."""
        return

    @property
    @abstractmethod
    def columns(self) -> int:
        """Number of classes, including the background."""

    @property
    @abstractmethod
    def overlap(self) -> float:
        """Of two boxes of a class that overlap more than this, only the better one is kept."""

    @property
    @abstractmethod
    def most_boxes(self) -> int:
        """Maximum number of boxes per image."""

    @property
    @abstractmethod
    def background(self) -> bool:
        """Whether the first class is the background."""

    def detections(self, outputs: Outputs, size: tuple[int, int], floor: float) -> Boxes:
        """Return the boxes found in one image, the best first, as torchvision finds them."""
        return self.suppressed(self.candidates(outputs, size, floor)).chosen(slice(self.most_boxes))

    def suppressed(self, boxes: Boxes) -> Boxes:
        """Return the boxes left after suppressing overlaps within a class, the best first."""
        return boxes.chosen(box_ops().batched_nms(boxes.corners, boxes.scores, boxes.labels, self.overlap))


def named(maps: Any) -> Features:
    """Return a backbone's output as levels by name, even if there is only one."""
    return dict(maps) if isinstance(maps, Mapping) else {"0": maps}


def box_ops() -> Any:
    """Return torchvision.ops.boxes."""
    import_torchvision_models()
    from torchvision.ops import boxes

    return boxes
