"""Models in memory are reached through the face of their framework's package."""

from __future__ import annotations

import importlib
from typing import get_args

import pytest

from model_adapters.in_memory import FaceForMemory, Framework

OFFERED = [name for name in vars(FaceForMemory) if not name.startswith("_")]


@pytest.mark.parametrize("framework", get_args(Framework))
def test_a_face_offers_what_models_in_memory_need(framework):
    face = importlib.import_module(f"model_adapters.{framework}")
    assert OFFERED == ["open_copy", "weights_digest", "kept_settings"]
    assert all(callable(getattr(face, name)) for name in OFFERED)
