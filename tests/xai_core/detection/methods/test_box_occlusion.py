"""Occlusion of a box: exact falls, no dead border, edges, lost boxes, no picture asked twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import PLACES, SpotDetector, spots, targets_of
from fakes import Remembering

from xai_core.detection.methods.box_occlusion import OcclusionOfABox, in_pixels
from xai_core.detection.model import DetectionModel
from xai_core.errors import DataError, ModelError, ParamError

IMAGE = spots(0.9, 0.6)
TARGETS = targets_of(IMAGE)


def estimates(detector=None, targets=TARGETS, memory=None, image=IMAGE, **settings):
    method = OcclusionOfABox(**{"patch": 25, "stride": 25, "fill": "black"} | settings)
    return list(method.explain(DetectionModel(detector or SpotDetector(), memory), image, targets))


def last(detector=None, **settings):
    return estimates(detector, **settings)[-1]


def patches_over(label):
    """How many of the places (of 4 x 4 pixels) of a box each patch of 8 x 8 hides, as a share of all: (4, 4)."""
    left, top, right, bottom = (PLACES[label] / 4).astype(int)
    inside = np.zeros((8, 8))
    inside[top:bottom, left:right] = 1 / ((bottom - top) * (right - left))
    return inside.reshape(4, 2, 4, 2).sum(axis=(1, 3))


def test_it_asks_for_as_many_detections_as_it_says():
    detector = SpotDetector()
    estimates(detector)
    told = OcclusionOfABox(patch=25, stride=25).detections(IMAGE.shape[:2])
    assert told == sum(detector.asked) == 1 + 16


def test_a_score_falls_by_what_each_patch_hides():
    for target, heatmap in zip(TARGETS, last(aspect="class").maps, strict=True):
        expected = target.score * patches_over(target.label)
        np.testing.assert_allclose(heatmap, np.kron(expected, np.ones((8, 8))), atol=1e-6)


def test_a_lost_box_has_lost_all_it_was_worth():
    image = spots(0.9, 0.6)
    image[4:12, 4:12] *= (np.indices((8, 8)).sum(axis=0) < 8)[..., None]  # lit in one corner
    (target, *_) = (one for one in targets_of(image) if one.label == 0)
    heatmap = last(image=image, targets=[target], patch=50, stride=25).maps[0]
    assert heatmap.max() == pytest.approx(1 + target.score, rel=1e-6)


def test_each_of_two_boxes_has_its_map_at_its_own_place():
    first, second = last().maps
    assert first[:8, :8].sum() > 0
    np.testing.assert_array_equal(first[16:, 16:], 0)
    np.testing.assert_array_equal(second[:16, :16], 0)


def test_an_edge_that_does_not_move_gives_a_map_of_noughts_and_lost_boxes_are_told():
    found = last(aspect="left", patch=50, stride=25)
    np.testing.assert_array_equal(found.maps, 0)
    assert found.notes[0].startswith("The box was lost after 2 of 18 changes")


def test_an_edge_that_moves_is_measured_in_widths_of_the_box():
    class Leaning(SpotDetector):
        """Draws its boxes wider to the left the less they are lit."""

        def detect(self, images, floor):
            found = super().detect(images, floor)
            for one in found:
                one.corners[:, 0] -= 2 * (1 - one.scores)
            return found

    (whole,) = Leaning().detect(IMAGE[None], 0.05)
    target = TARGETS[0].of(whole, 0)
    heatmap = last(Leaning(), targets=[target], aspect="left").maps[0]
    width = target.corners[2] - target.corners[0]
    np.testing.assert_allclose(heatmap, np.kron(2 * 0.9 * patches_over(0) / width, np.ones((8, 8))), atol=1e-5)


@pytest.mark.parametrize(("patch", "stride"), [(16, 8), (25, 7), (50, 50), (2, 2)])
def test_there_is_no_dead_border(patch, stride):
    class Everywhere(SpotDetector):
        """Is the surer the brighter the picture, wherever."""

        def _found(self, fine, floor, side):
            return replace(super()._found(fine * 0 + 1, floor, side), scores=np.full(2, self.light, np.float32))

        def detect(self, images, floor):
            found = []
            for image in images:
                self.light = image.mean()
                found += super().detect(image[None], floor)
            return found

    bright = np.ones_like(IMAGE)
    (whole,) = Everywhere().detect(bright[None], 0.05)
    heatmap = last(Everywhere(), image=bright, targets=[TARGETS[0].of(whole, 0)], patch=patch, stride=stride).maps[0]
    assert heatmap.min() > 0


def test_each_picture_is_asked_for_once_and_the_untouched_one_too():
    detector = SpotDetector()
    found = estimates(detector, batch_size=6)
    assert detector.asked == [1, 6, 6, 4]
    assert [one.fraction for one in found] == pytest.approx([7 / 17, 13 / 17, 1])


def test_another_aspect_and_another_least_iou_cost_no_pass():
    detector, memory = SpotDetector(), Remembering()
    last(detector, memory=memory)
    found = last(detector, memory=memory, aspect="class", least_iou=0.8)
    assert sum(detector.asked) == 17
    np.testing.assert_array_equal(found.maps, last(aspect="class", least_iou=0.8).maps)


@pytest.mark.parametrize("change", [{"patch": 50}, {"stride": 12}, {"fill": "grey"}, {"targets": TARGETS[:1]}])
def test_other_patches_and_other_boxes_are_asked_for_anew(change):
    detector, memory = SpotDetector(), Remembering()
    last(detector, memory=memory)
    detector.asked.clear()
    last(detector, memory=memory, **change)
    assert sum(detector.asked) > 1


def test_a_run_that_is_cancelled_is_continued():
    detector, memory = SpotDetector(), Remembering()
    method = OcclusionOfABox(patch=25, stride=25, fill="black", batch_size=6)
    running = method.explain(DetectionModel(detector, memory), IMAGE, TARGETS)
    next(running)
    running.close()
    found = last(detector, memory=memory, batch_size=6)
    assert sum(detector.asked) == 17
    np.testing.assert_array_equal(found.maps, last(batch_size=6).maps)


@pytest.mark.parametrize("size", [1, 128])
def test_the_batch_size_changes_nothing(size):
    np.testing.assert_array_equal(last(batch_size=size).maps, last(batch_size=5).maps)


def test_patches_on_a_picture_larger_than_its_maps_cover_it_without_gaps():
    edges = np.arange(0, 361, 60)
    squares = np.stack([edges[:-1], edges[:-1], edges[1:], edges[1:]], axis=1)
    found = in_pixels(squares, (360, 480), (1007, 1343))
    assert found[0, 0] == 0
    assert found[-1, 2] == 1007
    np.testing.assert_array_equal(found[1:, 0], found[:-1, 2])


def test_a_large_picture_gets_the_map_of_the_small_one():
    image = np.repeat(np.repeat(IMAGE, 20, axis=0), 20, axis=1)
    large, small = last(image=image, targets=targets_of(image)).maps, last().maps
    assert large.shape == (2, 480, 480)
    np.testing.assert_allclose(large, np.kron(small, np.ones((15, 15))), atol=1e-6)


def test_a_box_outside_the_picture_is_answered_by_a_sentence():
    with pytest.raises(ModelError, match="is not detected in the unchanged picture"):
        estimates(targets=[replace(TARGETS[0], corners=(900.0, 900.0, 950.0, 950.0))])


def test_no_box_is_answered_by_a_sentence():
    with pytest.raises(DataError, match="No box is chosen"):
        estimates(targets=[])


def test_a_stride_beyond_the_patch_is_refused():
    with pytest.raises(ParamError, match="a stride of 9% and a patch of 8%"):
        OcclusionOfABox(patch=8, stride=9)
