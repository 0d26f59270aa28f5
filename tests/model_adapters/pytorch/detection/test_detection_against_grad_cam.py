"""Boxes explained beside pytorch-grad-cam: equal where it is right, and where it is not; in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parent / "boxes_beside_grad_cam.py"
ROOT = SCRIPT.parents[4]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def found(assets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("boxes")
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    environment = os.environ | {"PYTHONPATH": paths, "TMPDIR": str(folder)}
    command = [sys.executable, "-W", "ignore", SCRIPT, assets, folder / "found.npz"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=540)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return np.load(folder / "found.npz")


def signed(found):
    pairs = zip(found["eigencam ours"], found["eigencam theirs"], strict=True)
    return np.array([np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] for ours, theirs in pairs])


def test_eigen_cam_on_the_grid_of_the_coarsest_level_is_theirs_up_to_its_sign(found):
    assert np.abs(signed(found)).min() > 0.9999


def test_their_eigen_cam_comes_with_either_sign(found):
    assert {-1, 1} == set(np.sign(signed(found)))


def test_weights_of_channels_far_below_all_values_are_theirs(found):
    ours, theirs = found["ablationcam ours"], found["ablationcam theirs"]
    assert np.ptp(theirs, axis=1).min() > 0.005
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_they_ask_about_twice_the_share_of_channels_that_is_given(found):
    assert found["asked for a ratio"] == pytest.approx(0.2, abs=0.01)


def test_they_know_five_levels_of_a_fixed_name_and_leave_their_layer_in_the_model(found):
    raised, left = found["breaks"]
    assert raised
    assert left
