"""Regions in the forms that people type and pass."""

from __future__ import annotations

import numpy as np
import pytest

from vitrine.regions import as_region, wanted_region
from xai_core.errors import ParamError
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.segments import Segmentation

PLACES = [(1.0, 1.0), (6.0, 1.0), (6.0, 6.0), (5.0, 6.5), (3.0, 7.0), (1.0, 6.0)]


def region_of(wanted):
    found = Segmentation(np.zeros((8, 8), np.int32), np.ones((8, 8), np.float32))
    seen = Picture(np.zeros((8, 8, 3), np.uint8), "picture", "")
    return as_region(wanted, 0, ("thing",), found, Preprocessing(8, 8, "squash"), seen)


def test_a_polygon_that_is_too_long_for_the_name_of_a_file_is_a_polygon():
    assert wanted_region(" ".join(["123,456"] * 50)) == [(123.0, 456.0)] * 50


def test_every_corner_of_a_polygon_is_a_number():
    assert region_of(PLACES).words == "a polygon with 6 corners"
    with pytest.raises(ParamError, match="A region is 'predicted'"):
        region_of([*PLACES, (float("nan"), 2.0)])
