"""The Training page: from a history to what it says of each picture."""

from __future__ import annotations

import io
import json
import os
from itertools import pairwise

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.bad_files.tables import FILES
from tests.pages.conftest import text_of
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.training.flow import HEIGHT, LEAST_APART
from vitrine.ui.training.source import FOLDER
from vitrine_logger import PredictionLogger
from xai_core.training.measures import final_confusion

SAMPLE = "use-history-mnist_20_epochs"
LONG = "instance_id,epoch,pred,actual\na,0,cat,cat\na,1,dog,cat\na,2,cat,cat\nb,0,dog,dog\nb,1,dog,dog\nb,2,dog,dog\n"


@pytest.fixture
def training(app: AppTest) -> AppTest:
    app.run()
    return app.switch_page("pages/training.py").run()


@pytest.fixture
def digits(training: AppTest) -> AppTest:
    """The page with the sample history."""
    return training.button(key=SAMPLE).click().run()


def upload(app: AppTest, text: str | bytes, name: str = "run.csv") -> AppTest:
    data = text.encode() if isinstance(text, str) else text
    (chooser,) = [one for one in app.file_uploader if one.label == "History file"]
    return chooser.upload(name, data, "application/octet-stream").run()


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label.replace("\\", ""): metric.value for metric in app.metric}


def search(app: AppTest, text: str) -> AppTest:
    (field,) = [one for one in app.text_input if one.label == "Search by id"]
    return field.set_value(text).run()


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["training.tab"] = name
    return app.run()


def test_without_a_history_the_page_says_what_to_upload(training: AppTest) -> None:
    assert not training.exception
    assert "Upload a history on the left" in text_of(training)


def test_the_sample_shows_a_network_forgetting(digits: AppTest) -> None:
    assert not digits.exception
    found = figures(digits)
    best = next(value for name, value in found.items() if name.startswith("Best, at"))
    assert found["Pictures"] == "600"
    assert float(best) > float(found["Accuracy"]) + 0.05
    assert float(found["Forgotten"]) > 0.2


@pytest.mark.parametrize("tab", ["Heatmap", "Flow", "Final confusion matrix", "Table"])
def test_each_tab_is_drawn(digits: AppTest, tab: str) -> None:
    assert not open_tab(digits, tab).exception


def test_the_final_confusion_matrix_belongs_to_the_last_epoch_of_the_range(digits: AppTest) -> None:
    open_tab(digits, "Final confusion matrix")
    assert "of 600 pictures are correct in epoch 19" in text_of(digits)
    digits.select_slider[0].set_range("2", "7").run()
    assert not digits.exception
    assert "of 600 pictures are correct in epoch 7" in text_of(digits)


def test_the_flow_says_how_many_epochs_it_shows(digits: AppTest) -> None:
    assert "12 of 20 epochs are shown." in text_of(open_tab(digits, "Flow"))


def test_classes_are_named_beside_the_flow_and_no_two_names_overlap(digits: AppTest) -> None:
    open_tab(digits, "Flow")
    drawn = json.loads(digits.get("plotly_chart")[0].proto.spec)
    (sankey,) = drawn["data"]
    assert set(sankey["node"]["label"]) == {""}
    beside = [one for one in drawn["layout"]["annotations"] if one.get("xanchor") in ("left", "right")]
    assert [one["text"] for one in beside if one["x"] == 1 and one["y"] > 0.9] == ["0"]
    for side in (0, 1):
        heights = sorted(one["y"] * HEIGHT for one in beside if one["x"] == side)
        assert len(heights) > 1
        assert all(upper - lower >= LEAST_APART for lower, upper in pairwise(heights))


def test_matrices_show_counts_or_shares_of_the_true_class(digits: AppTest) -> None:
    open_tab(digits, "Final confusion matrix")
    counts = final_confusion(digits.session_state["workspace"].slot(TrainingSlot).history)
    heat, written = json.loads(digits.get("plotly_chart")[0].proto.spec)["data"]
    assert written["text"] == list(map(str, counts.ravel().tolist()))
    assert (heat["zmin"], heat["zmax"]) == (0, counts.max())
    digits.segmented_control(key="training.cells").set_value("Share of true class").run()
    heat, written = json.loads(digits.get("plotly_chart")[0].proto.spec)["data"]
    assert written["text"][0] == f"{counts[0, 0] / counts[0].sum():.2f}"
    assert heat["zmax"] == 1


