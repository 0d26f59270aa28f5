"""What a segmentation network says about a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vitrine.drawing import as_png, shown_at
from vitrine.regions import as_region, label_map_in
from vitrine.tables import Table
from xai_core.errors import DataError
from xai_core.pictures.files import Picture
from xai_core.pictures.label_maps import VOID, LabelMap
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.drawing import tinted
from xai_core.segmentation.overlap import ClassOverlap, compare
from xai_core.segmentation.regions import Region
from xai_core.segmentation.segments import Segmentation


class Segments(Table):
    """The classes of a picture's pixels, the largest first.

    A row has the class's label and index, its share of the pixels and its mean probability there, both in 0..1.
    """

    def __init__(
        self, picture: Picture, labels: tuple[str, ...], preprocessing: Preprocessing, segmentation: Segmentation
    ) -> None:
        self.picture, self.labels, self.preprocessing = picture, labels, preprocessing
        self.segmentation = segmentation
        super().__init__([self._row(segment) for segment in segmentation.segments])

    @property
    def classes(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """The class of each pixel as the model sees the picture, (H, W) int32; -1 where no class reaches one half."""
        return self.segmentation.classes

    @property
    def main(self) -> int:
        """The class that covers most of the picture, other than the background if there is any other."""
        return self.segmentation.main(self.labels)

    def region(self, index: int, wanted: Any = None) -> Region:
        """Return the region that `Segmenter.explain` takes as `region`, for the class `index`."""
        return as_region(wanted, index, self.labels, self.segmentation, self.preprocessing, self.picture)

    def compare(self, label_map: Any) -> Comparison:
        """Return how well this agrees with the true class of each pixel.

        label_map: an array (h, w) of class numbers, or the path of a PNG that holds them as gray values or a palette;
        255 marks pixels to ignore. Raises DataError if it does not fit.
        """
        size = self.picture.pixels.shape[0], self.picture.pixels.shape[1]
        overlap = compare(self.classes, _label_map(label_map), self.labels, self.preprocessing, size)
        return Comparison(overlap.accuracy, overlap.mean_iou, overlap.classes, overlap.notes, self.labels)

    def drawn(self) -> Image.Image:
        """Return the picture as the model sees it, tinted by its classes."""
        return Image.fromarray(tinted(self.preprocessing.view(self.picture.pixels), self.classes, self.labels))

    def _repr_png_(self) -> bytes:
        return as_png(shown_at(self.drawn()))

    def _row(self, segment: Any) -> dict[str, Any]:
        return {
            "label": self.labels[segment.index],
            "index": segment.index,
            "share": segment.share,
            "probability": segment.probability,
        }


class Comparison(Table):
    """How well a segmentation agrees with a label map: one row per class that is present, true or predicted.

    accuracy: share of the pixels with the right class. mean_iou: intersection over union, the mean of the rows. notes:
    sentences.
    """

    def __init__(
        self,
        accuracy: float,
        mean_iou: float,
        classes: tuple[ClassOverlap, ...],
        notes: tuple[str, ...],
        labels: tuple[str, ...],
    ) -> None:
        self.accuracy, self.mean_iou, self.notes = accuracy, mean_iou, notes
        super().__init__([_overlap(overlap, labels) for overlap in classes if overlap.iou is not None])


def _label_map(label_map: Any) -> LabelMap:
    if not isinstance(label_map, np.ndarray):
        return label_map_in(Path(label_map))
    if label_map.ndim != 2 or label_map.dtype.kind not in "iub" or not np.isin(label_map, range(VOID + 1)).all():
        raise DataError("A label map is an array (h, w) of class numbers from 0 to 255; 255 marks pixels to ignore.")
    return label_map.astype(np.uint8)


def _overlap(overlap: ClassOverlap, labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "label": labels[overlap.index],
        "index": overlap.index,
        "iou": overlap.iou,
        "true_share": overlap.true_share,
        "predicted_share": overlap.predicted_share,
    }
