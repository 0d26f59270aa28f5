"""Random masks, and pictures under them."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.families.masks import Masks, masked
from xai_core.pictures.resampling import resized


@pytest.mark.parametrize(("size", "grid"), [((16, 16), 7), ((15, 22), 4), ((9, 40), 32)])
def test_masks_drawn_one_by_one_are_those_drawn_at_once(size, grid):
    single, batch = Masks(size, grid, 0.5, 3), Masks(size, grid, 0.5, 3)
    np.testing.assert_array_equal(np.concatenate([single.draw(1) for _ in range(9)]), batch.draw(9))


def test_other_seeds_give_other_masks():
    assert not np.array_equal(Masks((16, 16), 7, 0.5, 0).draw(5), Masks((16, 16), 7, 0.5, 1).draw(5))


@pytest.mark.parametrize(("size", "grid"), [((16, 16), 7), ((15, 22), 4), ((9, 40), 32)])
@pytest.mark.parametrize("preservation", [0.05, 0.5, 0.95])
def test_the_expected_mask_is_the_preservation_at_every_pixel(size, grid, preservation):
    masks = Masks(size, grid, preservation, 0).draw(4000)
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    np.testing.assert_allclose(masks.mean(axis=0), preservation, atol=5 * np.sqrt(0.25 / 4000))


def windows_of_a_step():
    """All 20 cuts of 40 pixels from a step of two cells, stretched bilinearly to three cells of 20 pixels."""
    step = np.interp((np.arange(60) + 0.5) * 2 / 60 - 0.5, [0, 1], [0, 1])
    return np.stack([step[shift : shift + 40] for shift in range(20)])


def test_a_mask_is_a_grid_stretched_bilinearly_to_one_cell_more_than_the_picture():
    whole = [m for m in Masks((40, 40), 2, 0.5, 0).draw(200) if np.ptp(m[0]) > 0 and np.allclose(m[0], m[-1])]
    rising = [m for m in whole if m[0, -1] > m[0, 0]]
    assert len(rising) > 5
    assert all(np.abs(windows_of_a_step() - m[0]).max(axis=1).min() < 1e-6 for m in rising)


def test_each_mask_has_a_shift_of_its_own():
    profiles = [p for p in Masks((40, 40), 2, 0.5, 0).draw(400).mean(axis=1) if np.ptp(p) > 0.1]
    windows = windows_of_a_step()
    shifts = {int(np.abs(np.corrcoef(p, windows)[0, 1:]).argmax()) for p in profiles}
    assert shifts == set(range(20))


@pytest.mark.parametrize(("size", "grid"), [((15, 22), 4), ((9, 40), 32)])
def test_placements_put_cells_where_the_pixels_have_them(size, grid):
    masks = Masks(size, grid, 0.5, 3)
    cells, (down, across) = masks.cells(20), masks.placements()
    kept = cells.kept.reshape(-1, grid, grid)
    rows, columns = down[:, cells.shifts[:, 0]], across[:, cells.shifts[:, 1]]
    built = np.einsum("hng,ngf,wnf->nhw", rows, kept, columns)
    np.testing.assert_allclose(masks.pixels(cells), built, atol=1e-6)


def test_a_picture_under_masks_is_black_where_nothing_is_kept():
    image = np.random.default_rng(0).random((12, 12, 3), np.float32)
    masks = Masks((12, 12), 4, 0.5, 0)
    cells = masks.cells(5)
    pictures = masked(image, masks, cells)
    np.testing.assert_allclose(pictures, masks.pixels(cells)[..., None] * image, rtol=1e-6)
    np.testing.assert_array_equal(masked(image, masks, cells, 3), pictures[3:])


def test_a_picture_larger_than_the_masks_is_masked_at_its_own_size():
    masks = Masks((12, 12), 4, 0.5, 0)
    cells = masks.cells(5)
    pictures = masked(np.ones((48, 24, 3), np.float32), masks, cells)
    np.testing.assert_allclose(pictures[..., 1], resized(masks.pixels(cells), (48, 24)), rtol=1e-6)
