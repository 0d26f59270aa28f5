"""What the models share whose pictures are prepared: classifiers and segmentation networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from vitrine.model import Model
from vitrine.progress import Tell
from vitrine.runner import Runners
from xai_core.errors import ParamError
from xai_core.labels import find_class
from xai_core.preprocessing import Preprocessing
from xai_core.services.preparation import Prepared
from xai_core.services.preprocessing_guess import Candidate
from xai_core.types import Card, Indices


class PreparedModel(Model):
    """An open model whose pictures become inputs of one size."""

    def __init__(self, runners: Runners, prepared: Prepared, tell: Tell, release: Callable[[], object]) -> None:
        super().__init__(runners, prepared.source, tell, release)
        self._prepared = prepared

    @property
    def card(self) -> Card:
        """What was recognised in the model."""
        return self._prepared.card

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each class, K names."""
        return self._prepared.labels

    @property
    def preprocessing(self) -> Preprocessing:
        """How a picture becomes the model's input."""
        return self._prepared.preprocessing

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The preprocessings that were tried, the best first, each with its evidence."""
        return self._prepared.candidates

    def _targets(self, target: int | str | Iterable[int | str] | None, usual: Sequence[int]) -> Indices:
        """Return the indices of the targets. usual: the classes if `target` is None."""
        if target is None:
            return np.array(usual, np.int64)
        wanted = [target] if isinstance(target, int | str | np.integer) else list(target)
        if not wanted:
            raise ParamError("The list of targets is empty; give a class, or leave target out for the predicted one.")
        return np.array([find_class(label, self.labels) for label in wanted], np.int64)
