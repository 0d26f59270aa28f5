"""A region's mean is that of the enlarged map, and regions given in the picture arrive where the model sees them."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.errors import ParamError
from xai_core.pictures.resampling import resized
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.regions import Region, box_in, mean_weights, polygon_in

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("grid", [(4, 5), (16, 16), (13, 7), (1, 1)])
def test_the_weighted_sum_is_the_mean_of_the_enlarged_map_over_the_region(grid):
    values, region = RANDOM.random((1, *grid), np.float32), RANDOM.random((16, 20)) > 0.7
    expected = resized(values, (16, 20))[0][region].mean()
    assert (values[0] * mean_weights(region, grid)).sum() == pytest.approx(expected, rel=1e-5)


def test_on_a_grid_of_the_inputs_size_every_pixel_of_the_region_counts_the_same():
    region = np.zeros((3, 4), bool)
    region[1, 1:3] = True
    np.testing.assert_allclose(mean_weights(region, (3, 4)), region / 2)


def test_a_region_without_pixels_is_refused():
    with pytest.raises(ParamError, match="holds no pixel of the picture as the model sees it"):
        Region(np.zeros((3, 4), bool), "a box")


@pytest.mark.parametrize(
    ("fit", "rows", "columns"),
    [("squash", (5, 10), (0, 10)), ("crop", (5, 10), (0, 5)), ("pad", (5, 8), (0, 10))],
)
def test_a_box_lies_where_the_fit_puts_it(fit, rows, columns):
    way = Preprocessing(10, 20, fit)  # the picture of 40 x 40 is squashed to 20 x 10, cropped, or padded to 10 x 10
    box = box_in(way, (40, 40), (0, 20, 20, 40)) if fit == "squash" else box_in(way, (20, 40), (0, 10, 20, 20))
    inside = np.argwhere(box)
    assert inside.min(axis=0).tolist() == [rows[0], columns[0]]
    assert (inside.max(axis=0) + 1).tolist() == [10, 10]


def test_a_polygon_with_the_corners_of_a_box_is_that_box():
    way = Preprocessing(20, 20, "squash")
    corners = [(2, 4), (12, 4), (12, 10), (2, 10)]
    np.testing.assert_array_equal(polygon_in(way, (20, 20), corners), box_in(way, (20, 20), (2, 4, 12, 10)))


def test_two_regions_of_equal_size_have_different_digests():
    masks = [np.zeros((4, 4), bool) for _ in range(2)]
    masks[0][0, 0] = masks[1][0, 1] = True
    first, second = (Region(mask, "a pixel") for mask in masks)
    assert first.digest != second.digest
    assert first.to_json()["pixels"] == 1
    assert first.share == 1 / 16
