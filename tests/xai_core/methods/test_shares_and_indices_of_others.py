"""Shapley values, Sobol indices and HSIC by captum and xplique, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

pytestmark = pytest.mark.long


def found_by(script, folder):
    out = folder / "maps.npz"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", HERE / script, out]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=540)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return np.load(out)


@pytest.fixture(scope="module")
def captum(tmp_path_factory):
    return found_by("shares_beside_captum.py", tmp_path_factory.mktemp("captum"))


@pytest.fixture(scope="module")
def xplique(tmp_path_factory):
    return found_by("indices_beside_xplique.py", tmp_path_factory.mktemp("xplique"))


def test_with_few_superpixels_kernel_shap_equals_captums_exact_values(captum):
    np.testing.assert_allclose(captum["exact ours"], captum["exact captum"], rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("name", ["drawn", "orders"])
def test_drawn_shares_are_close_to_captums(captum, name):
    """captum draws no pairs, so that most of the difference is its own; it gives no error to tell."""
    ours, theirs = captum[f"{name} ours"], captum[f"{name} captum"]
    assert np.abs(ours - theirs).max() < 0.05 * np.abs(theirs).max()


def test_our_two_ways_to_shapley_values_agree_within_their_errors(captum):
    error = np.hypot(captum["drawn error"], captum["orders error"])
    assert (np.abs(captum["drawn ours"] - captum["orders ours"]) < 4 * error).all()
    assert error.max() < 0.02 * np.abs(captum["orders ours"]).max()


def test_sobol_indices_are_xpliques_but_for_the_variance(xplique):
    """The variance is that of A and B here, twice the scores that xplique takes, which are those of A."""
    ours = xplique["sobol ours"] * xplique["variance ours"]
    theirs = xplique["sobol xplique"][..., 0] * xplique["variance xplique"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6 * theirs.max())


def test_hsic_with_xpliques_width_is_xpliques(xplique):
    """xplique divides by n once, and takes the median output for the width."""
    theirs = xplique["hsic xplique"][..., 0] / 500
    np.testing.assert_allclose(xplique["hsic of xplique's width"], theirs, rtol=1e-4, atol=1e-5 * theirs.max())


def test_hsic_with_our_width_ranks_cells_alike(xplique):
    ours, theirs = xplique["hsic ours"].ravel(), xplique["hsic xplique"].ravel()
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95
    assert set(ours.argsort()[-3:]) == set(theirs.argsort()[-3:])
