"""Open a folder of timm from a model hub: config.json, with the name of an architecture, beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model_adapters.pytorch import architecture_index
from model_adapters.pytorch.hugging_face.folder import CONFIG, Folder
from model_adapters.pytorch.weights import from_weights
from xai_core.errors import ChooseArchitecture, ParamError
from xai_core.network import Network
from xai_core.preprocessing import RESAMPLES, Preprocessing
from xai_core.types import FileKind, ModelSource

OF_TIMM = "timm_wrapper"  # the model type of timm's networks that transformers saved
LONGEST_LABEL = 200
WAY_OUT = "Choose the architecture that the weights fit, or export the model as TorchScript or ONNX."


def is_of_timm(config: Mapping[str, Any]) -> bool:
    """Whether config.json describes a network of timm."""
    return config.get("model_type") == OF_TIMM or ("architecture" in config and "model_type" not in config)


def load(folder: Folder, source: ModelSource, kind: FileKind) -> Network:
    """Open the network that a folder describes, or the architecture that was chosen; ChooseArchitecture otherwise."""
    config = folder.config
    chosen = source.architecture or _architecture(config)
    network = from_weights(folder.content(), replace(source, architecture=chosen), kind)
    network.card = replace(network.card, labels=_labels(config, network.card.classes))
    if look := _look(config, network.card.hint):
        network.card = replace(network.card, hint=look, hint_reason=f"{CONFIG} says so.", hint_known=True)
    return network


def _architecture(config: Mapping[str, Any]) -> str:
    name = config.get("architecture")
    if not isinstance(name, str):
        raise ChooseArchitecture(f"{CONFIG} names no architecture of timm. {WAY_OUT}")
    known = f"timm/{name.partition('.')[0]}"
    if architecture_index.named(known) is None:
        raise ChooseArchitecture(
            f"{CONFIG} names the architecture {name[:80]!r}, which Vitrine does not know. {WAY_OUT}"
        )
    return known


def _labels(config: Mapping[str, Any], classes: int) -> tuple[str, ...]:
    names = config.get("label_names") or _numbered(config.get("id2label"))
    if not isinstance(names, list) or len(names) != classes or not all(isinstance(name, str) for name in names):
        return ()
    descriptions = config.get("label_descriptions")
    told = descriptions if isinstance(descriptions, dict) else {}
    return tuple(str(told.get(name, name))[:LONGEST_LABEL] for name in names)


def _numbered(names: Any) -> list[Any] | None:
    """Return the names in id2label, in the order of their numbers; None if they are not numbered from 0."""
    if not isinstance(names, dict) or set(names) != {str(at) for at in range(len(names))}:
        return None
    return [names[str(at)] for at in range(len(names))]


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
            resample=values["interpolation"] if values.get("interpolation") in RESAMPLES else usual.resample,
        )
    except (ParamError, TypeError, ValueError):
        return None
