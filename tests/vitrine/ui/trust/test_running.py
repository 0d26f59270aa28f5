"""The line below a map says what ran, as far as it came, with what matters and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from vitrine.ui.trust.running import what_ran
from xai_core.filters.clip import PercentileClip
from xai_core.jobs.base import Job, Status
from xai_core.methods.integrated_gradients import IntegratedGradients
from xai_core.methods.rise import Rise
from xai_core.types import Estimate

MAP = np.zeros((2, 4, 4), np.float32)


def run_of(method):
    inquiry = SimpleNamespace(method=method, picture=SimpleNamespace(name="cat.png"))
    return SimpleNamespace(job=Job(lambda: None), inquiry=inquiry)


def line(method, filters=(), **figures):
    return what_ran(run_of(method), Estimate(1.0, MAP, diagnostics=figures), filters).replace("\\", "")


def test_a_figure_of_the_run_is_listed_once_and_one_of_a_target_for_each():
    assert line(Rise(), drawn=(864.0, 864.0), chance_level=(0.5, 0.25)).endswith("drawn 864 · chance level 0.5, 0.25")


def test_the_line_begins_with_the_method_and_the_picture():
    assert line(Rise()).startswith("**RISE** of cat.png")


def test_figures_have_the_name_and_the_format_of_the_panel_below():
    assert line(Rise(), fit_r2=(0.583997,)).endswith("fit (R²) 0.58")


def test_parameters_without_effect_are_left_out():
    assert "seed" not in line(IntegratedGradients(baseline="black"))
    assert "seed 3" in line(IntegratedGradients(baseline="noise", seed=3))


def test_samples_are_a_limit_if_low_noise_ends_the_run():
    assert "at most 2000 samples, stop at noise 5%" in line(Rise(samples=2000, stop_at_noise=5))
    assert "· samples 2000" in line(Rise(samples=2000, stop_at_noise=0))


def test_filters_are_named():
    assert line(Rise(), filters=(PercentileClip(),)).endswith(f"drawn with {PercentileClip.title.lower()}")


@pytest.mark.parametrize(
    ("status", "words"), [(Status.CANCELLED, "cancelled at 28%"), (Status.FAILED, "stopped by an error at 28%")]
)
def test_a_run_that_ended_early_says_how_far_it_came(status, words):
    run = run_of(Rise(samples=13000))
    run.job.update(latest=Estimate(0.28, MAP), status=status)
    said = what_ran(run, run.job.state.latest).replace("\\", "")
    assert f"**partial**, {words}" in said
    assert "at most 13000 samples" in said
