"""Attention of a box: layers and heads added up, weighted by what raises the box's score."""

from __future__ import annotations

import pytest
from detector_fakes import SIDE, SpotDetector, spots, targets_of

from xai_core.detection.methods.box_attention import AttentionOfABox
from xai_core.detection.model import DetectionModel
from xai_core.errors import DataError

IMAGE = spots()


def last(targets, **settings):
    return list(AttentionOfABox(**settings).explain(DetectionModel(SpotDetector()), IMAGE, targets))[-1].maps


@pytest.mark.parametrize(
    ("settings", "inside", "outside"),
    [
        ({"weighting": "none"}, 0.25, 0.01),  # the mean of .1, .2, .3 and .4
        ({"weighting": "none", "layers": "last"}, 0.35, 0.01),
        ({"weighting": "none", "layers": "last", "heads": "max"}, 0.4, 0.01),
        ({}, 0.3 * 2 / 4, 0.01 * 2 / 4),  # the negative gradient of the other head does not count
        ({"layers": "last", "heads": "max"}, 0.6, 0.02),
    ],
)
def test_layers_and_heads_are_combined_as_chosen(settings, inside, outside):
    (shown,) = last(targets_of(IMAGE)[:1], **settings)
    assert shown.shape == (SIDE, SIDE)
    assert shown[8, 8] == pytest.approx(inside, abs=1e-6)
    assert shown[30, 4] == pytest.approx(outside, abs=1e-6)


def test_each_of_two_boxes_has_its_map_at_its_own_place():
    first, second = last(targets_of(IMAGE))
    assert first[6:10, 6:10].mean() > 5 * first.mean()
    assert second[20:26, 20:28].mean() > 3 * second.mean()


def test_without_a_box_it_asks_for_one():
    with pytest.raises(DataError, match="No box is chosen"):
        last([])
