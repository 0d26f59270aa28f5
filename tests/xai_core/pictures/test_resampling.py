"""Maps are stretched as OpenCV stretches pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xai_core.pictures.resampling import resized, stretch

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("old", "new"), [((7, 7), (224, 224)), ((4, 6), (33, 50)), ((1, 1), (8, 9)), ((14, 7), (28, 28))]
)
def test_a_map_is_enlarged_as_in_opencv(old, new):
    maps = RANDOM.random((2, *old)).astype(np.float32)
    expected = np.stack([cv2.resize(map_, new[::-1], interpolation=cv2.INTER_LINEAR) for map_ in maps])
    np.testing.assert_allclose(resized(maps, new), expected, atol=1e-5)


def test_a_map_of_the_right_size_stays_as_it_is():
    maps = RANDOM.random((1, 5, 6)).astype(np.float32)
    assert resized(maps, (5, 6)) is maps


def test_a_constant_stays_constant():
    np.testing.assert_allclose(stretch(7, 224).sum(axis=1), 1, rtol=1e-6)
