"""How much of a map is noise, and when a run that samples ends."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.families.noise import DRAWN, LEVEL_DEVIATION, Stopping, noise_shares, samples_for
from xai_core.methods.rise import Rise
from xai_core.types import Estimate

MAP = np.array([[[0.0, 2.0], [2.0, 0.0]]], np.float32)  # variance 1
METHOD = Rise(samples=1000)
EVERY_TEN = Stopping(5, 1000, unit=10, least=2)


def estimate(count, share, total=1000):
    """An estimate after `count` of `total` samples whose noise share is `share`."""
    return Estimate(count / total, MAP, standard_error=np.full_like(MAP, share**0.5))


def run(shares, stopping=EVERY_TEN):
    """The estimates of a run whose noise share is `shares` after 10, 20, ... samples."""
    made = (estimate(10 * number, share) for number, share in enumerate(shares, 1))
    return list(stopping.until_steady(made, METHOD))


def test_the_noise_share_is_the_squared_error_over_the_variance():
    maps = np.array([[[0.0, 2.0]], [[0.0, 4.0]]], np.float32)
    errors = np.array([[[0.1, 0.3]], [[3.0, 3.0]]], np.float32)
    assert noise_shares(Estimate(1.0, maps, standard_error=errors)) == pytest.approx((0.05, 1.0))


def test_what_moves_the_whole_map_is_no_noise_of_its_pattern():
    errors = np.full_like(MAP, 0.5)
    assert noise_shares(Estimate(1.0, MAP, {LEVEL_DEVIATION: (0.4,)}, errors)) == pytest.approx((0.09,))


def test_the_noise_share_of_nothing_drawn_or_nothing_shown_is_undefined():
    assert noise_shares(Estimate(1.0, MAP)) == (None,)
    flat = np.ones((1, 2, 2), np.float32)
    assert noise_shares(Estimate(1.0, flat, standard_error=flat)) == (None,)


@pytest.mark.parametrize(("share", "needed"), [(0.05, 1000), (0.01, 1000), (0.5, 19000), (0.2, 4750), (1.0, None)])
def test_the_samples_needed_follow_from_the_share(share, needed):
    samples = samples_for(share, 1000)
    assert samples == needed or samples == pytest.approx(needed, abs=1)


def test_the_samples_needed_do_what_they_promise():
    draws = np.random.default_rng(0)
    signal = np.tile([0.0, 1.0], 5000)

    def share(samples):
        drawn = signal + draws.normal(size=signal.size) * (20 / samples) ** 0.5
        error = np.full((1, 1, signal.size), (20 / samples) ** 0.5, np.float32)
        return noise_shares(Estimate(1.0, drawn[None, None].astype(np.float32), standard_error=error))[0]

    assert share(samples_for(share(100), 100)) == pytest.approx(0.05, abs=0.004)


def test_a_run_ends_with_the_first_map_that_is_steady_enough():
    estimates = run([0.2, 0.1, 0.06, 0.05, 0.04, 0.03])
    assert len(estimates) == 4
    assert estimates[-1].fraction == 1
    note = "Stopped after 40 of at most 1000 samples: noise is 5.0%, within the limit of 5%."
    assert estimates[-1].notes == (note,)
    assert estimates[-1].diagnostics == {DRAWN: (40.0,)}
    assert all(not before.notes and not before.diagnostics for before in estimates[:-1])


def test_noise_is_not_judged_before_there_are_enough_samples():
    assert len(run([0.01, 0.2, 0.04])) == 3


def test_a_run_that_stays_noisy_draws_everything_and_says_so():
    *_, last = run([0.5] * 100)
    assert last.fraction == 1
    assert last.notes == ("Drew all 1000 samples: noise is 50.0%, above the limit of 5%.",)
    assert DRAWN not in last.diagnostics


def test_every_map_must_be_steady():
    maps = np.concatenate([MAP, MAP])
    errors = np.stack([np.full((2, 2), error, np.float32) for error in (0.1, 0.9)])
    made = [Estimate(count / 1000, maps, standard_error=errors) for count in range(10, 1001, 10)]
    assert len(list(EVERY_TEN.until_steady(iter(made), METHOD))) == 100


def test_a_constant_map_is_never_steady():
    flat = np.ones((1, 2, 2), np.float32)
    made = [Estimate(count / 1000, flat, standard_error=flat * 0) for count in range(10, 1001, 10)]
    estimates = list(EVERY_TEN.until_steady(iter(made), METHOD))
    assert (len(estimates), estimates[-1].fraction, estimates[-1].notes) == (100, 1, ())


def test_fractions_are_of_the_samples_that_the_noise_lets_expect():
    fractions = [one.fraction for one in run([0.5, 0.5, 0.4, 0.2, 0.05])]
    expected = [10 / 1000, 20 / 380, 30 / 380, 40 / 190, 1]
    assert fractions == pytest.approx(expected, rel=0.01)


def test_fractions_never_fall():
    fractions = [one.fraction for one in run([0.5, 0.06, 0.3, 0.3, 0.05])]
    assert fractions == sorted(fractions)
    assert fractions[-2] < 1


def test_without_a_limit_estimates_pass_unchanged():
    made = [estimate(10, 0.01), estimate(1000, 0.001)]
    assert list(Stopping(0, 1000, unit=10, least=2).until_steady(iter(made), METHOD)) == made


def test_checks_come_at_whole_units_and_further_apart_later():
    counts, stopping = [3], Stopping(5, 2000, unit=10, least=2, first=3)
    while counts[-1] < 2000:
        counts.append(stopping.next_check(counts[-1]))
    assert counts[1:5] == [23, 33, 43, 53]
    steps = np.diff(counts[1:-1])
    assert set(steps) == {10, 20, 40, 80, 160}
    assert (steps <= np.maximum(10, np.array(counts[2:-1]) / 8)).all()
    assert all(stopping.is_check(count) for count in counts[1:])
    assert not stopping.is_check(24)


def test_a_run_without_a_limit_is_judged_at_its_end_only():
    stopping = Stopping(0, 2000, unit=10, least=2)
    assert stopping.next_check(0) == 2000
    assert [count for count in range(2001) if stopping.is_check(count)] == [2000]


@pytest.mark.parametrize(
    ("now", "before", "count", "continues"),
    [(5, 5, 40, True), (2, 5, 40, True), (0, 5, 40, True), (0, 0, 40, True), (5, 2, 40, False), (5, 0, 40, False)],
)
def test_a_run_continues_one_that_stopped_no_later(now, before, count, continues):
    assert Stopping(now, 100, unit=10, least=2).continues(before, count) is continues
    assert not Stopping(now, 100, unit=10, least=2).continues(before, 101)
