"""Shapley values by permutation: exact sums, the axioms, pairs of orders, the error."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, model_of, random_image, random_weights

from tests.xai_core.methods.games import SHAPLEY_OF_THREE, SHAPLEY_OF_TOGETHER, THREE, Game, table, together, white
from xai_core.methods.shapley import Orders, Shapley

ONE = np.array([0])


def played(game, players, **changes):
    method = Shapley(**{"grid": max(2, players), "fill": "black", "score": "logit", "stop_at_noise": 0.0} | changes)
    return list(method.explain(model_of(game), white(players), ONE))


def test_three_cells_approach_their_exact_shares():
    last = played(table(THREE), 3, permutations=400)[-1]
    assert (np.abs(last.maps[0, 0] - SHAPLEY_OF_THREE) <= 4 * last.standard_error[0, 0] + 1e-6).all()
    assert last.standard_error.max() < 0.05


def test_the_map_is_the_mean_of_what_each_cell_adds():
    added = np.zeros(7)
    orders = Orders(7, 2)
    for number in range(6):
        there = np.zeros(7)
        for cell in orders.order(number):
            before, there[cell] = together(there), 1
            added[cell] += (together(there) - before) / 6
    np.testing.assert_allclose(played(Game(7, together), 7, permutations=6, seed=2)[-1].maps[0, 0], added, atol=1e-6)


def test_a_dummy_gets_nothing_and_one_that_counts_alone_its_own():
    values = played(Game(7, together), 7, permutations=2)[-1].maps[0, 0]
    np.testing.assert_allclose(values[[5, 6]], [-3, 0], atol=1e-6)


def test_two_that_count_only_together_share_evenly_as_each_order_has_its_reverse():
    last = played(Game(7, together), 7, permutations=4)[-1]
    np.testing.assert_allclose(last.maps[0, 0, :2], 1, atol=1e-6)
    np.testing.assert_allclose(last.standard_error[0, 0, :2], 0, atol=1e-6)


def test_the_standard_error_is_that_of_many_seeds():
    found = [played(Game(7, together), 7, permutations=20, seed=seed)[-1] for seed in range(30)]
    spread = np.std([one.maps[0, 0] for one in found], axis=0)
    guessed = np.mean([one.standard_error[0, 0] for one in found], axis=0)
    np.testing.assert_allclose(guessed, spread, rtol=0.5, atol=1e-4)
    mean = np.mean([one.maps[0, 0] for one in found], axis=0)
    assert (np.abs(mean - SHAPLEY_OF_TOGETHER) < 4 * spread / np.sqrt(30) + 1e-6).all()


def test_one_pair_of_orders_has_no_error():
    assert played(Game(4, lambda there: there.sum()), 4, permutations=2)[-1].standard_error is None


def test_shares_add_up_at_any_time():
    found = played(Game(12, lambda there: np.sin(3 * there.sum()) + there[2]), 12, permutations=4, batch_size=3)
    rise = np.sin(36) + 1 - np.sin(0)
    np.testing.assert_allclose([one.maps.sum() for one in found], rise, atol=1e-6)
    assert max(one.diagnostics["efficiency_error"][0] for one in found) < 1e-9


def test_a_linear_model_is_exact_after_one_order():
    weights, image = random_weights() * 30, random_image()
    method = Shapley(grid=16, permutations=2, fill="grey", score="logit", batch_size=64)
    last = list(method.explain(model_of(LinearNetwork(weights)), image, np.array([0, 2])))[-1]
    np.testing.assert_allclose(last.maps, np.einsum("khwc,hwc->khw", weights[[0, 2]], image - 0.5), atol=1e-4)


def test_each_order_is_followed_by_its_reverse():
    orders = Orders(9, 1)
    np.testing.assert_array_equal(orders.order(3), orders.order(2)[::-1])
    assert not np.array_equal(orders.order(2), orders.order(0))


def test_pictures_show_one_cell_more_at_each_step():
    kept = Orders(5, 0).kept(np.arange(8))
    np.testing.assert_array_equal(kept.sum(axis=1), [1, 2, 3, 4, 1, 2, 3, 4])
    assert (kept[1:4] >= kept[:3]).all()


@pytest.mark.parametrize("players", [2, 3])
def test_few_cells_will_do(players):
    last = played(Game(players, lambda there: 3 * there[0] + 1), players)[-1]
    np.testing.assert_allclose(last.maps[0, 0, 0], 3, rtol=1e-6)
