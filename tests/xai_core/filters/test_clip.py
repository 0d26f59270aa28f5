from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xai_core.errors import ParamError
from xai_core.filters.clip import PercentileClip


def test_an_extreme_pixel_is_clipped_with_its_sign():
    maps = np.arange(101, dtype=np.float32).reshape(1, 1, 101) * [[[-1], [1]]][0][0]
    np.testing.assert_array_equal(PercentileClip(percentile=90.0).apply(maps)[0, 0, 88:], [-88, -89] + [-90] * 11)


def test_each_map_has_a_limit_of_its_own():
    maps = np.stack([np.linspace(0, 1, 100), np.linspace(0, 50, 100)]).astype(np.float32)[:, None]
    clipped = PercentileClip(percentile=50.0).apply(maps)
    np.testing.assert_allclose(clipped.max(axis=(1, 2)), [0.5, 25])


@given(seed=st.integers(0, 1000), percentile=st.floats(50, 100))
def test_small_values_and_signs_are_kept(seed, percentile):
    maps = np.random.default_rng(seed).normal(size=(2, 7, 8)).astype(np.float32)
    clipped = PercentileClip(percentile=percentile).apply(maps)
    changed = clipped != maps
    assert (np.sign(clipped) == np.sign(maps)).all()
    assert (np.abs(clipped[changed]) < np.abs(maps[changed])).all()
    assert changed.mean() <= 1 - percentile / 100 + 2 / 56


def test_a_map_of_zeros_stays_zero():
    assert not PercentileClip().apply(np.zeros((1, 4, 4), np.float32)).any()


def test_a_percentile_below_half_is_refused():
    with pytest.raises(ParamError, match="Percentile must be between 50 and 100%; got 40"):
        PercentileClip(percentile=40.0)
