"""What a classifier said of the same pictures after each epoch of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.types import Indices

NO_DATA = -1
Texts = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class History:
    """Predictions of n pictures over E epochs, with K classes.

    name: what the run is called. labels: K names. predictions: (n, E) classes, -1 where there is no data. actual: (n,)
    true classes. ids: (n,) names of the pictures. epochs: E names. images: (n,) files, "" where there is none.
    curves: (E,) values by name, such as "train_loss" and "test_acc"; NaN where there is no value. notes: what was
    mended or left out on the way in.
    """

    name: str
    labels: tuple[str, ...]
    predictions: Indices
    actual: Indices
    ids: Texts
    epochs: tuple[str, ...]
    images: Texts | None = None
    curves: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.actual)

    def during(self, first: int, last: int) -> History:
        """Return the epochs from the number `first` to `last`, both among them."""
        span = slice(first, last + 1)
        curves = {name: values[span] for name, values in self.curves.items()}
        return self._with(self.predictions[:, span], slice(None), self.epochs[span], curves)

    def chosen(self, which: Any) -> History:
        """Return some of the pictures, by a mask (n,) or by numbers, in their order."""
        return self._with(self.predictions[which], which, self.epochs, self.curves)

    def _with(self, predictions: Indices, which: Any, epochs: tuple[str, ...], curves: Mapping[str, Any]) -> History:
        images = None if self.images is None else self.images[which]
        ids = self.ids[which]
        return History(self.name, self.labels, predictions, self.actual[which], ids, epochs, images, curves, self.notes)
