"""Segments: grids, painting, mean colours, and what stands in for hidden ones."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import random_image

from xai_core.families.segments import Hiding, Segments

IMAGE = random_image(6, 9)
HALVES = Segments.of(np.repeat([[3, 3, 3, 3, 7, 7, 7, 7, 7]], 6, axis=0))


def test_segments_are_numbered_from_zero():
    assert HALVES.count == 2
    np.testing.assert_array_equal(np.unique(HALVES.labels), [0, 1])


@pytest.mark.parametrize(("size", "rows", "columns"), [((6, 9), 2, 3), ((7, 5), 3, 3), ((16, 16), 16, 16)])
def test_a_grid_has_cells_of_about_the_same_size(size, rows, columns):
    grid = Segments.grid(size, rows, columns)
    sizes = np.bincount(grid.labels.ravel())
    assert grid.count == len(sizes) == rows * columns
    assert sizes.min() >= (size[0] // rows) * (size[1] // columns)
    assert sizes.max() <= -(-size[0] // rows) * -(-size[1] // columns)


def test_a_grid_has_no_more_cells_than_the_picture_has_pixels():
    assert Segments.grid((3, 5), 8, 8).count == 15


def test_values_are_painted_on_their_segments():
    maps = HALVES.paint(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(maps[:, 0, [0, 8]], [[1, 2], [3, 4]])


def test_mean_colours_are_those_of_the_segments():
    mosaic = HALVES.mean_colours(IMAGE)
    np.testing.assert_allclose(mosaic[2, 1], IMAGE[:, :4].mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(mosaic[5, 8], IMAGE[:, 4:].mean(axis=(0, 1)), rtol=1e-6)


def test_hidden_segments_show_the_fill_and_kept_ones_the_picture():
    pictures = Hiding(IMAGE, HALVES, "grey").pictures(np.array([[True, True], [False, True]]))
    np.testing.assert_array_equal(pictures[0], IMAGE)
    np.testing.assert_array_equal(pictures[1, :, :4], np.full((6, 4, 3), 0.5))
    np.testing.assert_array_equal(pictures[1, :, 4:], IMAGE[:, 4:])


def test_remembered_pictures_are_not_made_again():
    kept = np.array([[True, False], [False, True], [False, False]])
    hiding = Hiding(IMAGE, HALVES, "segment")
    np.testing.assert_array_equal(hiding.pictures(kept, 2), hiding.pictures(kept)[2:])


@pytest.mark.parametrize(
    ("image", "fill", "says"), [(IMAGE, "black", 0), (IMAGE * 0, "black", 1), (IMAGE * 0, "grey", 0)]
)
def test_a_fill_that_hides_nothing_is_said(image, fill, says):
    assert sum("choose a different fill" in note for note in Hiding(image, HALVES, fill).notes) == says
