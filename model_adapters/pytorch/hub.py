"""Open a folder of timm from a model hub, packed as a zip: config.json beside its weights."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model_adapters.files.archives import unpack
from model_adapters.pytorch import architecture_index, files
from model_adapters.pytorch.checkpoint import reading
from model_adapters.pytorch.weights import from_weights
from xai_core.errors import ParamError, RefusedModel, UnsupportedModel
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.types import FileKind, ModelSource

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
LARGEST_CONFIG = 4 << 20  # bytes
LONGEST_LABEL = 200


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open the network that a packed folder describes; RefusedModel or UnsupportedModel if that fails."""
    folder = _unpacked(source.path, scratch)
    config = _config(os.path.join(folder, CONFIG))
    content = _weights(folder)
    chosen = source.architecture or _architecture(config)
    network = from_weights(content, replace(source, architecture=chosen), kind)
    network.card = replace(network.card, labels=_labels(config, network.card.classes))
    if look := _look(config, network.card.hint):
        network.card = replace(network.card, hint=look, hint_reason=f"{CONFIG} says so.")
    return network


def _unpacked(path: str, scratch: str) -> str:
    place = tempfile.mkdtemp(dir=scratch)
    unpack(path, place)
    folders = [at for at, _, names in os.walk(place) if CONFIG in names and any(name in names for name in WEIGHTS)]
    if len(folders) != 1:
        raise RefusedModel(f"The archive holds {len(folders)} folders with {CONFIG} and weights; expected one.")
    return folders[0]


def _config(path: str) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:
            config = json.loads(file.read(LARGEST_CONFIG))
    except (ValueError, RecursionError, OSError):
        config = None
    if not isinstance(config, dict):
        raise RefusedModel(f"{CONFIG} is no JSON object of less than {LARGEST_CONFIG >> 20} MB.")
    return config


def _weights(folder: str) -> Any:
    path = next(path for name in WEIGHTS if os.path.isfile(path := os.path.join(folder, name)))
    return files.read_safetensors(path) if path.endswith(".safetensors") else reading.read(path).content


def _architecture(config: Mapping[str, Any]) -> str:
    name = config.get("architecture")
    if not isinstance(name, str):
        raise UnsupportedModel(
            f"{CONFIG} names no architecture of timm. Open the weights alone, or export the model as TorchScript or "
            "ONNX."
        )
    known = f"timm/{name.partition('.')[0]}"
    if architecture_index.named(known) is None:
        raise UnsupportedModel(f"{CONFIG} names the architecture {name[:80]!r}, which is not known.")
    return known


def _labels(config: Mapping[str, Any], classes: int) -> tuple[str, ...]:
    names = config.get("label_names")
    if not isinstance(names, list) or len(names) != classes or not all(isinstance(name, str) for name in names):
        return ()
    descriptions = config.get("label_descriptions")
    told = descriptions if isinstance(descriptions, dict) else {}
    return tuple(str(told.get(name, name))[:LONGEST_LABEL] for name in names)


def _look(config: Mapping[str, Any], usual: Preprocessing | None) -> Preprocessing | None:
    """Return the preprocessing in a configuration, None if it has none that makes sense."""
    values = config.get("pretrained_cfg")
    if not isinstance(values, dict) or usual is None:
        return None
    try:
        _, height, width = values.get("input_size", (3, usual.height, usual.width))
        return replace(
            usual,
            height=height,
            width=width,
            fit="squash" if values.get("crop_mode") == "squash" else "crop",
            crop_share=round(min(1.0, values.get("crop_pct") or usual.crop_share), 4),
            mean=tuple(values.get("mean", usual.mean)),
            std=tuple(values.get("std", usual.std)),
        )
    except (ParamError, TypeError, ValueError):
        return None
