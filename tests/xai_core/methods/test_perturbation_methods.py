"""What LIME, KernelSHAP, Shapley values, Sobol indices and HSIC have in common."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, model_of, random_image, random_weights

from xai_core.errors import ModelError
from xai_core.families.noise import noise_shares
from xai_core.families.score_range import STILL
from xai_core.families.segments import NOTHING_TO_HIDE
from xai_core.methods.hsic import Hsic
from xai_core.methods.kernel_shap import KernelShap
from xai_core.methods.lime import Lime
from xai_core.methods.shapley import Shapley
from xai_core.methods.sobol import Sobol
from xai_core.types import Card

WEIGHTS = random_weights()
IMAGE = random_image()
TARGETS = np.array([1, 2])
ALL = {"stop_at_noise": 0.0}  # samples are drawn
SMALL = {
    Lime: {"superpixels": "grid", "count": 9, "samples": 100},
    KernelShap: {"superpixels": "grid", "count": 9, "samples": 100},
    Shapley: {"grid": 3, "permutations": 12},
    Sobol: {"grid": 3, "rows": 16},
    Hsic: {"grid": 3, "samples": 100},
}
LONGER = {Shapley: {"permutations": 20}, Sobol: {"rows": 24}}
MANY = {
    Lime: {"samples": 5000},
    KernelShap: {"samples": 500},  # with more, all sets of segments are tried
    Shapley: {"permutations": 400},
    Sobol: {"rows": 256},
    Hsic: {"samples": 5000},
}
PASSES = {Lime: 100, KernelShap: 100, Shapley: 2 + 12 * 8, Sobol: 16 * 11, Hsic: 100}


@pytest.fixture(params=SMALL, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def estimates(kind, network=None, image=IMAGE, memory=None, targets=TARGETS, **changes):
    model = model_of(network or LinearNetwork(WEIGHTS), memory)
    return list(kind(**ALL | SMALL[kind] | changes).explain(model, image, targets))


def test_an_estimate_has_a_finite_map_and_error_a_target(kind):
    last = estimates(kind)[-1]
    for found in (last.maps, last.standard_error):
        assert found.shape == (2, 16, 16)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
    assert all(len(figures) == 2 for figures in last.diagnostics.values())
    assert last.notes == ()


def test_fractions_rise_to_one_and_the_first_preview_comes_with_the_first_batch(kind):
    found = estimates(kind, batch_size=10)
    fractions = [e.fraction for e in found]
    assert fractions == sorted(fractions)
    assert fractions[0] <= 0.13
    assert fractions[-1] == 1
    assert all(np.isfinite(e.maps).all() for e in found)


def test_it_takes_as_many_passes_as_its_cost_says(kind):
    network = LinearNetwork(WEIGHTS)
    estimates(kind, network)
    assert sum(network.asked) == PASSES[kind]
    assert max(network.asked) <= 12


@pytest.mark.parametrize("batch_size", [1, 7, 128])
def test_the_batch_size_changes_the_map_by_rounding_only(kind, batch_size):
    reference, other = (estimates(kind, batch_size=size)[-1] for size in (20, batch_size))
    largest = np.abs(reference.maps).max()
    np.testing.assert_allclose(other.maps, reference.maps, rtol=1e-4, atol=1e-5 * largest)
    np.testing.assert_allclose(other.standard_error, reference.standard_error, rtol=1e-3, atol=1e-5 * largest)


def test_the_same_settings_give_the_same_bits_and_another_seed_another_map(kind):
    first, second, other = (estimates(kind, seed=seed)[-1].maps for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_second_class_or_score_costs_no_pass(kind):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(kind, network, memory=memory, targets=np.array([0]))
    asked = sum(network.asked)
    again = estimates(kind, network, memory=memory, targets=np.array([2]), score="logit")[-1].maps
    assert sum(network.asked) == asked
    np.testing.assert_array_equal(again, estimates(kind, targets=np.array([2]), score="logit")[-1].maps)


def test_it_stops_once_the_noise_is_low_enough_and_goes_on_from_there(kind):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    last = estimates(kind, network, memory=memory, stop_at_noise=20.0, **MANY[kind])[-1]
    asked = sum(network.asked)
    assert last.fraction == 1
    assert last.notes[-1].startswith("Stopped after")
    assert max(noise_shares(last)) <= 0.2
    again = estimates(kind, network, memory=memory, stop_at_noise=20.0, **MANY[kind])[-1]
    assert sum(network.asked) == asked
    np.testing.assert_array_equal(again.maps, last.maps)


@pytest.mark.parametrize("batch_size", [5, 128])
def test_it_stops_at_the_same_sample_at_every_batch_size(kind, batch_size):
    counts = set()
    for size in (12, batch_size):
        network = LinearNetwork(WEIGHTS)
        estimates(kind, network, stop_at_noise=20.0, batch_size=size, **MANY[kind])
        counts.add(sum(network.asked))
    assert len(counts) == 1


def test_a_longer_run_continues_from_what_is_done(kind):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    longer = LONGER.get(kind, {"samples": 300})
    estimates(kind, network, memory=memory)
    continued = estimates(kind, network, memory=memory, **longer)[-1].maps
    fresh = LinearNetwork(WEIGHTS)
    np.testing.assert_array_equal(continued, estimates(kind, fresh, **longer)[-1].maps)
    assert sum(network.asked) == sum(fresh.asked)


def test_a_target_has_the_same_map_alone_and_in_company(kind):
    together, alone = estimates(kind)[-1].maps[1], estimates(kind, targets=np.array([2]))[-1].maps[0]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("fill", ["segment", "black", "grey", "mean", "blurred"])
def test_every_fill_is_taken(kind, fill):
    assert np.abs(estimates(kind, fill=fill, score="logit")[-1].maps).max() > 0


@pytest.mark.parametrize("kind", [Lime, KernelShap, Shapley, Sobol])
def test_memory_does_not_grow_with_masks(kind):
    network, image = LinearNetwork(random_weights(3, 48, 48)), random_image(48, 48)
    peaks = []
    for changes in ({}, {Shapley: {"permutations": 74}, Sobol: {"rows": 54}}.get(kind, {"samples": 600})):
        tracemalloc.start()
        for _ in kind(**ALL | SMALL[kind] | changes).explain(model_of(network), image, TARGETS):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    masks = 500 * 48 * 48 * 4
    assert peaks[1] - peaks[0] < masks / 8


def test_a_black_picture_on_black_says_that_nothing_is_hidden(kind):
    last = estimates(kind, image=np.zeros_like(IMAGE), fill="black")[-1]
    assert last.notes == (NOTHING_TO_HIDE, STILL)
    np.testing.assert_array_equal(last.maps, 0)


def test_a_model_of_one_class_always_has_the_same_probability(kind):
    last = estimates(kind, LinearNetwork(WEIGHTS[:1]), targets=np.array([0]), score="probability")[-1]
    assert last.notes == (STILL,)
    np.testing.assert_array_equal(last.maps, 0)


def test_a_model_of_one_class_is_explained_by_its_logit(kind):
    last = estimates(kind, LinearNetwork(WEIGHTS[:1]), targets=np.array([0]), score="logit")[-1]
    assert last.notes == ()
    assert np.ptp(last.maps) > 0


def test_a_small_oblong_picture_will_do(kind):
    network = LinearNetwork(random_weights(3, 2, 7))
    maps = estimates(kind, network, random_image(2, 7), score="logit")[-1].maps
    assert maps.shape == (2, 2, 7)
    assert np.isfinite(maps).all()


def test_a_model_that_gives_no_numbers_ends_in_a_sentence(kind):
    network = LinearNetwork(WEIGHTS)
    network.forward = lambda inputs: np.full((len(inputs), 3), np.nan, np.float32)
    with pytest.raises(ModelError, match="not numbers for 3 of 3 classes"):
        estimates(kind, network)


def test_a_model_that_ends_in_probabilities_gets_the_probability_as_default(kind):
    card: Card = LinearNetwork(WEIGHTS, gives="probability").card
    assert kind.suited(card, (16, 16)).score == "probability"
