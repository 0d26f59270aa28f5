"""A patch that moves over the picture."""

from __future__ import annotations

import numpy as np

from xai_core.families.patches import Lattice, hidden

IMAGE = np.random.default_rng(0).random((8, 10, 3), np.float32)


def test_squares_lie_in_the_picture_and_cover_it():
    lattice = Lattice((8, 10), 3, 2, 1)
    seen = np.zeros((8, 10))
    for top, left, bottom, right in lattice.squares(0, len(lattice.visits)):
        assert (bottom - top, right - left) == (3, 3)
        seen[top:bottom, left:right] += 1
    assert seen.min() >= 1


def test_a_square_shows_the_fill_and_the_rest_the_picture():
    squares = np.array([[0, 0, 2, 2], [1, 3, 5, 10]])
    first, second = hidden(IMAGE, np.zeros_like(IMAGE), squares)
    assert not first[:2, :2].any()
    np.testing.assert_array_equal(first[2:], IMAGE[2:])
    assert not second[1:5, 3:].any()
    np.testing.assert_array_equal(second[:, :3], IMAGE[:, :3])


def test_squares_that_are_skipped_make_no_picture():
    squares = np.array([[0, 0, 2, 2], [1, 3, 5, 10]])
    assert len(hidden(IMAGE, IMAGE, squares, 2)) == 0
    np.testing.assert_array_equal(hidden(IMAGE, IMAGE * 0, squares, 1), hidden(IMAGE, IMAGE * 0, squares)[1:])
