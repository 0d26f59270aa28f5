"""Bias, training histories and tables, as a notebook uses them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import vitrine
from vitrine.samples import coloured_digits, sample_histories
from vitrine.tables import Table, as_text

SITES = {"y_true": ["a", "b", "a", "b"] * 20, "y_pred": ["a", "b", "b", "b"] * 20, "site": list("xxyy") * 20}
ANSWERS = pd.DataFrame(SITES)


@pytest.fixture(scope="module")
def bias():
    return vitrine.bias(ANSWERS, attributes="site", bootstrap_samples=100, group_minimum=1)


def test_figures_come_from_a_dataframe(bias):
    assert bias.figures["pictures"] == 80
    accuracy = next(row for row in bias.summary.rows if row["figure"] == "accuracy")
    assert accuracy["value"] == pytest.approx(0.75)
    groups = bias.to_dataframe("groups_site").set_index("group")
    assert groups.loc[["x", "y"], "accuracy"].tolist() == [1.0, 0.5]


def test_a_file_gives_the_same_figures_as_its_dataframe(bias, tmp_path):
    ANSWERS.to_csv(tmp_path / "answers.csv", index=False)
    read = vitrine.bias(tmp_path / "answers.csv", attributes=["site"], bootstrap_samples=100, group_minimum=1)
    assert read.figures["summary"] == bias.figures["summary"]


def test_bias_is_saved_as_json_tables_and_a_page(bias, tmp_path):
    names = {path.name for path in bias.save(tmp_path / "bias")}
    assert {"metrics.json", "summary.csv", "classes.csv", "bias.html", "predictions.csv"} <= names
    again = vitrine.bias(tmp_path / "bias/predictions.csv", attributes="site", bootstrap_samples=100, group_minimum=1)
    assert again.figures["confusion"] == bias.figures["confusion"]


@pytest.mark.parametrize("name", ["classes.csv", "predictions.csv"])
def test_the_table_that_was_read_is_never_overwritten(tmp_path, name):
    ANSWERS.to_csv(tmp_path / name, index=False)
    before = (tmp_path / name).read_bytes()
    written = vitrine.bias(tmp_path / name, bootstrap_samples=100).save(tmp_path)
    assert (tmp_path / name).read_bytes() == before
    assert tmp_path / name not in written


def test_the_history_that_was_read_is_never_overwritten(tmp_path):
    (sample,) = sample_histories()
    vitrine.training_history(sample.path).save(tmp_path)
    (tmp_path / "history.npz").rename(tmp_path / "pictures.csv")
    before = (tmp_path / "pictures.csv").read_bytes()
    written = vitrine.training_history(tmp_path / "pictures.csv").save(tmp_path)
    assert (tmp_path / "pictures.csv").read_bytes() == before
    assert {path.name for path in written} == {"epochs.csv", "history.json", "history.npz"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bootstrap": 5}, "There is no setting 'bootstrap'"),
        ({"bootstrap_samples": 5}, "must be between 100 and 5,000"),
        ({"positive": "c"}, "There is no class 'c'"),
    ],
)
def test_a_setting_that_does_not_exist_or_fit_is_a_sentence(settings, sentence):
    with pytest.raises(vitrine.VitrineError, match=sentence):
        vitrine.bias(ANSWERS, **settings)


def test_a_dataframe_keeps_names_that_pandas_would_change():
    table = ANSWERS.assign(site=["NA"] * 20 + ["None"] * 20 + ["007"] * 20 + ["=b"] * 20)
    bias = vitrine.bias(table, attributes="site", bootstrap_samples=100, group_minimum=1)
    groups = bias.to_dataframe("groups_site").set_index("group")
    assert set(groups.index) == {"NA", "None", "007", "=b"}
    assert groups["accuracy"].dtype == float


@pytest.mark.parametrize("labels", [{1: "cat", 2: "dog"}, {"0": "cat", "1": "dog"}, ["cat", ""]])
def test_labels_must_name_the_classes_from_0(labels):
    with pytest.raises(vitrine.DataError, match=r"from 0 to 1|needs a name"):
        vitrine.bias(pd.DataFrame({"y_true": [0, 1], "y_pred": [0, 0]}), labels=labels)


def test_an_unknown_table_lists_the_known_ones(bias):
    with pytest.raises(vitrine.DataError, match="summary"):
        bias.to_dataframe("nothing")
    assert "groups_site" in bias.tables


def test_the_sample_table_is_read_with_its_attribute():
    bias = vitrine.bias(coloured_digits(), attributes="colour", bootstrap_samples=100)
    assert set(bias.figures["groups"]) == {"colour"}
    assert "<table>" in bias._repr_html_()


def test_a_training_history_is_read_and_saved(tmp_path):
    (sample,) = sample_histories()
    history = vitrine.training_history(sample.path)
    assert (len(history), len(history.epochs)) == (600, 20)
    assert history.to_dataframe()["misclassification rate"].between(0, 1).all()
    assert {path.name for path in history.save(tmp_path)} == {
        "pictures.csv",
        "epochs.csv",
        "history.json",
        "history.npz",
    }
    again = vitrine.training_history(tmp_path / "history.npz")
    assert np.array_equal(again.history.predictions, history.history.predictions)


def test_epochs_out_of_range_are_a_sentence():
    (sample,) = sample_histories()
    history = vitrine.training_history(sample.path)
    assert len(history.during(0, 4).epochs) == 5
    with pytest.raises(vitrine.DataError, match="numbered 0 to 19"):
        history.during(5, 30)


def test_a_table_lines_up_its_columns_and_counts_what_it_leaves_out():
    rows = [{"name": "a", "value": 0.12345}, {"name": "longer", "value": None}]
    assert as_text(rows).splitlines() == ["name    value", "a       0.123", "longer    n/a"]
    assert repr(Table([{"n": n} for n in range(30)])).endswith("... and 10 more rows")
    assert repr(Table([])) == "(empty)"


def test_a_table_escapes_what_a_name_holds():
    assert "<b>" not in Table([{"name": "<b>"}])._repr_html_()