def test_filters_leave_fewer_pictures_in_the_table(digits: AppTest) -> None:
    open_tab(digits, "Table")
    assert len(digits.dataframe[0].value) == 600
    digits.selectbox(key="training.kept").set_value("never right").run()
    never = digits.dataframe[0].value
    assert (never["misclassification rate"] == 1).all()
    assert never["first correct epoch"].isna().all()
    digits.selectbox(key="training.kept").set_value("forgotten").run()
    digits.selectbox(key="training.order").set_value("forgetting").run()
    assert digits.dataframe[0].value["forgetting events"].is_monotonic_decreasing


def test_a_class_is_filtered_by_name(digits: AppTest) -> None:
    open_tab(digits, "Table")
    (field,) = [one for one in digits.multiselect if one.label == "True classes"]
    field.select(3).run()
    assert set(digits.dataframe[0].value["true class"]) == {"3"}


def test_filters_that_leave_nothing_say_so(digits: AppTest) -> None:
    search(digits, "marmalade")
    for tab in ("Heatmap", "Flow", "Final confusion matrix", "Table"):
        open_tab(digits, tab)
        assert not digits.exception
        if tab not in ("Heatmap", "Table"):
            assert "No picture passes the filters" in text_of(digits)


def test_the_only_picture_left_is_shown_epoch_by_epoch(training: AppTest) -> None:
    search(upload(training, LONG), "a")
    assert not training.exception
    (stretches,) = [one.value for one in training.dataframe if "epochs" in one.value]
    assert stretches.values.tolist() == [["0", "cat", "yes"], ["1", "dog", "no"], ["2", "cat", "yes"]]
    assert "forgetting events: **1**" in text_of(training)


def test_a_picture_of_the_history_goes_to_the_explain_page(digits: AppTest) -> None:
    search(digits, "digit 123")
    digits.button(key="training.explain").click().run()
    assert not digits.exception
    assert [title.value for title in digits.title] == ["Explain"]
    (picture,) = digits.session_state["workspace"].pictures.values()
    assert (picture.name, picture.pixels.shape) == ("digit 123.png", (28, 28, 3))


def test_a_history_without_pictures_says_how_to_log_them(training: AppTest) -> None:
    search(upload(training, LONG), "b")
    assert "Pass them to the logger" in text_of(training)


def test_missing_cells_are_noted_and_not_counted(training: AppTest) -> None:
    upload(training, LONG.replace("a,2,cat,cat\n", ""))
    assert "1 of 6 predictions are missing" in text_of(training).replace("\\", "")
    assert figures(training)["Accuracy"] == "1.000"


def test_with_one_epoch_changes_are_n_a(training: AppTest) -> None:
    upload(training, "instance_id,epoch,pred,actual\na,0,cat,cat\nb,0,cat,dog\n")
    assert not training.exception
    found = figures(training)
    assert (found["Churn"], found["Forgotten"], found["Accuracy"]) == ("n/a", "n/a", "0.500")
    assert "There is only one epoch" in text_of(open_tab(training, "Flow"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LONG + "a,1,dog,cat\n", "two predictions in epoch 1"),
        ("a,b\n1,2\n", "Expected a CSV"),
        ("instance_id,actual,epoch_0\na,-5,1\n", "a cell has -5"),
    ],
    ids=["twice", "another table", "no class"],
)
def test_a_fault_is_a_sentence_and_the_old_history_stays(digits: AppTest, text: str, said: str) -> None:
    upload(digits, text)
    assert not digits.exception
    assert said in digits.error[0].value.replace("\\", "")
    assert figures(digits)["Pictures"] == "600"


def test_curves_are_added_from_a_table(training: AppTest) -> None:
    upload(training, LONG)
    (chooser,) = [one for one in training.file_uploader if one.label.startswith("Loss and accuracy")]
    chooser.upload("curves.csv", b"epoch,val_loss\n0,3\n1,2\n2,1\n", "text/csv").run()
    assert not training.exception
    assert list(training.session_state["workspace"].slot(TrainingSlot).history.curves) == ["val_loss"]


