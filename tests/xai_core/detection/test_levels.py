"""Levels of a pyramid on one grid: sums, principal components, and the sign of these."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.detection.levels import _resized_channels, added, first_component_on, grid_of
from xai_core.pictures.resampling import resized


def pyramid(*shapes, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) ** 2 for shape in shapes]


def side_by_side(maps, size):
    """Return the channels of all levels, resized to one grid: (positions, channels) in float64."""
    stretched = [resized(heatmap.transpose(2, 0, 1), size).reshape(heatmap.shape[-1], -1).T for heatmap in maps]
    return np.concatenate(stretched, axis=1).astype(np.float64)


def by_svd(maps, size):
    """The first principal component by a plain decomposition, of either sign."""
    together = side_by_side(maps, size)
    left, strengths, _ = np.linalg.svd(together - together.mean(axis=0), full_matrices=False)
    return (left[:, 0] * strengths[0]).reshape(size)


def assert_same_but_for_the_sign(component, expected, atol=2e-4):
    sign = np.sign(np.sum(component * expected))
    np.testing.assert_allclose(component * sign, expected, atol=atol * np.abs(expected).max())


@pytest.mark.parametrize(("grid", "size"), [("coarsest", (3, 4)), ("middle", (6, 9)), ("finest", (12, 16))])
def test_the_grid_is_that_of_a_level(grid, size):
    assert grid_of(pyramid((12, 16, 5), (3, 4, 5), (6, 9, 5)), grid) == size


def test_levels_are_added_on_the_grid():
    maps = [np.ones((2, 3, 4), np.float32), np.full((2, 6, 8), 2, np.float32)]
    np.testing.assert_allclose(added(maps, (12, 16)), np.full((2, 12, 16), 3))


@pytest.mark.parametrize("size", [(3, 4), (6, 9), (12, 16), (11, 7)])
@pytest.mark.parametrize("shapes", [((12, 16, 5), (6, 9, 4), (3, 4, 3)), ((12, 16, 60), (12, 16, 50), (3, 4, 90))])
def test_the_first_component_is_that_of_all_channels_stretched_to_the_grid(shapes, size):
    maps = pyramid(*shapes)
    assert_same_but_for_the_sign(first_component_on(maps, size), by_svd(maps, size))


@pytest.mark.parametrize("size", [(3, 4), (30, 20), (12, 5), (1, 1)])
def test_channels_are_resized_like_maps(size):
    (heatmap,) = pyramid((12, 16, 5))
    expected = resized(heatmap.transpose(2, 0, 1), size).transpose(1, 2, 0)
    np.testing.assert_allclose(_resized_channels(heatmap, size), expected, rtol=1e-5, atol=1e-6)


def test_the_position_farthest_from_the_mean_is_positive():
    heatmap = np.zeros((6, 6, 3), np.float32)
    heatmap[2, 3] = [1, -2, 3]
    assert np.unravel_index(first_component_on([heatmap], (6, 6)).argmax(), (6, 6)) == (2, 3)
    assert np.unravel_index(first_component_on([1 - heatmap], (6, 6)).argmax(), (6, 6)) == (2, 3)


def test_the_first_component_of_one_level_is_the_known_one(worked_case):
    case = worked_case("eigencam")
    channels = np.array(case["input"]["activations_CxHxW"], np.float32)
    component = first_component_on([channels.transpose(1, 2, 0)], (4, 4))
    expected = np.array(case["expected"]["projection_sign_fixed_so_max_abs_positive"])
    np.testing.assert_allclose(component, expected, atol=1e-5)
    centred = channels.reshape(3, -1) - channels.reshape(3, -1).mean(axis=1, keepdims=True)
    assert np.sum(component**2) / np.sum(centred**2) == pytest.approx(
        case["expected"]["explained_variance_ratio"], rel=1e-5
    )


def blob(seed, stronger):
    """Two levels of noise, with a blob in which features are stronger than around or weaker; and where it is."""
    random = np.random.default_rng(seed)
    at, radius = random.uniform(0.2, 0.8, 2), random.uniform(0.08, 0.25)
    levels = []
    for side, count in ((24, 24), (12, 40)):
        place = (np.indices((side, side)) + 0.5) / side
        weight = np.exp(-np.square(place - at[:, None, None]).sum(axis=0) / (2 * radius**2))[..., None]
        pattern, ground = random.normal(size=(2, count))
        signal = 0.5 * ground + 1.5 * weight * pattern if stronger else 1.5 * ground * (1 - weight)
        levels.append((signal + random.normal(size=(side, side, count)) * 0.3).astype(np.float32))
    place = (np.indices((24, 24)) + 0.5) / 24
    return levels, np.square(place - at[:, None, None]).sum(axis=0) < radius**2


@pytest.mark.parametrize("magnitudes", [True, False])
@pytest.mark.parametrize("stronger", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (24, 24)])
def test_a_blob_is_positive_in_every_one_of_a_hundred_pictures(size, stronger, magnitudes):
    for seed in range(100):
        levels, inside = blob(seed, stronger)
        shown = [np.abs(level) for level in levels] if magnitudes else levels
        component = resized(first_component_on(shown, size)[None], (24, 24))[0]
        assert component[inside].mean() > max(0, component[~inside].mean())
