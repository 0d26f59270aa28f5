"""The class of every pixel, what there is of each class, and connected regions."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.pictures.resampling import resized
from xai_core.segmentation.segments import NO_CLASS, Segmentation
from xai_core.types import Capability, Card, InputSpec

LABELS = ("background", "cat", "dog")


def card(**fields):
    return Card("pytorch", "torchscript", 3, InputSpec(None, None), Capability.PREDICT, **fields)


def test_a_pixel_gets_the_class_with_the_highest_enlarged_score():
    raw = np.random.default_rng(0).standard_normal((9, 7, 3)).astype(np.float32)
    found = Segmentation.of(raw, card(), (200, 150))
    whole = np.moveaxis(resized(np.moveaxis(raw, 2, 0), (200, 150)), 0, 2)
    raised = np.exp(whole)
    np.testing.assert_array_equal(found.classes, whole.argmax(2))
    np.testing.assert_allclose(found.confidence, (raised / raised.sum(2, keepdims=True)).max(2), atol=1e-5)


def test_the_largest_class_comes_first_with_its_share_and_mean_probability():
    classes = np.array([[0, 0, 0, 1]], np.int32)
    found = Segmentation(classes, np.array([[0.5, 0.6, 0.7, 0.9]], np.float32))
    assert [(segment.index, segment.share) for segment in found.segments] == [(0, 0.75), (1, 0.25)]
    assert found.segments[0].probability == pytest.approx(0.6)


@pytest.mark.parametrize(("classes", "main"), [([[0, 0, 0, 2, 2, 1]], 2), ([[0, 0, 0, 0, 0, 0]], 0)])
def test_the_main_class_is_no_background_if_there_is_another(classes, main):
    found = Segmentation(np.array(classes, np.int32), np.ones((1, 6), np.float32))
    assert found.main(LABELS) == main


def test_pixels_that_touch_at_a_corner_are_connected_and_others_are_not():
    classes = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]], np.int32)
    found = Segmentation(classes, np.ones((4, 3), np.float32))
    assert np.argwhere(found.connected(0, 0)).tolist() == [[0, 0], [1, 1]]


def test_of_independent_classes_none_may_reach_one_half():
    raw = np.array([[[-1, -2, -3], [2, 1, -1]]], np.float32)
    found = Segmentation.of(raw, card(head="sigmoid"), (1, 2))
    assert found.classes.tolist() == [[NO_CLASS, 0]]
    assert [segment.index for segment in found.segments] == [0]
