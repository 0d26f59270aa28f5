"""Keras models that label every pixel: maps, means over regions and their gradients, without a softmax."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.long  # TensorFlow starts in a process of its own
PROCESS = Path(__file__).with_name("segmentation_process.py")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a process of its own says, since TensorFlow must not share one with PyTorch."""
    command = [sys.executable, str(PROCESS), str(tmp_path_factory.mktemp("keras"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROCESS.parents[3])
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_maps_are_logits_and_a_single_one_has_two_sides(said):
    assert said["logits"]["card"] == ["segment", 3, "logit", "softmax", []]
    assert said["softmax"]["card"][:4] == ["segment", 3, "logit", "softmax"]
    assert said["one_map"]["card"] == ["segment", 2, "logit", "sigmoid", ["background", "foreground"]]
    np.testing.assert_allclose(said["logits"]["maps"], said["logits"]["original"], atol=1e-5)
    raised = np.exp(said["softmax"]["maps"])
    np.testing.assert_allclose(raised / raised.sum(2, keepdims=True), said["softmax"]["original"], atol=1e-5)


@pytest.mark.parametrize("name", ["logits", "softmax", "one_map"])
def test_the_score_of_a_region_is_the_mean_and_its_gradient_the_slope(said, name):
    answer = said[name]
    np.testing.assert_allclose(answer["scores"], answer["by_hand"], rtol=1e-4, atol=1e-5)
    slope, difference = answer["slope"]
    assert slope == pytest.approx(difference, rel=2e-3)


@pytest.mark.parametrize("name", ["logits", "softmax"])
def test_layers_and_a_random_last_layer_work_in_a_region(said, name):
    answer = said[name]
    assert answer["layer"] == [[1, 12, 12, 3]] * 2
    np.testing.assert_allclose(answer["resumed"], answer["scores"], rtol=1e-4, atol=1e-5)
    assert not np.allclose(answer["random"], answer["scores"], atol=0.05)


def test_class_numbers_are_refused_with_the_way_out(said):
    assert "Export it without its last step, the argmax" in said["labels_only"]
