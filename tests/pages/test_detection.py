"""The Detection page, with a detector that answers at once."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from model_adapters.common.output_shapes import not_a_classifier
from model_adapters.pytorch.detection import known_detectors
from tests.detector_fakes import SpotDetector
from tests.fakes_parser import DirectParser
from tests.pages.conftest import text_of
from tests.pages.detecting import (
    DetectingRunner,
    FixedDetector,
    box_list,
    choose,
    on_detection_page,
    upload_detector,
    with_detector,
    with_picture,
)
from vitrine.samples import sample_detectors
from vitrine.ui import session
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.detection import methods  # noqa: F401  (registers them)
from xai_core.detection.method import DETECTION_METHODS
from xai_core.detector import Detections
from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.types import Capability, Floats, RawOutput

FIRST = "box_gradcam"


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> DetectingRunner:
    runner = DetectingRunner()
    monkeypatch.setattr(session, "runner", lambda: runner)
    monkeypatch.setattr(session, "parser", DirectParser)
    return runner


def many_boxes(scores: Floats, labels: Floats | None = None) -> Detections:
    """Return boxes one beside the other, with these scores."""
    left = np.linspace(0, 27, len(scores))
    corners = np.stack([left, left, left + 4, left + 4], axis=1)
    return Detections.of(corners, np.zeros(len(scores)) if labels is None else labels, scores, classes=3)


def set_threshold(app: AppTest, value: float) -> AppTest:
    return next(one for one in app.slider if one.label == "Score threshold").set_value(value).run()


def all_of_this_class(app: AppTest) -> AppTest:
    return app.button(key="same-class").click().run()


def test_without_a_detector_it_says_how_to_open_one(app: AppTest) -> None:
    on_detection_page(app)
    assert not app.exception
    assert "No detector is open" in text_of(app)


def test_without_a_picture_it_asks_for_one(app: AppTest) -> None:
    with_detector(app)
    assert not app.exception
    assert "Add a picture on the left" in text_of(app)


def test_what_else_the_file_says_is_listed(app: AppTest, instant: DetectingRunner) -> None:
    instant.detector.card = replace(instant.detector.card, settings={"epoch": "26"})
    with_detector(app)
    assert "What else the file says (1)" in [fold.label for fold in app.expander]
    assert not app.exception
    assert [["epoch", "26"]] in [table.value.to_numpy().tolist() for table in app.dataframe]


def test_the_detector_is_opened_as_one_beside_the_classifier(app: AppTest, instant: DetectingRunner) -> None:
    with_detector(app)
    space = app.session_state["workspace"]
    assert [source.task for source in instant.opened] == ["detect"]
    classifier, detector = space.slot(ClassifierSlot), space.slot(DetectorSlot)
    assert classifier.prepared is None
    assert detector.prepared.source.owner == detector.owner != classifier.owner


def test_all_boxes_above_the_threshold_can_be_chosen_by_list(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    assert box_list(app).options == ["1: class 0, 90.2%", "2: class 1, 60.0%"]
    choose(app, 2)
    assert not app.exception
    ((method, targets),) = instant.asked
    assert (method.id, [target.label for target in targets]) == (FIRST, [1])
    assert "Grad" in text_of(app)


def test_the_threshold_leaves_boxes_out_without_asking_the_detector_again(
    app: AppTest, instant: DetectingRunner
) -> None:
    with_picture(app)
    asked = len(instant.detector.asked)
    assert "· 2 boxes" in text_of(app)
    set_threshold(app, 0.7)
    assert box_list(app).options == ["1: class 0, 90.2%"]
    assert "· 1 box, 1 more below the threshold" in text_of(app)
    assert len(instant.detector.asked) == asked


def test_a_box_that_the_threshold_leaves_out_is_no_longer_chosen(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    choose(app, 1, 2)
    set_threshold(app, 0.7)
    assert box_list(app).value == [1]
    assert [target.label for target in instant.asked[-1][1]] == [0]


def test_the_label_filter_leaves_other_classes_out(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    next(one for one in app.multiselect if one.label == "Labels").set_value([1]).run()
    assert box_list(app).options == ["2: class 1, 60.0%"]


def test_below_the_threshold_the_best_candidates_are_offered(app: AppTest, instant: DetectingRunner) -> None:
    instant.detector = FixedDetector(many_boxes(np.linspace(0.1, 0.4, 9)))
    with_picture(app)
    assert "No box reaches a score of 50%. The best ones below it are dashed" in text_of(app)
    assert len(box_list(app).options) == 5
    choose(app, 1)
    assert len(instant.asked) == 1


def test_a_picture_without_any_box_is_a_sentence(app: AppTest) -> None:
    with_picture(app, np.zeros((32, 32, 3), np.float32))
    assert not app.exception
    assert "finds nothing in this picture, even at a score of 5%" in text_of(app)


def test_of_five_hundred_boxes_the_best_hundred_are_drawn(app: AppTest, instant: DetectingRunner) -> None:
    instant.detector = FixedDetector(many_boxes(np.linspace(0.6, 0.9, 500)))
    with_picture(app)
    assert "500 boxes reach the threshold; the best 100 are drawn" in text_of(app)
    assert len(box_list(app).options) == 100


def test_all_boxes_of_a_class_are_explained_up_to_eight(app: AppTest, instant: DetectingRunner) -> None:
    instant.detector = FixedDetector(many_boxes(np.linspace(0.6, 0.9, 12), np.arange(12) % 4 == 3))
    app.session_state["use.drise"], app.session_state["drise.samples"] = False, 100
    with_picture(app)
    choose(app, 2)
    all_of_this_class(app)
    labels = [target.label for target in instant.asked[-1][1]]
    assert labels == [0] * 8
    assert len(box_list(app).value) == 8


def test_a_large_picture_is_asked_about_at_the_detectors_size(app: AppTest) -> None:
    with_picture(app, np.full((1500, 2000, 3), 0.5, np.float32))
    assert "has 2000 × 1500 px; the detector gets it at 1344 × 1008 px" in text_of(app)


def test_several_methods_answer_side_by_side(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    choose(app, 1)
    app.checkbox(key="use.eigencam").check().run()
    assert not app.exception
    assert [method.id for method, _ in instant.asked] == [FIRST, "eigencam"]
    told = text_of(app)
    assert "**Grad\\-CAM of a box** of spots" in told
    assert "**Eigen\\-CAM of a detector** of spots" in told
    assert len([one for one in app.get("download_button") if one.proto.label.startswith("Download maps")]) == 2


@pytest.mark.parametrize("method_id", sorted(DETECTION_METHODS))
def test_each_method_shows_a_control_a_parameter(app: AppTest, method_id: str) -> None:
    with_picture(app)
    app.checkbox(key=f"use.{method_id}").check().run()
    assert not app.exception
    shown = {widget.key for kind in (app.slider, app.selectbox, app.toggle, app.multiselect) for widget in kind}
    assert {f"{method_id}.{param.name}" for param in DETECTION_METHODS[method_id].params} <= shown


def test_a_moved_slider_asks_again_and_going_back_asks_nothing(app: AppTest, instant: DetectingRunner) -> None:
    app.query_params["methods"] = "ablationcam"
    with_picture(app)
    choose(app, 1)
    app.slider(key="ablationcam.channels").set_value(50.0).run()
    assert [method.channels for method, _ in instant.asked] == [20.0, 50.0]
    app.slider(key="ablationcam.channels").set_value(20.0).run()
    assert len(instant.asked) == 2


def test_by_hand_nothing_runs_until_run_is_pressed(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    app.toggle(key="detection.automatic").set_value(False).run()
    choose(app, 1)
    assert not instant.asked
    assert "Press Run to see this result" in text_of(app)
    app.button(key="detection.run").click().run()
    assert len(instant.asked) == 1


def test_a_run_can_be_cancelled_and_started_again(app: AppTest, instant: DetectingRunner) -> None:
    instant.holding = True
    with_picture(app)
    choose(app, 1)
    app.button(key="cancel").click().run()
    assert instant.cancelled == 1
    assert "Cancelled." in text_of(app)
    instant.holding = False
    app.button(key="detection.run").click().run()
    assert "Cancelled." not in text_of(app)
    assert len(instant.asked) == 2


def test_a_different_box_cancels_the_run_about_the_first(app: AppTest, instant: DetectingRunner) -> None:
    instant.holding = True
    with_picture(app)
    choose(app, 1)
    choose(app, 2)
    assert instant.cancelled == 1
    assert [target.label for _, targets in instant.asked for target in targets] == [0, 1]


def test_methods_that_a_detector_cannot_run_are_greyed_out_with_the_reason(
    app: AppTest, instant: DetectingRunner
) -> None:
    instant.detector = SpotDetector(Capability.DETECT)
    with_picture(app)
    assert app.checkbox(key="use.ablationcam").disabled
    assert "Ablation\\-CAM of a box needs" in text_of(app)
    assert app.checkbox(key="use.drise").value
    assert not app.checkbox(key="use.drise").disabled


def test_where_no_ticked_method_is_possible_one_that_is_gets_ticked(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    instant.detector = SpotDetector(Capability.DETECT)
    upload_detector(app, 1)
    assert not app.checkbox(key=f"use.{FIRST}").value
    assert app.checkbox(key="use.drise").value
    app.checkbox(key="use.drise").uncheck().run()
    assert not app.checkbox(key="use.drise").value


def test_a_link_restores_methods_and_parameters(app: AppTest) -> None:
    for name, value in {"methods": "drise,eigencam", "drise.samples": "300"}.items():
        app.query_params[name] = value
    with_picture(app)
    assert [app.checkbox(key=f"use.{method_id}").value for method_id in ("drise", "eigencam", FIRST)] == [
        True,
        True,
        False,
    ]
    assert app.slider(key="drise.samples").value == 300


def test_a_link_with_an_unknown_method_is_reported_and_the_page_works(app: AppTest) -> None:
    app.query_params["methods"] = "magic"
    with_picture(app)
    assert not app.exception
    assert "There is no method for boxes called" in text_of(app)
    assert app.checkbox(key=f"use.{FIRST}").value


def test_a_classifier_is_pointed_to_the_model_page_and_opens_there(app: AppTest, instant: DetectingRunner) -> None:
    instant.no_detector = TryAsClassifier("This model names the whole picture (a classifier).")
    with_detector(app)
    assert "Open a classifier on the Model page" in text_of(app)
    next(one for one in app.button if one.label == "Open it as a classifier").click().run()
    assert not app.exception
    app.session_state["workspace"].slot(ClassifierSlot).opening.wait(120)
    assert [source.task for source in instant.opened] == ["detect", "classify"]
    assert "Why did it say that?" in text_of(app)


def test_a_detector_on_the_model_page_opens_on_this_one(app: AppTest, instant: DetectingRunner) -> None:
    instant.refusal = not_a_classifier([(1, 85, 22, 22)], side=352)
    app.run()
    app.file_uploader(key="model-file-0").upload("detector.pt", b"weights").run()
    app.session_state["workspace"].slot(ClassifierSlot).opening.wait(120)
    app.run()
    assert "Open a detector on the Detection page" in text_of(app)
    next(one for one in app.button if one.label == "Open it on the Detection page").click().run()
    app.session_state["workspace"].slot(DetectorSlot).opening.wait(120)
    app.run().run()
    assert not app.exception
    assert app.session_state["workspace"].slot(DetectorSlot).prepared.source.name == "detector.pt"
    assert "Add a picture on the left" in text_of(app)


def test_unknown_outputs_ask_for_a_reading_and_show_what_they_hold(app: AppTest, instant: DetectingRunner) -> None:
    raw = RawOutput("output0", (1, 84, 8400), -3.5, 640.0, (1.0, 2.0))
    reason = {"DETECT": "It is not known how this model's outputs are read."}
    able = instant.detector.card
    instant.detector.card = replace(
        able, framework="onnx", capabilities=Capability(0), missing=reason, raw_outputs=(raw,)
    )
    with_detector(app)
    assert "It is not known how this model's outputs are read" in app.warning[0].value.replace("\\", "")
    assert list(app.dataframe[0].value["shape"]) == ["1 × 84 × 8400"]
    instant.detector.card = able
    next(one for one in app.toggle if one.label == "Objectness").set_value(True)
    next(one for one in app.button if one.label == "Read the outputs this way").click().run()
    app.session_state["workspace"].slot(DetectorSlot).opening.wait(120)
    app.run().run()
    assert not app.exception
    assert '"objectness": true' in instant.opened[-1].reading
    assert "Add a picture on the left" in text_of(app)


def test_a_guess_about_the_outputs_says_where_to_change_it(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    assert "You can change this under Settings and Labels" not in text_of(app)
    instant.detector.card = replace(instant.detector.card, notes=("The classes are taken for those of COCO.",))
    upload_detector(app, 1)
    assert "You can change this under Settings and Labels" in text_of(app)


def test_settings_that_weights_do_not_hold_can_be_changed(app: AppTest, instant: DetectingRunner) -> None:
    card = instant.detector.card
    instant.detector.card = replace(card, architecture="torchvision/fasterrcnn_resnet50_fpn")
    with_detector(app)
    next(one for one in app.number_input if one.label == "Smallest side (px)").set_value(640)
    next(one for one in app.button if one.label == "Open with these settings").click().run()
    app.session_state["workspace"].slot(DetectorSlot).opening.wait(120)
    assert not app.exception
    assert instant.opened[-1].reading == '{"smallest_side": 640}'


def test_labels_are_read_with_or_without_the_background(app: AppTest) -> None:
    with_picture(app)
    labels_file(app).upload("labels.txt", b"__background__\ndog\ncat").run()
    assert not app.exception
    assert box_list(app).options == ["1: dog, 90.2%", "2: cat, 60.0%"]


def test_a_label_file_that_is_too_short_is_a_sentence(app: AppTest) -> None:
    with_picture(app)
    labels_file(app).upload("labels.txt", b"dog").run()
    assert not app.exception
    assert "contains 1 labels, but the model has 2 classes" in text_of(app)


def test_a_sample_brings_its_labels_and_pictures_of_its_own(app: AppTest, instant: DetectingRunner) -> None:
    (sample,) = sample_detectors()
    instant.detector = FixedDetector(Detections.of([[9, 9, 99, 99]], [7], [0.8], classes=len(sample.labels)))
    on_detection_page(app)
    app.button(key=f"use-detector-{sample.path.stem}").click().run()
    app.session_state["workspace"].slot(DetectorSlot).opening.wait(120)
    app.run().run()
    assert not app.exception
    assert box_list(app).options == [f"1: class {sample.labels[7]}, 80.0%"]
    assert list(app.session_state["workspace"].pictures) == [sample.scenes[0].picture().digest]
    other = sample.scenes[1]
    next(one for one in app.checkbox if one.label == other.title).check().run()
    assert next(one for one in app.selectbox if one.label == "Picture").value == other.picture().digest


def test_a_download_that_fails_is_a_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = [sys.executable, "-c", "import sys; sys.exit('The weights could not be fetched: there is no network.')"]
    monkeypatch.setattr(known_detectors, "coco_fetch_command", lambda name: fails)
    on_detection_page(app)
    get_coco(app)
    assert not app.exception
    assert "there is no network" in text_of(app).replace("\\", "")


def test_a_download_is_opened_as_a_detector(
    app: AppTest, instant: DetectingRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "weights.pth").write_bytes(b"weights")
    gives = [sys.executable, "-c", f"print('fetching'); print({str(tmp_path / 'weights.pth')!r})"]
    monkeypatch.setattr(known_detectors, "coco_fetch_command", lambda name: gives)
    on_detection_page(app)
    get_coco(app)
    app.session_state["workspace"].slot(DetectorSlot).opening.wait(120)
    app.run().run()
    assert [(source.name, source.task) for source in instant.opened] == [("weights.pth", "detect")]
    assert "Add a picture on the left" in text_of(app)


def test_a_second_detector_replaces_the_first(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    choose(app, 1)
    instant.detector = FixedDetector(many_boxes(np.array([0.8])))
    upload_detector(app, 1)
    assert not app.exception
    assert box_list(app).options == ["1: class 0, 80.0%"]


def test_a_failed_job_shows_a_sentence_and_a_button_to_try_again(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    instant.failing = UnsupportedModel("The detector's process stopped.")
    choose(app, 1)
    assert "process stopped" in text_of(app)
    instant.failing = None
    next(one for one in app.button if one.label == "Try again").click().run()
    assert "process stopped" not in text_of(app)
    assert len(instant.asked) == 2


def get_coco(app: AppTest) -> None:
    next(one for one in app.button if one.label == "Download this detector").click().run()
    app.session_state["workspace"].slot(DetectorSlot).downloading.wait(120)
    app.run()


def labels_file(app: AppTest):
    return next(one for one in app.file_uploader if one.key.startswith("detector.labels"))
