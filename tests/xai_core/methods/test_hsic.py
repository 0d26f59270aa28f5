"""HSIC: its masks, the estimator against the plain formula, the width of the kernel, what it finds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from fakes import model_of

from tests.xai_core.methods.games import Game, white
from xai_core.methods.hsic import BLOCK, Hsic, dependence, kernel_width, masks

ONE = np.array([0])
SOME_SCORES = np.random.default_rng(1).random(60)


TANH_OF_MANY = Game(16, lambda there: np.tanh(there @ np.linspace(0, 1, 16) ** 3 - 1.5))


def played(game, players, **changes):
    method = Hsic(**{"grid": max(2, players), "score": "logit", "stop_at_noise": 0.0} | changes)
    return list(method.explain(model_of(game), white(players), ONE))


def plain_formula(kept, scores, width):
    count = len(scores)
    centre = np.eye(count) - 1 / count
    outputs = np.exp(-((scores[:, None] - scores) ** 2) / (2 * width**2))
    inputs = [0.5 - (cell[:, None] - cell) ** 2 for cell in kept.T.astype(float)]
    return np.array([np.trace(one @ centre @ outputs @ centre) / count**2 for one in inputs])


def test_in_each_block_of_masks_a_cell_is_kept_as_often_as_hidden():
    kept = masks(9, 0, 4 * BLOCK, 0).reshape(4, BLOCK, 9)
    np.testing.assert_array_equal(kept.sum(axis=1), BLOCK / 2)
    assert not np.array_equal(kept[0], kept[1])


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (49, 51), (50, 100), (7, 163)])
def test_masks_do_not_depend_on_how_many_are_made_at_a_time(start, stop):
    np.testing.assert_array_equal(masks(9, start, stop, 3), masks(9, 0, 200, 3)[start:stop])


def test_no_two_cells_are_masked_alike():
    signs = masks(256, 0, 100, 0) * 2.0 - 1
    alike = np.abs(signs.T @ signs) / 100 - np.eye(256)
    assert alike.max() < 0.6


def test_the_estimate_is_the_plain_formula():
    kept = masks(9, 0, 60, 0)
    values, _, _ = dependence(kept, SOME_SCORES, 0.3)
    np.testing.assert_allclose(values, plain_formula(kept, SOME_SCORES, 0.3), rtol=1e-9)


def test_the_standard_error_leaves_out_a_group_at_a_time():
    kept, count = masks(9, 0, 60, 0), 60
    left_out = [np.setdiff1d(np.arange(count), group) for group in np.array_split(np.arange(count), 10)]
    without = [plain_formula(kept[rest], SOME_SCORES[rest], 0.3) for rest in left_out]
    _, errors, _ = dependence(kept, SOME_SCORES, 0.3)
    np.testing.assert_allclose(errors, np.sqrt(9 * np.var(without, axis=0)), rtol=1e-9)


def test_the_chance_level_is_the_mean_where_there_is_no_dependence():
    found = [dependence(masks(40, 0, 200, seed), np.random.default_rng(seed).random(200), 0.3) for seed in range(5)]
    values, levels = np.mean([one[0] for one in found]), np.mean([one[2] for one in found])
    assert values == pytest.approx(levels, rel=0.15)


def test_the_only_cell_that_counts_is_found():
    last = played(Game(9, lambda there: 2 * there[4]), 9, samples=200)[-1]
    values = last.maps[0, 0]
    assert values.argmax() == 4
    assert values[4] > 10 * np.delete(values, 4).max()
    assert np.delete(values, 4).mean() < 3 * last.diagnostics["chance_level"][0]


def test_cells_that_count_only_together_are_both_found():
    values = played(Game(9, lambda there: there[2] * there[7]), 9, samples=400)[-1].maps[0, 0]
    assert set(values.argsort()[-2:]) == {2, 7}


def test_cells_that_count_alike_have_like_values():
    last = played(Game(4, lambda there: np.tanh(there[0] + there[1])), 4, samples=2000)[-1]
    values, errors = last.maps[0, 0], last.standard_error[0, 0]
    assert abs(values[0] - values[1]) < 4 * errors[:2].max()
    assert values[2:].max() < values[:2].min() / 10


def test_the_standard_error_is_that_of_many_seeds():
    found = [played(TANH_OF_MANY, 16, samples=200, seed=seed)[-1] for seed in range(30)]
    spread = np.std([one.maps[0, 0] for one in found], axis=0)
    guessed = np.mean([one.standard_error[0, 0] for one in found], axis=0)
    assert guessed.mean() == pytest.approx(spread.mean(), rel=0.4)
    np.testing.assert_allclose(guessed, spread, rtol=1.2)


def test_the_width_is_the_median_difference():
    scores = np.array([0.0, 1.0, 3.0])
    assert kernel_width(scores) == 2.0


@pytest.mark.parametrize("small", [0.0, 1e-9])
def test_where_most_scores_are_alike_the_width_is_that_of_real_differences(small):
    scores = np.array([0.0, 0.0, small, small, 0.0, 0.0, 0.0, 0.5])
    assert kernel_width(scores) == pytest.approx(0.5)


def test_scores_against_scores_are_never_held_at_once():
    kept, scores = masks(16, 0, 1500, 0), np.random.default_rng(0).random(1500)
    tracemalloc.start()
    dependence(kept, scores, kernel_width(scores))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1500**2 * 8 / 2


def test_where_only_late_scores_differ_there_is_a_width():
    assert kernel_width(np.append(np.zeros(1500), 0.25)) == 0.25


def test_a_score_that_is_mostly_zero_gives_numbers():
    last = played(Game(9, lambda there: float(there[:5].all())), 9, samples=200)[-1]
    assert np.isfinite(last.maps).all()
    assert set(last.maps[0, 0].argsort()[-5:]) == set(range(5))


def test_previews_thin_out_as_each_takes_longer():
    found = played(Game(9, lambda there: there.sum()), 9, samples=1000, batch_size=10)
    assert 15 < len(found) < 45
    assert found[0].fraction == 0.01
