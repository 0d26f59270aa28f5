"""Unpack and check ONNX files, and store changed graphs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import onnx

from model_adapters.files.archives import unpack
from model_adapters.onnx import graph
from model_adapters.onnx.target_sizes import fix_target_sizes
from xai_core.errors import RefusedModel
from xai_core.types import FileKind, ModelSource


@dataclass(frozen=True)
class OnnxFile:
    """A checked graph. path: of the .onnx file. folder: where its weights are stored; None if they are inside it."""

    model: Any
    path: str
    folder: str | None


def checked(source: ModelSource, kind: FileKind, scratch: str) -> OnnxFile:
    """Read an ONNX file, or a zip of one with its weights beside it, which is unpacked into `scratch`.

    If a detector also takes the picture's size, a graph without that input is stored there. Raises RefusedModel or
    UnsupportedModel if it cannot be opened or run.
    """
    path = source.path if kind.format == "onnx" else _unpacked(source.path, scratch)
    folder = None if kind.format == "onnx" else os.path.dirname(path)
    model = graph.read(path)
    graph.check_outside_data(model, folder)
    graph.check_operators(model)
    graph.check_sizes(model)
    if source.task != "segment" and fix_target_sizes(model):
        path = os.path.join(folder or scratch, "fixed_sizes.onnx")
        onnx.save_model(model, path)
    return OnnxFile(model, path, folder)


def placed(model: Any, folder: str | None, name: str) -> str | bytes:
    """Return a changed graph as a session opens it: its bytes, or the path of a file `name` beside its weights."""
    if folder is None:
        return bytes(model.SerializeToString())
    path = os.path.join(folder, name)
    onnx.save_model(model, path)
    return path


def _unpacked(path: str, scratch: str) -> str:
    folder = os.path.join(scratch, "onnx")
    unpack(path, folder)
    paths = [os.path.join(at, n) for at, _, names in os.walk(folder) for n in names if n.lower().endswith(".onnx")]
    if len(paths) != 1:
        raise RefusedModel(f"The archive holds {len(paths)} ONNX files; expected one, with its weights beside it.")
    return paths[0]
