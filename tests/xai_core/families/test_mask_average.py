"""The mean of score times mask: its expected value, its error bars, and what the surrogate brings.

`score` is a curved function of the masks, as a probability is, so that a linear surrogate leaves residuals.
"""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.families.mask_average import MaskAverage
from xai_core.families.mask_spread import Spread
from xai_core.families.masks import Masks
from xai_core.families.noise import LEVEL_DEVIATION, noise_shares

SIZE, GRID, KEPT = (12, 9), 4, 0.3
WEIGHTS = np.random.default_rng(0).normal(size=(2, *SIZE)) / 10
RUNS = 100


def scores_of(pixels):
    """Return scores (n, 2) of masks (n, H, W): a saturating one, and a faint one with a bend."""
    sums = np.einsum("nhw,thw->nt", pixels, WEIGHTS)
    return np.stack([1 / (1 + np.exp(-3 - 2 * sums[:, 0])), 0.1 + 0.05 * sums[:, 1] ** 2], axis=1).astype(np.float32)


def average(count, seed=0, at_once=1000, masks=None, **kind):
    """Return the estimate from `count` masks of a seed."""
    masks = masks or Masks(SIZE, GRID, KEPT, seed)
    made = MaskAverage(masks, 2, **kind)
    for start in range(0, count, at_once):
        cells = masks.cells(min(at_once, count - start))
        made.add(scores_of(masks.pixels(cells)), cells)
    return made.estimate(1.0)


def drawn(count, seed=0):
    masks = Masks(SIZE, GRID, KEPT, seed).draw(count)
    return scores_of(masks).astype(np.float64), masks.astype(np.float64)


@pytest.fixture(scope="module")
def truth():
    """The mean of 20 estimates from 10,000 masks each, of seeds that no run uses, and its standard error.

    A plain mean as exact would take 200 times the masks; that both have the same expected value is a test of its own.
    """
    maps = np.stack([average(10000, seed).maps for seed in range(10000, 10020)]).astype(np.float64)
    return maps.mean(axis=0), maps.std(axis=0, ddof=1) / len(maps) ** 0.5


