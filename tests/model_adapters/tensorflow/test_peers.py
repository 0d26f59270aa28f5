from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from tests.model_adapters.conftest import HERE, Answers
from xai_core.trust.peers import libraries_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("xplique") is None, reason="xplique is not installed."),
]


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("peers")
    command = [sys.executable, "-B", str(HERE / "tensorflow/peers_process.py"), str(folder)]
    paths = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    subprocess.run(command, check=True, capture_output=True, env=paths)
    with np.load(folder / "peers.npz") as arrays:
        return Answers(json.loads((folder / "peers.json").read_text("utf-8")), dict(arrays))


def test_xplique_explains_a_flat_model_by_every_method_that_the_core_lists_for_it(peers):
    assert peers.said["flat"] == {}
    assert peers.said["methods"] == sorted(libraries_of("tensorflow")["xplique"].methods)
    for method in peers.said["methods"]:
        found = peers.arrays[f"flat {method}"]
        assert found.shape == (2, 12, 12)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert found.any()


@pytest.mark.parametrize("method", ["deconvnet", "guided_backprop"])
def test_where_xplique_finds_all_relus_its_map_is_ours(peers, method):
    ours = peers.arrays[f"ours {method}"].sum(axis=-1)
    np.testing.assert_allclose(peers.arrays[f"flat {method}"], ours, atol=1e-6)


def test_xplique_explains_the_probability_where_that_is_asked_for(peers):
    ours = peers.arrays["ours probability"].sum(axis=-1)
    np.testing.assert_allclose(peers.arrays["flat probability"], ours, atol=1e-6)


def test_saliency_by_xplique_starts_from_pictures_as_ours_does(peers):
    ours = np.abs(peers.arrays["ours saliency"]).sum(axis=-1)
    np.testing.assert_allclose(peers.arrays["flat saliency"], ours, atol=1e-6)


def test_grad_cam_by_xplique_is_ours_but_for_the_way_it_is_stretched(peers):
    ours, theirs = peers.arrays["ours grad_cam"], peers.arrays["flat grad_cam"]
    for one, other in zip(ours, theirs, strict=True):
        cells = other.reshape(4, 3, 4, 3)[:, 1, :, 1]  # a bicubic stretch leaves the centres of cells as they are
        np.testing.assert_allclose(cells, one, atol=1e-5)


@pytest.mark.parametrize("name", ["nested", "exported"])
def test_xplique_asks_models_that_it_can_not_take_apart_for_gradients(peers, name):
    np.testing.assert_allclose(peers.arrays[f"{name} saliency"], peers.arrays["flat saliency"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "method", "words"),
    [
        ("nested", "grad_cam", "lies in a model within it"),
        ("nested", "grad_cam_plus_plus", "lies in a model within it"),
        ("nested", "guided_backprop", "finds 0 of the 3"),
        ("functions", "deconvnet", "finds 2 of the 3 that are here, and would give the plain gradient"),
        ("exported", "grad_cam", "a SavedModel does not show them"),
        ("exported", "guided_backprop", "a SavedModel does not show them"),
        ("random", "guided_backprop", "the random last layer would not be in it"),
        ("fill", "occlusion", "cannot fill with 'noise'"),
        ("fill", "sobol", "Choose black or blurred"),
        ("rows", "sobol", "got 6. Choose 4."),
        ("none", "layercam", "no method 'layercam'"),
    ],
)
def test_where_xplique_can_not_explain_the_fault_is_named(peers, name, method, words):
    assert words in peers.said[name][method]


def test_xplique_sees_the_random_last_layer_where_it_makes_no_copy(peers):
    assert set(peers.said["random"]) == {"deconvnet", "guided_backprop"}
