"""Prepare a PyTorch module for other engines and other precisions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, get_args

import torch

from model_adapters.engines.openvino import Portable
from model_adapters.pytorch.answers import answer
from xai_core.types import InputSpec, Precision

TRACED = 2  # pictures; a graph traced with a single one may be fixed to that number


def knows(device: Any, precision: Precision) -> bool:
    """Whether a device computes in a precision natively; otherwise PyTorch would emulate it slowly."""
    if precision == "float32":
        return True
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def key_in(key: str, precision: Precision) -> str:
    """Return the key of a network's variant in a precision; "float32" is not part of a key."""
    words = [word for word in key.split() if word not in get_args(Precision)]
    return " ".join(words if precision == "float32" else [*words, precision])


def passes_in(precision: Precision, device: Any) -> AbstractContextManager[Any]:
    """Return a context in which a module computes in a precision; its weights are not changed."""
    context: AbstractContextManager[Any] = torch.autocast(device.type, torch.bfloat16, precision == "bfloat16")
    return context


def portable(module: Any, spec: InputSpec, height: int, width: int) -> Portable:
    """Return a module in portable form: its rows of scores for pictures of height x width pixels."""
    return Portable(_rows(module), torch.zeros(spec.batch or TRACED, spec.channels, height, width))


def _rows(module: Any) -> Any:
    class Rows(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, pictures: Any) -> Any:
            return answer(self.module, pictures)

    return Rows().eval()
