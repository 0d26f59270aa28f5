"""Convert an ONNX graph to PyTorch modules, by several converters, to be tried in turn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import onnx
import onnxslim
from onnx import inliner, version_converter

NEWEST, OLDEST = 18, 11  # operator versions that onnx2torch knows well
RAISED = 13  # what older graphs are converted to


def modules(model: Any) -> Iterator[Any]:
    """Yield modules for the graph in eval mode, each made by another converter; a converter that fails is passed over.

    Each takes the graph's inputs in order and returns its outputs, as one tensor or a list. If no converter works, the
    error of the first one is raised.
    """
    slimmed = onnxslim.slim(model)
    errors: list[Exception] = []
    count = 0
    for convert in (_by_onnx2torch, partial(_by_onnx2torch, version=RAISED), _by_onnx2pytorch):
        try:
            module = convert(slimmed)
        except Exception as error:  # a converter raises whatever the graph makes it raise
            errors.append(error)
            continue
        if module is not None:
            count += 1
            yield module
    if not count:
        raise errors[0]


def _by_onnx2torch(model: Any, version: int = 0) -> Any:
    """Return a graph module; None if the model is not older than `version`."""
    import onnx2torch

    if version:
        return onnx2torch.convert(version_converter.convert_version(model, version)).eval() if _is_old(model) else None
    return onnx2torch.convert(_of_known_version(model)).eval()


def _by_onnx2pytorch(model: Any) -> Any:
    import onnx2pytorch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about what it may not convert; the answers are compared anyway
        return onnx2pytorch.ConvertModel(model).eval()


def _versions(model: Any) -> list[int]:
    return [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]


def _is_old(model: Any) -> bool:
    return any(version < OLDEST for version in _versions(model))


def _of_known_version(model: Any) -> Any:
    """Return the model with operator versions that onnx2torch knows, if it is newer and can be converted back."""
    if all(version <= NEWEST for version in _versions(model)):
        return model
    try:
        return version_converter.convert_version(_spelled_out(model), NEWEST)
    except Exception:  # some operators have no older version; onnx2torch may still know the ones used here
        return model


def _spelled_out(model: Any) -> Any:
    """Return the model with each GELU replaced by its basic operators, since older versions have no GELU."""
    made = inliner.inline_selected_functions(model, [("", "Gelu")], inline_schema_functions=True)
    for node in made.graph.node:
        if node.op_type == "CastLike":  # constants of the definition, cast to the type they already have
            node.op_type = "Identity"
            del node.input[1:]
    return made


def complete_copy(model: Any, folder: str | None) -> Any:
    """Return a copy of the model that holds its weights. folder: where outside weights are stored."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if folder is not None:
        onnx.load_external_data_for_model(copy, folder)
    return copy
