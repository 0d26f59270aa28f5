"""How a network's predictions changed while it learned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vitrine.files import write_files
from vitrine.parsing import file_bytes, shared_parser
from vitrine.tables import Table, as_html, as_text
from xai_core.errors import DataError, in_sentences
from xai_core.services.parsing.questions.read_history import ReadHistory
from xai_core.training.arrays import to_npz
from xai_core.training.figures import as_csv, epoch_table, instance_table
from xai_core.training.history import History
from xai_core.training.instance_flow import to_instance_flow
from xai_core.training.measures import epoch_measures, instance_measures

if TYPE_CHECKING:
    import pandas as pd


@in_sentences("Reading the history failed")
def training_history(path: str | os.PathLike[str]) -> TrainingHistory:
    """Return what a network predicted after every epoch, read from a `vitrine_logger` file, CSV or JSON.

    Raises DataError, which lists the supported formats.
    """
    place = Path(path)
    history = shared_parser().ask(ReadHistory(file_bytes(place, "history"), place.stem))
    return TrainingHistory(history, place.resolve())


class TrainingHistory:
    """Predictions for n pictures over E epochs; a notebook shows the accuracy of every epoch.

    history: the predictions, (n, E) class indices, with labels, true classes and curves.
    """

    def __init__(self, history: History, origin: Path | None = None) -> None:
        self.history, self._origin = history, origin

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed or dropped when the file was read, in sentences."""
        return self.history.notes

    @property
    def pictures(self) -> pd.DataFrame:
        """One row per picture: how often it was wrong (0 to 1), changed, was forgotten, and when it was first right."""
        numbers = np.arange(len(self.history))
        return instance_table(self.history, instance_measures(self.history), numbers)

    @property
    def epochs(self) -> pd.DataFrame:
        """One row per epoch: accuracy and churn (0 to 1), and the recorded curves."""
        return epoch_table(self.history, epoch_measures(self.history))

    def during(self, first: int, last: int) -> TrainingHistory:
        """Return the epochs from `first` to `last`, counted from 0, inclusive."""
        count = len(self.history.epochs)
        if not 0 <= first <= last < count:
            raise DataError(f"Epochs are numbered 0 to {count - 1}, the first before the last; got {first} to {last}.")
        return TrainingHistory(self.history.during(first, last), self._origin)

    def to_dataframe(self) -> pd.DataFrame:
        """Return `pictures`: one row per picture."""
        return self.pictures

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write pictures.csv, epochs.csv, history.json (InstanceFlow) and history.npz; return their paths.

        The file that was read is never overwritten: a file of its name in its folder is left out. Raises DataError.
        """
        files = {
            "pictures.csv": as_csv(self.pictures),
            "epochs.csv": as_csv(self.epochs),
            "history.json": to_instance_flow(self.history),
            "history.npz": to_npz(self.history),
        }
        return write_files(folder, files, self._origin)

    def __len__(self) -> int:
        return len(self.history)

    def __repr__(self) -> str:
        return f"{len(self)} pictures, {len(self.history.epochs)} epochs\n{as_text(self._accuracies().rows)}"

    def _repr_html_(self) -> str:
        return as_html(self._accuracies().rows)

    def _accuracies(self) -> Table:
        rows: list[dict[str, Any]] = self.epochs[["epoch", "accuracy", "churn"]].to_dict("records")
        return Table(rows)
