"""Runners of hostile models, and the files that name an attack."""

from __future__ import annotations

import hashlib

import pytest

from tests.sandbox.confined import IMPATIENT, LIMITS, hostile_runner
from xai_core.types import ModelSource


@pytest.fixture(scope="module")
def runner():
    made = hostile_runner(LIMITS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def impatient_runner():
    made = hostile_runner(IMPATIENT)
    yield made
    made.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    def write(name, victim=""):
        path = tmp_path_factory.mktemp("models") / "model"
        path.write_text(f"{name}\n{victim}" if victim else name)
        return ModelSource(str(path), "model.onnx", hashlib.sha256(name.encode()).hexdigest(), owner=name)

    return write
