"""LIME: its draws, its kernel, its regression, and what it finds on models whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, model_of, random_image, random_weights
from sklearn.linear_model import Ridge

from tests.xai_core.methods.games import Game, added_up, together, white
from xai_core.errors import ParamError
from xai_core.families.segments import Segments
from xai_core.methods.lime import Draws, Lime, adjusted, closeness

TARGETS = np.array([0, 2])
WEIGHTS, IMAGE = random_weights() * 30, random_image()
GRID = {"superpixels": "grid", "count": 16, "stop_at_noise": 0.0}


def last_of(method, network=None, image=IMAGE, targets=TARGETS):
    return list(method.explain(model_of(network or LinearNetwork(WEIGHTS)), image, targets))[-1]


def by_hand(samples, ridge, scores_of, segments=7, seed=0, width=0.25):
    kept = Draws(segments, seed).draw(samples)
    fit = Ridge(alpha=ridge)
    scores = np.array([scores_of(one) for one in kept.astype(float)])
    weights = closeness(kept, width)
    fit.fit(kept, scores, sample_weight=weights)
    return fit.coef_, fit.score(kept, scores, sample_weight=weights), weights.sum() ** 2 / (weights**2).sum()


def test_the_kernel_is_the_square_root_of_a_gaussian_in_the_cosine_distance():
    kept = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0]], bool)
    np.testing.assert_allclose(closeness(kept, 0.25), [1, 0.7638467962, 0.2395334132, 0.0003354626], rtol=0, atol=1e-10)


def test_the_first_draw_keeps_all_and_the_others_half():
    kept = Draws(10, 3).draw(4000)
    assert kept[0].all()
    np.testing.assert_allclose(kept[1:].mean(axis=0), 0.5, atol=0.04)


def test_draws_one_by_one_are_those_made_at_once():
    single, batch = Draws(9, 1), Draws(9, 1)
    np.testing.assert_array_equal(np.concatenate([single.draw(1) for _ in range(8)]), batch.draw(8))


@pytest.mark.parametrize("ridge", [1.0, 0.1, 20.0])
def test_the_weights_and_r2_are_those_of_scikit_learn(ridge):
    method = Lime(**GRID | {"count": 7}, samples=200, fill="black", ridge=ridge, score="logit")
    last = last_of(method, Game(7, together), white(7), np.array([0]))
    weights, r2, samples = by_hand(200, ridge, together)
    np.testing.assert_allclose(last.maps[0, 0], weights, rtol=1e-5, atol=1e-7)
    assert last.diagnostics["fit_r2"][0] == pytest.approx(1 - (1 - r2) * (samples - 1) / (samples - 8), rel=1e-6)
    assert last.diagnostics["superpixels"] == (7.0,)


def test_a_linear_model_is_recovered():
    last = last_of(Lime(**GRID, samples=400, fill="grey", ridge=0.0, score="logit"))
    effects = np.einsum("khwc,hwc->khw", WEIGHTS[TARGETS], IMAGE - 0.5)
    expected = added_up(effects, Segments.grid((16, 16), 4, 4))
    np.testing.assert_allclose(last.maps, expected, atol=1e-5)
    np.testing.assert_allclose(last.diagnostics["fit_r2"], 1, atol=1e-9)
    assert last.standard_error.max() < 1e-4
    assert last.notes == ()


def test_the_standard_error_is_that_of_many_seeds():
    settings = {
        "superpixels": "grid",
        "count": 7,
        "samples": 400,
        "fill": "black",
        "score": "logit",
        "stop_at_noise": 0.0,
    }
    found = [last_of(Lime(**settings, seed=seed), Game(7, together), white(7), np.array([0])) for seed in range(30)]
    spread = np.std([one.maps[0, 0] for one in found], axis=0)
    guessed = np.mean([one.standard_error[0, 0] for one in found], axis=0)
    np.testing.assert_allclose(guessed, spread, rtol=0.5, atol=1e-3)


def test_more_ridge_pulls_the_weights_towards_zero():
    free, held = (np.abs(last_of(Lime(**GRID, samples=200, ridge=ridge)).maps).sum() for ridge in (0.0, 50.0))
    assert held < free / 2


def test_a_score_that_no_straight_line_follows_has_no_fit():
    lone = Game(7, lambda there: float(there.sum() % 2))
    last = last_of(
        Lime(**GRID | {"count": 7}, samples=2000, fill="black", score="logit"), lone, white(7), np.array([0])
    )
    assert last.diagnostics["fit_r2"][0] < 0.02
    assert last.notes == ()


def test_the_fit_of_pure_chance_is_nought_however_many_superpixels_there_are():
    random = np.random.default_rng(0)
    chance = Game(49, lambda there: random.normal())
    settings = {
        "superpixels": "grid",
        "count": 49,
        "samples": 100,
        "fill": "black",
        "ridge": 0.0,
        "score": "logit",
        "stop_at_noise": 0.0,
    }
    found = [last_of(Lime(**settings, seed=seed), chance, white(49), np.array([0])) for seed in range(20)]
    assert np.mean([one.diagnostics["fit_r2"][0] for one in found]) == pytest.approx(0, abs=0.15)


def test_too_few_samples_leave_the_fit_undefined():
    assert adjusted(0.9, 8, 7) is None
    assert adjusted(0.9, 8.5, 7) == pytest.approx(1 - 0.1 * 7.5 / 0.5)


def test_more_superpixels_than_samples_and_no_ridge_give_numbers():
    settings = {"superpixels": "grid", "count": 64, "fill": "black", "score": "logit"}
    game = Game(64, lambda there: np.tanh(there.sum() / 30))
    last = last_of(Lime(**settings, samples=50, ridge=0.0), game, white(64), np.array([0]))
    assert np.abs(last.maps).max() < 1
    assert np.isfinite(last.standard_error).all()
    assert "50 samples are too few for 64 superpixels" in last.notes[0]
    assert last.diagnostics["fit_r2"] == (None,)


def test_a_single_superpixel_gets_all_there_is():
    lone = Game(1, lambda there: 3 * there[0] + 1)
    last = last_of(Lime(**GRID, samples=100, fill="black", ridge=0.0, score="logit"), lone, white(1), np.array([0]))
    np.testing.assert_allclose(last.maps, 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("count", 1, "2 and 200"), ("samples", 10, "50 and 20,000"), ("kernel_width", 0.0, "0.05 and 2")],
)
def test_what_lies_out_of_range_is_said(field, value, words):
    with pytest.raises(ParamError, match=words):
        Lime(**{field: value})
