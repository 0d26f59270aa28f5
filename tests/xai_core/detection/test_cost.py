"""What is said of the cost before an explanation of boxes begins."""

from __future__ import annotations

import pytest

from xai_core.detection.cost import Cost
from xai_core.detection.methods.box_occlusion import OcclusionOfABox
from xai_core.detection.methods.drise import DRise


def test_each_detection_takes_as_long_as_that_of_the_picture():
    assert Cost.of(DRise(samples=300, stop_at_noise=0.0), (20, 30), 0.5) == Cost(300, 150.0)


def test_the_cost_of_a_run_that_may_stop_early_is_an_upper_limit():
    assert Cost.of(DRise(samples=1000), (20, 30), 0.3).in_words == "up to 1,000 detections, about 5 min"
    assert Cost.of(DRise(samples=1000, stop_at_noise=0.0), (20, 30), 0.3).in_words == "1,000 detections, about 5 min"
    assert Cost.of(OcclusionOfABox(), (20, 30), 0.3).in_words[:1].isdigit()


def test_a_single_detection_has_no_cost_in_words():
    assert Cost(1, 500.0).in_words == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.01, "1 s"), (9.4, "9 s"), (14, "10 s"), (119, "120 s"), (121, "2 min"), (3600, "60 min")],
)
def test_longer_durations_are_rounded_more(seconds, words):
    assert Cost(8000, seconds).in_words == f"8,000 detections, about {words}"
