from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from vitrine.samples import sample_predictions
from xai_core.bias.metrics import metrics
from xai_core.bias.predictions_file import predictions_csv
from xai_core.bias.reading import read_predictions
from xai_core.bias.settings import Settings


def read_again(found):
    return read_predictions(predictions_csv(found).encode(), found.name)


def assert_same(one, other):
    assert one.labels == other.labels
    for name in ("truth", "predicted", "probabilities", "files"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("attributes", "heads"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert list(mine) == list(theirs)
        assert all(np.array_equal(mine[key], theirs[key]) for key in mine)


def test_the_sample_is_the_same_once_it_was_written_and_read():
    found = sample_predictions()
    assert_same(found, read_again(found) if found.files is not None else replace(read_again(found), files=None))
    quick = Settings(bootstrap_samples=100)
    given, again = (metrics(one, ["colour"], settings=quick) for one in (found, read_again(found)))
    assert given == again


def test_files_attributes_and_heads_are_the_same_once_they_were_written_and_read(drawn):
    made = drawn(4, 60, 3)
    random = np.random.default_rng(0)
    found = replace(
        made,
        labels=("a, b", 'the "other"', "p_1"),
        files=np.array([f"x/{n}, 1.png" for n in range(60)]),
        attributes={"age group": random.choice(["0-2", "", "more; than 9"], 60), "colour": made.attributes["colour"]},
        heads={"text": random.normal(size=(60, 3)).astype(np.float32)},
    )
    assert_same(found, read_again(found))


def test_a_prediction_that_is_not_the_most_probable_class_stays(drawn):
    found = drawn(4, 30, 3)
    moved = replace(found, predicted=(found.predicted + 1) % 3)
    assert np.array_equal(read_again(moved).predicted, moved.predicted)


@pytest.mark.parametrize("labels", [("cat", "dog", "owl"), ("0", "1", "2"), ("class 2", "class 10", "class 11")])
def test_without_probabilities_the_classes_are_read_from_what_occurs(predictions, labels):
    found = replace(predictions([0, 1, 2, 2], [0, 2, 2, 1]), labels=labels)
    again = read_again(found)
    assert (again.labels, again.truth.tolist(), again.predicted.tolist()) == (labels, [0, 1, 2, 2], [0, 2, 2, 1])
    assert again.probabilities is again.files is None


FORMULAS = ("=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "'=quoted")


def test_no_cell_of_text_starts_like_a_formula_and_all_are_read_as_they_were(drawn):
    made = drawn(4, 60, 5)
    places = np.arange(60) % 5
    found = replace(
        made,
        labels=FORMULAS,
        files=np.array([f"{FORMULAS[place]} {n}" for n, place in enumerate(places)]),
        attributes={"=kind": np.array(FORMULAS)[places]},
    )
    rows = list(csv.reader(io.StringIO(predictions_csv(found))))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert_same(found, read_again(found))


def test_numbers_below_zero_stay_numbers(drawn):
    found = replace(drawn(4, 30, 2), labels=("-1", "1"), heads={"h": np.full((30, 2), -0.5, np.float32)})
    rows = list(csv.DictReader(io.StringIO(predictions_csv(found))))
    assert {row["logits_h_-1"] for row in rows} == {"-0.5"}
    assert {row["y_true"] for row in rows} == {"-1", "1"}
    assert_same(found, read_again(found))
