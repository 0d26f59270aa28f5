"""The Bias page, with small tables and a model that answers at once."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.added_metric import added, example
from tests.pages.conftest import InstantRunner, text_of, with_sample
from vitrine.samples import sample_predictions
from vitrine.ui import session
from vitrine.ui.bias import download, tabs
from vitrine.ui.bias.pictures import asking
from vitrine.ui.drawing.charts import with_interval
from vitrine.ui.slots.bias import BiasSlot
from xai_core.bias.group_comparison import compare_groups
from xai_core.bias.summary import summary
from xai_core.jobs.base import Job, Status
from xai_core.services.bias_predictions import PredictionsJob
from xai_core.wording import number

HEADS = ["y_true", "y_pred", "prob_cat", "prob_dog", "prob_owl", "colour", "size"]
ROWS = [
    ["cat", "cat", 0.8, 0.1, 0.1, "red", "big"],
    ["cat", "dog", 0.3, 0.6, 0.1, "green", "big"],
    ["cat", "cat", 0.7, 0.2, 0.1, "red", "small"],
    ["dog", "dog", 0.1, 0.8, 0.1, "red", "small"],
    ["dog", "cat", 0.5, 0.4, 0.1, "green", "big"],
    ["dog", "dog", 0.2, 0.7, 0.1, "green", "small"],
]
NEVER = "owl"  # never occurs, and is never predicted


def table(rows: list[list[object]] = ROWS, heads: list[str] = HEADS) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([heads, *rows])
    return text.getvalue().encode()


def on_bias_page(app: AppTest) -> AppTest:
    app.run()
    return app.switch_page("pages/bias.py").run()


def with_sample_predictions(app: AppTest) -> AppTest:
    on_bias_page(app)
    return app.button(key="use-predictions").click().run()


def upload(app: AppTest, data: bytes, name: str = "model.csv", before: int = 0) -> AppTest:
    """Upload a table, where so many files were uploaded before."""
    return app.file_uploader(key=f"predictions-{before}").upload(name, data).run()


def with_table(app: AppTest, data: bytes | None = None, name: str = "model.csv") -> AppTest:
    return upload(on_bias_page(app), table() if data is None else data, name)


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state[tabs.OPEN] = name
    return app.run()


def look(app: AppTest, view: str) -> AppTest:
    open_tab(app, "Classes")
    return app.segmented_control(key="bias.view").set_value(view).run()


def overview_of(app: AppTest, name: str = "model") -> dict[str, str]:
    found = app.table[0].value.rename(columns=plain)[name]
    return {row: plain(text) for row, text in found.items()}


def plain(text: str) -> str:
    """Return text without the signs that keep Markdown away, with spaces at which a line may end."""
    return text.replace("\\", "").replace("\u00a0", " ")


def test_without_predictions_it_says_how_to_upload_some_and_offers_tables_to_practise_on(app: AppTest) -> None:
    on_bias_page(app)
    assert not app.exception
    assert "Upload predictions on the left" in text_of(app)
    assert "0.364" in app.table[1].value.to_string()
    assert "not printed" in app.table[1].value.to_string()
    assert "n/a" not in app.table[1].value.to_string()


def test_the_sample_shows_its_figures_with_intervals_and_what_they_mean(app: AppTest) -> None:
    with_sample_predictions(app)
    assert not app.exception
    accuracy = summary(sample_predictions())["accuracy"]
    shown = overview_of(app, "Coloured digits")
    assert shown["Accuracy"] == f"{number(accuracy.value)} [{number(accuracy.low)}, {number(accuracy.high)}]"
    assert "can still score 0" in app.table[0].value.loc["Degree of bias", "What it says"]
    assert "95% intervals" in text_of(app)


@pytest.mark.parametrize("tab", ["Classes", "Groups"])
def test_thousands_of_pictures_are_separated_in_every_table(app: AppTest, tab: str) -> None:
    open_tab(with_sample_predictions(app), tab)
    for shown in app.dataframe:
        settings = json.loads(shown.proto.columns)
        counts = [name for name, kind in shown.value.dtypes.items() if kind.kind in "iu"]
        assert [settings[name]["type_config"]["format"] for name in counts] == ["%,d"] * len(counts)
    assert any(frame.value.dtypes.map(lambda kind: kind.kind == "i").any() for frame in app.dataframe)


@pytest.mark.parametrize("view", ["Confusion", "ROC curves", "Calibration"])
def test_every_view_of_the_classes_is_drawn(app: AppTest, view: str) -> None:
    with_sample_predictions(app)
    look(app, view)
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize("name", ["Groups", "Inside the model", "Download"])
def test_every_tab_is_drawn(app: AppTest, name: str) -> None:
    with_sample_predictions(app)
    open_tab(app, name)
    assert not app.exception
    assert not app.error


def test_an_uploaded_table_is_called_by_its_file_and_can_be_renamed_and_removed(app: AppTest) -> None:
    with_table(app, name="run 1.csv")
    assert overview_of(app, "run 1")["Accuracy"].startswith("0.667")
    app.text_input(key="bias.name.0").set_value("final").run()
    assert overview_of(app, "final")["Pictures"] == "6"
    app.button(key="bias.remove.0").click().run()
    assert "Upload predictions on the left" in text_of(app)


def test_two_tables_of_one_name_stand_side_by_side_under_two_names(app: AppTest) -> None:
    with_table(app)
    right = [[row[0], row[0], *row[2:]] for row in ROWS]
    upload(app, table(right), before=1)
    assert overview_of(app)["Accuracy"].startswith("0.667")
    assert overview_of(app, "model (2)")["Accuracy"].startswith("1.000")


def test_at_most_six_are_held(app: AppTest) -> None:
    on_bias_page(app)
    for turn in range(6):
        upload(app, table(), before=turn)
    assert "Remove one to load another" in text_of(app)
    assert [one for one in app.file_uploader if one.key.startswith("predictions")] == []
    assert len(app.table[0].value.columns) == 7


@pytest.mark.parametrize(
    ("rows", "heads", "sentence"),
    [
        ([row[1:] for row in ROWS], HEADS[1:], "The true classes are missing"),
        ([["fox", *row[1:]] for row in ROWS], HEADS, "'fox', which is not among the 3 classes"),
        ([[*row[:2], -1, *row[3:]] for row in ROWS], HEADS, "negative or not a number"),
        ([], HEADS, "The table is empty"),
    ],
)
def test_a_fault_in_a_table_is_a_sentence(app: AppTest, rows: list, heads: list, sentence: str) -> None:
    with_table(app, table(rows, heads))
    assert not app.exception
    assert sentence in plain(text_of(app))
    assert "Normalise rows" not in [one.label for one in app.button]


def test_rows_that_do_not_add_up_to_1_are_normalised_on_request(app: AppTest) -> None:
    with_table(app, table([[*row[:2], *(2 * value for value in row[2:5]), *row[5:]] for row in ROWS]))
    assert "do not add up to 1" in text_of(app)
    next(one for one in app.button if one.label == "Normalise rows").click().run()
    assert not app.error
    assert overview_of(app)["Pictures"] == "6"
    assert "were normalised" in text_of(app)


TITLED = ["True Label", "Predicted Label", *HEADS[2:]]


def test_columns_with_other_names_are_proposed_with_a_preview(app: AppTest) -> None:
    with_table(app, table([[row[0], row[1], row[5]] for row in ROWS], [*TITLED[:2], "colour"]))
    assert app.selectbox(key="bias.column.1.y_true").value == "True Label"
    assert "6 pictures, 2 classes (cat, dog), accuracy 0.667" in text_of(app)
    app.button(key="bias.columns.open").click().run()
    assert overview_of(app)["Accuracy"].startswith("0.667")
    assert not app.error


def test_a_column_that_was_proposed_wrongly_is_changed(app: AppTest) -> None:
    rows = [[row[1], row[0], row[0]] for row in ROWS]
    with_table(app, table(rows, ["Predicted Label", "True Label", "Copy"]))
    app.selectbox(key="bias.column.1.True Label.y_pred").set_value("Copy").run()
    assert "accuracy 1.000" in text_of(app)
    app.selectbox(key="bias.column.1.True Label.y_pred").set_value("(none)").run()
    assert "neither predicted classes nor probabilities" in text_of(app)
    assert app.button(key="bias.columns.open").disabled


def test_percentages_are_proposed_as_such(app: AppTest) -> None:
    with_table(app, table([[row[0], *(100 * value for value in row[2:5])] for row in ROWS], [HEADS[0], *HEADS[2:5]]))
    assert app.toggle(key="bias.column.1.y_true.percent").value
    app.button(key="bias.columns.open").click().run()
    assert overview_of(app)["Pictures"] == "6"


@pytest.mark.parametrize(
    ("rows", "label", "pictures"),
    [
        ([["", *ROWS[0][1:]], *ROWS[1:]], "Leave out 1 row", "5"),
        ([[*ROWS[0][:2], "", *ROWS[0][3:]], *ROWS[1:]], "Leave out 1 row", "5"),
        ([[row[0], str(row[1]).title(), *row[2:]] for row in ROWS], "Reconcile class names", "6"),
        ([["", *ROWS[0][1:]], [ROWS[1][0].title(), *ROWS[1][1:]], *ROWS[2:]],
         "Leave out 1 row and reconcile class names", "5"),
    ],
)  # fmt: skip
def test_unusable_rows_and_spellings_take_one_click(app: AppTest, rows: list, label: str, pictures: str) -> None:
    with_table(app, table(rows))
    assert app.button(key="bias.repair").label == label
    app.button(key="bias.repair").click().run()
    assert overview_of(app)["Pictures"] == pictures
    assert not app.error


def test_a_choice_of_columns_can_be_cancelled(app: AppTest) -> None:
    with_table(app, table([row[:2] for row in ROWS], TITLED[:2]))
    app.button(key="bias.columns.cancel").click().run()
    assert "Upload predictions on the left" in text_of(app)


def test_pictures_without_a_value_are_compared_only_if_asked(app: AppTest) -> None:
    rows = [["cat", "cat", "f"]] * 30 + [["cat", "dog", "m"]] + [["dog", "dog", "m"]] * 30 + [["dog", "cat", ""]] * 30
    with_table(app, table(rows, ["y_true", "y_pred", "sex"]))
    open_tab(app, "Groups")
    assert "30 pictures have no value: (missing). They stand apart" in plain(text_of(app))
    app.toggle(key="bias.compare_missing").set_value(True).run()
    assert "stand apart" not in text_of(app)


def test_labels_name_classes_that_are_numbers(app: AppTest) -> None:
    on_bias_page(app)
    app.file_uploader(key="bias.labels").upload("labels.txt", b"cat\ndog\n").run()
    upload(app, table([[0, 0], [1, 1], [1, 0]], ["y_true", "y_pred"]))
    open_tab(app, "Classes")
    assert app.dataframe[0].value["label"].tolist() == ["cat", "dog"]


def test_undefined_values_are_n_a(app: AppTest) -> None:
    with_table(app, table([row[:2] for row in ROWS], HEADS[:2]))
    assert overview_of(app)["Macro AUROC"] == "n/a"
    look(app, "ROC curves")
    assert "Curves need probabilities" in text_of(app)


def test_a_class_without_pictures_has_figures_that_are_n_a(app: AppTest) -> None:
    with_table(app)
    open_tab(app, "Classes")
    (found,) = app.dataframe
    row = found.value.set_index("label").loc[NEVER]
    assert row[["precision", "recall", "f1", "auroc"]].isna().all()
    assert found.proto.placeholder == "n/a"


def test_a_class_that_is_never_predicted_is_named(app: AppTest) -> None:
    with_table(app, table([[row[0], "cat", *row[5:]] for row in ROWS], ["y_true", "y_pred", *HEADS[5:]]))
    assert "never predicts dog" in text_of(app)


def test_filters_apply_to_every_metric(app: AppTest) -> None:
    with_table(app)
    app.multiselect(key="bias.of.colour").set_value(["green"]).run()
    assert overview_of(app)["Pictures"] == "3"
    app.toggle(key="bias.wrong").set_value(True).run()
    assert overview_of(app)["Pictures"] == "2"
    assert overview_of(app)["Accuracy"].startswith("0.000")
    app.multiselect(key="bias.actual").set_value(["cat"]).run()
    assert overview_of(app)["Pictures"] == "1"
    app.slider(key="bias.confidence").set_value((0.9, 1.0)).run()
    assert "No picture passes the filters" in text_of(app)


def test_going_back_to_a_filter_computes_nothing_again(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    with_table(app)
    app.toggle(key="bias.wrong").set_value(True).run()
    monkeypatch.setattr("vitrine.ui.bias.selection.summary", None)
    app.toggle(key="bias.wrong").set_value(False).run()
    assert not app.exception
    assert overview_of(app)["Pictures"] == "6"


def test_a_threshold_decides_one_class(app: AppTest) -> None:
    with_table(app)
    app.selectbox(key="bias.decided").set_value("cat").run()
    app.slider(key="decision.threshold").set_value(0.2).run()
    open_tab(app, "Classes")
    predicted = app.dataframe[0].value.set_index("label")["predicted"]
    assert predicted.to_dict() == {"cat": 5, "dog": 1, "owl": 0}


def test_a_link_sets_the_intervals_and_says_what_it_cannot_set(app: AppTest) -> None:
    app.query_params["bias.interval_level"], app.query_params["bias.classes_shown"] = "0.8", "900"
    with_table(app)
    assert "80% intervals" in text_of(app)
    assert "Classes shown must be between 2 and 30" in plain(text_of(app))


def test_bootstrap_samples_are_stratified_by_an_attribute_if_the_model_has_it(app: AppTest) -> None:
    with_table(app)
    upload(app, table([row[:2] for row in ROWS], HEADS[:2]), "plain.csv", before=1)
    assert "stratified" not in text_of(app)
    before = overview_of(app)["Accuracy"], overview_of(app, "plain")["Accuracy"]
    app.selectbox(key="bias.stratify_by").set_value("colour").run()
    assert not app.exception
    assert "stratified by colour. Not stratified, for lack of that attribute: plain." in plain(text_of(app))
    assert overview_of(app)["Accuracy"] != before[0]
    assert overview_of(app, "plain")["Accuracy"] == before[1]


def test_a_model_without_the_filtered_attribute_is_left_out_with_the_reason(app: AppTest) -> None:
    with_table(app)
    upload(app, table([row[:2] for row in ROWS], HEADS[:2]), "plain.csv", before=1)
    app.multiselect(key="bias.of.colour").set_value(["red"]).run()
    assert list(app.table[0].value.columns) == ["model", "What it says"]
    assert "plain: The table has no attribute named 'colour'" in plain(text_of(app))


def test_groups_by_two_attributes_show_what_is_n_a_and_warn_of_few_pictures(app: AppTest) -> None:
    with_table(app)
    open_tab(app, "Groups")
    app.selectbox(key="bias.crossing").set_value("size").run()
    app.selectbox(key="bias.positive.0").set_value("cat").run()
    app.toggle(key="bias.leave_out_small_groups").set_value(False).run()
    assert not app.exception
    rates = app.dataframe[1].value.set_index("Group")
    assert rates.loc["green × small", "Recall"] == "n/a"
    assert rates.loc["green × big", "Recall"].startswith("0.000")
    said = plain(text_of(app))
    assert "Fewer than 30 pictures" in said
    assert "compared anyway, so chance alone can decide" in said
    assert "Recall is n/a for green × small (no picture of this class), so comparisons that use it are n/a too" in said
    apart = next(one.value["model"] for one in app.table if "Equal opportunity difference" in one.value.index)
    assert apart["Equal opportunity difference"] == apart["Equalized odds ratio"] == "n/a"
    assert apart["Demographic parity difference"] == "1.000"
    assert "disparate impact for the class cat is 0.000; below 0.8 it counts as adverse impact" in said
    assert "(including groups of fewer than 30 pictures" in said


def test_groups_that_are_too_small_are_left_out_of_comparisons_and_named(app: AppTest) -> None:
    with_table(app)
    open_tab(app, "Groups")
    said = plain(text_of(app))
    assert "Fewer than 30 pictures: green, red. They are left out" in said
    assert "Fewer than two groups remain, so there is nothing to compare." in said
    assert "counts as adverse impact" not in said
    assert app.table[0].value["model"].tolist() == ["n/a"] * 2
    assert app.dataframe[0].value["Pictures"].tolist() == [3, 3]
    open_tab(app, "Overview")
    assert "Accuracy by group" not in text_of(app)


def test_accuracy_by_group_covers_all_classes_and_comes_first(app: AppTest) -> None:
    with_sample_predictions(app)
    whole = compare_groups(sample_predictions(), sample_predictions().attributes["colour"], 0)
    rates = {group.name: group.rates["accuracy"] for group in whole.groups}
    shown = {name: with_interval(rate.value, rate.low, rate.high) for name, rate in rates.items()}
    sentence = f"By colour, accuracy ranges from {shown['red']} for red to {shown['green']} for green."
    assert sentence in plain(text_of(app))
    open_tab(app, "Groups")
    assert not app.exception
    first = app.dataframe[0].value
    assert dict(zip(first["Group"], first["Accuracy"], strict=True)) == shown
    assert first["Pictures"].tolist() == [group.pictures for group in whole.groups]
    assert "Accuracy" not in app.dataframe[1].value
    apart = app.table[0].value["Coloured digits"]
    assert apart["Accuracy difference"] == number(whole.between["accuracy_difference"])
    said = plain(text_of(app))
    assert said.index("Accuracy by colour, over all classes") < said.index("against the rest, by colour")


def test_groups_named_by_numbers_are_sorted_by_number(app: AppTest) -> None:
    rows = [[*row[:5], age] for row, age in zip(ROWS, ("0-2", "10-19", "3-9", "20-29", "3-9", "0-2"), strict=True)]
    with_table(app, table(rows, [*HEADS[:5], "age"]))
    assert app.multiselect(key="bias.of.age").options == ["0-2", "3-9", "10-19", "20-29"]
    open_tab(app, "Groups")
    assert [one.value["Group"].tolist() for one in app.dataframe[:2]] == [["0-2", "3-9", "10-19", "20-29"]] * 2


def test_groups_of_all_models_are_shown_side_by_side(app: AppTest) -> None:
    with_table(app)
    upload(app, table([[row[0], row[0], *row[2:]] for row in ROWS]), "right.csv", before=1)
    app.slider(key="bias.group_minimum").set_value(1).run()
    open_tab(app, "Groups")
    apart = next(one.value for one in app.table if "Equal opportunity difference" in one.value.index)
    assert list(apart.columns) == ["model", "right", "What it says"]
    assert apart.loc["Equal opportunity difference", "right"] == "0.000"
    accuracy = app.table[0].value
    assert list(accuracy.columns) == ["model", "right", "What it says"]
    assert accuracy.loc["Accuracy difference", "right"] == "0.000"


def test_a_metric_that_was_added_is_in_the_table_the_chart_and_the_comparisons(app: AppTest) -> None:
    with added(example):
        with_table(app)
        app.slider(key="bias.group_minimum").set_value(1).run()
        open_tab(app, "Groups")
        app.selectbox(key="bias.positive.0").set_value("cat").run()
        assert not app.exception
        assert app.dataframe[1].value["False negative rate"].tolist()[0].startswith("1.000")
        titles = [note["text"] for note in json.loads(app.get("plotly_chart")[1].proto.spec)["layout"]["annotations"]]
        assert "False<br>negative<br>rate" in titles
        between = next(one.value["model"] for one in app.table if "False negative rate difference" in one.value.index)
        assert between["False negative rate difference"] == "1.000"


def test_without_an_attribute_the_page_says_what_groups_need(app: AppTest) -> None:
    with_table(app, table([row[:2] for row in ROWS], HEADS[:2]))
    open_tab(app, "Groups")
    assert "Groups need an attribute with at least two values" in text_of(app)


def test_heads_have_a_tab_only_where_there_are_some(app: AppTest) -> None:
    with_table(app)
    assert "Heads" not in [tab.label for tab in app.tabs]
    heads = [*HEADS[:2], *(f"logits_{head}_{label}" for head in ("text", "image") for label in ("cat", "dog"))]
    rows = [[*row[:2], 1, 0, *((0, 1) if row[0] == "dog" else (1, 0))] for row in ROWS]
    upload(app, table(rows, heads), "heads.csv", before=1)
    app.button(key="bias.remove.0").click().run()
    open_tab(app, "Heads")
    assert not app.exception
    shown = app.table[0].value["Accuracy"]
    assert shown["text"].startswith("0.500")
    assert shown["image"].startswith("1.000")


def test_the_pictures_of_a_cell_are_listed_most_confident_first(app: AppTest) -> None:
    with_table(app)
    look(app, "Confusion")
    app.selectbox(key="bias.cell.actual").set_value("cat").run()
    app.selectbox(key="bias.cell.predicted").set_value("cat").run()
    listed = app.dataframe[-1].value
    assert listed["Picture"].tolist() == ["row 1", "row 3"]
    assert listed["Confidence"].tolist() == pytest.approx([0.8, 0.7], abs=1e-6)
    app.selectbox(key="bias.cell.predicted").set_value("owl").run()
    assert "There are no pictures in this cell" in text_of(app)


def test_every_picture_of_a_cell_can_be_reached(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrine.ui.bias.cell.LISTED", 2)
    with_table(app)
    look(app, "Confusion")
    app.selectbox(key="bias.cell.actual").set_value("cat").run()
    assert app.dataframe[-1].value["Picture"].tolist() == ["row 1", "row 3"]
    app.pagination[0].set_value(2).run()
    assert app.dataframe[-1].value["Picture"].tolist() == ["row 2"]
    app.selectbox(key="bias.cell.actual").set_value("dog").run()
    assert app.dataframe[-1].value["Picture"].tolist() == ["row 4", "row 6"]
    assert "1 to 2 of 3" in text_of(app)


def test_the_colours_of_counts_begin_at_nothing_even_where_no_cell_is_empty(app: AppTest) -> None:
    rows = [["a", "a"]] * 5 + [["a", "b"]] * 3 + [["b", "a"]] * 4 + [["b", "b"]] * 9
    with_table(app, table(rows, ["y_true", "y_pred"]))
    look(app, "Confusion")
    (chart,) = app.get("plotly_chart")
    heatmap = json.loads(chart.proto.spec)["data"][0]
    assert (heatmap["zmin"], heatmap["zmax"]) == (0, 9)


def test_with_many_classes_the_matrix_shows_the_most_mispredicted(app: AppTest) -> None:
    rows = [[one, one if one % 3 else (one + 1) % 120] for one in range(120)]
    with_table(app, table(rows, ["y_true", "y_pred"]))
    look(app, "Confusion")
    assert not app.exception
    assert "The matrix shows the 10 most mispredicted of 120 classes" in text_of(app)


def test_curves_of_classes_that_the_filters_leave_out_are_no_longer_drawn(app: AppTest) -> None:
    with_table(app)
    look(app, "ROC curves")
    assert app.multiselect(key="bias.roc.0").value == [0, 1]
    app.multiselect(key="bias.actual").set_value(["cat"]).run()
    assert not app.exception
    assert app.multiselect(key="bias.roc.0").value == []
    assert "The curves of 3 classes are n/a" in plain(text_of(app))


def test_leakage_of_the_model_is_shown_next_to_that_of_the_labels(app: AppTest) -> None:
    with_sample_predictions(app)
    open_tab(app, "Inside the model")
    app.button(key="bias.measure").click().run()
    ended(app, "leakage")
    found = app.run().table[0].value["Leakage"].astype(float)
    assert found["Model"] > found["Labels"] + 0.1
    assert found["Chance"] == 0.5
    (chart,) = app.get("plotly_chart")
    drawn = json.loads(chart.proto.spec)
    assert drawn["layout"]["yaxis"]["ticktext"] == ["Model", "Predictions", "Labels"]
    assert drawn["layout"]["annotations"][0]["text"] == "chance"


def test_a_network_can_measure_leakage_and_is_named(app: AppTest) -> None:
    with_sample_predictions(app)
    app.multiselect(key="bias.actual").set_value(["0", "5"]).run()
    open_tab(app, "Inside the model")
    app.selectbox(key="leakage.attacker").set_value("MLP").run()
    app.button(key="bias.measure").click().run()
    ended(app, "leakage")
    app.run()
    assert not app.exception
    assert "with a network with one hidden layer" in text_of(app)


class NeverEnding:
    """Stands in for the leakage, and works until it is stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def __call__(self, predictions: object, name: str, progress: Callable[[float], None], **more: object) -> None:
        try:
            while True:
                progress(0.5)
                time.sleep(0.01)
        finally:
            self.stopped.set()


