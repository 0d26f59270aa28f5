from __future__ import annotations

import numpy as np

from xai_core.filters.absolute import Absolute


def test_every_pixel_gets_its_magnitude():
    maps = np.array([[[-2, 3], [0, -0.5]]], np.float32)
    np.testing.assert_array_equal(Absolute().apply(maps), [[[2, 3], [0, 0.5]]])
