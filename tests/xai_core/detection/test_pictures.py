"""Pictures on their way to a detector, and the size of maps."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.detection.pictures import at_size, image_of, map_size, outlined, shrunk, within


def test_a_picture_that_is_small_enough_stays_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    assert shrunk(pixels) is pixels


def test_a_large_picture_is_shrunk_and_keeps_its_look():
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    pixels[:, 2000:] = 200
    small = shrunk(pixels)
    assert small.shape == (1008, 1344, 3)
    assert small[500, 300].tolist() == [0, 0, 0]
    assert small[500, 1000].tolist() == [200, 200, 200]


def test_an_image_is_scaled_to_zero_to_one():
    image = image_of(np.array([[[0, 255, 51]]], np.uint8))
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, [[[0, 1, 0.2]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "expected"), [((300, 400), (300, 400)), ((1008, 1344), (360, 480)), ((1344, 2), (480, 1))]
)
def test_maps_have_the_size_of_the_image_or_480_pixels_at_most(size, expected):
    assert map_size(np.empty((*size, 3), np.float32)) == expected


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (7, 7)])
def test_no_side_becomes_longer_than_allowed_or_vanishes(size):
    height, width = within(size, 100)
    assert 1 <= height <= 100
    assert 1 <= width <= 100


def test_corners_are_scaled_with_their_picture():
    np.testing.assert_allclose(at_size(np.array([[10, 20, 30, 40]]), (100, 200), (50, 400)), [[20, 10, 60, 20]])


def test_outlines_are_white_between_black_and_stay_in_the_picture():
    grey = np.full((40, 60, 3), 128, np.uint8)
    drawn = outlined(grey, np.array([[10, 10, 30, 30], [-100, -100, 900, 900]], np.float32))
    assert drawn[20, 10].tolist() == [255, 255, 255]
    assert drawn[20, 9].tolist() == drawn[20, 11].tolist() == [0, 0, 0]
    assert drawn[20, 20].tolist() == [128, 128, 128]
    assert drawn[0, 30].tolist() == [255, 255, 255]
    assert (grey == 128).all()
