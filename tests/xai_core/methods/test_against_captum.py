"""The same explanations by captum, in a process of its own, as only one framework may live in a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.long
SCRIPT = Path(__file__).parent / "beside_captum.py"
ROOT = SCRIPT.parents[3]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    out = tmp_path_factory.mktemp("captum") / "maps.npz"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", SCRIPT, out]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=540)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return np.load(out)


@pytest.mark.parametrize("name", ["saliency", "logit occluded", "probability occluded"])
def test_where_the_definition_is_the_same_so_are_the_numbers(found, name):
    captum = found[f"{name} captum"]
    np.testing.assert_allclose(found[f"{name} ours"], captum, rtol=1e-3, atol=1e-5 * np.abs(captum).max())


@pytest.mark.parametrize("name", ["black path", "white path"])
def test_integrated_gradients_equal_gauss_legendre_within_one_percent(found, name):
    ours, captum = found[f"{name} ours"], found[f"{name} captum"]
    assert np.abs(ours - captum).max() < 0.01 * np.abs(captum).max()
    assert np.linalg.norm(ours - captum) < 0.01 * np.linalg.norm(captum)
