"""Sums over many masks from sums over their cells, held to the masks' own pixels."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.families.mask_spread import Spread
from xai_core.families.masks import Masks

KINDS = [((16, 16), 5, 0.3), ((15, 22), 4, 0.5), ((9, 40), 32, 0.7), ((3, 5), 2, 0.5)]
COUNT = 60


@pytest.fixture(params=KINDS, ids=str)
def masks(request):
    return Masks(*request.param, seed=3)


def drawn(masks, count=COUNT):
    """Cells, and the same masks as pixels, (n, H, W)."""
    cells = masks.cells(count)
    return cells, masks.pixels(cells).astype(np.float64)


@pytest.mark.parametrize("centred", [False, True])
def test_sums_over_cells_are_sums_over_pixels(masks, centred):
    cells, pixels = drawn(masks)
    origin = masks.preservation if centred else 0.0
    weights = np.random.default_rng(0).normal(size=(COUNT, 2))
    sums, squares = Spread(masks).sums_and_squares(weights, cells, origin)
    np.testing.assert_allclose(sums, np.einsum("nt,nhw->thw", weights, pixels - origin), atol=1e-4)
    np.testing.assert_allclose(squares, np.einsum("nt,nhw->thw", weights**2, (pixels - origin) ** 2), atol=1e-4)


def test_means_are_those_over_all_pixels(masks):
    cells, pixels = drawn(masks)
    np.testing.assert_allclose(Spread(masks).means(cells, 0.2), pixels.mean(axis=(1, 2)) - 0.2, atol=1e-6)


def test_regions_are_means_over_bands_of_rows_and_columns():
    masks = Masks((16, 24), 5, 0.3, 0)
    cells, pixels = drawn(masks)
    expected = pixels.reshape(COUNT, 8, 2, 8, 3).mean(axis=(2, 4)).reshape(COUNT, 64) - 0.3
    np.testing.assert_allclose(Spread(masks).regions(cells), expected, atol=1e-6)


def test_a_picture_smaller_than_the_regions_has_one_for_each_pixel():
    masks = Masks((3, 5), 2, 0.5, 0)
    cells, pixels = drawn(masks)
    np.testing.assert_allclose(Spread(masks).regions(cells), pixels.reshape(COUNT, 15) - 0.5, atol=1e-6)


def test_covariances_are_exact():
    """The covariance of a region and a pixel over 40,000 masks has an error of at most .25 / 200; 5 of those fit."""
    masks = Masks((16, 16), 4, 0.3, 9)
    cells, pixels = drawn(masks, 40000)
    spread = Spread(masks)
    slopes = np.eye(64)[[10, 37]]
    sampled = np.einsum("nt,nhw->thw", spread.regions(cells) @ slopes.T, pixels - 0.3, optimize=True) / 40000
    np.testing.assert_allclose(spread.covariances(slopes), sampled, atol=5 * 0.25 / 200)
    assert spread.covariances(slopes).max() > 0.05
