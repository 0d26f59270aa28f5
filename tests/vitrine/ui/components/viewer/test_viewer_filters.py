"""Every filter is declared in Python and drawn by a twin in JavaScript; the two have to stay together."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from playwright.sync_api import Page

import xai_core.filters  # noqa: F401  (registers the filters)
from xai_core.filter import FILTERS, Filter
from xai_core.params import Param

SIZE = (15, 24)
APPLY = """([id, values, height, width, settings]) =>
  [...viewer.FILTERS[id](Float32Array.from(values), height, width, settings)]"""
SETTINGS_READ = """([id, settings]) => {
  const read = new Set();
  const get = (target, name) => {
    read.add(name);
    return target[name];
  };
  viewer.FILTERS[id](Float32Array.from([1, -2, 3, -4]), 2, 2, new Proxy(settings, { get }));
  return [...read];
}"""


def tried(param: Param) -> list[object]:
    """Return values of a parameter worth trying: all choices, or the ends of its range and its default."""
    if param.kind is bool:
        return [False, True]
    if param.choices:
        return list(param.choices)
    assert param.range is not None
    return [param.kind(param.range.low), param.fitting(SIZE), param.kind(param.range.upper(SIZE))]


def variants(declared: type[Filter]) -> list[Filter]:
    """Return a filter with every combination of the values worth trying."""
    names = [param.name for param in declared.params]
    combinations = product(*map(tried, declared.params))
    return [declared.fitted(SIZE, dict(zip(names, values, strict=True))) for values in combinations]


def test_the_browser_draws_the_filters_that_are_declared_and_no_others(code: Page) -> None:
    assert sorted(code.evaluate("() => Object.keys(viewer.FILTERS)")) == sorted(FILTERS)


@pytest.mark.parametrize("filter_id", sorted(FILTERS))
def test_a_filter_in_the_browser_reads_the_parameters_that_are_declared(code: Page, filter_id: str) -> None:
    read = code.evaluate(SETTINGS_READ, [filter_id, FILTERS[filter_id]().values()])
    assert sorted(read) == sorted(param.name for param in FILTERS[filter_id].params)


@pytest.mark.parametrize("filter_id", sorted(FILTERS))
def test_a_filter_in_the_browser_gives_what_it_gives_in_python(code: Page, filter_id: str) -> None:
    heatmap = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    for chosen in variants(FILTERS[filter_id]):
        found = code.evaluate(APPLY, [filter_id, heatmap.ravel().tolist(), *SIZE, chosen.values()])
        np.testing.assert_allclose(np.reshape(found, SIZE), chosen.apply(heatmap[None])[0], rtol=0, atol=1e-6)
