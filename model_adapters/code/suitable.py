"""Whether code may come with a model file: it may run here, it is Python, and the file lacks its network."""

from __future__ import annotations

from model_adapters.code.files import read_modules
from model_adapters.code.permission import check_allowed
from xai_core.errors import UnsupportedModel
from xai_core.model_code import ModelCode
from xai_core.types import FileKind

OF_WEIGHTS = ("torch-weights", "safetensors", "torch-pickle")
OF_KERAS = ("keras", "keras-h5")
WITH_NETWORK = (
    "This file contains its network and needs no code. Open it without the code, or choose the weights that belong to "
    "the code."
)


def check(code: ModelCode, kind: FileKind) -> None:
    """Raise RefusedModel or UnsupportedModel if code may not run, is not Python, or does not belong to the file."""
    check_allowed()
    if kind.format not in (*OF_WEIGHTS, *OF_KERAS):
        raise UnsupportedModel(WITH_NETWORK)
    read_modules(code)
