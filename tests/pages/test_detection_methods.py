"""Which methods are asked about boxes, what they cost, in which precision, and what a different seed shows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.detector_fakes import EVERYTHING, SpotDetector
from tests.fakes_parser import DirectParser
from tests.pages.conftest import text_of
from tests.pages.detecting import DetectingRunner, choose, upload_detector, with_picture
from vitrine.ui import session
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.jobs.base import Status
from xai_core.types import Capability, Engine

FIRST = "box_gradcam"
EXACT = Engine("OpenVINO", "float32", 1e-6, 1.0, 27.0, True)
FAST = Engine("OpenVINO", "bfloat16", 0.008, 0.9, 5.0, True)


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> DetectingRunner:
    runner = DetectingRunner()
    monkeypatch.setattr(session, "runner", lambda: runner)
    monkeypatch.setattr(session, "parser", DirectParser)
    return runner


def said(app: AppTest) -> str:
    return text_of(app).replace("\\", "")


def ticked(app: AppTest) -> list[str]:
    return [one.key.removeprefix("use.") for one in app.checkbox if one.key.startswith("use.") and one.value]


def asking(app: AppTest, methods: str, **values: object) -> AppTest:
    """Open the page with these methods, and ask about the first box."""
    for name, value in ({"methods": methods} | values).items():
        app.query_params[name.replace("__", ".")] = str(value)
    with_picture(app)
    return choose(app, 1)


def press(app: AppTest, label: str) -> AppTest:
    return next(one for one in app.button if one.label.startswith(label)).click().run()


def labels(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


def test_after_a_detector_that_gives_boxes_alone_the_defaults_of_the_next_one_are_ticked(
    app: AppTest, instant: DetectingRunner
) -> None:
    instant.detector = SpotDetector(Capability.DETECT)
    with_picture(app)
    assert ticked(app) == ["drise"]
    instant.detector = SpotDetector(EVERYTHING)
    upload_detector(app, 1)
    assert not app.exception
    assert ticked(app) == [FIRST]


def test_the_user_s_choice_comes_back_once_it_is_possible_again(app: AppTest, instant: DetectingRunner) -> None:
    with_picture(app)
    app.checkbox(key="use.eigencam").check().run()
    app.checkbox(key=f"use.{FIRST}").uncheck().run()
    instant.detector = SpotDetector(Capability.DETECT)
    upload_detector(app, 1)
    assert ticked(app) == ["drise"]
    instant.detector = SpotDetector(EVERYTHING)
    upload_detector(app, 2)
    assert ticked(app) == ["eigencam"]


def test_a_method_that_asks_for_many_detections_says_so(app: AppTest, instant: DetectingRunner) -> None:
    instant.detecting = 0.01
    asking(app, f"drise,{FIRST}", drise__samples=300)
    assert "up to 300 detections, about 3 s" in said(app)
    assert "1 detections" not in said(app)
    assert {method.id for method, _ in instant.asked} == {FIRST, "drise"}


def test_a_costly_method_waits_for_its_button_and_the_others_do_not(app: AppTest, instant: DetectingRunner) -> None:
    instant.detecting = 0.5
    asking(app, f"drise,{FIRST}", drise__samples=300)
    assert [method.id for method, _ in instant.asked] == [FIRST]
    assert "**D-RISE** takes up to 300 detections, about 2 min." in said(app)
    press(app, "Run D-RISE")
    assert not app.exception
    assert [method.id for method, _ in instant.asked] == [FIRST, "drise"]
    assert "Run D-RISE" not in labels(app)


def test_a_method_of_one_detection_begins_by_itself_however_slow_the_detector(
    app: AppTest, instant: DetectingRunner
) -> None:
    instant.detecting = 60
    asking(app, FIRST)
    assert [method.id for method, _ in instant.asked] == [FIRST]


def test_a_new_question_to_a_costly_method_waits_again(app: AppTest, instant: DetectingRunner) -> None:
    instant.detecting = 0.5
    asking(app, "drise", drise__samples=300)
    press(app, "Run D-RISE")
    choose(app, 2)
    assert len(instant.asked) == 1
    assert "Run D-RISE" in labels(app)
    choose(app, 1)
    assert len(instant.asked) == 1
    assert "Run D-RISE" not in labels(app)


def test_run_begins_costly_methods_too(app: AppTest, instant: DetectingRunner) -> None:
    instant.detecting = 0.5
    asking(app, "drise,box_occlusion", drise__samples=300)
    assert not instant.asked
    app.button(key="detection.run").click().run()
    assert {method.id for method, _ in instant.asked} == {"drise", "box_occlusion"}


def test_a_different_seed_is_tried_and_its_map_shown(app: AppTest, instant: DetectingRunner) -> None:
    instant.detecting = 0.01
    asking(app, "drise", drise__samples=300)
    assert said(app).count("up to 300 detections, about 3 s") == 2
    press(app, "Try a different seed")
    assert not app.exception
    assert [method.values()["seed"] for method, _ in instant.asked] == [0, 1]
    assert instant.asked[0][1] == instant.asked[1][1]
    assert "A different seed gives" in said(app)
    assert "rank correlation" in said(app)


def test_a_method_without_chance_offers_no_seed(app: AppTest) -> None:
    asking(app, FIRST)
    assert "Try a different seed" not in labels(app)
    assert "does not measure its own error. Run a second method" in said(app)


def test_a_check_of_boxes_ends_with_its_question(app: AppTest, instant: DetectingRunner) -> None:
    asking(app, "drise", drise__samples=300)
    instant.holding = True
    press(app, "Try a different seed")
    (running,) = (
        job for jobs in app.session_state["workspace"].slot(DetectorSlot).checks.values() for job in jobs.values()
    )
    assert not running.state.ended
    choose(app, 2)
    assert running.state.status is Status.CANCELLED


def test_less_noise_is_asked_of_the_noisy_method_alone(app: AppTest, instant: DetectingRunner) -> None:
    instant.detecting = 0.15
    asking(app, "drise,box_occlusion", drise__samples=100, drise__averaging="as in the paper", box_occlusion__stride=2)
    assert [method.id for method, _ in instant.asked] == ["drise"]
    next(button for button in app.button if re.fullmatch(r"Run .* samples\)", button.label)).click().run()
    assert not app.exception
    assert [method.id for method, _ in instant.asked] == ["drise", "drise"]
    assert instant.asked[-1][0].values()["samples"] > 100


def test_the_fast_precision_is_for_methods_that_ask_for_boxes_alone(app: AppTest, instant: DetectingRunner) -> None:
    instant.known_engines = (EXACT, FAST)
    asking(app, f"drise,{FIRST}", drise__samples=300).run()
    assert "Fast (OpenVINO) finds 90.0% of the best boxes again" in said(app)
    assert "5.0 ms per picture instead of 27.0 ms" in said(app)
    app.segmented_control(key="detection.precision").set_value("bfloat16").run()
    assert not app.exception
    asked = [(method.id, precision) for (method, _), precision in zip(instant.asked, instant.precisions, strict=True)]
    assert sorted(asked[:2]) == [(FIRST, "float32"), ("drise", "float32")]
    assert asked[2:] == [("drise", "bfloat16")]
    app.segmented_control(key="detection.precision").set_value("float32").run()
    assert len(instant.asked) == 3


def test_without_a_method_for_boxes_alone_there_is_no_choice_of_a_precision(
    app: AppTest, instant: DetectingRunner
) -> None:
    instant.known_engines = (EXACT, FAST)
    asking(app, FIRST)
    assert not [one for one in app.segmented_control if one.key == "detection.precision"]


def test_what_a_detector_runs_on_is_listed(app: AppTest, instant: DetectingRunner) -> None:
    instant.known_engines = (EXACT, replace(FAST, used=False, reason="It is slower."))
    asking(app, FIRST)
    assert "is determined when you first run a method that needs many detections" in said(app)
    app.checkbox(key="use.drise").check().run()
    app.run()
    assert "**Many pictures of 32 × 32 px** run on" in said(app)
    assert "| largest difference | boxes found again | why not |" in said(app)
    assert "|  | OpenVINO | bfloat16 | 5.0 ms | 0.8% | 90.0% | It is slower. |" in said(app)