def test_curves_of_every_batch_are_aligned_with_the_epochs_and_the_page_says_how(training: AppTest) -> None:
    upload(training, LONG)
    (chooser,) = [one for one in training.file_uploader if one.label.startswith("Loss and accuracy")]
    text = "step,loss\n" + "".join(f"{step},{step // 10}\n" for step in range(30))
    chooser.upload("curves.csv", text.encode(), "text/csv").run()
    assert not training.exception
    assert training.session_state["workspace"].slot(TrainingSlot).history.curves["loss"].tolist() == [0, 1, 2]
    assert "loss: more values than epochs, so the steps were divided evenly" in text_of(training).replace("\\", "")


def test_confidence_is_shown_next_to_the_predictions(training: AppTest) -> None:
    heads, *rows = LONG.splitlines()
    sure = [f"{row},{share},{1 - share}" for row, share in zip(rows, (0.75, 0.25, 0.5, 0, 0.25, 0.5), strict=True)]
    search(upload(training, "\n".join([f"{heads},prob_cat,prob_dog", *sure])), "a")
    assert not training.exception
    (stretches,) = [one.value for one in training.dataframe if "epochs" in one.value]
    assert stretches["confidence"].tolist() == ["0.750", "0.750", "0.500"]
    assert "mean confidence: **0.667**" in text_of(training)


def test_every_download_is_what_it_says(digits: AppTest) -> None:
    assert {button.label for button in digits.get("download_button")} == {
        "Pictures (CSV)",
        "Epochs (CSV)",
        "InstanceFlow (JSON)",
        "History (npz)",
    }


def test_runs_of_the_server_are_offered_only_if_its_operator_set_a_folder(training: AppTest) -> None:
    assert "Running training" not in [tab.label for tab in training.tabs]


def test_a_growing_run_is_read_again_and_the_range_follows(
    app: AppTest, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    logger = PredictionLogger(f"{tmp_path}/live.npz", [0, 1], ["cat", "dog"])
    for _ in range(2):
        logger.epoch([0, 0])
    app.run()
    app.switch_page("pages/training.py").run()
    (watch,) = [one for one in app.button if one.label == "Watch this file"]
    watch.click().run()
    assert not app.exception
    assert "2 epochs so far" in text_of(app)
    assert figures(app)["Accuracy"] == "0.500"
    logger.epoch([0, 1])
    app.run()
    assert "3 epochs so far" in text_of(app)
    assert figures(app)["Accuracy"] == "1.000"
    assert app.session_state["workspace"].slot(TrainingSlot).range == ("0", "2")


def test_an_unfinished_file_leaves_the_history_as_it_was(
    app: AppTest, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    path = f"{tmp_path}/live.json"
    whole = io.StringIO('{"labels": ["x"], "instances": [{"id": "a", "actual": 0}], "epochs": [')
    with open(path, "w") as file:
        file.write(whole.getvalue() + '{"id": "0", "classifications": [0]}, {"id": "1", "classifications": [0]}]}')
    app.run()
    app.switch_page("pages/training.py").run()
    next(one for one in app.button if one.label == "Watch this file").click().run()
    with open(path, "w") as file:
        file.write(whole.getvalue())
    app.run()
    assert not app.exception
    assert "2 epochs so far. Its last change cannot be read yet" in text_of(app).replace("\\", "")
    assert np.isfinite(app.session_state["workspace"].slot(TrainingSlot).history.predictions).all()


@pytest.mark.parametrize(
    "name",
    [
        "lzma members",
        "encrypted members",
        "a shape that lies",
        "a member that is text",
        "JSON lone surrogates",
        "JSON integer of 5,000 digits",
        "20,000 columns",
    ],
)
def test_a_malformed_history_is_a_sentence_or_is_drawn(training: AppTest, name: str) -> None:
    upload(training, FILES[name]())
    assert not training.exception
    assert len(training.error) == (name != "JSON lone surrogates")
