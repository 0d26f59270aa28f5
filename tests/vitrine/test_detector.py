"""A detector in a notebook: its boxes, and why it drew them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import vitrine
from vitrine.samples import sample_detectors

(SAMPLE,) = sample_detectors()


@pytest.fixture(scope="module")
def detector() -> Iterator[vitrine.Detector]:
    with vitrine.load(SAMPLE.path, task="detect") as model:
        yield model


def test_a_threshold_beside_boxes_that_have_their_own_is_refused(detector):
    boxes = detector.detect(SAMPLE.scenes[0].path, threshold=0.3)
    with pytest.raises(vitrine.ParamError, match=r"threshold 0\.3\. Leave threshold out"):
        detector.explain("eigencam", boxes, threshold=0.9)
    assert detector.explain("eigencam", boxes).map.ndim == 2
