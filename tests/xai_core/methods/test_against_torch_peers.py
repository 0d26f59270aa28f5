"""Other libraries, asked through Vitrine, agree with it as far as their definitions do; in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parent / "beside_torch_peers.py"
ROOT = SCRIPT.parents[3]
EQUAL = [
    "captum saliency",
    "captum input_x_gradient",
    "captum deconvnet",
    "captum guided_backprop",
    "captum guided_grad_cam",
    "captum deeplift",
    "captum occlusion",
    "one at a time captum occlusion",
]
SAME_UP_TO_SCALE = [
    f"pytorch-grad-cam {method_id}"
    for method_id in ("grad_cam", "grad_cam_plus_plus", "hirescam", "layercam", "xgrad_cam", "score_cam")
]
RANDOM = ["smoothgrad", "vargrad", "squaregrad", "gradient_shap", "lime", "kernel_shap", "shapley"]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    command = [sys.executable, "-W", "ignore", SCRIPT, folder / "maps.npz"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=540)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return np.load(folder / "maps.npz")


def pair(found, name):
    return found[f"{name} ours"], found[f"{name} theirs"]


def alike(ours, theirs):
    pairs = [(a.ravel(), b.ravel()) for a, b in zip(ours, theirs, strict=True)]
    assert all(bool(a.any()) == bool(b.any()) for a, b in pairs)
    return min(np.corrcoef(a, b)[0, 1] for a, b in pairs if a.any())


@pytest.mark.parametrize("name", EQUAL)
def test_where_the_definition_is_the_same_so_are_the_numbers(found, name):
    ours, theirs = pair(found, name)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("name", ["zennit lrp", "epsilon zennit lrp", "alpha_beta zennit lrp"])
def test_relevance_is_zennit_s(found, name):
    ours, theirs = pair(found, name)
    assert np.linalg.norm(ours - theirs) < 1e-3 * np.linalg.norm(theirs)


def test_integrated_gradients_meet_at_many_steps(found):
    ours, theirs = pair(found, "captum integrated_gradients")
    assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)


@pytest.mark.parametrize("name", SAME_UP_TO_SCALE)
def test_class_activation_maps_have_the_same_pattern(found, name):
    assert alike(*pair(found, name)) > 0.98


@pytest.mark.parametrize("name", ["eigen_cam", "eigen_grad_cam"])
def test_principal_components_are_the_same_but_for_the_sign_that_the_library_leaves_to_chance(found, name):
    ours, theirs = pair(found, f"pytorch-grad-cam {name}")
    for one, other, map_ in zip(ours, found[f"{name} turned"], theirs, strict=True):
        assert max(np.corrcoef(signed.ravel(), map_.ravel())[0, 1] for signed in (one, other)) > 0.98


def test_ablation_cam_has_the_same_pattern_where_the_library_does_not_turn_it_round(found):
    ours, theirs = pair(found, "pytorch-grad-cam ablation_cam")
    found = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(ours, theirs, strict=True) if a.any() and b.any()]
    assert max(found) > 0.98  # it divides by the logit, which turns the map of a negative one


@pytest.mark.parametrize("name", RANDOM)
def test_methods_that_draw_meet_within_their_noise(found, name):
    ours, theirs = pair(found, f"captum {name}")
    assert alike(ours, theirs) > 0.9
    assert np.linalg.norm(theirs) == pytest.approx(np.linalg.norm(ours), rel=0.2)


def test_the_network_stays_as_it_was(found):
    assert found["unchanged"]
