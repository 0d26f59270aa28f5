"""Where a classifier is unfair: figures by class and by group, from a table of its predictions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitrine.files import Labels, label_names, labels_in, write_files
from vitrine.parsing import file_bytes, shared_parser
from vitrine.tables import Table, as_html, as_text
from xai_core.bias.metrics import metrics
from xai_core.bias.page import page
from xai_core.bias.predictions import Predictions
from xai_core.bias.predictions_file import PREDICTIONS, predictions_csv
from xai_core.bias.proposal import Proposal
from xai_core.bias.repairs import Repairs
from xai_core.bias.settings import Attack, Settings
from xai_core.bias.tables import csv_tables, plain_tables
from xai_core.errors import DataError, JobError, ParamError, in_sentences
from xai_core.labels import find_class
from xai_core.params import Declared
from xai_core.report import json_bytes
from xai_core.services.parsing.question import FileQuestion
from xai_core.services.parsing.questions.propose_columns import ProposeColumns
from xai_core.services.parsing.questions.read_predictions import ReadPredictions

if TYPE_CHECKING:
    import pandas as pd

Ask = Callable[[FileQuestion[Any]], Any]
PAGE, METRICS, GUESS = "bias.html", "metrics.json", "guess"


class UnclearTable(DataError):
    """A table whose columns or rows cannot be used as they are. proposal: how it may be read."""

    def __init__(self, sentence: str, proposal: Proposal) -> None:
        super().__init__(sentence)
        self.proposal = proposal


@in_sentences("Looking for bias failed")
def bias(
    table: Any,
    *,
    attributes: str | Iterable[str] = (),
    positive: int | str | None = None,
    labels: Labels | None = None,
    normalise: bool = False,
    columns: Mapping[str, str] | str = {},
    seed: int = 0,
    **settings: Any,
) -> Bias:
    """Return the figures of a table of predictions, by class and by group of pictures.

    table: a CSV, xlsx, JSON, parquet or npz file, or a pandas DataFrame, with the columns y_true, y_pred or
    prob_<class>, and further columns that define groups. attributes: those columns; two are also crossed. positive:
    the class whose rates, against the rest, are compared between groups; chosen by default. labels: the class names,
    as a file or a sequence in index order. normalise: whether to scale rows of probabilities to sum to 1. columns: the
    table's name for y_true, y_pred, file and prob_<class> where it differs, such as {"y_true": "True Label"}, or
    "guess" to accept what is proposed. seed: for the bootstrap, 0 to 9999. settings: by name, those of
    xai_core.bias.settings.Settings (bootstrap_samples, stratify_by, interval_level, group_minimum,
    leave_out_small_groups, compare_missing, classes_shown), of Attack (attacker) and of
    xai_core.bias.repairs.Repairs (percent, leave_out_rows, reconcile_names).
    Raises DataError for a table that cannot be read, which is an UnclearTable with a proposal if its columns can be
    chosen; ParamError for a setting out of its range.
    """
    figures, attack, repairs = _chosen(settings)
    predictions = _read(table, _names(labels), normalise, columns, repairs)
    names = [attributes] if isinstance(attributes, str) else list(dict.fromkeys(attributes))
    chosen = None if positive is None else find_class(positive, predictions.labels)
    origin = Path(table).resolve() if isinstance(table, str | os.PathLike) else None
    return Bias(predictions, metrics(predictions, names, chosen, figures, attack, seed), origin)


class Bias:
    """Figures of a classifier's predictions; a notebook shows the overview.

    predictions: what the table holds. figures: everything as plain JSON values in full precision, None where a figure
    is undefined: summary, classes, confusion, groups, leakage, heads, calibration.
    """

    def __init__(self, predictions: Predictions, figures: Mapping[str, Any], origin: Path | None = None) -> None:
        self.predictions, self.figures, self._origin = predictions, figures, origin

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed or left out when the table was read, in sentences."""
        return self.predictions.notes

    @property
    def summary(self) -> Table:
        """The overview: one row per figure with its interval, shares from 0 to 1."""
        return Table([{"figure": name, **values} for name, values in self.figures["summary"].items()])

    @property
    def classes(self) -> Table:
        """One row per class."""
        return Table(self.figures["classes"])

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables that `to_dataframe` accepts: "classes", "groups_<attribute>", "fairness", ..."""
        return tuple(plain_tables(self.figures))

    def to_dataframe(self, table: str = "summary") -> pd.DataFrame:
        """Return one of `tables` as a pandas DataFrame; DataError if no table has that name.

        Undefined figures are NaN or None; names are as they are in the predictions.
        """
        import pandas as pd

        tables = plain_tables(self.figures)
        if table not in tables:
            raise DataError(f"There is no table called {table!r}; there are {', '.join(tables)}.")
        columns, *rows = tables[table]
        return pd.DataFrame(rows, columns=columns)

    def page(self, title: str = "") -> str:
        """Return a self-contained HTML page with all figures."""
        return page([dict(self.figures)], title or f"Bias of {self.predictions.name}")

    def files(self, title: str = "") -> dict[str, bytes]:
        """Return the files that `save` writes, by name: metrics.json, one CSV per table, bias.html, predictions.csv."""
        texts = csv_tables(self.figures) | {PAGE: self.page(title), PREDICTIONS: predictions_csv(self.predictions)}
        return {METRICS: json_bytes(self.figures)} | {name: text.encode() for name, text in texts.items()}

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write metrics.json, the tables as CSV, bias.html and predictions.csv into a folder; return their paths.

        The table that the figures come from is never overwritten: a file of its name in its folder is left out.
        Raises DataError.
        """
        return write_files(folder, self.files(), self._origin)

    def __repr__(self) -> str:
        return as_text(self.summary.rows)

    def _repr_html_(self) -> str:
        return as_html(self.summary.rows)


