"""Write model_adapters/pytorch/data/architectures.json: a fingerprint of every classifier in torchvision and timm.

Nearly all are built on the meta device, without memory for their weights. A run takes a few minutes.
Usage: python -m scripts.build_architecture_index
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from model_adapters.pytorch.architecture_index import counts, fingerprint, first_part, parts_without_head
from model_adapters.pytorch.architectures import build, import_timm, import_torchvision_models
from xai_core.preprocessing import Preprocessing

TARGET = Path(__file__).resolve().parents[1] / "model_adapters/pytorch/data/architectures.json"
CLASSES = 1013  # a prime that no layer width equals: a tensor with this many rows belongs to the head


def main() -> None:
    """Build every network once and write the index."""
    torchvision, timm = import_torchvision_models(), import_timm()
    entries: dict[str, Any] = {}
    for name in sorted(torchvision.list_models(module=torchvision)):
        _add(entries, f"torchvision/{name}", _declared_by_torchvision)
    for name in sorted(timm.list_models()):
        _add(entries, f"timm/{name}", _declared_by_timm)
    TARGET.write_text(_as_json(entries), "utf-8")
    print(f"{len(entries)} architectures, {TARGET.stat().st_size >> 10} KB")


def _add(entries: dict[str, Any], name: str, declared: Any) -> None:
    try:
        module = _built(name)
        marks, trunk = _marks(module)
        entries[name] = (*marks, *declared(name, module), *trunk)
    except Exception as error:  # a network that cannot be built cannot be recognised either
        print(f"skipped {name}: {type(error).__name__}: {str(error).splitlines()[0][:100]}", file=sys.stderr)


def _built(name: str) -> torch.nn.Module:
    try:
        with torch.device("meta"):
            return build(name, CLASSES)
    except NotImplementedError:  # RegNet reads its widths back from tensors
        return build(name, CLASSES)


def _marks(module: torch.nn.Module) -> tuple[tuple[str, tuple[str, ...], str], tuple[str, tuple[str, ...]]]:
    """Return fingerprint, head and stem, and the fingerprint and the parts of the trunk."""
    tensors = {k: v for k, v in module.state_dict().items() if v.is_floating_point() and counts(k)}
    shapes = {k: tuple(v.shape) for k, v in tensors.items()}
    head = tuple(k for k, shape in shapes.items() if shape[:1] == (CLASSES,))
    if not head or any(CLASSES in shape[1:] for shape in shapes.values()):
        raise ValueError("no classification head")
    stem = next((k for k, shape in shapes.items() if len(shape) == 4 and shape[1] == 3), "")
    parts = parts_without_head(shapes, head)
    trunk = {k: shape for k, shape in shapes.items() if first_part(k) in parts}
    return (fingerprint(shapes, head, stem), head, stem), (fingerprint(trunk, (), stem), parts)


def _declared_by_torchvision(name: str, module: Any) -> tuple[Preprocessing, bool]:
    plain = name.removeprefix("torchvision/")
    look = next(iter(import_torchvision_models().get_model_weights(plain))).transforms()
    size, resized = look.crop_size[0], look.resize_size[0]
    share = round(size / resized, 4)
    fixed = plain.startswith(("vit_", "maxvit_"))
    return Preprocessing(size, size, crop_share=share, mean=tuple(look.mean), std=tuple(look.std)), fixed


def _declared_by_timm(name: str, module: Any) -> tuple[Preprocessing, bool]:
    config = module.pretrained_cfg
    _, height, width = config["input_size"]
    fit = "squash" if config.get("crop_mode") == "squash" else "crop"
    share = round(min(1.0, config.get("crop_pct") or 0.875), 4)
    look = Preprocessing(height, width, fit, share, mean=tuple(config["mean"]), std=tuple(config["std"]))
    return look, bool(config.get("fixed_input_size"))


def _as_json(entries: dict[str, Any]) -> str:
    heads = sorted({head for _, head, *_ in entries.values()})
    stems = sorted({stem for _, _, stem, *_ in entries.values()}, reverse=True)
    looks = sorted({json.dumps(entry[3].to_json()) for entry in entries.values()})
    parts = sorted({parts for *_, parts in entries.values()})
    rows = [
        f"{json.dumps(name)}:"
        + json.dumps(
            [
                *(mark, heads.index(head), stems.index(stem), looks.index(json.dumps(look.to_json())), int(fixed)),
                *(trunk, parts.index(trunk_parts)),
            ]
        )
        for name, (mark, head, stem, look, fixed, trunk, trunk_parts) in entries.items()
    ]
    lists = [f'"heads":{json.dumps(heads)}', f'"stems":{json.dumps(stems)}', f'"declared":[{",".join(looks)}]']
    lists.append(f'"parts":{json.dumps(parts)}')
    return "{" + ",\n".join([*lists, '"architectures":{\n' + ",\n".join(rows) + "\n}"]) + "}\n"


if __name__ == "__main__":
    main()
