"""Models in memory are reached through the face of their framework's package."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace
from typing import get_args

import pytest

from model_adapters.in_memory import FaceForMemory, Framework, framework_of
from xai_core.errors import UnsupportedModel

OFFERED = [name for name in vars(FaceForMemory) if not name.startswith("_")]


@pytest.mark.parametrize("framework", get_args(Framework))
def test_a_face_offers_what_models_in_memory_need(framework):
    face = importlib.import_module(f"model_adapters.{framework}")
    assert OFFERED == ["open_copy", "weights_digest", "kept_settings"]
    assert all(callable(getattr(face, name)) for name in OFFERED)


def test_a_model_of_keras_2_is_to_be_opened_as_a_file(monkeypatch):
    model = type("Model", (), {})
    monkeypatch.setitem(sys.modules, "tf_keras", SimpleNamespace(Model=model))
    with pytest.raises(UnsupportedModel, match=r"tf_keras model.*open the file with vitrine\.load"):
        framework_of(model())
