"""What a classifier says about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vitrine.tables import Table, as_html, as_text
from xai_core.types import Floats

if TYPE_CHECKING:
    import pandas as pd

BEST = 5


class Predictions:
    """The scores of N pictures for K classes.

    pictures: N names. labels: K names. probabilities: (N, K) float32 in 0..1. logits: (N, K) float32, before the
    softmax or sigmoid; None for a model whose logits are not accessible.
    """

    def __init__(
        self, pictures: Sequence[str], labels: Sequence[str], probabilities: Floats, logits: Floats | None
    ) -> None:
        self.pictures, self.labels = tuple(pictures), tuple(labels)
        self.probabilities, self.logits = probabilities, logits

    @property
    def predicted(self) -> tuple[str, ...]:
        """The most probable class of each picture, N names."""
        return tuple(self.labels[int(row.argmax())] for row in self.probabilities)

    def top(self, count: int = BEST) -> Table:
        """Return the most probable classes of each picture, the best first: one row per picture and class.

        A row has the picture's name, the class's label and index, its probability in 0..1, and its logit if there is
        one.
        """
        return Table([row for position in range(len(self)) for row in self._best(position, count)])

    def to_dataframe(self) -> pd.DataFrame:
        """Return the probabilities as a pandas DataFrame: one row per picture, one column per class."""
        import pandas as pd

        return pd.DataFrame(self.probabilities, index=list(self.pictures), columns=list(self.labels))

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        return as_text(self.top().rows)

    def _repr_html_(self) -> str:
        return as_html(self.top().rows)

    def _best(self, position: int, count: int) -> list[dict[str, Any]]:
        scores = self.probabilities[position]
        best = np.argsort(-scores, kind="stable")[:count]
        return [self._row(position, int(index)) for index in best]

    def _row(self, position: int, index: int) -> dict[str, Any]:
        row = {
            "picture": self.pictures[position],
            "label": self.labels[index],
            "index": index,
            "probability": float(self.probabilities[position, index]),
        }
        return row if self.logits is None else row | {"logit": float(self.logits[position, index])}
