"""Runners of hostile models, and the files that name an attack."""

from __future__ import annotations

import hashlib

from tests.sandbox.confined import IMPATIENT, LIMITS, runner_of, source_of
from xai_core.types import ModelSource


def _in_a_file(folder, words, owner):
    path = folder / "model"
    path.write_text(words)
    return ModelSource(str(path), "model.onnx", hashlib.sha256(owner.encode()).hexdigest(), owner=owner)


runner = runner_of(LIMITS)
impatient_runner = runner_of(IMPATIENT)
source = source_of(_in_a_file)
