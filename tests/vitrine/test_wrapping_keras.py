"""A Keras model in memory is explained, and stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("keras_process.py")
ROOT = SCRIPT.parents[2]


@pytest.fixture(scope="module")
def wrapped() -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def test_probabilities_are_those_of_the_model(wrapped):
    assert wrapped["difference"] < 1e-5
    assert wrapped["has_logits"]  # the softmax is cut off in the copy


def test_maps_have_the_size_of_the_input(wrapped):
    assert wrapped["shapes"] == {"grad_cam": [32, 32], "saliency": [32, 32]}
    assert all(moved > 0 for moved in wrapped["moved"].values())


def test_the_model_stays_as_it_was_and_still_trains(wrapped):
    assert (wrapped["weights_stay"], wrapped["activation_stays"], wrapped["still_trains"]) == (True, True, True)


def test_settings_of_the_process_stay_as_they_were(wrapped):
    assert wrapped["settings_stay"]


def test_no_other_framework_is_imported(wrapped):
    assert wrapped["frameworks"] == ["tensorflow"]
