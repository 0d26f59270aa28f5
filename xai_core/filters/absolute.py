"""Absolute value: how much each pixel matters, for or against."""

from __future__ import annotations

import numpy as np

from xai_core.filter import Filter, filter_
from xai_core.types import Floats


@filter_("absolute", title="Absolute value")
class Absolute(Filter):
    """Show how much each pixel matters, whether for or against the class."""

    def apply(self, maps: Floats) -> Floats:
        return np.abs(maps)
