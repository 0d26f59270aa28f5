"""What a classifier says about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vitrine.tables import Table, as_html, as_text
from xai_core.errors import MissingCapability
from xai_core.scores import NO_PROBABILITY, THRESHOLD, has_probabilities, is_multi_label, predicted
from xai_core.trust.honesty import all_alike
from xai_core.types import Card, Floats

if TYPE_CHECKING:
    import pandas as pd

BEST = 5


class Predictions:
    """The scores of N pictures for K classes.

    pictures: N names. labels: K names. scores: (N, K) float32: probabilities in 0..1, or the numbers or
    similarities that the model outputs. logits: (N, K) float32, before the softmax or sigmoid; None if the model has no
    logits or they are not accessible. card: what is known about the model. threshold: the lowest probability of a
    predicted class, if several may be right.
    """

    def __init__(
        self,
        pictures: Sequence[str],
        labels: Sequence[str],
        scores: Floats,
        logits: Floats | None,
        card: Card,
        threshold: float = THRESHOLD,
    ) -> None:
        self.pictures, self.labels = tuple(pictures), tuple(labels)
        self.scores, self.logits, self.threshold = scores, logits, threshold
        self._card = card

    @property
    def probabilities(self) -> Floats:
        """The probabilities (N, K) in 0..1; MissingCapability if the outputs are numbers or similarities."""
        if not has_probabilities(self._card):
            raise MissingCapability(f"{NO_PROBABILITY[self._card.head]} Use scores.")
        return self.scores

    @property
    def several(self) -> bool:
        """Whether several classes, or none, may be right at once."""
        return is_multi_label(self._card)

    @property
    def warning(self) -> str:
        """What to know before trusting the predictions, as a sentence; "" if nothing speaks against them."""
        return all_alike(list(self.scores), self.labels, self._card)

    @property
    def predicted(self) -> tuple[str, ...]:
        """The most probable class of each picture, N names."""
        return tuple(self.labels[int(row.argmax())] for row in self.probabilities)

    @property
    def predicted_classes(self) -> tuple[tuple[str, ...], ...]:
        """The predicted classes of each picture, the best first.

        If several classes may be right, all that reach the threshold, possibly none; otherwise the most probable one.
        """
        return tuple(
            tuple(self.labels[n] for n in predicted(row, self._card, self.threshold)) for row in self.probabilities
        )

    def top(self, count: int = BEST) -> Table:
        """Return the most probable classes of each picture, the best first: one row per picture and class.

        A row has the picture's name, the class's label and index, its probability in 0..1, and its logit if there is
        one; or its value, if outputs are numbers or similarities.
        """
        return Table([row for position in range(len(self)) for row in self._best(position, count)])

    def to_dataframe(self) -> pd.DataFrame:
        """Return the scores as a pandas DataFrame: one row per picture, one column per class."""
        import pandas as pd

        return pd.DataFrame(self.scores, index=list(self.pictures), columns=list(self.labels))

    def __len__(self) -> int:
        return len(self.pictures)

    def __repr__(self) -> str:
        return as_text(self.top().rows)

    def _repr_html_(self) -> str:
        return as_html(self.top().rows)

    def _best(self, position: int, count: int) -> list[dict[str, Any]]:
        scores = self.scores[position]
        best = np.argsort(-scores, kind="stable")[:count]
        return [self._row(position, int(index)) for index in best]

    def _row(self, position: int, index: int) -> dict[str, Any]:
        row = {
            "picture": self.pictures[position],
            "label": self.labels[index],
            "index": index,
            "probability" if has_probabilities(self._card) else "value": float(self.scores[position, index]),
        }
        return row if self.logits is None else row | {"logit": float(self.logits[position, index])}
