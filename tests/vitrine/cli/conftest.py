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
from vitrine.samples import SampleDetector, Scene, sample_detectors, sample_models
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
        assert self.status in {2, 3, 4}, self.out + self.err
        return self.sentence_of(self.status)

    def sentence_of(self, code: int) -> str:
        """Return the one sentence of a command that failed with this exit code."""
        assert self.status == code, self.out + self.err
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
def cnn(small_models: Path) -> Path:
    """A small ONNX model for 32 x 32 pixels that names digits."""
    return small_models / "cnn.onnx"


@pytest.fixture
def resnet(assets: Path) -> Path:
    """A small ONNX model for 32 x 32 pixels with ten classes."""
    return assets / "models/onnx/resnet20_cifar10.onnx"


@pytest.fixture
def detector() -> SampleDetector:
    """The detector of digits that comes with Vitrine, and its scenes."""
    return sample_detectors()[0]


@pytest.fixture
def scene(detector: SampleDetector) -> Scene:
    """A picture of 256 x 256 pixels with the digits 4, 9, 4 and 3."""
    return detector.scenes[4]


@pytest.fixture
def classifier() -> Path:
    """Weights of a MobileNetV2 that names the whole picture."""
    return next(Path(model.source().path) for model in sample_models() if model.framework == "PyTorch")