def test_measuring_can_be_cancelled_and_begun_again(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sample_predictions(app)
    open_tab(app, "Inside the model")
    with monkeypatch.context() as replaced:
        replaced.setattr("vitrine.ui.bias.inside.leakage", working := NeverEnding())
        app.button(key="bias.measure").click().run()
        app.button(key="bias.cancel-measure").click().run()
        ended(app, "leakage", Status.CANCELLED)
        assert "Cancelled." in text_of(app)
        assert working.stopped.wait(120)
    app.button(key="bias.measure").click().run()
    ended(app, "leakage")
    assert app.run().table


def test_work_that_nobody_looks_at_any_more_is_stopped(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    with_sample_predictions(app)
    open_tab(app, "Inside the model")
    monkeypatch.setattr("vitrine.ui.bias.inside.leakage", working := NeverEnding())
    app.button(key="bias.measure").click().run()
    app.toggle(key="bias.wrong").set_value(True).run()
    assert working.stopped.wait(120)
    app.toggle(key="bias.wrong").set_value(False).run()
    assert "Cancelled." not in text_of(app)
    assert app.button(key="bias.measure")


def test_too_few_pictures_for_leakage_are_a_sentence(app: AppTest) -> None:
    with_table(app)
    open_tab(app, "Inside the model")
    app.button(key="bias.measure").click().run()
    ended(app, "leakage", Status.FAILED)
    app.run()
    assert not app.exception
    assert "no values of colour has that many" in plain(text_of(app))


def test_all_metrics_can_be_downloaded_as_tables_json_and_a_report(app: AppTest) -> None:
    with_table(app)
    open_tab(app, "Download")
    app.button(key="bias.work-out").click().run()
    job = ended(app, "metrics")
    app.run()
    assert not app.exception
    assert [one.proto.label for one in app.get("download_button")] == [
        "Predictions (CSV)",
        "Tables (CSV in a zip)",
        "Metrics (metrics.json)",
        "Report (HTML)",
    ]
    names = zipfile.ZipFile(io.BytesIO(download.zipped([job.result()]))).namelist()
    assert {"summary.csv", "classes.csv", "groups_colour_x_size.csv"} <= set(names)


def ended(app: AppTest, what: object, how: Status = Status.DONE) -> Job:
    """Wait for what is worked out in the background, and return its job."""
    kept = app.session_state["workspace"].slot(BiasSlot).figures
    job = next(job for key, job in kept.items() if what in (key[-1], key[-1][0]))
    assert job.wait(120).status is how
    return job


def pictures_of(labels: str) -> bytes:
    """Return a zip with a folder of two pictures for each class number in `labels`."""
    random, file = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label in labels:
            for turn in range(2):
                one = io.BytesIO()
                Image.fromarray(random.integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(one, "PNG")
                archive.writestr(f"{label}/{turn}.png", one.getvalue())
    return file.getvalue()


def coloured_pictures(classes: tuple[str, str] = ("0", "1")) -> bytes:
    """Return a zip of twelve red and twelve blue pictures of two classes, listed in labels.csv."""
    file, rows = io.BytesIO(), [["file", "label", "colour"]]
    with zipfile.ZipFile(file, "w") as archive:
        for turn in range(24):
            one, red = io.BytesIO(), turn % 2
            Image.new("RGB", (20, 20), (200 * red + turn, 0, 200 * (1 - red))).save(one, "PNG")
            archive.writestr(f"{turn}.png", one.getvalue())
            rows.append([f"{turn}.png", classes[turn // 12], "red" if red else "blue"])
        archive.writestr("labels.csv", table(rows[1:], rows[0]))
    return file.getvalue()


def with_pictures(app: AppTest, data: bytes) -> AppTest:
    """Start with a model, and upload labelled pictures for it."""
    return bring_pictures(with_sample(app), data)


def bring_pictures(app: AppTest, data: bytes) -> AppTest:
    app.switch_page("pages/bias.py").run()
    return app.file_uploader(key="labelled-0").upload("set.zip", data).run()


def answered(app: AppTest) -> AppTest:
    job = app.session_state["workspace"].slot(BiasSlot).asking
    if job is not None:
        job.wait(120)
    return app.run().run()


def test_without_a_model_pictures_cannot_be_predicted(app: AppTest) -> None:
    on_bias_page(app)
    assert "Pictures need an open model" in text_of(app)


def test_a_model_is_asked_about_labelled_pictures(app: AppTest, instant: InstantRunner) -> None:
    with_pictures(app, pictures_of("012"))
    answered(app)
    assert not app.exception
    assert overview_of(app, "mobilenet_v2.pth")["Pictures"] == "6"


def with_several_labels(app: AppTest, instant: InstantRunner) -> AppTest:
    instant.model.card = replace(instant.model.card, head="sigmoid", head_known=True, labels=tuple("abcdefghijkl"))
    with_sample(app)
    return app.switch_page("pages/bias.py").run()


def judge(app: AppTest, number: int) -> AppTest:
    return next(box for box in app.selectbox if box.label == "Label to judge").select(number).run()


def test_a_label_is_chosen_for_a_model_with_several(app: AppTest, instant: InstantRunner) -> None:
    with_several_labels(app, instant)
    assert "Choose the label to judge" in text_of(app)
    judge(app, 1)
    assert "b is predicted if its probability is at least 0.5" in plain(text_of(app))
    app.file_uploader(key="labelled-0").upload("set.zip", pictures_of("abc")).run()
    answered(app)
    assert not app.exception
    held = next(iter(app.session_state["workspace"].slot(BiasSlot).held.values()))
    assert (held.predictions.labels, held.of_one_label) == (("not b", "b"), True)


def test_a_label_that_is_chosen_while_pictures_are_predicted_is_that_of_the_next_ones(
    app: AppTest, instant: InstantRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, waiting = instant.ask, Job(lambda: None)
    judge(with_several_labels(app, instant), 1)
    monkeypatch.setattr(instant, "ask", lambda *asked: waiting)
    app.file_uploader(key="labelled-0").upload("set.zip", pictures_of("abc")).run()
    judge(app, 2)
    app.button(key="bias.cancel").click().run()
    monkeypatch.setattr(instant, "ask", answer)
    app.button(key="bias.resume").click().run()
    answered(app)
    held = app.session_state["workspace"].slot(BiasSlot).held[0]
    assert (held.predictions.labels, held.of_one_label) == (("not b", "b"), True)


def test_layers_are_not_probed_for_one_label(app: AppTest, instant: InstantRunner) -> None:
    judge(with_several_labels(app, instant), 1)
    pictures = coloured_pictures(("a", "b"))
    app.file_uploader(key="labelled-0").upload("set.zip", pictures).run()
    answered(app)
    open_tab(app, "Inside the model")
    assert "To see which parts of a picture support this label" in text_of(app)


def test_a_last_look_at_predictions_that_find_no_place_redraws_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    job, redrawn = PredictionsJob(1), []
    job.update(status=Status.DONE, latest=sample_predictions())
    slot = BiasSlot(asking=job)
    monkeypatch.setattr("vitrine.ui.slots.bias.MOST_HELD", 0)
    monkeypatch.setattr(session, "slot", lambda _: slot)
    monkeypatch.setattr(st, "rerun", lambda: redrawn.append(job))
    monkeypatch.setattr(st, "fragment", lambda look, run_every: lambda looking: look(True))
    asking(slot)
    assert redrawn == [job]


def test_pictures_of_an_unknown_class_are_refused(app: AppTest) -> None:
    with_pictures(app, pictures_of("xy"))
    answered(app)
    assert "not among the model's" in plain(text_of(app))
    app.button(key="bias.dismiss").click().run()
    assert not app.error


def test_a_file_that_is_not_an_archive_is_refused_and_can_be_read_again(app: AppTest) -> None:
    with_pictures(app, b"nothing")
    assert "neither a zip nor an npz" in text_of(app)
    assert "Read again" in [one.label for one in app.button]


def test_asking_can_be_cancelled_and_resumed(
    app: AppTest, instant: InstantRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = instant.ask
    with_sample(app)
    monkeypatch.setattr(instant, "ask", lambda *asked: Job(lambda: None))
    bring_pictures(app, pictures_of("012")).run()
    assert "Metrics will appear here" in text_of(app)
    app.button(key="bias.cancel").click().run()
    assert "Cancelled after 0 of 6 pictures" in text_of(app)
    monkeypatch.setattr(instant, "ask", answer)
    app.button(key="bias.resume").click().run()
    answered(app)
    assert overview_of(app, "mobilenet_v2.pth")["Pictures"] == "6"


def test_mean_maps_of_two_groups_are_shown_next_to_their_difference(app: AppTest) -> None:
    with_pictures(app, coloured_pictures())
    answered(app)
    open_tab(app, "Inside the model")
    app.selectbox(key="bias.looking").set_value("occlusion").run()
    app.button(key="bias.look").click().run()
    ended(app, "looks")
    app.run()
    assert not app.exception
    assert "Means over 12 and 12 pictures" in text_of(app)
    assert "the difference exceeds 2 standard errors" in text_of(app)


def test_thumbnails_of_a_cell_are_turned_a_page_at_a_time(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrine.ui.bias.cell.ROWS", 1)
    with_pictures(app, coloured_pictures())
    answered(app)
    look(app, "Confusion")
    found = app.session_state["workspace"].slot(BiasSlot).held[0].predictions
    label = found.labels[np.bincount(found.predicted).argmax()]
    app.selectbox(key="bias.cell.predicted").set_value(label).run()
    number = int((found.predicted == found.labels.index(label)).sum())
    assert number > 6
    seen = []
    for page in range(1, -(-number // 6) + 1):
        app.pagination[0].set_value(page).run()
        assert not app.exception
        seen += [one.key for one in app.button if (one.key or "").startswith("bias.explain.")]
    assert len(set(seen)) == len(seen) == number


def test_pictures_of_a_cell_are_sent_to_explain(app: AppTest) -> None:
    with_pictures(app, pictures_of("012"))
    answered(app)
    look(app, "Confusion")
    app.selectbox(key="bias.cell.actual").set_value(app.selectbox(key="bias.cell.actual").options[1]).run()
    assert not app.exception
    before = len(app.session_state["workspace"].pictures)
    app.button(key="bias.explain").click().run()
    assert not app.exception
    assert app.title[0].value == "Explain"
    assert len(app.session_state["workspace"].pictures) == before + 2
    assert len(app.session_state["explain.pictures"]) == 2


def test_a_picture_of_a_cell_that_is_explained_keeps_its_true_class(app: AppTest) -> None:
    with_pictures(app, pictures_of("012"))
    answered(app)
    look(app, "Confusion")
    truth = app.session_state["workspace"].slot(BiasSlot).held[0].predictions
    label = truth.labels[truth.truth[-1]]
    app.selectbox(key="bias.cell.actual").set_value(label).run()
    app.button(key="bias.explain").click().run()
    sent = [app.session_state["workspace"].pictures[one].name for one in app.session_state["explain.pictures"]]
    assert sorted(sent) == [f"2/{turn}.png (true class {label})" for turn in range(2)]
