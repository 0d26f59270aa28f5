"""Propose what the columns of a table of predictions mean, and try it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from xai_core.bias.columns import PREDICTED_CLASS, PROBABILITY, TRUE_CLASS, with_roles
from xai_core.bias.likeness import Guess, guessed
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.proposal import Proposal, Rows
from xai_core.bias.reading import full_table, predictions_of, spellings_of, unusable_rows
from xai_core.bias.repairs import Repairs, Unusable
from xai_core.bias.table_files import Table, texts_of
from xai_core.errors import DataError

MOST_PROBABLE = f"{PREDICTED_CLASS} (most probable)"
PREVIEW_ROWS, PREVIEW_COLUMNS, LONGEST_CELL = 5, 8, 40


def propose(
    data: bytes,
    labels: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
    repairs: Repairs | None = None,
    *,
    guess: bool = True,
) -> Proposal:
    """Propose how to read a table, and try it. Raises DataError if the file is not a table.

    roles, repairs: what was chosen. guess: whether to guess the other roles, and whether probabilities are
    percentages.
    """
    table, chosen = full_table(data), repairs or Repairs()
    made = guessed(table, labels, roles) if guess else Guess(dict(roles or {}), chosen.percent)
    chosen = replace(chosen, percent=chosen.percent or made.percent)
    proposal = Proposal(tuple(table.columns), made.roles, chosen, tuple(made.reasons))
    try:
        named = with_roles(table, made.roles)
        proposal = _with_classes(proposal, named, labels)
        proposal = _with_doubts(proposal, table, named, labels)
        predictions = predictions_of(named, "", labels, repairs=chosen)
    except DataError as error:
        return replace(proposal, fault=str(error))
    right = float((predictions.truth == predictions.predicted).mean())
    preview = preview_of(predictions, by_probability=PREDICTED_CLASS not in made.roles)
    return replace(proposal, classes=predictions.labels, pictures=len(predictions), accuracy=right, preview=preview)


def preview_of(predictions: Predictions, by_probability: bool = False) -> Rows:
    """Return the first rows of predictions as texts, after a row of names; only the first columns.

    by_probability: whether no column names the predicted class, so that it is the most probable one.
    """
    labels = predictions.labels
    columns = {
        TRUE_CLASS: [labels[n] for n in predictions.truth[:PREVIEW_ROWS]],
        MOST_PROBABLE if by_probability else PREDICTED_CLASS: [labels[n] for n in predictions.predicted[:PREVIEW_ROWS]],
    }
    if predictions.probabilities is not None:
        shown = zip(labels, predictions.probabilities[:PREVIEW_ROWS].T, strict=True)
        columns |= {f"{PROBABILITY}{label}": [f"{p:.3f}" for p in values] for label, values in list(shown)[:3]}
    columns |= {name: values[:PREVIEW_ROWS].tolist() for name, values in predictions.attributes.items()}
    return _rows({name: list(map(str, values)) for name, values in columns.items()})


def _with_classes(proposal: Proposal, named: Table, labels: Sequence[str]) -> Proposal:
    columns = [named.columns[role] for role in (TRUE_CLASS, PREDICTED_CLASS) if role in named.columns]
    occurring = {text for column in columns for text in texts_of(column).tolist()} - {""}
    return replace(proposal, classes=tuple(labels) or tuple(sorted(occurring)))


def _with_doubts(proposal: Proposal, table: Table, named: Table, labels: Sequence[str]) -> Proposal:
    """Add the rows that cannot be used and the class names that differ in spelling, as far as they can be found."""
    odd = spellings_of(named, labels)
    bad = unusable_rows(named, labels, replace(proposal.repairs, reconcile_names=True))
    return replace(
        proposal,
        spellings=odd,
        unusable=int(bad.rows.sum()),
        which=bad.in_words(),
        dropped=_dropped(proposal, table, bad),
    )


def _dropped(proposal: Proposal, table: Table, bad: Unusable) -> Rows:
    if not bad.rows.any():
        return ()
    places: Mask = np.zeros(len(bad.rows), bool)
    places[np.flatnonzero(bad.rows)[:PREVIEW_ROWS]] = True
    first = [*proposal.roles.values(), *table.columns]
    names = dict.fromkeys(name for name in first if name in table.columns)
    rows = [str(place + 1) for place in np.flatnonzero(places)]
    return _rows({"row": rows} | {name: texts_of(table.columns[name][places]).tolist() for name in names})


def _rows(columns: Mapping[str, list[str]]) -> Rows:
    kept = dict(list(columns.items())[:PREVIEW_COLUMNS])
    cut = [[text[:LONGEST_CELL] for text in column] for column in kept.values()]
    return (tuple(name[:LONGEST_CELL] for name in kept), *map(tuple, zip(*cut, strict=True)))
