"""Integrated Gradients: exact numbers, completeness, doubling, previews."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, SquareNetwork, model_of, random_image, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_core.errors import MissingCapability, ModelError, ParamError
from xai_core.families.baselines import baseline_picture
from xai_core.method import method_named
from xai_core.methods.integrated_gradients import IntegratedGradients, spread_order

WEIGHTS = random_weights()
IMAGE = random_image()
TARGETS = np.array([1, 2])


def estimates(method, network=None, image=IMAGE):
    return list(method.explain(model_of(network or LinearNetwork(WEIGHTS)), image, TARGETS))


@pytest.mark.parametrize("baseline", ["black", "white", "grey", "mean", "blurred", "noise"])
def test_a_linear_model_gets_weight_times_distance_from_every_baseline(baseline):
    last = estimates(IntegratedGradients(steps=8, baseline=baseline, seed=3))[-1]
    expected = (WEIGHTS[TARGETS] * (IMAGE - baseline_picture(baseline, IMAGE, 3))).sum(axis=-1)
    np.testing.assert_allclose(last.maps, expected, rtol=1e-4, atol=1e-8)
    assert last.fraction == 1


@given(steps=st.integers(8, 40), batch_size=st.integers(1, 60), seed=st.integers(0, 50))
@settings(deadline=None, max_examples=25)
def test_a_linear_model_is_complete_at_any_setting(steps, batch_size, seed):
    method = IntegratedGradients(steps=steps, batch_size=batch_size)
    network = LinearNetwork(random_weights(seed=seed))
    maps = estimates(method, network)[-1].maps
    image, black = model_of(network).predict(np.stack([IMAGE, 0 * IMAGE]), "logit")[:, TARGETS]
    rounding = 1e-6 * np.abs(maps).sum(axis=(1, 2))
    assert (np.abs(maps.sum(axis=(1, 2)) - (image - black)) < rounding).all()


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_pixels_that_the_model_does_not_use_get_nothing(seed):
    unused = np.random.default_rng(seed).random((16, 16)) < 0.5
    weights = np.where(unused[..., None], 0, random_weights(seed=seed))
    maps = estimates(IntegratedGradients(steps=8, score="probability"), SquareNetwork(weights))[-1].maps[:, unused]
    assert (maps == 0).all() or not (weights != 0).any()


def test_a_quadratic_model_gets_weight_times_square():
    last = estimates(IntegratedGradients(steps=128, batch_size=64), SquareNetwork(WEIGHTS))[-1]
    np.testing.assert_allclose(last.maps, (WEIGHTS[TARGETS] * IMAGE**2).sum(axis=-1), rtol=1e-4, atol=1e-8)


def test_the_completeness_error_is_the_share_of_the_score_that_is_missing():
    method = IntegratedGradients(steps=8, score="probability")
    network = SquareNetwork(3000 * WEIGHTS)
    last = estimates(method, network)[-1]
    image, black = model_of(network).predict(np.stack([IMAGE, 0 * IMAGE]))[:, TARGETS].astype(np.float64)
    expected = np.abs(last.maps.sum(axis=(1, 2)) - (image - black)) / np.abs(image - black)
    np.testing.assert_allclose(last.diagnostics["completeness_error"], expected, rtol=1e-3)
    assert min(expected) > 1e-4


def test_the_completeness_error_is_undefined_where_the_score_does_not_change():
    last = estimates(IntegratedGradients(baseline="black"), image=np.zeros_like(IMAGE))[-1]
    assert last.diagnostics["completeness_error"] == (None, None)
    assert (last.maps == 0).all()


def test_previews_are_estimates_of_the_whole_integral():
    expected = (WEIGHTS[TARGETS] * IMAGE**2).sum(axis=-1)
    found = estimates(IntegratedGradients(steps=64, batch_size=16), SquareNetwork(WEIGHTS))
    errors = [np.abs(e.maps - expected).max() / np.abs(expected).max() for e in found]
    assert errors[0] < 0.2  # eight points a target
    assert errors[1] < 0.1
    assert [e.fraction for e in found] == [0.125 * n for n in range(1, 9)]


def test_the_steps_are_doubled_until_the_error_is_below_the_tolerance():
    network = SquareNetwork(3000 * WEIGHTS)
    loose = estimates(IntegratedGradients(steps=8, score="probability"), network)[-1]
    tight = estimates(IntegratedGradients(steps=8, score="probability", double_steps=True, tolerance=0.1), network)[-1]
    assert max(loose.diagnostics["completeness_error"]) > 0.001
    assert max(tight.diagnostics["completeness_error"]) < 0.001
    assert loose.diagnostics["points"] == (8, 8)
    assert tight.diagnostics["points"][0] in {16, 32, 64, 128, 256, 512}


def test_doubling_asks_for_no_point_twice():
    network = SquareNetwork(3000 * WEIGHTS)
    method = IntegratedGradients(steps=8, score="probability", double_steps=True, tolerance=0.1)
    last = estimates(method, network)[-1]
    assert sum(network.asked_back) == sum(last.diagnostics["points"])


def test_after_doubling_the_answer_is_the_trapezoid_rule_on_twice_the_intervals():
    network = SquareNetwork(30000 * WEIGHTS)
    method = IntegratedGradients(steps=8, score="probability", double_steps=True, tolerance=0.1)
    model = model_of(network)
    twice = next(e for e in estimates(method, network) if e.diagnostics["points"] == (16, 16))
    t = np.linspace(0, 1, 17)
    at = (t**2)[:, None, None, None].astype(np.float32)
    gradients = model.gradients(at * IMAGE, np.full(17, TARGETS[0]), "probability").astype(np.float64)
    weights = 2 * t * np.array([0.5] + [1] * 15 + [0.5]) / 16
    expected = (np.einsum("n,nhwc->hwc", weights, gradients) * IMAGE).sum(axis=-1)
    np.testing.assert_allclose(twice.maps[0], expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_doubling_ends_at_512_intervals():
    network = LinearNetwork(WEIGHTS)
    network.backward = lambda inputs, *_: np.ones_like(inputs)  # never adds up
    method = IntegratedGradients(steps=200, batch_size=128, double_steps=True, tolerance=0.1)
    last = estimates(method, network)[-1]
    assert last.diagnostics["points"] == (400, 400)
    assert last.fraction == 1


def test_a_model_is_asked_for_the_picture_and_the_baseline_once():
    network = LinearNetwork(WEIGHTS)
    estimates(IntegratedGradients(), network)
    assert network.asked == [2]


def test_the_batch_size_does_not_change_the_map():
    one, many = (
        estimates(IntegratedGradients(batch_size=size), SquareNetwork(300 * WEIGHTS))[-1].maps for size in (1, 37)
    )
    np.testing.assert_allclose(one, many, rtol=1e-5, atol=1e-7 * np.abs(one).max())


def test_no_batch_is_larger_than_asked_for():
    network = LinearNetwork(WEIGHTS)
    estimates(IntegratedGradients(batch_size=7), network)
    assert max(network.asked_back) == 7
    assert sum(network.asked_back) == 100


def test_the_noise_of_a_seed_is_the_same_each_time():
    first, same, other = (estimates(IntegratedGradients(baseline="noise", seed=seed))[-1].maps for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("field", "value", "words"), [("steps", 7, "8 and 512"), ("tolerance", 0.0, "0.1 and 20%")])
def test_what_lies_out_of_range_is_said(field, value, words):
    with pytest.raises(ParamError, match=words):
        IntegratedGradients(**{field: value})


def test_a_logit_of_a_model_that_ends_in_probabilities_is_refused():
    with pytest.raises(MissingCapability, match="Explain the probability instead"):
        estimates(IntegratedGradients(score="logit"), LinearNetwork(WEIGHTS, gives="probability"))


def test_a_gradient_that_is_not_a_number_ends_in_a_sentence():
    network = LinearNetwork(WEIGHTS)
    network.backward = lambda inputs, targets, score, *_: np.full_like(inputs, np.nan)
    with pytest.raises(ModelError, match="not numbers"):
        estimates(IntegratedGradients(), network)


@given(count=st.integers(1, 600))
def test_the_order_of_the_points_names_each_once(count):
    assert sorted(spread_order(count)) == list(range(count))


def test_the_first_points_are_spread_over_the_path():
    assert list(spread_order(8)) == [0, 4, 2, 6, 1, 5, 3, 7]


def run(network, memory, targets=TARGETS, **settings):
    *_, last = IntegratedGradients(**settings).explain(model_of(network, memory), IMAGE, targets)
    return last


@pytest.mark.parametrize("more", [16, 24])
def test_raising_the_steps_to_a_multiple_continues(more):
    network, memory = SquareNetwork(300 * WEIGHTS), Remembering()
    run(network, memory, steps=8)
    asked = sum(network.asked_back)
    continued = run(network, memory, steps=more)
    assert sum(network.asked_back) - asked == (more - 8) * len(TARGETS)
    assert continued.diagnostics["points"] == (more, more)
    fresh = run(SquareNetwork(300 * WEIGHTS), Remembering(), steps=more)
    np.testing.assert_allclose(continued.maps, fresh.maps, rtol=1e-5, atol=1e-7 * np.abs(fresh.maps).max())


def test_the_same_question_again_costs_no_gradient():
    network, memory = SquareNetwork(300 * WEIGHTS), Remembering()
    first = run(network, memory, steps=8)
    asked = sum(network.asked_back)
    again = run(network, memory, steps=8)
    assert (sum(network.asked_back), again.fraction) == (asked, 1)
    np.testing.assert_array_equal(first.maps, again.maps)


def test_steps_that_are_no_multiple_and_other_classes_are_asked_for_anew():
    network, memory = SquareNetwork(300 * WEIGHTS), Remembering()
    run(network, memory, steps=8)
    for other in ({"steps": 12}, {"steps": 12, "targets": np.array([0, 1])}, {"steps": 12, "baseline": "grey"}):
        before = sum(network.asked_back)
        run(network, memory, **other)
        assert sum(network.asked_back) - before == 12 * len(TARGETS)


def test_doubling_goes_on_from_a_run_without_it():
    network, memory = SquareNetwork(3000 * WEIGHTS), Remembering()
    settings = {"steps": 8, "score": "probability"}
    run(network, memory, **settings)
    last = run(network, memory, **settings, double_steps=True, tolerance=0.1)
    assert last.fraction == 1
    assert sum(network.asked_back) == sum(last.diagnostics["points"])


def test_the_answer_is_the_trapezoid_rule_on_the_path():
    network = SquareNetwork(300 * WEIGHTS)
    found = run(network, None, steps=10, score="probability")
    t = np.linspace(0, 1, 11)
    at = (t**2)[:, None, None, None].astype(np.float32)
    gradients = model_of(network).gradients(at * IMAGE, np.full(11, TARGETS[0]), "probability").astype(np.float64)
    weights = 2 * t * np.array([0.5] + [1] * 9 + [0.5]) / 10
    expected = (np.einsum("n,nhwc->hwc", weights, gradients) * IMAGE).sum(axis=-1)
    np.testing.assert_allclose(found.maps[0], expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_no_rows_are_kept_between_runs():
    memory = Remembering()
    run(LinearNetwork(WEIGHTS), memory)
    assert memory.ledgers == {}


@pytest.mark.parametrize("method", ["integrated_gradients", "deeplift"])
def test_only_a_baseline_of_noise_is_drawn_at_random(method):
    for baseline in ("black", "blurred", "noise"):
        assert method_named(method)(baseline=baseline).draws_at_random is (baseline == "noise")


def test_a_method_with_a_seed_draws_at_random_and_one_without_does_not():
    assert method_named("rise")().draws_at_random
    assert not method_named("saliency")().draws_at_random
