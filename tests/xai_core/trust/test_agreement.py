"""Agreement of two maps, worked out by hand, and the verdicts drawn from it."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.trust.agreement import (
    Agreement,
    agreement,
    verdict_on_peer,
    verdict_on_randomisation,
    verdict_on_seeds,
)


@pytest.fixture
def drawn():
    return np.random.default_rng(0).normal(size=(12, 15)).astype(np.float32)


def correlated(value, signed=True):
    return [Agreement(value, value, 0.5, 0.5, signed)]


def test_a_map_agrees_with_itself(drawn):
    figures = agreement(drawn, drawn)
    assert (figures.correlation, figures.rank_correlation, figures.similarity) == pytest.approx((1, 1, 1))
    assert figures.largest_difference == 0


def test_scale_and_offset_leave_the_correlations_unchanged(drawn):
    figures = agreement(drawn, 5 * drawn + 2)
    assert (figures.correlation, figures.rank_correlation) == pytest.approx((1, 1))


def test_the_negative_of_a_map_has_a_correlation_of_minus_one(drawn):
    figures = agreement(drawn, -drawn)
    assert (figures.correlation, figures.rank_correlation) == pytest.approx((-1, -1))
    assert figures.similarity < 0


def test_the_rank_correlation_ignores_a_monotone_change(drawn):
    figures = agreement(drawn, np.exp(3 * drawn))
    assert figures.rank_correlation == pytest.approx(1)
    assert figures.correlation < 0.8


def test_equal_values_share_their_rank():
    first = np.array([[1.0, 1.0, 2.0, 3.0]], np.float32)
    second = np.array([[4.0, 2.0, 2.0, 1.0]], np.float32)
    assert agreement(first, second).rank_correlation == pytest.approx(-5 / 6)  # ranks 1.5 1.5 3 4 and 4 2.5 2.5 1


def test_the_largest_difference_is_a_share_of_the_first_maps_range():
    first = np.array([[0.0, 4.0]], np.float32)
    assert agreement(first, np.array([[1.0, 4.0]], np.float32)).largest_difference == pytest.approx(0.25)


def test_unrelated_maps_do_not_agree(drawn):
    figures = agreement(drawn, np.random.default_rng(1).normal(size=drawn.shape).astype(np.float32))
    assert abs(figures.correlation) < 0.25
    assert abs(figures.similarity) < 0.3


def test_similarity_ignores_a_constant_added_to_all_pixels(drawn):
    other = np.random.default_rng(1).normal(size=drawn.shape).astype(np.float32)
    assert abs(agreement(np.abs(drawn) + 100, np.abs(other) + 100).similarity) < 0.3


def test_a_constant_map_has_no_correlation(drawn):
    figures = agreement(drawn, np.ones_like(drawn))
    assert (figures.correlation, figures.rank_correlation) == (None, None)
    assert agreement(np.ones_like(drawn), drawn).largest_difference is None


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (7, 7)])
def test_maps_of_any_size_can_be_compared(size):
    first = np.random.default_rng(0).normal(size=size).astype(np.float32)
    assert np.isfinite(agreement(first, first[::-1]).similarity)


@pytest.mark.parametrize(
    ("correlation", "verdict"), [(0.97, "nearly the same"), (0.9, "details are chance"), (0.3, "much of what you see")]
)
def test_the_verdict_on_seeds(correlation, verdict):
    assert verdict in verdict_on_seeds(correlated(0.99) + correlated(correlation))


def test_a_seed_that_changes_nothing_is_reported(drawn):
    assert "exactly the same map" in verdict_on_seeds([agreement(drawn, drawn)])


@pytest.mark.parametrize(
    ("correlation", "said"),
    [
        (0.1, "depends on the last layer, as a map that explains a class must"),
        (0.6, "part of the map remains"),
        (0.9, "does not show"),
        (-0.95, "does not show"),
    ],
)
def test_the_verdict_on_a_random_last_layer(correlation, said):
    assert said in verdict_on_randomisation(correlated(0.05) + correlated(correlation))


def heat_at(row, column):
    """A map of one sign, with its weight around one point."""
    rows, columns = np.mgrid[:12, :15]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 40).astype(np.float32)


def test_a_map_of_one_sign_that_moves_away_has_changed():
    moved = agreement(heat_at(2, 2), 1 - heat_at(2, 2))
    assert (moved.correlation, moved.signed) == (pytest.approx(-1), False)
    assert "the map changes (correlation -1.00)" in verdict_on_randomisation([moved])


def test_a_map_of_one_sign_that_stays_has_not_changed():
    stayed = agreement(heat_at(5, 7), 2 * heat_at(5, 8) + 1)
    assert "does not show what the model learned" in verdict_on_randomisation([stayed])


def test_a_signed_map_that_changes_its_sign_has_not_changed(drawn):
    assert "does not show what the model learned" in verdict_on_randomisation([agreement(drawn, -drawn)])


def test_a_trace_below_zero_does_not_make_a_map_signed():
    moved = agreement(heat_at(2, 2) - np.float32(1e-6), 1 - heat_at(2, 2))
    assert not moved.signed


def test_a_map_that_cannot_be_compared_does_not_decide():
    moved = Agreement(-0.5, -0.5, 0.5, 0.5, signed=False)
    assert "correlation -0.50" in verdict_on_randomisation([moved, *correlated(None)])


def test_the_map_that_changed_least_decides(drawn):
    moved, stayed = agreement(heat_at(2, 2), 1 - heat_at(2, 2)), agreement(heat_at(5, 7), heat_at(5, 7))
    assert "correlation 1.00" in verdict_on_randomisation([moved, stayed])


def test_a_noisy_map_makes_a_random_last_layer_say_little():
    verdict = verdict_on_randomisation(correlated(0.3), noise=0.8, advice="use more rows")
    assert verdict.endswith("says little. To find out, use more rows and try again.")


def test_a_peer_with_its_own_random_draws_may_differ_by_the_noise():
    assert "no more than the noise" in verdict_on_peer(correlated(0.9), "xplique", noise=0.15)
    assert "a different map" in verdict_on_peer(correlated(0.8), "xplique", noise=0.15)


@pytest.mark.parametrize("noise", [0.25, 0.6, 0.99, 1.0])
def test_a_noisy_map_makes_a_peer_say_little(noise):
    for correlation in (0.9, 0.3, -0.5):
        verdict = verdict_on_peer(correlated(correlation), "xplique", noise=noise, advice="use more permutations")
        assert verdict.endswith("says little. To find out, use more permutations and try again.")
        assert "no more than the noise" not in verdict


def test_a_peer_with_the_same_map_agrees_whatever_the_noise():
    assert "the same map" in verdict_on_peer([Agreement(0.999, 0.999, 0.01, 1.0, True)], "captum", noise=0.9)


def test_the_verdict_on_a_peer_names_the_known_difference():
    same = [Agreement(0.999, 0.999, 0.01, 1.0, True)]
    assert verdict_on_peer(same, "captum 0.9.0", "Odd.") == "captum 0.9.0 gives the same map (correlation 0.999)."
    assert verdict_on_peer(correlated(0.999), "captum 0.9.0", "It scales.").endswith(
        "scale (correlation 0.999). It scales."
    )
    assert "Its rule is biased." in verdict_on_peer(correlated(0.9), "captum 0.9.0", "Its rule is biased.")
    assert "The reason is unknown" in verdict_on_peer(correlated(0.9), "captum 0.9.0")


def test_maps_that_cannot_be_compared_get_no_verdict():
    for verdict in (verdict_on_seeds, verdict_on_randomisation, lambda known: verdict_on_peer(known, "captum")):
        assert "cannot be compared" in verdict(correlated(None))
