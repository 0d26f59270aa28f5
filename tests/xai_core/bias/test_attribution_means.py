from __future__ import annotations

import numpy as np
import pytest

from xai_core.bias.attribution_means import difference_map, mean_maps
from xai_core.errors import DataError


def test_each_group_has_the_mean_of_its_maps_and_its_error():
    maps = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
    groups = np.array(["a", "b", "a", "a", "b"])
    found = mean_maps(maps, groups, normalise=False)
    assert {name: one.samples for name, one in found.items()} == {"a": 3, "b": 2}
    own = maps[groups == "a"].astype(float)
    np.testing.assert_allclose(found["a"].mean, own.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["a"].standard_error, own.std(axis=0, ddof=1) / np.sqrt(3), rtol=1e-6)


def test_maps_have_equal_weight_however_strong_they_are():
    weak = np.array([[1, 0], [0, -1]], np.float32)
    found = mean_maps(np.stack([weak, 1000 * weak, 0 * weak]), np.array(["a", "a", "b"]))
    np.testing.assert_allclose(found["a"].mean, weak / 2)
    assert not found["b"].mean.any()


def test_a_difference_has_the_error_of_both():
    maps = np.random.default_rng(1).random((4, 2, 2)).astype(np.float32)
    found = mean_maps(maps, np.array(["a", "a", "b", "b"]))
    apart = difference_map(found["a"], found["b"])
    np.testing.assert_allclose(apart.mean, found["a"].mean - found["b"].mean)
    np.testing.assert_allclose(
        apart.standard_error**2, found["a"].standard_error ** 2 + found["b"].standard_error ** 2, rtol=1e-5
    )


def test_one_map_alone_has_no_error():
    found = mean_maps(np.ones((3, 2, 2), np.float32), np.array(["a", "b", "b"]))
    assert found["a"].standard_error is None
    assert difference_map(found["a"], found["b"]).standard_error is None


def test_without_maps_there_is_no_mean():
    with pytest.raises(DataError, match="no maps to average"):
        mean_maps(np.empty((0, 2, 2), np.float32), np.array([], str))
