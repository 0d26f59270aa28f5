"""Read what PyTorch files hold, take tensors out of checkpoints and check them."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import torch

from model_adapters.files.preflight import TRUST_PICKLE, trusts_pickles
from xai_core.errors import RefusedModel, UnsupportedModel

NO_WEIGHTS = "This PyTorch file holds no network weights. Save it with torch.save(model.state_dict())."
DAMAGED = "The file is damaged or cut short. Get a fresh copy."

Tensors = dict[str, Any]


def read_trusted(path: str) -> Any:
    """Return the object that torch.save wrote; this runs any code in the file, so it is refused unless trusted."""
    _check_trust()
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except ImportError:
        raise UnsupportedModel(
            "The file needs Python code that is not here. Save a state dict, TorchScript, ONNX or safetensors instead."
        ) from None
    except (
        RuntimeError,
        EOFError,
        ValueError,
        OSError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        UnpicklingError,
    ):
        raise RefusedModel(DAMAGED) from None


def read_exported(path: str) -> tuple[Any, tuple[Any, ...]]:
    """Return the module of a .pt2 file and the shape of its last input; this runs any code in it, if trusted."""
    _check_trust()
    try:
        program = torch.export.load(path)
        inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"]
        return program.module(), tuple(inputs[-1].shape)
    except Exception:  # the file's own code may raise anything
        raise RefusedModel(DAMAGED) from None


def _check_trust() -> None:
    if not trusts_pickles():
        raise RefusedModel(
            f"This file runs code of its own, which is off here. Set {TRUST_PICKLE}=1 for files that you trust."
        )


def read_safetensors(path: str) -> Tensors:
    """Return the tensors of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path, device="cpu"))
    except (SafetensorError, ValueError, OSError):
        raise RefusedModel("The safetensors file is damaged or cut short. Get a fresh copy.") from None


def check_claim(name: str, tensor: Any) -> None:
    """Refuse a tensor that claims more values than are stored (RefusedModel), or is sparse or quantised."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise UnsupportedModel(f"Tensor {name[:80]} is sparse or quantised; save the model in float32.")
    claimed = tensor.numel() * tensor.element_size()
    stored = tensor.untyped_storage().nbytes()
    if claimed > stored:
        raise RefusedModel(f"Tensor {name[:80]} claims {_size(claimed)} but stores {_size(stored)}.")


def _size(count: int) -> str:
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} bytes"
