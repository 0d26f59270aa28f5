"""Figures of two maps that can be worked out by hand, and what is said of them."""

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


def correlated(value):
    return [Agreement(value, value, 0.5, 0.5)]


def test_a_map_agrees_with_itself(drawn):
    found = agreement(drawn, drawn)
    assert (found.correlation, found.rank_correlation, found.similarity) == pytest.approx((1, 1, 1))
    assert found.largest_difference == 0


def test_scale_and_offset_leave_the_correlations(drawn):
    found = agreement(drawn, 5 * drawn + 2)
    assert (found.correlation, found.rank_correlation) == pytest.approx((1, 1))


def test_the_opposite_is_minus_one(drawn):
    found = agreement(drawn, -drawn)
    assert (found.correlation, found.rank_correlation) == pytest.approx((-1, -1))
    assert found.similarity < 0


def test_ranks_see_through_a_monotone_change(drawn):
    found = agreement(drawn, np.exp(3 * drawn))
    assert found.rank_correlation == pytest.approx(1)
    assert found.correlation < 0.8


def test_equal_values_share_their_rank():
    first = np.array([[1.0, 1.0, 2.0, 3.0]], np.float32)
    second = np.array([[4.0, 2.0, 2.0, 1.0]], np.float32)
    assert agreement(first, second).rank_correlation == pytest.approx(-5 / 6)  # ranks 1.5 1.5 3 4 and 4 2.5 2.5 1


def test_the_largest_difference_is_a_share_of_the_first_maps_range():
    first = np.array([[0.0, 4.0]], np.float32)
    assert agreement(first, np.array([[1.0, 4.0]], np.float32)).largest_difference == pytest.approx(0.25)


def test_unrelated_maps_do_not_agree(drawn):
    found = agreement(drawn, np.random.default_rng(1).normal(size=drawn.shape).astype(np.float32))
    assert abs(found.correlation) < 0.25
    assert abs(found.similarity) < 0.3


def test_similarity_is_of_what_is_drawn_whatever_is_added_to_all_pixels(drawn):
    other = np.random.default_rng(1).normal(size=drawn.shape).astype(np.float32)
    assert abs(agreement(np.abs(drawn) + 100, np.abs(other) + 100).similarity) < 0.3


def test_a_constant_map_is_compared_with_nothing(drawn):
    found = agreement(drawn, np.ones_like(drawn))
    assert (found.correlation, found.rank_correlation) == (None, None)
    assert agreement(np.ones_like(drawn), drawn).largest_difference is None


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (7, 7)])
def test_maps_of_any_size_are_compared(size):
    first = np.random.default_rng(0).normal(size=size).astype(np.float32)
    assert np.isfinite(agreement(first, first[::-1]).similarity)


@pytest.mark.parametrize(
    ("correlation", "said"), [(0.97, "nearly the same"), (0.9, "details are chance"), (0.3, "much of what is seen")]
)
def test_the_verdict_on_seeds(correlation, said):
    assert said in verdict_on_seeds(correlated(0.99) + correlated(correlation))


def test_a_seed_that_changes_nothing_is_told(drawn):
    assert "very same map" in verdict_on_seeds([agreement(drawn, drawn)])


@pytest.mark.parametrize(
    ("correlation", "said"),
    [
        (0.1, "depends on the last layer, as a map that explains a class must"),
        (0.6, "part of the map stays"),
        (0.9, "does not show"),
        (-0.95, "does not show"),
    ],
)
def test_the_verdict_on_a_random_last_layer(correlation, said):
    assert said in verdict_on_randomisation(correlated(0.05) + correlated(correlation))


def test_where_much_may_be_noise_a_random_last_layer_tells_little():
    said = verdict_on_randomisation(correlated(0.3), noise=0.8, advice="raise the rows")
    assert said.endswith("tells little; raise the rows and try again.")


def test_another_library_that_draws_its_own_samples_may_differ_by_their_noise():
    assert "no more than chance" in verdict_on_peer(correlated(0.9), "xplique", noise=0.15)
    assert "another map" in verdict_on_peer(correlated(0.8), "xplique", noise=0.15)


@pytest.mark.parametrize("noise", [0.25, 0.6, 0.99, 1.0])
def test_where_much_may_be_noise_another_library_tells_little(noise):
    for correlation in (0.9, 0.3, -0.5):
        said = verdict_on_peer(correlated(correlation), "xplique", noise=noise, advice="raise the permutations")
        assert said.endswith("tells little; raise the permutations and try again.")
        assert "chance" not in said


def test_the_same_map_of_another_library_is_told_whatever_the_noise():
    assert "the same map" in verdict_on_peer([Agreement(0.999, 0.999, 0.01, 1.0)], "captum", noise=0.9)


def test_the_verdict_on_another_library_names_what_is_known():
    same = [Agreement(0.999, 0.999, 0.01, 1.0)]
    assert verdict_on_peer(same, "captum 0.9.0", "Odd.") == "captum 0.9.0 gives the same map (correlation 0.999)."
    assert verdict_on_peer(correlated(0.999), "captum 0.9.0", "It scales.").endswith(
        "scale (correlation 0.999). It scales."
    )
    assert "Its rule is biased." in verdict_on_peer(correlated(0.9), "captum 0.9.0", "Its rule is biased.")
    assert "No reason is known" in verdict_on_peer(correlated(0.9), "captum 0.9.0")


def test_no_verdict_is_told_of_maps_that_can_not_be_compared():
    for verdict in (verdict_on_seeds, verdict_on_randomisation, lambda found: verdict_on_peer(found, "captum")):
        assert "can not be compared" in verdict(correlated(None))
