"""KernelSHAP: its kernel, exact values for few superpixels, the axioms, and the error of drawn coalitions."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, model_of, random_image, random_weights

from tests.xai_core.methods.games import (
    SHAPLEY_OF_THREE,
    SHAPLEY_OF_TOGETHER,
    THREE,
    Game,
    added_up,
    table,
    together,
    white,
)
from xai_core.families.segments import Segments
from xai_core.methods.kernel_shap import DrawnCoalitions, KernelShap, coalitions_of, kernel_weights

ONE = np.array([0])
SETTINGS = {"superpixels": "grid", "fill": "black", "score": "logit", "stop_at_noise": 0.0}


def played(game, players, **changes):
    method = KernelShap(**SETTINGS | {"count": max(2, players)} | changes)
    return list(method.explain(model_of(game), white(players), ONE))


def test_the_kernel_of_three_players():
    np.testing.assert_allclose(kernel_weights(3), [1 / 3, 1 / 3])


def test_the_kernel_of_many_players_is_finite():
    weights = kernel_weights(200)
    assert np.isfinite(weights).all()
    assert weights[0] == pytest.approx(1 / 200)


def test_three_superpixels_get_their_exact_shares():
    network = table(THREE)
    last = played(network, 3)[-1]
    np.testing.assert_allclose(last.maps[0, 0], SHAPLEY_OF_THREE, rtol=1e-6)
    assert last.maps.sum() == pytest.approx(6.0)
    assert sum(network.asked) == 8
    np.testing.assert_array_equal(last.standard_error, 0)
    assert last.notes == ("Every set of superpixels was tried, so the contributions are exact.",)


def test_axioms_hold_where_all_coalitions_are_asked_for():
    """Dummies get nothing, those alike get the same, shares add up, and games add up."""
    values = played(Game(7, together), 7, samples=200)[-1].maps[0, 0]
    np.testing.assert_allclose(values, SHAPLEY_OF_TOGETHER, atol=1e-5)


@pytest.mark.parametrize("players", [1, 2])
def test_one_or_two_superpixels_will_do(players):
    last = played(Game(players, lambda there: 3 * there[0] + 1), players)[-1]
    np.testing.assert_allclose(last.maps[0, 0, 0], 3, rtol=1e-6)
    assert last.fraction == 1


def test_drawn_coalitions_approach_the_exact_shares_within_their_error():
    method = {"samples": 120, "batch_size": 7}
    found = [played(Game(7, together), 7, **method, seed=seed)[-1] for seed in range(20)]
    off = np.array([one.maps[0, 0] - SHAPLEY_OF_TOGETHER for one in found])
    guessed = np.mean([one.standard_error[0, 0] for one in found], axis=0)
    np.testing.assert_allclose(guessed, off.std(axis=0), rtol=0.6, atol=1e-3)
    assert (np.abs(off.mean(axis=0)) < 4 * off.std(axis=0) / np.sqrt(20) + 1e-6).all()


def test_more_superpixels_than_samples_still_share_out_the_difference():
    last = played(Game(40, lambda there: np.tanh(there.sum() / 20)), 40, samples=50)[-1]
    assert np.isfinite(last.standard_error).all()
    assert last.maps.sum() == pytest.approx(np.tanh(2), rel=1e-5)
    assert "48 samples are too few for 40 superpixels" in last.notes[0]


def test_shares_add_up_at_any_time():
    found = played(Game(12, lambda there: np.sin(3 * there.sum()) + there[2]), 12, samples=200, batch_size=3)
    assert len(found) > 60
    assert max(one.diagnostics["efficiency_error"][0] for one in found) < 1e-9
    rise = np.sin(36) + 1 - np.sin(0)
    np.testing.assert_allclose([one.maps.sum() for one in found], rise, atol=1e-6)


def test_a_linear_model_gets_weight_times_difference():
    weights, image = random_weights() * 30, random_image()
    method = KernelShap(**SETTINGS | {"count": 16, "samples": 300, "fill": "grey"})
    last = list(method.explain(model_of(LinearNetwork(weights)), image, np.array([0, 2])))[-1]
    effects = np.einsum("khwc,hwc->khw", weights[[0, 2]], image - 0.5)
    expected = added_up(effects, Segments.grid((16, 16), 4, 4))
    np.testing.assert_allclose(last.maps, expected, atol=1e-5)
    assert last.standard_error.max() < 1e-5


def test_coalitions_come_with_their_complements_whatever_is_asked_at_a_time():
    drawn = DrawnCoalitions(12, 100, 5)
    kept, weights = drawn.numbered(np.arange(100))
    np.testing.assert_array_equal(kept[::2], ~kept[1::2])
    np.testing.assert_array_equal(drawn.numbered(np.arange(33, 41))[0], kept[33:41])
    np.testing.assert_array_equal(weights, 1)


def test_sizes_are_drawn_by_the_kernels_weight():
    sizes = DrawnCoalitions(6, 4000, 0).numbered(np.arange(4000))[0].sum(axis=1)
    shares = 1 / (np.arange(1, 6) * np.arange(5, 0, -1))
    np.testing.assert_allclose(np.bincount(sizes, minlength=6)[1:] / 4000, shares / shares.sum(), atol=0.03)


@pytest.mark.parametrize(("segments", "most", "count"), [(5, 30, 30), (5, 29, 29), (50, 998, 998), (1, 48, 0)])
def test_all_coalitions_are_taken_where_they_are_few(segments, most, count):
    coalitions = coalitions_of(segments, most, 0)
    assert coalitions.count == count
    assert coalitions.complete == (2**segments - 2 <= most)
