"""Estimates of maps cross the wire whole, and are refused if they make no sense."""

from __future__ import annotations

import json

import numpy as np
import pytest

from xai_core.errors import ModelError
from xai_core.jobs.explanations import estimate_from_frame, estimate_to_frame, sound
from xai_core.jobs.frames import BadFrame
from xai_core.types import Estimate

SHAPE = (2, 3, 4)
MAPS = np.arange(24, dtype=np.float32).reshape(SHAPE)


def crossed(values):
    return json.loads(json.dumps(values))


@pytest.mark.parametrize("error", [None, MAPS + 1])
def test_an_estimate_crosses_whole(error):
    values, arrays = estimate_to_frame(Estimate(0.5, MAPS, {"figure": (1.5, None)}, error, ("So.",)))
    found = estimate_from_frame(crossed(values), arrays, SHAPE)
    assert (found.fraction, found.diagnostics, found.notes) == (0.5, {"figure": (1.5, None)}, ("So.",))
    np.testing.assert_array_equal(found.maps, MAPS)
    assert (found.standard_error is None) == (error is None)


def test_a_figure_that_is_no_number_crosses_as_undefined():
    values, _ = estimate_to_frame(Estimate(1.0, MAPS, {"figure": (float("nan"), 1.0)}))
    assert values["diagnostics"] == {"figure": [None, 1.0]}


@pytest.mark.parametrize(
    "arrays",
    [
        [],
        [MAPS] * 3,
        [MAPS[:1]],
        [MAPS.astype(np.float64)],
        [np.where(MAPS == 3, np.nan, MAPS)],
        [MAPS, np.full(SHAPE, np.inf, np.float32)],
        [MAPS, MAPS[0]],
    ],
)
def test_maps_that_make_no_sense_are_refused(arrays):
    with pytest.raises(BadFrame):
        estimate_from_frame({"fraction": 1, "diagnostics": {}, "notes": []}, arrays, SHAPE)


@pytest.mark.parametrize(
    "values",
    [
        None,
        {"fraction": 1},
        {"fraction": 1.5, "diagnostics": {}},
        {"fraction": "1", "diagnostics": {}},
        {"fraction": 1, "diagnostics": {"figure": [1.0]}},
        {"fraction": 1, "diagnostics": {"figure": [1.0, "2"]}},
        {"fraction": 1, "diagnostics": {}, "notes": [1]},
        {"fraction": 1, "diagnostics": {str(i): [1, 2] for i in range(65)}},
    ],
)
def test_figures_that_make_no_sense_are_refused(values):
    with pytest.raises(BadFrame):
        estimate_from_frame(values, [MAPS], SHAPE)


@pytest.mark.parametrize("broken", [{"maps": MAPS * np.nan}, {"maps": MAPS, "standard_error": MAPS + np.inf}])
def test_a_map_that_is_not_finite_ends_the_steps(broken):
    steps = sound(iter([Estimate(0.5, MAPS), Estimate(1.0, **broken)]))
    assert next(steps).fraction == 0.5
    with pytest.raises(ModelError, match="not numbers"):
        next(steps)


def test_steps_without_a_map_are_an_error():
    with pytest.raises(ModelError, match="without a map"):
        list(sound(iter([])))
