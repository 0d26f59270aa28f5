"""Colours of classes can be distinguished."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from xai_core.training.class_colours import CLASS_COLOURS, class_colour

TO_CONES = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
TO_OKLAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])


def oklab(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return TO_OKLAB @ np.cbrt(TO_CONES @ linear)


def test_there_are_more_than_twenty_and_each_pair_is_well_apart():
    assert len(CLASS_COLOURS) >= 20
    assert min(np.linalg.norm(oklab(a) - oklab(b)) for a, b in combinations(CLASS_COLOURS, 2)) > 0.09


def test_none_is_grey_as_what_is_missing_is():
    assert min(np.linalg.norm(oklab(colour)[1:]) for colour in CLASS_COLOURS) > 0.07


def test_colours_repeat_after_the_last():
    assert class_colour(len(CLASS_COLOURS)) == class_colour(0)
