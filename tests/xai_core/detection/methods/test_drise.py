"""D-RISE: its definition, repeatability, continuation, its own place for each box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import SpotDetector, spots, targets_of
from fakes import Remembering

from xai_core.detection.methods.drise import FLOOR, DRise
from xai_core.detection.model import DetectionModel
from xai_core.detection.targets import similarities
from xai_core.errors import DataError
from xai_core.families.masks import Masks
from xai_core.families.noise import noise_shares

IMAGE = spots(0.9, 0.6)
TARGETS = targets_of(IMAGE)


def estimates(detector=None, targets=TARGETS, memory=None, image=IMAGE, **settings):
    method = DRise(**{"samples": 200, "grid": 4, "stop_at_noise": 0.0} | settings)
    return list(method.explain(DetectionModel(detector or SpotDetector(), memory), image, targets))


def last(detector=None, **settings):
    return estimates(detector, **settings)[-1]


@pytest.fixture
def drawn():
    """The first 200 masks, and how like the targets the best box is under each."""
    masks = Masks((32, 32), 4, 0.5, 0).draw(200)
    found = SpotDetector().detect(masks[..., None] * IMAGE, FLOOR)
    return masks.astype(np.float64), np.stack([similarities(one, TARGETS) for one in found]).astype(np.float64)


def test_it_asks_for_as_many_detections_as_it_says():
    detector = SpotDetector()
    estimates(detector)
    assert DRise(samples=200).detections(IMAGE.shape[:2]) == sum(detector.asked) == 200


def test_the_literatures_map_is_the_mean_of_similarity_times_mask_over_the_preservation(drawn):
    masks, likeness = drawn
    expected = np.einsum("nt,nhw->thw", likeness, masks) / 200 / 0.5
    np.testing.assert_allclose(last(averaging="as in the paper").maps, expected, atol=1e-5)


def test_the_default_map_is_their_covariance_over_the_preservation_with_less_noise():
    """Each from masks of its own, so they may differ by what their standard errors allow."""
    masks = Masks((32, 32), 4, 0.5, 1).draw(4000)
    boxes = SpotDetector().detect(masks[..., None] * IMAGE, FLOOR)
    likeness = np.stack([similarities(one, TARGETS) for one in boxes]).astype(np.float64)
    terms = np.einsum("nt,nhw->tnhw", likeness - likeness.mean(axis=0), masks - 0.5, optimize=True) / 0.5
    steady, its_error = last(samples=4000), terms.std(axis=1) / 4000**0.5
    off = (steady.maps - terms.mean(axis=1)) / np.hypot(steady.standard_error, its_error)
    assert np.mean(off**2) < 3
    assert np.abs(off).max() < 5
    assert steady.standard_error.mean() < 0.8 * its_error.mean()


def test_it_stops_once_the_noise_is_low_enough():
    detector = SpotDetector()
    final = last(detector, samples=20000, stop_at_noise=5.0)
    assert sum(detector.asked) < 20000
    assert max(noise_shares(final)) <= 0.05
    assert final.notes[0].startswith(f"Stopped after {sum(detector.asked)} of at most 20000 samples")


def test_each_of_two_boxes_has_its_map_at_its_own_place():
    first, second = last(samples=1000, seed=3).maps
    assert first[4:12, 4:12].mean() > 3 * first[18:28, 18:28].mean()
    assert second[18:28, 18:28].mean() > 3 * second[4:12, 4:12].mean()
    for heatmap, box in ((first, TARGETS[0]), (second, TARGETS[1])):
        row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
        left, top, right, bottom = box.corners
        assert left <= column <= right
        assert top <= row <= bottom


def test_one_run_serves_all_boxes():
    detector = SpotDetector()
    together = last(detector).maps
    assert sum(detector.asked) == 200
    for target, heatmap in zip(TARGETS, together, strict=True):
        np.testing.assert_allclose(last(targets=[target]).maps[0], heatmap, atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_one_another_map():
    np.testing.assert_array_equal(last(seed=5).maps, last(seed=5).maps)
    assert not np.array_equal(last(seed=5).maps, last(seed=6).maps)


@pytest.mark.parametrize("size", [1, 7, 128])
def test_the_batch_size_changes_the_rounding_only(size):
    np.testing.assert_allclose(last(batch_size=size).maps, last(batch_size=25).maps, atol=1e-6)


@pytest.mark.parametrize("averaging", ["steady", "as in the paper"])
def test_more_samples_continue_from_those_done_to_the_same_bits(averaging):
    detector, memory = SpotDetector(), Remembering()
    last(detector, memory=memory, samples=200, averaging=averaging)
    continued = last(detector, memory=memory, samples=500, averaging=averaging)
    assert sum(detector.asked) == 500
    afresh = last(samples=500, averaging=averaging)
    np.testing.assert_array_equal(continued.maps, afresh.maps)
    np.testing.assert_array_equal(continued.standard_error, afresh.standard_error)


def test_the_way_of_averaging_costs_no_pass():
    detector, memory = SpotDetector(), Remembering()
    last(detector, memory=memory)
    last(detector, memory=memory, averaging="as in the paper")
    assert sum(detector.asked) == 200


@pytest.mark.parametrize("change", [{"seed": 1}, {"grid": 5}, {"preservation": 0.6}, {"targets": TARGETS[:1]}])
def test_other_masks_and_other_boxes_are_detected_afresh(change):
    detector, memory = SpotDetector(), Remembering()
    last(detector, memory=memory)
    last(detector, memory=memory, **change)
    assert sum(detector.asked) == 400


def test_a_run_that_is_cancelled_is_continued():
    detector, memory = SpotDetector(), Remembering()
    running = DRise(samples=200, grid=4, stop_at_noise=0.0).explain(DetectionModel(detector, memory), IMAGE, TARGETS)
    next(running)
    running.close()
    np.testing.assert_array_equal(last(detector, memory=memory).maps, last().maps)
    assert sum(detector.asked) == 200


def test_a_preview_follows_every_batch():
    assert [one.fraction for one in estimates(batch_size=50)] == [0.25, 0.5, 0.75, 1.0]


def test_the_papers_standard_error_halves_with_four_times_the_samples():
    few, many = (last(samples=samples, averaging="as in the paper").standard_error.mean() for samples in (500, 2000))
    assert many / few == pytest.approx(0.5, rel=0.1)


def test_a_box_that_is_never_found_has_a_map_of_zeros():
    away = replace(TARGETS[0], corners=(900.0, 900.0, 950.0, 950.0))
    np.testing.assert_array_equal(last(targets=[away]).maps, 0)


def test_a_picture_larger_than_its_maps_is_masked_at_its_own_size():
    image = np.repeat(np.repeat(IMAGE, 16, axis=0), 16, axis=1)
    targets = targets_of(image)
    detector = SpotDetector()
    seen = []
    ask = detector.detect
    detector.detect = lambda images, floor: (seen.append(images.shape), ask(images, floor))[1]
    found = last(detector, image=image, targets=targets, samples=100, batch_size=10)
    assert set(seen) == {(10, 512, 512, 3)}
    assert found.maps.shape == (2, 480, 480)
    assert found.maps[0, 60:180, 60:180].mean() > 3 * np.abs(found.maps[0, 240:, 240:].mean())


def test_no_box_is_answered_by_a_sentence():
    with pytest.raises(DataError, match="No box is chosen"):
        estimates(targets=[])
