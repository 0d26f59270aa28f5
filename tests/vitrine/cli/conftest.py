"""Fixtures of the command line's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitrine.cli.main import main
from vitrine.runner import ADAPTERS
from xai_core.jobs.local import LocalRunner


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and its two outputs."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of a command that failed as it should."""
        assert self.status == 2, self.out + self.err
        assert self.out == ""
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err.strip()


class SharedRunner(LocalRunner):
    """Keeps its workers warm from one command to the next."""

    def close(self) -> None:
        """Stay open; the fixture ends the workers."""


@pytest.fixture(scope="session")
def warm() -> Iterator[SharedRunner]:
    runner = SharedRunner(ADAPTERS)
    yield runner
    LocalRunner.close(runner)


@pytest.fixture
def vitrine(capfd, monkeypatch, warm) -> Callable[..., Outcome]:
    """Run a command in this process."""
    for module in ("vitrine.runner", "vitrine.cli.main"):
        monkeypatch.setattr(f"{module}.local_runner", lambda: warm)

    def run(*words: object) -> Outcome:
        status = main([str(word) for word in words])
        return Outcome(status, *capfd.readouterr())

    return run


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file with a picture of noise."""
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 40, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def resnet(assets: Path) -> Path:
    """A small ONNX model for 32 x 32 pixels with ten classes."""
    return assets / "models/onnx/resnet20_cifar10.onnx"


@pytest.fixture
def blood_detector(assets: Path) -> Path:
    """Weights of a Faster R-CNN that tells red cells (0), white cells (1) and platelets (2)."""
    return assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth"


@pytest.fixture
def blood(assets: Path) -> Path:
    """A picture of 640 x 480 pixels with one white cell among a dozen red ones."""
    return assets / "datasets/bccd/JPEGImages/BloodImage_00007.jpg"


@pytest.fixture
def classifier(assets: Path) -> Path:
    """Weights of a MobileNetV2 that names the whole picture."""
    return assets / "models/torch/mobilenet_v2-b0353104.pth"
