"""How numbers and file formats are written, and in which order names stand."""

from __future__ import annotations

import re
from collections.abc import Sequence

UNDEFINED = "n/a"
FORMATS = {
    "torch-weights": "PyTorch, state dict",
    "safetensors": "PyTorch, safetensors",
    "torch-hub": "PyTorch, folder of a model hub",
    "torchscript": "PyTorch, TorchScript",
    "torch-export": "PyTorch, exported program",
    "torch-pickle": "PyTorch, pickled module",
    "nn.Module": "PyTorch, in memory",
    "keras": "Keras, .keras",
    "keras-h5": "Keras, HDF5",
    "keras-weights": "Keras, weights of a known network",
    "keras model": "Keras, in memory",
    "savedmodel": "TensorFlow, SavedModel",
    "tflite": "TensorFlow Lite",
    "frozen-graph": "TensorFlow, frozen graph",
    "onnx": "ONNX",
    "onnx-zip": "ONNX, archive with external data",
}


def natural(text: str) -> tuple[tuple[float, str], ...]:
    """Return a sort key that reads digits as numbers: "3-9" comes before "10-19"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return (*((float(part), "") if part[0] in "0123456789" else (float("inf"), part) for part in parts),)


def number(value: float | None) -> str:
    """Return a value with three decimals, a whole number as 12,000, yes and no in words, "n/a" if it is undefined."""
    if value is None:
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def format_in_words(model_format: str) -> str:
    """Return a model's framework and the form of its file; a format without words as it is."""
    return FORMATS.get(model_format, model_format)


def capitalised(text: str) -> str:
    """Return text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def either(names: Sequence[str]) -> str:
    """Return names as alternatives: "tabby", "tabby or tray", "tabby, tray or cat"."""
    return " or ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])


def some(names: Sequence[str]) -> str:
    """Return the first few names, separated by commas."""
    return ", ".join(name[:40] for name in names[:4]) + (" and others" if len(names) > 4 else "")
