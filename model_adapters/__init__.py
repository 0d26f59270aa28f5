"""Models of any framework behind one interface. Each framework has a package with the same three functions."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from typing import Any, Protocol, cast

from xai_core.detector import Detector
from xai_core.errors import TryAsSegmenter
from xai_core.network import Network
from xai_core.scores import read_as
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import FileKind, ModelSource


class Adapter(Protocol):
    """What a framework's package offers. Importing the package imports no framework."""

    def check(self, path: str, kind: FileKind) -> None:
        """Refuse an unsafe file without importing the framework; RefusedModel says why."""

    def import_framework(self) -> None:
        """Import the framework and the modules that open a classifier."""

    def load(self, source: ModelSource, kind: FileKind, scratch: str) -> Network | Detector:
        """Open a classifier, or what labels pixels or finds boxes where `source.task` is "segment" or "detect"."""


def inspect(source: ModelSource) -> FileKind:
    """Detect what a file is from its content, without any framework; RefusedModel if it is unsafe."""
    preflight = importlib.import_module("model_adapters.files.preflight")
    kind = cast(FileKind, preflight.inspect(source.path, source.task))
    if source.code is not None:
        importlib.import_module("model_adapters.code.suitable").check(source.code, kind)
    elif not preflight.trusts_pickles():
        with _labelled().inside(source.path, kind) as (path, inner):
            _adapter(kind.framework).check(path, inner)
    return kind


def import_framework(framework: str) -> None:
    """Import a framework before the sandbox closes."""
    _adapter(framework).import_framework()
    importlib.import_module("model_adapters.engines.choice")


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network | Detector:
    """Open a model for its source's task; `scratch` is a private folder for unpacked files.

    What is opened as a classifier but labels every pixel is opened as a segmentation network; its card says so.
    """
    labelled = _labelled()
    inner_source, inner = labelled.unpacked(source, kind, scratch)
    adapter = _adapter(kind.framework)
    try:
        model = adapter.load(inner_source, inner, scratch)
    except TryAsSegmenter:
        if source.task != "classify":
            raise
        model = adapter.load(replace(inner_source, task="segment"), inner, scratch)
    model.card = labelled.named(labelled.named(model.card, inner_source.path), source.path)
    if isinstance(model, Detector | Segmenter):
        return model
    choices = importlib.import_module("model_adapters.common.output_choice")
    engines = importlib.import_module("model_adapters.engines.choice")
    network = read_as(model, choices.OutputChoice.from_text(source.reading).scoring)
    return cast(Network, engines.WithEngines(network, os.path.getsize(source.path)))


def _labelled() -> Any:
    return importlib.import_module("model_adapters.files.labelled")


def _adapter(framework: str) -> Adapter:
    return cast(Adapter, importlib.import_module(f"model_adapters.{framework}"))