def _read(
    table: Any, labels: Sequence[str] | None, normalise: bool, columns: Mapping[str, str] | str, repairs: Repairs
) -> Predictions:
    names = None if labels is None else tuple(labels)
    data, name, ask = _opened(table)
    if isinstance(columns, str) and columns != GUESS:
        raise ParamError(f'columns is {GUESS!r} or a mapping such as {{"y_true": "True Label"}}; got {columns!r}.')
    roles = {} if isinstance(columns, str) else columns
    if isinstance(columns, str):
        proposal: Proposal = ask(ProposeColumns(data, names or (), {}, repairs))
        roles, repairs = proposal.roles, proposal.repairs
    try:
        predictions: Predictions = ask(ReadPredictions(data, name, names, normalise, roles, repairs))
    except DataError as error:
        raise _with_proposal(error, ask, ProposeColumns(data, names or (), roles, repairs)) from error
    return predictions


def _opened(table: Any) -> tuple[bytes, str, Ask]:
    """Return the bytes of a table's file, its name, and what answers questions about it: for a file, the parser."""
    if isinstance(table, str | os.PathLike):
        return file_bytes(Path(table), "table"), Path(table).name, shared_parser().ask
    if hasattr(table, "to_csv"):
        text: str = table.to_csv(index=False)
        return text.encode(), "table.csv", lambda question: question.answer()
    raise DataError(f"Expected the path of a table or a pandas DataFrame; got {type(table).__name__}.")


def _with_proposal(error: DataError, ask: Ask, question: ProposeColumns) -> DataError:
    """Return an error that says what may be read instead, if the file is a table and was not too much to read."""
    if isinstance(error.__cause__, JobError):
        return error
    try:
        return UnclearTable(str(error), ask(question))
    except DataError:
        return error


def _names(labels: Labels | None) -> tuple[str, ...] | None:
    if isinstance(labels, str | os.PathLike):
        return labels_in(Path(labels))
    return None if labels is None else label_names(labels)


def _chosen(values: Mapping[str, Any]) -> tuple[Settings, Attack, Repairs]:
    """Split settings by name into those of the figures, of the attack and of reading the table."""
    known: Sequence[type[Declared]] = (Settings, Attack, Repairs)
    names = {param.name for declared in known for param in declared.params}
    if unknown := sorted(set(values) - names):
        raise ParamError(f"There is no setting {unknown[0]!r}; there are {', '.join(sorted(names))}.")
    own, attacks, repairs = (
        {p.name: values[p.name] for p in declared.params if p.name in values} for declared in known
    )
    return Settings.fitted(None, own), Attack.fitted(None, attacks), Repairs.fitted(None, repairs)
