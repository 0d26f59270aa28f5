"""RISE: its expected value, repeatability, continuation, error bars."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, model_of, random_image, random_weights

from xai_core.errors import ModelError, ParamError
from xai_core.families.masks import Masks
from xai_core.methods.rise import Rise

WEIGHTS = random_weights()
IMAGE = random_image()
TARGETS = np.array([1, 2])


def estimates(method, network=None, image=IMAGE, memory=None, targets=TARGETS):
    return list(method.explain(model_of(network or LinearNetwork(WEIGHTS), memory), image, targets))


def last_map(**changes):
    return estimates(Rise(**{"samples": 300} | changes))[-1].maps


def test_the_map_is_the_mean_of_score_times_mask_over_the_preservation():
    method = Rise(samples=100, grid=5, preservation=0.3, score="logit", seed=4)
    masks = Masks((16, 16), 5, 0.3, 4).draw(100).astype(np.float64)
    scores = np.einsum("nhw,hwc,khwc->nk", masks, IMAGE, WEIGHTS)[:, TARGETS]
    terms = np.einsum("nt,nhw->tnhw", scores, masks) / 0.3
    last = estimates(method)[-1]
    np.testing.assert_allclose(last.maps, terms.mean(axis=1), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(last.standard_error, terms.std(axis=1, ddof=1) / 10, rtol=1e-3, atol=1e-7)


def test_a_linear_model_is_approached_within_the_error_bars():
    """E[score * mask] / p is a sum over pixels of weight * E[mask * mask'] / p; masks drawn apart give it here."""
    masks = Masks((16, 16), 4, 0.5, 77).draw(40000).astype(np.float64)
    scores = np.einsum("nhw,hwc,hwc->n", masks, IMAGE, WEIGHTS[1].astype(np.float64), optimize=True)
    expected = np.einsum("n,nhw->hw", scores, masks) / 40000 / 0.5
    last = estimates(Rise(samples=4000, grid=4, score="logit"), targets=np.array([1]))[-1]
    off = np.abs(last.maps[0] - expected) / last.standard_error[0]
    assert np.mean(off < 2.2) > 0.85
    assert off.max() < 6


def test_the_standard_error_halves_with_four_times_the_samples():
    few, many = (estimates(Rise(samples=n))[-1].standard_error.mean() for n in (500, 2000))
    assert many / few == pytest.approx(0.5, rel=0.1)


def test_one_mask_has_no_standard_error():
    first, second, *_ = estimates(Rise(samples=100, batch_size=1))
    assert first.standard_error is None
    assert np.isfinite(second.standard_error).all()


def test_the_same_settings_give_the_same_bits():
    np.testing.assert_array_equal(last_map(batch_size=16), last_map(batch_size=16))


@pytest.mark.parametrize("batch_size", [1, 7, 128])
def test_the_batch_size_changes_the_map_by_rounding_only(batch_size):
    np.testing.assert_allclose(last_map(batch_size=batch_size), last_map(batch_size=20), rtol=1e-5)


def test_another_seed_gives_another_map():
    assert not np.array_equal(last_map(seed=1), last_map(seed=2))


def test_more_samples_continue_from_those_done():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Rise(samples=1000), network, memory=memory)
    assert sum(network.asked) == 1000
    continued = estimates(Rise(samples=4000), network, memory=memory)[-1]
    assert sum(network.asked) == 4000
    np.testing.assert_array_equal(continued.maps, estimates(Rise(samples=4000))[-1].maps)
    np.testing.assert_array_equal(continued.standard_error, estimates(Rise(samples=4000))[-1].standard_error)


@pytest.mark.parametrize("done", [100, 300, 700])
def test_a_run_may_begin_in_the_middle_of_a_batch(done):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Rise(samples=done, batch_size=128), network, memory=memory)
    continued = estimates(Rise(samples=800, batch_size=33), network, memory=memory)[-1]
    assert sum(network.asked) == 800
    np.testing.assert_allclose(continued.maps, last_map(samples=800, batch_size=33), rtol=1e-6)


def test_fewer_samples_use_the_first_of_those_done():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Rise(samples=500), network, memory=memory)
    fewer = estimates(Rise(samples=200), network, memory=memory)[-1].maps
    assert sum(network.asked) == 500
    np.testing.assert_array_equal(fewer, last_map(samples=200))


def test_one_run_serves_every_class_and_both_scores():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Rise(samples=300), network, memory=memory, targets=np.array([0]))
    again = estimates(Rise(samples=300, score="logit"), network, memory=memory, targets=np.array([2]))[-1].maps
    assert sum(network.asked) == 300
    expected = estimates(Rise(samples=300, score="logit"), targets=np.array([2]))[-1].maps
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("change", [{"seed": 1}, {"grid": 6}, {"preservation": 0.6}])
def test_other_masks_are_asked_for_anew(change):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Rise(samples=100), network, memory=memory)
    estimates(Rise(samples=100, **change), network, memory=memory)
    assert sum(network.asked) == 200


def test_remembered_rows_are_shown_in_few_previews():
    memory = Remembering()
    estimates(Rise(samples=2000, batch_size=4), memory=memory)
    assert len(estimates(Rise(samples=2000, batch_size=4), memory=memory)) == 4


def test_a_preview_follows_every_batch():
    found = estimates(Rise(samples=100, batch_size=25))
    assert [e.fraction for e in found] == [0.25, 0.5, 0.75, 1.0]


def test_a_model_that_gives_no_numbers_ends_in_a_sentence():
    network = LinearNetwork(WEIGHTS)
    network.forward = lambda inputs: np.full((len(inputs), 3), np.nan, np.float32)
    with pytest.raises(ModelError, match="not numbers for 3 of 3 classes"):
        estimates(Rise(samples=100), network)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("samples", 99, "100 and 20000"), ("grid", 33, "2 and 32 cells"), ("preservation", 1.0, "0.05 and 0.95")],
)
def test_what_lies_out_of_range_is_said(field, value, words):
    with pytest.raises(ParamError, match=words):
        Rise(**{field: value})
