"""RISE: its expected value, repeatability, continuation, error bars."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, model_of, random_image, random_weights

from xai_core.errors import ModelError, ParamError
from xai_core.families.masks import Masks
from xai_core.families.noise import noise_shares
from xai_core.methods.rise import Rise

WEIGHTS = random_weights()
IMAGE = random_image()
TARGETS = np.array([1, 2])


def estimates(method, network=None, image=IMAGE, memory=None, targets=TARGETS):
    return list(method.explain(model_of(network or LinearNetwork(WEIGHTS), memory), image, targets))


def last_map(**changes):
    return estimates(rise(**{"samples": 300} | changes))[-1].maps


def rise(**changes):
    """RISE that draws everything."""
    return Rise(**{"stop_at_noise": 0.0} | changes)


def test_the_papers_map_is_the_mean_of_score_times_mask_over_the_preservation():
    method = rise(samples=100, grid=5, preservation=0.3, score="logit", seed=4, averaging="as in the paper")
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
    last = estimates(rise(samples=4000, grid=4, score="logit", averaging="as in the paper"), targets=np.array([1]))[-1]
    off = np.abs(last.maps[0] - expected) / last.standard_error[0]
    assert np.mean(off < 2.2) > 0.85
    assert off.max() < 6


def test_the_default_approaches_the_papers_map_with_less_noise():
    paper, steady = (
        estimates(rise(samples=8000, grid=4, averaging=averaging, seed=seed))[-1]
        for averaging, seed in (("as in the paper", 1), ("steady", 2))
    )
    assert steady.standard_error.mean() < 0.2 * paper.standard_error.mean()
    off = (steady.maps - paper.maps) / np.hypot(steady.standard_error, paper.standard_error)
    assert np.mean(off**2) < 3
    assert np.abs(off).max() < 5


def test_it_stops_once_the_noise_is_low_enough():
    network = LinearNetwork(WEIGHTS)
    last = estimates(Rise(samples=1000, score="logit"), network)[-1]
    assert sum(network.asked) == 144
    assert last.notes[0].startswith("Stopped after 144 of at most 1000 samples: noise is")
    assert max(noise_shares(last)) <= 0.05
    drawn = estimates(rise(samples=144, score="logit"))[-1]
    np.testing.assert_array_equal(last.maps, drawn.maps)


@pytest.mark.parametrize("batch_size", [5, 128])
def test_it_stops_at_the_same_mask_at_every_batch_size(batch_size):
    settings = {"averaging": "as in the paper", "score": "logit", "stop_at_noise": 30.0}
    network, other = LinearNetwork(WEIGHTS), LinearNetwork(WEIGHTS)
    last = estimates(Rise(**settings, batch_size=batch_size), network)[-1]
    assert 144 < sum(network.asked) < 1000
    expected = estimates(Rise(**settings), other)[-1]
    assert sum(network.asked) == sum(other.asked)
    np.testing.assert_allclose(last.maps, expected.maps, rtol=1e-5)


def test_a_lower_limit_continues_from_where_a_run_stopped():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(Rise(score="logit"), network, memory=memory)
    last = estimates(rise(samples=500, score="logit"), network, memory=memory)[-1]
    assert sum(network.asked) == 500
    np.testing.assert_array_equal(last.maps, last_map(samples=500, score="logit"))


def test_the_way_of_averaging_costs_no_pass():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(rise(samples=300), network, memory=memory)
    estimates(rise(samples=300, averaging="as in the paper"), network, memory=memory)
    assert sum(network.asked) == 300


def test_the_papers_standard_error_halves_with_four_times_the_samples():
    few, many = (estimates(rise(samples=n, averaging="as in the paper"))[-1].standard_error.mean() for n in (500, 2000))
    assert many / few == pytest.approx(0.5, rel=0.1)


def test_one_mask_has_no_standard_error():
    first, second, *_ = estimates(rise(samples=100, batch_size=1))
    assert first.standard_error is None
    assert np.isfinite(second.standard_error).all()


def test_the_same_settings_give_the_same_bits():
    np.testing.assert_array_equal(last_map(batch_size=16), last_map(batch_size=16))


@pytest.mark.parametrize("batch_size", [1, 7, 128])
def test_the_batch_size_changes_the_map_by_rounding_only(batch_size):
    np.testing.assert_allclose(last_map(batch_size=batch_size), last_map(batch_size=20), rtol=1e-5)


def test_a_different_seed_gives_a_different_map():
    assert not np.array_equal(last_map(seed=1), last_map(seed=2))


def test_more_samples_continue_from_those_done():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(rise(samples=1000), network, memory=memory)
    assert sum(network.asked) == 1000
    continued = estimates(rise(samples=4000), network, memory=memory)[-1]
    assert sum(network.asked) == 4000
    np.testing.assert_array_equal(continued.maps, estimates(rise(samples=4000))[-1].maps)
    np.testing.assert_array_equal(continued.standard_error, estimates(rise(samples=4000))[-1].standard_error)


@pytest.mark.parametrize("done", [100, 300, 700])
def test_a_run_may_begin_in_the_middle_of_a_batch(done):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(rise(samples=done, batch_size=128), network, memory=memory)
    continued = estimates(rise(samples=800, batch_size=33), network, memory=memory)[-1]
    assert sum(network.asked) == 800
    np.testing.assert_allclose(continued.maps, last_map(samples=800, batch_size=33), rtol=1e-6)


def test_fewer_samples_use_the_first_of_those_done():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(rise(samples=500), network, memory=memory)
    fewer = estimates(rise(samples=200), network, memory=memory)[-1].maps
    assert sum(network.asked) == 500
    np.testing.assert_array_equal(fewer, last_map(samples=200))


def test_one_run_serves_every_class_and_both_scores():
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(rise(samples=300), network, memory=memory, targets=np.array([0]))
    again = estimates(rise(samples=300, score="logit"), network, memory=memory, targets=np.array([2]))[-1].maps
    assert sum(network.asked) == 300
    expected = estimates(rise(samples=300, score="logit"), targets=np.array([2]))[-1].maps
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("change", [{"seed": 1}, {"grid": 6}, {"preservation": 0.6}])
def test_other_masks_are_drawn_afresh(change):
    network, memory = LinearNetwork(WEIGHTS), Remembering()
    estimates(rise(samples=100), network, memory=memory)
    estimates(rise(samples=100, **change), network, memory=memory)
    assert sum(network.asked) == 200


def test_remembered_rows_are_shown_in_few_previews():
    memory = Remembering()
    estimates(rise(samples=2000, batch_size=4), memory=memory)
    assert len(estimates(rise(samples=2000, batch_size=4), memory=memory)) == 4


def test_a_preview_follows_every_batch():
    found = estimates(rise(samples=100, batch_size=25))
    assert [e.fraction for e in found] == [0.25, 0.5, 0.75, 1.0]


def test_a_model_that_gives_no_numbers_ends_in_a_sentence():
    network = LinearNetwork(WEIGHTS)
    network.forward = lambda inputs: np.full((len(inputs), 3), np.nan, np.float32)
    with pytest.raises(ModelError, match="not numbers for 3 of 3 classes"):
        estimates(rise(samples=100), network)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("samples", 99, "100 and 20,000"), ("grid", 33, "2 and 32 cells"), ("preservation", 1.0, "0.05 and 0.95")],
)
def test_a_value_out_of_range_is_reported(field, value, words):
    with pytest.raises(ParamError, match=words):
        Rise(**{field: value})
