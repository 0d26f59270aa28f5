"""The pictures that stand for no information."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from fakes import random_image

from xai_core.families.baselines import Baseline, baseline_picture, blurred

IMAGE = random_image(12, 17)


@pytest.mark.parametrize("kind", get_args(Baseline))
def test_each_is_a_picture_of_the_same_shape(kind):
    found = baseline_picture(kind, IMAGE, 0)
    assert found.shape == IMAGE.shape
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize(("kind", "value"), [("black", 0), ("grey", 0.5), ("white", 1)])
def test_a_plain_colour_is_one_value(kind, value):
    assert (baseline_picture(kind, IMAGE) == value).all()


def test_the_mean_is_the_pictures_own_colour():
    np.testing.assert_allclose(baseline_picture("mean", IMAGE)[3, 4], IMAGE.mean(axis=(0, 1)), rtol=1e-6)


def test_noise_is_uniform_and_belongs_to_its_seed():
    large = np.zeros((100, 100, 3), np.float32)
    noise = baseline_picture("noise", large, 5)
    assert np.histogram(noise, 10, (0, 1))[0] == pytest.approx(3000, rel=0.1)
    np.testing.assert_array_equal(noise, baseline_picture("noise", large, 5))
    assert not np.array_equal(noise, baseline_picture("noise", large, 6))


def test_a_blur_spreads_a_point_as_a_gaussian():
    point = np.zeros((81, 81, 3), np.float32)
    point[40, 40] = 1
    found = blurred(point, 3)
    expected = np.exp(-0.5 * (np.arange(-9, 10) / 3) ** 2)
    np.testing.assert_allclose(found[40, 31:50, 1] / found[40, 40, 1], expected, rtol=1e-5)
    assert found.sum() == pytest.approx(3, rel=1e-3)


def test_a_plain_picture_is_its_own_blur():
    np.testing.assert_allclose(baseline_picture("blurred", np.full((9, 14, 3), 0.3, np.float32)), 0.3, rtol=1e-5)


def test_a_blur_takes_the_details_and_leaves_the_brightness():
    found = baseline_picture("blurred", random_image(64, 64))
    assert found.std() < 0.3 * random_image(64, 64).std()
    assert found.mean() == pytest.approx(random_image(64, 64).mean(), rel=0.02)
