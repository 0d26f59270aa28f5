"""One file a framework behind one interface; `load` imports just the framework that a file asks for."""

from __future__ import annotations

import importlib
import os
from typing import cast

from xai_core.detector import Detector
from xai_core.types import FileKind, ModelSource, Network


def inspect(source: ModelSource) -> FileKind:
    """Say what a file is, by its content and without any framework; RefusedModel where it may not be opened."""
    preflight = importlib.import_module("model_adapters.files.preflight")
    kind = cast(FileKind, preflight.inspect(source.path))
    if kind.format.startswith("keras") and not preflight.trusts_pickles():
        importlib.import_module("model_adapters.tensorflow.keras_file").check(source.path, kind)
    return kind


def import_framework(framework: str) -> None:
    """Import what `load` will need, before the sandbox closes."""
    importlib.import_module(f"model_adapters.{framework}.open")
    importlib.import_module("model_adapters.engines.choice")


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network | Detector:
    """Open a model as what its source says; `scratch` is a private folder for what must be unpacked."""
    if source.task == "detect":
        detectors = importlib.import_module(f"model_adapters.{kind.framework}.detection.open")
        return cast(Detector, detectors.load(source, kind, scratch))
    adapter = importlib.import_module(f"model_adapters.{kind.framework}.open")
    engines = importlib.import_module("model_adapters.engines.choice")
    return cast(Network, engines.WithEngines(adapter.load(source, kind, scratch), os.path.getsize(source.path)))
