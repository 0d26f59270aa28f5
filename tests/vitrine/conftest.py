"""Fixtures of the library's tests: small models that are opened once, and a picture."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import vitrine
from tests.small_net import LABELS, SIDE, SmallNet, traced


@pytest.fixture
def net() -> SmallNet:
    """A network in training mode, as it is in the middle of a notebook."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return SmallNet().train()


@pytest.fixture
def preprocessing() -> vitrine.Preprocessing:
    return vitrine.Preprocessing(SIDE, SIDE, mean=(0.5,) * 3, std=(0.25,) * 3)


@pytest.fixture
def wrapped(net: SmallNet, preprocessing: vitrine.Preprocessing) -> Iterator[vitrine.Model]:
    with vitrine.wrap(net, preprocessing=preprocessing, labels=LABELS) as model:
        yield model


@pytest.fixture(scope="session")
def pixels() -> NDArray[np.uint8]:
    """A picture of noise, (48, 40, 3)."""
    return np.random.default_rng(0).integers(0, 255, (48, 40, 3), np.uint8)


@pytest.fixture(scope="session")
def picture_file(pixels: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="session")
def script_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network as a TorchScript file."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        script = traced(SmallNet())
    path = tmp_path_factory.mktemp("models") / "small.pt"
    with warnings.catch_warnings(action="ignore"):
        torch.jit.save(script, path)
    return path


@pytest.fixture(scope="session")
def loaded(script_file: Path) -> Iterator[vitrine.Model]:
    """The TorchScript file, opened in a worker."""
    fields = {"height": SIDE, "width": SIDE, "mean": [0.5] * 3, "std": [0.25] * 3}
    with vitrine.load(script_file, preprocessing=fields, labels=LABELS) as model:
        yield model
