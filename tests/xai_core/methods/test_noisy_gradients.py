"""SmoothGrad and its kin on networks whose gradients are known."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, SquareNetwork, model_of, random_image, random_weights

from xai_core.families.noise import noise_shares
from xai_core.methods.gradient_shap import GradientShap
from xai_core.methods.smoothgrad import SmoothGrad
from xai_core.methods.squaregrad import SquareGrad
from xai_core.methods.vargrad import VarGrad

WEIGHTS = random_weights()
TARGETS = np.array([2, 0])
KINDS = (SmoothGrad, SquareGrad, VarGrad)


def run(method, network=None, memory=None):
    network = network or SquareNetwork(WEIGHTS)
    *_, estimate = method.explain(model_of(network, memory), random_image(), TARGETS)
    return estimate


def test_smoothgrad_of_a_linear_model_is_its_gradient():
    maps = run(SmoothGrad(stop_at_noise=0.0, reduction="sum"), LinearNetwork(WEIGHTS)).maps
    np.testing.assert_allclose(maps, WEIGHTS[TARGETS].sum(axis=-1), rtol=1e-5, atol=1e-8)


def test_vargrad_of_a_linear_model_is_nothing():
    assert np.abs(run(VarGrad(stop_at_noise=0.0), LinearNetwork(WEIGHTS)).maps).max() < 1e-9


def test_vargrad_of_squares_is_the_variance_of_the_noise():
    maps = run(VarGrad(stop_at_noise=0.0, samples=500, noise=0.1)).maps
    expected = (4 * WEIGHTS[TARGETS] ** 2 * 0.1**2).sum(axis=-1)
    assert np.median(np.abs(maps / expected - 1)) < 0.06


def test_squaregrad_of_squares_adds_the_variance_to_the_square():
    maps = run(SquareGrad(samples=500, noise=0.1)).maps
    expected = (4 * WEIGHTS[TARGETS] ** 2 * (random_image() ** 2 + 0.1**2)).sum(axis=-1)
    assert np.median(np.abs(maps / expected - 1)) < 0.06


@pytest.mark.parametrize("kind", KINDS)
def test_the_standard_error_is_how_far_the_seeds_differ(kind):
    maps = np.stack([run(kind(stop_at_noise=0.0, samples=16, seed=seed)).maps for seed in range(12)])
    told = run(kind(stop_at_noise=0.0, samples=16)).standard_error
    assert 0.6 < np.median(told) / np.median(maps.std(axis=0)) < 1.6


@pytest.mark.parametrize("kind", KINDS)
def test_no_batch_size_changes_a_bit(kind):
    np.testing.assert_array_equal(
        run(kind(stop_at_noise=0.0, batch_size=3)).maps, run(kind(stop_at_noise=0.0, batch_size=64)).maps
    )


def test_raising_samples_goes_on_from_where_it_was():
    network, memory = SquareNetwork(WEIGHTS), Remembering()
    run(SmoothGrad(stop_at_noise=0.0, samples=8), network, memory)
    asked = sum(network.asked_back)
    continued = run(SmoothGrad(stop_at_noise=0.0, samples=12), network, memory).maps
    assert sum(network.asked_back) == asked + 4 * len(TARGETS)
    np.testing.assert_array_equal(continued, run(SmoothGrad(stop_at_noise=0.0, samples=12)).maps)


def test_a_kindred_method_costs_no_further_pass():
    network, memory = SquareNetwork(WEIGHTS), Remembering()
    run(SmoothGrad(stop_at_noise=0.0, samples=8), network, memory)
    asked = sum(network.asked_back)
    remembered = run(VarGrad(stop_at_noise=0.0, samples=8), network, memory).maps
    assert sum(network.asked_back) == asked
    np.testing.assert_array_equal(remembered, run(VarGrad(stop_at_noise=0.0, samples=8)).maps)


def test_fractions_rise_to_one():
    shares = [
        e.fraction
        for e in SmoothGrad(stop_at_noise=0.0, samples=20).explain(
            model_of(SquareNetwork(WEIGHTS)), random_image(), TARGETS
        )
    ]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("kind", [*KINDS, GradientShap])
def test_it_stops_once_the_noise_is_low_enough_and_goes_on_from_there(kind):
    network, memory = SquareNetwork(np.abs(WEIGHTS)), Remembering()
    last = run(kind(samples=400, stop_at_noise=30.0), network, memory)
    asked = sum(network.asked_back)
    assert 2 * 16 <= asked < 2 * 400
    assert last.notes[0].startswith(f"Stopped after {asked // 2} of at most 400 samples")
    assert max(noise_shares(last)) <= 0.3
    np.testing.assert_array_equal(run(kind(samples=400, stop_at_noise=30.0), network, memory).maps, last.maps)
    assert sum(network.asked_back) == asked
    run(kind(samples=400, stop_at_noise=0.0), network, memory)
    assert sum(network.asked_back) == 2 * 400


@pytest.mark.parametrize("kind", [SmoothGrad, GradientShap])
def test_a_run_that_drew_more_is_not_where_a_run_that_stops_earlier_begins(kind):
    network, memory = SquareNetwork(np.abs(WEIGHTS)), Remembering()
    run(kind(samples=100, stop_at_noise=0.0), network, memory)
    stopped = run(kind(samples=100, stop_at_noise=50.0), network, memory)
    np.testing.assert_array_equal(
        stopped.maps, run(kind(samples=100, stop_at_noise=50.0), SquareNetwork(np.abs(WEIGHTS))).maps
    )
