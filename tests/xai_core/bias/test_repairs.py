"""Rows that cannot be used are counted and left out on request; spellings are reconciled on request."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.xai_core.bias.people import csv, people
from xai_core.bias.proposing import propose
from xai_core.bias.reading import read_predictions
from xai_core.bias.repairs import Repairs, several_labels, spellings
from xai_core.errors import DataError

TABLE = people()
LEAVE_OUT, RECONCILE = Repairs(leave_out_rows=True), Repairs(reconcile_names=True)


def changed(column: str, row: int, value: object) -> bytes:
    table = TABLE.copy()
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return csv(table)


@pytest.mark.parametrize(
    ("data", "which"),
    [
        (changed("y_true", 3, None), "1 without a class (row 4)"),
        (changed("y_pred", 0, None), "1 without a class (row 1)"),
        (changed("prob_cat", 3, None), "1 with a bad probability (row 4)"),
        (changed("prob_cat", 3, "?"), "1 with a bad probability (row 4)"),
        (changed("prob_cat", 3, -0.5), "1 with a bad probability (row 4)"),
    ],
)
def test_rows_are_counted_shown_and_left_out(data, which):
    with pytest.raises(DataError, match=r"Row [14] "):
        read_predictions(data, "x")
    proposal = propose(data)
    assert (proposal.unusable, proposal.which, len(proposal.dropped)) == (1, which, 2)
    found = read_predictions(data, "x", repairs=LEAVE_OUT)
    assert (len(found), found.notes[0]) == (39, f"1 row was left out: {which}.")


def test_a_table_without_any_usable_row_stays_a_fault():
    with pytest.raises(DataError, match="Every row lacks a class or a probability"):
        read_predictions(b"y_true,y_pred\n,1\n1,\n", "x", repairs=LEAVE_OUT)


def test_case_spaces_and_underscores_are_reconciled_on_request():
    data = csv(TABLE.assign(y_pred=[f"{name.title()} ".replace(" R", "_r") for name in TABLE["y_pred"]]))
    with pytest.raises(DataError, match="spelt differently"):
        read_predictions(data, "x")
    assert propose(data).spellings == {"Cat": "cat", "Golden_retriever": "golden retriever"}
    found = read_predictions(data, "x", repairs=RECONCILE)
    assert (found.labels, (found.truth == found.predicted).mean()) == (("cat", "golden retriever"), 0.75)
    assert found.notes[0] == "Class names were reconciled: 'Cat' is 'cat', 'Golden_retriever' is 'golden retriever'."


def test_predictions_that_share_no_spelling_with_the_truth_are_never_silently_wrong():
    with pytest.raises(DataError, match="'Cat' is 'cat'"):
        read_predictions(b"y_true,y_pred\ncat,Cat\ndog,Dog\n", "x")


def test_letters_that_differ_in_case_stay_different_classes():
    letters = np.array(["a", "A", "b"])
    assert spellings(letters, letters, ()) == {}
    assert read_predictions(b"y_true,y_pred\na,A\nA,a\n", "x").labels == ("A", "a")


def test_two_labels_in_one_cell_are_said():
    table = TABLE.assign(y_true=[f"{name}|dog" if n % 4 == 0 else name for n, name in enumerate(TABLE["y_true"])])
    note = read_predictions(csv(table[["y_true", "y_pred", "sex"]]), "x").notes[0]
    assert note.startswith("10 rows have several labels in one cell, such as 'cat|dog'.")


@pytest.mark.parametrize(
    ("names", "said"),
    [(["cat", "cat|dog"], True), (["cat", "dog", "cat, dog"], True), (["crane", "crane, bird"], False)],
)
def test_a_comma_separates_labels_only_where_each_is_a_class(names, said):
    assert (several_labels(np.array(names), names) is not None) is said


def test_percentages_are_shares_and_their_rounding_is_forgiven():
    table = pd.DataFrame({"y_true": ["a", "b"], "prob_a": [33.3, 50.1], "prob_b": [66.6, 50.0]})
    found = read_predictions(csv(table), "x", repairs=Repairs(percent=True))
    np.testing.assert_allclose(found.probabilities[0], [1 / 3, 2 / 3], atol=1e-6)
    with pytest.raises(DataError, match="do not add up to 1"):
        read_predictions(csv(table), "x")
