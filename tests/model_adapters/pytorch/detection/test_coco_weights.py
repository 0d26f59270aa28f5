"""torchvision's own weights are fetched in a process of their own, and found in its cache where there is no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch_detectors import family, opened

from model_adapters.common.coco import coco_labels
from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection import known_detectors

LOW = "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn"


def fetch(home, *names):
    """Run the command with a cache of its own and no way to a network; return what it said."""
    nowhere = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https")}
    return subprocess.run(
        [sys.executable, "-m", "model_adapters.pytorch.detection.coco_weights", *names],
        capture_output=True,
        text=True,
        env=os.environ | nowhere | {"TORCH_HOME": str(home)},
    )


def cached(home, content):
    """Put a file where torchvision would put its weights."""
    weights = import_torchvision_models().get_model_weights(LOW.removeprefix("torchvision/")).COCO_V1
    path = Path(home) / "hub" / "checkpoints" / Path(weights.url).name
    path.parent.mkdir(parents=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return path


def test_weights_in_the_cache_are_taken_and_open(tmp_path):
    made = family(LOW, classes=91)
    path = cached(tmp_path, made.module.state_dict())
    said = fetch(tmp_path, LOW)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[-1] == str(path)
    assert opened(path, digest=known_detectors.named(LOW).coco).card.labels == coco_labels()


@pytest.mark.long
def test_without_a_network_one_sentence_says_so(tmp_path):
    said = fetch(tmp_path, LOW)
    assert said.returncode == 2
    assert said.stderr.splitlines()[-1].startswith("download.pytorch.org does not answer (")
    assert said.stderr.splitlines()[-1].endswith("Download the weights yourself and use the file.")
    assert "Traceback" not in said.stderr


@pytest.mark.long
def test_a_damaged_file_in_the_cache_is_told(tmp_path):
    cached(tmp_path, b"cut short")
    said = fetch(tmp_path, LOW)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "The weights in the cache are damaged. Delete them there, or use a file of your own.\n"


OTHERS = [
    pytest.param((name,), marks=pytest.mark.long) for name in ("torchvision/fasterrcnn_mobilenet_v2_fpn", "resnet18")
]


@pytest.mark.long
@pytest.mark.parametrize("names", [(), *OTHERS])
def test_a_name_without_weights_is_answered_with_the_names_that_have_some(names, tmp_path):
    said = fetch(tmp_path, *names)
    assert said.returncode == 2
    assert all(name in said.stderr for name in known_detectors.coco_names())
