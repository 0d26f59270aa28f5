"""Random masks, and the means and covariances of scores with them."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.families.masks import MaskAverage, MaskCovariance, Masks


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


def filled(kind, scores, masks, expected=0.3, at_once=25):
    """Return the estimate of scores (n, T) under masks (n, H, W), given some at a time."""
    found = kind(scores.shape[1], masks.shape[1:], expected)
    for start in range(0, len(masks), at_once):
        found.add(scores[start : start + at_once], masks[start : start + at_once])
    return found.estimate(1.0)


@pytest.fixture
def drawn():
    """Scores (400, 2) of which the first rises with one pixel, and the masks under which they were found."""
    masks = Masks((12, 9), 4, 0.3, 5).draw(400)
    noise = np.random.default_rng(0).normal(size=(400, 2)) * 0.1 + 5
    noise[:, 0] += masks[:, 3, 4]
    return noise.astype(np.float32), masks


def test_the_covariance_is_that_of_the_draws(drawn):
    scores, masks = (one.astype(np.float64) for one in drawn)
    expected = np.einsum("nt,nhw->thw", scores - scores.mean(axis=0), masks - masks.mean(axis=0)) / 399 / 0.3
    np.testing.assert_allclose(filled(MaskCovariance, *drawn).maps, expected, atol=1e-5)


def test_the_covariance_is_the_average_without_the_mean_score(drawn):
    scores, masks = drawn
    mean = scores.mean(axis=0)[:, None, None] * masks.mean(axis=0) / 0.3
    expected = (filled(MaskAverage, *drawn).maps - mean) * 400 / 399
    np.testing.assert_allclose(filled(MaskCovariance, *drawn).maps, expected, atol=1e-4)


def test_the_covariance_is_less_noisy_than_the_average(drawn):
    average, covariance = (filled(kind, *drawn).standard_error for kind in (MaskAverage, MaskCovariance))
    assert covariance.max() < 0.2 * average.min()


def test_a_constant_score_has_no_covariance(drawn):
    found = filled(MaskCovariance, np.full((400, 1), 0.7, np.float32), drawn[1])
    np.testing.assert_allclose(found.maps, 0, atol=1e-6)
    np.testing.assert_allclose(found.standard_error, 0, atol=1e-6)


def test_the_error_of_the_covariance_is_its_spread_over_many_runs():
    random, runs = np.random.default_rng(1), []
    for seed in range(200):
        masks = Masks((6, 6), 3, 0.5, seed).draw(100)
        scores = masks[:, 2, 2] + random.normal(size=100) * 0.3
        runs.append(filled(MaskCovariance, scores[:, None].astype(np.float32), masks, 0.5))
    spread = np.std([run.maps[0] for run in runs], axis=0)
    told = np.mean([run.standard_error[0] for run in runs], axis=0)
    np.testing.assert_allclose(told, spread, rtol=0.25)


@pytest.mark.parametrize("kind", [MaskAverage, MaskCovariance])
def test_how_many_come_at_once_changes_the_rounding_only(kind, drawn):
    one, many = (filled(kind, *drawn, at_once=count) for count in (1, 400))
    np.testing.assert_allclose(one.maps, many.maps, atol=1e-5)
    np.testing.assert_allclose(one.standard_error, many.standard_error, rtol=1e-3)


@pytest.mark.parametrize("kind", [MaskAverage, MaskCovariance])
def test_one_mask_alone_has_no_error(kind, drawn):
    scores, masks = drawn
    found = filled(kind, scores[:1], masks[:1])
    assert np.isfinite(found.maps).all()
    assert found.standard_error is None
