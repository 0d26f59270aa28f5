"""Sums for weighted fits: they add up, groups can be left out, and equations with too few samples are solved."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.families.weighted_sums import GROUPS, WeightedSums, jackknife, solve

RANDOM = np.random.default_rng(0)
KEPT, WEIGHTS = RANDOM.random((60, 4)) < 0.5, RANDOM.random(60)
SCORES = RANDOM.random((60, 2)).astype(np.float32)
NUMBERS = np.arange(60)


def sums_of(chosen, at_once=60):
    sums = WeightedSums(4, 2)
    for first in range(0, len(chosen), at_once):
        some = chosen[first : first + at_once]
        sums.add(KEPT[some], SCORES[some], WEIGHTS[some], NUMBERS[some])
    return sums


@pytest.mark.parametrize("at_once", [1, 7, 60])
def test_sums_are_weighted_products(at_once):
    rows = np.concatenate([np.ones((60, 1)), KEPT, SCORES], axis=1)
    np.testing.assert_allclose(sums_of(NUMBERS, at_once).whole, rows.T @ (WEIGHTS[:, None] * rows), rtol=1e-12)


def test_leaving_a_group_out_gives_the_sums_without_it():
    rest = NUMBERS[NUMBERS % GROUPS != 3]
    np.testing.assert_allclose(sums_of(NUMBERS).without_each[3], sums_of(rest).whole, rtol=1e-9)


def test_a_single_sample_leaves_nothing_to_leave_out():
    assert len(sums_of(NUMBERS[:1]).without_each) == 0
    assert jackknife(sums_of(NUMBERS[:1]).without_each) is None


def test_few_samples_for_many_segments_are_said():
    assert sums_of(NUMBERS[:15]).notes() == ("15 samples are too few for 4 superpixels; use 16 or cut fewer.",)
    assert sums_of(NUMBERS[:16]).notes() == ()


def test_the_jackknife_of_a_mean_is_its_standard_error():
    means = np.array([np.delete(WEIGHTS, number).mean() for number in NUMBERS])
    assert jackknife(means) == pytest.approx(WEIGHTS.std(ddof=1) / np.sqrt(60))


def test_an_equation_with_one_answer_is_solved():
    matrix = np.array([[2.0, 1], [1, 3]])
    np.testing.assert_allclose(solve(matrix, matrix @ [[1.0], [2]]), [[1], [2]], rtol=1e-8)


def test_of_many_answers_the_smallest_is_taken():
    np.testing.assert_allclose(solve(np.ones((2, 2)), np.full((2, 1), 4.0)), [[2], [2]], rtol=1e-6)


def test_an_equation_that_says_nothing_gives_zeros():
    np.testing.assert_array_equal(solve(np.zeros((3, 3)), np.zeros((3, 1))), 0)
