"""A runner whose models are fakes, and what is asked of it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tests.xai_core.jobs.asking import SIZE, Asked, fake_runner
from xai_core.jobs.questions.explain import Explain
from xai_core.types import USUAL_CONDITIONS, ModelSource


@pytest.fixture(scope="session")
def runner():
    made = fake_runner()
    yield made
    made.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Write a model; tests of a file that ask for the same words and owner share it, and with it its process."""
    folder = tmp_path_factory.mktemp("models")

    def write(words="good", owner="someone"):
        path = folder / f"{words}.model"
        path.write_text(f"{words} {folder}")
        return ModelSource(str(path), f"{words}.onnx", hashlib.sha256(path.read_bytes()).hexdigest(), owner=owner)

    return write


@pytest.fixture
def explain():
    def submit(runner, source, method="counting", targets=(0, 2), conditions=USUAL_CONDITIONS, **given):
        image = np.full((SIZE.height, SIZE.width, 3), 0.5, np.float32)
        return runner.ask(source, Explain(SIZE, Asked(method, given), image, np.array(targets), conditions))

    return submit
