"""What ran is told in one line, each figure once if it belongs to the whole run."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from vitrine.ui.trust.running import what_ran
from xai_core.jobs.base import Job
from xai_core.types import Estimate


@pytest.fixture
def run():
    picture = SimpleNamespace(name="cat.png")
    return SimpleNamespace(
        job=Job(lambda: None), inquiry=SimpleNamespace(method=SimpleNamespace(title="RISE", params=()), picture=picture)
    )


def test_a_figure_of_the_run_is_listed_once_and_one_of_a_target_for_each(run):
    figures = {"drawn": (864.0, 864.0), "chance_level": (0.5, 0.25)}
    estimate = Estimate(1.0, np.zeros((2, 4, 4), np.float32), diagnostics=figures)
    assert what_ran(run, estimate).endswith("drawn 864 · chance level 0.5, 0.25")
    assert what_ran(run, estimate).startswith(r"**RISE** of cat\.png")
