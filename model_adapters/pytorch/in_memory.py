"""Open PyTorch modules that are already in memory."""

from __future__ import annotations

import copy
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from model_adapters.engines.choice import WithEngines
from model_adapters.pytorch import architecture_index, script
from model_adapters.pytorch.detection.open import around
from model_adapters.pytorch.segmentation import open as segmentation
from xai_core.detector import Detector
from xai_core.errors import UnsupportedModel
from xai_core.network import Network
from xai_core.types import FileKind, InputSpec, ModelSource, Task

NO_COPY = (
    "This module cannot be copied ({0}), and Vitrine only works on a copy, so that yours stays as it is. "
    "Export it with torch.onnx.export or torch.jit.trace and open the file with vitrine.load."
)
UNREADABLE = (
    "The values of {0!r}, a tensor of this module, cannot be read ({1}). Run a module with lazy layers once, load the "
    "weights of one on the meta device, and make sparse tensors dense; then wrap it."
)


def open_copy(module: Any, task: Task, reading: str, expected: InputSpec | None) -> Network | Detector:
    """Open a copy of a module as a classifier, a segmentation network or a detector; UnsupportedModel if that fails."""
    kind = FileKind("nn.Module", "pytorch")
    if isinstance(module, torch.jit.ScriptModule):
        return _scripted(module, task, reading)
    copied = _copied(module)
    if task == "detect":
        return around(copied, ModelSource("", type(module).__name__, "", task=task, reading=reading), kind)
    if task == "segment":
        return segmentation.probed(copied, kind, reading, expected)
    network = script.probed(copied, kind, expected, reading)
    network.card = replace(network.card, architecture=type(module).__name__, **_hint(module))
    return WithEngines(network, _size(module))


def weights_digest(module: Any) -> str:
    """Return the SHA-256 of a module's parameters and buffers with their names, in hexadecimal.

    Raises UnsupportedModel for tensors without plain values, such as those of a lazy layer that has not run yet.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if isinstance(tensor, torch.Tensor):
            values = _bytes_of(name, tensor)
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(values)
    return digest.hexdigest()


def _bytes_of(name: str, tensor: torch.Tensor) -> bytes:
    try:
        values: bytes = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        return values
    except Exception as error:  # a kind of tensor without plain values raises as its own class pleases
        raise UnsupportedModel(UNREADABLE.format(name, type(error).__name__)) from error


@contextmanager
def kept_settings() -> Iterator[None]:
    """Compute as a worker does, reproducibly and without TF32; restore cuDNN's settings on exit."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32
    cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = False, True, False
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = before


def _copied(module: Any) -> Any:
    """Return a deep copy; computed tensors, which PyTorch refuses to copy, are detached in it."""
    computed = {
        id(value): value.detach().clone()
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    try:
        return copy.deepcopy(module, computed)
    except Exception as error:  # from a module's own code or contents
        raise UnsupportedModel(NO_COPY.format(type(error).__name__)) from error


def _scripted(module: Any, task: Task, reading: str) -> Network | Detector:
    """Open a TorchScript module through a file, since its graph can be changed only before its first run."""
    kind = FileKind("torchscript", "pytorch")
    with tempfile.TemporaryDirectory(prefix="vitrine-") as folder:
        path = os.path.join(folder, "module.pt")
        with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated, and widely used
            torch.jit.save(module, path)
        if task == "detect":
            return around(script.opened(path), ModelSource(path, "module.pt", "", task=task, reading=reading), kind)
        if task == "segment":
            return segmentation.load(ModelSource(path, "module.pt", "", task=task, reading=reading), kind, folder)
        return WithEngines(script.load(path, kind, reading), os.path.getsize(path))


def _hint(module: Any) -> dict[str, Any]:
    """Return the preprocessing of the known network whose weights have these names and shapes, for a card."""
    shapes = {name: tuple(t.shape) for name, t in module.state_dict().items() if _counts(t)}
    match = architecture_index.find(shapes)
    if match is None or match.channels != 3:
        return {}
    known = match.architecture
    return {
        "hint": known.declared,
        "hint_reason": f"{known.name}, which has weights of this shape, was trained with it.",
    }


def _counts(tensor: Any) -> bool:
    return isinstance(tensor, torch.Tensor) and tensor.is_floating_point()


def _size(module: Any) -> int:
    """Return the size of a module's weights in bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())