def test_the_plain_form_is_the_mean_of_score_times_mask():
    scores, masks = drawn(300)
    terms = np.einsum("nt,nhw->tnhw", scores, masks) / KEPT
    plain = average(300, surrogate=False)
    np.testing.assert_allclose(plain.maps, terms.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(plain.standard_error, terms.std(axis=1, ddof=1) / 300**0.5, rtol=1e-4)
    levels = terms.mean(axis=(2, 3)).std(axis=1, ddof=1) / 300**0.5
    assert plain.diagnostics[LEVEL_DEVIATION] == pytest.approx(tuple(levels), rel=1e-4)


def test_the_expected_value_is_that_of_the_plain_form_on_50000_masks():
    """Both see other masks, so their difference has the sum of both variances; pixels of a map depend on each other."""
    plain, steady = average(50000, seed=1, surrogate=False), average(50000, seed=2)
    error = np.hypot(plain.standard_error, steady.standard_error)
    off = (steady.maps - plain.maps) / error
    assert np.mean(off**2) < 3
    assert np.abs(off).max() < 5


def test_the_intervals_cover_the_truth_at_least_as_often_as_they_say(truth):
    """Of 100 runs, the share that covers a pixel has a standard deviation of .022 at the nominal .95.

    The mean over pixels may fall short by three of those, the worst of 216 pixels by five. The error of the truth
    itself is less than a tenth of a run's.
    """
    expected, its_error = truth
    runs = [average(400, seed) for seed in range(RUNS)]
    assert (its_error < 0.1 * runs[0].standard_error).all()
    covered = np.mean([np.abs(run.maps - expected) <= 1.96 * run.standard_error for run in runs], axis=0)
    assert covered.mean() >= 0.95 - 3 * (0.95 * 0.05 / RUNS) ** 0.5
    assert covered.min() >= 0.95 - 5 * (0.95 * 0.05 / RUNS) ** 0.5


def test_a_curved_surrogate_is_unbiased_and_its_intervals_cover_as_often_as_they_say(truth):
    """The mean of 100 runs has a tenth of their error; the bounds on coverage are those of the linear surrogate."""
    expected, its_error = truth
    runs = [average(400, seed, bounded=True) for seed in range(RUNS)]
    off = np.mean([run.maps for run in runs], axis=0) - expected
    error = np.hypot(its_error, np.mean([run.standard_error for run in runs], axis=0) / RUNS**0.5)
    assert np.mean((off / error) ** 2) < 3
    assert np.abs(off / error).max() < 5
    covered = np.mean([np.abs(run.maps - expected) <= 1.96 * run.standard_error for run in runs], axis=0)
    assert covered.mean() >= 0.95 - 3 * (0.95 * 0.05 / RUNS) ** 0.5
    assert covered.min() >= 0.95 - 5 * (0.95 * 0.05 / RUNS) ** 0.5


KINDS = [
    (60, {}),
    (200, {"centred": True}),
    pytest.param(60, {"bounded": True}, marks=pytest.mark.long),
    pytest.param(200, {"bounded": True, "centred": True}, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("count", "kind"), KINDS)
def test_the_error_is_the_spread_over_runs(count, kind):
    """The spread of 100 runs is itself uncertain by 1 / sqrt(200) = 7%, and pixels depend on each other."""
    runs = [average(count, seed, **kind) for seed in range(RUNS)]
    spread = np.std([run.maps for run in runs], axis=0, ddof=1)
    stated = np.mean([run.standard_error**2 for run in runs], axis=0) ** 0.5
    assert 1 - 3 * 0.07 < (stated / spread).mean() < 1 + 3 * 0.07
    level = np.std([run.maps.mean(axis=(1, 2)) for run in runs], axis=0, ddof=1)
    assert np.mean([run.diagnostics[LEVEL_DEVIATION] for run in runs], axis=0) == pytest.approx(level, rel=0.25)


def test_a_surrogate_takes_most_of_the_noise_of_a_sure_class():
    plain, steady = (noise_shares(average(1000, surrogate=surrogate)) for surrogate in (False, True))
    assert steady[0] < plain[0] / 10
    assert steady[1] < plain[1] / 2


def test_a_curve_takes_a_fifth_of_what_a_line_leaves_of_a_rare_class():
    """The score is that of the other classes, rarely above zero; masks are those of a run."""

    def left(bounded):
        masks = Masks(SIZE, GRID, KEPT, 0)
        cells, made = masks.cells(1000), MaskAverage(masks, 1, bounded=bounded)
        sums = np.einsum("nhw,hw->n", masks.pixels(cells), WEIGHTS[0])
        made.add((1 / (1 + np.exp(4 - 4 * sums)))[:, None].astype(np.float32), cells)
        return noise_shares(made.estimate(1.0))[0]

    assert left(bounded=True) < 0.8 * left(bounded=False)


def test_a_linear_score_has_next_to_no_noise_left():
    masks = Masks((16, 16), 4, 0.5, 0)
    cells = masks.cells(400)
    made = MaskAverage(masks, 1)
    made.add(Spread(masks).regions(cells)[:, 10:11] + np.float32(0.5), cells)
    assert noise_shares(made.estimate(1.0))[0] < 1e-3


def test_the_centred_mean_leaves_out_the_mean_score():
    whole, centred = average(400), average(400, centred=True)
    level = drawn(400)[0].mean(axis=0)
    np.testing.assert_allclose(whole.maps - centred.maps, np.broadcast_to(level[:, None, None], (2, *SIZE)), atol=0.01)


@pytest.mark.parametrize("kind", [{}, {"surrogate": False}, {"centred": True}, {"bounded": True}])
@pytest.mark.parametrize("at_once", [1, 7, 400])
def test_how_many_come_at_once_changes_the_rounding_only(kind, at_once):
    some, other = average(400, at_once=at_once, **kind), average(400, at_once=25, **kind)
    np.testing.assert_allclose(some.maps, other.maps, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(some.standard_error, other.standard_error, rtol=1e-4)


@pytest.mark.parametrize("score", [0.7, 0.0, 1.0])
def test_a_constant_score_gives_its_own_value_without_noise(score):
    masks = Masks(SIZE, GRID, KEPT, 0)
    made = MaskAverage(masks, 1, bounded=True)
    made.add(np.full((400, 1), score, np.float32), masks.cells(400))
    np.testing.assert_allclose(made.estimate(1.0).maps, score, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made.estimate(1.0).standard_error, 0, atol=1e-5)


@pytest.mark.parametrize("count", [1, 5, 19, 25])
def test_a_few_masks_give_a_finite_map(count):
    few = average(count, bounded=True)
    assert np.isfinite(few.maps).all()
    assert (few.standard_error is None) == (count == 1)


def test_a_preview_may_be_an_earlier_map_until_a_fifth_more_masks_have_come():
    masks = Masks(SIZE, GRID, KEPT, 0)
    made = MaskAverage(masks, 2)

    def preview(count, **how):
        cells = masks.cells(count)
        made.add(scores_of(masks.pixels(cells)), cells)
        return made.estimate(0.5, **how).maps

    first = preview(100, now=False)
    assert preview(10, now=False) is first
    assert preview(1, now=True) is not first
    assert preview(30, now=False) is not first
